"""The loop: it makes a model, its randomness is a function of the step, and a killed run ends as if it had not been."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml
from accelerate.utils import set_seed
from safetensors.torch import load_file

from avssl_hub.audio.spectrogram import log_spectrogram
from avssl_hub.data.avworld import AVWorld
from avssl_hub.errors import CheckpointError, InvalidValueError
from avssl_hub.models.avid import AvidConfig, AvidModel, AvidProcessor
from avssl_hub.outputs import OutputError
from avssl_hub.training import TrainingTerminated, load_recipe, train
from avssl_hub.training.checkpoints import list_checkpoints, save_checkpoint
from avssl_hub.training.run import TrainingDivergedError
from avssl_hub.training.schedule import learning_rate_factor
from avssl_hub.training.settings import OptimizerSettings
from avssl_hub.training.sources import open_source
from avssl_hub.training.start import start
from avssl_hub.training.world_batches import AVWorldBatches
from tests.training.runs import train_until

SMALL = [
    "model.video_hidden_sizes=[4, 4, 8, 8]",
    "model.audio_hidden_sizes=[4, 4, 8, 8]",
    "model.projection_sizes=8",
    "processor.crop_size=32",
    "processor.resize_size=32",
    "data.items=12",
    "objective.num_negatives=4",
    "optimizer.warmup_steps=2",
    "loop.batch_size=4",
    "loop.steps=7",
    "loop.checkpoint_every=2",
    "loop.log_every=3",
]


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("avid/tiny_avworld", SMALL)


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    steps = []
    folder = train(recipe, tmp_path_factory.mktemp("run"), progress=lambda *state: steps.append(state))
    return folder, steps


def test_a_run_leaves_a_model_that_loads_and_a_record_of_itself(finished, recipe):
    folder, steps = finished
    weights = load_file(folder / "model.safetensors")
    loaded = AvidModel.from_pretrained(folder).state_dict()
    assert loaded.keys() == weights.keys()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)
    assert [(done, total) for done, total, _ in steps] == [(step, 7) for step in range(1, 8)]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [row["step"] for row in metrics["history"]] == [3, 6, 7]
    assert metrics["history"][-1]["loss"] == steps[-1][2]["loss"]
    assert yaml.safe_load((folder / "recipe.yaml").read_text())["loop"]["steps"] == 7
    assert [path.name for path in list_checkpoints(folder / "checkpoints")] == ["step-4", "step-6"]


def test_spectrogram_statistics_are_those_of_the_training_split(finished, recipe):
    processor = AvidProcessor.from_pretrained(finished[0])
    room = recipe.data.world.duration - 1.0
    clips = AVWorld(recipe.data.world).render("train", range(12), room * torch.arange(12) / 12, 1.0, 8.0)
    decibels = log_spectrogram(clips.samples, 512, 480, 50).flatten(0, 1)
    torch.testing.assert_close(torch.tensor(processor.spectrogram_mean), decibels.mean(0), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(torch.tensor(processor.spectrogram_std), decibels.std(0), rtol=1e-4, atol=1e-3)


def test_resuming_at_any_checkpoint_gives_the_same_weights_bit_for_bit(finished, recipe, tmp_path):
    train_until(5, recipe, tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    resumed_at = []
    train(recipe, tmp_path, resume=True, progress=lambda done, *_: resumed_at.append(done))
    assert resumed_at == [5, 6, 7]
    assert (tmp_path / "model.safetensors").read_bytes() == (finished[0] / "model.safetensors").read_bytes()
    histories = [json.loads((folder / "metrics.json").read_text())["history"] for folder in (finished[0], tmp_path)]
    assert histories[0] == histories[1]


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.bin", "custom_checkpoint_0.pkl"])
@pytest.mark.parametrize("kept", [0, 100])
def test_a_damaged_checkpoint_is_named(finished, recipe, tmp_path, name, kept):
    shutil.copytree(finished[0], tmp_path / "run")
    file = tmp_path / "run" / "checkpoints" / "step-6" / name
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"resuming from .*step-6: got .*; expected a whole checkpoint. Remove"):
        train(recipe, tmp_path / "run", resume=True)
    shutil.rmtree(file.parent)
    assert train(recipe, tmp_path / "run", resume=True) == tmp_path / "run"


SCRIPT = """
import sys, time
from avssl_hub.outputs import OutputError
from avssl_hub.training import TrainingTerminated, load_recipe, train

def progress(done, total, losses):
    print(done, flush=True)
    time.sleep(0.3)

train(load_recipe("avid/tiny_avworld", sys.argv[2:]), sys.argv[1], progress=progress)
"""


def test_a_run_killed_by_the_system_and_resumed_equals_one_that_was_not(finished, recipe, tmp_path):
    victim = random.randint(1, 6)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), *SMALL]
    # Sums come out the same bit for bit only on as many threads.
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout:
            if int(line) == victim:
                process.kill()
    assert process.returncode == -signal.SIGKILL
    train(recipe, tmp_path, resume=True)
    weights = [(folder / "model.safetensors").read_bytes() for folder in (finished[0], tmp_path)]
    assert weights[0] == weights[1], f"killed after step {victim}"


def test_a_terminated_run_saves_and_says_so(tmp_path):
    command = [sys.executable, "-m", "avssl_hub.cli", "train", "avid/tiny_avworld", "-o", str(tmp_path / "run"), *SMALL]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(
        # Long enough to be terminated somewhere on the way.
        [*command, "loop.steps=100000", "loop.checkpoint_every=3"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        while not list_checkpoints(tmp_path / "run" / "checkpoints"):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        process.terminate()
        message = process.stderr.read()
    assert process.returncode == 128 + signal.SIGTERM
    step = int(
        re.search(r"got SIGTERM in step (\d+); expected 100000 steps. Its state is saved: resume it", message)[1]
    )
    assert "--resume" in message
    assert list_checkpoints(tmp_path / "run" / "checkpoints")[-1].name == f"step-{step}"


def test_a_run_resumed_after_termination_equals_one_that_was_not(finished, recipe, tmp_path):
    def terminate_in_step_five(done, total, losses):
        if done == 4:
            signal.raise_signal(signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingTerminated, match=r"got SIGTERM in step 5; expected 7 steps"):
        train(recipe, tmp_path, progress=terminate_in_step_five)
    assert signal.getsignal(signal.SIGTERM) == handler
    train(recipe, tmp_path, resume=True)
    assert (tmp_path / "model.safetensors").read_bytes() == (finished[0] / "model.safetensors").read_bytes()


def test_two_processes_share_one_run(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    train = ["-m", "avssl_hub.cli", "train", "avid/tiny_avworld", "-o", str(tmp_path / "run")]
    done = subprocess.run(
        [*command, *train, *SMALL, "loop.steps=2"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'run'}: trained as avid_tiny.avworld\n", "one process reports"
    assert (tmp_path / "run" / "model.safetensors").is_file()
    states = {path.name for path in (tmp_path / "run" / "checkpoints" / "step-2").glob("random_states_*")}
    assert states == {"random_states_0.pkl", "random_states_1.pkl"}


def test_two_processes_end_with_the_weights_of_one(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.replace("0.3", "0"))
    # Adam moves a weight whose gradient is rounding error as far as any other, either way: the epsilon keeps it still.
    # Few steps, since rounding decides which of two near-equal values a max pool passes the gradient to, and then the
    # losses part by some 1e-5.
    settings = [*SMALL, "loop.sync_batch_norm=true", "loop.steps=4", "loop.batch_size=12", "loop.log_every=1"]
    settings += ["loop.accumulation=2", "optimizer.warmup_steps=0", "optimizer.epsilon=0.1"]
    weights, losses = [], []
    for processes in (1, 2):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        folder = tmp_path / str(processes)
        done = subprocess.run(
            [*command, str(tmp_path / "script.py"), str(folder), *settings],
            capture_output=True,
            text=True,
            timeout=240,
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["1", "2", "3", "4"], "one process reports"
        weights.append(load_file(folder / "model.safetensors"))
        losses.append([row["loss"] for row in json.loads((folder / "metrics.json").read_text())["history"]])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    recipe = load_recipe("avid/tiny_avworld", SMALL)
    set_seed(recipe.seed)
    start = dict(AvidModel(AvidConfig(**recipe.model)).named_parameters())
    moved = [(weights[0][name] - value).abs().max().item() for name, value in start.items()]
    assert 1e-3 < max(moved) < 0.02, "four steps of Adam away from the first weights"
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=0, atol=1e-5)


def test_gradients_of_the_parts_of_a_batch_add_up_to_one_step(recipe, tmp_path):
    # One step of Adam with a large epsilon moves a weight in proportion to its gradient.
    settings = [*SMALL, "loop.steps=1", "optimizer.warmup_steps=0", "optimizer.epsilon=1e3", "optimizer.weight_decay=0"]
    parts = load_recipe("avid/tiny_avworld", [*settings, "loop.accumulation=2", "optimizer.learning_rate=1e3"])
    moved = load_file(train(parts, tmp_path / "run") / "model.safetensors")

    source = open_source(parts)
    set_seed(parts.seed)
    model, processor, objective = start(parts, source)
    batch = next(source.batches(processor, objective, None, torch.device("cpu"), 0, 1).from_step(0))
    halves = [batch._make(field[chosen] for field in batch) for chosen in (slice(0, 2), slice(2, 4))]
    losses = []
    for half in halves:
        output = model(pixel_values_videos=half.pixel_values_videos, input_features=half.input_features)
        losses.append(objective(output.video_embeds, output.audio_embeds, half.indices, half.negatives).loss)
    gradients = torch.autograd.grad((losses[0] + losses[1]) / 2, list(model.parameters()))
    for (name, value), gradient in zip(model.named_parameters(), gradients):
        step = 1e3 * gradient / (gradient.abs() + 1e3)
        torch.testing.assert_close(moved[name], value - step, rtol=1e-4, atol=1e-6)
    logged = json.loads((tmp_path / "run" / "metrics.json").read_text())["history"][0]["loss"]
    assert logged == pytest.approx(sum(losses).item() / 2, rel=1e-5)


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path):
    recipe = load_recipe("avid/tiny_avworld", [*SMALL, "loop.accumulation=3"])
    with pytest.raises(InvalidValueError, match="got 4; expected a multiple of 3: 1 processes, each in 3 parts"):
        train(recipe, tmp_path / "run")


def test_a_folder_that_holds_a_run_is_not_overwritten(finished, recipe):
    folder, _ = finished
    with pytest.raises(InvalidValueError, match="got a folder that holds a run; expected a new folder"):
        train(recipe, folder)
    other = load_recipe("avid/tiny_avworld", [*SMALL, "seed=1", "optimizer.learning_rate=1"])
    with pytest.raises(InvalidValueError, match=r"a recipe that differs in seed, optimizer\.learning_rate; expected"):
        train(other, folder, resume=True)


def test_a_place_that_cannot_be_a_folder_is_named(recipe, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"making the folder .*file/run: got Not a directory; expected a place to"):
        train(recipe, tmp_path / "file" / "run")


def test_a_batch_is_a_function_of_seed_and_step_whatever_the_number_of_processes(recipe):
    processor, objective = AvidProcessor(**recipe.processor), recipe.build_objective(12, 2)
    whole = AVWorldBatches(recipe, processor, objective, torch.device("cpu"))(5)
    shares = [AVWorldBatches(recipe, processor, objective, torch.device("cpu"), rank, 2)(5) for rank in range(2)]
    for field in whole._fields:
        merged = torch.stack([getattr(share, field) for share in shares], 1).flatten(0, 1)
        torch.testing.assert_close(merged, getattr(whole, field), rtol=0, atol=1e-5)
    other = AVWorldBatches(
        load_recipe("avid/tiny_avworld", [*SMALL, "seed=1"]), processor, objective, torch.device("cpu")
    )(5)
    assert not torch.equal(other.indices, whole.indices) or not torch.equal(other.negatives, whole.negatives)


def test_each_epoch_sees_every_item_once_in_another_order(recipe):
    batches = AVWorldBatches(
        recipe, AvidProcessor(**recipe.processor), recipe.build_objective(12, 2), torch.device("cpu")
    )
    epochs = [torch.cat([batches(3 * epoch + step).indices for step in range(3)]) for epoch in range(2)]
    for order in epochs:
        assert order.sort().values.tolist() == list(range(12))
    assert not torch.equal(*epochs)


def test_an_interrupted_checkpoint_is_never_taken_for_a_whole_one(tmp_path):
    def cut(folder):
        (folder / "half").write_text("x")
        raise OSError("disk full")

    def whole(folder):
        (folder / "all").write_text("x")

    with pytest.raises(OutputError, match=r"writing .*step-2: got disk full, with [0-9.]+ MB left there; expected"):
        save_checkpoint(tmp_path, 2, 1, cut, True, lambda: None)
    assert list_checkpoints(tmp_path) == []
    (tmp_path / "step-500.bak").mkdir()
    for step in (9, 10):
        save_checkpoint(tmp_path, step, 1, whole, True, lambda: None)
    (tmp_path / "step-500.bak").rmdir()
    assert [path.name for path in tmp_path.iterdir()] == ["step-10"]


def test_losses_go_to_tensorboard_unless_told_otherwise(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = train(load_recipe("avid/tiny_avworld", [*SMALL, "loop.steps=3"]), tmp_path)
    events = EventAccumulator(str(folder / "logs" / "avid_tiny-avworld")).Reload()
    last = json.loads((folder / "metrics.json").read_text())["history"][-1]
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(3, pytest.approx(last["loss"]))]


def test_networks_can_compute_in_bfloat16(finished, tmp_path):
    folder = train(load_recipe("avid/tiny_avworld", [*SMALL, "loop.mixed_precision=bf16"]), tmp_path)
    losses = [json.loads((each / "metrics.json").read_text())["history"][0]["loss"] for each in (finished[0], folder)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert all(value.dtype != torch.bfloat16 for value in load_file(folder / "model.safetensors").values())


@pytest.mark.skipif(torch.accelerator.is_available(), reason="fp16 runs on a GPU")
def test_half_precision_without_a_gpu_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match=r"'loop.mixed_precision': got 'fp16' without a GPU; expected 'no' or"):
        train(load_recipe("avid/tiny_avworld", [*SMALL, "loop.mixed_precision=fp16"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    recipe = load_recipe("avid/tiny_avworld", [*SMALL, "optimizer.learning_rate=1e30", "optimizer.warmup_steps=0"])
    with pytest.raises(TrainingDivergedError, match=r"got a loss of (nan|inf) in step \d; expected a finite one."):
        train(recipe, tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("objective", ["avc", "avts"])
def test_objectives_that_compare_clips_of_a_part_need_two_of_them(objective, tmp_path):
    settings = [*SMALL, f"objective={{name: {objective}}}", "loop.batch_size=4", "loop.accumulation=4"]
    with pytest.raises(InvalidValueError, match=r"'loop.batch_size': got 4; expected at least 8, 2 in each part"):
        train(load_recipe("avid/tiny_avworld", settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_learning_rate_rises_then_falls_along_the_cosine():
    settings = OptimizerSettings(warmup_steps=4, schedule="cosine")
    factors = [learning_rate_factor(step, 12, 5, settings) for step in (0, 3, 4, 8, 12)]
    # A quarter, all; then cosine from step 4 to 12: start, half-way, end.
    assert factors == pytest.approx([0.25, 1.0, 1.0, 0.5, 0.0])
    constant = OptimizerSettings()
    assert {learning_rate_factor(step, 12, 5, constant) for step in range(12)} == {1.0}
    stairs = OptimizerSettings(schedule="multistep", milestones=(1, 2), decay=0.1)
    assert [learning_rate_factor(step, 12, 5, stairs) for step in (0, 4, 5, 9, 10, 11)] == pytest.approx(
        [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]
    )
    again = OptimizerSettings(schedule="step", decay_steps=4, decay=0.1)
    assert [learning_rate_factor(step, 12, 5, again) for step in (0, 3, 4, 7, 8)] == pytest.approx(
        [1.0, 1.0, 0.1, 0.1, 0.01]
    )


def test_gradients_are_clipped_together(tmp_path):
    def moved(max_norm):
        plain = ["optimizer={method: sgd, learning_rate: 1.0, momentum: 0, weight_decay: 0}", "loop.steps=1"]
        clipped = load_recipe("avid/tiny_avworld", [*SMALL, *plain, f"optimizer.max_norm={max_norm}"])
        set_seed(clipped.seed)
        begun, _, _ = start(clipped, open_source(clipped))
        before = {name: value.clone() for name, value in begun.named_parameters()}
        after = load_file(train(clipped, tmp_path / str(max_norm)) / "model.safetensors")
        return torch.cat([(after[name] - value).flatten() for name, value in before.items()])

    free, clipped = moved(0), moved(1e-3)
    assert free.norm() > 1e-2
    # As far as a weight of order 1 tells small steps apart.
    torch.testing.assert_close(clipped, free * (1e-3 / free.norm()), rtol=1e-3, atol=2e-7)
