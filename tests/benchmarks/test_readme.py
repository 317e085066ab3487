"""What the README shows is what there is."""

import inspect
import shlex

from benchmarks import _tasks
from benchmarks.__main__ import _parser
from benchmarks.adapters.videomae import VideoMaeEncoder

README = (_tasks.ROOT / "README.md").read_text(encoding="utf-8")
PREFIX = "python -m benchmarks "


def test_every_command_is_one():
    commands = [line.removeprefix(PREFIX) for line in README.splitlines() if line.startswith(PREFIX)]
    assert len(commands) >= 6
    for command in commands:
        options = _parser("").parse_args(shlex.split(command, comments=True))
        if "protocol" in options:
            task = _tasks.load_task(options.task)
            assert options.protocol in (None, *task.protocols)


def test_the_adapter_is_the_one_in_its_file():
    assert inspect.getsource(VideoMaeEncoder) in README
