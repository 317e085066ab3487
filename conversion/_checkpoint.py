"""Reading PyTorch checkpoints without running what is in them."""

import pickle
from functools import partial
from pathlib import Path

import torch

from avssl_hub.errors import CheckpointError, explain

from ._legacy import map_legacy


def load_checkpoint(path: Path) -> dict:
    """Map a checkpoint, legacy or zip, with the restricted unpickler: tensors are read when they are used.

    Raises:
        CheckpointError: The file is cut, not a checkpoint, or holds objects other than tensors and plain data.
    """
    try:
        with open(path, "rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
        load = partial(torch.load, map_location="cpu", weights_only=True, mmap=True) if is_zip else map_legacy
        checkpoint = load(path)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        expected = "tensors and plain data only; code in a pickle is never run"
        next_step = "Download it again from the address on the model card."
        raise CheckpointError(explain(f"reading {path}", reason, expected, next_step)) from error
    except Exception as error:  # damaged bytes can make the unpickler fail in any way
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'unexpected end'}"
        size = path.stat().st_size
        next_step = f"The file has {size} bytes; download it again, it may be cut."
        raise CheckpointError(explain(f"reading {path}", reason, "a whole PyTorch checkpoint", next_step)) from error
    if not isinstance(checkpoint, dict):
        got = type(checkpoint).__name__
        raise CheckpointError(explain(f"content of {path}", got, "a dictionary saved by the authors' training code"))
    return checkpoint


def entry(checkpoint: dict, key: str, path: Path) -> dict:
    """Take one dictionary out of a checkpoint."""
    if not isinstance(checkpoint.get(key), dict):
        got = f"entries {', '.join(map(repr, list(checkpoint)[:8]))}"
        raise CheckpointError(explain(f"content of {path}", got, f"an entry {key!r} with the weights"))
    return checkpoint[key]
