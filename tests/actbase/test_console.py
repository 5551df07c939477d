"""What a command prints arrives on any encoding, or it ends with one sentence."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HELP = [sys.executable, "-m", "actlab"]
CODE = (
    "import sys; from actbase.console import run_command;"
    "sys.exit(run_command('say', lambda: print('Nguyễn → \\ud800', sys.argv[1:]) or 0))"
)
SAY = [sys.executable, "-c", CODE]


def run(shell: str, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """``command`` with the redirections that ``shell`` adds."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {shell}', "bash", *command],
        capture_output=True, text=True, errors="replace", timeout=60,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8", "latin-1:strict", "cp932"])
def test_a_sign_that_the_encoding_lacks_is_an_escape(encoding):
    done = run("", SAY, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\\ud800" in done.stdout


@pytest.mark.parametrize("command", [[*HELP, "--help"], [*HELP, "progress"], SAY])
def test_a_closed_output_is_one_sentence(command):
    done = run(">&-", command)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "standard output is closed" in done.stderr


def test_a_closed_error_output_does_not_spill_into_the_other():
    done = run("2>&-", [*HELP, "grade", "no-such-chapter"])
    assert (done.returncode, done.stdout) == (2, "")
    assert run("2>&- <&-", SAY).returncode == 0


@pytest.mark.parametrize("command", [[*HELP, "--help"], [*HELP, "class", "grade", "--help"], SAY])
def test_a_full_disk_is_one_sentence(command, tmp_path):
    # A file that may not grow stands for the disk.
    out = tmp_path / "out"
    shell = f"ulimit -f 0; \"$@\" > '{out}'"
    done = subprocess.run(
        ["bash", "-c", shell, "bash", *command], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "standard output cannot be written: File too large" in done.stderr


def test_a_reader_who_goes_away_is_no_error():
    done = run("| true; exit ${PIPESTATUS[0]}", SAY)
    assert done.returncode in (0, 141)
    assert done.stderr == ""
