"""Rendering model cards: the README's table of models, and the generated parts of a card's own page."""

from ._cards import CARD_FILE, ModelCard, Paper

_MODEL, _PROCESSOR = 'model = avssl_hub.load("{name}")', 'processor = avssl_hub.load_processor("{name}")'
_BY_THEMSELVES = ("", f"{_MODEL}  # or the parts by themselves", _PROCESSOR)
# By the first of a card's tasks.
_EXAMPLES = {
    "audio-visual-feature-extraction": (
        'embed = avssl_hub.EmbeddingPipeline("{name}")',
        'clips = embed("my_video.mp4", every=2.0)',
        "similarity = clips.video_embeds @ clips.audio_embeds.T  # cosine of each picture with each sound",
        *_BY_THEMSELVES,
    ),
    "audio-visual-synchronization": (
        'synchronize = avssl_hub.SynchronizationPipeline("{name}")',
        'result = synchronize("my_video.mp4")',
        "result.aligned, result.score, result.best_offset  # a positive offset: the sound comes late",
        *_BY_THEMSELVES,
    ),
    "sound-localization": (
        "from avssl_hub.pipelines.overlay import write_overlay",
        "",
        'localize = avssl_hub.LocalizationPipeline("{name}")',
        'result = localize("my_video.mp4")  # result.maps: (time, height, width)',
        'write_overlay(result, "my_video.mp4", "heat.mp4")',
        *_BY_THEMSELVES,
    ),
    "audio-visual-separation": (
        'separate = avssl_hub.SeparationPipeline("{name}")',
        'sound = separate("my_video.mp4")  # any length; mask="left" hears what is on the right',
        "on_screen, off_screen, rate = sound.on_screen, sound.off_screen, sound.sampling_rate",
        *_BY_THEMSELVES,
    ),
    "mono-to-ambisonics": (
        'spatialize = avssl_hub.SpatializationPipeline("{name}")',
        'sound = spatialize("my_360_video.mp4")  # any length',
        "sound.ambisonics, sound.sampling_rate  # W, Y, Z, X: (4, samples)",
        *_BY_THEMSELVES,
    ),
    "audio-visual-spatial-alignment": (
        _MODEL,
        _PROCESSOR,
        "# Four views around the horizon, each with the sound turned to face it.",
        'inputs = processor(videos="my_360_video.mp4", audio="my_360_video.mp4")',
        "output = model(**inputs)",
        "(output.predicted_audio_embeds * output.audio_embeds).sum(-1)  # how well each view's sound fits: (1, 4)",
    ),
    "audio-source-separation": (
        'separate = avssl_hub.SeparationPipeline("{name}")',
        'one, other = separate("my_recording.wav").tracks  # in no order',
        *_BY_THEMSELVES,
    ),
}


def models_table(cards: list[ModelCard]) -> str:
    """Render the README's table, one row a checkpoint."""
    rows = []
    for card in cards:
        where = "in this repository" if card.files else "Hub" if card.hub.revision else "convert"
        rows.append(
            [
                f"[`{card.name}`](model_cards/{card.name}/{CARD_FILE})",
                card.training_data,
                f"{card.parameters / 1e6:.1f} M",
                _headline(card),
                card.licence.weights,
                where,
            ]
        )
    return _table(["name", "pretrained on", "parameters", "score", "licence of the weights", "weights"], rows)


def sections(card: ModelCard, address: str) -> dict[str, str]:
    """Render a card's generated parts, by the name in their markers; examples load ``address``."""
    return {
        "facts": _facts(card),
        "usage": _usage(card, address),
        "scores": _scores(card),
        "citation": _citation(card.paper),
    }


def _facts(card: ModelCard) -> str:
    clip, paper = card.input, card.paper
    picture = ""
    if clip.frames:
        frames = "1 frame" if clip.frames == 1 else f"{clip.frames} frames"
        # Columns by rows, as of any picture.
        picture = f"{frames} at {clip.fps:g} a second, {clip.width or clip.size} × {clip.size} pixels"
    sound = f"{clip.audio_duration:g} s at {clip.sampling_rate:,} Hz" if clip.sampling_rate else ""
    sound += f" ({clip.spectrogram})" if clip.spectrogram else ""
    rows = [
        ["Paper", f"[{paper.title}](https://arxiv.org/abs/{paper.arxiv}), {paper.venue} {paper.year}"],
        ["Pretrained on", card.training_data],
        ["Class", f"`{card.class_}` (family `{card.family}`)"],
        ["Parameters", f"{card.parameters:,}"],
        ["Multiply-adds a clip", ", ".join(f"{tower} {value:g} G" for tower, value in card.gmacs.items())],
        ["One clip", "; ".join(filter(None, [picture, sound]))],
        ["Licence of the code", card.licence.code],
        ["Licence of the weights", card.licence.weights],
        ["May be passed on", card.licence.redistributable],
    ]
    if card.original:
        origin = card.original
        rows += [
            ["Authors' code", f"[{origin.code}]({origin.code}), commit {origin.commit}"],
            ["Authors' checkpoint", f"<{origin.url}>, sha256 {origin.sha256}"],
        ]
    if card.parity:
        result = card.parity
        rows.append(["Parity", f"{result.max_abs_error:.1e} (allowed {result.tolerance:.0e}) against {result.against}"])
    rows += [["Certificate", _certificate(card)]]
    rows += [[f"sha256 of {name}", f"`{digest}`"] for name, digest in card.files.items()]
    return _table(["", ""], rows)


def _certificate(card: ModelCard) -> str:
    """Say what ``avssl verify`` compares."""
    from .golden import GOLDEN_FILE, recording_of

    check = f"`avssl verify {card.name}`"
    if GOLDEN_FILE not in card.files:
        return f"{check}, once the weights are here: the conversion records what they compute"
    recording = recording_of(card.path.with_name(GOLDEN_FILE))
    allowed = max(stage.tolerance for stage in recording.stages)
    versions = ", ".join(f"{library} {version}" for library, version in recording.versions.items())
    commit = f", converters at {recording.converter_commit}" if recording.converter_commit else ""
    compared = f"{len(card.files)} files by sha256, and {len(recording.stages)} intermediate tensors and outputs"
    within = f"within {allowed:.0e} of each one's largest value"
    return f"{check}: {compared} {within}, recorded {recording.date} by {versions}{commit}"


def _usage(card: ModelCard, address: str) -> str:
    lines = []
    if card.converter and not card.files:
        lines += [
            "Make the weights once (downloads the authors' file; mind its licence):",
            "",
            "```sh",
            f"{card.converter} --download",
            "```",
            "",
        ]
    hub = card.torch_hub
    return "\n".join(
        [
            *lines,
            "```python",
            "import avssl_hub",
            "",
            *(line.format(name=address) for line in _EXAMPLES[card.tasks[0]]),
            "```",
            "",
            "Without installing the package, from a checkout:",
            "",
            "```python",
            "import torch",
            "",
            'checkout = "path/to/avssl_hub"',
            f'model = torch.hub.load(checkout, "{hub.entry_points[0]}", pretrained="{hub.pretrained}", source="local")',
            "```",
        ]
    )


def _scores(card: ModelCard) -> str:
    if not card.scores:
        return "None yet."
    rows = [
        [
            score.dataset,
            score.metric,
            _with_spread(score.value, score.spread),
            "–" if score.baseline is None else _with_spread(score.baseline, score.baseline_spread),
            score.protocol,
            f"{score.source} ({score.evidence})",
        ]
        for score in card.scores
    ]
    columns = ["data", "metric", "score", "random weights", "protocol", "reported by (evidence)"]
    if all(score.baseline is None for score in card.scores):
        columns, rows = columns[:3] + columns[4:], [row[:3] + row[4:] for row in rows]
    return _table(columns, rows)


def _citation(paper: Paper) -> str:
    key = f"{paper.authors[0].split()[-1].lower()}{paper.year}{paper.title.split()[0].split('-')[0].lower()}"
    return "\n".join(
        [
            "```bibtex",
            f"@inproceedings{{{key},",
            f"  title = {{{paper.title}}},",
            f"  author = {{{' and '.join(paper.authors)}}},",
            f"  booktitle = {{{paper.venue}}},",
            f"  year = {{{paper.year}}}",
            "}",
            "```",
        ]
    )


def _headline(card: ModelCard) -> str:
    if not card.scores:
        return "–"
    first = card.scores[0]
    return f"{first.dataset}, {first.metric}: {_with_spread(first.value, first.spread)} ({first.source})"


def _with_spread(value: float, spread: float | None) -> str:
    return f"{value}" if spread is None else f"{value} ± {spread}"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
