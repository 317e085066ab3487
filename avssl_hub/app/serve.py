"""The page on this machine: where it listens, and what it leaves behind, which is nothing."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import InvalidValueError, MissingExtraError, explain
from .limits import Limits


@dataclass(frozen=True)
class AppSettings:
    """How the page is served.

    Attributes:
        host: Address to listen on; by default only this machine reaches it, ``"0.0.0.0"`` lets others in.
        port: Port to listen on; 0 takes any that is free.
        device: Where models run.
        limits: Of the films.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    device: str = "cpu"
    limits: Limits = field(default_factory=Limits)


def serve(settings: AppSettings | None = None, announce: Callable[[str], object] | None = None) -> None:
    """Serve the page until Ctrl-C or SIGTERM; call it from the main thread.

    Args:
        settings: How the page is served.
        announce: Called with the page's address when it is ready.

    Raises:
        MissingExtraError: The extra ``app`` is not installed.
        InvalidValueError: The address cannot be listened on.
    """
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with served(settings or AppSettings()) as address:
            if announce:
                announce(address)
            ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def served(settings: AppSettings) -> Iterator[str]:
    """Serve the page in the background during the block; gives its address, and raises as :func:`serve`."""
    if find_spec("gradio") is None:
        step = "Run: pip install 'avssl-hub[app]'"
        raise MissingExtraError(explain("the web page", "no module gradio", "the extra 'app'", step))
    port = _free_port(settings.host, settings.port)
    with TemporaryDirectory(prefix="avssl-app-") as name:
        examples, uploads, results = (Path(name, part) for part in ("examples", "films", "results"))
        for folder in (examples, uploads, results):
            folder.mkdir()
        # Gradio looks at these when it is imported, and when it makes components.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=name)
        from .examples import make_examples
        from .launch import launch
        from .page import build_page
        from .work import Workshop

        workshop = Workshop(results, settings.limits, settings.device)
        page = build_page(workshop, make_examples(examples))
        launch(page, settings.host, port, settings.limits.megabytes, examples)
        try:
            yield f"http://{settings.host}:{port}"
        finally:
            workshop.close()
            page.close(verbose=False)


def _free_port(host: str, port: int) -> int:
    """Return the port, or one that is free in the place of 0."""
    try:
        with socket.create_server((host, port)) as trial:
            return trial.getsockname()[1]
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        step = "Choose another with --port, or 0 for any that is free."
        raise InvalidValueError(explain(f"port {port} of {host}", reason, "one that is free", step)) from error
