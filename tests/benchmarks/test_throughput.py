"""The throughput benchmark measures what it says: equal work by turns, medians of paired ratios, honest verdicts."""

import json
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from avssl_hub.models.avid import AvidConfig, AvidProcessor
from avssl_hub.models.multisensory import MultisensoryConfig, MultisensoryForSourceSeparation
from avssl_hub.models.spatial_audio_gen import SpatialAudioGenConfig
from benchmarks.throughput import __main__ as command
from benchmarks.throughput import load, objectives, scenes, spatial, towers, train
from benchmarks.throughput._measure import Laps, bar, by_turns, gemm_gflops, torch_threads
from benchmarks.throughput._report import markdown
from tests.media.corpus import Sound, make, noise
from tests.models.test_spatial_audio_gen import SMALL

TINY = {
    "video_depth": 10,
    "video_hidden_sizes": [4, 4, 8, 8],
    "audio_hidden_sizes": [4, 4, 8, 8],
    "projection_sizes": [8, 4],
}


@pytest.fixture(scope="module")
def input_pipeline():
    pytest.importorskip("librosa", reason="the plain path needs the extra 'throughput'")
    pytest.importorskip("PIL", reason="the plain path needs the extra 'throughput'")
    from benchmarks.throughput import input_pipeline

    return input_pipeline


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A folder of two files: a smooth pattern that moves, under noise."""
    folder = tmp_path_factory.mktemp("videos")
    x, y = np.meshgrid(np.arange(128) / 128, np.arange(96) / 96)
    for seed in range(2):

        def pattern(number, seed=seed):
            phase = (1 + seed) * number / 25
            planes = [np.sin(6 * x + phase), np.cos(5 * y - phase), np.sin(4 * (x + y) + 2 * phase)]
            return (127 + 100 * np.stack(planes, -1)).astype(np.uint8)

        sound = Sound(noise(4.0, 44100, seed=seed), 44100)
        times = [number / 25 for number in range(100)]
        make(folder / f"{seed}.mp4", times, (sound,), fps=25, size=(128, 96), pictures=pattern)
    return folder


def both_paths(input_pipeline, files, tmp_path):
    processor = AvidProcessor()
    clips = input_pipeline.choose_clips(files, len(files), tmp_path, processor)
    for clip in clips:
        yield tuple(path(clip, "as found", "eval", processor, Laps(), "") for path in input_pipeline.PATHS.values())


def test_both_paths_give_the_same_inputs_of_generated_clips(input_pipeline, videos, tmp_path):
    pairs = list(both_paths(input_pipeline, sorted(videos.iterdir()), tmp_path))
    assert len(pairs) == 2
    for ours, plain in pairs:
        # Pillow and torch round resized bytes alike but for rare halves: one step is 0.018.
        assert_close(ours.pixels, plain.pixels, atol=0.02, rtol=0)
        assert (ours.pixels - plain.pixels).abs().mean() < 1e-4
        assert (ours.features - plain.features).abs().mean() < 0.02


def test_both_paths_give_the_same_inputs_of_real_clips(input_pipeline, shared_data, tmp_path):
    files = sorted(shared_data("ucf101-mini/videos").glob("*Lipstick*.mp4"))[:3]
    for ours, plain in both_paths(input_pipeline, files, tmp_path):
        assert_close(ours.pixels, plain.pixels, atol=0.02, rtol=0)
        assert (ours.pixels - plain.pixels).abs().mean() < 1e-4
        assert (ours.features - plain.features).abs().mean() < 0.02


def test_training_paths_share_their_draws(input_pipeline, videos, tmp_path):
    processor = AvidProcessor()
    (clip,) = input_pipeline.choose_clips(sorted(videos.iterdir())[:1], 1, tmp_path, processor)
    ours, plain = (path(clip, "as found", "train", processor, Laps(), "") for path in input_pipeline.PATHS.values())
    # Pillow rounds to bytes after each of four operations and turns hue in steps of 1/256.
    assert (ours.pixels - plain.pixels).abs().mean() < 0.05
    assert (ours.features - plain.features).abs().mean() < 0.02


def test_input_section_times_every_path_and_stage(input_pipeline, videos, tmp_path):
    section = input_pipeline.run(sorted(videos.iterdir())[:1], 1, 1, tmp_path)
    times = {row["name"]: row["wall_ms"] for row in section["rows"]}
    for path in ("library", "straightforward"):
        for mode in ("eval", "train"):
            for files in ("as found", "re-encoded"):
                label = f"{path}, {mode}, {files}"
                stages = [times[f"{label}: {stage}"] for stage in ("video", "video transform", "sound", "spectrogram")]
                assert min(stages) > 0
                assert sum(stages) <= times[label]
    # With one clip and one round, the median of ratios is the ratio itself.
    for figure, mode, files in zip(
        section["figures"], ("eval", "train", "eval", "train"), ("as found", "as found", "re-encoded", "re-encoded")
    ):
        expected = times[f"straightforward, {mode}, as found"] / times[f"library, {mode}, {files}"]
        assert figure["value"] == pytest.approx(expected)
        assert figure["met"] == (expected >= figure["bar"])


def test_towers_section_compares_equal_outputs(monkeypatch):
    pytest.importorskip("openvino", reason="the OpenVINO form needs the extra 'throughput'")
    monkeypatch.setattr(torch, "compile", lambda model, **options: model)
    section = towers.run(rounds=1, batch=2, frames=2, size=32, config=AvidConfig(**TINY))
    names = [row["name"] for row in section["rows"]]
    assert len(names) == len(set(names)) == 4 * 2 * len(section["setting"]["gemm_gflops"])
    differences = [figure for figure in section["figures"] if "largest difference" in figure["name"]]
    assert len(differences) == 3 / 4 * len(names)
    assert all(figure["met"] and figure["value"] < 1e-4 for figure in differences)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(which, ("g++", "c++", "clang++"))), reason="torch.compile needs a C++ compiler")
def test_compiled_towers_give_equal_outputs():
    pytest.importorskip("openvino", reason="the OpenVINO form needs the extra 'throughput'")
    section = towers.run(rounds=1, batch=2, frames=2, size=32, config=AvidConfig(**TINY))
    compiled = [figure for figure in section["figures"] if "compiled" in figure["name"] and "diff" in figure["name"]]
    assert len(compiled) >= 2
    assert all(figure["met"] for figure in compiled)


SMALL_SCENE = {
    "video_hidden_sizes": (8, 12, 16, 20),
    "audio_hidden_sizes": (8, 12, 12, 16, 8),
    "fusion_hidden_size": 24,
    "unet_hidden_sizes": (8, 8, 12, 12, 16),
    "unet_time_strides": (1, 1, 2, 2, 2),
    "unet_video_layers": (1, 2, 3),
}


@pytest.fixture
def small_scene():
    config = MultisensoryConfig(**SMALL_SCENE)
    return scenes.Scene("separation", MultisensoryForSourceSeparation, config, 9, 8000, memory_limit=600)


def test_scenes_section_compares_equal_outputs(small_scene, tmp_path, monkeypatch):
    taken = {"plain": {"imports": 500.0, "peak": 700.0}, scenes.OPTIMIZED: {"imports": 510.0, "peak": 650.0}}
    monkeypatch.setattr(scenes, "_peak", lambda scene, folder, form, size, threads: taken[form])
    section = scenes.run(1, tmp_path, [small_scene], size=32, threads=1)
    names = ["separation, plain", f"separation, {scenes.OPTIMIZED}"]
    assert [(row["name"], row["memory_mb"]) for row in section["rows"]] == list(zip(names, (700.0, 650.0)))
    times = [row["wall_ms"] for row in section["rows"]]
    figures = {figure["name"].split(": ")[1]: figure for figure in section["figures"]}
    assert figures["over plain"]["value"] == pytest.approx(times[0] / times[1])
    assert figures["largest difference, in standard deviations"]["met"]
    (gemm,) = section["setting"]["gemm_gflops"].values()
    speed = figures["work of a clip"]["value"] / (times[1] / 1e3)
    assert figures["share of the matrix product"]["value"] == pytest.approx(100 * speed / gemm)
    assert not figures["memory, half of the original's"]["met"]
    assert figures["of which imports"]["value"] == 510.0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_of_a_scene_is_that_of_a_fresh_process(small_scene, tmp_path):
    small_scene.model_class(small_scene.config).save_pretrained(tmp_path)
    block = torch.ones(250_000_000)
    taken = scenes._peak(small_scene, tmp_path, scenes.OPTIMIZED, size=32, threads=1)
    # A small network and its maps; the gigabyte of this process does not count.
    assert block.nbytes / 1e6 > taken["peak"] > taken["imports"] > 100
    assert taken["peak"] < taken["imports"] + 100


def test_spatial_section_compares_equal_ambisonics():
    config = SpatialAudioGenConfig(**{**SMALL, "encoders": ("audio", "video"), "sampling_rate": 480})
    section = spatial.run(1, seconds=0.75, config=config, threads=1)
    assert section["setting"]["chunks"] == 3
    forms = (spatial.LOOP, spatial.BATCHES, spatial.SHARED, spatial.OPTIMIZED)
    assert [row["name"] for row in section["rows"]] == [f"{form}, {mode}" for mode in spatial.MODES for form in forms]
    times = [row["wall_ms"] for row in section["rows"]]
    figures = {figure["name"]: figure for figure in section["figures"]}
    for index, mode in enumerate(spatial.MODES):
        loop, *_, fast = times[4 * index : 4 * index + 4]
        label = f"{spatial.OPTIMIZED}, {mode}"
        assert figures[f"{label}: over chunk by chunk"]["value"] == pytest.approx(loop / fast)
        assert figures[f"{label}: seconds of recording a second"]["value"] == pytest.approx(750 / fast)
        assert figures[f"{mode}: largest difference, in standard deviations"]["met"]
        shares = [
            figures[f"{label}: time in {part}"]["value"] for part in ("the encoder of sound", "encoders of pictures")
        ]
        assert min(shares) > 0
        assert sum(shares) < 100


def test_objectives_section_compares_equal_losses_and_sets():
    section = objectives.run(rounds=1, batch=4, negatives=8, dim=16, positives=3, step_items=50, search_items=300)
    assert {row["name"]: row["samples"] for row in section["rows"]} == {
        "AVID step, plain": 8,
        "AVID step, library": 8,
        "search, plain": 1,
        "search, library": 1,
    }
    same = [figure for figure in section["figures"] if figure["bar"] in (0, 1e-5)]
    assert len(same) == 2
    assert all(figure["met"] for figure in same)


@pytest.mark.parametrize("decoded", [False, True])
def test_train_section_times_every_stage_of_equal_steps(videos, decoded):
    files = sorted(videos.iterdir()) if decoded else ()
    processor = AvidProcessor(num_frames=4, crop_size=32)
    config = AvidConfig(**TINY)
    section = train.run(1, files, batch=2, config=config, processor=processor, items=2000, compiled=False)
    times = {row["name"]: row["wall_ms"] for row in section["rows"]}
    assert ("decode, one thread" in times) is decoded
    for step in ("step, plain", "step, channels last"):
        assert 0 < sum(times[f"{step}: {stage}"] for stage in train.STAGES) <= times[step]
    augment = next(row for row in section["rows"] if row["name"] == "augment")
    assert augment["per_second"] == pytest.approx(2 / (augment["wall_ms"] / 1e3))
    ratio = times["step, plain"] / times["step, channels last"]
    figures = {figure["name"]: figure for figure in section["figures"]}
    assert figures["step: channels last over plain"]["value"] == pytest.approx(ratio)
    assert figures["channels last: relative difference of the first loss"]["met"]


def test_load_section_measures_fresh_processes(tmp_path):
    section = load.run(rounds=1, folder=tmp_path, config=AvidConfig(**TINY), bank_rows=50_000)
    rows = {row["name"]: row for row in section["rows"]}
    assert rows["import avssl_hub"]["wall_ms"] < rows["load(), the whole process"]["wall_ms"]
    # Two banks of 50,000 rows of 128 floats: a mapped file stays on disk but for what is read of it.
    assert section["setting"]["checkpoint_mb"] == pytest.approx(2 * 50_000 * 128 * 4 / 1e6, rel=0.02)
    assert rows["reading a zip checkpoint"]["memory_mb"] < 25


def test_ratio_is_the_median_of_paired_ratios():
    laps = Laps()
    laps.wall |= {"slow": [2.0, 4.0, 9.0], "fast": [1.0, 1.0, 3.0]}
    laps.cpu |= {"slow": [1.0, 1.0, 1.0], "fast": [2.0, 4.0, 1.0]}
    # 2, 4, 3 by wall time, where the ratio of medians would be 4; 1/2, 1/4, 1 by CPU time.
    assert laps.ratio("slow", "fast") == (3.0, 0.5)


def test_row_is_the_median():
    laps = Laps()
    laps.wall["x"], laps.cpu["x"] = [0.5, 0.02, 0.04], [0.01, 0.03, 0.02]
    row = laps.row("x")
    assert (row["wall_ms"], row["cpu_ms"], row["per_second"], row["samples"]) == (40.0, 20.0, 25.0, 3)


def test_every_round_begins_with_another_variant():
    seen = []
    by_turns({name: lambda name=name: seen.append(name) for name in "abc"}, 3, Laps())
    assert "".join(seen) == "abcbcacab"


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "met"),
    [(1.5, 1.5, True, True), (1.49, 1.5, True, False), (0.3, 0.3, False, True), (0.31, 0.3, False, False)],
)
def test_bars_are_met_or_not(value, limit, at_least, met):
    assert bar("x", value, limit, at_least)["met"] is met


def test_a_measurement_leaves_the_thread_count_as_it_was():
    before = torch.get_num_threads()

    @torch_threads(before + 1)
    def interrupted():
        assert torch.get_num_threads() == before + 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert torch.get_num_threads() == before


def test_matrix_product_has_a_speed():
    assert gemm_gflops(1, size=64, repeats=1) > 0


def test_command_writes_json_and_a_table(input_pipeline, videos, tmp_path, capsys):
    out = tmp_path / "results.json"
    arguments = ["--videos", str(videos), "--clips", "2", "--rounds", "1", "--only", "input", "--out", str(out)]
    assert command.main(arguments) == 0
    results = json.loads(out.read_text())
    assert set(results["sections"]) == {"input"}
    assert torch.__version__.startswith(results["machine"]["versions"]["torch"])
    assert set(results["machine"]["gemm_gflops"]) == {"1", "2"}
    assert results["sections"]["input"]["setting"]["clips"] == 2
    assert capsys.readouterr().out == markdown(results)


def test_table_says_which_bars_are_met():
    figures = [bar("quick", 2.0, 1.5, cpu=1.9), bar("slow", 1.0, 1.5), bar("free", 1.0, None)]
    rows = [{"name": "stage", "wall_ms": 12.34, "cpu_ms": 11.0, "per_second": 81.0}]
    section = {"title": "Title", "setting": {"rounds": 3}, "rows": rows, "figures": figures}
    machine = {"cpu": "C", "cores": 2, "instructions": "I", "system": "S", "python": "3", "versions": {"torch": "2"}}
    machine |= {"gemm_gflops": {"1": 100.0}, "load_average": 0.0}
    table = markdown({"date": "2026-01-01", "machine": machine, "sections": {"input": section}})
    assert "| stage | 12.3 | 11.0 | 81.0 |" in table
    assert "| quick | 2.00× | 1.90× | ≥ 1.50× | met |" in table
    assert "| slow | 1.00× |  | ≥ 1.50× | missed |" in table
    assert "| free | 1.00× |  |  |  |" in table


def test_a_folder_without_videos_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"got none in .*empty; expected some of .mp4"):
        command.main(["--videos", str(tmp_path / "empty"), "--only", "input"])


def test_both_ways_to_take_sound_features_agree(input_pipeline, tmp_path):
    from benchmarks.throughput import sound_features

    for seed, seconds in enumerate((5.0, 3.5)):
        make(tmp_path / f"{seed}.mp4", (), (Sound(noise(seconds, 44100, seed=seed), 44100),))
    section = sound_features.run(sorted(tmp_path.glob("*.mp4")), rounds=1, model="avid_tiny.avworld")
    assert [row["name"] for row in section["rows"]] == ["plain", "library"]
    ratio, difference = section["figures"]
    assert (ratio["bar"], difference["met"]) == (1.4, True)


def test_classifiers_of_sounds_are_timed_on_the_same_features():
    from avssl_hub.evaluation.protocols.protocol import Clips
    from benchmarks.throughput import sound_classifiers

    labels = np.arange(12) % 3
    features = np.eye(3, dtype=np.float32)[labels].repeat(2, 0).reshape(12, 2, 3)
    # Every fourth test recording is called what it is not.
    truth = np.where(np.arange(12) % 4, labels, (labels + 1) % 3)
    section = sound_classifiers.compare("layer", Clips(features, labels, np.arange(12)), features, truth)
    assert section["setting"] == {"rounds": 1, "clips": 24, "dimensions": 3}
    assert [row["name"] for row in section["rows"]] == ["avid_sound", "avid_sound_gram"]
    ratio, *accuracies = [figure["value"] for figure in section["figures"]]
    assert ratio == section["rows"][0]["wall_ms"] / section["rows"][1]["wall_ms"]
    assert accuracies == [0.75, 0.75]


def test_earth_movers_distances_are_alike_in_all_ways():
    pytest.importorskip("ot", reason="the earth mover's distance needs the extra 'metrics'")
    from benchmarks.throughput import emd

    torch.manual_seed(0)
    section = emd.run(rounds=1, frames=2, resolution_degrees=60)
    times = {row["name"]: row["wall_ms"] for row in section["rows"]}
    assert section["setting"]["nodes"] == 24
    differences = [figure for figure in section["figures"] if "difference" in figure["name"]]
    assert len(differences) == 3
    assert all(figure["met"] and figure["value"] < 1e-6 for figure in differences)
    ratio = next(figure["value"] for figure in section["figures"] if figure["name"] == f"library over {emd.BY_POT}")
    assert ratio == pytest.approx(times[emd.BY_POT] / times[emd.BY_LIBRARY])


def test_views_are_measured_on_equal_bytes():
    from benchmarks.throughput import views

    section = views.run(rounds=1, frames=2, height=16, size=6)
    figures = {figure["name"]: figure["value"] for figure in section["figures"]}
    for slow in (views.SCALAR, views.VECTORISED):
        assert figures[f"{slow}: bytes that differ"] == 0
        times = {row["name"]: row["wall_ms"] for row in section["rows"]}
        assert figures[f"library over {slow}"] == pytest.approx(times[slow] / times[views.LIBRARY])
