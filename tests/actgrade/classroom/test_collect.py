"""Whose file it is, whatever the platform, and that no file is dropped without a word."""

from __future__ import annotations

import io
import os
import zipfile

import pytest
from class_sample import CHAPTER, notebook

from actgrade.classroom import walk
from actgrade.classroom.layouts import Paths
from actgrade.recognise import Recogniser, chapter_of_name, copy_number

ONE, TWO, THREE = notebook(1), notebook(2), notebook(3)


def rows(collection) -> list[tuple[str, str]]:
    return [(row.learner.name, row.chapter) for row in collection.rows]


def reasons(collection) -> str:
    return "\n".join(f"{path}: {reason}" for path, reason in collection.not_graded)


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


CANVAS = {
    "doejane_12345_67890_90_sample-1.ipynb": ONE,
    "roejoe_LATE_222_67891_90_sample.ipynb": TWO,
    "vandenberg-smith_333_67892_my own name.ipynb": THREE,
}
MOODLE = {
    "Jane Doe_12345_assignsubmission_file_/90_sample.ipynb": ONE,
    "Joe von Roe_222_assignsubmission_file_/90_sample.ipynb": TWO,
    "Üñal Öz_333_assignsubmission_file_/homework.ipynb": THREE,
}
GITHUB = {
    "relu-jane-doe/exercises/90_sample.ipynb": ONE,
    "relu-jane-doe/notebooks/90_sample.ipynb": ONE,
    "relu-jane-doe/solutions/90_sample.ipynb": ONE,
    "relu-jane-doe/README.md": b"# Hello",
    "relu-joe/exercises/90_sample.ipynb": TWO,
    "relu-zoe/exercises/90_sample.ipynb": THREE,
}


@pytest.mark.parametrize("pack", ["folder", "zip", "zip with a top folder"])
@pytest.mark.parametrize(
    ("members", "layout", "names"),
    [
        (CANVAS, "canvas", ["doejane", "roejoe", "vandenberg-smith"]),
        (MOODLE, "moodle", ["Jane Doe", "Joe von Roe", "Üñal Öz"]),
        (GITHUB, "github", ["jane-doe", "joe", "zoe"]),
    ],
)
def test_every_platform_in_every_pack(gather, members, layout, names, pack):
    if pack == "zip":
        members = {"submissions.zip": zipped(members)}
    elif pack == "zip with a top folder":
        members = {"all.zip": zipped({f"top/{name}": data for name, data in members.items()})}
    found = gather(members)
    assert found.layout == layout
    assert rows(found) == [(name, CHAPTER) for name in names]
    assert found.not_graded == []
    assert found.other_files == (3 if layout == "github" else 0)
    assert [row.late for row in found.rows] == [False, layout == "canvas", False]


def test_a_zip_file_itself_is_a_place_to_grade(course, tmp_path):
    from actgrade.classroom.collect import collect

    (tmp_path / "export.zip").write_bytes(zipped(MOODLE))
    assert len(collect(tmp_path / "export.zip", course).rows) == 3


def test_a_learner_may_hand_in_a_zip_file(gather):
    found = gather(
        {
            "doejane_1_10_work.zip": zipped({"my folder/90_sample.ipynb": ONE}),
            "roejoe_2_11_90_sample.ipynb": TWO,
        }
    )
    assert rows(found) == [("doejane", CHAPTER), ("roejoe", CHAPTER)]


def test_moodle_without_folders(gather):
    found = gather({f"Jane Doe_{n}_assignsubmission_file_90_sample.ipynb": ONE for n in (1, 2)})
    assert found.layout == "moodle"
    assert [row.learner.user for row in found.rows] == ["1", "2"]


def test_one_folder_for_each_learner(gather):
    found = gather({"week1/anna/90_sample.ipynb": ONE, "week1/ben/deeper/90_sample.ipynb": TWO})
    assert (found.layout, rows(found)) == ("folder", [("anna", CHAPTER), ("ben", CHAPTER)])


def test_folders_above_the_learners_are_not_taken_for_learners(gather):
    found = gather(
        {
            "section1/anna/90_sample.ipynb": ONE,
            "section1/ben/90_sample.ipynb": TWO,
            "section2/carl/90_sample.ipynb": THREE,
        }
    )
    assert rows(found) == [("section2", CHAPTER)]
    assert reasons(found).count("which learner's is it?") == 2


def test_github_with_one_repository_needs_the_name_of_the_assignment(gather):
    files = {"relu-net-jane/exercises/90_sample.ipynb": ONE}
    assert rows(gather(files)) == [("relu-net-jane", CHAPTER)]
    found = gather(files, slug="relu-net")
    assert (found.layout, rows(found)) == ("github", [("jane", CHAPTER)])
    cloned = {f"relu-submissions/{name}": data for name, data in files.items()}
    assert Paths([tuple(name.split("/")) for name in cloned]).assignments() == ["relu"]


def test_nobody_hands_in_for_somebody_else(gather):
    """A learner chooses names inside a repository, an upload or a zip file, and nothing above."""
    found = gather(
        {
            **GITHUB,
            "relu-joe/relu-jane-doe/exercises/90_sample.ipynb": TWO,
            "relu-joe/exercises/doejane_12345_67890_90_sample.ipynb": notebook(7),
            "relu-joe/Jane Doe_1_assignsubmission_file_/90_sample.ipynb": TWO,
        }
    )
    assert {row.learner.name for row in found.rows} == {"jane-doe", "joe", "zoe"}
    assert next(r for r in found.rows if r.learner.name == "jane-doe").read() == ONE
    uploads = Paths([])
    name = "evil_1_2_doejane_12345_67890_90_sample.ipynb"
    assert uploads.owner((name,), "canvas").key == "canvas/1"
    name = "Evil_1_assignsubmission_file_Jane_2_assignsubmission_file_x.ipynb"
    assert uploads.owner((name,), "moodle").key == "moodle/1/Evil"


def test_the_newest_of_several_attempts_wins_and_it_is_said(gather):
    found = gather(
        {
            "doejane_1_70_90_sample.ipynb": ONE,
            "doejane_1_71_90_sample-1.ipynb": TWO,
            "roejoe_2_72_90_sample.ipynb": THREE,
        }
    )
    assert [row.read() for row in found.rows] == [TWO, THREE]
    assert found.rows[0].notes == [
        "the newest of 2 files, graded instead of doejane_1_70_90_sample.ipynb"
    ]
    assert "another file of the same learner" in reasons(found)


def test_the_number_of_a_copy_tells_and_times_do_not(gather, tmp_path):
    folder = "Jane Doe_1_assignsubmission_file_"
    found = gather({f"{folder}/90_sample.ipynb": ONE, f"{folder}/90_sample (1).ipynb": TWO})
    assert found.rows[0].read() == TWO
    found = gather({f"{folder}/90_sample (1).ipynb": ONE, f"{folder}/relu 90_sample.ipynb": TWO})
    assert found.rows[0].read() == ONE
    root = tmp_path / "submissions" / folder
    (root / "90_sample (1).ipynb").unlink()
    said = set()
    for name in ("90_sample.ipynb", "relu 90_sample.ipynb"):
        os.utime(root / name, (2e9, 2e9))
        row = gather({}).rows[0]
        said.add(row.doubt)
        assert "nothing tells which of 2 files is the newest" in row.notes[0]
        os.utime(root / name, (1e9, 1e9))
    assert len(said) == 1


def test_the_same_file_twice_is_no_second_attempt(gather):
    found = gather({f"doejane_1_7{n}_90_sample.ipynb": ONE for n in range(2)})
    assert found.rows[0].notes == ["handed in 2 times without a change"]
    assert found.not_graded == []


def test_what_is_not_recognised_is_listed(gather, tmp_path):
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    found = gather(
        {
            **CANVAS,
            "essay.ipynb": ONE,
            "doejane_12345_67899_essay.pdf": b"%PDF",
            "doejane_12345_67898_other.ipynb": b'{"cells": [], "metadata": {}}',
            "__MACOSX/._x": b"",
            ".ipynb_checkpoints/90_sample-checkpoint.ipynb": ONE,
        }
    )
    assert len(found.rows) == 3
    said = reasons(found)
    assert "essay.ipynb: its path does not say whose it is" in said
    assert "essay.pdf: is not a notebook" in said
    assert (
        "other.ipynb: is a notebook of which neither the content nor the name says which chapter"
        in said
    )
    assert found.other_files == 2


def test_links_are_not_followed(gather, tmp_path):
    gather(CANVAS)
    (tmp_path / "submissions" / "eve_9_9_90_sample.ipynb").symlink_to("/etc/passwd")
    found = gather({})
    assert "is a link; links are not followed" in reasons(found)
    assert len(found.rows) == 3


def test_a_name_that_contradicts_the_notebook_is_noted(course):
    assert chapter_of_name("My 90_sample final (2).ipynb", course) == CHAPTER
    assert chapter_of_name("90.ipynb", course) == chapter_of_name("sample.ipynb", course) == CHAPTER
    assert chapter_of_name("homework.ipynb", course) is None
    look = Recogniser(course).look
    for data in (b"", b"[", b"[]", b"\xff", b'{"metadata": {"actlab": {"chapter": ["x"]}}}'):
        assert look(data).chapter is None
        assert look(data).problem
    assert look(b"[" * 100_000).chapter is None


def test_a_zip_bomb_is_not_unpacked(gather, monkeypatch):
    monkeypatch.setattr(walk, "MOST_BYTES", 100_000)
    bomb = zipped({"90_sample.ipynb": b"0" * 10_000_000})
    found = gather({"eve_9_9_work.zip": bomb, "doejane_1_2_90_sample.ipynb": ONE})
    assert "has more than 0 MiB" in found.rows[1].error
    assert found.rows[0].error is None
    inner = zipped({"1.zip": zipped({"2.zip": zipped({"90_sample.ipynb": ONE})})})
    found = gather({"eve_9_9_work.zip": inner})
    assert "in a zip file in a zip file; unpack it first" in reasons(found)
    monkeypatch.setattr(walk, "MOST_BYTES_OF_A_ZIP_IN_A_ZIP", 10)
    assert "is too large for a zip file in a zip file" in reasons(gather({}))
    monkeypatch.setattr(walk, "MOST_ZIP_MEMBERS", 0)
    assert "has more than 0 files" in reasons(gather({}))


def test_damaged_zip_files_are_listed(gather):
    whole = zipped({"90_sample.ipynb": ONE})
    at = whole.index(b"90_sample.ipynb") + 60
    found = gather(
        {
            "a_1_1_x.zip": b"PK not a zip",
            "b_2_2_x.zip": whole[:at] + b"\x00\xff\x13" * 5 + whole[at + 15 :],
            "c_3_3_90_sample.ipynb": ONE,
        }
    )
    assert "is not a zip file that can be read" in reasons(found)
    assert "cannot be read from its zip file" in "".join(r.error or "" for r in found.rows)


def test_paths_in_zip_files_lead_nowhere(gather, tmp_path):
    evil = {"../../../evil/../90_sample.ipynb": ONE, "/abs/90_sample.ipynb": TWO,
            "..\\..\\90_sample.ipynb": THREE}  # fmt: skip
    found = gather({"eve_9_9_work.zip": zipped(evil), "doejane_1_2_90_sample.ipynb": ONE})
    assert {row.learner.name for row in found.rows} == {"eve", "doejane"}
    assert ".." not in "".join(row.file for row in found.rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["submissions"]


def test_copy_numbers():
    assert copy_number("90_sample-1") == ("90_sample", 1)
    assert copy_number("90_sample (12)") == ("90_sample", 12)
    assert copy_number("90_sample") == ("90_sample", 0)
