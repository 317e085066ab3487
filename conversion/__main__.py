"""Command line of the converters: ``python -m conversion NAME --checkpoint FILE | --download [--out DIR]``."""

import argparse
import sys
from pathlib import Path

from avssl_hub.errors import AvsslError

from .registry import convert, names


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conversion", description=__doc__)
    parser.add_argument("name", help=f"checkpoint to make: {', '.join(names())}")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path, metavar="FILE", help="the authors' file, already here")
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


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        report = convert(options.name, options.checkpoint, options.out, banks=options.banks, force=options.force)
    except AvsslError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    print(report.summary())
    return 0


if __name__ == "__main__":
    sys.exit(main())
