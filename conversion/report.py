"""The parity report: what was converted, and how far the result is from an independent computation."""

import datetime
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from avssl_hub import __version__
from avssl_hub._cards import Parity
from avssl_hub.errors import AvsslError, explain


@dataclass
class ParityReport:
    """Result of one conversion.

    Attributes:
        name: Catalogue name of the checkpoint.
        tolerance: Largest admissible error, as a share of the largest absolute value of each intermediate.
        dtype: Precision the comparison ran in.
        errors: That error for every intermediate compared.
        max_abs_error: Largest absolute difference of all.
        renamed: Number of tensors carried over.
        extra_keys: Keys of the original file that were not needed, so that nothing is dropped in silence.
        set_to_one: Tensors that the original network does without; one in their place leaves it as it is.
        training: Facts of the training state kept in the file, such as the epoch and the partition constant Z.
        settings: What a text beside the checkpoint says of its training.
        source_sha256: Hashes of the files that were converted, by their names.
        is_whole: Whether they are the file that the card names, and not what was unpacked from it.
        converter_commit: Last commit that changed the converters, if it is known.
    """

    name: str
    tolerance: float
    dtype: str = "float32"
    errors: dict[str, float] = field(default_factory=dict)
    max_abs_error: float = 0.0
    renamed: int = 0
    extra_keys: list[str] = field(default_factory=list)
    set_to_one: list[str] = field(default_factory=list)
    training: dict[str, float | int] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    source_url: str = ""
    source_sha256: dict[str, str] = field(default_factory=dict)
    is_whole: bool = True
    converter_commit: str | None = None
    folder: Path | None = None

    def compare(self, name: str, actual: torch.Tensor, expected: torch.Tensor) -> None:
        """Record the error of one intermediate; shapes have to agree.

        Raises:
            AvsslError: The error is above the tolerance, or not a number.
        """
        if actual.shape != expected.shape:
            raise AvsslError(explain(f"shape of {name}", tuple(actual.shape), str(tuple(expected.shape))))
        difference = (actual - expected).abs().max()
        error = (difference / expected.abs().max().clamp_min(1e-12)).item()
        self.max_abs_error = max(self.max_abs_error, difference.item())
        self.errors[name] = error
        if not error <= self.tolerance:
            expected_rule = f"at most {self.tolerance:g} of the largest value"
            raise AvsslError(explain(f"parity of {self.name} at {name}", f"{error:.2e}", expected_rule))

    def parity(self) -> Parity:
        """The result in the form of a model card."""
        return Parity(self.max_abs_error, self.tolerance, "a second statement of the network on the authors' keys")

    def write(self, path: Path) -> None:
        facts = asdict(self)
        facts.pop("folder")
        facts |= {
            "max_error": max(self.errors.values()),
            "date": datetime.date.today().isoformat(),
            "versions": {"avssl_hub": __version__, "torch": torch.__version__},
        }
        path.write_text(json.dumps(facts, indent=2) + "\n")

    def summary(self) -> str:
        lines = [
            f"{self.name}: {self.renamed} tensors written to {self.folder}",
            *(f"sha256 of {name} {digest}" for name, digest in self.source_sha256.items()),
            f"parity: {len(self.errors)} intermediates, largest error {max(self.errors.values()):.1e} "
            f"(allowed {self.tolerance:g}, {self.dtype})",
        ]
        lines += [f"training state: {', '.join(f'{key} {value:g}' for key, value in self.training.items())}"] * bool(
            self.training
        )
        lines += ["unpacked files: they cannot be checked against the archive's hash"] * (not self.is_whole)
        lines += [f"set to one: {len(self.set_to_one)} scales, without which it was trained"] * bool(self.set_to_one)
        lines += [f"not needed from the file: {', '.join(self.extra_keys)}"] * bool(self.extra_keys)
        return "\n".join(lines)
