"""Heads from SOFA and wav files: what is read, and what is refused."""

import sys
from math import pi

import numpy as np
import pytest
import torch

from avssl_hub.audio.ambisonics import encode, unit_vectors
from avssl_hub.audio.binaural import binauralize, spatialize_sources
from avssl_hub.audio.head_responses import SymmetricHead
from avssl_hub.errors import MissingExtraError
from avssl_hub.media import MediaOpenError, write_sound
from avssl_hub.media.hrir import read_hrir

h5py = pytest.importorskip("h5py")

KEMAR = "ambisonics/hrir/MIT_KEMAR_normal_pinna.sofa"


@pytest.fixture
def sofa(tmp_path):
    """Return ``make(**changes)``: a file of two directions and three taps, some entries replaced or left out (None)."""

    def make(convention="SimpleFreeFieldHRIR", kind="spherical", **changes):
        entries = {
            "Data.IR": np.arange(12.0).reshape(2, 2, 3),
            "Data.SamplingRate": [44100.0],
            "Data.Delay": [[0.0, 2.0]],
            "SourcePosition": [[90.0, 0.0, 1.4], [0.0, -30.0, 1.4]],
            "ListenerView": [[1.0, 0.0, 0.0]],
        } | changes
        path = tmp_path / "head.sofa"
        with h5py.File(path, "w") as file:
            file.attrs["SOFAConventions"] = np.bytes_(convention)
            for name, values in entries.items():
                if values is not None:
                    file[name] = values
            if "SourcePosition" in file:
                file["SourcePosition"].attrs["Type"] = np.bytes_(kind)
        return path

    return make


def test_directions_responses_and_delays_are_read(sofa):
    head = read_hrir(sofa())
    assert head.sampling_rate == 44100
    torch.testing.assert_close(head.vectors, torch.tensor([[0, 1, 0], [3**0.5 / 2, 0, -0.5]]))
    expected = [[[0, 1, 2, 0, 0], [0, 0, 3, 4, 5]], [[6, 7, 8, 0, 0], [0, 0, 9, 10, 11]]]
    torch.testing.assert_close(head.responses, torch.tensor(expected, dtype=torch.float32))


def test_cartesian_positions_are_read(sofa):
    head = read_hrir(sofa(kind="cartesian", SourcePosition=[[0.0, 2.0, 0.0], [0.0, 0.0, -1.0]]))
    torch.testing.assert_close(head.vectors, torch.tensor([[0.0, 1, 0], [0, 0, -1]]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"convention": "SimpleHeadphoneIR"}, "convention 'SimpleHeadphoneIR'; expected SOFA convention"),
        ({"Data.IR": None}, "got no Data.IR"),
        ({"Data.IR": np.zeros((2, 3, 4))}, r"Data.IR of shape \(2, 3, 4\); expected shape \(directions, 2 ears"),
        ({"Data.IR": np.full((2, 2, 3), np.nan)}, "Data.IR with NaN"),
        ({"SourcePosition": [[0.0, 0.0, 1.0]]}, "1 positions; expected as many as there are responses, 2"),
        ({"SourcePosition": [[0.0, 0.0]]}, r"SourcePosition of shape \(1, 2\)"),
        ({"kind": "cylindrical"}, "type 'cylindrical'"),
        ({"Data.SamplingRate": [44100.0, 48000.0]}, "Data.SamplingRate"),
        ({"Data.Delay": [[-1.0, 0.0]]}, "Data.Delay"),
        ({"Data.Delay": [[1e9, 0.0]]}, "Data.Delay"),
        ({"ListenerView": [[0.0, 1.0, 0.0]]}, "a ListenerView other than forward"),
        ({"Data.IR": [[[b"a"]]]}, "numbers"),
    ],
)
def test_wrong_content_is_named(sofa, changes, message):
    with pytest.raises(MediaOpenError, match=message):
        read_hrir(sofa(**changes))


def test_response_that_claims_to_be_huge_is_not_read(tmp_path):
    path = tmp_path / "bomb.sofa"
    with h5py.File(path, "w") as file:
        file.attrs["SOFAConventions"] = "SimpleFreeFieldHRIR"
        file.create_dataset("Data.IR", (10**6, 2, 10**6), "f4", chunks=(1, 2, 1000), compression="gzip")
    with pytest.raises(MediaOpenError, match="expected at most"):
        read_hrir(path)


@pytest.mark.parametrize("content", [b"", b"RIFF not HDF5", b"\x89HDF\r\n\x1a\n" + bytes(50)])
def test_files_that_are_no_hdf5_are_refused(tmp_path, content):
    path = tmp_path / "broken.sofa"
    path.write_bytes(content)
    with pytest.raises(MediaOpenError, match=r"broken\.sofa: got .*expected a SOFA file"):
        read_hrir(path)
    with pytest.raises(MediaOpenError, match=r"absent\.sofa"):
        read_hrir(tmp_path / "absent.sofa")


def test_missing_reader_is_named(sofa, monkeypatch):
    path = sofa()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"head\.sofa: .*pip install 'avssl-hub\[sofa\]'"):
        read_hrir(path)


def test_wav_holds_a_symmetric_head(tmp_path):
    write_sound(tmp_path / "order2.wav", torch.rand(9, 20), 48000)
    head = read_hrir(tmp_path / "order2.wav")
    assert isinstance(head, SymmetricHead)
    assert head.filters(2, 48000).shape == (9, 2, 20)
    write_sound(tmp_path / "stereo.wav", torch.rand(2, 20), 48000)
    with pytest.raises(MediaOpenError, match=r"stereo\.wav: got 2 channels"):
        read_hrir(tmp_path / "stereo.wav")


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", [KEMAR, "ambisonics/hrir/sh_hrir_order_{}.wav"])
def test_measured_heads_hear_left_and_right(shared_data, order, name):
    filters = read_hrir(shared_data(name.format(order))).filters(order, 48000)
    noise = torch.from_numpy(np.random.RandomState(0).standard_normal((1, 4800))).float()

    def levels(azimuth):
        ears = binauralize(encode(noise, torch.tensor([azimuth]), torch.zeros(1), order), filters)
        return ears.square().mean(-1).sqrt()

    left, right = levels(pi / 2)
    assert left > 1.2 * right
    torch.testing.assert_close(levels(-pi / 2), torch.stack([right, left]), rtol=0.02, atol=0)
    left, right = levels(0.0)
    assert left.item() == pytest.approx(right.item(), rel=0.02)


def test_kemar_hears_a_source_at_the_left_earlier_with_the_left_ear(shared_data):
    head = read_hrir(shared_data(KEMAR))
    assert head.responses.shape == (710, 2, 512)
    click = torch.zeros(1, 100)
    click[0, 0] = 1
    left, right = spatialize_sources(click, unit_vectors(torch.tensor([pi / 2]), torch.zeros(1)), head)
    # Around a human head sound takes some 0.7 ms from one ear to the other, 31 samples at 44.1 kHz.
    late = right.abs().argmax() - left.abs().argmax()
    assert 26 <= late <= 36
