"""One-second wav files, read thousands of times in training."""

import os
import wave

import numpy as np
import torch

from avssl_hub.media.sound import read_sound


def read_pcm(path: str | os.PathLike) -> tuple[torch.Tensor, int]:
    """Read a short sound file as ``read_sound`` does, hundreds of times faster where it is a plain 16-bit wav.

    Returns:
        float32 ``(channels, n)``, 16-bit values divided by 32768, and samples per second.

    Raises:
        MediaOpenError: The file is missing, empty or no sound.
    """
    try:
        with wave.open(os.fspath(path)) as file:
            if file.getsampwidth() == 2:
                values = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
                return torch.from_numpy(values.T.astype(np.float32) / 32768), file.getframerate()
    # Python before 3.12 knows no wav file of the extensible kind; a cut file may hold part of a sample.
    except (wave.Error, EOFError, ValueError, OSError):
        pass
    return read_sound(path)
