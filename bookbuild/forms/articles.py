"""The text of a built page, without what only a browser with scripts can use."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import html5lib
from lxml import etree

from bookbuild.forms.contents import SOLUTIONS, Book, FormsError, Page

XHTML = "http://www.w3.org/1999/xhtml"
NAMESPACES = {
    "h": XHTML,
    "m": "http://www.w3.org/1998/Math/MathML",
    "s": "http://www.w3.org/2000/svg",
}
HEADINGS = tuple(f"{{{XHTML}}}h{level}" for level in range(1, 7))

# Controls and what belongs to them. A page marks by the class `no-print` what else has no use on
# paper, for instance the sliders beside a figure.
DROPPED_TAGS = (
    *("script", "style", "noscript", "template", "iframe", "dialog", "source"),
    *("button", "input", "select", "textarea", "fieldset", "form"),
)
DROPPED_CLASSES = (
    *("no-print", "d-print-none", "headerlink", "copybtn"),
    *("sd-summary-state-marker", "toctree-wrapper", "sf-controls", "sf-status"),
    *("live-bar", "live-out", "live-cannot", "live-actions", "live-progress"),
)
# A held-back check prints up to a hundred values, which nobody compares on paper.
MOST_OUTPUT_LINES, KEPT_OUTPUT_LINES = 24, 12
MOST_OF_A_LINE, KEPT_OF_A_LINE = 600, 240  # characters: an array is one line
DROPPED_ATTRIBUTES = ["tabindex", "contenteditable", "loading", "onclick", "draggable", "hidden"]


@dataclass
class Article:
    """A page of the book, ready for paper.

    Attributes:
        page: its place in the book.
        title: its heading as plain text.
        description: the sentence for search engines, or an empty string.
        element: the ``<article>``, an lxml element in the namespaces of XHTML, MathML and SVG.
    """

    page: Page
    title: str
    description: str
    element: etree._Element

    @property
    def label(self) -> str:
        """What tables of contents call the page."""
        return self.page.title or self.title


def find(element: etree._Element, path: str) -> list[etree._Element]:
    """All elements that an XPath with the prefixes h, m and s selects."""
    return element.xpath(path, namespaces=NAMESPACES)


def with_class(name: str, tag: str = "*") -> str:
    """The XPath of the elements below that have a class."""
    return f".//h:{tag}[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"


def remove(element: etree._Element) -> None:
    """Take an element out, and leave the text that follows it."""
    parent, tail = element.getparent(), element.tail or ""
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def unwrap(element: etree._Element) -> None:
    """Replace an element by a ``<span>`` without attributes, so that its content stays."""
    element.tag = f"{{{XHTML}}}span"
    element.attrib.clear()


def plain_text(element: etree._Element) -> str:
    """The words of an element; of a formula its TeX source and not both of its forms."""
    skipped = find(element, f"{with_class('katex-html')}|.//m:semantics/*[1]")
    words: list[str] = []

    def walk(node: etree._Element) -> None:
        if node not in skipped and isinstance(node.tag, str):
            words.append(node.text or "")
            for child in node:
                walk(child)
                words.append(child.tail or "")

    walk(element)
    return " ".join("".join(words).split())


def load(book: Book, page: Page) -> Article:
    """Read the article of a built page and clean it.

    Raises:
        FormsError: the page has no article with a heading.
    """
    text = (book.html / f"{page.name}.html").read_text(encoding="utf-8")
    start, end = text.find("<article"), text.rfind("</article>")
    described = re.search(r'<meta [^>]*name="description"[^>]*>', text)
    if start < 0 or end < 0:
        raise FormsError(f"{page.name}.html has no article: run `make book` again.")
    tree = html5lib.parse(text[start : end + len("</article>")], treebuilder="lxml")
    article = find(tree.getroot(), ".//h:article")[0]
    clean(article)
    if page.name.startswith(SOLUTIONS):
        shorten(article)
    headings = find(article, ".//h:h1")
    if not headings:
        raise FormsError(f"{page.name}.html has no heading: give the page one.")
    sentence = re.search(r'content="([^"]*)"', described[0]) if described else None
    description = html.unescape(sentence[1]) if sentence else ""
    return Article(page, plain_text(headings[0]), description, article)


def clean(article: etree._Element) -> None:
    """Drop the controls and the code that draws figures, and unfold what a click would unfold."""
    etree.strip_elements(article, etree.Comment, with_tail=False)
    paths = [f".//h:{tag}" for tag in DROPPED_TAGS] + [".//*[@hidden]"]
    paths += [with_class(name) for name in DROPPED_CLASSES]
    # Folded in the page. Here nothing folds, and it would take a third of a chapter's length.
    paths.append(f"{with_class('tag_hide-input')}/h:details")
    for path in paths:
        for element in find(article, path):
            if element.getparent() is not None:
                remove(element)
    for element in article.iter(etree.Element):
        for name in list(element.attrib):
            # html5lib keeps `xmlns` as an attribute, which XML forbids.
            if name in DROPPED_ATTRIBUTES or "xmlns" in name:
                del element.attrib[name]
    for details in find(article, ".//h:details"):
        unfold(details)
    plain_namespaces(article)


def shorten(article: etree._Element) -> None:
    """Keep the beginning of each long output, and say how much is left out."""
    for block in find(article, f"{with_class('cell_output')}//h:pre"):
        lines = "".join(block.itertext()).rstrip("\n").split("\n")
        kept = [
            f"{line[:KEPT_OF_A_LINE]} … {len(line) - KEPT_OF_A_LINE:,} more characters"
            if len(line) > MOST_OF_A_LINE
            else line
            for line in lines
        ]
        if len(kept) > MOST_OUTPUT_LINES:
            rest = len(kept) - KEPT_OUTPUT_LINES
            kept = [*kept[:KEPT_OUTPUT_LINES], f"… {rest} more lines"]
        if kept != lines:
            for child in list(block):
                block.remove(child)
            block.text = "\n".join(kept)


def plain_namespaces(article: etree._Element) -> None:
    """Write ``<svg xmlns=...>`` and ``<math xmlns=...>`` without prefixes, as readers expect."""
    for path in (".//s:svg[not(ancestor::s:svg)]", ".//m:math"):
        for old in find(article, path):
            space = etree.QName(old).namespace
            new = etree.Element(old.tag, dict(old.attrib), nsmap={None: space})
            new.text, new.tail = old.text, old.tail
            for child in list(old):
                new.append(child)
            old.getparent().replace(old, new)
    etree.cleanup_namespaces(article)


def unfold(details: etree._Element) -> None:
    """Turn what opens at a click into a box with a title."""
    details.tag = f"{{{XHTML}}}div"
    details.attrib.clear()
    details.set("class", "unfolded")
    for summary in find(details, "./h:summary"):
        # MyST-NB writes two titles, one of which a style sheet hides.
        for expanded in find(summary, with_class("expanded")):
            remove(expanded)
        title = re.sub(r"^Show (\w)", lambda match: match[1].upper(), plain_text(summary))
        if not find(summary, ".//m:math"):
            for child in list(summary):
                summary.remove(child)
            summary.text = title
        summary.tag = f"{{{XHTML}}}p"
        summary.attrib.clear()
        summary.set("class", "unfolded-title")
