"""A file is whole at every moment, and looks afterwards as its owner left it."""

from __future__ import annotations

import json
import os
import stat

import pytest

from actbase.errors import CommandError, first_line
from actbase.files import replace_file, write_json


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_obeys_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == 0o640


def test_an_existing_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert mode(real) == 0o600


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_readable_and_ends_with_a_line(tmp_path):
    write_json(tmp_path / "a.json", {"ä": [1]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "ä" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {"ä": [1]}


def test_the_first_line_that_says_something():
    assert first_line(ValueError("\n  \n what \n more")) == "what"
    assert first_line(ValueError()) == ""
    assert CommandError("no").exit_code == 2
