"""AVID and AVID-CMA checkpoints of the authors' release (legacy or zip pickles) to ``AvidModel``.

The training state beside the model (memory banks, positive sets, the partition constant Z) is reported, and written
as ``memory_banks.safetensors`` on request. Bank rows belong to the authors' own copy of the videos.
"""

import re
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor
from avssl_hub.objectives import BANKS_FILE

from ._checkpoint import entry, load_checkpoint
from ._rename import Rule, check_fits, rename, strip_prefix
from ._restated import State, restated
from ._tower_names import TENSOR, TOWER_RULES
from ._tower_reference import audio_features, video_features
from .report import ParityReport

NAMES = ("avid.kinetics", "avid.audioset", "avid_cma.kinetics", "avid_cma.audioset")


def _head(match: re.Match) -> str:
    # Activations hold the odd places of the authors' sequence.
    return f"{match['tower']}_projection.layers.{int(match['layer']) // 2}.{match['tensor']}"


RULES: tuple[Rule, ...] = (
    *TOWER_RULES,
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
    inputs = torch.randn(1, 8, 3, 112, 112, generator=generator), torch.randn(1, 1, 200, 257, generator=generator)
    model, inputs, expected = restated(report, model, original, inputs, _restate)
    output = model(*inputs, output_hidden_states=True)
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


def _restate(state: State, pixels: torch.Tensor, spectrogram: torch.Tensor) -> dict[str, torch.Tensor]:
    video = video_features(state, pixels.transpose(1, 2), stem_pool=True)
    audio = audio_features(state, spectrogram, first_stride=2)
    features = {}
    for tower, maps in (("video", video), ("audio", audio)):
        features |= {f"{tower}.{name}": value for name, value in maps.items()}
        hidden = maps["pool"]
        for index in (0, 2, 4):
            key = f"{tower}_proj.projection.{index}"
            hidden = F.linear(F.relu(hidden) if index else hidden, state[f"{key}.weight"], state[f"{key}.bias"])
        features[f"{tower}.embedding"] = hidden
    return features
