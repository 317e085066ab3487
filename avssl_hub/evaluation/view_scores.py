"""Scores of AVSA's pretraining on what it has not seen: how often a translation is nearest to its own view.

Run ``python -m avssl_hub.evaluation.view_scores RUN_DIR`` to print them as JSON, beside those of a random copy of the
network.
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
from ..models.avsa import AvsaForPreTraining, AvsaProcessor
from ..training import noted_recipe
from ..training.views.batch import ViewBatch
from ..training.views.pretraining import SpatialAlignmentRecipe
from .held_out_views import HeldOut, HeldOutViews, add_arguments
from .intervals import mean_interval


@torch.inference_mode()
def matched_views(model: AvsaForPreTraining, processor: AvsaProcessor, views: HeldOutViews[ViewBatch]) -> Tensor:
    """Share of each clip's views for which a translation is nearest to the own one of all the clip's.

    Returns:
        ``(N,)``, mean of both directions; chance is one by the number of views.
    """
    model.to(views.device).eval()
    found = []
    for batch in views.batches(processor):
        pairs = model.compared(model(batch.pixels, batch.log_mels)).values()
        own = torch.arange(batch.pixels.shape[1], device=views.device)
        hits = [(queries @ keys.mT).argmax(2) == own for queries, keys in pairs]
        found.append(torch.stack(hits).float().mean((0, 2)))
    return torch.cat(found).cpu()


def score(folder: Path, chosen: HeldOut, random: bool = False) -> dict[str, Any]:
    """Score a finished run.

    Args:
        folder: A finished run of pretraining on several views.
        chosen: What to score on.
        random: Whether to score fresh weights of the run's seed instead of the trained ones.

    Returns:
        ``matched_views`` in percent and its 95 % interval for clips drawn anew.

    Raises:
        InvalidValueError: The folder's run is of another task or of single views, or there is nothing to score on.
    """
    recipe = noted_recipe(folder)
    if not isinstance(recipe, SpatialAlignmentRecipe) or recipe.views.count < 2:
        got, expected = f"{recipe.task!r} on {recipe.views.count} views", "'spatial_alignment' on 2 or more"
        raise InvalidValueError(explain(f"task of {folder}", got, expected))
    model = AvsaForPreTraining.from_pretrained(folder)
    if random:
        torch.manual_seed(recipe.seed)
        model = AvsaForPreTraining(model.config)
    views = HeldOutViews(recipe, chosen, folder)
    values = 100 * matched_views(model, AvsaProcessor.from_pretrained(folder), views).double().numpy()
    interval = mean_interval([(values, np.arange(len(values)))])
    return {"matched_views": values.mean(), "matched_views_interval": interval, **views.told()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    options = vars(parser.parse_args(arguments))
    folder = options.pop("run")
    chosen = HeldOut(**options)
    found = {name: score(folder, chosen, random=name == "random") for name in ("trained", "random")}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
