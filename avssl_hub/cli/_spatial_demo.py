"""What ``avssl demo --spatial`` shows: a 360° clip of AVWorld, its sound given directions by a model."""

from pathlib import Path
from typing import TYPE_CHECKING

from ._console import note, progress_bar, say

if TYPE_CHECKING:
    import torch


def show_spatial_sound(out: Path, model: str, device: "torch.device", force: bool) -> None:
    """Write a held-out clip, and what the model makes of its mono sound."""
    from ..data.avworld360 import AVWorld360, AVWorld360Config
    from ..data.avworld360.export import export_films
    from ..outputs import check_suffix, make_folder
    from ..pipelines.spatialize import SpatializationPipeline
    from ..pipelines.spatialize_file import SpatialFiles, spatialize_file

    files = SpatialFiles(film=out / "spatial.mp4", binaural=out / "binaural.wav", heat=out / "heat.mp4")
    make_folder(out)
    for path, suffix in files:
        check_suffix(path, [suffix], force)
    pipe = SpatializationPipeline(model, device=device)
    # The tiny model's own world has no camera noise either.
    world = AVWorld360(AVWorld360Config(camera_noise=0.0))
    note(f"Writing a 360° clip of AVWorld to {out / 'clip360'}")
    (clip,) = export_films(world, out / "clip360", "test", [0], overwrite=force)
    with progress_bar("spatialising", "seconds") as move:
        spatialize_file(pipe, clip, files, force=force, progress=move)
    say(f"Look at {files.heat}, and listen to {files.binaural} with headphones: {model} heard mono sound only.")
    say(f"Compare `avssl ambisonics info {files.film}` with the same of {clip}, whose directions are true.")
