"""The ledger: what a row must have, how a chapter shows its rows, and where their proofs are."""

from dataclasses import replace
from pathlib import Path

import pytest

from actlab import claims
from actlab.claims import Claim, ClaimsError
from bookbuild.chapters import CHAPTERS
from bookbuild.pages import evidence

ROOT = Path(__file__).resolve().parents[2]
OPEN = Claim("C1", "04_relu", "A page", "ReLU is linear", "open", "", "")
DECIDED = replace(
    OPEN, id="C2", verdict="false", finding="It bends: 0.25 is not 1.5.", section="the-bend"
)


def cell(kind, source, output=None):
    made = {"cell_type": kind, "metadata": {}, "source": source}
    if kind == "code":
        made["outputs"] = (
            [{"output_type": "stream", "name": "stdout", "text": output}] if output else []
        )
    return made


NOTEBOOK = {
    "cells": [
        cell("markdown", "# A chapter"),
        cell("code", "print(7.25)", "7.25\n"),
        cell("markdown", "## The *bend*\n\nWords."),
        cell("code", "print(f(1) / 4, n)", "0.2512 1.50\n"),
        cell("markdown", "### Below it"),
        cell("code", "print(12)", "12\n"),
        cell("markdown", "## Silence"),
        cell("code", "x = 3"),
    ]
}


def test_the_ledger_of_the_course_is_valid():
    rows = claims.load()
    assert len(rows) == len({row.id for row in rows}) > 200
    assert not claims.validate(rows)


def test_every_claim_belongs_to_a_chapter_of_the_course():
    assert {row.chapter for row in claims.load()} == {chapter.name for chapter in CHAPTERS}


def test_every_decided_claim_has_its_proof():
    assert evidence.check(claims.load(), ROOT / "notebooks") == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (replace(OPEN, id="fifty"), "an id is a letter"),
        (replace(DECIDED, verdict="maybe"), "verdict 'maybe' is none of"),
        (replace(OPEN, claim=" "), "claim is empty"),
        (replace(OPEN, chapter="relu"), "is not a chapter"),
        (replace(OPEN, finding="0.5"), "an open row has neither"),
        (replace(DECIDED, finding=""), "needs a finding and a section"),
        (replace(DECIDED, section="The bend!"), "should be 'the-bend'"),
    ],
)
def test_validate_names_each_fault(row, fault):
    (found,) = claims.validate([row])
    assert fault in found
    assert found.startswith(f"claim {row.id}")


def test_validate_accepts_good_rows_and_refuses_an_id_used_twice():
    assert claims.validate([OPEN, DECIDED]) == []
    assert claims.validate([OPEN, OPEN]) == ["claim C1: the id is used twice"]


def test_load_refuses_a_missing_file_other_columns_and_short_rows(tmp_path):
    with pytest.raises(ClaimsError, match="missing"):
        claims.load(tmp_path / "claims.csv")
    path = tmp_path / "columns.csv"
    path.write_text("id,claim\nC1,x\n")
    with pytest.raises(ClaimsError, match="needs the columns id, chapter"):
        claims.load(path)
    path = tmp_path / "short.csv"
    path.write_text(",".join(claims.COLUMNS) + "\nC1,04_relu\n")
    with pytest.raises(ClaimsError, match="row 2 does not have 7 fields"):
        claims.load(path)


def test_load_sees_a_changed_file(tmp_path):
    path = tmp_path / "claims.csv"
    head = ",".join(claims.COLUMNS)
    path.write_text(f"{head}\nC1,04_relu,A page,Old words,open,,\n")
    assert claims.load(path)[0].claim == "Old words"
    path.write_text(f"{head}\nC1,04_relu,A page,New and longer words,open,,\n")
    assert claims.load(path)[0].claim == "New and longer words"


def test_settled_prints_every_row_within_the_width():
    text = str(claims.Settled((OPEN, replace(DECIDED, finding="word " * 60 + "end."))))
    assert text.splitlines()[0] == "2 claims: 1 false, 1 open"
    assert max(map(len, text.splitlines())) <= claims.WIDTH
    assert "FALSE. word" in text
    assert "end." in text
    assert "→ the-bend" in text


def test_settled_as_html_links_each_section_and_escapes():
    page = claims.Settled((replace(DECIDED, finding="`a < b` & c"),))._repr_html_()
    assert '<a href="#the-bend">' in page
    assert "<code>a &lt; b</code> &amp; c" in page
    assert 'class="v-false"' in page


def test_settled_refuses_an_unknown_chapter():
    with pytest.raises(ClaimsError, match="no claim belongs to chapter '99_none'"):
        claims.settled("99_none")


def test_a_quoted_claim_gets_no_second_pair_of_quotation_marks():
    assert "“just words”" in str(claims.Settled((replace(OPEN, claim='"just words"'),)))
    assert '“"a" and "b"”' in str(claims.Settled((replace(OPEN, claim='"a" and "b"'),)))


def test_sections_hold_what_stands_under_their_heading_and_its_subheadings():
    found = evidence.sections(NOTEBOOK)
    assert list(found) == ["a-chapter", "the-bend", "below-it", "silence"]
    assert found["the-bend"].outputs == ["0.2512 1.50\n", "12\n"]
    assert found["below-it"].outputs == ["12\n"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"finding": "Rounded, 0.25; and the whole number 12."}, None),
        ({"finding": "The code has 4 in it."}, None),
        ({"finding": "`f(9.75)` is code."}, None),
        ({"finding": "It is 0.26."}, "0.26 is in no output under"),
        ({"finding": "Outside of the section, 7.25."}, "7.25 is in no output"),
        ({"finding": "More digits than printed: 1.500."}, "1.500 is in no output"),
        ({"finding": "A whole number from nowhere, 33."}, "33 is in no output"),
        ({"section": "elsewhere"}, "no heading has the slug 'elsewhere'"),
        ({"section": "silence"}, "no cell under 'Silence' prints"),
    ],
)
def test_the_evidence_of_a_claim(change, fault):
    faults = evidence.faults_of(replace(DECIDED, **change), evidence.sections(NOTEBOOK))
    if fault is None:
        assert faults == []
    else:
        assert len(faults) == 1
        assert fault in faults[0]


def test_a_decided_claim_of_an_unwritten_chapter_is_a_fault(tmp_path):
    assert evidence.check([OPEN], tmp_path) == []
    (fault,) = evidence.check([DECIDED], tmp_path)
    assert "04_relu.ipynb does not exist" in fault
