"""The command: bad arguments, exit codes, files, and a child that does not come back."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from actlab import cli
from actlab.audit.command import Line, _stems, listing
from actlab.audit.target import TargetError, resolve
from actlab.audit.worker import StageError, Worker


def run(*words: str) -> int:
    try:
        return cli.main(["audit", *words])
    except SystemExit as left:
        return int(left.code or 0)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("geluu",),
        ("x +",),
        ("no_such_module:f",),
        ("bad_functions:no_such_name",),
        ("bad_functions:EXPECTED",),
        ("math:pi",),
        ("gelu", "--fail-on", "catastrophe"),
        ("gelu", "--timeout", "0"),
        ("gelu", "--timeout", "soon"),
        ("gelu", "--quick", "--exhaustive"),
        ("gelu", "--derivative", "bad_functions:raises"),
        ("bad_functions:sigmoid_numpy", "--derivative", "nonsense"),
        ("bad_functions:sigmoid_numpy", "--reference", "softmax"),
        ("bad_functions:sigmoid_numpy", "--reference", "y + 1"),
        ("gelu", "--out", "/dev/null/folder"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "\n".join(said)
    assert len([line for line in said if line.startswith("actlab audit:")]) == 1
    assert not list(tmp_path.rglob("*.json"))


def test_help_has_examples(capsys):
    assert run("--help") == 0
    said = capsys.readouterr().out
    assert "actlab audit relu gelu silu" in said
    assert "--fail-on" in said


def test_the_schema_can_be_printed(capsys):
    assert run("--schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A report of actlab audit"


def test_files_and_exit_codes(capsys, tmp_path):
    out = tmp_path / "reports"
    words = ("bad_functions:raises", "bad_functions:mean_activation", "--quick", "--out", str(out))
    assert run(*words) == 0
    said = " ".join(capsys.readouterr().out.split())  # it is wrapped to fit
    assert "RuntimeError: expected a CUDA tensor" in said
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        f"bad-functions-{name}.{kind}"
        for name in ("mean-activation", "raises")
        for kind in ("html", "json")
    ]
    assert run(*words, "--fail-on", "error") == 1
    assert run("bad_functions:raises", "--quick", "--fail-on", "warning", "--out", str(out)) == 1


def test_notes_do_not_fail_a_build_that_waits_for_warnings():
    from actlab.audit.command import _fails

    report = {"findings": [{"level": "note"}]}
    assert not _fails(report, None)
    assert not _fails(report, "warning")
    assert _fails(report, "note")


def test_two_that_would_have_one_file_get_two():
    assert _stems([resolve("x + 1"), resolve("x - 1"), resolve("relu")]) == ["x-1", "x-1-2", "relu"]


def test_the_listing_fits_the_terminal():
    finding = {"level": "error", "code": "hangs", "message": "word " * 60, "detail": ""}
    report = {
        "target": {"given": "f"}, "findings": [finding], "timings": {"seconds": {"load": 1.0}},
    }  # fmt: skip
    assert max(map(len, listing(report, Path("f.html"), 80).splitlines())) <= 80


def test_progress_in_a_pipe_is_few_lines(capsys):
    import sys

    line = Line("f", sys.stderr)
    for step in range(50):
        line.show(f"step {step}")
    line.close()
    assert capsys.readouterr().err == "f: step 0\n"


# --- the child ------------------------------------------------------------------------------------


def test_a_child_that_hangs_is_ended_and_the_next_step_has_a_new_one():
    worker = Worker(resolve("bad_functions:hangs"), quick=True)
    worker.ask("load", 60)
    start = time.monotonic()
    with pytest.raises(StageError) as error:
        worker.ask("probe", 0.5)
    assert error.value.code == "hangs"
    assert time.monotonic() - start < 60
    assert worker.ask("load", 60) == {}
    worker.close()


def test_a_child_that_dies_says_how():
    worker = Worker(resolve("bad_functions:kills_itself"), quick=True)
    worker.ask("load", 60)
    with pytest.raises(StageError) as error:
        worker.ask("probe", 60)
    assert error.value.code == "crashes"
    assert "SIGSEGV" in str(error.value)
    worker.close()


def test_what_cannot_be_imported_is_a_mistake_of_the_caller():
    worker = Worker(resolve("no_such_module:f"), quick=True)
    with pytest.raises(TargetError, match="no_such_module"):
        worker.ask("load", 60)
    worker.close()


def test_targets():
    assert resolve("swish").name == "silu"
    assert resolve("torch.nn:GELU").kind == "callable"
    assert resolve("x").kind == "expression"
    with pytest.raises(TargetError, match=r"gel"):
        resolve("gelv")
