"""VideoMAE (arXiv 2203.12602): ``--adapter benchmarks.adapters.videomae:VideoMaeEncoder``."""

from transformers import VideoMAEVideoProcessor

from avssl_hub.evaluation.auto_encoder import AutoModelEncoder
from avssl_hub.evaluation.encoder import Encoded
from avssl_hub.video.transforms import repeat_to_length


class VideoMaeEncoder(AutoModelEncoder):
    """Mean of the last hidden state over all tokens, for protocols that read pooled features."""

    model_type = "videomae"
    processor_class = VideoMAEVideoProcessor
    modalities = ("video",)
    fps = 7.5  # Every fourth picture of 30 a second, as in pretraining on Kinetics.

    @property
    def num_frames(self):
        return self.model.config.num_frames

    def prepare(self, clips, modality):
        whole = [repeat_to_length(clip, self.num_frames).permute(0, 3, 1, 2) for clip in clips]
        return dict(self.processor(whole, return_tensors="pt"))

    def encode(self, inputs, modality):
        return Encoded(self.model(**inputs).last_hidden_state.mean(1))
