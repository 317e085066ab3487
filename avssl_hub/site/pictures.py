"""The pages' pictures of results, drawn by the commands that stand beside them.

``python -m avssl_hub.site.pictures`` draws them anew; a test tells when they no longer show what the commands draw.
"""

import shutil
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from ..cli import app
from ..data.avworld import AVWorld
from ..data.avworld.export import export
from ..data.avworld360 import AVWorld360
from ..media import write_sound

FIGURES = Path(__file__).with_name("pages") / "figures"
# What draws each, and where it draws it.
_COMMANDS = {
    "demo.webp": (["demo"], "avssl-demo/similarity.png"),
    "sync.webp": (["sync", "my_video.mp4", "-o", "sync.png"], "sync.png"),
    "map.webp": (["ambisonics", "map", "scene.wav", "-o", "map.png"], "map.png"),
}
_MOVING = 8  # a scene in which something moves
_WIDTH = 900  # pixels; a page's column is narrower


def draw_pictures(folder: Path) -> list[Path]:
    """Draw the pictures of clips of AVWorld.

    Args:
        folder: Where to write; exists.

    Returns:
        The files, named as on the pages.
    """
    folder = folder.absolute()
    with TemporaryDirectory() as name, chdir(name):
        _write_readers_files(Path(name))
        for picture, (command, drawn) in _COMMANDS.items():
            app(command, standalone_mode=False)
            with Image.open(drawn) as image:
                size = (_WIDTH, round(image.height * _WIDTH / image.width))
                image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(folder / picture, quality=85)
    return [folder / picture for picture in _COMMANDS]


def _write_readers_files(folder: Path) -> None:
    (clip,) = export(AVWorld(), folder / "clips", "test", [0])
    shutil.move(clip, folder / "my_video.mp4")
    scene = AVWorld360().render("test", [_MOVING])
    write_sound(folder / "scene.wav", [scene.ambisonics[0]], scene.sampling_rate)


if __name__ == "__main__":
    draw_pictures(FIGURES)
