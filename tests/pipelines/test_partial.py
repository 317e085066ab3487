"""Finished work that several processes keep in one folder."""

import re
import threading
from socket import gethostname

import pyarrow as pa
import pytest

from avssl_hub.outputs import OutputError
from avssl_hub.pipelines._partial import PartialWork
from avssl_hub.pipelines.tables import failed_row


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out.parquet.partial"


def test_equal_content_may_be_saved_and_read_at_once(folder):
    works = [PartialWork(folder, {"every": 1}, force=False, made=number > 0) for number in range(4)]
    row = failed_row("x" * 10000)
    works[0].save("f0", row)
    seen: list[bool] = []

    def work(one: PartialWork) -> None:
        for _ in range(25):
            one.save("f0", row)
            seen.append(one.load("f0").equals(row))

    threads = [threading.Thread(target=work, args=[one]) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 100
    assert sorted(path.name for path in folder.iterdir()) == ["f0.parquet", "settings.json"]


def test_a_machine_that_does_not_see_the_folder_is_told_apart(folder):
    text = f"got a machine, {gethostname()}, that does not see the folder another process has made"
    with pytest.raises(OutputError, match=re.escape(text)):
        PartialWork(folder, {}, force=False, made=True)
    assert not folder.exists()


def test_a_process_with_other_settings_never_drops_the_work_of_its_job(folder):
    PartialWork(folder, {"weights": "a"}, force=True).save("f0", failed_row("kept"))
    with pytest.raises(OutputError, match=r"work under weights='a' \(now 'b'\)"):
        PartialWork(folder, {"weights": "b"}, force=True, made=True)
    work = PartialWork(folder, {"weights": "a"}, force=True, made=True)
    assert work.load("f0")["reason"] == pa.chunked_array([["kept"]])
