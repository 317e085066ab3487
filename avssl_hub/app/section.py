"""The section of one ability: what it is, its buttons, what is said, and what is shown."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from .abilities import Ability
from .answer import Answer, answer
from .work import Workshop

# Without the buttons that send what is shown to other sites.
_COMPONENTS: dict[str, Callable[..., Any]] = {
    "video": lambda **place: gr.Video(buttons=["download"], height=360, **place),
    "image": lambda **place: gr.Image(buttons=["download", "fullscreen"], **place),
    "audio": lambda **place: gr.Audio(buttons=["download"], **place),
    "file": gr.File,
}
_MOST_WAITING = 20  # for one section; each holds a thread


def add_section(workshop: Workshop, ability: Ability, film: gr.Video, model: gr.Dropdown) -> gr.Button:
    """Add a section to the page that is being laid out.

    Args:
        workshop: Does the work.
        ability: What the section shows.
        film: Holds the film.
        model: Holds the name of the model.

    Returns:
        The button that starts the work.
    """
    gr.Markdown(f"## {ability.title}\n{ability.about}")
    with gr.Row():
        start = gr.Button(ability.button, variant="primary", elem_id=f"{ability.name}-start")
        stop = gr.Button("Cancel", scale=0, min_width=110, elem_id=f"{ability.name}-stop")
    said = gr.Markdown(min_height=60, elem_id=f"{ability.name}-said")
    outputs = []
    for row in ability.rows:
        with gr.Row():
            for output in row:
                place = {"label": output.label, "visible": False, "interactive": False, "min_width": 280}
                outputs.append(_COMPONENTS[output.kind](**place))

    def work(film: str | None, model: str, request: gr.Request, progress=gr.Progress()) -> list[Any]:  # noqa: B008
        def tick(done: int, total: int, what: str) -> None:
            progress((done, total), desc=what, unit="")

        given = None if film is None else Path(film)
        return _updates(answer(workshop, request.session_hash, ability, model, given, tick))

    def cancel(request: gr.Request) -> None:
        workshop.cancel(request.session_hash)

    # The workshop has whoever asks wait for his turn; Gradio's own queue would keep him from cancelling.
    start.click(work, [film, model], [said, *outputs], concurrency_limit=_MOST_WAITING, show_progress_on=said)
    stop.click(cancel, queue=False)
    return start


def _updates(found: Answer) -> list[Any]:
    if found.kind == "note":
        # What was there before is still so.
        return [_told(found.kind, found.lines), *(gr.skip() for _ in found.files)]
    files = (gr.update(value=file and str(file), visible=file is not None) for file in found.files)
    return [_told(found.kind, found.lines), *files]


def _told(kind: str, lines: Sequence[str]) -> str:
    # As HTML, in which names of files are not taken for Markdown.
    return "".join(f'<p class="told {kind}">{escape(line)}</p>' for line in lines)
