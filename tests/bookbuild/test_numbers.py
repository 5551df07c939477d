"""Numbers in prose: each is printed by a cell above. Small texts, then the chapters."""

import json
from pathlib import Path

import pytest

from bookbuild.checks import layout, prose
from bookbuild.pages.numbers import loose_numbers, numbers, prose_faults

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def notebook(*cells):
    """A notebook of ("markdown", text) and ("code", source, printed)."""
    made = []
    for kind, text, *printed in cells:
        cell = {"cell_type": kind, "metadata": {}, "source": text}
        if kind == "code":
            cell["outputs"] = [{"output_type": "stream", "text": "".join(printed)}]
        made.append(cell)
    return {"cells": made}


def occurs(text, printed):
    (number,) = numbers(text)
    return number.occurs_in(loose_numbers(printed))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0.397", "0.39712"),
        ("0.40", "loss=0.39712"),
        ("minus 0.17", "-0.1700"),
        ("1.2e-7", "1.19e-07"),
        (r"$1.2 \times 10^{-7}$", "1.19209e-07"),
        (r"$1.2\cdot10^{-7}$", "1.19209e-07"),
        ("1.2 × 10⁻⁷", "1.19209e-07"),
        ("73.1 %", "leaves  73.1%"),
        ("1218", "1,218 parameters"),
        ("0.5", "0.5"),
        ("2.0", "[1. 2.0]"),
        ("1.50", "1.5000"),
    ],
)
def test_a_number_occurs_in_what_rounds_to_it(text, printed):
    assert occurs(text, printed)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0.398", "0.39712"),
        ("0.40", "0.4"),  # more digits than were printed
        ("0.231", "23.1"),
        ("1.2e-7", "1.19e-06"),
        ("1219", "1,218 parameters"),
        ("12", "12.4"),
    ],
)
def test_a_number_does_not_occur_in_others(text, printed):
    assert not occurs(text, printed)


def test_numbers_within_words_and_versions_are_not_numbers_of_the_text():
    assert numbers("float32, ReLU6, torch 2.13.0, mnist1d, x2") == []
    assert [n.text for n in numbers("at 0.5, and -1.25; 3 times.")] == ["0.5", "1.25", "3"]


def test_prose_may_use_what_a_cell_above_has_printed_or_says():
    assert (
        prose_faults(
            notebook(
                ("code", "a = 0.05\nprint(f(a))", "0.3971\n"),
                ("markdown", "At 0.05 the loss is 0.397. It ends here. No 7 needs a cell."),
            )
        )
        == []
    )


def test_prose_must_not_run_ahead_of_its_cell():
    (fault,) = prose_faults(
        notebook(("markdown", "You will see 0.397."), ("code", "print(f(0.05))", "0.3971\n"))
    )
    assert fault == "cell 1: no cell above prints 0.397 (in: You will see 0.397.)"


def test_a_formula_or_a_setting_may_stand_before_the_code_that_uses_it():
    code = ("code", "y = x + 0.044715 * x**3", "0.84\n")
    before = "Take $x + 0.044715\\,x^3$."
    assert prose_faults(notebook(("markdown", before), code)) == []
    assert prose_faults(notebook(("markdown", before), ("markdown", "Look."), code)) == []
    assert len(prose_faults(notebook(("markdown", "Take $0.45\\,x^3$."), code))) == 1
    assert len(prose_faults(notebook(("markdown", "You will get 0.84."), code))) == 1
    assert len(prose_faults(notebook(("markdown", before), ("markdown", "## Next"), code))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "They report 4.94 % {cite:p}`he2015prelu`.",
        "See [the paper](https://arxiv.org/abs/1606.08415).",
        "Run it with torch 2.13.0.",
        "```\nloss 0.25\n```",
        '<img src="x.svg" width="0.5">',
    ],
)
def test_what_is_exempt(text):
    assert prose_faults(notebook(("markdown", text))) == []


def test_a_citation_exempts_its_own_sentence_only():
    text = "They report 4.94 % {cite:p}`he2015prelu`. You get 5.11 %."
    (fault,) = prose_faults(notebook(("markdown", text)))
    assert "5.11" in fault


# --- the rule for chapters with captioned figures: by section -------------------------------------


def shown(source, printed, caption, alt="A curve."):
    cell = notebook(("code", source, printed))["cells"][0]
    cell["metadata"] = {
        "tags": ["hide-input"],
        "mystnb": {"figure": {"name": "fig-04-x", "caption": caption}, "image": {"alt": alt}},
    }
    return cell


def in_section(text, printed="0.3971, 12 of 40, 88.7 %\n", code="rate = 0.05  # 300 steps"):
    """The faults of a text whose section prints ``printed``; another section prints 7.25."""
    return prose.faults(
        notebook(
            ("markdown", "# T"),
            ("code", "print(7.25)", "7.25 of 99\n"),
            ("markdown", "## One\n\n" + text),
            ("code", code, printed),
            ("markdown", "## Two\n\nWords."),
        )
    )


@pytest.mark.parametrize(
    "text",
    [
        "The loss is 0.397 at the rate 0.05.",
        "It takes 300 steps; 12 of 40 are lost, 89 % [12, 40].",
        "In 2015 there were 3 chapters, and section 7 says so.",
        '“As much as 47 % of it”, and "47 %" again, and `f(0.123)`.',
        "They found 47 % {cite:p}`he2015prelu`.",
        "Which? *(choose: 0.1 / 47 %)*",
        "In {numref}`fig-04-0.5` and [here](x.html#7.5).",
        ':::{admonition} "47 % die"\n:class: myth\nIt is 0.397.\n:::',
    ],
)
def test_a_section_that_prints_its_numbers(text):
    assert in_section(text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The loss is 7.25.", "7.25"),  # printed, but in another section
        ("It is **47 %**.", "47"),
        ("It is $47\\,\\%$.", "47"),
        ("It is 47 points better.", "47"),
        ("So 12 of 41 are lost.", "41"),
        ("That is 12 % [11, 40].", "11"),
        (":::{admonition} Wrong\n:class: myth\nIt is 0.123.\n:::", "0.123"),
    ],
)
def test_a_section_that_does_not_print_a_number(text, number):
    (fault,) = in_section(text)
    assert f"no cell of “One” prints {number} (in:" in fault


def test_opening_guesses_and_summary_speak_of_the_whole_chapter():
    book = notebook(
        ("markdown", "# T\n\nIt is 0.397."),
        ("markdown", "## Predict first\n\n1. More than 0.397? *(a number)*"),
        ("markdown", "## One"),
        ("code", "print(f())", "0.3971\n"),
        ("markdown", "## Summary\n\nIt is 0.397, and not 0.41."),
    )
    (fault,) = prose.faults(book)
    assert "cell 5: no cell of any section prints 0.41" in fault


def test_captions_and_alt_texts_are_read_too():
    book = notebook(("markdown", "# T"), ("markdown", "## One"))
    book["cells"].append(shown("plotting.show(f)", "0.397\n", "It is 0.397.", "Up to 0.5."))
    (fault,) = prose.faults(book)
    assert fault.startswith("alt text of cell 3: no cell of “One” prints 0.5")


def test_there_are_chapters_to_check():
    assert CHAPTERS


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_number_of_a_chapter_is_printed(path):
    """By a cell of the same section; in a chapter without captions, by a cell above."""
    book = json.loads(path.read_text(encoding="utf-8"))
    assert (prose.faults if layout.is_new_form(book) else prose_faults)(book) == []
