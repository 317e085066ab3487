"""The AVID towers in ONNX."""

from pathlib import Path

import torch
from torch import nn

from .modeling_avid import AvidModel


class _Tower(nn.Module):
    """One modality of ``AvidModel`` as a function of one tensor, the form exporters want."""

    def __init__(self, model: AvidModel, modality: str):
        super().__init__()
        self.model, self.modality = model, modality

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.modality == "video":
            output = self.model(pixel_values_videos=inputs)
            return output.video_embeds, output.video_pooled
        output = self.model(input_features=inputs)
        return output.audio_embeds, output.audio_pooled


def export_onnx(
    model: AvidModel,
    folder: str | Path,
    video_shape: tuple[int, ...] = (8, 3, 224, 224),
    audio_shape: tuple[int, ...] = (1, 200, 257),
) -> dict[str, Path]:
    """Write both towers as ``video.onnx`` and ``audio.onnx`` with a free batch size.

    Needs the ``export`` extra.

    Args:
        model: The model; it is put into evaluation mode.
        folder: Where to write; made if absent.
        video_shape: Shape ``(T, C, H, W)`` of one clip.
        audio_shape: Shape ``(C, time, frequency)`` of one spectrogram.

    Returns:
        The path of each tower by modality. Inputs are named ``pixel_values_videos`` and ``input_features``,
        outputs ``embeds`` and ``pooled``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {"video": ("pixel_values_videos", video_shape), "audio": ("input_features", audio_shape)}
    paths = {}
    for modality, (name, shape) in inputs.items():
        paths[modality] = folder / f"{modality}.onnx"
        torch.onnx.export(
            _Tower(model, modality).eval(),
            # A batch of one would be taken for a constant.
            (torch.zeros(2, *shape),),
            paths[modality],
            input_names=[name],
            output_names=["embeds", "pooled"],
            dynamic_shapes={"inputs": {0: torch.export.Dim("batch")}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return paths
