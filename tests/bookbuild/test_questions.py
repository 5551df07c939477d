"""Quick questions: how they are written in a notebook, and what the page makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import lxml.html
import pytest
import small_book
from small_book import text

from bookbuild.checks import prose
from bookbuild.pages.questions import MOST, faults, without_choices

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
QUESTION = (
    "**Quick question.** What is the slope of ReLU at $x = -3$?\n\n"
    "- 1\n- `0`, exactly\n- $10^{-3}$\n\n"
    "**Answer: `0`, exactly.** The line is flat there; at 3 it is 0.25 of nothing."
)


def notebook(*sources: str) -> dict:
    return {"cells": [text(source) for source in sources]}


def test_a_question_in_the_right_form_has_no_fault():
    assert faults(notebook("# Title", QUESTION)) == []
    assert faults(notebook("# Title")) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (QUESTION.replace("**Answer: `0`, exactly.**", "**Answer: 2.**"), "not one choice of it"),
        (QUESTION.replace("**Answer: `0`, exactly.**", "It is 0."), "no cell of its own"),
        (QUESTION.replace("- 1\n", "").replace("- $10^{-3}$\n", ""), "has 1 choices"),
        ("Some prose first.\n\n" + QUESTION, "no cell of its own"),
        (
            QUESTION.replace(" The line is flat there; at 3 it is 0.25 of nothing.", ""),
            "the reason",
        ),
    ],
)
def test_what_an_author_forgets_is_named(source, words):
    (fault,) = faults(notebook("# Title", source))
    assert fault.startswith("the question of cell 2")
    assert words in fault


def test_an_exam_is_refused():
    assert "at most 3 are read" in faults(notebook("# Title", *[QUESTION] * (MOST + 1)))[0]


def test_wrong_choices_need_no_print_and_the_answer_does():
    assert "10^{-3}" not in without_choices(QUESTION)
    assert "0.25" in without_choices(QUESTION)
    assert "a list\n\n- 0.5 of it" in without_choices("a list\n\n- 0.5 of it")
    printed = small_book.code("print(0.25)", [{"output_type": "stream", "text": "0.25\n"}])
    cells = [text("# T\n\n## Slopes"), printed, text(QUESTION.replace("- 1", "- 0.7"))]
    assert prose.faults({"cells": cells}) == []
    cells[-1] = text(QUESTION.replace("0.25", "0.26"))
    assert ["0.26" in fault for fault in prose.faults({"cells": cells})] == [True]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_asks_and_answers(path):
    cells = json.loads(path.read_text(encoding="utf-8"))
    assert faults(cells) == []
    asked = sum("**Quick question.**" in "".join(cell["source"]) for cell in cells["cells"])
    assert 1 <= asked <= MOST


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    cells = [
        text("# Why?\n\nOpening."),
        text("## Look\n\nBefore."),
        text(QUESTION),
        text("After.\n\n### Closer\n\nA detour.\n\n## Summary\n\nThe end."),
    ]
    assert small_book.build(folder, ["questions"], {"notebooks/02_sigmoid": cells}) == ""
    return folder


def test_the_page_asks_at_the_end_of_its_section(folder):
    page = lxml.html.parse(folder / "html" / "notebooks" / "02_sigmoid.html").getroot()
    (question,) = page.xpath("//*[contains(@class, 'quick ')]")
    words = [" ".join(one.text_content().split()) for one in question.itersiblings(preceding=True)]
    assert words[0] == "After."
    assert question.getnext().get("id") == "closer"
    radios = question.xpath(".//label/input[@type='radio']")
    assert [radio.get("data-right") is not None for radio in radios] == [False, True, False]
    assert len({radio.get("name") for radio in radios}) == 1
    assert question.xpath(".//label//*[contains(@class, 'katex')]")
    (named,) = question.xpath(".//*[@role='group']/@aria-labelledby")
    assert "slope of ReLU" in question.xpath(f".//*[@id='{named}']")[0].text_content()
    (answer,) = question.xpath("./details")
    assert answer.get("open") is None
    assert "flat there" in answer.text_content()


def test_a_choice_is_judged_by_mouse_and_by_keyboard(folder):
    """The verdict is said, the reason unfolds; without scripts the answer unfolds by hand."""
    page = folder / "html" / "notebooks" / "02_sigmoid.html"
    with small_book.on_a_phone(page) as (browser, tab):
        reason, said = tab.locator(".quick-answer p"), tab.locator(".quick-say")
        assert not reason.is_visible()
        tab.get_by_label("1", exact=True).check()
        assert said.locator("strong").inner_text() == "Not this one."
        assert reason.is_visible()
        assert "Answer: 0, exactly. The line is flat there" in said.text_content()
        tab.keyboard.press("ArrowDown")
        assert said.locator("strong").inner_text() == "Right."
        assert tab.locator(".quick-right").count() == 1
        assert tab.locator(".quick-wrong").count() == 0
        assert tab.locator(".quick-choices label").first.bounding_box()["height"] >= 44

        silent = browser.new_context(java_script_enabled=False).new_page()
        silent.goto(page.as_uri())
        assert not silent.locator(".quick input").first.is_visible()
        assert silent.get_by_text("0, exactly").first.is_visible()
        silent.locator(".quick summary").click()
        assert silent.locator(".quick-answer p").is_visible()
