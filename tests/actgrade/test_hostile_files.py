"""Files that are made to fill the grader's own memory, or to keep it: one sentence, or a grade.

Nothing of these runs in a sandbox: the grader itself reads them. Each is read in a process that may
have so much memory and so much processor time, and says how it was read.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import grading_sample
import nbformat
import pytest

from actgrade import answers, magics, notebook_file
from actgrade.course import Course
from actgrade.grade import grade

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
MEBI = 2**20
# Of address space beside what Python with NumPy needs, and of processor time on a busy machine.
MOST_BYTES, MOST_SECONDS = 700 * MEBI, 120


def notebook(*cells, metadata=None, **answered):
    """The bytes of the sample's submission with more cells; a cell is its source or a mapping."""
    content = json.loads(nbformat.writes(grading_sample.submission(answered)))
    for number, cell in enumerate(cells):
        if isinstance(cell, str):
            cell = {"cell_type": "code", "id": f"more-{number}", "source": cell, "metadata": {}}
        content["cells"].append(cell)
    content["metadata"].update(metadata or {})
    return json.dumps(content).encode()


def deep(depth):
    """A JSON text of lists in lists."""
    return b"[" * depth + b"]" * depth


def with_text(place, text):
    """A notebook in which ``text`` stands where "@HERE@" does."""
    return place.replace(b'"@HERE@"', text)


# By name: the bytes, and what is said of them, or None for a notebook that is graded.
FILES = {
    "a code cell of 19 MB that is never run": (lambda: notebook("a," * 9_500_000), None),
    "a hundred code cells of the longest kind": (
        lambda: notebook(*["a," * 95_000] * 95),
        "has more than 500,000 characters of code",
    ),
    "as many names as may be": (lambda: notebook(*["a=" * 47_000 + "1"] * 5), None),
    "a hundred thousand brackets in a cell": (lambda: notebook("(" * 10**5 + ")" * 10**5), None),
    "a hundred thousand signs before a number": (lambda: notebook("-" * 10**5 + "1"), None),
    "an attribute of an attribute": (lambda: notebook("a" + ".a" * 90_000), None),
    "a stub that is deeper than it can be written out": (
        lambda: notebook("def sign(x):\n    raise " + "-" * 900 + "x"),
        None,
    ),
    "an answer that is deeper than it can be written out": (
        lambda: notebook(q1="def sign(x):\n    raise " + "-" * 900 + "x"),
        None,
    ),
    "an answer of the longest kind": (lambda: notebook(q1="a," * 99_000), None),
    "an answer longer than that": (lambda: notebook(q1="a," * 9_000_000), None),
    "a text of 15 MB in a cell": (lambda: notebook("x = '" + "y" * 15_000_000 + "'"), None),
    "many ends of many functions": (
        lambda: notebook("def f():", *["    x = 1"] * 4_000),
        None,
    ),
    "cells that are Python only together": (
        lambda: notebook(*["x = (1,", "2)\n" + "y = 1\n" * 20] * 1_000, q1="def sign(x"),
        None,
    ),
    "magics without end": (lambda: notebook("%time x\n" * 20_000 + "("), None),
    "spaces after a question": (lambda: notebook("%\na?" + " " * 190_000 + "x"), None),
    "spaces before nothing": (lambda: notebook("%\n(" + " " * 190_000 + "x"), None),
    "a million cells": (
        lambda: with_text(notebook(metadata={"x": "@HERE@"}), b"0").replace(
            b'"cells": [', b'"cells": [' + b'{"a":0},' * 1_000_000
        ),
        "has more than 500,000 brackets",
    ),
    "ten thousand cells": (lambda: notebook(*["1"] * 10_000), "has more than 5,000 cells"),
    "six million lists in the metadata": (
        lambda: with_text(
            notebook(metadata={"x": "@HERE@"}), b"[" + b"[]," * 6_000_000 + b"0]"
        ),
        "has more than 500,000 brackets",
    ),
    "lists in lists, a hundred thousand deep": (
        lambda: with_text(notebook(metadata={"x": "@HERE@"}), deep(100_000)),
        "is nested too deeply",
    ),
    "lists in lists, nearly too deep": (
        lambda: with_text(notebook(metadata={"x": "@HERE@"}), deep(900)),
        None,
    ),
    "a number of a million digits in the metadata": (
        lambda: with_text(notebook(metadata={"x": "@HERE@"}), b"9" * 1_000_000),
        "is not JSON",
    ),
    "a number of four thousand digits for an id": (
        lambda: with_text(
            notebook({"cell_type": "code", "id": "@HERE@", "source": "1"}), b"9" * 4000
        ),
        None,
    ),
    "numbers that are none": (
        lambda: with_text(notebook(metadata={"x": "@HERE@"}), b"[NaN, -Infinity, 1e999]"),
        None,
    ),
    "an output of 19 MB": (
        lambda: notebook(
            {
                "cell_type": "code",
                "source": "1",
                "outputs": [{"output_type": "stream", "name": "stdout", "text": "x" * 19 * MEBI}],
            }
        ),
        None,
    ),
    "an output of two million numbers": (
        lambda: notebook(
            {"cell_type": "code", "source": "1", "outputs": [{"data": {"x": [1.25] * 2_000_000}}]}
        ),
        None,
    ),
    "a source of a million lines": (
        lambda: notebook({"cell_type": "code", "source": ["1\n"] * 1_000_000}),
        None,
    ),
    "types that nobody expects": (
        lambda: notebook(
            {"cell_type": ["code"], "id": {"a": []}, "source": "    x = 1", "metadata": []},
            {"cell_type": "code", "id": [1], "source": "def f():",
             "metadata": {"actlab": {"role": ["answer"], "question": ["q1"]}}},
            {"cell_type": "code", "id": 1e9, "source": "    x = 1",
             "metadata": {"actlab": {"role": "answer", "question": {"q": 1}}}},
            {"cell_type": "code", "id": None, "source": [["x"]], "metadata": {"actlab": [1]}},
            metadata={"kernelspec": [], "language_info": 3},
        ),
        None,
    ),
    "twenty million line ends, and no notebook": (
        lambda: b"x" + b"\n" * 19_000_000 + b"y",
        "it is not JSON",
    ),
    "the beginning of a conflict, and line ends": (
        lambda: b"<<<<<<<" + b"\n" * 19_000_000 + b"y",
        "it is not JSON",
    ),
    "comments of a web page that never comes": (
        lambda: b"<!---->" * 2_000_000 + b"x",
        "it is not JSON",
    ),
    "a page of comments that do not end": (lambda: b"<!--" * 4_000_000, "it is not JSON"),
}  # fmt: skip

READ = """\
    import resource, sys, numpy
    from pathlib import Path
    from actgrade.course import Course
    from actgrade.grade import make_task
    from actgrade.forbid import forbidden_use
    from actgrade.classroom.similar import fingerprint
    from actbase.errors import CommandError
    course, path, size, seconds = *map(Path, sys.argv[1:3]), *map(int, sys.argv[3:])
    course = Course(course)
    course.chapter("90_sample")
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + size, now + size))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        task = make_task(course, path)
    except CommandError as error:
        print(error)
    else:
        for question in task.chapter.questions:
            answer = task.submission.answers[question.id].source
            if answer is not None:
                forbidden_use(answer, ["numpy.maximum"], task.chapter.setup)
                fingerprint(answer)
        print("read")
"""


@LINUX
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_within_its_memory_or_refused_in_a_sentence(name, tmp_path):
    make, said = FILES[name]
    data = make()
    assert len(data) <= 20 * MEBI, "the size alone would refuse it"
    grading_sample.write_course(tmp_path)
    (tmp_path / "x.ipynb").write_bytes(data)
    code = "\n".join(line[4:] for line in READ.splitlines())
    arguments = [str(tmp_path), str(tmp_path / "x.ipynb"), str(MOST_BYTES), str(MOST_SECONDS)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:] or f"it was ended by {done.returncode}"
    (line,) = done.stdout.splitlines()
    assert line == "read" if said is None else said in line, line


def test_one_hostile_file_costs_nobody_else_a_grade(course, launcher, tmp_path, hand_in):
    """Who handed it in has a row that says why; the others have their points."""
    refused = {name: said for name, (_, said) in FILES.items() if said and "million" not in name}
    paths = [hand_in()]
    for number, name in enumerate(refused):
        paths.append(tmp_path / f"hostile-{number}.ipynb")
        paths[-1].write_bytes(FILES[name][0]())
    paths.append(hand_in())
    report = grade(paths, Course(course.root), launcher=launcher)
    by_path = {book.path: book for book in report.notebooks}
    for path, said in zip(paths[1:-1], refused.values(), strict=True):
        assert said in by_path[path].error
        assert by_path[path].points == 0
    for path in (paths[0], paths[-1]):
        assert by_path[path].error is None
        assert by_path[path].points == by_path[path].maximum > 0


def test_no_exercise_of_the_course_comes_near_the_bounds():
    """What a learner may add to a released notebook is ten times what is in it."""
    for path in sorted((Path(__file__).parents[2] / "exercises").glob("*.ipynb")):
        data = path.read_bytes()
        book = notebook_file.parse(data)
        code = sum(len(notebook_file.source_of(cell) or "") for cell in book.cells)
        assert 10 * len(book.cells) < notebook_file.MOST_CELLS
        assert 10 * code < notebook_file.MOST_CHARACTERS_OF_CODE
        assert 10 * (data.count(b"[") + data.count(b"{")) < notebook_file.MOST_BRACKETS
    assert answers.MOST_CHARACTERS_TRIED > notebook_file.MOST_CHARACTERS_OF_CODE


def test_a_line_that_continues_the_one_before_is_still_python():
    text = "x = (7\n% 3)\n%time y = 2\n"
    assert magics.plain_python(text).source == "x = (7\n% 3)\ny = 2\n"
