"""A whole checkpoint of the alignment network, as large as the authors', through the converter to a recorded output."""

import numpy as np
import pytest
import torch

from avssl_hub import load
from conversion._tensorflow.crc32c import crc32c
from conversion.registry import convert

from ..parity._multisensory import assert_matches, images, read_arrays, sound
from ..parity._rules import OWN_FIXTURES
from . import _tensorflow_files
from .test_multisensory import variables

NAME = "multisensory.audioset"


@pytest.mark.slow
def test_converted_network_reproduces_the_recorded_logit(tmp_path, monkeypatch):
    # By bytes the checksum of 144 MB would take minutes.
    monkeypatch.setattr(_tensorflow_files, "crc_by_bytes", lambda data: crc32c(np.frombuffer(data, np.uint8)))
    _tensorflow_files.write(tmp_path / "net.tf-650000", variables(NAME))
    report = convert(NAME, tmp_path, tmp_path / "out")
    assert report.renamed == 186

    arrays = read_arrays(OWN_FIXTURES / "multisensory" / "shift.odd.npz")
    with torch.no_grad():
        output = load(tmp_path / "out")(images(arrays), sound(arrays).transpose(1, 2))
    assert_matches(output.logits[:, None], arrays, "logits", 1e-4)
    assert_matches(output.activation_maps[..., None], arrays, "cam", 1e-4)
