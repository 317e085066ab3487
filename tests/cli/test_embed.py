"""``avssl embed`` from the shell: what a newcomer types, and what they mistype."""

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
import torch

from avssl_hub.jobs.ranks import Ranks
from tests.conftest import ROOT
from tests.pipelines import films_360
from tests.pipelines.readable import film


@pytest.fixture
def films(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    for seed, name in enumerate(("a.mp4", "b.mkv")):
        film(folder / name, seed=seed)
    (folder / "README.md").write_text("about the films")
    return folder


def test_a_folder_becomes_a_table(avssl, films, avid_folder):
    result = avssl("embed", films, "-m", avid_folder, "-o", "out.parquet", "--clips", 2)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "out.parquet: 4 rows of 2 files\n"
    assert "Passing over 1 other file in the folders." in result.stderr
    table = pq.read_table("out.parquet")
    assert table["file"].to_pylist() == [str(films / name) for name in ("a.mp4", "a.mp4", "b.mkv", "b.mkv")]
    assert json.loads(table.schema.metadata[b"avssl"])["model"] == str(avid_folder)


def test_bad_files_and_keep_going(avssl, films, avid_folder):
    (films / "broken.mp4").write_text("not a film")
    words = ("embed", films, "-m", avid_folder, "-o", "out.parquet")
    stopped = avssl(*words)
    assert stopped.exit_code == 2
    assert "broken.mp4 cannot be embedded" in stopped.stderr
    assert "Finished files, kept in out.parquet.partial: 2." in stopped.stderr
    gone_on = avssl(*words, "--keep-going")
    assert gone_on.exit_code == 1
    assert gone_on.stdout == "out.parquet: 9 rows of 3 files, 2 of them known from before\n"
    assert "1 of 3 files failed" in gone_on.stderr
    assert pq.read_table("out.parquet")["status"].to_pylist() == ["ok"] * 8 + ["error"]


def test_films_of_360_degrees_are_looked_at_as_told(avssl, avsa_folder, tmp_path):
    films_360.films(tmp_path / "spheres")
    words = ("embed", "spheres", "-m", avsa_folder, "-o", "out.parquet", "--view-width", 60, "--clips", 1)
    result = avssl(*words, "--look", "90,0", "--look=-30,45")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "out.parquet: 1 row of 1 file\n"
    table = pq.read_table("out.parquet")
    assert table["view_azimuth_degrees"][0].as_py() == pytest.approx([90, -30])
    assert table["view_elevation_degrees"][0].as_py() == pytest.approx([0, 45])
    told = json.loads(table.schema.metadata[b"avssl"])["views"]
    assert told["directions_degrees"] == [pytest.approx([90, 0]), pytest.approx([-30, 45])]
    for options, text in (
        (("--look", "left"), "--look: got 'left'; expected azimuth and elevation in degrees"),
        (("--channels", "WYZX"), "--channels: got 'WYZX'; expected four numbers"),
        (("--view-width", 180), "Look360.width: got 3.14"),
        (("--views", 2, "--look", "0,0"), "none beside directions"),
    ):
        refused = avssl(*words[:4], "-o", "other.parquet", *options)
        assert refused.exit_code == 2
        assert text in refused.stderr
    film(tmp_path / "flat.mp4")
    refused = avssl("embed", "flat.mp4", "-m", avsa_folder, "-o", "other.parquet")
    assert refused.exit_code == 2
    assert "pass --projection equirectangular" in refused.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["films", "-m", "avid_tiny.avwrld", "-o", "out.parquet"], "Did you mean 'avid_tiny.avworld'"),
        (["films", "-m", "avid_cma.audioset", "-o", "out.parquet"], "--download` from https://"),
        (
            ["empty", "-m", "{model}", "-o", "out.parquet"],
            "looking for media in empty: got no media file (other files: 0)",
        ),
        (["nowhere", "-m", "{model}", "-o", "out.parquet"], "nowhere: got no such file or folder"),
        (["films/README.md", "-m", "{model}", "-o", "out.parquet"], "15 bytes that FFmpeg refuses"),
        (["films", "-m", "{model}", "-o", "out.csv"], "expected one of .parquet, .npz, .safetensors"),
        (["films", "-m", "{model}", "-o", "there.parquet"], "Choose another name, or pass --force to replace it"),
        (["films", "-m", "{model}", "-o", "out.parquet", "--every", "-1"], "every: got -1.0; expected seconds above 0"),
        (["films", "-m", "{model}", "-o", "out.parquet", "--clips", "0"], "clips: got 0; expected a positive integer"),
        (
            ["films", "-m", "{model}", "-o", "out.parquet", "--views", "2"],
            "look at films of 360°: got one for AvidProcessor; expected one for a model of such",
        ),
        (
            ["films", "-m", "{model}", "-o", "out.parquet", "--device", "tpu"],
            "--device: got 'tpu'; expected one of cpu",
        ),
        (["films", "-m", "empty", "-o", "out.parquet"], "model folder empty: got nothing; expected config.json"),
    ],
)
def test_mistakes_are_explained(avssl, films, avid_folder, tmp_path, words, text):
    (tmp_path / "empty").mkdir()
    (tmp_path / "there.parquet").touch()
    result = avssl("embed", *(word.format(model=avid_folder) for word in words))
    assert result.exit_code == 2
    assert text in result.stderr
    assert not (tmp_path / "out.parquet").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_an_interrupted_run_goes_on(avssl, avid_folder, tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    count = 40
    for seed in range(count):
        film(films / f"{seed:02}.mp4", seconds_of_sound=0.5, seed=seed)
    words = ["embed", "films", "-m", str(avid_folder), "-o", "out.parquet", "--every", "0.1"]
    command = [sys.executable, "-m", "avssl_hub.cli", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def hear_interrupts():
        # What runs the tests may ignore them, and children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment, preexec_fn=hear_interrupts
    ) as running:
        partial, until = tmp_path / "out.parquet.partial", time.monotonic() + 60
        while not list(partial.glob("[0-9a-f]*.parquet")) and running.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Finished files are kept in out.parquet.partial; give the same command again to go on." in stderr
    assert "Traceback" not in stderr
    done = len(list(partial.glob("[0-9a-f]*.parquet")))
    assert 0 < done < count
    assert not (tmp_path / "out.parquet").exists()
    result = avssl(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"out.parquet: {31 * count} rows of {count} files, {done} of them known from before\n"
    assert not partial.exists()


def test_two_processes_write_the_table_of_one(avssl, films, avid_folder, tmp_path):
    for seed in range(2, 8):
        film(films / f"{seed}.mp4", seconds_of_sound=0.5 * seed, seed=seed)
    first, second = (Ranks(rank, 2).share(sorted(films.glob("*.m[pk]*")), seed=0) for rank in (0, 1))
    second[0].write_bytes(first[0].read_bytes())
    second[1].write_text("not a film")
    bad = second[1].relative_to(tmp_path)
    words = ["embed", "films", "-m", str(avid_folder), "--keep-going", "-o"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = avssl(*words, "one.parquet")
    torch.set_num_threads(threads)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launched = subprocess.run(
        [*launcher, "-m", "avssl_hub.cli", *words, "two.parquet"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)},
    )
    assert (alone.exit_code, launched.returncode) == (1, 1)
    assert launched.stdout.startswith("two.parquet: 29 rows of 8 files")
    assert len(launched.stdout.splitlines()) == 1, "one process reports"
    assert launched.stderr.count(f"1 of 8 files failed:\n  {bad}: ") == 1
    assert alone.stderr in launched.stderr
    one, two = (pq.read_table(tmp_path / name) for name in ("one.parquet", "two.parquet"))
    assert two.equals(one, check_metadata=True)
    assert [row["file"] for row in two.to_pylist() if row["status"] == "error"] == [str(bad)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "one.parquet", "two.parquet"]
