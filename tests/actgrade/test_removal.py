"""What is left of a learner's code is deleted, whatever its shape, and never raises."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actgrade.sandbox.limits import Limits
from actgrade.sandbox.removal import remove_tree
from actgrade.sandbox.scratch import IN_USE, PREFIX, WorkFolder, delete_abandoned, size
from actgrade.sandbox.watch import Watch, hidden, use_of

DEPTH = 3000


def nest(folder: Path, depth: int = DEPTH) -> None:
    """Folders in folders below ``folder``, a file in the last."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_a_tree_too_deep_for_paths_and_recursion(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    nest(tree)
    assert remove_tree(tree) is None
    assert not tree.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("alive")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "to folder").symlink_to(tmp_path / "kept")
    (tree / "to file").symlink_to(tmp_path / "kept" / "file")
    (tree / "to nothing").symlink_to(tmp_path / "nothing")
    assert remove_tree(tree) is None
    assert (tmp_path / "kept" / "file").read_text() == "alive"


def test_what_has_no_rights_and_odd_names_goes_too(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "lifted-1").mkdir()
    (tree / "lifted-1").mkdir()
    (tree / "a" / "new\nline").write_text("")
    os.mkfifo(tree / "pipe")
    (tree / "a" / "b").chmod(0)
    (tree / "a").chmod(0o500)
    assert remove_tree(tree) is None
    assert not tree.exists()


def test_a_reason_is_given_and_nothing_raised(tmp_path: Path, monkeypatch) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "unlink", refuse)
    assert remove_tree(tree) == "OSError: Input/output error"


def test_a_folder_that_is_gone_is_deleted(tmp_path: Path) -> None:
    assert remove_tree(tmp_path / "nothing") is None


def test_the_next_run_deletes_a_deep_tree_of_a_killed_one(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / IN_USE).write_text("")
    nest(left)
    delete_abandoned(tmp_path)
    assert not left.exists()


def test_what_cannot_be_deleted_is_said_once(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("actgrade.sandbox.scratch.remove_tree", lambda folder: "OSError: no")
    folder = WorkFolder()
    folder.close()
    folder.close()
    assert capsys.readouterr().err.count("could not be deleted (OSError: no)") == 1
    monkeypatch.undo()
    assert remove_tree(folder.path) is None


def test_a_tree_too_deep_to_look_into_counts_as_too_much(tmp_path: Path) -> None:
    nest(tmp_path)
    assert size(tmp_path, 2**30) > 2**30
    assert remove_tree(tmp_path / "d") is None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_deleted_files_and_threads_are_counted(tmp_path: Path) -> None:
    before, hidden_before = use_of(os.getpid()), hidden(os.getpid())
    assert before.memory > 2**20
    assert before.threads >= 1
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(bytes(2**20))
        file.flush()
        path.unlink()
        assert hidden(os.getpid()) - hidden_before >= 2**20
        limits = Limits(disk_bytes=2**18)
        watch = Watch(tmp_path, os.getpid(), limits, lambda: None)
        watch.stop()
        watch._hidden_before = hidden_before
        assert watch.excess() == ("disk", "it writes too much")
    assert hidden(os.getpid()) == hidden_before
    assert use_of(2**22 + 1) == use_of(2**22 + 2)  # there are no such processes
