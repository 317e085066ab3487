"""Single files from a web server, and snapshots through huggingface_hub's own client, against a loopback server."""

import errno
import hashlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avssl_hub import hub
from avssl_hub.errors import DownloadError, HashMismatchError, InvalidValueError

from .hub_server import HubServer

ROOT = Path(__file__).resolve().parents[1]
# Not a repeated pattern: a wrong join of two parts has to show.
CONTENT = b"".join(hashlib.sha256(index.to_bytes(4, "big")).digest() for index in range(8192))
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "_PAUSE", 0.0)
    with HubServer(files={"/weights.tar": CONTENT}) as running:
        yield running


def test_a_file_is_fetched_once_and_its_hash_recorded(server, tmp_path):
    target = tmp_path / "new" / "weights.tar"
    seen = []
    assert hub.fetch(f"{server.url}/weights.tar", target, progress=lambda *at: seen.append(at)) == target
    assert target.read_bytes() == CONTENT
    assert (tmp_path / "new" / "weights.tar.sha256").read_text() == f"{DIGEST}  weights.tar\n"
    assert sorted(path.name for path in target.parent.iterdir()) == ["weights.tar", "weights.tar.sha256"]
    assert seen[-1] == (262144, 262144)
    hub.fetch(f"{server.url}/weights.tar", target)
    assert len(server.log) == 1


def test_a_cut_transfer_goes_on_where_it_stopped(server, tmp_path):
    server.cuts["/weights.tar"] = 100_000
    assert hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar").read_bytes() == CONTENT
    assert [(request.range, request.status) for request in server.log] == [(None, 200), ("bytes=100000-", 206)]


def test_an_interrupted_fetch_is_resumed_by_the_next_one(server, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "_CHUNK", 65536)

    def interrupt(done, total):
        if done == 131072:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar", progress=interrupt)
    assert (tmp_path / "weights.tar.part").read_bytes() == CONTENT[:131072]
    assert not (tmp_path / "weights.tar").exists()
    hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar", sha256=DIGEST)
    assert server.log[-1].range == "bytes=131072-"


def test_a_file_that_changed_between_attempts_is_not_glued_together(server, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "_ATTEMPTS", 1)
    server.cuts["/weights.tar"] = 1000
    with pytest.raises(DownloadError, match=r"1,000 of 262,144 bytes.*Run the same again"):
        hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar")
    server.files["/weights.tar"] = CONTENT[::-1]
    hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar")
    assert (tmp_path / "weights.tar").read_bytes() == CONTENT[::-1]
    assert (server.log[-1].range, server.log[-1].status) == ("bytes=1000-", 200)


def test_without_a_version_tag_the_transfer_starts_over(server, tmp_path):
    server.etags["/weights.tar"] = ""
    server.cuts["/weights.tar"] = 1000
    hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar", sha256=DIGEST)
    assert [request.range for request in server.log] == [None, None]


def test_a_partial_file_longer_than_the_source_is_thrown_away(server, tmp_path):
    (tmp_path / "weights.tar.part").write_bytes(CONTENT + b"more")
    (tmp_path / "weights.tar.part.etag").write_text(f'"{DIGEST}"')
    hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar", sha256=DIGEST)
    assert [request.status for request in server.log] == [416, 200]


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(server, tmp_path):
    server.failures["/weights.tar"] = [503, 429]
    hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar")
    assert [request.status for request in server.log] == [503, 429, 200]
    with pytest.raises(DownloadError, match=r"nothing\.tar: got server status 404; expected 200\. Check the address"):
        hub.fetch(f"{server.url}/nothing.tar", tmp_path / "nothing.tar")
    assert len(server.log) == 4


def test_a_wrong_hash_is_refused_and_nothing_is_left(server, tmp_path):
    expected = "0" * 64
    with pytest.raises(HashMismatchError) as caught:
        hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar", sha256=expected)
    assert all(part in str(caught.value) for part in (str(tmp_path / "weights.tar"), DIGEST, expected))
    assert list(tmp_path.iterdir()) == []


def test_content_that_changed_since_the_first_download_is_refused_by_name(server, tmp_path):
    target = hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar")
    server.files["/weights.tar"] = CONTENT + b"!"
    target.unlink()
    with pytest.raises(HashMismatchError, match=r"weights\.tar: got [0-9a-f]{64}; expected " + DIGEST):
        hub.fetch(f"{server.url}/weights.tar", target)
    assert not target.exists()


def test_a_local_file_that_was_altered_is_refused(server, tmp_path):
    target = hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar")
    target.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(HashMismatchError, match="Move the file away"):
        hub.fetch(f"{server.url}/weights.tar", target)


def test_a_file_put_there_by_hand_is_used_offline_and_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "weights.tar").write_bytes(CONTENT)
    hub.fetch("https://example.org/weights.tar", tmp_path / "weights.tar", sha256=DIGEST.upper())
    assert (tmp_path / "weights.tar.sha256").read_text().startswith(DIGEST)
    with pytest.raises(DownloadError, match=r"offline mode.*Unset HF_HUB_OFFLINE"):
        hub.fetch("https://example.org/other.tar", tmp_path / "other.tar")


@pytest.mark.parametrize("url", ["http://example.org/a", "ftp://127.0.0.1/a", "file:///etc/hostname", "weights.tar"])
def test_only_https_or_this_machine_is_asked(url, tmp_path):
    with pytest.raises(InvalidValueError, match="expected an https address"):
        hub.fetch(url, tmp_path / "a")


def test_a_redirect_away_from_https_is_refused(server, tmp_path):
    server.redirects["/old"] = "http://example.org/weights.tar"
    with pytest.raises(InvalidValueError, match=r"http://example\.org/weights\.tar"):
        hub.fetch(f"{server.url}/old", tmp_path / "weights.tar")
    server.redirects["/old"] = f"{server.url}/weights.tar"
    assert hub.fetch(f"{server.url}/old", tmp_path / "weights.tar").read_bytes() == CONTENT


def test_no_server_is_a_download_error_after_every_attempt(server, tmp_path, caplog):
    address = f"{server.url}/weights.tar"
    server.stop()
    with caplog.at_level(logging.INFO, "avssl_hub.hub"), pytest.raises(DownloadError, match="Connection refused"):
        hub.fetch(address, tmp_path / "weights.tar")
    assert len(caplog.records) == 5


def test_a_disk_without_room_is_refused_before_the_transfer(server, tmp_path, monkeypatch):
    free = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda path: free)
    with pytest.raises(DownloadError, match="1,000 bytes free; expected 262,144 bytes"):
        hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar")


def test_a_disk_that_fills_up_keeps_the_part(server, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "_CHUNK", 65536)

    def fill_up(done, total):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DownloadError, match="a new attempt continues"):
        hub.fetch(f"{server.url}/weights.tar", tmp_path / "weights.tar", progress=fill_up)
    assert (tmp_path / "weights.tar.part").read_bytes() == CONTENT[:65536]


def test_a_place_that_cannot_be_written_to_is_named(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"writing .*file/weights\.tar: got .*; expected a folder that can be"):
        hub.fetch(f"{server.url}/weights.tar", tmp_path / "file" / "weights.tar")


# Snapshots run in a process of their own: huggingface_hub reads its settings when imported.

OLD, NEW = "a" * 40, "b" * 40
CLIENT = """
import json, sys, time
time.sleep = lambda seconds: None  # huggingface_hub's waits between attempts
from avssl_hub import hub
from avssl_hub.errors import AvsslError
for request in json.loads(sys.argv[1]):
    try:
        folder = hub.snapshot(**request)
        print(json.dumps({path.name: path.read_bytes().hex()[:32] for path in sorted(folder.iterdir())}))
    except AvsslError as error:
        print(json.dumps([type(error).__name__, str(error)]))
"""


def snapshots(requests, endpoint, home, **environment):
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CLIENT, json.dumps(requests)]
    result = subprocess.run(
        command, env=os.environ | settings | environment, capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def zoo_server():
    contents = {OLD: {"config.json": b"{}", "model.safetensors": CONTENT}, NEW: {"config.json": b'{"new": 1}'}}
    with HubServer({"org/model": contents}, {("org/model", "main"): NEW}) as running:
        yield running


def test_a_snapshot_is_of_the_revision_asked_for(zoo_server, tmp_path):
    default, pinned, chosen = snapshots(
        [
            {"repo_id": "org/model"},
            {"repo_id": "org/model", "revision": OLD},
            {"repo_id": "org/model", "revision": OLD, "allow_patterns": ["*.json"]},
        ],
        zoo_server.url,
        tmp_path,
    )
    assert default == {"config.json": b'{"new": 1}'.hex()}
    assert pinned == {"config.json": b"{}".hex(), "model.safetensors": CONTENT[:16].hex()}
    assert chosen == pinned
    assert len(zoo_server.requests(f"{OLD}/model.safetensors")) == 1


def test_huggingface_hub_resumes_after_a_cut(zoo_server, tmp_path):
    # The client takes in 10 MiB at a time and continues after the last whole piece.
    piece, large = 10 * 2**20, CONTENT * 48
    zoo_server.repositories["org/model"][OLD]["model.safetensors"] = large
    zoo_server.cuts[f"/org/model/resolve/{OLD}/model.safetensors"] = piece + 1000
    snapshots([{"repo_id": "org/model", "revision": OLD}], zoo_server.url, tmp_path)
    ranges = [request.range for request in zoo_server.requests("/model.safetensors")]
    assert ranges == [None, f"bytes={piece}-"]
    (stored,) = tmp_path.glob(f"hub/models--org--model/snapshots/{OLD}/model.safetensors")
    assert stored.read_bytes() == large


def test_the_cache_serves_offline_and_without_a_server(zoo_server, tmp_path):
    request = {"repo_id": "org/model", "revision": OLD}
    (online,) = snapshots([request], zoo_server.url, tmp_path)
    zoo_server.stop()
    other = {"repo_id": "org/other", "revision": OLD}
    offline, not_cached = snapshots([request, other], zoo_server.url, tmp_path, HF_HUB_OFFLINE="1")
    assert offline == online
    assert not_cached[0] == "DownloadError"
    assert "offline mode and no complete copy in the cache" in not_cached[1]
    no_server, unreachable = snapshots([request, other], zoo_server.url, tmp_path)
    assert no_server == online
    assert unreachable[0] == "DownloadError"
    assert "no answer from the Hub" in unreachable[1]


def test_what_the_hub_does_not_have_is_named(zoo_server, tmp_path):
    repository, revision, malformed = snapshots(
        [
            {"repo_id": "org/nothing"},
            {"repo_id": "org/model", "revision": "c" * 40},
            {"repo_id": "not a name"},
        ],
        zoo_server.url,
        tmp_path,
    )
    assert repository[0] == "UnknownNameError"
    assert "'org/nothing': got not found; expected an existing repository. Check the spelling" in repository[1]
    assert revision[0] == "UnknownNameError"
    assert f"at revision '{'c' * 40}': got no such revision" in revision[1]
    assert malformed == [
        "InvalidValueError",
        "name of a Hub repository: got 'not a name'; expected 'organisation/name'.",
    ]
