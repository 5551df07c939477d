"""What is remembered survives damage, full disks and two commands at once."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

from actbase.errors import CommandError
from actgrade.learner.state import DamagedError, Record, State, Store, dump, parse


@pytest.fixture
def said():
    return []


@pytest.fixture
def store(tmp_path, said):
    return Store(tmp_path, said.append)


def hint(state: State) -> None:
    state.record("04_relu", "q1").hints += 1


def test_it_reads_what_it_wrote(store, said):
    def change(state):
        state.current = ("04_relu", "q2")
        state.chapters["04_relu"] = {"q2": Record("key", 1.5, 3.0, "partial", "ß", "now", True, 2)}

    written = store.update(change)
    assert store.read() == written
    assert written.record("04_relu", "q2").points == 1.5
    assert said == []


GOOD = json.loads(dump(State(("a", "q1"), {"a": {"q1": Record("key", 1.0, 2.0)}})))


def changed(**fields) -> dict:
    return {**GOOD, "chapters": {"a": {"q1": {**GOOD["chapters"]["a"]["q1"], **fields}}}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        *(
            json.dumps(x).encode()
            for x in (
                [],
                {},
                {**GOOD, "version": "1"},
                {**GOOD, "current": ["a"]},
                {**GOOD, "chapters": []},
                {**GOOD, "chapters": {"a": []}},
                {**GOOD, "chapters": {"a": {"q1": 3}}},
                changed(points="1"),
                changed(points=float("nan")),
                changed(points=-1.0),
                changed(hints=1.5),
                changed(passed=1),
            )
        ),
    ],
)
def test_a_damaged_file_is_set_aside_whole(store, said, content):
    store.folder.mkdir()
    for number in (1, 2):
        store.path.write_bytes(content)
        assert store.read() == State()
        store.update(hint)
        assert (store.folder / f"progress.json.damaged-{number}").read_bytes() == content
    assert len(said) == 2
    assert "is damaged" in said[0]
    assert parse(store.path.read_bytes()).record("04_relu", "q1").hints == 1


def test_a_damaged_file_that_cannot_be_set_aside_is_not_overwritten(store, said, monkeypatch):
    store.folder.mkdir()
    store.path.write_text("{")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.rename", refuse)
    assert store.read() == State()
    assert "cannot be set aside" in said[0]


def test_a_file_of_a_later_version_is_refused_and_kept(store):
    store.folder.mkdir()
    text = json.dumps({**GOOD, "version": 2})
    store.path.write_text(text)
    for use in (store.read, lambda: store.update(hint)):
        with pytest.raises(CommandError, match="later actlab"):
            use()
    assert store.path.read_text() == text


def test_a_full_disk_keeps_the_old_file_and_the_new_state_in_memory(store, said, monkeypatch):
    store.update(hint)
    before = store.path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        store.update(hint)
        store.update(hint)
        assert store.path.read_bytes() == before
        assert store.read().record("04_relu", "q1").hints == 3
    assert said == [
        f"progress is not kept: {store.path} cannot be written (No space left on device)"
    ]
    # There is room again: nothing was lost, and nothing half-written was left.
    store.update(hint)
    assert parse(store.path.read_bytes()).record("04_relu", "q1").hints == 4
    assert sorted(path.name for path in store.folder.iterdir()) == ["lock", "progress.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of a file")
def test_a_real_limit_on_the_size_of_files_is_met_as_well(tmp_path):
    """In a process of its own, with the system's own error."""
    code = (
        "import resource; from pathlib import Path; from actgrade.learner.state import Store\n"
        "store = Store(Path('.'), print)\n"
        "def change(state): state.record('04_relu', 'q1').hints += 1\n"
        "store.update(change)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))\n"
        "print(store.update(change).record('04_relu', 'q1').hints)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.splitlines()[0].startswith("progress is not kept")
    assert run.stdout.splitlines()[1:] == ["2"]
    folder = tmp_path / ".actlab"
    assert parse((folder / "progress.json").read_bytes()).record("04_relu", "q1").hints == 1
    assert len(list(folder.iterdir())) == 2


def test_where_no_folder_can_be_made_it_works_in_memory(store, said, tmp_path):
    (tmp_path / ".actlab").write_text("somebody's file")
    store.update(hint)
    store.update(hint)
    assert store.read().record("04_relu", "q1").hints == 2
    assert len(said) == 1
    assert (tmp_path / ".actlab").read_text() == "somebody's file"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_said_once(store, said):
    store.folder.mkdir(mode=0o500)
    store.update(hint)
    store.update(hint)
    assert store.read().record("04_relu", "q1").hints == 2
    assert len(said) == 1


def test_two_commands_at_once_lose_nothing(tmp_path):
    code = (
        "from pathlib import Path; from actgrade.learner.state import Store\n"
        "store = Store(Path('.'), print)\n"
        "def change(state): state.record('04_relu', 'q1').hints += 1\n"
        "for _ in range(25): store.update(change)"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) for _ in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0]
    text = (tmp_path / ".actlab" / "progress.json").read_bytes()
    assert parse(text).record("04_relu", "q1").hints == 50


def test_a_damaged_record_says_which():
    with pytest.raises(DamagedError, match="hints of a q1"):
        parse(json.dumps(changed(hints="2")).encode())
