"""Scores of a finished segmentation by AVSA's rules (section 4.3): how many pixels are right, and how classes overlap.

Run ``python -m avssl_hub.evaluation.segmentation_scores RUN_DIR`` to print them as JSON.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InvalidValueError, explain
from ..models.avsa import AvsaForSemanticSegmentation, AvsaProcessor
from ..training import noted_recipe
from ..training.views.labelled import LabelledBatch
from ..training.views.segmentation import SegmentationRecipe
from .held_out_views import HeldOut, HeldOutViews, add_arguments
from .intervals import mean_interval
from .segmentation import mean_intersection_over_union, overlaps, pixel_accuracy

# Width of the test's views, in the degrees of the recipes.
WIDTH_DEGREES = 90.0
PASSES = 10


@torch.inference_mode()
def score_segmentation(
    model: AvsaForSemanticSegmentation, processor: AvsaProcessor, views: HeldOutViews[LabelledBatch]
) -> dict[str, Any]:
    """Score a model, in percent.

    Both of the paper's figures are means over batches, of which all have as many views. Batches without a labelled
    pixel do not count. The release's log calls the overlap pixel accuracy as well; here each has its own name.

    Returns:
        ``pixel_accuracy`` and ``mean_iou`` as the paper has them, each with a 95 % interval for batches drawn anew;
        ``commonest_class``, the accuracy of naming everywhere the class that most pixels have; and ``class_iou``, of
        each class over all views together, None for one that is neither there nor found, and its mean.
    """
    model.to(views.device).eval()
    ignored, names = model.config.semantic_loss_ignore_index, model.config.id2label
    rows, both, either, true = [], 0, 0, 0
    for batch in views.batches(processor):
        logits = model(batch.views.pixels, batch.views.log_mels).logits
        found, labels = logits.argmax(2).flatten(0, 1), batch.labels.flatten(0, 1)
        overlap = mean_intersection_over_union(found, labels, len(names), ignored)
        rows.append([pixel_accuracy(found, labels, ignored).item(), overlap.item()])
        intersection, union = overlaps(found, labels, len(names), ignored)
        both, either = both + intersection.sum(1), either + union.sum(1)
        true = true + torch.bincount(labels[labels != ignored], minlength=len(names))
    figures = np.array([row for row in rows if not np.isnan(row).any()])
    if not len(figures):
        raise InvalidValueError(explain("label maps", "no labelled pixel in any view", "some of the model's classes"))
    told = {}
    for name, values in zip(("pixel_accuracy", "mean_iou"), 100 * figures.T):
        told |= {name: values.mean(), f"{name}_interval": mean_interval([(values, np.arange(len(values)))])}
    shares = (100 * both / either).tolist()
    of_classes = {names[number]: None if share != share else share for number, share in enumerate(shares)}
    shown = [share for share in of_classes.values() if share is not None]
    commonest = 100 * true.max().item() / true.sum().item()
    return {**told, "commonest_class": commonest, "class_iou": of_classes, "mean_class_iou": sum(shown) / len(shown)}


def score(folder: Path, chosen: HeldOut) -> dict[str, Any]:
    """Score a finished run; see :func:`score_segmentation`.

    Views are as wide as the release's are in its test, where the run was trained with the release's rules.

    Raises:
        InvalidValueError: The folder's run is of another task, or there is nothing to score on.
    """
    recipe = noted_recipe(folder)
    if not isinstance(recipe, SegmentationRecipe):
        raise InvalidValueError(explain(f"task of {folder}", repr(recipe.task), "'segmentation'"))
    if not recipe.views.true_widths:
        recipe = replace(recipe, views=replace(recipe.views, width_degrees=(WIDTH_DEGREES, WIDTH_DEGREES)))
    views = HeldOutViews(recipe, chosen, folder)
    model = AvsaForSemanticSegmentation.from_pretrained(folder)
    return score_segmentation(model, AvsaProcessor.from_pretrained(folder), views) | views.told()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, labels=True)
    parser.add_argument("--passes", type=int, help=f"clips of each film; by default the paper's {PASSES}, 1 of AVWorld")
    parser.add_argument("--still", action="store_true", help="without the changes of training, which the release keeps")
    options = vars(parser.parse_args(arguments))
    folder, still = options.pop("run"), options.pop("still")
    options["passes"] = options["passes"] or (PASSES if options["manifest"] else 1)
    print(json.dumps(score(folder, HeldOut(augmented=not still, **options)), indent=2))


if __name__ == "__main__":
    main()
