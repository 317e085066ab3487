"""Command line that fits our spatial prior to a training set: ``python -m benchmarks.spatial_audio.prior``."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from avssl_hub.data.datasets import build
from avssl_hub.data.datasets.spatial_audio_gen import NAMES
from avssl_hub.data.manifest import Manifest
from avssl_hub.data.spatial import SpatialFolder, channel_layouts, layout_mask
from avssl_hub.errors import AvsslError, InvalidValueError, explain
from avssl_hub.evaluation.spatial.steering import CHANNELS, ConstantSteering, mean_steering
from avssl_hub.outputs import check_new


def main(arguments: list[str] | None = None) -> int:
    """Fit the constants, print and write them."""
    options = _parser().parse_args(arguments)
    try:
        check_new(options.out, options.force)
        manifest = training_videos(options.data, options.kind, options.list, options.split)
        model = ConstantSteering(mean_steering(chunks(manifest)).tolist())
        model.save(options.out)
    except AvsslError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    told = ", ".join(f"{channel} {value:+.4f}" for channel, value in zip(CHANNELS, model.steering.tolist()))
    print(f"{len(manifest)} videos: {told}")
    return 0


def training_videos(folder: Path, kind: str | None, listing: Path | None, split: str) -> Manifest:
    """List the videos to fit to: the training side of a published split, or all prepared videos of a folder.

    Raises:
        AvsslError: There is none, or the list is wrong.
    """
    if kind is None:
        manifest = build("prepared_360", folder, listing).manifest
    else:
        manifest = build(kind, folder, listing, split).manifest
        manifest = manifest and manifest.where(split="train")
    if manifest is None:
        raise InvalidValueError(explain(f"prepared videos in {folder}", "none", "at least one"))
    return manifest


def chunks(manifest: Manifest) -> Iterator[tuple[Tensor, Tensor]]:
    """Give the chunks that an evaluation would take, a tenth of a second in each, with the video's layout."""
    for item, layout in zip(manifest, channel_layouts(manifest)):
        video, mask = SpatialFolder(item.path), layout_mask(layout)
        for time in video.powers.evaluation():
            yield video.sound(video.rules.sample(time), video.rules.chunk_samples), mask


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spatial_audio.prior", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared videos")
    parser.add_argument("--kind", choices=sorted(NAMES), help="published set (default: all videos of the folder)")
    parser.add_argument("--list", type=Path, help="the authors' folder meta, of a published set")
    parser.add_argument("--split", choices=("1", "2", "3"), default="1", help="of a published set (default: 1)")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--force", action="store_true", help="replace the file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
