"""The page of function cards: every function once, drawn once, in two arrangements."""

from __future__ import annotations

from itertools import chain

import pytest

from actlab import cards
from actlab.cards import draw
from actlab.functions import CATALOGUE
from actlab.showing import variant_of
from bookbuild.pages import cardpage

pytest.importorskip("torch")


def test_every_function_stands_in_one_group():
    assert sorted(chain(*cardpage.groups().values())) == sorted(CATALOGUE)


def test_a_card_is_drawn_once_for_each_arrangement_and_then_kept(tmp_path, monkeypatch):
    old = tmp_path / "card-relu-0123456789abcdef-wide.svg"
    other = tmp_path / "card-relu6-0123456789abcdef-wide.svg"
    old.write_text("")
    other.write_text("")
    wide, narrow, said = cardpage.pictures("relu", tmp_path)
    assert [variant_of(path.read_text()) for path in (wide, narrow)] == ["wide", "narrow"]
    assert said.startswith("Card of ReLU: ")
    assert not old.exists()
    assert other.exists()
    monkeypatch.setattr(draw, "draw", lambda *_: pytest.fail("drawn again"))
    monkeypatch.setattr(cards, "measure", lambda *_: pytest.fail("measured again"))
    assert cardpage.pictures("relu", tmp_path) == (wide, narrow, said)


def test_what_a_card_depends_on_exists():
    assert all(path.is_file() for path in cardpage.sources())


def test_below_a_card_stand_formula_chapter_and_ledger():
    text = cardpage.below("gelu", "10. GELU", written=True)
    assert r"$x\,\Phi(x)" in text
    assert "[10. GELU](../notebooks/10_gelu.ipynb)" in text
    assert "sentences <ledger-10-gelu>`" in text
    assert "*planned*" in cardpage.below("tanh", "3. Tanh", written=False)
