"""Short films of 360 degrees: AVWorld as it is exported, and what is made of it."""

from pathlib import Path

import av
import torch

from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config
from avssl_hub.data.avworld360.export import export_films

RATE = 12000


def world() -> AVWorld360:
    return AVWorld360(AVWorld360Config(fps=8, height=48, duration=1.5, sampling_rate=RATE, camera_noise=0.0))


def films(folder: Path, count: int = 1) -> list[Path]:
    """Write films of 1.5 s: three windows of half a second."""
    return export_films(world(), folder, "train", range(count))


def copied(film: Path, kind: str, path: Path) -> Path:
    """Copy one stream of a film as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(film)) as source, av.open(str(path), "w", format="mp4") as target:
        stream = getattr(source.streams, kind)[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return path


def frames_and_sound() -> tuple[torch.Tensor, torch.Tensor]:
    """Frames ``(T, H, W, 3)`` and sound ``(4, n)`` of the first film."""
    clip = world().render("train", [0])
    return clip.frames[0].permute(0, 2, 3, 1), clip.ambisonics[0]
