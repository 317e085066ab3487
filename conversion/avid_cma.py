"""AVID and AVID-CMA checkpoints of the authors' release (legacy or zip pickles) to ``AvidModel``.

The training state beside the model (memory banks, positive sets, the partition constant Z) is reported, and written
as ``memory_banks.safetensors`` on request. Bank rows belong to the authors' own copy of the videos.
"""

import re
from copy import deepcopy
from pathlib import Path

import torch
from safetensors.torch import save_file

from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor
from avssl_hub.objectives import BANKS_FILE

from ._avid_reference import audio_features, video_features
from ._checkpoint import entry, load_checkpoint
from ._rename import Rule, check_fits, rename, strip_prefix
from .report import ParityReport

NAMES = ("avid.kinetics", "avid.audioset", "avid_cma.kinetics", "avid_cma.audioset")

VIDEO_PARTS = {
    "spt_conv1": "spatial_conv1",
    "spt_bn1": "spatial_norm1",
    "tmp_conv1": "temporal_conv1",
    "tmp_bn1": "temporal_norm1",
    "spt_conv2": "spatial_conv2",
    "spt_bn2": "spatial_norm2",
    "tmp_conv2": "temporal_conv2",
    "out_bn": "norm",
    "res_conv": "shortcut",
}
STEM_PARTS = {"0": "conv", "1": "norm"}
AUDIO_PARTS = {"conv1": "conv1", "bn1": "norm1", "conv2": "conv2", "bn2": "norm2"}
TENSOR = r"(?P<tensor>weight|bias|running_mean|running_var|num_batches_tracked)"


def _stem(match: re.Match) -> str:
    return f"{match['tower']}_encoder.stem.{STEM_PARTS[match['part']]}.{match['tensor']}"


def _video_block(match: re.Match) -> str:
    # At depth 10 a stage is the block itself and its keys have no index.
    place = f"{int(match['stage']) - 2}.{match['block'] or 0}"
    return f"video_encoder.stages.{place}.{VIDEO_PARTS[match['part']]}.{match['tensor']}"


def _audio_block(match: re.Match) -> str:
    return f"audio_encoder.blocks.{int(match['block']) - 1}.{AUDIO_PARTS[match['part']]}.{match['tensor']}"


def _head(match: re.Match) -> str:
    # Activations hold the odd places of the authors' sequence.
    return f"{match['tower']}_projection.layers.{int(match['layer']) // 2}.{match['tensor']}"


RULES: tuple[Rule, ...] = (
    (rf"(?P<tower>video|audio)_model\.conv1\.(?P<part>[01])\.{TENSOR}", _stem),
    (
        rf"video_model\.conv(?P<stage>[2-5])x\.(?:(?P<block>\d+)\.)?(?P<part>{'|'.join(VIDEO_PARTS)})\.{TENSOR}",
        _video_block,
    ),
    (rf"audio_model\.block(?P<block>[1-4])\.(?P<part>{'|'.join(AUDIO_PARTS)})\.{TENSOR}", _audio_block),
    (rf"(?P<tower>video|audio)_proj\.projection\.(?P<layer>[024])\.{TENSOR}", _head),
)

TRAINING_KEYS = {
    "nce_average.view1_mem": "video_bank",
    "nce_average.view2_mem": "audio_bank",
    "nce_average.positive_set": "positive_set",
}
PARTITION_KEY = "criterion.avg_exp_score"


def convert(name: str, checkpoint: Path, out: Path, *, banks: bool = False) -> ParityReport:
    """Write config, processor, weights and, on request, memory banks into ``out``.

    Raises:
        CheckpointError: The file cannot be read or does not hold this network.
        AvsslError: The converted model and the restatement on the authors' keys disagree.
    """
    saved = load_checkpoint(checkpoint)
    # Copied out of the mapped file, where tensors may lie at odd addresses.
    original = {
        name: tensor.clone(memory_format=torch.contiguous_format)
        for name, tensor in strip_prefix(entry(saved, "model", checkpoint), "module.").items()
    }
    criterion = saved.get("train_criterion", {})
    state = rename(original, RULES, str(checkpoint))
    model = AvidModel(AvidConfig()).eval()
    check_fits(state, model, str(checkpoint))
    model.load_state_dict(state, assign=True)

    report = ParityReport(name, tolerance=1e-5, renamed=len(state))
    report.extra_keys = [key for key in saved if key not in ("model", "train_criterion", "epoch", "optimizer")]
    report.extra_keys += [key for key in criterion if key not in {*TRAINING_KEYS, PARTITION_KEY}]
    report.training = _training_facts(saved, criterion)
    _compare(report, model, original)

    model.save_pretrained(out)
    AvidProcessor().save_pretrained(out)
    if banks:
        tensors = {new: criterion[old].contiguous() for old, new in TRAINING_KEYS.items() if old in criterion}
        if PARTITION_KEY in criterion:
            tensors["partition_constant"] = criterion[PARTITION_KEY].reshape(())
        save_file(tensors, out / BANKS_FILE)
    return report


def _training_facts(saved: dict, criterion: dict) -> dict[str, float | int]:
    facts = {"epoch": saved["epoch"]} if "epoch" in saved else {}
    if PARTITION_KEY in criterion:
        # A scalar after distributed training, of length 1 after a single process.
        facts["partition_constant"] = criterion[PARTITION_KEY].reshape(()).item()
    if "nce_average.view1_mem" in criterion:
        facts["training_videos"] = len(criterion["nce_average.view1_mem"])
    return facts


@torch.no_grad()
def _compare(report: ParityReport, model: AvidModel, original: dict[str, torch.Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(1, 8, 3, 112, 112, generator=generator)
    spectrogram = torch.randn(1, 1, 200, 257, generator=generator)
    expected = _restated(original, pixels, spectrogram)
    if not all(value.isfinite().all() for value in expected.values()):
        # Weights that no training gave can overflow single precision; the mapping is still to be checked.
        report.dtype = "float64"
        model, pixels, spectrogram = deepcopy(model).double(), pixels.double(), spectrogram.double()
        expected = _restated({name: value.double() for name, value in original.items()}, pixels, spectrogram)
    output = model(pixels, spectrogram, output_hidden_states=True)
    actual = [
        value
        for modality in ("video", "audio")
        for value in (
            *output[f"{modality}_hidden_states"],
            output[f"{modality}_pooled"],
            output[f"{modality}_embeds"],
        )
    ]
    for (name, reference), value in zip(expected.items(), actual, strict=True):
        report.compare(name, value, reference)


def _restated(
    original: dict[str, torch.Tensor], pixels: torch.Tensor, spectrogram: torch.Tensor
) -> dict[str, torch.Tensor]:
    features = {f"video.{k}": v for k, v in video_features(original, pixels.transpose(1, 2)).items()}
    return features | {f"audio.{k}": v for k, v in audio_features(original, spectrogram).items()}
