"""A class from end to end: grades, reports, interruption, hostile names, bad input."""

from __future__ import annotations

import csv
import html
import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import class_sample
import pytest
from class_sample import CHAPTER, QUESTIONS, STUB, canvas, notebook, put

from actbase.errors import CommandError
from actgrade.classroom import gradebook, html_report, key
from actgrade.quote import quote
from actlab.cli import main

REPORTS = (
    "gradebook.csv",
    "not_graded.csv",
    "results.json",
    "junit.xml",
    "index.html",
    "similar.csv",
)
SECONDS = 90
MANY = 18


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def reports(out: Path) -> dict[str, bytes]:
    """Every file that a run wrote, but for its own notes."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".actlab-class" not in path.parts
    }


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """A class of seven, graded once."""
    root = tmp_path_factory.mktemp("class")
    canvas(root / "submissions", 6)
    put(root / "submissions", f"broken_2000_1_{CHAPTER}.ipynb", b"{ not json")
    put(root / "submissions", f"copy_2001_2_{CHAPTER}.ipynb", notebook(1))  # learner0001's file
    secret = root / "class.key"
    arguments = ["class", "grade", str(root / "submissions"), "--out", str(root / "grades")]
    assert main([*arguments, "--course", str(course.root), "--key", str(secret)]) == 3
    return root / "grades"


def test_the_gradebook_has_canvas_columns(graded):
    rows = read_csv(graded / "gradebook.csv")
    assert rows[0] == [
        *("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
        "90 Sample chapter",
    ]
    assert rows[1] == ["    Points Possible", "", "", "", "", "5"]
    assert {row[0]: (row[1], row[5]) for row in rows[2:]} == {
        "broken": ("2000", ""),  # nobody is given a zero for a file that nobody could read
        "copy": ("2001", "5"),
        "learner0000": ("1000", "5"),
        "learner0001": ("1001", "5"),
        "learner0002": ("1002", "4"),
        "learner0003": ("1003", "4"),
        "learner0004": ("1004", "4"),
        "learner0005": ("1005", "4"),
    }


def test_the_results_follow_the_schema(graded):
    results = json.loads((graded / "results.json").read_text())
    assert (results["schema"], results["version"]) == ("actlab-class", 2)
    assert len(results["learners"]) == 8
    submission = next(
        learner for learner in results["learners"] if learner["name"] == "learner0003"
    )["submissions"][0]
    question = submission["questions"][0]
    assert question["verdict"] == "fail"
    assert question["mistake"] == "The sign is flipped."
    assert [q["passed"] for q in results["questions"]] == [3, 7, 7]
    assert results["questions"][0]["mistakes"] == [
        {"because": "The sign is flipped.", "count": 1},
        {"because": "Zero has the sign 0.", "count": 1},
    ]
    late = [e["name"] for e in results["learners"] for s in e["submissions"] if s["late"]]
    assert late == ["learner0004"]


def test_the_schema_is_documented(graded):
    """Every key that the file has stands in the page about it."""
    page = (Path(__file__).parents[3] / "book" / "grading_schema.md").read_text()

    def keys(value):
        if isinstance(value, dict):
            for name, inner in value.items():
                yield name
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    results = json.loads((graded / "results.json").read_text())
    # These are names of verdicts and limits, which have tables of their own.
    del results["grader"]["limits"]
    for question in results["questions"]:
        del question["verdicts"]
    missing = {name for name in keys(results) if f"`{name}`" not in page}
    assert not missing
    assert f"version {results['version']}" in page


def test_junit_counts(graded):
    suite = ElementTree.parse(graded / "junit.xml").getroot().find("testsuite")
    assert suite.attrib == {"name": CHAPTER, "tests": "22", "failures": "4", "errors": "1"}
    assert len(suite.findall("testcase")) == 22
    assert len(suite.findall("testcase/failure")) == 4


def test_feedback_says_what_is_wrong_and_hides_held_inputs(graded):
    page = (graded / "feedback" / "learner0003-1003.html").read_text()
    assert "known mistake: The sign is flipped" in page
    assert "Hint 3 of 3" in page
    assert "4 of 5 points" in page
    right = (graded / "feedback" / "learner0000-1000.html").read_text()
    assert "Hint" not in right
    assert len(list((graded / "feedback").iterdir())) == 8


def test_pages_need_nothing_from_elsewhere(graded):
    for path in (graded / "index.html", *(graded / "feedback").iterdir()):
        page = path.read_text()
        Strict().feed(page)
        assert "<script" not in page
        assert "http" not in page.replace("http-equiv", "")
        assert "width=device-width" in page
        assert "prefers-color-scheme: dark" in page


class Strict(HTMLParser):
    """Fails on tags that are not closed in order, and on any way to run code."""

    VOID = frozenset({"meta", "link", "br", "hr", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "iframe", "object", "embed", "form", "img", "link", "svg")
        assert not [name for name, _ in attributes if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_overview_lists_what_needs_attention(graded):
    page = html.unescape((graded / "index.html").read_text())
    assert "broken" in page
    assert "is not JSON" in page
    assert "The sign is flipped." in page
    assert "3 of 7" in page


def test_identical_answers_are_a_lead(graded):
    rows = read_csv(graded / "similar.csv")
    assert "a lead, not a verdict" in rows[0][-1]
    q1 = [row for row in rows if row[1] == "q1"]
    assert [row[-1] for row in q1] == ["copy (2001); learner0001 (1001)"]
    # Everybody's q2 is the reference: said, and last.
    assert rows[-1][-2] == "the published reference answer"


def test_nothing_is_graded_twice(grade, tmp_path, monkeypatch, capsys):
    canvas(tmp_path / "submissions", 2)
    put(tmp_path / "submissions", f"copy_77_9_{CHAPTER}.ipynb", notebook(0))
    assert grade() == 0
    assert "graded 2;" in capsys.readouterr().out
    before = reports(tmp_path / "grades")

    def never(*arguments):
        raise AssertionError("graded again")

    monkeypatch.setattr("actgrade.classroom.schedule.here", never)
    assert grade() == 0
    assert "graded 0, 2 kept from an earlier run" in capsys.readouterr().out
    assert reports(tmp_path / "grades") == before
    (tmp_path / "grades" / "gradebook.csv").unlink()
    assert grade() == 0
    assert reports(tmp_path / "grades") == before
    # A damaged result is no result.
    unit = next((tmp_path / "grades" / ".actlab-class" / "units").iterdir())
    unit.write_text('{"unit": ')
    with pytest.raises(AssertionError, match="graded again"):
        grade()


@pytest.fixture(scope="module")
def whole(course, key, tmp_path_factory) -> dict[str, bytes]:
    """What a run writes that nothing interrupts."""
    root = tmp_path_factory.mktemp("whole")
    canvas(root / "submissions", MANY)
    arguments = ["class", "grade", str(root / "submissions"), "--out", str(root / "grades")]
    arguments += ["--course", str(course.root), "--key", str(key), "--jobs", "1"]
    assert main(arguments) == 0
    return reports(root / "grades")


def command(root: Path, course, secret: Path, out: str, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "actlab", "class", "grade", str(root / "submissions")),
        *("--out", str(root / out), "--course", str(course.root), "--key", str(secret)),
        *("--jobs", "2", *more),
    ]


def units(out: Path) -> set[str]:
    folder = out / ".actlab-class" / "units"
    return {path.name for path in folder.glob("[!.]*.json")} if folder.is_dir() else set()


def family(group: int) -> list[int]:
    """Processes that are alive in the session ``group``."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[3]) == group:
                found.append(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_ends_half_way_continues(course, key, tmp_path, whole, number):
    canvas(tmp_path / "submissions", MANY)
    process = subprocess.Popen(
        command(tmp_path, course, key, "grades"),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out = tmp_path / "grades"
    end = time.monotonic() + SECONDS
    while len(units(out)) < 3 and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    # The process alone is killed, as by the system; Ctrl-C reaches all of a terminal's processes.
    if number == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, number)
    said = process.communicate(timeout=SECONDS)
    place = out / ".actlab-class" / "units"
    kept = {name: (place / name).stat().st_mtime_ns for name in units(out)}
    assert 3 <= len(kept) < MANY
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command to go on" in said[1]
        assert "Traceback" not in said[1]
    while family(process.pid):
        assert time.monotonic() < end, "workers outlive the process that gave them work"
        time.sleep(0.1)

    again = subprocess.run(
        command(tmp_path, course, key, "grades"), capture_output=True, text=True, timeout=SECONDS
    )
    assert again.returncode == 0, again.stderr
    assert len(units(out)) == MANY
    assert f"{len(kept)} kept from an earlier run" in again.stdout
    for name, when in kept.items():  # not one of them was written again
        assert (place / name).stat().st_mtime_ns == when
    assert reports(out) == whole


def test_hostile_names_and_texts_do_no_harm(grade, tmp_path, capsys):
    evil = "<script>alert(1)</script>"
    answer = f"def sign(x):\n    raise ValueError({evil!r} + '\\x1b[31m\\u202e]]>')"
    names = [
        "=HYPERLINK(1)",
        "+1+1",
        "-2",
        "@SUM(A1)",
        evil.replace("/", "∕"),
        'quote"name, with comma',
        "new\nline",
        "Üñí 名前 \u202eevil",
        "..",
        "con",
        "x" * 150,
        "{{ 7*7 }}",
    ]
    for number, name in enumerate(names):
        folder = f"{name}_{number}_assignsubmission_file_"
        put(tmp_path / "submissions", f"{folder}/{CHAPTER}.ipynb", notebook(q1=answer))
    assert grade() == 0
    out = tmp_path / "grades"
    rows = read_csv(out / "gradebook.csv")
    assert len(rows) == 2 + len(names)
    for row in rows[2:]:
        assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert row[0].lstrip("'") in {quote(name, 120) for name in names}
    for path in (out / "index.html", *(out / "feedback").iterdir()):
        Strict().feed(path.read_text())
        assert "\u202e" not in path.read_text()
    assert "{{ 7*7 }}" in (out / "index.html").read_text()
    assert len(list((out / "feedback").iterdir())) == len(names)
    assert {path.name for path in tmp_path.iterdir()} == {"submissions", "grades"}
    ElementTree.parse(out / "junit.xml")
    assert "\x1b" not in capsys.readouterr().out


def test_names_of_pages_are_harmless_and_different():
    learners = [
        {"name": name, "login": "", "user": ""}
        for name in ("Anna", "anna", "../../etc/passwd", "a/b", "a:b", "", ".", "con", "名前",
                     "x" * 300)
    ]  # fmt: skip
    names = html_report.file_names(learners)
    assert len({name.casefold() for name in names}) == len(learners)
    for name in names:
        assert "/" not in name
        assert not name.startswith((".", "-"))
        assert len(name.encode()) < 200
    assert names[0] == "Anna.html"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "  =1"])
def test_cells_are_no_formulas(text):
    assert gradebook.guarded(text) == f"'{text}"
    assert gradebook.guarded("Anna = Ben") == "Anna = Ben"


def test_a_key_is_made_once_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    secret, made = key.load()
    assert made
    assert len(secret) == 32
    path = tmp_path / "actlab" / "class.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.load() == (secret, False)
    assert [p.name for p in path.parent.iterdir()] == ["class.key"]
    assert secret.hex() not in key.fingerprint(secret)
    path.chmod(0o644)
    with pytest.raises(CommandError, match="may be read by others"):
        key.load()
    path.chmod(0o600)
    path.write_text("not a key")
    with pytest.raises(CommandError, match="is not a key"):
        key.load()
    with pytest.raises(CommandError, match="cannot be used"):
        key.load(tmp_path / "actlab" / "class.key" / "below a file")


def test_another_key_draws_other_inputs(course, tmp_path):
    canvas(tmp_path / "submissions", 1)
    prints = []
    for name in ("one", "two"):
        arguments = ["class", "grade", str(tmp_path / "submissions"), "--out", str(tmp_path / name)]
        arguments += ["--key", str(tmp_path / f"{name}.key"), "--course", str(course.root)]
        assert main(arguments) == 0
        prints.append(json.loads((tmp_path / name / "results.json").read_text())["grader"]["key"])
    assert prints[0] != prints[1]
    assert units(tmp_path / "one").isdisjoint(units(tmp_path / "two"))


def one_sentence(capsys) -> str:
    said = capsys.readouterr().err.strip()
    assert said.startswith("actlab class: ")
    assert "Traceback" not in said
    assert "\n" not in said
    return said


def test_bad_input_is_one_sentence_and_exit_code_2(grade, course, tmp_path, capsys):
    assert grade() == 2
    assert "does not exist" in one_sentence(capsys)
    (tmp_path / "submissions").mkdir()
    assert grade() == 2
    assert "holds no files that could be submissions" in one_sentence(capsys)
    assert not (tmp_path / "grades").exists()
    canvas(tmp_path / "submissions", 1)
    assert grade("--chapter", "nope") == 2
    assert "did you mean" in one_sentence(capsys)
    inside = str(tmp_path / "submissions" / "grades")
    assert grade("--out", inside) == 2
    assert "lies in the folder of submissions" in one_sentence(capsys)
    file = put(tmp_path, "file", b"")
    assert grade("--out", str(file)) == 2
    assert "is not a folder" in one_sentence(capsys)
    assert grade("--out", str(file / "below")) == 2
    assert "cannot be written" in one_sentence(capsys)
    assert main(["class", "grade", str(file), "--out", str(tmp_path / "x")]) == 2
    assert "neither a folder nor a zip file" in one_sentence(capsys)


@pytest.mark.skipif(sys.platform == "win32", reason="uses /proc or chmod")
def test_an_unwritable_place_for_grades(grade, tmp_path, capsys):
    canvas(tmp_path / "submissions", 1)
    readonly = tmp_path / "readonly"
    readonly.mkdir(mode=0o555)
    # Root may write anywhere but there.
    place = readonly / "x" if os.geteuid() else Path("/proc/grades")
    assert grade("--out", str(place)) == 2
    assert "cannot be written" in one_sentence(capsys)


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_two_runs_do_not_write_into_one_folder(grade, tmp_path, capsys):
    import fcntl

    canvas(tmp_path / "submissions", 1)
    lock = put(tmp_path, "grades/.actlab-class/lock", b"")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert grade() == 2
    assert "another run is grading into" in one_sentence(capsys)


def test_a_failing_course_takes_no_points(course, key, tmp_path, capsys):
    import nbformat

    for folder in ("solutions", "exercises"):
        (tmp_path / "broken" / folder).mkdir(parents=True)
    source = class_sample.SAMPLE["build_source"]()
    for cell in source.cells:
        mark = cell.metadata.get("actlab", {})
        if mark.get("question") == "q3" and mark.get("role") == "answer":
            cell.source += "\nraise OSError('the author was here')"
    nbformat.write(source, tmp_path / "broken" / "solutions" / f"{CHAPTER}.ipynb")
    canvas(tmp_path / "submissions", 1)
    arguments = ["class", "grade", str(tmp_path / "submissions"), "--key", str(key)]
    arguments += ["--out", str(tmp_path / "grades"), "--course", str(tmp_path / "broken")]
    assert main(arguments) == 1
    assert "not the learner's" in capsys.readouterr().err
    assert read_csv(tmp_path / "grades" / "gradebook.csv")[2][5] == ""
    assert units(tmp_path / "grades") == set()  # so that the next run tries again


@pytest.mark.parametrize("doubtful", ["course", "crash", "timeout"])
def test_what_failed_for_a_moment_is_tried_again(monkeypatch, doubtful):
    from actgrade.classroom import work

    tries = []

    def run(units, settings, again=False):
        tries.append((list(units), again))
        verdicts = {"a": "pass" if again else doubtful, "b": "fail"}
        return [{"unit": u, "questions": [{"verdict": verdicts[u]}]} for u in units]

    monkeypatch.setattr(work, "_run", run)
    results = work.grade_units(["a", "b"], work.Settings(b""))
    assert tries == [(["a", "b"], False), (["a"], True)]
    assert [result["questions"][0]["verdict"] for result in results] == ["pass", "fail"]


def test_one_that_the_grader_cannot_bear_costs_no_other(monkeypatch):
    from actgrade.classroom import work

    def fails(units, settings, again=False):
        if "b" in units:
            raise RuntimeError("pytest ended")
        return [{"unit": unit, "questions": []} for unit in units]

    class Unit(str):
        key = property(str)

    monkeypatch.setattr(work, "_run", fails)
    results = work.grade_units([Unit("a"), Unit("b")], work.Settings(b""))
    assert results[0] == {"unit": "a", "questions": []}
    assert results[1]["failed"] == "the grader itself failed: pytest ended"


def test_verify_is_the_author_s_command_and_checks_the_exercises(course, capsys):
    assert main(["class", "verify", "--course", str(course.root)]) == 1
    said = capsys.readouterr().out
    assert "4 of 4 wrong answers caught" in said
    assert "out of date" in said


def test_a_stub_is_no_similar_answer(grade, tmp_path):
    for number in range(2):
        data = notebook(number, q1=STUB, q2=QUESTIONS["q2"]["wrong"][0][0] + f"\n# {number}")
        put(tmp_path / "submissions", f"a_{number + 5}_{number}_{CHAPTER}.ipynb", data)
    assert grade() == 0
    rows = read_csv(tmp_path / "grades" / "similar.csv")[1:]
    assert [row[1] for row in rows] == ["q2", "q3"]


@pytest.mark.slow
def test_a_thousand_submissions(course, key, tmp_path):
    """Killed half-way and resumed: the same files as an uninterrupted run."""
    canvas(tmp_path / "submissions", 1000)
    process = subprocess.Popen(command(tmp_path, course, key, "grades"))
    out = tmp_path / "grades"
    while len(units(out)) < 500:
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert len(units(out)) < 1000
    for name in ("grades", "whole"):
        subprocess.run(command(tmp_path, course, key, name), check=True)
    assert reports(out) == reports(tmp_path / "whole")
    assert len(read_csv(out / "gradebook.csv")) == 1002


def test_somebody_without_a_grade_is_exit_code_3_and_no_zero(grade, tmp_path, capsys):
    submissions = tmp_path / "submissions"
    canvas(submissions, 1)
    put(submissions, "linkonly_2001_link.html", b"<a href='https://colab.example'>link</a>")
    put(submissions, f"half_2002_3_{CHAPTER}.ipynb", notebook(1)[:-30])
    assert grade() == 3
    said = capsys.readouterr()
    assert "2 learners without a grade, which is no zero" in said.err
    assert "not graded: linkonly (2001): linkonly_2001_link.html: is a link, no file" in said.out
    out = tmp_path / "grades"
    rows = {row[0]: row for row in read_csv(out / "gradebook.csv")}
    assert rows["linkonly"] == ["linkonly", "2001", "", "", "", ""]
    assert rows["half"][5] == ""
    reasons = {row[0]: row[4] for row in read_csv(out / "not_graded.csv")}
    assert reasons["linkonly"] == "is a link, no file"
    assert reasons["half"].startswith("ends in the middle")
    page = (out / "feedback" / "linkonly-2001.html").read_text()
    assert "Not graded" in page
    assert "0 of" not in page
    overview = html.unescape((out / "index.html").read_text())
    assert "is a link, no file" in overview
    assert "not graded" in overview
    suites = {s.attrib["name"]: s for s in ElementTree.parse(out / "junit.xml").getroot()}
    assert suites["not graded"].attrib["errors"] == "1"
    assert (out / "gradebook.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    # Nothing but what cannot be graded is an export, too.
    for path in submissions.glob(f"*{CHAPTER}.ipynb"):
        path.unlink()
    assert grade() == 3
    assert len(read_csv(out / "gradebook.csv")) == 3


def test_platforms_without_canvas_ids_have_a_column_for_theirs(grade, tmp_path):
    for user in (1234, 1235):
        folder = f"Participant_{user}_assignsubmission_file_"
        put(tmp_path / "submissions", f"{folder}/{CHAPTER}.ipynb", notebook(user))
    put(tmp_path / "submissions", "Participant_1236_assignsubmission_file_/essay.pdf", b"%PDF")
    assert grade() == 3
    rows = read_csv(tmp_path / "grades" / "gradebook.csv")
    assert rows[0][5:7] == ["Identifier", "Not graded"]
    assert [row[5] for row in rows[2:]] == ["1234", "1235", "1236"]
    assert all(row[1] == "" for row in rows[1:])
    assert "not text but a PDF" in rows[4][6]
    assert rows[4][7] == ""
    overview = (tmp_path / "grades" / "index.html").read_text()
    assert "Participant (1234)" in overview
