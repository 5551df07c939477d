"""A chapter's page: its head, its numbered figures in two arrangements, references to them."""

from __future__ import annotations

import re
from pathlib import Path

import lxml.html
import pytest
import small_book
from small_book import code, figure, text

from bookbuild.ext import variants

CAPTION = "Half of the units are silent at $x=0$."
CHAPTER = [
    text("# Why?\n\nOpening. See {numref}`fig-04-two` and {numref}`fig-01-one`.\n\n## One"),
    figure("fig-04-first", CAPTION),
    figure("fig-04-plain"),
    figure("fig-04-two", "The second.", ("only",)),
    code("1", [{"output_type": "stream", "name": "stdout", "text": "1\n"}]),
    text(
        "{numref}`fig-04-first` again; {numref}`tab-04`; {numref}`fig-04-slider`.\n\n"
        "```{slider-figure} relu-scale\n:name: fig-04-slider\n:caption: It *moves* at $x=0$.\n\n"
        "Two panels.\n```\n\n"
        ":::{table} What is measured\n:name: tab-04\n\n| a | b |\n|--|--|\n| 1 | 2 |\n:::\n"
    ),
]
PAGES = {
    "notebooks/01_linear_collapse": [text("# Lines\n\nText."), figure("fig-01-one", "A line.")],
    "exercises/01_linear_collapse": [text("# Exercises\n\nSolve.")],
    "notebooks/04_relu": CHAPTER,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, lxml.html.HtmlElement]:
    folder: Path = tmp_path_factory.mktemp("small")
    warned = small_book.build(
        folder, ["variants", "numbering", "chapterhead", "slider_figure"], PAGES
    )
    assert warned == ""
    names = [*PAGES, "index"]
    return {name: lxml.html.parse(folder / "html" / f"{name}.html").getroot() for name in names}


def words(element) -> str:
    return " ".join(element.text_content().split())


def test_two_arrangements_are_one_figure(pages):
    """One number, one caption, one alternative text; the browser chooses one file."""
    page = pages["notebooks/04_relu"]
    pictures = page.xpath("//picture")
    assert len(pictures) == 2
    assert len(page.xpath("//img")) == 3
    for picture in pictures:
        (source,), (image,) = picture.xpath(".//source"), picture.xpath(".//img")
        assert source.get("media") == variants.PHONE
        assert source.get("srcset") != image.get("src")
        assert (source.get("width"), image.get("width")) == ("40", "120")
        assert image.get("alt").startswith("what fig-04-")
        assert "narrow-variant" not in image.get("class", "")
    figures = page.xpath("//figure[starts-with(@id, 'fig-04')]")
    assert [len(one.xpath(".//img")) for one in figures] == [1, 1, 0]


def test_captions_are_numbered_by_chapter_and_referred_to(pages):
    page = pages["notebooks/04_relu"]
    captions = [words(one) for one in page.xpath("//figcaption[.//*[@class='caption-number']]")]
    assert captions[0].startswith("Fig. 4.1 Half of the units")
    assert captions[1].startswith("Fig. 4.2 The second.")
    assert captions[2].startswith("Fig. 4.3 It moves at")
    assert words(page.xpath("//caption")[0]).startswith("Table 4.1 What")
    references = [words(one) for one in page.xpath("//a[.//*[@class='std std-numref']]")]
    assert references == ["Fig. 4.2", "Fig. 1.1", "Fig. 4.1", "Table 4.1", "Fig. 4.3"]
    (other,) = page.xpath("//a[contains(., 'Fig. 1.1')]/@href")
    assert other == "01_linear_collapse.html#fig-01-one"


def test_a_chapter_has_its_number_and_its_place(pages):
    page = pages["notebooks/04_relu"]
    assert words(page.xpath("//h1")[0]).startswith("4. Why?")
    head = page.xpath("//*[contains(@class, 'chapter-head')]")[0]
    said = words(head)
    assert said.startswith("About 30 minutes. Needs 1. Linear collapse. Unlocks 5. Deep gradients")
    assert "5. Deep gradients (planned), 6. Dying ReLU (planned)" in said
    assert head.xpath(".//a/@href") == ["01_linear_collapse.html"]
    assert not pages["index"].xpath("//*[contains(@class, 'chapter-head')]")
    first = pages["notebooks/01_linear_collapse"].xpath("//*[contains(@class, 'chapter-head')]")[0]
    assert "Needs" not in words(first)


def test_previous_and_next_go_from_chapter_to_chapter(pages):
    related = "//a[@title='{} chapter']/@href"
    assert pages["notebooks/01_linear_collapse"].xpath(related.format("next")) == ["04_relu.html"]
    assert pages["notebooks/04_relu"].xpath(related.format("previous")) == [
        "01_linear_collapse.html"
    ]
    # An exercise leads back to its chapter.
    back = pages["exercises/01_linear_collapse"].xpath(related.format("previous"))
    assert back == ["../notebooks/01_linear_collapse.html"]


def test_a_pair_in_the_page_is_recognised_by_its_mark():
    def output(variant):
        return {
            "data": {"image/svg+xml": small_book.SVG.format(variant=variant, name="x", width=1)}
        }

    assert [variants.variant_of(output(v)) for v in ("wide", "narrow", "only")] == [
        "wide",
        "narrow",
        None,
    ]
    assert variants.variant_of({"output_type": "stream", "text": "data-variant"}) is None
    assert not re.search(variants.PAIR, '<img src="_images/a.svg"> <img src="_images/b.svg">')
