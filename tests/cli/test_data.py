"""``avssl data manifest``, ``check`` and ``shard`` as users see them."""

import pytest

from avssl_hub.data.datasets import DATASETS
from tests.pipelines.readable import film

LIST = "label,youtube_id,time_start,time_end,split\nsinging,-_a_b,1,11,train\nbowling,zzzzz,1,11,train\n"


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "clips" / "singing").mkdir(parents=True)
    film(tmp_path / "clips" / "singing" / "-_a_b_000001_000011.mp4")
    (tmp_path / "clips" / "other.mp4").write_text("not a film")
    (tmp_path / "list.csv").write_text(LIST)


@pytest.mark.usefixtures("copy")
def test_manifest_tells_what_is_missing(avssl, tmp_path):
    result = avssl(
        "data", "manifest", "kinetics", "clips", "--list", "list.csv", "-o", "m.csv", "--missing", "gone.txt"
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "m.csv: 1 row\n"
    assert "1 of 2 listed files not here: their names are in gone.txt" in result.stderr
    assert "1 media file in clips not in the list" in result.stderr
    assert (tmp_path / "gone.txt").read_text() == "zzzzz_000001_000011\n"
    assert (tmp_path / "m.csv").read_text().splitlines() == [
        "path,label,split",
        "clips/singing/-_a_b_000001_000011.mp4,singing,train",
    ]
    again = avssl("data", "manifest", "folder", "clips", "-o", "m.csv")
    assert (again.exit_code, "pass --force to replace it" in again.stderr) == (2, True)


def test_manifest_tells_how_much_of_yt360_is_here(avssl, tmp_path):
    (tmp_path / "lists").mkdir()
    for name, text in (("train", "a"), ("test", "b"), ("segments", "a 0,30\nb 7")):
        (tmp_path / "lists" / f"{name}.txt").write_text(text)
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a-30.mp4").touch()
    result = avssl("data", "manifest", "yt360", "films", "--list", "lists", "-o", "m.csv")
    assert result.stdout == "m.csv: 1 row\n"
    assert "train: 1 of 2 clips are here, of 1 of 1 videos, 0.0 of 0.0 hours.\ntest: 0 of 1 clips" in result.stderr


def test_manifest_names_all_kinds_it_knows(avssl):
    words = avssl("data", "manifest", "--help").stdout.replace(",", " ").replace(".", " ").split()
    assert set(words) >= set(DATASETS)


@pytest.mark.usefixtures("copy")
def test_manifest_of_nothing_fails(avssl, tmp_path):
    (tmp_path / "empty").mkdir()
    result = avssl(
        "data", "manifest", "kinetics", "empty", "--list", "list.csv", "-o", "m.csv", "--missing", "gone.txt"
    )
    assert result.exit_code == 1
    assert "2 of 2 listed files not here" in result.stderr
    assert (tmp_path / "gone.txt").read_text().count("\n") == 2
    assert not (tmp_path / "m.csv").exists()


@pytest.mark.usefixtures("copy")
def test_check_reports_and_fails_for_broken_files(avssl, tmp_path):
    result = avssl("data", "check", "clips", "-o", "report.csv", "--jobs", 1)
    assert result.exit_code == 1
    assert "broken: clips/other.mp4: cannot open" in result.stderr
    assert "Without sound: 0. Without picture: 0.\n2 rows: 1 broken, 1 ok\n" in result.stdout
    assert "2 to 5" in result.stdout
    header, broken, fine = (tmp_path / "report.csv").read_text().splitlines()
    assert header.startswith("path,label,status,reason,duration")
    assert broken.startswith("clips/other.mp4,,broken")
    (tmp_path / "good.csv").write_text(f"{header}\n{fine}\n")
    assert avssl("data", "check", "good.csv", "--jobs", 1).exit_code == 0
    (tmp_path / "empty").mkdir()
    nothing = avssl("data", "check", "empty")
    assert (nothing.exit_code, "no media file" in nothing.stderr) == (2, True)


@pytest.mark.usefixtures("copy")
def test_shards_can_be_checked_and_listed(avssl, tmp_path):
    (tmp_path / "clips" / "other.mp4").unlink()
    assert avssl("data", "manifest", "folder", "clips", "-o", "m.csv").exit_code == 0
    result = avssl("data", "shard", "m.csv", "-o", "tars", "--size", "1.5 MB")
    assert (result.exit_code, result.stdout) == (0, "tars/manifest.parquet: 1 file in 1 tar\n")
    again = avssl("data", "shard", "m.csv", "-o", "tars", "--size", "1500kb")
    assert again.stdout == "tars/manifest.parquet: 1 file in 1 tar, 1 of them there already\n"
    checked = avssl("data", "check", "tars/manifest.parquet", "--jobs", 1)
    assert checked.stdout.endswith("1 row: 1 ok\n"), checked.stdout
    assert avssl("data", "manifest", "shards", "tars", "-o", "again.csv").stdout == "again.csv: 1 row\n"
    wrong = avssl("data", "shard", "m.csv", "-o", "tars", "--size", "much")
    assert (wrong.exit_code, "--size: got 'much'; expected a number of bytes" in wrong.stderr) == (2, True)


@pytest.fixture
def sounds(tmp_path):
    """Return a small copy of ESC-10: two folds, one file missing, one too many, and two alike."""
    lines = ["filename,fold,category,src_file"]
    (tmp_path / "copy" / "audio").mkdir(parents=True)
    for fold in (1, 2):
        for label in ("dog", "rain"):
            lines.append(f"{fold}-{len(lines)}-A.wav,{fold},{label},{len(lines)}")
            film(tmp_path / "copy" / "audio" / f"{fold}-{len(lines) - 1}-A.mp4", seed=len(lines))
    (tmp_path / "copy" / "labels.csv").write_text("\n".join([*lines, "2-9-A.wav,2,dog,9", ""]))
    audio = tmp_path / "copy" / "audio"
    (audio / "2-4-A.mp4").write_bytes((audio / "1-2-A.mp4").read_bytes())
    (audio / "x.mp4").write_bytes((audio / "1-1-A.mp4").read_bytes())


@pytest.mark.usefixtures("sounds")
def test_check_compares_a_copy_with_its_task(avssl, tmp_path):
    result = avssl("data", "check", "--task", "esc10", "copy", "--sha256", "--jobs", 1)
    assert result.exit_code == 1
    assert "1 of 5 recordings missing: 2-9-A\n" in result.stderr
    assert "1 recording not in the list: audio/x.mp4\n" in result.stderr
    assert "the same content: copy/audio/1-2-A.mp4, copy/audio/2-4-A.mp4\n" in result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["recordings", "4", "400"] in rows
    assert ["classes", "2", "10"] in rows
    assert ["fold", "2,", "train", "2", "320"] in rows
    assert ["fold", "5,", "test", "0", "80"] in rows
    assert "ESC-10: not whole\n" in result.stdout
    assert result.stdout.endswith("4 rows: 4 ok\n")


@pytest.mark.usefixtures("sounds")
def test_check_of_a_task_needs_its_list(avssl, tmp_path):
    (tmp_path / "copy" / "labels.csv").rename(tmp_path / "copy" / "audio" / "labels.csv")
    lost = avssl("data", "check", "--task", "esc10", "copy")
    assert lost.exit_code == 2
    assert "Pass it with --list: there is one at copy/audio/labels.csv." in lost.stderr
    wrong = avssl("data", "check", "--list", "copy/audio/labels.csv", "copy")
    assert (wrong.exit_code, "Add --task." in wrong.stderr) == (2, True)
    unknown = avssl("data", "check", "--task", "esc-10", "copy")
    assert (unknown.exit_code, "unknown task: got 'esc-10'" in unknown.stderr) == (2, True)
    (tmp_path / "empty").mkdir()
    nothing = avssl("data", "check", "--task", "esc10", "empty", "--list", "copy/audio/labels.csv")
    assert (nothing.exit_code, "5 of 5 recordings missing" in nothing.stderr) == (1, True)
    assert "Is this the folder of the whole copy?" in nothing.stderr


@pytest.mark.usefixtures("sounds")
def test_ones_own_data_are_whole_if_all_is_there(avssl, tmp_path):
    (tmp_path / "own.csv").write_text("path,label,fold\ncopy/audio/1-1-A.mp4,a,1\ncopy/audio/1-2-A.mp4,b,2\n")
    result = avssl("data", "check", "--task", "own", "own.csv")
    assert (result.exit_code, "your own: whole\n" in result.stdout) == (0, True)
    (tmp_path / "own.csv").write_text("path,label,fold\ncopy/audio/1-1-A.mp4,a,1\ncopy/audio/1-2-A.mp4,,2\n")
    result = avssl("data", "check", "--task", "own", "own.csv")
    assert (result.exit_code, "1 recording without a label" in result.stderr) == (1, True)


def test_a_table_of_labels_becomes_a_manifest_with_folds(avssl, tmp_path):
    (tmp_path / "clips").mkdir()
    for name in "abcd":
        (tmp_path / "clips" / f"{name}.wav").touch()
    (tmp_path / "labels.csv").write_text("file,kind\na.wav,dog\nb.wav,dog\nc.wav,cat\nd.wav,cat\ne.wav,cat\n")
    words = ["data", "table", "labels.csv", "--root", "clips", "--column", "path=file", "--column", "label=kind"]
    refused = avssl(*words, "--folds", 2, "-o", "m.csv")
    assert refused.exit_code == 2
    assert "files of labels.csv: got 1 of 5 missing (clips/e.wav); expected all that it lists" in refused.stderr
    done = avssl(*words, "--folds", 2, "--allow-missing", "-o", "m.csv")
    assert (done.exit_code, done.stdout) == (0, "m.csv: 4 rows in 2 folds\n")
    assert "1 of 5 listed files not here, and left out." in done.stderr
    assert (tmp_path / "m.csv").read_text().splitlines() == [
        "path,label,fold",
        "clips/a.wav,dog,1",
        "clips/b.wav,dog,2",
        "clips/c.wav,cat,1",
        "clips/d.wav,cat,2",
    ]
