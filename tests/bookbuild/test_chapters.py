"""What every written chapter has, and the command that says what one lacks.

Chapters come from the list of chapters. Those with captioned figures keep every rule of
`bookbuild.checks`; of the older ones only exercises, right answers and claims are asked.
"""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from actlab import claims
from actlab.cli import main
from bookbuild.chapters import CHAPTERS
from bookbuild.checks import form, layout
from bookbuild.checks.chapter import Chapter, Outcome
from bookbuild.paths import ROOT

WRITTEN = [chapter.name for chapter in CHAPTERS if chapter.written()]
NEW = [
    name
    for name in WRITTEN
    if layout.is_new_form(layout.read(ROOT / "notebooks" / f"{name}.ipynb"))
]
none = [pytest.param("", marks=pytest.mark.skip(reason="no chapter has captioned figures yet"))]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_chapter_has_exercises_solutions_and_right_answers(name):
    for folder in ("exercises", "solutions"):
        assert (ROOT / folder / f"{name}.ipynb").is_file()
    assert Chapter(name).answers_path.is_file()


@pytest.mark.parametrize("name", WRITTEN)
def test_all_claims_of_a_chapter_are_decided(name):
    assert [row.id for row in claims.of_chapter(name) if not row.decided] == []


@pytest.mark.parametrize("check", ["sections", "figures", "claims"])
@pytest.mark.parametrize("name", NEW or none)
def test_a_chapter_has_the_form_of_the_book(name, check):
    outcome = Outcome(check)
    getattr(Chapter(name), check)(outcome)
    assert outcome.faults == []


# --- the rules, on a chapter that keeps them ------------------------------------------------------

PROSE = """# Why 4?

:::{admonition} The chapter in one minute
:class: minute
Words.
:::
+
!print(1)
+
## Predict first

1. How many? *(a number)*
2. Which? *(choose: a / b)*
3. Why? *(in words)*
+
## A section

See {numref}`fig-04-curve`. **Guess 1.** is not at the start of a line.

**Guess 1.** It is **4**.

**Guess 2.** **a**.

**Guess 3.** **Because.**
+
!plotting.show(panels)
+
## What it costs
+
!cards.show("relu")
+
## What people get wrong

:::{admonition} "One"
:class: myth
No.
:::

:::{admonition} "Two"
:class: myth
No.
:::

See the [ledger](../book/claims.md).
+
## What this cannot say

Much.
+
## Summary

**Exercises.** There. **References.** Here.
"""


def book():
    """A chapter that has everything."""
    cells = []
    for part in PROSE.strip().split("\n+\n"):
        code = part.startswith("!")
        cell = {"cell_type": "code" if code else "markdown", "metadata": {}}
        cell["source"] = part.removeprefix("!")
        if code:
            cell["outputs"] = []
        if "plotting.show" in part:
            cell["metadata"] = {
                "tags": ["hide-input"],
                "mystnb": {
                    "figure": {"name": "fig-04-curve", "caption": "It bends."},
                    "image": {"alt": "A curve."},
                },
            }
        cells.append(cell)
    return {"cells": cells}


def test_a_chapter_that_has_everything():
    assert form.section_faults(book()) == []
    assert form.figure_faults(book(), 4) == []
    assert form.unmentioned(book()) == []
    assert layout.is_new_form(book())
    assert list(form.lengths(book()).values()) == [77, 10, 2, 1]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("## Summary", "## Sum", "there is no section “## Summary”"),
        ("# Why 4?", "Why 4?", "does not begin with its title"),
        (":class: minute", ":class: note", "has no box “The chapter in one minute”"),
        ("print(1)", "", "shows neither a picture nor a failure"),
        ("3. Why? *(in words)*", "", "has 2 numbered guesses"),
        ("**Guess 2.** **a**.", "", "no paragraph begins with"),
        ('cards.show("relu")', "print(1)", "shows no card"),
        ('"Two"\n:class: myth', '"Two"\n:class: note', "has 1 boxes of :class: myth"),
        ("../book/claims.md", "x.md", "no link to the ledger"),
        ("**Exercises.**", "", "no paragraph “**Exercises.**”"),
    ],
)
def test_what_a_chapter_lacks_is_said(old, new, fault):
    lacking = book()
    for cell in lacking["cells"]:
        cell["source"] = cell["source"].replace(old, new)
    assert any(fault in found for found in form.section_faults(lacking))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"caption": ""}, "has no caption"),
        ({"caption": "A curve"}, "is no sentence"),
        ({"name": "fig-05-curve"}, "its name begins with fig-04-"),
        ({"name": ""}, "its name begins with fig-04-"),
        ({"alt": " "}, "has no alt text"),
        ({"alt": "It bends."}, "has its caption as alt text"),
        ({"tags": []}, "tag the cell hide-input"),
    ],
)
def test_what_a_figure_lacks_is_said(change, fault):
    lacking = copy.deepcopy(book())
    (cell,) = (cell for cell in lacking["cells"] if cell["metadata"])
    mystnb = cell["metadata"]["mystnb"]
    mystnb["image"]["alt"] = change.get("alt", mystnb["image"]["alt"])
    cell["metadata"]["tags"] = change.get("tags", ["hide-input"])
    for key in {"caption", "name"} & set(change):
        mystnb["figure"][key] = change[key]
    (found,) = form.figure_faults(lacking, 4)
    assert fault in found


def test_sections_out_of_order_are_said():
    moved = book()
    moved["cells"].insert(2, moved["cells"].pop())
    (fault,) = form.section_faults(moved)
    assert "stand in the order Summary, Predict first" in fault


def test_length_is_only_a_remark():
    assert form.too_long({"words": 3400, "cells": 46}) == ["46 cells, limit 45"]


def test_the_command_checks_a_chapter_without_running_it(capsys):
    status = main(["check", "--quick", WRITTEN[0][:2]])
    said = capsys.readouterr().out
    assert said.splitlines()[0] == WRITTEN[0]
    for check in Chapter.QUICK:
        assert f" {check} " in said
    assert status == (1 if "FAIL" in said else 0)
    assert ("all checks pass" in said) == (status == 0)


def test_an_unknown_chapter_is_refused(capsys):
    assert main(["check", "99"]) == 2
    assert "no chapter '99'" in capsys.readouterr().err


def test_a_missing_file_of_right_answers_fails_its_check():
    chapter = Chapter(WRITTEN[0])
    chapter.answers_path = Path("none.py")
    with pytest.raises(Exception, match="there are no right answers"):
        chapter.right_answers(Outcome("right answers"))
