"""Guesses: how they are written in a notebook, and what the page makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import lxml.html
import pytest
import small_book
from small_book import text

from bookbuild.pages import predictions
from bookbuild.pages.predictions import Kind, chosen, faults, kind_of, measured

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
CELLS = [
    text("# Why?\n\nOpening."),
    text(
        "## Predict first\n\nWrite down:\n\n"
        "1. What share of the outputs is zero? *(a number, %)*\n"
        "2. Which is steeper at 0? *(choose: tanh / sigmoid / neither)*\n"
        "3. Say *(in words)* why *it* saturates.\n"
        "4. At which $x$ does the slope vanish? *(a number)*"
    ),
    text("## Look\n\n**Guess 1.** It is **about 47 to 53 %** of them.\n\nMore."),
    text("**Guess 4.** At **16.64** in float32.\n\n**Guess 2.** It is **tanh**, by far."),
    text("**Guess 3.** Because **the exponential underflows**."),
    text("## Summary\n\nThe end."),
]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("(a number)", Kind("number")),
        ("(a number, %)", Kind("number", "%")),
        ("(in words)", Kind("words")),
        ("(choose: yes / no)", Kind("choice", choices=("yes", "no"))),
        ("(choose: a lot / a\n little / none)", Kind("choice", "", ("a lot", "a little", "none"))),
        ("(choose: one)", None),
        ("(about)", None),
        ("a number", None),
    ],
)
def test_kinds(words, kind):
    assert kind_of(words) == kind


@pytest.mark.parametrize(
    ("bold", "band"),
    [
        ("16.64", (16.64, 16.64)),
        ("100 to 300 times", (100, 300)),
        ("about 47–53 %", (47, 53)),
        ("10 % to 12 %", (10, 12)),
        (r"1.2 \cdot 10^{-7}", (1.2e-7, 1.2e-7)),
        ("6·10⁻⁸", (6e-8, 6e-8)),
        ("10⁻³", (1e-3, 1e-3)),
        ("1.19e-07", (1.19e-7, 1.19e-7)),
        ("65,536 patterns", (65536, 65536)),
        ("minus 0.28", (-0.28, -0.28)),
        ("\N{MINUS SIGN}0.28", (-0.28, -0.28)),
        ("4.2 million", (4.2e6, 4.2e6)),
        ("12 points in float32", (12, 12)),
        ("3 of 16", (3, 3)),
        ("none", None),
    ],
)
def test_what_was_measured_is_read_from_the_bold_words(bold, band):
    assert measured(bold) == (band and pytest.approx(band))


def test_a_choice_is_recognised_among_others():
    assert chosen("It is tanh.", ("tanh", "sigmoid")) == "tanh"
    assert chosen("not the same", ("the same", "not the same")) == "not the same"
    assert chosen("both", ("tanh", "sigmoid")) is None


def test_what_an_author_forgets_is_named():
    good = {"cells": CELLS}
    assert faults(good) == []
    bad = json.loads(json.dumps(good).replace("*(in words)*", "").replace("**tanh**", "tanh"))
    assert [fault.split(" ", 2)[:2] for fault in faults(bad)] == [["the", "answer"], ["guess", "3"]]
    assert "nothing in bold" in faults(bad)[0]
    assert faults({"cells": [text("# T")]}) == ['there is no section "Predict first"']


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_guesses_of_a_chapter_can_be_made_and_compared(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    found = faults(notebook)
    if any("its kind" in fault for fault in found) and not any(
        "**Guess " in "".join(cell["source"]) for cell in notebook["cells"]
    ):
        pytest.skip("written before guesses had kinds")
    assert found == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guesses")
    assert small_book.build(folder, ["predictions"], {"notebooks/02_sigmoid": CELLS}) == ""
    return folder


def test_the_page_has_fields_and_places_but_shows_none_without_a_script(folder):
    page = lxml.html.parse(folder / "html" / "notebooks" / "02_sigmoid.html").getroot()
    kinds = [field.get("data-kind") for field in page.xpath("//*[@data-kind][not(@hidden)]")]
    assert kinds == ["number", "choice", "words", "number"]
    assert page.xpath("//input[@type='radio']/@value") == ["tanh", "sigmoid", "neither"]
    places = {p.get("data-guess"): dict(p.attrib) for p in page.xpath("//p[@data-guess]")}
    assert (places["1"]["data-low"], places["1"]["data-high"]) == ("47", "53")
    assert places["2"]["data-right"] == "tanh"
    assert places["4"]["data-low"] == "16.64"
    assert all("hidden" in place for place in places.values())
    assert len(page.xpath("//*[contains(@class, 'guess-ask')][@hidden]")) == 1
    (tally,) = page.xpath("//*[contains(@class, 'guess-tally')]")
    assert tally.getparent().get("id") == "summary"
    assert predictions.HEADING in page.text_content().lower()


def test_a_guess_is_kept_and_shown_beside_the_measurement(folder):
    """Typed, the page loaded again, compared; a skipper is asked once."""
    page = folder / "html" / "notebooks" / "02_sigmoid.html"
    with small_book.on_a_phone(page) as (_, tab):
        question = tab.locator(".guess-ask")
        assert question.is_visible()
        question.scroll_into_view_if_needed()
        tab.wait_for_function("localStorage.getItem('actlab-guesses-asked')")
        tab.reload()
        assert not question.is_visible()

        tab.get_by_label("Your guess 1").fill("40 %")
        tab.get_by_label("Your guess 4").fill("1.7·10¹")
        tab.get_by_label("sigmoid", exact=True).check()
        tab.get_by_label("Your guess 3").fill("it <b>saturates</b>")
        tab.keyboard.press("Tab")
        for _ in range(2):
            said = tab.locator(".guess-answer").all_inner_texts()
            assert said == [
                "You guessed: 40 %. 7 points too low.",
                "You guessed: 1.7·10¹. 2.2 % too high.",
                "You guessed: sigmoid. That is not what was measured.",
                "You guessed: it <b>saturates</b>.",
            ]
            tally = tab.locator(".guess-count").inner_text()
            assert tally == "You made 4 of 4. Of the 3 that can be compared, 1 came close."
            assert tab.get_by_label("Your guess 1").input_value() == "40 %"
            tab.reload()
        tab.locator(".guess-forget").click()
        assert not tab.locator(".guess-answer").first.is_visible()
        assert tab.evaluate("localStorage.getItem('actlab-guesses:02_sigmoid')") is None
