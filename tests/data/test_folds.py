"""Folds dealt out: groups whole, classes shared out, the same on every machine."""

from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from avssl_hub.data.folds import deal_folds
from avssl_hub.data.labelled import read_labelled
from avssl_hub.data.manifest import Manifest
from avssl_hub.errors import InvalidValueError


def manifest(rows, **more):
    paths, labels, groups = zip(*rows)
    return Manifest(pa.table({"path": paths, "label": labels, "group": groups, **more}))


def folds_of(dealt):
    return dict(zip(dealt.column("path").to_pylist(), dealt.column("fold").to_pylist()))


def test_groups_stay_whole_and_classes_are_shared_out():
    # By hand: A (3 dogs) to 1; B (2 dogs) to 2; C (2 cats) to 1 or 2, the smaller, which is 2; D (1 dog) to 2, which
    # has 2 of 6 dogs against 3; E (1 cat) to 1, which has no cat.
    rows = [(f"{group}{n}", label, group) for group, label, n in _each(A=("dog", 3), B=("dog", 2), C=("cat", 2))]
    rows += [("d", "dog", "D"), ("e", "cat", "E")]
    expected = {"A0": "1", "A1": "1", "A2": "1", "B0": "2", "B1": "2", "C0": "2", "C1": "2", "d": "2", "e": "1"}
    assert folds_of(deal_folds(manifest(rows), 2)) == expected
    assert folds_of(deal_folds(manifest(rows[::-1]), 2)) == expected


def _each(**groups):
    return [(group, label, n) for group, (label, count) in groups.items() for n in range(count)]


def test_rows_without_a_group_are_groups_of_their_own():
    rows = [(f"{n}", "dog", None) for n in range(4)]
    assert Counter(folds_of(deal_folds(manifest(rows), 4)).values()) == {"1": 1, "2": 1, "3": 1, "4": 1}
    assert len(set(folds_of(deal_folds(Manifest(manifest(rows).table.drop_columns("group")), 2)).values())) == 2


def test_spans_of_a_recording_stay_together_and_members_of_a_shard_do_not():
    table = {"path": ["a", "a", "b", "b"], "start": [0.0, 1.0, 0.0, 1.0], "label": ["dog"] * 4}
    assert deal_folds(Manifest(pa.table(table)), 2).column("fold").to_pylist() == ["1", "1", "2", "2"]
    table |= {"path": ["x.tar"] * 4, "offset": [1, 1, 2, 2], "size": [1, 1, 1, 1]}
    assert deal_folds(Manifest(pa.table(table)), 2).column("fold").to_pylist() == ["1", "1", "2", "2"]


@pytest.mark.parametrize(
    ("rows", "more", "folds", "message"),
    [
        ([("a", "dog", "A"), ("b", "dog", "A")], {}, 2, r"groups of class 'dog': got 1; expected at least 2"),
        ([("a", "dog", "A"), ("b", None, "B")], {}, 2, r"label of b: got nothing; expected one for every row"),
        ([("a", "dog", "A"), ("b", "dog", "B")], {}, 3, r"number of folds: got 3; expected at most the 2 groups"),
        ([("a", "dog", "A"), ("b", "dog", "B")], {}, 1, r"number of folds: got 1; expected at least 2"),
        ([("a", "dog", "A"), ("b", "dog", "B")], {"fold": ["1", "2"]}, 2, r"got rows with a column 'fold'"),
    ],
)
def test_what_cannot_be_dealt_is_refused(rows, more, folds, message):
    with pytest.raises(InvalidValueError, match=message):
        deal_folds(manifest(rows, **more), folds)


def test_real_scenes_are_never_in_two_folds(shared_data):
    columns = {"path": ["filename"], "label": ["category"], "group": ["category", "group"]}
    dealt = deal_folds(read_labelled(shared_data("ucf101-mini/labels.csv"), columns), 4)
    places, tested = defaultdict(set), defaultdict(set)
    for row in dealt.table.to_pylist():
        places[row["group"]].add(row["fold"])
        tested[row["label"]].add(row["fold"])
    assert len(dealt) == 141
    assert {len(folds) for folds in places.values()} == {1}
    # No class has fewer than three scenes, so three folds test each.
    assert {len(folds) for folds in tested.values()} == {3, 4}
    assert max(Counter(folds_of(dealt).values()).values()) <= 37
