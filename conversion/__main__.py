"""Command line of the converters: ``python -m conversion NAME --checkpoint FILE | --download [--out DIR]``.

``python -m conversion publish NAME --org ORG`` puts a finished checkpoint on the Hub.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from avssl_hub.errors import AvsslError

from . import _publish_command
from .registry import convert, names


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conversion", description=__doc__)
    parser.add_argument("name", help=f"checkpoint to make: {', '.join(names())}")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="the authors' file, or what was unpacked from it"
    )
    source.add_argument(
        "--download", action="store_true", help="fetch the authors' file first; an interrupted fetch resumes"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where to write (default: the cache that avssl_hub.load reads)",
    )
    parser.add_argument("--banks", action="store_true", help="also write the memory banks of the training")
    parser.add_argument("--force", action="store_true", help="write over an earlier conversion")
    return parser


def _show(bar: tqdm, have: int, total: int | None) -> None:
    bar.total = total
    bar.update(have - bar.n)


def _convert(options: argparse.Namespace) -> str:
    with tqdm(unit="B", unit_scale=True, desc="download", disable=not options.download) as bar:
        report = convert(
            options.name,
            options.checkpoint,
            options.out,
            banks=options.banks,
            force=options.force,
            progress=partial(_show, bar),
        )
    return report.summary()


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments[:1] == ["publish"]:
            told = _publish_command.run(arguments[1:])
        else:
            told = _convert(parser().parse_args(arguments))
    except AvsslError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
