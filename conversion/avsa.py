"""The AVSA checkpoint of the authors' release (configuration Cur-Loc4-TransfD2) to ``AvsaForPreTraining``.

Towers lie in the file's model, translations and heads in its training criterion; both are carried over.
"""

import re
from pathlib import Path

import torch

from avssl_hub.models.avsa import AvsaConfig, AvsaForPreTraining, AvsaProcessor

from ._avsa_reference import features
from ._checkpoint import entry, load_checkpoint
from ._rename import Rule, check_fits, rename, strip_prefix
from ._restated import restated
from ._tower_names import TOWER_RULES
from .report import ParityReport

NAMES = ("avsa.yt360",)

TRANSLATIONS = {"v2a": "video_to_audio", "a2v": "audio_to_video"}
LAYER_PARTS = {
    "attention.query": "mixing.query",
    "attention.key": "mixing.key",
    "attention.value": "mixing.value",
    "attention.dense": "mixing.output",
    "attention_norm": "mixing_norm",
    "dense.0": "feed_forward.inner",
    "dense.2": "feed_forward.outer",
    "dense_norm": "feed_forward_norm",
}
HEADS = {
    "video_head": "video_head",
    "audio_head": "audio_head",
    "video_pred_head": "video_prediction_head",
    "audio_pred_head": "audio_prediction_head",
}


def _layer(match: re.Match) -> str:
    part = f"{match['layer']}.{LAYER_PARTS[match['part']]}.{match['tensor']}"
    return f"{TRANSLATIONS[match['translation']]}.layers.{part}"


def _head(match: re.Match) -> str:
    return f"{HEADS[match['head']]}.{match['tensor']}"


RULES: tuple[Rule, ...] = (
    *TOWER_RULES,
    (
        r"losses\.0\.(?P<translation>v2a|a2v)_transformer\.transformer\.(?P<layer>\d+)"
        rf"\.(?P<part>{'|'.join(map(re.escape, LAYER_PARTS))})\.(?P<tensor>weight|bias)",
        _layer,
    ),
    (rf"losses\.0\.(?P<head>{'|'.join(HEADS)})\.projection\.0\.(?P<tensor>weight|bias)", _head),
)


def convert(name: str, checkpoint: Path, out: Path, *, banks: bool = False) -> ParityReport:
    """Write config, processor and weights into ``out``; this training has no memory banks.

    Raises:
        CheckpointError: The file cannot be read or does not hold this network.
        AvsslError: The converted model and the restatement on the authors' keys disagree.
    """
    saved = load_checkpoint(checkpoint)
    parts = (strip_prefix(entry(saved, key, checkpoint), "module.") for key in ("model", "train_criterion"))
    # Copied out of the mapped file, where tensors may lie at odd addresses.
    original = {
        name: tensor.clone(memory_format=torch.contiguous_format) for part in parts for name, tensor in part.items()
    }
    state = rename(original, RULES, str(checkpoint))
    model = AvsaForPreTraining(AvsaConfig()).eval()
    check_fits(state, model, str(checkpoint))
    model.load_state_dict(state, assign=True)

    report = ParityReport(name, tolerance=1e-5, renamed=len(state))
    report.extra_keys = [key for key in saved if key not in ("model", "train_criterion", "epoch", "optimizer")]
    report.training = {"epoch": saved["epoch"]} if "epoch" in saved else {}
    _compare(report, model, original)

    model.save_pretrained(out)
    AvsaProcessor().save_pretrained(out)
    return report


@torch.no_grad()
def _compare(report: ParityReport, model: AvsaForPreTraining, original: dict[str, torch.Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 8, 3, 56, 56, generator=generator), torch.randn(2, 4, 100, 128, generator=generator)
    model, (pixels, spectrogram), expected = restated(report, model, original, inputs, features)
    maps, video = model.see(pixels)
    actual = [*maps, video]
    maps, audio = model.hear(spectrogram)
    actual += [*maps, audio]
    finals = {"video_head": video, "audio_head": audio}
    # The translation to a modality, and the head of predictions of it.
    for translation, source, head in (
        (model.video_to_audio, video, "audio_prediction_head"),
        (model.audio_to_video, audio, "video_prediction_head"),
    ):
        hidden = source
        for layer in translation.layers:
            hidden = layer(hidden)
            actual.append(hidden)
        finals[head] = hidden
    actual += [getattr(model, ours)(finals[ours]) for ours in HEADS.values()]
    for (name, reference), value in zip(expected.items(), actual, strict=True):
        report.compare(name, value, reference)
