"""The plain baseline of sounds: mean and spread of a log-mel spectrogram, and nothing learnt."""

import torch
from torchaudio.transforms import MelSpectrogram

from .encoder import Encoded, Encoder, Modality


class LogMelStatistics(Encoder):
    """Mean and standard deviation over time of 64 log-mel bands, of a recording as a whole: 128 features.

    What a pretrained model is worth shows in how far it gets above this.
    """

    modalities = ("audio",)
    sampling_rate = 24_000
    audio_duration = None
    pretrain_data = "nothing"

    def __init__(self, **options):
        mel = MelSpectrogram(self.sampling_rate, n_fft=1024, hop_length=256, n_mels=64, f_min=20.0)
        super().__init__(mel, "64 log-mel bands, 1024/256 samples", **options)

    def prepare(self, clips: list[torch.Tensor], modality: Modality) -> dict[str, torch.Tensor]:
        return {"input_values": torch.stack(clips)}

    def encode(self, inputs: dict[str, torch.Tensor], modality: Modality) -> Encoded:
        bands = (self.model(inputs["input_values"]) + 1e-6).log()
        return Encoded(torch.cat([bands.mean(2), bands.std(2)], 1))
