"""Where a command writes: into nodes of every kind, on any encoding, to a disk that is full."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading

import grading_sample
import nbformat
import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX nodes and shells")


@pytest.fixture
def place(tmp_path):
    """A course with a learner's notebook, which this test may do to as it likes."""
    root = tmp_path / "course"
    root.mkdir()
    grading_sample.write_course(root)
    nbformat.write(grading_sample.submission({}), root / "exercises" / "90_sample.ipynb")
    return root


def actlab(place, *words, shell="", **environment):
    """Run ``actlab`` in the course, with the redirections of ``shell``."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {shell}', "bash", sys.executable, "-m", "actlab", *map(str, words)],
        cwd=place, capture_output=True, text=True, errors="replace", timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_results_go_into_a_fifo_and_it_stays(place, tmp_path):
    path, got = tmp_path / "fifo", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
    reader.start()
    done = actlab(place, "grade", "--json", path)
    reader.join(10)
    assert done.returncode == 0, done.stderr
    assert b'"actlab-grade"' in got[0]
    assert stat.S_ISFIFO(path.lstat().st_mode)


def test_results_go_through_a_link_and_it_stays(place, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real.json")
    assert actlab(place, "grade", "--json", link).returncode == 0
    assert link.is_symlink()
    assert '"actlab-grade"' in (tmp_path / "real.json").read_text()


def test_a_full_device_is_a_sentence_and_stays(place, tmp_path):
    path = tmp_path / "full"
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))
        path.open("wb").close()
    except OSError:
        pytest.skip("this user may not make devices")
    done = actlab(place, "grade", "--json", path)
    assert done.returncode == 2
    assert done.stderr == f"actlab grade: {path} cannot be written: No space left on device\n"
    assert stat.S_ISCHR(path.lstat().st_mode)
    done = actlab(place, "grade", shell=f"> '{path}'")
    assert done.returncode == 2
    assert "standard output cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_results_and_report_share_standard_output(place):
    done = actlab(place, "grade", "--json", "/dev/stdout", shell="> out")
    assert done.returncode == 0, done.stderr
    text = (place / "out").read_text()
    assert text.startswith("exercises/90_sample.ipynb")
    assert text.endswith("}\n")


def test_a_class_is_graded_whatever_the_console_can_print(place, tmp_path):
    for name in ("Bo", "Nguyễn Văn An"):
        folder = tmp_path / "submissions" / name
        folder.mkdir(parents=True)
        nbformat.write(grading_sample.submission({}), folder / "90_sample.ipynb")
        (folder / "notes – 名前.pdf").write_bytes(b"%PDF")
    done = actlab(
        place, "class", "grade", tmp_path / "submissions", "--out", tmp_path / "grades",
        "--key", tmp_path / "key", PYTHONIOENCODING="cp1252", PYTHONUTF8="0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "graded 1" in done.stdout
    assert "\\u1ec5" in done.stdout
    assert "Nguyễn Văn An" in (tmp_path / "grades" / "gradebook.csv").read_text("utf-8")


def test_grades_go_where_a_disk_is_full(place, tmp_path):
    """A tiny file system of its own, where this user may have one."""
    script = (
        'mount -t tmpfs -o size=64k none "$1" && shift && head -c 60000 /dev/zero > "$1/fill" && '
        'cd "$2" && shift 2 && "$@"'
    )
    small = tmp_path / "small"
    small.mkdir()
    (tmp_path / "submissions" / "Bo").mkdir(parents=True)
    notebook = tmp_path / "submissions" / "Bo" / "90_sample.ipynb"
    nbformat.write(grading_sample.submission({}), notebook)
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this user may have no file system of its own")
    command = [sys.executable, "-m", "actlab", "class", "grade", str(tmp_path / "submissions")]
    command += ["--out", str(small / "grades"), "--key", str(tmp_path / "key")]
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", script, "bash", str(small), str(small), str(place),
         *command], capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_pages_of_feedback_leave_other_files_alone(place, tmp_path):
    out = tmp_path / "grades"
    for count in (2, 1):
        for number in range(2):
            folder = tmp_path / f"class{count}" / f"learner{number}"
            folder.mkdir(parents=True)
            if number < count:
                nbformat.write(grading_sample.submission({}), folder / "90_sample.ipynb")
    (out / "feedback").mkdir(parents=True)
    (out / "feedback" / "mine.html").write_text("mine")
    words = ("--out", out, "--key", tmp_path / "key", "--layout", "folder")
    assert actlab(place, "class", "grade", tmp_path / "class2", *words).returncode == 0
    names = {path.name for path in (out / "feedback").iterdir()}
    assert names == {"mine.html", "learner0.html", "learner1.html"}
    assert actlab(place, "class", "grade", tmp_path / "class1", *words).returncode == 0
    assert len(list((out / "feedback").iterdir())) == 2
    assert (out / "feedback" / "mine.html").read_text() == "mine"
