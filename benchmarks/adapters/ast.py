"""Audio Spectrogram Transformer (arXiv 2104.01778): ``--adapter benchmarks.adapters.ast:AstEncoder``."""

from transformers import ASTFeatureExtractor

from avssl_hub.audio.spectrogram import fit_length
from avssl_hub.evaluation.auto_encoder import AutoModelEncoder
from avssl_hub.evaluation.encoder import Encoded

WINDOW, HOP = 0.025, 0.010  # Of its spectrogram, in seconds.


class AstEncoder(AutoModelEncoder):
    """Mean of the two class tokens (``pooler_output``), for protocols that read pooled features."""

    model_type = "audio-spectrogram-transformer"
    processor_class = ASTFeatureExtractor
    modalities = ("audio",)

    @property
    def sampling_rate(self):
        return self.processor.sampling_rate

    @property
    def audio_duration(self):
        return self.processor.max_length * HOP

    def prepare(self, clips, modality):
        # The extractor completes spectrograms, but needs a window of sound.
        sounds = [fit_length(clip, max(len(clip), round(WINDOW * self.sampling_rate))).numpy() for clip in clips]
        return dict(self.processor(sounds, sampling_rate=self.sampling_rate, return_tensors="pt"))

    def encode(self, inputs, modality):
        return Encoded(self.model(**inputs).pooler_output)
