"""Does the sound go with the picture, moment by moment?"""

from functools import partial
from pathlib import Path

from ...pipelines.embed import EmbeddingPipeline
from ...pipelines.similarity import similarity_over_time
from ...pipelines.similarity_figure import draw_similarity
from .ability import Ability, Output, Shown, Tick


def _load(model: str, device: str) -> EmbeddingPipeline:
    return EmbeddingPipeline(model, device=device)


def _show(pipe: EmbeddingPipeline, film: Path, folder: Path, tick: Tick) -> Shown:
    hop = pipe.processor.audio_duration / 2
    result = similarity_over_time(pipe(film, every=hop, progress=partial(tick, what="seconds looked at")))
    picture = folder / "similarity.png"
    draw_similarity(result, picture, film.name)
    line = f"Cosine of the picture with its own sound, on average: {result.own.nanmean():+.2f}."
    if not result.others.isnan().all():
        line += f" With the sound of other moments: {result.others.nanmean():+.2f}."
    return Shown((line,), (picture,))


SIMILARITY = Ability(
    name="similarity",
    title="Similarity",
    about="The model puts picture and sound of short windows into one space. Where the line lies above the dashed one, "
    "it finds that the sound goes with the picture better than the sound of other moments.",
    button="Draw the timeline",
    task="audio-visual-feature-extraction",
    rows=((Output("image", "Similarity over time"),),),
    load=_load,
    show=_show,
    # Others' features of picture and sound share no space.
    family="avid",
)
