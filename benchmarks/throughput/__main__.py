"""Command line of the throughput benchmark: ``python -m benchmarks.throughput``."""

import argparse
import json
import os
import sys
import tempfile
from datetime import date
from pathlib import Path

# One thread unless a section says otherwise; libraries read this when they are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SECTIONS = (
    "input",
    "towers",
    "scenes",
    "spatial",
    "objectives",
    "train",
    "sounds",
    "classifiers",
    "emd",
    "views",
    "load",
)
VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm")
RECORDINGS = 20  # of the section on sounds
SOUNDS = (".ogg", ".wav", ".flac", ".mp3")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a Markdown table, and write JSON on request."""
    options = _parser().parse_args(arguments)
    from ._measure import machine
    from ._report import markdown

    results = {"benchmark": "throughput", "date": date.today().isoformat(), "machine": machine(), "sections": {}}
    for name in [options.only] if options.only else SECTIONS:
        print(f"-- {name}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            results["sections"][name] = _measure(name, options, Path(folder))
    print(markdown(results), end="")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument(
        "--videos", type=Path, help="folder of files with picture and sound (default: ucf101-mini in $AVSSL_DATA)"
    )
    parser.add_argument("--sounds", type=Path, help="copy of ESC-10 (default: esc10 in $AVSSL_DATA)")
    parser.add_argument("--clips", type=int, default=60, help="clips of the input section (default: 60)")
    parser.add_argument("--rounds", type=int, default=5, help="times everything is measured (default: 5)")
    parser.add_argument("--only", choices=SECTIONS, help="measure one section")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    return parser


def _measure(name: str, options: argparse.Namespace, folder: Path) -> dict:
    if name == "input":
        files = _files(options.videos, VIDEOS, "--videos", "ucf101-mini/videos")
        from . import input_pipeline

        return input_pipeline.run(files, options.clips, options.rounds, folder)
    if name == "towers":
        from . import towers

        return towers.run(options.rounds)
    if name == "scenes":
        from . import scenes

        return scenes.run(options.rounds, folder)
    if name == "spatial":
        from . import spatial

        return spatial.run(options.rounds)
    if name == "objectives":
        from . import objectives

        return objectives.run(options.rounds)
    if name == "train":
        from . import train

        return train.run(options.rounds, _files(options.videos, VIDEOS, "--videos") if options.videos else ())
    if name == "sounds":
        files = _files(options.sounds, SOUNDS, "--sounds", "esc10/audio")
        from . import sound_features

        return sound_features.run(files[:: max(1, len(files) // RECORDINGS)][:RECORDINGS], options.rounds)
    if name == "classifiers":
        from . import sound_classifiers

        return sound_classifiers.run(options.sounds or _data("esc10"), folder)
    if name == "emd":
        from . import emd

        return emd.run(options.rounds)
    if name == "views":
        from . import views

        return views.run(options.rounds)
    from . import load

    return load.run(options.rounds, folder)


def _files(folder: Path | None, suffixes: tuple[str, ...], option: str, usual: str = "") -> list[Path]:
    folder = folder or _data(usual)
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes) if folder.is_dir() else []
    if not files:
        sys.exit(f"files to measure on: got none in {folder}; expected some of {', '.join(suffixes)}. Pass {option}.")
    return files


def _data(usual: str) -> Path:
    return Path(os.environ.get("AVSSL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"), usual)


if __name__ == "__main__":
    sys.exit(main())
