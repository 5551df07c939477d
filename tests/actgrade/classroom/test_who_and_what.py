"""What real classes hand in: whose a file is, what it is, and which of several counts."""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile

import class_sample
import pytest
from class_sample import CHAPTER, QUESTIONS, notebook

from actgrade.classroom.collect import collect
from actgrade.recognise import Recogniser, chapter_of_name

SOLVED = notebook(0)
HALF = notebook(0, q2='def leaky(x, slope=0.1):\n    """Doc."""\n    raise NotImplementedError')
STUBS = {name: f"def {q['answer'].split('def ')[1].split(':')[0]}:\n    raise NotImplementedError"
         for name, q in QUESTIONS.items()}  # fmt: skip


def stub() -> bytes:
    """The released notebook, as nobody touched it."""
    from actgrade.stub import make_stub

    return notebook(9, **{name: make_stub(q["answer"].strip()) for name, q in QUESTIONS.items()})


def chapter_itself(course_root) -> bytes:
    """A chapter of the book, which the course keeps in notebooks/."""
    text = "What this chapter says about lines, at some length, so that it is nobody else's: "
    cells = [{"cell_type": "markdown", "metadata": {}, "source": f"# Sample\n\n{text}{n}"}
             for n in range(8)]  # fmt: skip
    cells.append({"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
                  "source": QUESTIONS["q1"]["answer"]})  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The sample course with a second chapter of exercises and one chapter of the book."""
    import nbformat

    from actgrade.course import Course

    root = class_sample.SAMPLE["write_course"](tmp_path_factory.mktemp("course"))
    nbformat.write(class_sample.SAMPLE["build_source"](), root / "solutions" / f"{CHAPTER}.ipynb")
    other = class_sample.SAMPLE["build_source"]("91_other")
    for cell in other.cells:
        cell.source = cell.source.replace("sign", "other_sign").replace("leaky", "other_leaky")
        cell.source = cell.source.replace("mean_and_spread", "two_numbers")
        cell.source = cell.source.replace("## ", "## Other: ")
    nbformat.write(other, root / "solutions" / "91_other.ipynb")
    (root / "notebooks").mkdir()
    (root / "notebooks" / f"{CHAPTER}.ipynb").write_bytes(chapter_itself(root))
    return Course.find(root)


@pytest.fixture
def gather(course, tmp_path):
    def run(files, **options):
        for name, data in files.items():
            class_sample.put(tmp_path / "submissions", name, data)
        return collect(tmp_path / "submissions", course, **options)

    return run


def graded(found) -> dict[str, str | None]:
    """What is graded for whom; None for a learner without a file that can be."""
    rows = {row.learner.key: row.file for row in found.rows if row.error is None}
    return {f"{p.name}/{p.user}": rows.get(p.key) for p in found.learners}


def row(found, name):
    return next(row for row in found.rows if row.learner.name == name)


def zipped(members, encoding=None) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, (name, content) in enumerate(members.items()):
            info = zipfile.ZipInfo(name)
            if encoding:  # as old tools write: raw bytes, and no flag that says which
                info.filename = chr(65 + number) * len(name.encode(encoding))
            archive.writestr(info, content)
    result = data.getvalue()
    if encoding:
        for number, name in enumerate(members):
            raw = name.encode(encoding)
            result = result.replace(bytes([65 + number]) * len(raw), raw)
    return result


# G1 -------------------------------------------------------------------------------------------


def test_canvas_without_names(gather):
    found = gather({
        f"LATE_anon_mmmmm_670004_{CHAPTER}.ipynb": notebook(1),
        f"anon_7bQ2z_670003_{CHAPTER}.ipynb": SOLVED,
        f"anon_q9TTa_670005_{CHAPTER}.ipynb": HALF,
        f"anon_q9TTa_670009_{CHAPTER}-1.ipynb": notebook(6),
        "anon_aB3xY_link.html": b"<a href='https://colab.example'>link</a>",
    })  # fmt: skip
    assert found.layout == "canvas"
    assert [(p.user, p.is_anonymous) for p in found.learners] == [
        ("7bQ2z", True), ("aB3xY", True), ("mmmmm", True), ("q9TTa", True)]  # fmt: skip
    assert len(found.rows) == 3
    assert [r.late for r in found.rows] == [False, True, False]
    assert found.rows[-1].file.endswith("-1.ipynb")
    assert "Canvas's own ID is not in it" in found.remarks[0]


def test_somebody_may_be_called_anon(gather):
    found = gather({
        f"anon_12345_67890_{CHAPTER}.ipynb": SOLVED, f"doejane_222_67891_{CHAPTER}.ipynb": SOLVED,
    })  # fmt: skip
    assert [(p.name, p.user, p.is_anonymous) for p in found.learners] == [
        ("anon", "12345", False), ("doejane", "222", False)]  # fmt: skip


# G2 -------------------------------------------------------------------------------------------


def test_a_link_a_text_and_a_pdf_are_learners(gather):
    found = gather({
        f"doejane_1_10_{CHAPTER}.ipynb": SOLVED,
        "linkonly_LATE_2_link.html": b"<a href='https://colab.example'>link</a>",
        "textentry_3_text.html": b"<p>def sign(x)</p>",
        "pdfguy_4_11_homework.pdf": b"%PDF-1.4",
        "rarguy_5_12_homework.rar": b"Rar!\x1a\x07\x00",
    })  # fmt: skip
    assert graded(found) == {
        "doejane/1": f"doejane_1_10_{CHAPTER}.ipynb", "linkonly/2": None, "pdfguy/4": None,
        "rarguy/5": None, "textentry/3": None,
    }  # fmt: skip
    said = {learner.name: learner.not_graded for learner in found.learners}
    assert said["linkonly"] == (("linkonly_LATE_2_link.html", "is a link, no file"),)
    assert said["textentry"][0][1] == "is a text, no file"
    assert "not text but a PDF" in said["pdfguy"][0][1]
    assert "a RAR archive" in said["rarguy"][0][1]


# G3 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["_", ""])
def test_moodle_keeps_people_apart(gather, end):
    kind = f"_assignsubmission_file{end}"
    found = gather({
        f"Jane Doe_101{kind}/{CHAPTER}.ipynb": SOLVED,
        f"Jane Doe_102{kind}/{CHAPTER}.ipynb": HALF,
        f"Participant_1234{kind}/{CHAPTER}.ipynb": SOLVED,
        f"Participant_1235{kind}/{CHAPTER}.ipynb": HALF,
        f"Team 1_55{kind}/{CHAPTER}.ipynb": SOLVED,
        f"Default group{kind}/{CHAPTER}.ipynb": SOLVED,
        f"Text Only_103_assignsubmission_onlinetext{end}/onlinetext.html": b"<p>sign</p>",
    })  # fmt: skip
    assert found.layout == "moodle"
    assert [(p.name, p.user) for p in found.learners] == [
        ("Default group", ""), ("Jane Doe", "101"), ("Jane Doe", "102"),
        ("Participant", "1234"), ("Participant", "1235"), ("Team 1", "55"), ("Text Only", "103"),
    ]  # fmt: skip
    assert len(found.rows) == 6
    assert found.learners[-1].not_graded[0][1] == "is a text, no file"


# G4 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("worse", [stub(), b"", b"{ not json", chapter_itself(None)])
@pytest.mark.parametrize("where", ["canvas", "folder", "github"])
def test_what_was_written_beats_what_was_not(gather, worse, where):
    names = {
        "canvas": (f"doejane_1_10_{CHAPTER}.ipynb", f"doejane_1_11_{CHAPTER}-1.ipynb"),
        "folder": (f"Jane/{CHAPTER}.ipynb", f"Jane/{CHAPTER} (1).ipynb"),
        "github": (f"r-jane/exercises/{CHAPTER}-Copy1.ipynb", f"r-jane/exercises/{CHAPTER}.ipynb"),
    }[where]
    other = {"canvas": f"roejoe_2_12_{CHAPTER}.ipynb", "folder": f"Joe/{CHAPTER}.ipynb",
             "github": f"r-joe/exercises/{CHAPTER}.ipynb"}[where]  # fmt: skip
    found = gather({names[0]: SOLVED, names[1]: worse, other: HALF})
    (mine,) = [r for r in found.rows if "oe" not in r.learner.name or "doe" in r.learner.name]
    assert mine.file == names[0]
    assert mine.error is None
    # The chapter beside the exercises is nobody's attempt, unless it was handed in last.
    assert bool(mine.doubt) == (where == "canvas" or worse != chapter_itself(None))
    assert names[1] in str(found.not_graded)


def test_answers_beat_a_chapter_and_exercises_beat_a_copy_elsewhere(gather):
    found = gather({
        f"Ana/{CHAPTER}.ipynb": SOLVED, f"Ana/chapters/{CHAPTER}.ipynb": chapter_itself(None),
        f"Bo/notes/{CHAPTER}.ipynb": chapter_itself(None), f"Bo/work/{CHAPTER}.ipynb": SOLVED,
        f"Cy/exercises/{CHAPTER}.ipynb": SOLVED, f"Cy/{CHAPTER}.ipynb": HALF,
        f"Di/exercises/{CHAPTER}.ipynb": stub(), f"Di/mine/{CHAPTER}.ipynb": SOLVED,
    })  # fmt: skip
    assert graded(found) == {
        "Ana/": f"Ana/{CHAPTER}.ipynb", "Bo/": f"Bo/work/{CHAPTER}.ipynb",
        "Cy/": f"Cy/exercises/{CHAPTER}.ipynb", "Di/": f"Di/mine/{CHAPTER}.ipynb",
    }  # fmt: skip


def test_a_newer_upload_with_fewer_answers_is_doubtful(gather):
    found = gather({
        f"doejane_1_10_{CHAPTER}.ipynb": SOLVED, f"doejane_1_11_{CHAPTER}-1.ipynb": HALF,
    })  # fmt: skip
    assert found.rows[0].file.endswith("-1.ipynb")
    assert "has fewer answers (2) than" in found.rows[0].doubt


def test_a_whole_course_in_a_zip(gather, course):
    whole = {
        f"course/exercises/{CHAPTER}.ipynb": SOLVED,
        f"course/notebooks/{CHAPTER}.ipynb": chapter_itself(None),
        f"course/solutions/{CHAPTER}.ipynb": course.source_path(CHAPTER).read_bytes(),
        "course/README.md": b"# Course",
        f"__MACOSX/course/exercises/._{CHAPTER}.ipynb": b"\x00\x05",
    }
    found = gather({"doejane_1_10_course.zip": zipped(whole),
                    "roejoe_2_11_hw.zip": zipped({f"{CHAPTER}.ipynb": HALF})})  # fmt: skip
    assert len(found.rows) == 2
    assert row(found, "doejane").read() == SOLVED
    assert row(found, "doejane").doubt == ""


def test_the_solutions_are_nobody_s_answers(gather, course):
    data = course.source_path(CHAPTER).read_bytes()
    found = gather({f"doejane_1_10_{CHAPTER}.ipynb": data})
    assert found.rows[0].doubt == "it is the course's own notebook with the solutions"
    found = gather({f"doejane_1_9_{CHAPTER}.ipynb": HALF})
    assert found.rows[0].read() == HALF


# G8, G9 ---------------------------------------------------------------------------------------


def stripped(data: bytes = SOLVED) -> bytes:
    """The notebook as tools leave it that keep nothing but text."""
    content = json.loads(data)
    content["metadata"] = {}
    for cell in content["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    return json.dumps(content).encode()


NAMES = [
    f"{CHAPTER} (1).ipynb", f"{CHAPTER} - Copy.ipynb", f"{CHAPTER} copy 2.ipynb",
    f"{CHAPTER}-Copy1.ipynb", f"Copy of {CHAPTER}.ipynb", f"Kopie von {CHAPTER} (1).ipynb",
    f"{CHAPTER.upper()}.IPYNB", f"{CHAPTER}.ipynb.txt", f"{CHAPTER}.ipynb.json", f"{CHAPTER}.json",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_means_its_chapter(course, name):
    assert chapter_of_name(name, course) == CHAPTER


@pytest.mark.parametrize("name", [*NAMES, "final FINAL v2.ipynb", "Übung 4 — Lines.ipynb"])
@pytest.mark.parametrize("form", [bytes, stripped])
def test_content_says_what_a_file_is(gather, course, name, form):
    data = form(SOLVED)
    assert Recogniser(course).look(data, "x").written == ("q1", "q2", "q3")
    found = gather({f"Ana/{name}": data, f"Bo/{CHAPTER}.ipynb": HALF})
    assert [r.error for r in found.rows] == [None, None]
    assert row(found, "Ana").read() == data


def test_a_chapter_that_somebody_names_is_honoured(gather):
    data = stripped(notebook(0, q2="x = 1", q3="y = 2"))  # too little to be recognised by
    assert gather({"Ana/homework.ipynb": data}).rows == []
    found = gather({}, chapters=[CHAPTER])
    assert [r.error for r in found.rows] == [None]


def test_another_chapter_s_exercises_are_named(gather, course):
    import nbformat

    source = nbformat.read(course.source_path("91_other"), as_version=4)
    source.cells = [
        c
        for c in source.cells
        if c.metadata.get("actlab", {}).get("role") in ("setup", "prompt", "answer")
    ]
    data = nbformat.writes(source).encode()
    found = gather({f"Ana/{CHAPTER}.ipynb": data})
    assert found.rows[0].chapter == "91_other"
    assert found.rows[0].notes == [f"its name says {CHAPTER}, but it is the notebook of 91_other"]
    found = gather({}, chapters=[CHAPTER])
    assert found.rows == []
    assert found.learners[0].not_graded[0][1] == "belongs to 91_other, not asked for"


# G14 ------------------------------------------------------------------------------------------

CONFLICT = SOLVED.replace(
    b'"cells": [', b'"cells": [\n<<<<<<< HEAD\n1,\n=======\n2,\n>>>>>>> 4e2 (x)\n'
)
BAD = {
    "conflict": (CONFLICT, "has the conflict markers of a git merge (line 2)"),
    "utf16": (SOLVED.decode().encode("utf-16"), "is text in UTF-16"),
    "utf16le": (SOLVED.decode().encode("utf-16-le"), "is text in UTF-16"),
    "cp1252": (SOLVED.replace(b"Doc.", "Wörter".encode("cp1252")).replace(b"number", b"n\xfcmber"),
               "is not UTF-8 (line 1)"),
    "html": (b"<!DOCTYPE html>\n<html><body>x.ipynb at main</body></html>", "is a web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n",
            "is a Git LFS pointer"),
    "half": (SOLVED[:-40], "ends in the middle"),
    "empty": (b"", "is empty"),
    "pdf": (b"%PDF-1.4", "not text but a PDF"),
    "chapter": (chapter_itself(None), f"is the chapter {CHAPTER} itself, not its exercises"),
    "other": (b'{"cells": [], "metadata": {}}', f"has no answer cells of {CHAPTER}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_what_a_bad_file_is(gather, course, kind, tmp_path):
    data, sentence = BAD[kind]
    found = gather({f"Ana/{CHAPTER}.ipynb": data, f"Bo/{CHAPTER}.ipynb": SOLVED})
    assert sentence in row(found, "Ana").error
    assert row(found, "Bo").error is None
    from actgrade.grade import grade

    report = grade([tmp_path / "submissions" / "Ana" / f"{CHAPTER}.ipynb"], course)
    assert sentence in report.notebooks[0].error


# G17 ------------------------------------------------------------------------------------------


def test_one_name_in_two_forms_of_unicode_is_one_learner(gather):
    composed, apart = (unicodedata.normalize(form, "José") for form in ("NFC", "NFD"))
    assert composed != apart
    found = gather({f"{composed}/{CHAPTER}.ipynb": SOLVED, f"{apart}/notes.txt": b"hello",
                    f"Bo/{CHAPTER}.ipynb": HALF})  # fmt: skip
    assert [p.name for p in found.learners] == ["Bo", composed]


def test_names_in_old_zip_files(gather, tmp_path):
    members = {f"名前/{CHAPTER}.ipynb": SOLVED, f"李明/{CHAPTER}.ipynb": HALF}
    gather({"class.zip": zipped(members, "gbk")})
    assert "--zip-encoding" in gather({}).remarks[0]
    found = gather({}, zip_encoding="gbk")
    assert {p.name for p in found.learners} == {"名前", "李明"}
    assert found.remarks == []
    gather({"class.zip": zipped(members, "utf-8")})  # without a flag, as macOS writes it
    assert {p.name for p in gather({}).learners} == {"名前", "李明"}
