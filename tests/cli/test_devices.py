"""What ``--device`` means on a machine with two GPUs."""

import pytest
import torch

from avssl_hub.cli._devices import chosen_device
from avssl_hub.errors import InvalidValueError


@pytest.fixture
def gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize("name", [None, "cuda"])
def test_processes_of_a_machine_go_from_gpu_to_gpu(gpus, name):
    assert [chosen_device(name, local_rank) for local_rank in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]


def test_a_device_that_is_named_outright_is_taken(gpus):
    assert [chosen_device(name, local_rank=1) for name in ("cpu", "cuda:0")] == ["cpu", "cuda:0"]
    with pytest.raises(InvalidValueError, match="'cuda:2'; expected one of cpu, cuda, cuda:0, cuda:1"):
        chosen_device("cuda:2")
