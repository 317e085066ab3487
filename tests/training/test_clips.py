"""Training on recordings: where clips are cut, that they follow from the step, and what becomes of bad files."""

import csv
import dataclasses
import json
import os

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub.data.clips import NoWindowError
from avssl_hub.data.manifest import Manifest, ManifestItem
from avssl_hub.data.shards import write_shards
from avssl_hub.errors import InvalidValueError
from avssl_hub.media import MissingStreamError, write_media
from avssl_hub.models.avid import AvidProcessor
from avssl_hub.training import TooManyBrokenError, list_recipes, load_recipe, train
from avssl_hub.training.clip_reader import ClipReader
from avssl_hub.training.read_ahead import DecodingCrashedError
from avssl_hub.training.sources import open_source
from tests.training.runs import train_until

RATE = 8000
SECONDS = 4.0
SMALL = """
name: avid_small.clock
model: {video_depth: 10, video_hidden_sizes: [4, 4, 8, 8], audio_hidden_sizes: [4, 4, 8, 8], projection_sizes: 8}
processor: {num_frames: 4, fps: 8, crop_size: 32, resize_size: 32, sampling_rate: 8000, audio_duration: 1.0,
  fft_size: 256, hop_length: 160}
objective: {name: avid, num_negatives: 4}
optimizer: {epsilon: 0.1}
loop: {epochs: 2, batch_size: 4, checkpoint_every: 2, log_every: 1, trackers: []}
"""


def write_clock(path, number, fps=16.0):
    """Write a file that tells the time: grey on the right and loudness rise with it; grey on the left is its number."""
    seconds = torch.arange(int(SECONDS * fps)) / fps
    frames = torch.zeros(len(seconds), 48, 64, 3, dtype=torch.uint8)
    frames[:, :, :32] = 20 * number
    frames[:, :, 32:] = (20 + 50 * seconds).byte()[:, None, None, None]
    time = torch.arange(int(SECONDS * RATE)) / RATE
    sound = (0.1 + 0.2 * time) * torch.sin(2 * torch.pi * 500 * time)
    write_media(path, frames, fps, sound[None], RATE)


def times_told(frames, sounds):
    """Read from a clip when its picture starts, and when its sounds do, a second each."""
    seen = (frames[0, :, 40:].float().mean().item() - 20) / 50
    heard = [((sound.square().mean().sqrt().item() * 2**0.5 - 0.1) / 0.2 - 0.5) for sound in sounds]
    return seen, heard


@pytest.fixture(scope="module")
def clocks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clocks")
    for number in range(9):
        write_clock(folder / f"{number}.mp4", number)
    write_list(folder / "clips.csv", [f"{number}.mp4" for number in range(9)])
    (folder / "small.yaml").write_text(SMALL)
    return folder


def write_list(path, names):
    path.write_text("\n".join(["path", *map(str, names)]), encoding="utf-8")


def recipe_of(clocks, *overrides, manifest="clips.csv"):
    return load_recipe(clocks / "small.yaml", [f"data.manifest={clocks / manifest}", *overrides])


def clips_of(clocks, item=None, count=24, **settings):
    reader = ClipReader(recipe_of(clocks).processor_in_decibels(), **settings)
    item = item or ManifestItem(clocks / "3.mp4")
    return [times_told(*reader.read(item, torch.Generator().manual_seed(seed))) for seed in range(count)]


@pytest.mark.parametrize("misalignment", [0.0, 0.4])
def test_the_picture_lies_beside_its_sound_and_may_leave_it_by_the_misalignment(clocks, misalignment):
    clips = clips_of(clocks, misalignment=misalignment)
    offsets = [seen - heard for seen, (heard,) in clips]
    # Half a second of picture within a second of sound, give or take a frame and what the codecs lose.
    assert min(offsets) > -misalignment - 0.1
    assert max(offsets) < 0.5 + misalignment + 0.1
    assert max(offsets) - min(offsets) > 0.3 + misalignment, "drawn over the whole range"
    starts = [heard for _, (heard,) in clips]
    assert min(starts) < 0.5
    assert max(starts) > 2.4


def test_clips_stay_within_the_part_of_a_recording_that_a_row_names(clocks):
    clips = clips_of(clocks, ManifestItem(clocks / "3.mp4", start=1.0, end=2.8))
    assert all(0.9 < heard < 1.9 and 0.9 < seen < 2.4 for seen, (heard,) in clips)
    for seed in range(24):
        reader = ClipReader(recipe_of(clocks).processor_in_decibels(), misalignment=2.0)
        item = ManifestItem(clocks / "3.mp4", start=1.0, end=2.8)
        frames, _ = reader.read(item, torch.Generator().manual_seed(seed))
        first, last = ((frames[place, :, 40:].float().mean().item() - 20) / 50 for place in (0, -1))
        assert 0.9 < first <= last < 2.85, "no frame from behind the end"
    with pytest.raises(NoWindowError, match=r"got picture 1.00-1.80 s and sound 1.00-1.80 s; expected 1.0 s of sound"):
        clips_of(clocks, ManifestItem(clocks / "3.mp4", start=1.0, end=1.8))


def test_sound_out_of_time_is_half_the_room_away(clocks):
    # Windows of a second start anywhere in three: the other one starts 1.5 s later, or earlier.
    for _, (heard, shifted) in clips_of(clocks, count=8, with_shifted_sound=True):
        assert abs(shifted - heard) == pytest.approx(1.5, abs=0.1)
    with pytest.raises(NoWindowError, match=r"choosing sound out of time: got 1.80 s of sound; expected at least 2 s"):
        clips_of(clocks, ManifestItem(clocks / "3.mp4", start=1.0, end=2.8), with_shifted_sound=True)


def test_a_recording_without_sound_is_named(clocks, tmp_path):
    write_media(tmp_path / "mute.mp4", torch.zeros(40, 48, 64, 3, dtype=torch.uint8), 16.0)
    with pytest.raises(MissingStreamError, match=r"mute.mp4: got no sound; expected picture and sound"):
        clips_of(clocks, ManifestItem(tmp_path / "mute.mp4"))


class Silent:
    """Takes no note of broken items: there are none."""

    def add(self, found):
        assert not found


def test_a_batch_is_a_function_of_seed_and_step_whatever_the_number_of_processes_and_workers(clocks):
    def batch(step, workers, rank=0, processes=1):
        recipe = recipe_of(clocks, f"data.workers={workers}")
        source = open_source(recipe)
        made = source.batches(
            recipe.processor_in_decibels(), recipe.build_objective(9, 2), Silent(), torch.device("cpu"), rank, processes
        )
        return next(made.from_step(step))

    whole = batch(1, workers=1)
    assert whole.pixel_values_videos.shape == (4, 4, 3, 32, 32)
    assert whole.input_features.shape == (4, 1, 50, 65)
    for workers, processes in ((2, 1), (1, 2)):
        shares = [batch(1, workers, rank, processes) for rank in range(processes)]
        for field in whole._fields:
            merged = torch.stack([getattr(share, field) for share in shares], 1).flatten(0, 1)
            torch.testing.assert_close(merged, getattr(whole, field), rtol=0, atol=1e-5)
    assert not torch.equal(batch(3, workers=1).pixel_values_videos, whole.pixel_values_videos)


def test_clips_from_shards_are_those_from_files(clocks, tmp_path):
    write_shards(Manifest.read(clocks / "clips.csv"), tmp_path, size=50_000)
    assert len(list(tmp_path.glob("*.tar"))) > 1
    batches = []
    for manifest in (clocks / "clips.csv", tmp_path / "manifest.parquet"):
        recipe = load_recipe(clocks / "small.yaml", [f"data.manifest={manifest}"])
        objective = recipe.build_objective(9, 2)
        source = open_source(recipe).batches(
            recipe.processor_in_decibels(), objective, Silent(), torch.device("cpu"), 0, 1
        )
        batches.append(next(source.from_step(0)))
    assert all(torch.equal(*fields) for fields in zip(*batches))


def test_the_item_told_is_the_one_read(clocks):
    recipe = recipe_of(clocks, "augment.crop_area=[1, 1]", "augment.mirror=0", *COLOURLESS)
    source = open_source(recipe)
    processor = recipe.processor_in_decibels()
    made = source.batches(processor, recipe.build_objective(9, 2), Silent(), torch.device("cpu"), 0, 1)
    seen = []
    for batch in made.from_step(0):
        std, mean = (torch.tensor(values)[:, None, None] for values in (processor.image_std, processor.image_mean))
        left = ((batch.pixel_values_videos * std + mean) * 255)[..., 2:10].mean((1, 2, 3, 4))
        assert (left / 20).round().long().tolist() == batch.indices.tolist()
        assert not (batch.negatives == batch.indices[:, None]).any()
        seen.append(sorted(batch.indices.tolist()))
    # Two epochs of two full batches each, no clip twice in an epoch.
    assert [len(set(seen[first] + seen[first + 1])) for first in (0, 2)] == [8, 8]


COLOURLESS = [f"augment.{name}=0" for name in ("brightness", "contrast", "saturation", "hue")]


def test_a_bad_file_is_named_and_the_next_one_stands_in(clocks, tmp_path):
    (tmp_path / "cut.mp4").write_bytes((clocks / "5.mp4").read_bytes()[:2000])
    names = [clocks / f"{number}.mp4" for number in range(9)]
    names[5] = tmp_path / "cut.mp4"
    write_list(tmp_path / "clips.csv", names)
    recipe = load_recipe(clocks / "small.yaml", [f"data.manifest={tmp_path / 'clips.csv'}", "loop.epochs=3"])
    folder = train(recipe, tmp_path / "run")
    with open(folder / "broken.csv", newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["item"] == "5"
    assert row["name"] == str(tmp_path / "cut.mp4")
    assert "a file that was cut short holds less than its header says" in row["reason"]
    assert json.loads((folder / "metrics.json").read_text())["broken"] == 1

    names[7] = tmp_path / "missing.mp4"
    write_list(tmp_path / "worse.csv", names)
    recipe = load_recipe(clocks / "small.yaml", [f"data.manifest={tmp_path / 'worse.csv'}", "loop.epochs=3"])
    with pytest.raises(TooManyBrokenError, match=r"got 2 of 9 that cannot be used, named in .*; expected at most 1"):
        train(recipe, tmp_path / "stopped")
    assert "missing.mp4" in (tmp_path / "stopped" / "broken.csv").read_text()
    with pytest.raises(TooManyBrokenError, match="got 2 of 9"):
        train(recipe, tmp_path / "stopped", resume=True)
    lenient = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, max_broken=0.3))
    assert (train(lenient, tmp_path / "stopped", resume=True) / "model.safetensors").is_file()


def test_nothing_usable_ends_the_run_with_a_reason(clocks, tmp_path):
    write_list(tmp_path / "clips.csv", ["a.mp4", "b.mp4", "c.mp4", "d.mp4"])
    settings = [f"data.manifest={tmp_path / 'clips.csv'}", "data.max_broken=1"]
    with pytest.raises(InvalidValueError, match="got no usable recording among 4 of its rows; expected recordings to"):
        train(load_recipe(clocks / "small.yaml", settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    published = ["processor={num_frames: 4, fps: 8, crop_size: 32, resize_size: 32}"]
    with pytest.raises(TooManyBrokenError, match=r"got none usable in place of .*[abcd].mp4 and after it: cannot open"):
        train(load_recipe(clocks / "small.yaml", [*settings, *published]), tmp_path / "published")


def test_a_killed_and_resumed_run_on_recordings_equals_an_uninterrupted_one(clocks, tmp_path):
    recipe = recipe_of(clocks)
    whole = train(recipe, tmp_path / "whole")
    totals, resumed_at = [], []
    train_until(3, recipe, tmp_path / "cut", lambda total, losses: totals.append(total))
    assert totals == [4, 4, 4]
    # How many workers read is no part of the result.
    again = recipe_of(clocks, "data.workers=1")
    cut = train(again, tmp_path / "cut", resume=True, progress=lambda done, *_: resumed_at.append(done))
    assert resumed_at == [3, 4]
    for name in ("model.safetensors", "memory_banks.safetensors"):
        first, second = load_file(whole / name), load_file(cut / name)
        assert all(torch.equal(first[key], second[key]) for key in first | second)


def test_a_run_is_not_resumed_on_another_list(clocks, tmp_path):
    write_list(clocks / "turned.csv", [f"{number}.mp4" for number in reversed(range(9))])
    write_list(clocks / "shorter.csv", [f"{number}.mp4" for number in range(8)])
    train_until(2, recipe_of(clocks, "loop.checkpoint_every=1"), tmp_path / "run")
    for other in ("turned.csv", "shorter.csv"):
        recipe = recipe_of(clocks, "loop.checkpoint_every=1", manifest=other)
        with pytest.raises(InvalidValueError, match="resuming: got items of another list, or in another order; exp"):
            train(recipe, tmp_path / "run", resume=True)


def test_a_decoder_that_dies_ends_the_run_with_a_next_step(clocks, tmp_path, monkeypatch):
    monkeypatch.setattr(ClipReader, "read", lambda *_: os._exit(1))
    published = ["processor={num_frames: 4, fps: 8, crop_size: 32, resize_size: 32}"]
    with pytest.raises(DecodingCrashedError, match=r"reading clips: got .*exited unexpectedly.*with avssl data check"):
        train(recipe_of(clocks, *published), tmp_path)


def test_every_recipe_of_towers_for_recordings_takes_a_step(clocks, tmp_path):
    write_list(clocks / "few.csv", [f"{number}.mp4" for number in range(6)])
    settings = [f"data.manifest={clocks / 'few.csv'}", "data.workers=1", "loop.steps=1", "loop.batch_size=4"]
    settings += ["model.video_hidden_sizes=[4, 4, 4, 4]", "model.audio_hidden_sizes=[4, 4, 4, 4]"]
    settings += ["model.projection_sizes=4", "loop.trackers=[]"]
    start_from = {"avid_cma/kinetics": "avid/kinetics", "avid_cma/audioset": "avid/audioset"}
    start_from["avid_cma/ablation"] = "avid/ablation_cross"
    names = [name for name in list_recipes() if load_recipe(name).task == "embedding" and "tiny" not in name]
    for name in sorted(names, key=start_from.__contains__):
        own = [*settings, "data.clips_per_item=1"]
        if name in start_from:
            own += [f"start_from={tmp_path / start_from[name]}", "objective.num_positives=2"]
        folder = train(load_recipe(name, own), tmp_path / name)
        processor = AvidProcessor.from_pretrained(folder)
        assert processor.spectrogram_mean == AvidProcessor(fft_size=processor.fft_size).spectrogram_mean, "published"
        assert processor.crop_size == (112 if "ablation" in name else 224)
        assert (folder / "memory_banks.safetensors").is_file()
