"""Prepared folders: what is written reads back, and what is damaged is named."""

import math

import numpy as np
import pytest
import torch

from avssl_hub.data.spatial import (
    ChunkRules,
    MissingPartError,
    SpatialFolder,
    SpatialFolderError,
    UnequalLengthsError,
    WrongSoundError,
    is_spatial_folder,
    write_folder,
)
from avssl_hub.media import DecodeError, write_sound
from avssl_hub.media.jpeg import write_jpeg
from avssl_hub.outputs import OutputError

RATE = 8000
RULES = ChunkRules(sampling_rate=RATE)
TIME = torch.arange(3 * RATE + 1000) / RATE


def tones():
    """A tone a channel, each with a level of its own."""
    return torch.stack([0.1 * (number + 1) * torch.sin(2 * math.pi * 440 * TIME) for number in range(4)])


def gradient(number):
    """A smooth picture that JPEG keeps, darker with every frame."""
    ramp = torch.linspace(0, 200, 56).expand(3, 28, 56) - 2 * number
    return ramp.clamp(0, 255).byte()


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "video", tones().split(3000, 1), map(gradient, range(33)), RULES)


def test_written_folder_reads_back(folder):
    assert is_spatial_folder(folder.path)
    assert (folder.seconds, folder.frames, folder.has_flow) == (3, 30, False)
    torch.testing.assert_close(folder.sound(7000, 10000), tones()[:, 7000:17000], rtol=0, atol=0.51 / 32768)
    assert (folder.frame(12).float() - gradient(12).float()).abs().mean() < 1
    assert len(folder.powers.times) == 20
    # A sine's power, whatever part of a tenth of a second: it holds 44 whole periods.
    np.testing.assert_allclose(folder.powers.powers, 0.1 / math.sqrt(2), rtol=1e-3)


def test_sound_outside_is_silent(folder):
    around = folder.sound(-500, 3 * RATE + 1200)
    assert around[:, :500].abs().max() == 0
    assert around[:, 500 + 3 * RATE :].abs().max() == 0
    torch.testing.assert_close(around[:, 500:-700], folder.sound(0, 3 * RATE))
    assert folder.sound(-900, 800).abs().max() == 0
    assert folder.sound(4 * RATE, 800).abs().max() == 0


def test_chunk_has_its_context_and_turns_as_a_whole(folder):
    chunk = folder.chunk(1.5)
    assert chunk.ambisonics.shape == (4, 8799)
    torch.testing.assert_close(chunk.ambisonics, folder.sound(RATE, 8799))
    assert torch.equal(chunk.frame, folder.frame(15))
    turned = chunk.turned(math.pi / 2)
    w, y, z, x = chunk.ambisonics
    # What was in front is on the left: X becomes Y, and Y becomes -X.
    torch.testing.assert_close(turned.ambisonics, torch.stack([w, x, z, -y]), rtol=0, atol=1e-6)
    assert torch.equal(turned.frame[..., 0], chunk.frame[..., 14])


def test_flow_comes_with_its_limits(folder):
    (folder.path / "flow").mkdir()
    for number in range(30):
        # Angle 64 of 255 and magnitude half way.
        picture = torch.tensor([64, 0, 128], dtype=torch.uint8)[:, None, None].expand(3, 28, 56)
        write_jpeg(folder.path / "flow" / f"{number:06d}.jpg", picture, 100)
    limits = np.tile([1.0, 5.0], (30, 1))
    np.save(folder.path / "flow" / "flow_limits.npy", limits)
    flow = SpatialFolder(folder.path, RULES).chunk(1.0, with_flow=True).flow
    magnitude, angle = 1 + 4 * 128 / 255, 2 * math.pi * 64 / 255
    expected = [magnitude * math.cos(angle), magnitude * math.sin(angle), magnitude]
    np.testing.assert_allclose(flow[:, 10, 10], expected, atol=0.1)
    np.save(folder.path / "flow" / "flow_limits.npy", limits[:29])
    with pytest.raises(UnequalLengthsError, match="30 pictures of flow and 29 limits"):
        SpatialFolder(folder.path, RULES)
    np.save(folder.path / "flow" / "flow_limits.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(SpatialFolderError, match=r"flow_limits.npy: got .*pickle"):
        SpatialFolder(folder.path, RULES)


def test_damage_is_named(folder):
    sound, pictures = folder.path / "ambix", folder.path / "video"
    (pictures / "000003.jpg").write_bytes((pictures / "000003.jpg").read_bytes()[:300])
    with pytest.raises(DecodeError, match=r"000003.jpg"):
        folder.frame(3)
    (pictures / "000003.jpg").write_bytes(b"")
    with pytest.raises(DecodeError, match="0 bytes"):
        folder.frame(3)
    with pytest.raises(MissingPartError, match="a number below 30"):
        folder.frame(30)
    for samples, rate in ((torch.zeros(2, RATE), RATE), (torch.zeros(4, RATE), 16000), (torch.zeros(4, 100), RATE)):
        write_sound(sound / "000001.wav", samples, rate, overwrite=True)
        with pytest.raises(WrongSoundError, match=rf"got {len(samples)} channels .* at {rate} Hz; expected 4 channels"):
            folder.sound(RATE, 10)
    (sound / "000001.wav").unlink()
    with pytest.raises(MissingPartError, match=r"no 000001.wav, but 000002.wav"):
        SpatialFolder(folder.path, RULES)
    (folder.path / "audio_pow.lst").write_text("0.5 0.1\n0.6 loud\n")
    with pytest.raises(SpatialFolderError, match=r"line 2: got '0.6 loud'"):
        _ = folder.powers


def test_lengths_must_agree(folder):
    for number in range(24, 30):
        (folder.path / "video" / f"{number:06d}.jpg").unlink()
    with pytest.raises(UnequalLengthsError, match="3 s of sound and 24 frames; expected 25 frames"):
        SpatialFolder(folder.path, RULES)


def test_no_folder_is_named(tmp_path):
    assert not is_spatial_folder(tmp_path)
    with pytest.raises(MissingPartError, match="Is it a prepared"):
        SpatialFolder(tmp_path)


def test_folder_appears_whole_or_not_at_all(tmp_path):
    def breaking():
        yield gradient(0)
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        write_folder(tmp_path / "video", [tones()], breaking(), RULES)
    with pytest.raises(UnequalLengthsError, match="3 whole seconds of sound and 5 frames"):
        write_folder(tmp_path / "video", [tones()], map(gradient, range(5)), RULES)
    assert not list(tmp_path.iterdir())
    write_folder(tmp_path / "video", [tones()], map(gradient, range(14)), RULES)
    assert SpatialFolder(tmp_path / "video", RULES).seconds == 1
    with pytest.raises(OutputError, match="exists already"):
        write_folder(tmp_path / "video", [tones()], map(gradient, range(33)), RULES)
