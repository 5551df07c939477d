"""Two hundred learners, every layout, every kind of file: each has one row, and it is right."""

from __future__ import annotations

import csv
import json
import random

import pytest
from class_sample import CHAPTER, QUESTIONS, notebook, put

from actgrade.classroom.collect import collect
from actgrade.stub import make_stub
from actlab.cli import main

EACH = 50
LAYOUTS = ("canvas", "moodle", "github", "folder")
STUBS = {name: make_stub(q["answer"].strip()) for name, q in QUESTIONS.items()}


def solved(number):
    return notebook(number, q1=QUESTIONS["q1"]["answer"])


def half(number):
    return notebook(number, q1=QUESTIONS["q1"]["answer"], q2=STUBS["q2"])


def stub(number):
    return notebook(number, **STUBS)


def bare(number):
    content = json.loads(solved(number))
    content["metadata"] = {"number": number}
    for cell in content["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    return json.dumps(content).encode()


def magics(number):
    return notebook(number, q1=f"%%time\n{QUESTIONS['q1']['answer']}")


# What somebody hands in, as names and contents, oldest first, and the points that it is worth.
KINDS = {
    "solved": lambda n: ([(f"{CHAPTER}.ipynb", solved(n))], 5),
    "half": lambda n: ([(f"{CHAPTER}.ipynb", half(n))], 2),
    "untouched": lambda n: ([(f"{CHAPTER}.ipynb", stub(n))], 0),
    "resubmitted": lambda n: (
        [(f"{CHAPTER}.ipynb", half(n)), (f"{CHAPTER}-1.ipynb", solved(n + 1000))], 5),
    "two in exercises": lambda n: (
        [(f"{CHAPTER}.ipynb", half(n)), (f"{CHAPTER}-Copy1.ipynb", solved(n + 1000))], 2),
    "copy untouched": lambda n: (
        [(f"{CHAPTER}.ipynb", solved(n)), (f"{CHAPTER} (1).ipynb", stub(n + 1000))], 5),
    "then empty": lambda n: ([(f"{CHAPTER}.ipynb", half(n)), (f"{CHAPTER}-2.ipynb", b"")], 2),
    "renamed": lambda n: ([("Übung – mine (final).ipynb", solved(n))], 5),
    "bare": lambda n: ([("homework.ipynb", bare(n))], 5),
    "ending": lambda n: ([(f"{CHAPTER}.ipynb.txt", solved(n))], 5),
    "magics": lambda n: ([(f"{CHAPTER}.IPYNB", magics(n))], 5),
    "web page": lambda n: ([(f"{CHAPTER}.ipynb", b"<!doctype html><html></html>")], None),
    "utf16": lambda n: ([(f"{CHAPTER}.ipynb", solved(n).decode().encode("utf-16"))], None),
    "conflict": lambda n: ([(f"{CHAPTER}.ipynb", b"{\n<<<<<<< HEAD\n=======\n>>>>>>> x\n")], None),
    "pdf": lambda n: ([("essay.pdf", b"%PDF-1.4")], None),
}  # fmt: skip


def place(layout, number, upload, name):
    """Where a platform puts the file of learner ``number``."""
    return {
        "canvas": f"learner{number}_{'LATE_' if number % 7 == 0 else ''}{100 + number}_"
                  f"{9000 + 10 * number + upload}_{name}",
        "moodle": f"Jane Doe_{100 + number}_assignsubmission_file_/{name}",
        "github": f"relu-submissions/relu-user{number}/exercises/{name}",
        "folder": f"José {number}/{name}",
    }[layout]  # fmt: skip


@pytest.fixture
def classes(tmp_path):
    """The folders of four exports, and what each learner should get."""
    draw, worth = random.Random(17), {}
    for layout in LAYOUTS:
        for number in range(EACH):
            kind = [kind for kind in KINDS if kind != "two in exercises"][number % (len(KINDS) - 1)]
            if layout == "github" and kind == "pdf":
                kind = "solved"  # what a repository holds besides is nobody's submission
            if layout == "github" and kind == "resubmitted":
                kind = "two in exercises"  # there the course's own name counts
            files, points = KINDS[kind](1 + number + EACH * LAYOUTS.index(layout))
            uploads = list(enumerate(files))
            draw.shuffle(uploads)  # the order of writing says nothing
            for upload, (name, data) in uploads:
                put(tmp_path / layout, place(layout, number, upload, name), data)
            worth[layout, number] = (kind, points)
    return tmp_path, worth


def number_of(layout, learner):
    return int(learner.user) - 100 if learner.user else int(
        learner.name.removeprefix("user").removeprefix("José "))  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everybody_has_one_row_with_the_right_file(classes, course, layout):
    root, worth = classes
    found = collect(root / layout, course)
    assert found.layout == layout
    assert sorted(number_of(layout, who) for who in found.learners) == list(range(EACH))
    rows = {number_of(layout, row.learner): row for row in found.rows}
    assert len(rows) == len(found.rows)
    for number in range(EACH):
        kind, points = worth[layout, number]
        row = rows.get(number)
        if points is None:
            assert row is None or row.error, (kind, row)
        else:
            assert row.error is None, (kind, row)
            files, _ = KINDS[kind](1 + number + EACH * LAYOUTS.index(layout))
            right = dict.fromkeys(("then empty", "copy untouched", "two in exercises"), 0).get(
                kind, len(files) - 1
            )
            assert row.read() == files[right][1], (kind, row.file)
            assert bool(row.doubt) == ((len(files) > 1 and layout != "canvas") or kind in (
                "copy untouched", "then empty")), (kind, row.doubt)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_everybody_gets_what_is_right(classes, course, key, layout):
    root, worth = classes
    out = root / f"grades-{layout}"
    arguments = ["class", "grade", str(root / layout), "--out", str(out)]
    assert main([*arguments, "--course", str(course.root), "--key", str(key)]) == 3
    document = json.loads((out / "results.json").read_text())
    assert len(document["learners"]) == EACH
    got = {}
    for learner in document["learners"]:
        number = int(learner["user"]) - 100 if learner["user"] else int(
            learner["name"].removeprefix("user").removeprefix("José "))  # fmt: skip
        got[number] = learner["points"]
    assert got == {number: worth[layout, number][1] for number in range(EACH)}
    with (out / "gradebook.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 2 + EACH
    assert [row[-1] == "" for row in rows[2:]].count(True) == sum(
        points is None for (where, _), (_, points) in worth.items() if where == layout)  # fmt: skip
