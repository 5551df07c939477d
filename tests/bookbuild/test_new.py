"""A chapter's skeleton passes every check, in a clone where nothing else was edited."""

from __future__ import annotations

import shutil

import pytest

from actlab.cli import main
from bookbuild import new
from bookbuild.checks import form, layout
from bookbuild.paths import ROOT

pytest.importorskip("torch")


@pytest.fixture
def clone(tmp_path):
    """What of the repository a chapter needs."""
    for folder in ("notebooks", "solutions", "exercises", "book"):
        (tmp_path / folder).mkdir()
    for name in ("pyproject.toml", "book/claims.csv"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.full  # it runs a chapter three times
def test_a_new_chapter_passes_its_check(clone, capsys):
    root = ["--root", str(clone)]
    assert main(["new", "99_sample", *root]) == 0
    assert "actlab check 99_sample" in capsys.readouterr().out
    status = main(["check", "99", *root])
    said = capsys.readouterr().out
    assert status == 0, said
    assert said.endswith("all checks pass\n")
    assert "1 questions, 5 of 5 wrong answers caught" in said
    # And nothing of it is overwritten.
    before = {path: path.read_bytes() for path in clone.rglob("*99_sample*") if path.is_file()}
    assert len(before) == 5
    assert main(["new", "99_sample", *root]) == 2
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_the_skeleton_has_the_form_of_a_chapter():
    made = new.chapter("99_sample", "gelu")
    assert form.section_faults(made) == []
    assert form.figure_faults(made, 99) == []
    assert layout.is_new_form(made)
    assert 'cards.show("gelu")' in "\n".join(cell.source for cell in made.cells)


@pytest.mark.parametrize("name", ["99", "sample", "99_Sample", "../99_x", "9_sample"])
def test_what_is_no_name_of_a_chapter_is_refused(name, tmp_path, capsys):
    assert main(["new", name, "--root", str(tmp_path)]) == 2
    assert "is no name of a chapter" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
