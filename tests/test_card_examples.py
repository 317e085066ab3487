"""The examples on the pages of checkpoints whose weights are in the repository, run as they stand."""

import re
import wave

import pytest
import torch

from avssl_hub import zoo
from avssl_hub._cards import split_card
from avssl_hub.data.avworld import AVWorld
from avssl_hub.data.avworld.export import export
from avssl_hub.data.avworld360 import AVWorld360
from avssl_hub.data.avworld360.export import export_films
from avssl_hub.media import MediaReader

from .conftest import ROOT

HERE = sorted(name for name, card in zoo.catalogue().items() if card.files)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder with the files that the examples name."""
    folder = tmp_path_factory.mktemp("recordings")
    (film,) = export(AVWorld(), folder / "world", "test", [0], duration=2.5)
    (film360,) = export_films(AVWorld360(), folder / "world360", "test", [0], duration=1.0)
    film.rename(folder / "my_video.mp4")
    film360.rename(folder / "my_360_video.mp4")
    with MediaReader(folder / "my_video.mp4") as reader:
        sound = reader.read_audio(0.0, 2.5, 16000)
    with wave.open(str(folder / "my_recording.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((sound.samples[0] * 32767).short().numpy().tobytes())
    return folder


@pytest.mark.parametrize("name", HERE)
def test_every_example_of_a_card_runs(name, recordings, tmp_path, monkeypatch):
    for file in recordings.iterdir():
        if file.is_file():
            (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    _, body = split_card(zoo.card(name).path)
    usage = re.search(r"<!-- usage:start -->(.*)<!-- usage:end -->", body, re.DOTALL).group(1)
    ours, hub = re.findall(r"```python\n(.*?)```", usage, re.DOTALL)
    seen = {}
    exec(ours, seen)
    assert type(seen["model"]).__name__ == zoo.card(name).class_
    assert len(seen) > 3
    from_hub = {}
    exec(hub.replace("path/to/avssl_hub", str(ROOT)), from_hub)
    for tensor, again in zip(seen["model"].state_dict().values(), from_hub["model"].state_dict().values(), strict=True):
        assert torch.equal(tensor, again)
