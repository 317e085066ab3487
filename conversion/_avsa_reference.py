"""AVSA's translations and heads written a second time on the authors' keys; it shares no code with ``avssl_hub``."""

import torch
from torch.nn import functional as F

from ._restated import State
from ._tower_reference import audio_features, video_features

# What each translation starts from, and what the heads read.
SOURCES = {"v2a": "video", "a2v": "audio"}
HEADS = {"video_head": "video", "audio_head": "audio", "video_pred_head": "a2v", "audio_pred_head": "v2a"}


def _linear(hidden: torch.Tensor, state: State, name: str) -> torch.Tensor:
    return F.linear(hidden, state[f"{name}.weight"], state[f"{name}.bias"])


def _norm(hidden: torch.Tensor, state: State, name: str) -> torch.Tensor:
    centred = hidden - hidden.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def _layer(hidden: torch.Tensor, state: State, name: str) -> torch.Tensor:
    query, key, value = (_linear(hidden, state, f"{name}.attention.{part}") for part in ("query", "key", "value"))
    weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
    attended = _linear(weights @ value, state, f"{name}.attention.dense")
    hidden = _norm(hidden + attended, state, f"{name}.attention_norm")
    inner = _linear(hidden, state, f"{name}.dense.0").clamp(min=0)
    return _norm(hidden + _linear(inner, state, f"{name}.dense.2"), state, f"{name}.dense_norm").clamp(min=0)


def features(state: State, pixels: torch.Tensor, spectrogram: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every named intermediate for the views ``(K, T, 3, H, W)`` and ``(K, C, time, rows)`` of one sample."""
    video = video_features(state, pixels.transpose(1, 2), stem_pool=False)
    audio = audio_features(state, spectrogram, first_stride=1)
    named = {f"video.{name}": value for name, value in video.items()}
    named |= {f"audio.{name}": value for name, value in audio.items()}
    finals = {"video": video["pool"], "audio": audio["pool"]}
    for translation, source in SOURCES.items():
        hidden = finals[source]
        for layer in range(2):
            hidden = _layer(hidden, state, f"losses.0.{translation}_transformer.transformer.{layer}")
            named[f"{translation}.{layer}"] = hidden
        finals[translation] = hidden
    for head, source in HEADS.items():
        named[head] = _linear(finals[source], state, f"losses.0.{head}.projection.0")
    return named
