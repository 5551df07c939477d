"""The record of mutation scores: kept beside the sources, and believed only while it holds."""

from __future__ import annotations

import json

import grading_sample
import pytest

from actgrade import mutation_record
from actgrade.course import Course
from actgrade.equivalent import FOLDER
from actgrade.mutation import mutate
from actlab.cli import main
from bookbuild.pages import mutation_table

COURSE = Course.find()
RIGHT = """\
# %% q1: with where
def sign(x):
    return np.where(x > 0, 1.0, np.where(x < 0, -1.0, 0.0))

# %% q1: wrong at 0, and so refused
def sign(x):
    return np.where(x > 0, 1.0, -1.0)

# %% q3: by hand
def mean_and_spread(x):
    mean = float(sum(x) / len(x))
    return mean, float(np.sqrt(sum((x - mean) ** 2) / len(x)))
"""


@pytest.mark.parametrize("name", COURSE.chapter_names())
def test_the_record_of_every_chapter_holds(name: str) -> None:
    """Nothing is graded: a question that changed must be recorded anew."""
    assert mutation_record.faults(COURSE, COURSE.chapter(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE.chapter_names())
def test_the_record_is_what_grading_finds(name: str) -> None:
    """With inputs drawn anew."""
    record = mutation_record.read(COURSE, name)
    for score in mutate([COURSE.chapter(name)]):
        entry = record[score.question.id]
        assert score.mutants == entry.mutants
        assert [mutant.name for mutant in score.survivors] == entry.survivors
        assert sorted(score.equivalent) == sorted(entry.equivalent)
        assert score.stale == ()


def write_course(folder):
    root = grading_sample.write_course(folder)
    (root / "right").mkdir()
    (root / "right" / "90_sample.py").write_text(RIGHT, encoding="utf-8")
    (root / "pyproject.toml").write_text('[tool.actgrade]\nright_answers = "right"\n')
    return root


def test_a_record_is_made_and_kept_until_something_changes(tmp_path, capsys) -> None:
    root = write_course(tmp_path)
    arguments = ["verify", "--mutants", "--record", "--seed", "1", "--course", str(root)]

    def course() -> Course:
        return Course(root)  # anew: it keeps what it has read

    def faults() -> list[str]:
        return mutation_record.faults(course(), course().chapter("90_sample"))

    assert sum("were never graded; run 'actlab verify" in one for one in faults()) == 3

    assert main(arguments) == 1
    record = mutation_record.read(course(), "90_sample")
    assert list(record) == ["q1", "q2", "q3"]
    assert record["q1"].refused == ["wrong at 0, and so refused"]
    assert [entry.right for entry in record.values()] == [2, 0, 1]
    found = faults()
    alive = {name: entry.survivors for name, entry in record.items()}
    assert alive["q1"], "the sample has a hole; else this test says nothing"
    assert f"90_sample q1: the mutant “{alive['q1'][0]}” earns everything" in found
    assert "90_sample q1: the right answer “wrong at 0, and so refused” is refused" in found

    # A reason for each survivor of q1; the others were left with holes, and are graded again.
    reasons = {"q1": dict.fromkeys(alive["q1"], "no *difference*")}
    own = root / "solutions" / FOLDER / "90_sample.json"
    own.parent.mkdir()
    own.write_text(json.dumps(reasons), encoding="utf-8")
    assert "90_sample q1: it has changed; run 'actlab verify 90_sample --mutants --record'" in (
        faults()
    )
    (unknown, *_) = mutation_table.rows(course(), "90_sample")
    assert unknown.entry is None, "the page shows no old numbers"
    assert main(arguments) == 1
    after = mutation_record.read(course(), "90_sample")
    assert after["q1"].survivors == []
    assert after["q1"].score == 1
    assert after["q1"].first == record["q1"].first
    assert after["q1"].first_score < 1
    assert [one for one in faults() if "q1: the mutant" in one] == []

    reasons["q1"] = dict.fromkeys(alive["q1"], "said in other words")
    for name in ("q2", "q3"):
        reasons[name] = dict.fromkeys(alive[name], "no difference")
    own.write_text(json.dumps(reasons), encoding="utf-8")
    assert [one for one in faults() if "q1: it has changed" in one] == []
    assert main(arguments) == 0
    capsys.readouterr()
    assert main(arguments) == 0
    assert capsys.readouterr().out == "90_sample: the record is up to date\n"
    assert faults() == ["90_sample q1: the right answer “wrong at 0, and so refused” is refused"]

    rows = mutation_table.rows(course(), "90_sample")
    table = mutation_table.markdown(rows)
    first = after["q1"].first
    share = f"{first['killed'] / first['mutants']:.0%}"
    assert f"| The sign | {first['mutants']} | {share} | 100% | {len(alive['q1'])} | 1 of 2 |" in (
        table
    )
    assert ": said in other words" in table
    assert "changed references" not in mutation_table.summary(rows)
    assert mutation_table.summary(rows).endswith(
        "Of 3 right answers that were written in other ways, 1 are refused."
    )
    assert own in mutation_table.sources(course(), "90_sample")


def test_only_what_changed_is_graded_again(tmp_path, monkeypatch) -> None:
    root = write_course(tmp_path)
    chapter = Course(root).chapter("90_sample")
    now = mutation_record.fingerprints(Course(root), chapter)
    path = mutation_record.path_of(Course(root), "90_sample")
    path.parent.mkdir()
    known = {"first": {"mutants": 4, "killed": 3}, "mutants": 4, "survivors": [], "equivalent": []}
    known |= {"right": 1, "refused": []}
    questions = {name: known | {"fingerprint": one} for name, one in now.items()}
    questions["q3"]["fingerprint"] = "another"
    path.write_text(json.dumps({"version": 1, "questions": questions}), encoding="utf-8")
    scores = mutation_record.renew(Course(root), chapter, seed=1)
    assert [score.question.id for score in scores] == ["q3"]
    record = mutation_record.read(Course(root), "90_sample")
    assert record["q1"].mutants == 4
    assert record["q3"].mutants == scores[0].mutants
    assert record["q3"].fingerprint == now["q3"]


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99, "questions": {}}', '{"version": 1}'])
def test_a_damaged_record_is_said(tmp_path, text) -> None:
    root = write_course(tmp_path)
    path = mutation_record.path_of(Course(root), "90_sample")
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(mutation_record.CommandError, match=r"90_sample\.json cannot be read:"):
        mutation_record.read(Course(root), "90_sample")


def test_recording_belongs_to_mutants(capsys) -> None:
    assert main(["verify", "--record"]) == 2
    assert "say both" in capsys.readouterr().err


def test_a_page_without_records_says_nothing() -> None:
    row = mutation_table.Row("Q", None, {})
    assert mutation_table.summary([row]) == ""
    assert mutation_table.markdown([row]) == ""
