"""The ``--device`` option."""

from typing import Annotated

import typer

Device = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda or cuda:N; by default the GPU if there is one.")
]


def chosen_device(name: str | None) -> str:
    """Return the device to run on.

    Raises:
        InvalidValueError: There is no such device.
    """
    import torch

    from ..errors import InvalidValueError, explain

    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    known = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    known += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if name not in known:
        raise InvalidValueError(explain("--device", repr(name), f"one of {', '.join(known)}"))
    return name
