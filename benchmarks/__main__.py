"""Command line: ``python -m benchmarks ls | run | cross-modal | validate | leaderboard | compare | export``."""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from avssl_hub.cli._console import count, note, progress_bar, say, say_error, show, table
from avssl_hub.errors import AvsslError, InvalidValueError, explain, some_of

from ._tasks import ROOT, external_figures, list_tasks, load_task

CONTROLS = ("random-weights", "shuffled-labels")


def main(arguments: list[str] | None = None, name: str = "python -m benchmarks") -> int:
    """Run a command, called by ``name``; 0 if all is well, 1 if a result is wrong, 2 for an error of the user."""
    options = _parser(name).parse_args(arguments)
    try:
        return options.command(options)
    except AvsslError as error:
        say_error(str(error))
        return 2
    except KeyboardInterrupt:
        note("Interrupted. What is finished is kept: give the same command again to go on.")
        return 130


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("ls", help="list the tasks").set_defaults(command=_ls)

    run = commands.add_parser("run", help="score a model on a task")
    run.set_defaults(command=_run)
    run.add_argument("--task", required=True, help=f"one of {', '.join(list_tasks())}")
    run.add_argument("--model", required=True, help="name, folder or Hub id, or a baseline of the protocol")
    run.add_argument("--adapter", help="module:Class that makes another library's model an encoder")
    run.add_argument(
        "--data", required=True, type=Path, help="folder of the copy or hf://owner/name; for one's own data a manifest"
    )
    run.add_argument("--out", required=True, type=Path, help="folder of results")
    run.add_argument("--list", type=Path, help="the official list, if it does not lie in its usual place")
    run.add_argument("--protocol", help="by default the task's first")
    run.add_argument("--recipe", help="of a protocol that trains, a name or a YAML file; by default the task's")
    run.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change the recipe, as loop.epochs=2"
    )
    run.add_argument(
        "--modality", choices=("audio", "video", "both"), help="what to look at, where the task leaves it open"
    )
    run.add_argument("--control", choices=CONTROLS, help="what chance scores: no training, or nothing to learn")
    run.add_argument("--seed", type=int, default=0, help="of classifiers and controls (default: 0)")
    run.add_argument("--allow-missing", action="store_true", help="score a part of the data; the result says so")
    run.add_argument("--force", action="store_true", help="replace a result that exists")
    run.add_argument("--device", help="cpu, cuda or cuda:N; by default the GPU if there is one")
    run.add_argument("--batch-size", type=int, default=10, help="clips a forward pass (default: 10)")
    run.add_argument("--cache", type=Path, help="keeps features and training runs (default: in $AVSSL_HOME)")

    pairs = commands.add_parser("cross-modal", help="how often pictures find their own sound, and the reverse")
    pairs.set_defaults(command=_cross_modal)
    pairs.add_argument("table", type=Path, help="embeddings of files with both, by 'avssl embed', .parquet")

    validate = commands.add_parser("validate", help="check results")
    validate.set_defaults(command=_validate)
    validate.add_argument("paths", nargs="*", type=Path, help="files or folders (default: the project's own results)")

    board = commands.add_parser("leaderboard", help="render results as a page, plots and Markdown")
    board.set_defaults(command=_leaderboard)
    board.add_argument("--results", nargs="+", type=Path, help="folders of results (default: the project's own)")
    board.add_argument("--out", type=Path, help="folder to write; without it the table is printed")
    board.add_argument("--force", action="store_true", help="replace a leaderboard that --out has")
    board.add_argument("--write", action="store_true", help="bring README and model cards of the checkout up to date")

    compare = commands.add_parser("compare", help="set results side by side, on the tasks that all of them have")
    compare.set_defaults(command=_compare)
    compare.add_argument("subjects", nargs="+", metavar="A B", help="result files, folders of them, or model names")
    compare.add_argument("--results", nargs="+", type=Path, help="folders in which models are looked up")

    export = commands.add_parser("export", help="write a model as another benchmark wants it")
    export.set_defaults(command=_export)
    export.add_argument("form", choices=("hear",), help="hear: a package with a module of HEAR 2021")
    export.add_argument("--model", required=True, help="name, folder or Hub id")
    export.add_argument("-o", "--out", required=True, type=Path, help="folder of the package")
    export.add_argument("--force", action="store_true", help="replace a package that exists")
    return parser


def _ls(options: argparse.Namespace) -> int:
    rows = table("task", "data", "looks at", "recordings", "classes", "splits", "protocols", "published figures")
    for name in list_tasks():
        task = load_task(name)
        counts = [str(number or "") for number in (task.recordings, task.classes, len(task.splits))]
        figures = str(len(external_figures(name)) or "")
        rows.add_row(name, task.title, task.modality, *counts, ", ".join(task.protocols), figures)
    show(rows)
    return 0


def _run(options: argparse.Namespace) -> int:
    from avssl_hub import zoo
    from avssl_hub.cli._devices import chosen_device
    from avssl_hub.jobs.ranks import joined_ranks
    from avssl_hub.outputs import check_new, make_folder, replacing

    from ._data import load_data
    from ._models import load_subject
    from ._results import check_result, place_of, protocol_label, text_of
    from ._run import choose, run

    asked = options.protocol, options.modality, options.control, options.seed, options.recipe, options.set
    choices = choose(load_task(options.task), *asked)
    data = load_data(choices.task, options.data, options.list, options.allow_missing)
    with joined_ranks() as ranks:
        random_seed = options.seed if options.control == "random-weights" else None
        device = chosen_device(options.device, ranks.local_rank)
        given = device, options.batch_size, random_seed, options.adapter
        subject = load_subject(options.model, choices.protocol, *given)
        place = options.out / place_of(
            choices.task,
            data.name,
            choices.modality,
            protocol_label(choices.protocol.name, asdict(choices.protocol)),
            subject.name,
            subject.revision,
            choices.control,
        )
        make_folder(place.parent)
        check_new(place, options.force)
        bar = partial(progress_bar, shown=ranks.local_rank == 0)
        result = run(choices, data, subject, options.cache or zoo.features_path(), bar, ranks)
        if result is None:
            return 0
        # As the file will be read.
        text = text_of(result)
        check_result(json.loads(text), "the result")
        with replacing(place) as partly:
            partly.write_text(text, encoding="utf-8")
    _tell(result, place)
    return 0


def _tell(result: dict, place: Path) -> None:
    from ._metrics import number, unit

    task, score, layers = result["task"], result["score"], result["layers"]
    names = [split["name"] for split in layers[score["layer"]]["splits"]]
    metric = result["metric"]
    further = {name: unit(name) for name in score["further"]}
    heads = [f"{name} {'' if of == unit(metric) else of}".strip() for name, of in further.items()]
    rows = table("layer", f"{metric} {unit(metric)}".rstrip(), "95 % interval", "of clips", *heads, *names)
    for name, layer in layers.items():
        low, high = (number(metric, end) for end in layer["interval"])
        clips = "" if layer["clip_accuracy"] is None else number(metric, layer["clip_accuracy"])
        beside = [number(*figure) for figure in layer["further"].items()]
        of_splits = [number(metric, split["accuracy"]) for split in layer["splits"]]
        rows.add_row(name, number(metric, layer["accuracy"]), f"{low} to {high}", clips, *beside, *of_splits)
    show(rows)
    part = f", only a part of it ({task['part']})" if task["part"] else ""
    told = f"{number(metric, score['accuracy'])} {unit(metric)}".rstrip()
    say(f"{task['title']}{part}: {metric} {told} from {score['layer']}")
    classes = len(result["data"]["classes"])
    chance = f" Chance: {100 / classes:.1f} %." if classes else ""
    say(f"Reported: {result['protocol']['selection']}.{chance}")
    for reason, times in layers[score["layer"]]["splits"][0]["notes"].get("left_out", {}).items():
        say(f"Left out: {count(times, 'trial')}, since {reason}.")
    if result["control"]:
        say(f"This is the control {result['control']}, not a score of the model.")
    say(str(place))


def _cross_modal(options: argparse.Namespace) -> int:
    from avssl_hub.evaluation.cross_modal import cross_modal_retrieval

    score = cross_modal_retrieval(options.table)
    rows = table("search", *(f"R@{k} %" for k in score.recall["video_to_audio"]))
    for direction, recall in score.recall.items():
        rows.add_row(direction.replace("_", " "), *(f"{100 * share:.1f}" for share in recall.values()))
    show(rows)
    say(f"Among {count(score.files, 'file')}, each by the mean of its windows' embeddings.")
    if score.left_out:
        say(f"{count(len(score.left_out), 'file')} without picture and sound took no part: {some_of(score.left_out)}")
    return 0


def _validate(options: argparse.Namespace) -> int:
    from ._results import check_file

    files = []
    for path in options.paths or [ROOT / "results"]:
        files += sorted(path.rglob("*.json")) if path.is_dir() else [path]
    wrong = 0
    for file in files:
        try:
            check_file(file)
        except AvsslError as error:
            wrong += 1
            say_error(str(error))
    figures = sum(len(external_figures(name)) for name in list_tasks())
    say(f"{count(len(files), 'result')}, {wrong} wrong; {count(figures, 'published figure')}")
    return 1 if wrong else 0


def _leaderboard(options: argparse.Namespace) -> int:
    from ._board import collect
    from ._generated import RESULTS, outdated
    from ._leaderboard import write_leaderboard
    from ._tables import board_table

    if options.write and options.results:
        step = "Leave out one of them."
        raise InvalidValueError(explain("--write", "--results beside it", "the project's own results", step))
    entries = collect(options.results)
    if options.out:
        say(str(write_leaderboard(options.out, entries, options.force)))
    if options.write:
        for path, text in outdated(ROOT.parent, entries).items():
            path.write_text(text, encoding="utf-8")
            say(f"{path}: written")
    if not options.out and not options.write:
        say(board_table(entries, RESULTS))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from ._compare import compare, find
    from ._metrics import unit

    subjects = [find(name, options.results) for name in options.subjects]
    for comparison in compare(subjects):
        splits = list(comparison.lines[0].splits)
        score = f"{comparison.metric} {unit(comparison.metric)}".rstrip()
        rows = table(
            "result",
            score,
            "95 % interval",
            *splits,
            "difference",
            "95 % interval",
        )
        for line in comparison.lines:
            rows.add_row(line.name, line.score, line.interval, *line.splits.values(), *line.difference)
        say(f"\n{comparison.title}")
        show(rows)
        say(comparison.remark)
    return 0


def _export(options: argparse.Namespace) -> int:
    from avssl_hub.bridges.hear_package import write_hear_package

    module = write_hear_package(options.model, options.out, options.force)
    say(f"{options.out}, with the weights. Whoever gets it gets them too: see to their licence.")
    say(f"Next: pip install {options.out} && hear-validator {module}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
