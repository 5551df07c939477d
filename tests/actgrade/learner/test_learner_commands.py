"""Progress, hint, reset and solution, called as a shell calls them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import nbformat
import pytest
from learner_course import CHAPTER, RIGHT, WRONG_SIGN, notebook, progress, write_answer

from actgrade import source
from actgrade.grade import grade
from actgrade.learner import source_cache
from actgrade.learner.regrade import Regrader, remembering
from actgrade.learner.standing import is_stub, key_of, read, stand
from actgrade.learner.state import State, Store
from actgrade.submission import read_submission
from actlab.cli import main


@pytest.fixture
def actlab(root, capsys, monkeypatch):
    """Run a command in the course; its exit code and what it said."""
    monkeypatch.chdir(root)

    def run(*arguments: str) -> tuple[int, str]:
        try:
            code = main(list(arguments))
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def store(root):
    return Store(root, lambda sentence: None)


def answer(root, question: str) -> str:
    path = notebook(root)
    return (
        read_submission(path, source.load(root / "solutions" / f"{CHAPTER}.ipynb"))
        .answers[question]
        .source
    )


def test_the_kept_copy_of_a_source_is_the_source(course):
    path = course.source_path(CHAPTER)
    from_source = source.load(path)
    assert source_cache.load(course, CHAPTER) == from_source
    copy = course.root / ".actlab" / "chapters" / f"{CHAPTER}.json"
    assert copy.exists()
    assert source_cache.load(course, CHAPTER) == from_source
    # Neither a damaged copy nor one of an older source is used.
    copy.write_text(copy.read_text().replace("Sample chapter", "Old chapter"))
    assert source_cache.load(course, CHAPTER).title == "Old chapter"
    path.write_text(path.read_text().replace("Sample chapter", "New chapter!"))
    assert source_cache.load(course, CHAPTER).title == "New chapter!"
    copy.write_text("{")
    assert source_cache.load(course, CHAPTER).title == "New chapter!"


def test_a_key_changes_with_the_answer_and_with_the_question(root, course):
    chapter = source_cache.load(course, CHAPTER)
    path = notebook(root)
    before = [s.key for s in stand(chapter, read_submission(path, chapter), {})]
    write_answer(root, q2=RIGHT["q2"])
    submission = read_submission(path, chapter)
    after = stand(chapter, submission, {})
    assert [s.key == key for s, key in zip(after, before, strict=True)] == [True, False, True]
    assert [s.is_stub for s in after] == [True, False, True]
    question = chapter.question("q2")
    held = source.Held("held-q2-1", "show(x=SEED)", 2)
    other = source.Question(**{**vars(question), "helds": (held,)})
    assert key_of(chapter, other, submission.answers["q2"]) != after[1].key
    retitled = source.Question(**{**vars(question), "title": "Another title"})
    assert key_of(chapter, retitled, submission.answers["q2"]) == after[1].key
    assert not is_stub(question, submission.answers["q2"].source)


def test_only_the_wanted_question_is_graded_and_changes_since_are_shown(
    root, course, store, actlab
):
    write_answer(root, q1=RIGHT["q1"], q2=RIGHT["q2"].replace("slope * x)", "0.0)"))
    chapter, standings = read(course, CHAPTER, store.read())
    assert [s.is_due for s in standings] == [True, True, False]
    assert "not graded yet: q1, q2" in actlab()[1]
    regrader = Regrader(course, store)
    try:
        submission = read_submission(notebook(root), chapter)
        results = regrader.grade(chapter, submission, {"q2", "q1"})
        assert [(r.id, r.points) for r in results] == [("q1", 1), ("q2", 0)]
        assert "Without the slope this is ReLU" in results[1].reason
        again = regrader.grade(chapter, submission, {"q1"})
        assert [r.id for r in again] == ["q1"]
    finally:
        regrader.close()
    records = progress(root)["chapters"][CHAPTER]
    assert set(records) == {"q1", "q2"}
    assert records["q1"]["passed"]
    code, said = actlab()
    assert code == 0
    assert f"{CHAPTER}  Sample chapter      1/5\n" in said
    assert f"Next: {CHAPTER} q2, A leaky line." in said
    assert actlab("solution", "90", "q1") == (0, RIGHT["q1"])
    write_answer(root, q1=WRONG_SIGN)
    assert "1/5  changed since: q1" in actlab()[1]
    assert "q1      1/1  pass, changed since  The sign" in actlab("progress", "90")[1]


def test_what_another_command_grades_is_remembered_for_exercises_only(root, course, tmp_path):
    write_answer(root, q1=RIGHT["q1"])
    elsewhere = tmp_path / "handed-in.ipynb"
    elsewhere.write_text(notebook(root).read_text().replace("np.sign(x)", "-np.sign(x)"))
    with remembering(course, pytest.fail) as keep:
        grade([notebook(root), elsewhere], course, progress=keep)
    records = progress(root)["chapters"][CHAPTER]
    assert {name: record["points"] for name, record in records.items()} == {
        "q1": 1.0,
        "q2": 0.0,
        "q3": 0.0,
    }
    _, standings = read(course, CHAPTER, Store(root, pytest.fail).read())
    assert not any(s.is_due for s in standings)


def test_the_last_result_of_an_interrupted_run_is_not_kept(root, course):
    """It may say that an answer passes which was never compared."""
    write_answer(root, q1=RIGHT["q1"])

    def keep_then_interrupt():
        with remembering(course, pytest.fail) as keep:
            grade([notebook(root)], course, progress=keep)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_then_interrupt()
    assert set(progress(root)["chapters"][CHAPTER]) == {"q1", "q2"}


def test_hints_come_one_by_one_and_end(actlab, root):
    for number, text in enumerate(["Three cases.", "Zero is a case.", "`np.sign` does it."], 1):
        code, said = actlab("hint", "90_sample", "q1")
        assert code == 0
        assert said.startswith(f"Hint {number} of 3 for 90_sample q1")
        assert said.endswith(f"\n{text}\n")
    code, said = actlab("hint", "q1")
    assert code == 1
    assert "there are no more hints for 90_sample q1: you have had all 3" in said
    assert progress(root)["chapters"][CHAPTER]["q1"]["hints"] == 3
    code, said = actlab("hint", "90", "q1", "--again")
    assert (code, said.count("Hint ")) == (0, 3)
    assert actlab("hint", "90", "q2", "--again")[0] == 1


def test_reset_puts_one_stub_back_and_keeps_what_was_there(actlab, root):
    write_answer(root, q1=WRONG_SIGN, q2=RIGHT["q2"])
    before = notebook(root).read_bytes()
    assert actlab("reset", "90", "q1")[0] == 2  # nobody can be asked
    assert notebook(root).read_bytes() == before
    code, said = actlab("reset", "90", "q1", "--yes")
    assert code == 0
    (backup,) = (root / ".actlab" / "backups").iterdir()
    assert f".actlab/backups/{backup.name}" in said
    assert backup.read_bytes() == before
    assert answer(root, "q1").endswith("raise NotImplementedError")
    assert answer(root, "q2") == RIGHT["q2"]
    nbformat.validate(nbformat.read(notebook(root), as_version=4))
    assert "nothing was changed" in actlab("reset", "90", "q1", "-y")[1]
    code, said = actlab("reset", "90", "--yes")
    assert code == 0
    assert answer(root, "q2").endswith("raise NotImplementedError")
    assert len(list((root / ".actlab" / "backups").iterdir())) == 2


def test_reset_finds_a_lost_or_unmarked_answer_cell(actlab, root):
    content = json.loads(notebook(root).read_text())
    cells = content["cells"]
    lost = next(cell for cell in cells if cell["id"] == "answer-q1")
    cells.remove(lost)
    unmarked = next(cell for cell in cells if cell["id"] == "answer-q2")
    unmarked.update(id="ab", metadata={}, source=RIGHT["q2"])
    notebook(root).write_text(json.dumps(content))
    for question in ("q1", "q2"):
        assert actlab("reset", "90", question, "--yes")[0] == 0
        assert answer(root, question).endswith("raise NotImplementedError")
    cells = json.loads(notebook(root).read_text())["cells"]
    assert [cell["id"] for cell in cells].index("answer-q1") == 3


def test_reset_of_a_broken_or_missing_notebook(actlab, root):
    notebook(root).write_text("{ half")
    code, said = actlab("reset", "90", "q1", "--yes")
    assert code == 2
    assert "is not a notebook" in said
    assert actlab("reset", "90", "--yes")[0] == 0
    (backup,) = (root / ".actlab" / "backups").iterdir()
    assert backup.read_text() == "{ half"
    notebook(root).unlink()
    assert f"actlab reset {CHAPTER}' puts it back" in actlab()[1]
    assert actlab("reset", "90")[0] == 0
    assert answer(root, "q1").endswith("raise NotImplementedError")


def test_reset_changes_nothing_when_the_backup_cannot_be_written(actlab, root, monkeypatch):
    write_answer(root, q1=WRONG_SIGN)
    before = notebook(root).read_bytes()
    actlab()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    code, said = actlab("reset", "90", "q1", "--yes")
    assert code == 2
    assert "No space left on device" in said
    assert "as it was" in said
    assert notebook(root).read_bytes() == before
    assert list((root / ".actlab" / "backups").iterdir()) == []
    assert [path.name for path in notebook(root).parent.iterdir()] == [notebook(root).name]


def test_a_solution_needs_a_pass_or_giving_up(actlab, root):
    code, said = actlab("solution", "90", "q3")
    assert code == 1
    assert "--give-up" in said
    assert RIGHT["q3"] not in said
    assert not (root / ".actlab" / "progress.json").exists()
    assert actlab("solution", "90", "q3", "--give-up") == (0, RIGHT["q3"])
    assert progress(root)["chapters"][CHAPTER]["q3"]["gave_up"]
    assert actlab("solution", "90", "q3")[0] == 0
    assert "solution seen: q3" in actlab()[1]
    assert "not started, solution seen" in actlab("progress", "90")[1]


def test_a_solution_is_shown_for_a_right_answer_that_nobody_graded_yet(actlab, root):
    write_answer(root, q1=RIGHT["q1"])
    assert actlab("solution", "90", "q1") == (0, RIGHT["q1"])
    assert progress(root)["chapters"][CHAPTER]["q1"]["passed"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["progress", "91_sampel"], "did you mean 90_sample?"),
        (["watch", "sampel"], "did you mean 90_sample?"),
        (["hint", "91", "q1"], "did you mean 90_sample?"),
        (["hint", "90", "q9"], "did you mean q1, q2 or q3?"),
        (["hint", "90_sample"], "90_sample is a chapter; name a question too: 90_sample q1"),
        (["hint", "a", "b", "c"], "no more"),
        (["reset", "90", "p2"], "90_sample has no question 'p2'; did you mean q2?"),
        (["solution", "90", "x"], "did you mean q1, q2 or q3?"),
        (["solution", "90"], "QUESTION"),
        (["progress", "--course", "nowhere"], "is not a course"),
    ],
)
def test_an_unknown_name_is_one_sentence(actlab, arguments, says):
    code, said = actlab(*arguments)
    assert code == 2
    assert says in said


@pytest.mark.parametrize("command", ["progress", "watch", "hint", "reset", "solution"])
def test_every_command_explains_itself(actlab, command):
    code, said = actlab(command, "--help")
    assert code == 0
    assert f"Example: actlab {command}" in said


def test_a_damaged_state_does_not_stop_progress(actlab, root):
    (root / ".actlab").mkdir()
    (root / ".actlab" / "progress.json").write_text("{")
    code, said = actlab()
    assert code == 0
    assert "is damaged" in said
    assert "not started" in said


def test_a_broken_source_is_named_and_the_other_chapters_are_shown(actlab, root):
    (root / "solutions" / "91_broken.ipynb").write_text("{}")
    code, said = actlab()
    assert code == 0
    assert "90_sample  Sample chapter" in said
    assert "91_broken: " in said


def test_showing_progress_loads_nothing_heavy(root):
    code = (
        "import sys; from actlab.cli import main; main([]); main([]);"
        "print({'numpy', 'torch', 'pytest', 'rich', 'IPython'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert run.stdout.endswith("set()\n"), run.stderr
    assert "\x1b" not in run.stdout


def test_records_of_a_state_are_those_of_the_chapter():
    state = State()
    state.record("a", "q1").hints = 2
    assert state.records("a")["q1"].hints == 2
    assert state.records("b") == {}


def test_a_solved_copy_beside_an_untouched_notebook_is_what_counts(root, actlab, course):
    """The same choice as for a class: see classroom/test_who_and_what.py."""
    from actgrade.learner.standing import exercise

    copy = notebook(root).with_name(f"{CHAPTER}-Copy1.ipynb")
    copy.write_bytes(notebook(root).read_bytes())
    assert exercise(course, CHAPTER) == notebook(root)
    content = json.loads(copy.read_text())
    for cell in content["cells"]:
        if cell["id"] == "answer-q1":
            cell["source"] = RIGHT["q1"]
    copy.write_text(json.dumps(content))
    assert exercise(course, CHAPTER) == copy
    code, said = actlab("grade", CHAPTER)
    assert code == 1
    assert f"{CHAPTER}-Copy1.ipynb: Sample chapter, 1 of 5 points" in said
    assert "q1 " in actlab("progress", CHAPTER)[1]
    write_answer(root, q2=RIGHT["q2"])
    assert exercise(course, CHAPTER) == notebook(root)
    assert "3 of 5 points" in actlab("grade")[1]


def test_a_hint_s_mathematics_is_text():
    from actgrade.plain_math import plain_math

    for formula, text in (
        (r"$-\infty$", "-∞"), (r"at $x = 10^{-4}$.", "at x = 10⁻⁴."),
        (r"$e^{-x^2/2}$", "e^(-x²/2)"),
        (r"$\frac12(1 + \mathrm{erf})$", "1/2(1 + erf)"), (r"$-t\log\sigma(s)$", "-t log σ(s)"),
        (r"$s/\sqrt{2\pi}$", "s/√(2π)"), (r"$\mathrm{ELU}_\alpha$", "ELU_α"),
        ("`a$b` costs $5", "`a$b` costs $5"), (r"$\partial f/\partial a$", "∂f/∂a"),
    ):  # fmt: skip
        assert plain_math(formula) == text
