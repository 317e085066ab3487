"""The plain way to prepare a clip for AVID: PyAV, Pillow frame by frame, librosa.

This is what one writes first, on the libraries' defaults, and what the library's own path is measured against. It
shares no code with the library, and in evaluation mode both give the same numbers.
"""

from math import floor
from pathlib import Path

import av
import librosa
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional as TF

from avssl_hub.models.avid import AvidProcessor
from avssl_hub.video.augment import ClipChanges

ADJUST = {
    "brightness": TF.adjust_brightness,
    "contrast": TF.adjust_contrast,
    "saturation": TF.adjust_saturation,
    "hue": TF.adjust_hue,
}


def read_frames(path: Path, start: float, count: int, fps: float) -> tuple[list[Image.Image], float]:
    """Seek to the keyframe before ``start``, decode forward, keep the frames of the wanted times.

    Returns:
        The frames, and the time of the first of them, which the sound is to follow.
    """
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        first = float((stream.start_time or 0) * stream.time_base)
        rate = float(stream.average_rate)
        wanted = [floor((start + k / fps - first) * rate + 1e-6) for k in range(count)]
        container.seek(int(start / stream.time_base), stream=stream)
        images, times = [], []
        for frame in container.decode(stream):
            number = round((frame.time - first) * rate)
            while len(images) < count and wanted[len(images)] <= number:
                images.append(frame.to_image())
                times.append(frame.time)
            if len(images) == count:
                break
    return images, times[0]


def read_sound(path: Path, start: float, duration: float, rate: int) -> np.ndarray:
    """Decode the sound from the picture's keyframe on, resample to 16 bit mono, cut the wanted samples."""
    with av.open(str(path)) as container:
        picture, stream = container.streams.video[0], container.streams.audio[0]
        container.seek(int(start / picture.time_base), stream=picture)
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        blocks, begin = [], None
        for frame in container.decode(stream):
            begin = frame.time if begin is None else begin
            blocks += [block.to_ndarray()[0] for block in resampler.resample(frame)]
            if frame.time > start + duration + 0.1:
                break
    samples = np.concatenate(blocks)
    offset = round((start - begin) * rate)
    samples = np.pad(samples, (max(0, -offset), 0))[max(0, offset) :]
    length = round(duration * rate)
    samples = samples[:length]
    return np.pad(samples, (0, length - len(samples))).astype(np.float32) / 32767


def transform_eval(images: list[Image.Image], processor: AvidProcessor) -> torch.Tensor:
    """Resize the shorter side, crop the centre, standardise, frame by frame."""
    width, height = images[0].size
    scale = processor.resize_size / min(width, height)
    size = [int(height * scale), int(width * scale)]
    pixels = []
    for image in images:
        image = TF.center_crop(TF.resize(image, size), processor.crop_size)
        pixels.append(TF.normalize(TF.to_tensor(image), processor.image_mean, processor.image_std))
    return torch.stack(pixels)


def transform_train(images: list[Image.Image], processor: AvidProcessor, changes: ClipChanges) -> torch.Tensor:
    """Crop, mirror and change colours by the same draw, frame by frame."""
    pixels = []
    for image in images:
        image = TF.resized_crop(image, *changes.crop, [processor.crop_size] * 2)
        image = TF.hflip(image) if changes.mirrored else image
        for name in changes.jitter.order:
            image = ADJUST[name](image, getattr(changes.jitter, name))
        pixels.append(TF.normalize(TF.to_tensor(image), processor.image_mean, processor.image_std))
    return torch.stack(pixels)


def spectrogram(samples: np.ndarray, processor: AvidProcessor) -> torch.Tensor:
    """Log power spectrogram with bins averaged in pairs, standardised row by row."""
    spectrum = librosa.stft(samples, n_fft=processor.fft_size, hop_length=processor.hop_length, pad_mode="reflect")
    power = np.abs(spectrum[:, : processor.num_spectrogram_frames]) ** 2
    rows = np.concatenate([power[:1], (power[1::2] + power[2::2]) / 2])
    decibels = librosa.power_to_db(rows, ref=1.0, amin=1e-10, top_db=processor.top_db).T
    mean, std = (np.float32(values) for values in (processor.spectrogram_mean, processor.spectrogram_std))
    return torch.from_numpy((decibels - mean) / (std + np.float32(1e-5)))
