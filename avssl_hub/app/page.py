"""The page: a film and a model on top, below a section for each thing that the model can show."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from .abilities import ABILITIES
from .chooser import Choice, choices, describe, limits_of
from .examples import Example
from .section import add_section
from .work import Workshop

_HEAD = (
    "# avssl_hub\nDrop a film, choose a model that learned from video how things look and sound, and see what it makes "
    "of it."
)
# Seconds between looks for films to remove, and after which they are.
_REMOVAL = (300, 3600)


def build_page(workshop: Workshop, examples: Sequence[Example]) -> gr.Blocks:
    """Lay the page out.

    Args:
        workshop: Does the work.
        examples: Films to try; the first one's model is chosen at the start.
    """
    known = {choice.name: choice for choice in choices()}
    first = known[examples[0].model]
    with gr.Blocks(title="avssl_hub", analytics_enabled=False, delete_cache=_REMOVAL) as page:
        gr.Markdown(_HEAD)
        with gr.Row():
            with gr.Column():
                film = gr.Video(label="Film", sources=["upload"], height=300, elem_id="film")
                with gr.Row():
                    buttons = [gr.Button(example.label, size="sm", min_width=90) for example in examples]
            with gr.Column():
                labels = [(choice.label, choice.name) for choice in known.values()]
                model = gr.Dropdown(labels, value=first.name, label="Model", elem_id="model")
                about = gr.Markdown(describe(first), elem_id="about")
                with gr.Accordion("What it cannot do", open=False):
                    bounds = gr.Markdown(limits_of(first))
        follows = [about, bounds]
        for ability in ABILITIES:
            with gr.Column(visible=ability in first.abilities) as section:
                start = add_section(workshop, ability, film, model)
            follows += [section, start]
        gr.Markdown(_footnote(workshop))
        model.change(lambda name: _chosen(known[name]), model, follows, show_progress="hidden", queue=False)
        for button, example in zip(buttons, examples):
            button.click(_giver(example), None, [film, model], queue=False)

        def left(request: gr.Request) -> None:
            workshop.forget(request.session_hash)

        page.unload(left)
    return page


def _giver(example: Example) -> Callable[[], tuple[str, str]]:
    return lambda: (str(example.film), example.model)


def _chosen(choice: Choice) -> list[Any]:
    updates = [describe(choice), limits_of(choice)]
    for ability in ABILITIES:
        updates += [gr.update(visible=ability in choice.abilities), gr.update(interactive=choice.usable)]
    return updates


def _footnote(workshop: Workshop) -> str:
    limits = workshop.limits
    return (
        f"Films of up to {limits.megabytes} MB and {limits.seconds:g} s. They stay with the machine that runs this "
        "page: results are removed when you close it, films after an hour or so, and all when the page is shut down."
    )
