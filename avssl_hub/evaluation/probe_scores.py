"""Scores of finished probes, AVC-Bin and AVSA-Bin (section 4.2): how often a clip is judged rightly by all its views.

Run ``python -m avssl_hub.evaluation.probe_scores RUN_DIR`` to print them as JSON. Table 2 of the paper has, in percent
and behind AVSA, 91.67 and 68.87 of four views, 86.19 and 64.97 of one, and behind the transformers 89.83 and 69.97.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidValueError, explain
from ..models.avsa import AvsaForAudioVisualCorrespondence, AvsaForSpatialAlignment, AvsaProcessor, draw_partners
from ..training import noted_recipe
from ..training.views.batch import ViewBatch
from ..training.views.probes import AlignmentProbeRecipe, ProbeRecipe
from .held_out_views import HeldOut, HeldOutViews, add_arguments
from .intervals import mean_interval

# Of AVSA-Bin without translation; all others are tested once.
PASSES = 10


@torch.inference_mode()
def judged_rightly(
    model: AvsaForAudioVisualCorrespondence | AvsaForSpatialAlignment,
    processor: AvsaProcessor,
    views: HeldOutViews[ViewBatch],
) -> Tensor:
    """Tell of each clip the share of its pairs that are judged rightly, the mean of its views' logits deciding.

    Returns:
        ``(N,)``. Of correspondence a clip has two pairs: its own sound, and another's of its batch; chance is a half.
    """
    model.to(views.device).eval()
    corresponds = isinstance(model, AvsaForAudioVisualCorrespondence)
    generator, found = torch.Generator().manual_seed(0), []
    for batch in views.batches(processor):
        pairs = {"labels": batch.turned}
        if corresponds:
            pairs = {"partners": draw_partners(len(batch.items), generator).to(batch.items.device)}
        output = model(batch.pixels, batch.log_mels, **pairs)
        right = (output.logits.argmax(1) == output.labels).float()
        found.append(right.unflatten(0, (-1, len(batch.items))).mean(0))
    return torch.cat(found).cpu()


def score(folder: Path, chosen: HeldOut) -> dict[str, Any]:
    """Score a finished run.

    Returns:
        ``accuracy`` in percent and its 95 % interval for clips drawn anew.

    Raises:
        InvalidValueError: The folder's run is of another task, or there is nothing to score on.
    """
    recipe = noted_recipe(folder)
    if not isinstance(recipe, ProbeRecipe):
        expected = "'correspondence_probe' or 'spatial_alignment_probe'"
        raise InvalidValueError(explain(f"task of {folder}", repr(recipe.task), expected))
    views = HeldOutViews(recipe, chosen, folder)
    model, processor = recipe.network.from_pretrained(folder), AvsaProcessor.from_pretrained(folder)
    values = 100 * judged_rightly(model, processor, views).double().numpy()
    interval = mean_interval([(values, np.arange(len(values)))])
    return {"task": recipe.task, "accuracy": values.mean(), "accuracy_interval": interval, **views.told()}


def default_passes(folder: Path) -> int:
    """Clips of each film in the release's test."""
    recipe = noted_recipe(folder)
    translated = recipe.model.get("matching_translation", False)
    return PASSES if isinstance(recipe, AlignmentProbeRecipe) and not translated else 1


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--passes", type=int, help="clips of each film; by default the release's")
    parser.add_argument("--augmented", action="store_true", help="with the changes of training")
    options = vars(parser.parse_args(arguments))
    folder = options.pop("run")
    options["passes"] = options["passes"] or default_passes(folder)
    print(json.dumps(score(folder, HeldOut(**options)), indent=2))


if __name__ == "__main__":
    main()
