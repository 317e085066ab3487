"""What is left of the work of two processes when one is killed, and what a later run does."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from avssl_hub.jobs.ranks import Ranks
from avssl_hub.pipelines.embed import EmbeddingPipeline
from avssl_hub.pipelines.embed_files import embed_files, partial_folder

from .readable import film

ROOT = Path(__file__).resolve().parents[2]

# Process 1 is killed when it begins its third file.
KILLED = """
import os, signal, sys
from avssl_hub.pipelines.embed import EmbeddingPipeline
from avssl_hub.pipelines.embed_files import embed_files
from avssl_hub.jobs.ranks import joined_ranks
from tests.pipelines.readable import ReadableModel, ReadableProcessor

class Pipe(EmbeddingPipeline):
    begun = 0
    def __call__(self, source, **sampling):
        self.begun += 1
        if os.environ["RANK"] == "1" and self.begun == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(source, **sampling)

with joined_ranks() as ranks:
    pipe = Pipe(ReadableModel(), ReadableProcessor(), normalize=False)
    embed_files(pipe, sys.argv[2:], sys.argv[1], keep_going=True, ranks=ranks)
"""


def test_a_killed_process_costs_its_unfinished_files(pipe, tmp_path, monkeypatch, caplog):
    films = [film(tmp_path / f"{number}.mp4", seed=number) for number in range(8)]
    shares = [Ranks(rank, 2).share(films, seed=0) for rank in (0, 1)]
    mended = shares[0][1]
    whole = mended.read_bytes()
    mended.write_text("not a film")
    out = tmp_path / "out.parquet"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    environment |= {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    # Without a launcher, which would stop the other process too.
    running = [
        subprocess.Popen(
            [sys.executable, "-c", KILLED, str(out), *map(str, films)],
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, "RANK": rank, "LOCAL_RANK": rank},
        )
        for rank in ("0", "1")
    ]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [1, -signal.SIGKILL]
    assert "LostRankError: working in 2 processes: got one that ended too early (noticed by process 0)" in errors[0]
    assert "give the same command again to go on." in errors[0]
    assert not out.exists()
    assert len(list(partial_folder(out).glob("*.parquet"))) == 5

    mended.write_bytes(whole)
    begun = []
    embed = EmbeddingPipeline.__call__

    def call(self, source, **sampling):
        begun.append(source)
        return embed(self, source, **sampling)

    monkeypatch.setattr(EmbeddingPipeline, "__call__", call)
    report = embed_files(pipe, films, out)
    assert [record.args for record in caplog.records] == [(shares[1][2],)]
    assert sorted(begun) == sorted([mended, *shares[1][2:]])
    assert (report.files, report.reused, report.failed) == (8, 5, {})
    embed_files(pipe, films, tmp_path / "whole.parquet")
    tables = [pq.read_table(path) for path in (out, tmp_path / "whole.parquet")]
    assert tables[0].equals(tables[1], check_metadata=True)
