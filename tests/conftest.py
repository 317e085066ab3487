"""What every test folder shares: where real data may lie, and the network switched off."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def own_compiler_cache(tmp_path_factory):
    """Keep what torch.compile left on this machine, perhaps under other settings, out of the tests."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("inductor")))


@pytest.fixture(scope="session")
def shared_data():
    """Return ``find(relative)``: the path below the real-data folder, or a skip with the reason."""
    base = Path(os.environ.get("AVSSL_DATA", ROOT.parent / "shared" / "data"))

    def find(relative: str) -> Path:
        path = base / relative
        if not path.exists():
            pytest.skip(f"real data not here: {path} (set AVSSL_DATA to the folder that holds it)")
        return path

    return find
