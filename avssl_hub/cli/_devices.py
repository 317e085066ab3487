"""What a machine has to work with: the ``--device`` option, and processors."""

import os
from typing import Annotated

import typer

Device = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda or cuda:N; by default the GPU if there is one.")
]


def chosen_device(name: str | None, local_rank: int = 0) -> str:
    """Return the device to run on.

    Args:
        name: What the user asked for.
        local_rank: Number of this process on its machine, where ``cuda`` without a number means one GPU a process.

    Raises:
        InvalidValueError: There is no such device.
    """
    import torch

    from ..errors import InvalidValueError, explain

    numbered = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if name is None:
        name = "cuda" if numbered else "cpu"
    known = ["cpu", *(["cuda"] if numbered else []), *numbered]
    if name not in known:
        raise InvalidValueError(explain("--device", repr(name), f"one of {', '.join(known)}"))
    return numbered[local_rank % len(numbered)] if name == "cuda" else name


def core_count() -> int:
    """Count the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
