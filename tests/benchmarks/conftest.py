"""Data that several tests of the benchmarks score."""

import pytest

from tests.media.corpus import Sound, make, noise


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    """Return the manifest of twelve sounds: loud noise and a hum, in three folds."""
    folder = tmp_path_factory.mktemp("own")
    lines = ["path,label,fold"]
    for number in range(12):
        label = ("noise", "hum")[number % 2]
        sound = noise(2.0, 24000, seed=number)
        if label == "hum":
            sound = sound.cumsum(-1) * 0.02
        make(folder / f"{number}.mp4", (), (Sound(sound, 24000),))
        lines.append(f"{number}.mp4,{label},{number % 3}")
    (folder / "own.csv").write_text("\n".join(lines) + "\n")
    return folder / "own.csv"
