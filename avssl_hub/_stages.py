"""What every module of a network gives on the way to its output."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn

Kept = TypeVar("Kept")


def run_stages(
    model: nn.Module, inputs: Mapping[str, torch.Tensor], keep: Callable[[torch.Tensor], Kept]
) -> dict[str, Kept]:
    """Run a network once and keep something of every intermediate tensor.

    Args:
        model: The network, in evaluation mode.
        inputs: What its ``forward`` takes.
        keep: Called with each tensor before anything can change it.

    Returns:
        What ``keep`` gave by stage, in the order of computation: the module's path, with an index where it gives
        several tensors and with ``#2`` and so on where it runs again, and ``output.<field>``.
    """
    kept: dict[str, Kept] = {}

    def note(name: str, value: Any) -> None:
        for place, tensor in _tensors(name, value):
            again = sum(stage.partition("#")[0] == place for stage in kept)
            kept[f"{place}#{again + 1}" if again else place] = keep(tensor)

    def hook(name: str, module: nn.Module, arguments: tuple, value: Any) -> None:
        note(name, value)

    handles = [module.register_forward_hook(partial(hook, name)) for name, module in model.named_modules() if name]
    try:
        with torch.inference_mode():
            output = model(**inputs)
    finally:
        for handle in handles:
            handle.remove()
    note("output", output)
    return kept


def _tensors(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tensors(f"{name}.{key}", item)
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from _tensors(f"{name}[{index}]", item)
