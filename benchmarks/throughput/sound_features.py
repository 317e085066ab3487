"""The ESC protocol: features of ten clips a recording, beside a clip at a time; and the classifiers they feed.

The network is of full size with random weights, which costs what a trained one costs.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import torch
from torch.nn import functional as F

from avssl_hub.data.manifest import Manifest
from avssl_hub.evaluation.features import FeatureStore, extract
from avssl_hub.evaluation.protocols import AvidSound
from avssl_hub.evaluation.protocols.avid_sound import GRIDS
from avssl_hub.evaluation.zoo_encoder import ZooEncoder
from avssl_hub.media import MediaReader

from ._measure import Laps, bar, by_turns, gemm_gflops, torch_threads
from ._straightforward import spectrogram

BAR = 1.4
TOLERANCE = 1e-3


class TestClips(AvidSound):
    """The protocol without its training clips, whose speed is drawn at random."""

    parts = ("test",)


def plain_features(path: Path, encoder: ZooEncoder, protocol: AvidSound) -> dict[str, torch.Tensor]:
    """Decode a recording, then take one clip after the other: librosa, the network as it is, four poolings."""
    rate = encoder.sampling_rate
    with MediaReader(path) as reader:
        start, end = reader.audio.start, reader.audio.end
        sound = reader.read_audio(start, min(protocol.seconds, end - start), rate).samples[0]
    sound = F.pad(sound, (0, round(protocol.seconds * rate) - len(sound))).repeat(2)
    length = round(encoder.audio_duration * rate)
    rows = []
    for start in torch.linspace(0, protocol.seconds, protocol.clips, dtype=torch.float64) * rate:
        clip = spectrogram(sound[int(start) :][:length].numpy(), encoder.processor)
        with torch.no_grad():
            maps = encoder.model(input_features=clip[None, None], output_hidden_states=True).audio_hidden_states
        rows.append([F.adaptive_avg_pool2d(values, size).flatten() for values, size in zip(maps[1:], GRIDS.values())])
    return {layer: torch.stack(values) for layer, values in zip(GRIDS, zip(*rows))}


def run(sounds: Sequence[Path], rounds: int, model: str = "avid.kinetics", threads: int = 2) -> dict:
    """Measure the features of recordings on two threads, or on one where there are no two.

    Args:
        sounds: The recordings.
        rounds: How often each way is taken.
        model: The network, by its name in the catalogue.
        threads: Threads of the network.

    Returns:
        The section of the report.
    """
    protocol, threads = TestClips(), min(threads, os.cpu_count() or 1)
    torch.manual_seed(0)
    plain = ZooEncoder(model, random_weights=True, trainable=True)
    torch.manual_seed(0)
    fast = ZooEncoder(model, random_weights=True, batch_size=protocol.clips)
    manifest = Manifest(pa.table({"path": [str(path.resolve()) for path in sounds]}))
    found = {}

    def one_by_one():
        found["plain"] = [plain_features(path, plain, protocol) for path in sounds]

    def library():
        # A store of its own each time, or the second round would read the first one's.
        with tempfile.TemporaryDirectory() as folder:
            store = FeatureStore(Path(folder), {})
            keys = extract(manifest, fast, protocol, "audio", store).keys
            found["library"] = {layer: store.load(keys, f"test.{layer}") for layer in GRIDS}

    laps = Laps()
    with torch_threads(threads):
        gemm = gemm_gflops(threads)
        by_turns({"plain": one_by_one, "library": library}, rounds, laps)
    difference = max(
        (torch.stack([one[layer] for one in found["plain"]]) - torch.from_numpy(found["library"][layer])).abs().max()
        for layer in GRIDS
    )
    wall, cpu = laps.ratio("plain", "library")
    unit = f"{len(sounds)} recordings"
    return {
        "title": f"Features of the ESC protocol, {protocol.clips} clips a recording, four layers, threads: {threads}",
        "setting": {"rounds": rounds, "recordings": len(sounds), "gemm_gflops": {str(threads): gemm}},
        "rows": [{**laps.row(name, unit), "name": name} for name in ("plain", "library")],
        "figures": [
            bar("features of the ESC protocol: over a clip at a time", wall, BAR, cpu=cpu),
            bar("largest difference of a feature", float(difference), TOLERANCE, at_least=False, unit=""),
        ],
    }
