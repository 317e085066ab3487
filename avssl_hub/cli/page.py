"""``avssl app``: the web page."""

from typing import Annotated

import typer

from ._console import note, say
from ._devices import Device, chosen_device


def run(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any that is free.")] = 7860,
    max_size: Annotated[int, typer.Option(help="Most megabytes of a film.")] = 200,
    max_seconds: Annotated[float, typer.Option(help="Most seconds of a film.")] = 120.0,
    device: Device = None,
) -> None:
    """Serve a web page: drop a film, choose a model, and see and hear what it makes of it.

    Similarity of sound and picture over time, where in the picture it sounds, synchrony, sound on and off the screen,
    and spatial sound for 360° films. Only this machine reaches it, unless --host says otherwise. It loads nothing from
    other sites, and removes what it wrote. Needs the extra 'app'.
    """
    from ..app import AppSettings, Limits, serve

    settings = AppSettings(host, port, chosen_device(device), Limits(max_size, max_seconds))
    note("Starting …")
    serve(settings, lambda address: say(f"Open {address}   (Ctrl-C ends it)"))
