"""Models as a module of HEAR (Turian et al., 2022, arXiv 2203.03022), which the benchmark's tools import by name.

``hear-validator avssl_hub.bridges.hear --model avid_tiny.avworld`` and ``python -m heareval.embeddings.runner
avssl_hub.bridges.hear --model FOLDER`` work as they are. The three functions and their shapes are those of HEAR 2021.
"""

from collections.abc import Sequence
from itertools import chain, product
from math import ceil
from pathlib import Path

import torch
import torchaudio.functional as TAF
from torch import nn
from torch.nn import functional as F

from ..data.clips import Span, dense_starts
from ..errors import InvalidValueError, explain
from ..evaluation.encoder import Encoder
from ..evaluation.view_encoder import load_encoder
from ._clips import encode_clips

RATES = (16_000, 22_050, 44_100, 48_000)
HOP_MS = 50


class HearModel(nn.Module):
    """What HEAR's tools hold between their calls.

    Args:
        encoder: A model that looks at clips of sound, of the zoo or through an adapter.

    Attributes:
        sample_rate: Of the sound it is given, in Hz: the model's own if HEAR offers it, else HEAR's highest.
        scene_embedding_size: Width of the pooled features.
        timestamp_embedding_size: The same.

    Raises:
        InvalidValueError: The model does not look at sound, or has no length of clip.
    """

    def __init__(self, encoder: Encoder):
        super().__init__()
        if "audio" not in encoder.modalities or encoder.audio_duration is None:
            got = f"{type(encoder).__name__}, which does not"
            raise InvalidValueError(explain("model for HEAR", got, "one that looks at sound in clips of one length"))
        self.encoder = encoder
        self.model = encoder.model
        own = encoder.sampling_rate
        self.sample_rate = own if own in RATES else max(RATES)
        self.clip_length = round(encoder.audio_duration * own)
        width = encode_clips(encoder, [torch.zeros(self.clip_length)], "audio").shape[1]
        self.scene_embedding_size = self.timestamp_embedding_size = width

    def resampled(self, audio: torch.Tensor) -> torch.Tensor:
        """Bring (n_sounds, n_samples) at ``sample_rate`` to the model's own rate, on the CPU."""
        if audio.ndim != 2 or not audio.numel() or not audio.is_floating_point():
            got = f"{tuple(audio.shape)} of {audio.dtype}"
            raise InvalidValueError(explain("sounds for HEAR", got, "float (n_sounds, n_samples), at least one each"))
        return TAF.resample(audio.float().cpu(), self.sample_rate, self.encoder.sampling_rate)

    def embed(self, sounds: torch.Tensor, starts: Sequence[int]) -> torch.Tensor:
        """Return the features (n_sounds, len(starts), D) of the clips that begin at these samples."""
        # The tools move the module, of which the encoder does not hear. Folded models may have buffers only.
        self.encoder.device = next(chain(self.model.parameters(), self.model.buffers())).device
        clips = (sound[start : start + self.clip_length] for sound, start in product(sounds, starts))
        return encode_clips(self.encoder, clips, "audio").unflatten(0, (len(sounds), len(starts)))


def load_model(model_file_path: str = "") -> HearModel:
    """Load a model by name, folder, or a file in its folder.

    Raises:
        InvalidValueError: No name was given.
        AvsslError: As :func:`avssl_hub.load` raises.
    """
    if not model_file_path:
        step = "Pass it as --model, or write a module of its own with `python -m benchmarks export hear`."
        raise InvalidValueError(explain("model for HEAR", "no name", "a name of the zoo or a folder", step))
    place = Path(model_file_path).absolute()
    name = str(place.parent if place.is_file() else place) if place.exists() else model_file_path
    return HearModel(load_encoder(name, device="cuda" if torch.cuda.is_available() else "cpu"))


def get_scene_embeddings(audio: torch.Tensor, model: HearModel) -> torch.Tensor:
    """Embed sounds as a whole: the mean over the fewest clips that cover them, evenly spaced.

    Args:
        audio: (n_sounds, n_samples) at ``model.sample_rate``, -1 to 1.
        model: As :func:`load_model` returns it.

    Returns:
        (n_sounds, D) float32.

    Raises:
        InvalidValueError: The sounds are of another shape or kind.
    """
    sounds = model.resampled(audio)
    samples = sounds.shape[1]
    spaced = dense_starts(Span(0, samples), model.clip_length, ceil(samples / model.clip_length))
    return model.embed(sounds, [round(start) for start in spaced]).mean(1).to(audio.device)


def get_timestamp_embeddings(audio: torch.Tensor, model: HearModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Embed every 50 ms of sounds: the clip with that time in its middle, silent where it reaches beyond the sound.

    Args:
        audio: (n_sounds, n_samples) at ``model.sample_rate``, -1 to 1.
        model: As :func:`load_model` returns it.

    Returns:
        Embeddings (n_sounds, T, D) float32, and the time of each in milliseconds from 0 on, (n_sounds, T).

    Raises:
        InvalidValueError: The sounds are of another shape or kind.
    """
    before = model.clip_length // 2
    sounds = F.pad(model.resampled(audio), (before, model.clip_length - before))
    times = torch.arange(0, 1000 * audio.shape[1] / model.sample_rate, HOP_MS)
    starts = [round(time * model.encoder.sampling_rate / 1000) for time in times.tolist()]
    embeddings = model.embed(sounds, starts).to(audio.device)
    return embeddings, times.to(audio.device).repeat(len(audio), 1)
