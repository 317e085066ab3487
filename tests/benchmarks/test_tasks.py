"""Tasks, the copies of their data, and figures that others published."""

import csv
from dataclasses import replace

import pytest

from avssl_hub._typed import parse
from avssl_hub.errors import InvalidValueError, UnknownNameError
from avssl_hub.evaluation.measured import MEASURED
from avssl_hub.evaluation.protocols import PROTOCOLS
from avssl_hub.evaluation.trained import TRAINED
from benchmarks import _tasks
from benchmarks._data import IncompleteDataError, describe, load_data, part_of
from benchmarks._tasks import TaskError, external_figures, list_tasks, load_task

HEAD = "title: T\npaper: P\nversion: 1\nmodality: any\nprotocols: {linear_probe: {}}\n"
OWN = "path,label,split\na.wav,dog,train\nb.wav,cat,train\nc.wav,dog,test\nd.wav,cat,train\n"
# Data sets, and parts of them, that published figures are of, where these are not called as the task.
PARTS = {
    "dcase2013": {"DCASE2014"},
    "flickr_soundnet": {"Flickr-SoundNet test", "extended Flickr-SoundNet"},
    "speech_mixtures": {
        *(f"VoxCeleb, {part}" for part in ("all", "mixed sex", "same sex", "200 ms clips at 2 kHz")),
        "GRID transfer",
    },
    "ucf101_sound": {"UCF-101"},
    "vggss": {"VGG-SS", "VGG-SS heard 110", "VGG-SS unheard 110", "extended VGG-SS"},
}
WITHOUT_FIGURES = ("esc10", "own", "spatial_audio")
OWN_LABELS = ("a.wav,dog", "b.wav,cat", "c.wav,dog", "d.wav,cat")


@pytest.fixture
def folder(tmp_path):
    for name in "abcd":
        (tmp_path / f"{name}.wav").touch()
    (tmp_path / "own.csv").write_text(OWN)
    return tmp_path


def test_every_task_is_whole():
    names = ["dcase2013", "esc10", "esc50", "flickr_soundnet", "hmdb51", "kinetics400", "kinetics_sounds", "own"]
    names += ["rec_street", "spatial_audio", "speech_mixtures", "ucf101", "ucf101_sound", "vggss"]
    assert list_tasks() == [*names, "yt_all", "yt_clean", "yt_music"]
    known = PROTOCOLS | TRAINED | MEASURED
    for name in list_tasks():
        task = load_task(name)
        assert (_tasks.ROOT / name / "README.md").is_file()
        assert set(task.protocols) <= known.keys()
        assert all(task.modality in (*known[protocol].modalities, "any") for protocol in task.protocols)
        for protocol, settings in task.protocols.items():
            if protocol in TRAINED:
                assert settings["recipe"] in TRAINED[protocol].recipes()
            else:
                parse(known[protocol], settings, protocol)


def test_folds_cover_the_data_once():
    for name in ("esc10", "esc50"):
        task = load_task(name)
        assert sum(split.test for split in task.splits) == task.recordings
        assert all(split.train + split.test == task.recordings for split in task.splits)


def test_published_figures_are_of_the_data_set_and_tell_their_evidence():
    counts = {name: len(external_figures(name)) for name in list_tasks() if name not in WITHOUT_FIGURES}
    assert counts == {
        "dcase2013": 9,
        "esc50": 58,
        "flickr_soundnet": 12,
        "hmdb51": 104,
        "kinetics400": 39,
        "kinetics_sounds": 14,
        "rec_street": 21,
        "speech_mixtures": 97,
        "ucf101": 143,
        "ucf101_sound": 5,
        "vggss": 16,
        "yt_all": 21,
        "yt_clean": 21,
        "yt_music": 21,
    }
    assert not any(external_figures(name) for name in WITHOUT_FIGURES)
    for name in counts:
        figures = external_figures(name)
        assert {figure.dataset for figure in figures} == PARTS.get(name, {load_task(name).title})
        assert all(figure.source and 0 <= figure.value <= 100 for figure in figures)
    # The release's own table, section 11.4 of the paper's page.
    cma = [f.value for f in external_figures("ucf101") if f.kind == "author-readme" and f.pretrain_data == "AudioSet"]
    assert {91.0, 91.5} <= set(cma)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: T\nversion: one\n", r"task.yaml: task key 'version': got 'one'; expected a value of type int"),
        ("title: T\nclases: 3\n", r"task.yaml: unknown task key: got 'clases'.*Did you mean 'classes'"),
        ("title: T\n", r"task.yaml: task key 'paper': got nothing; expected a value"),
        (HEAD + "dataset: esc50\n", r"keys classes and splits: got none; expected both, of an official data set"),
        (HEAD + "dataset: manifest\nclasses: 3\n", r"keys lists, .*: got some; expected none of one's own"),
        ("title: [", r"reading .*task.yaml: got"),
    ],
)
def test_a_wrong_task_file_is_named(tmp_path, monkeypatch, text, message):
    monkeypatch.setattr(_tasks, "ROOT", tmp_path)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "task.yaml").write_text(text)
    with pytest.raises(TaskError, match=message):
        load_task("new")


def test_a_misspelt_task_is_named():
    with pytest.raises(UnknownNameError, match=r"unknown task: got 'esc-10'.*Did you mean 'esc10'"):
        load_task("esc-10")


def test_shared_esc10_is_called_a_part_of_esc10(shared_data):
    task, data = load_task("esc10"), load_data(load_task("esc10"), shared_data("esc10"), None, False)
    described = describe(task, data, [str(row) for row in range(281)])
    assert part_of(described) == "281 of 400 recordings; fold 4: 41 of 80 to test; fold 5: none to test"
    assert [split.name for split in data.splits] == ["fold 1", "fold 2", "fold 3", "fold 4"]
    assert described["splits"][0] == {
        "name": "fold 1",
        "train": 201,
        "test": 80,
        "official_train": 320,
        "official_test": 80,
    }
    # Recordings of one Freesound source form a group.
    with open(shared_data("esc10/labels.csv"), newline="") as file:
        sources = [row["src_file"] for row in csv.DictReader(file)]
    assert len(set(data.groups)) == len(set(sources))


def test_a_copy_with_missing_files_is_refused_by_name(shared_data, tmp_path):
    source, listing = shared_data("esc10"), shared_data("esc10/labels.csv")
    for file in sorted((source / "audio").iterdir())[2:]:
        (tmp_path / file.name).symlink_to(file)
    task = load_task("esc10")
    with pytest.raises(IncompleteDataError, match=r"2 of 281 missing \(.*, .*\); .* --allow-missing"):
        load_data(task, tmp_path, listing, False)
    data = load_data(task, tmp_path, listing, True)
    assert (len(data.manifest), len(data.missing)) == (279, 2)
    assert part_of(describe(task, data, ["x"])).startswith("279 of 400 recordings; fold 1: 78 of 80 to test")


def test_a_miniature_is_not_scored_under_the_name_of_the_whole(shared_data):
    lists = shared_data("action-splits/ucf101")
    with pytest.raises(IncompleteDataError, match=r"13179 of 13320 missing \(v_ApplyEyeMakeup_"):
        load_data(load_task("ucf101"), shared_data("ucf101-mini"), lists, False)
    with pytest.raises(IncompleteDataError, match=r"got 20; expected 101: with fewer it is another task.*'own'"):
        load_data(load_task("ucf101"), shared_data("ucf101-mini"), lists, True)


def test_a_copy_without_its_list_says_where_that_was_looked_for(tmp_path):
    with pytest.raises(IncompleteDataError, match=r"got none at .*ucfTrainTestlist; .* Pass it with --list"):
        load_data(load_task("ucf101"), tmp_path, None, False)


def test_a_copy_of_kinetics_tells_its_own_counts_and_leaves_the_test_set_out(tmp_path):
    (tmp_path / "annotations").mkdir()
    for part, rows in {"train": "ab", "val": "cd", "test": "e"}.items():
        lines = [f"label {row in 'ac'},{row * 11},1,11,{part}\n" for row in rows]
        text = "label,youtube_id,time_start,time_end,split\n" + "".join(lines)
        (tmp_path / "annotations" / f"{part}.csv").write_text(text)
    for row in "abce":
        (tmp_path / f"{row * 11}_000001_000011.mp4").touch()
    task = replace(load_task("kinetics400"), classes=2)
    with pytest.raises(IncompleteDataError, match=r"1 of 4 missing \(ddddddddddd_000001_000011\)"):
        load_data(task, tmp_path, None, False)
    data = load_data(task, tmp_path, None, True)
    described = describe(task, data, ["1", "2", "3"])
    assert part_of(described) == "3 of 4 recordings"
    assert described["splits"] == [
        {"name": "split", "train": 2, "test": 1, "official_train": None, "official_test": None}
    ]


def test_recordings_of_no_split_are_left_out(folder):
    text = "path,label,split\na.wav,dog,train\nb.wav,cat,validation\nc.wav,dog,test\nd.wav,cat,train\n"
    (folder / "own.csv").write_text(text)
    data = load_data(load_task("own"), folder / "own.csv", None, False)
    assert [item.path.name for item in data.manifest] == ["a.wav", "c.wav", "d.wav"]
    assert [(split.train.tolist(), split.test.tolist()) for split in data.splits] == [([0, 2], [1])]


def test_own_data(folder):
    data = load_data(load_task("own"), folder / "own.csv", None, False)
    assert (data.labels.tolist(), data.groups.tolist()) == ([1, 0, 1, 0], [0, 1, 2, 3])
    assert part_of(describe(load_task("own"), data, ["1", "2", "3", "4"])) is None
    (folder / "b.wav").unlink()
    with pytest.raises(IncompleteDataError, match=r"1 of 4 missing \(.*b.wav\)"):
        load_data(load_task("own"), folder / "own.csv", None, False)
    data = load_data(load_task("own"), folder / "own.csv", None, True)
    assert part_of(describe(load_task("own"), data, ["1", "2", "3"])) == "3 of 4 recordings"
    (folder / "own.csv").write_text(OWN.replace("a.wav,dog", "a.wav,"))
    with pytest.raises(IncompleteDataError, match=r"got 1 recordings without \(.*a.wav\); expected"):
        load_data(load_task("own"), folder / "own.csv", None, True)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["split", "train", "train", "test", "test"], ["split"]),
        (["fold", "1", "1", "02", "02"], ["fold 1", "fold 02"]),
        (["split1,split2", "train,test", "train,test", "test,train", "test,train"], ["split1", "split2"]),
        # Splits with numbers count before folds.
        (["split2,fold", "train,1", "train,2", "test,1", "test,1"], ["split2"]),
    ],
)
def test_own_data_by_columns_of_splits_and_folds(folder, columns, names):
    rows = [f"{start},{column}" for start, column in zip(("path,label", *OWN_LABELS), columns)]
    (folder / "own.csv").write_text("\n".join(rows))
    assert [split.name for split in load_data(load_task("own"), folder / "own.csv", None, False).splits] == names


def test_a_label_to_test_on_without_samples_to_train_on_is_named(folder):
    (folder / "own.csv").write_text(OWN.replace("c.wav,dog", "c.wav,cow"))
    with pytest.raises(InvalidValueError, match=r"split 'split': got 2 classes to train on, and 1 only .* \(cow\);"):
        load_data(load_task("own"), folder / "own.csv", None, False)


def test_recordings_without_a_group_are_not_one_group(folder):
    rows = [f"{line},{group}" for line, group in zip(OWN.splitlines(), ("group", "", "x", "x", ""))]
    (folder / "own.csv").write_text("\n".join(rows))
    groups = load_data(load_task("own"), folder / "own.csv", None, False).groups
    assert groups[1] == groups[2]
    assert len(set(groups)) == 3


def test_own_data_without_labels_or_splits_say_which_column_is_wanted(folder):
    (folder / "own.csv").write_text(OWN.replace("label", "class", 1))
    with pytest.raises(IncompleteDataError, match=r"got columns path, split, class; expected a column 'label'"):
        load_data(load_task("own"), folder / "own.csv", None, False)
    (folder / "own.csv").write_text(OWN.replace("split", "part", 1))
    with pytest.raises(InvalidValueError, match=r"got columns path, label, part; expected a column 'split', 'fold'"):
        load_data(load_task("own"), folder / "own.csv", None, False)
    with pytest.raises(IncompleteDataError, match=r"data of task esc10: got no .*nowhere; expected an existing"):
        load_data(load_task("esc10"), folder / "nowhere", None, False)


def test_a_list_with_more_than_a_split_can_have_is_refused(shared_data, tmp_path):
    source = shared_data("esc10")
    rows = (source / "labels.csv").read_text().replace(",2,", ",1,")
    (tmp_path / "labels.csv").write_text(rows)
    with pytest.raises(IncompleteDataError, match=r"fold 1 of ESC-10, test: got 1\d\d; expected at most 80"):
        load_data(load_task("esc10"), source, tmp_path / "labels.csv", False)


def test_a_copy_one_level_off_or_still_packed_is_told_what_to_do(tmp_path):
    lists = tmp_path / "copy" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (tmp_path / "copy" / "UCF-101").mkdir()
    for name in ("", "copy/UCF-101"):
        with pytest.raises(IncompleteDataError, match=rf"Pass it with --list: there is one at {lists}\."):
            load_data(load_task("ucf101"), tmp_path / name, None, False)
    (lists / "classInd.txt").write_text("1 Archery\n")
    for part in ("train", "test"):
        for number in "123":
            line = "Archery/v_Archery_g01_c01.avi" + (" 1" if part == "train" else "")
            (lists / f"{part}list0{number}.txt").write_text(line.replace("g01", f"g0{1 + (part == 'test')}"))
    with pytest.raises(IncompleteDataError, match=r"got 2 of 2 missing .*\. Is this the folder of the whole copy\?"):
        load_data(load_task("ucf101"), tmp_path / "copy", None, True)
    (tmp_path / "copy" / "UCF101.rar").touch()
    with pytest.raises(IncompleteDataError, match=r"Unpack the archives in it first, such as UCF101\.rar\."):
        load_data(load_task("ucf101"), tmp_path / "copy", None, True)
