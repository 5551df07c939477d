"""The whole book as one PDF: its pages joined into one document and printed by Chromium.

The table of contents needs page numbers, which only a print can tell, so the document is printed
twice; the second print has the same line breaks, because numbers have a column of their own.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from bookbuild.forms import articles as pages
from bookbuild.forms import links
from bookbuild.forms.articles import HEADINGS, XHTML, Article, find, with_class
from bookbuild.forms.contents import Book, FormsError
from bookbuild.forms.steps import step

STYLE = Path(__file__).parent / "print.css"
# What the figures, formulas and code of a page look like; the theme's layout is of no use here.
BOOK_STYLES = ("_static/pygments.css", "_static/katex/katex.min.css")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = (
    "The PDF needs Chromium: install it (Debian: apt install chromium), "
    "or let Playwright bring one with `.venv/bin/python -m playwright install chromium`."
)
# Lines of code or output that stay on one page: a block that is broken to keep its end beside what
# follows leaves an empty frame.
WHOLE_LINES = 24
# The column of text is 170 mm wide at 96 pixels an inch. What does not fit is made smaller, down
# to a size that can still be read; code and text break instead.
FIT = """
() => {
  const column = document.body.getBoundingClientRect().width;
  const smallest = 0.5, smallestOutput = 0.7;
  let cut = 0;
  const shrink = (box, width) => {
    const factor = column / width;
    box.style.zoom = String(Math.max(factor, smallest));
    if (factor < smallest) cut += 1;
  };
  for (const table of document.querySelectorAll("table")) {
    const box = table.parentElement.getBoundingClientRect();
    if (table.scrollWidth > box.width + 1) shrink(table, table.scrollWidth * column / box.width);
  }
  for (const output of document.querySelectorAll(".cell_output pre")) {
    const style = getComputedStyle(output), fitting = output.clientWidth;
    const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
    Object.assign(output.style, { whiteSpace: "pre", width: "max-content" });
    const factor = (fitting - padding) / (output.clientWidth - padding);
    Object.assign(output.style, { whiteSpace: "", width: "" });
    if (factor < 1 && factor >= smallestOutput) {
      output.style.fontSize = `${parseFloat(style.fontSize) * factor * 0.99}px`;
    }
  }
  for (const box of document.querySelectorAll("div.math")) {
    if (box.scrollWidth > box.clientWidth + 1) {
      const factor = Math.max(box.clientWidth / box.scrollWidth, smallest);
      box.style.fontSize = `${factor * 0.98}em`;
    }
  }
  return cut;
}
"""


def write(book: Book, path: Path) -> str:
    """Print the book and say how many pages it has.

    Raises:
        FormsError: there is no Chromium, or a link of the book leads nowhere.
    """
    with step(f"Reading {len(book.pages)} pages"):
        loaded = [pages.load(book, page) for page in book.pages]
        broken = links.retarget(loaded, anchor)
        if broken:
            raise FormsError(f"A link of the book leads nowhere: {broken[0]}.")
        for article in loaded:
            links.prefix_ids(article)
            prepare(article)
    source = path.parent / "forms" / "book.xhtml"
    source.parent.mkdir(parents=True, exist_ok=True)
    with step("Printing to find the page numbers"):
        save(document(book, loaded, {}), source)
        print_document(source, path)
    with step("Printing with the table of contents"):
        save(document(book, loaded, page_numbers(path)), source)
        print_document(source, path)
        count = finish(book, loaded[0].description, path)
    shutil.rmtree(source.parent)
    return f"{count} pages"


def anchor(name: str, fragment: str) -> str:
    """Where a page or a place in it is within the one document."""
    key = name.replace("/", "-")
    return f"#{key}--{fragment}" if fragment else f"#{key}"


def prepare(article: Article) -> None:
    """Fit a page into the document: its headings one level down or more, figures found."""
    depth = article.page.depth + 1
    for heading in list(article.element.iter(*HEADINGS)):
        level = int(heading.tag[-1])
        heading.set("class", f"level-{level}")
        heading.tag = f"{{{XHTML}}}h{min(level + depth, 6)}"
    title = find(article.element, with_class("level-1"))[0]
    if article.page.title and article.page.title not in article.title:
        label = etree.Element(f"{{{XHTML}}}span", {"class": "label"})
        label.text = f"{article.page.title}: "
        label.tail, title.text = title.text, None
        title.insert(0, label)
    for block in find(article.element, ".//h:pre"):
        if "".join(block.itertext()).count("\n") <= WHOLE_LINES:
            block.set("class", f"{block.get('class', '')} whole".strip())
    for image in find(article.element, ".//h:img[@src]"):
        folder = article.page.name.rpartition("/")[0]
        image.set("src", f"../html/{folder}/{image.get('src')}")
    # Of KaTeX's two forms the visible one; a screen reader gets the source in its place.
    for formula in find(article.element, with_class("katex")):
        source = find(formula, ".//m:annotation/text()")
        for hidden in find(formula, with_class("katex-mathml")):
            pages.remove(hidden)
        for visible in find(formula, with_class("katex-html")):
            visible.attrib.pop("aria-hidden", None)
            visible.set("role", "img")
            visible.set("aria-label", " ".join(source))


def document(book: Book, loaded: Iterable[Article], numbers: Mapping[str, int]) -> etree._Element:
    """The joined document; ``numbers`` are the pages of the entries of its table of contents."""
    html = etree.Element(f"{{{XHTML}}}html", nsmap={None: XHTML})
    html.set("lang", book.language)
    html.set("data-theme", "light")
    head = add(html, "head")
    add(head, "title").text = book.title
    # What pages add to the theme (figures drawn in the page); book.css is the layout of a screen.
    extra = sorted((book.html / "_static" / "css").glob("*.css"))
    for name in (*BOOK_STYLES, *(f"_static/css/{p.name}" for p in extra if p.name != "book.css")):
        add(head, "link", rel="stylesheet", href=f"../html/{name}")
    style = STYLE.read_text(encoding="utf-8")
    body = add(html, "body")
    loaded, chapter = list(loaded), ""
    title_page(book, loaded[0].description, body)
    contents(loaded, numbers, body)
    for article in loaded:
        section = add(body, "section", id=article.page.key)
        section.set("class", f"page depth-{article.page.depth}")
        section.set("style", f"page: {article.page.key}")
        chapter = article.label if article.page.depth == 0 else chapter
        running = chapter if article.page.depth == 0 else f"{chapter} · {article.label}"
        style += f"\n@page {article.page.key} {{ @top-left {{ content: {quoted(running)} }} }}"
        if article.page.part:
            add(section, "h1").text = article.page.part
            section[-1].set("class", "part")
        section.extend(copy.deepcopy(list(article.element)))
    add(head, "style").text = style
    return html


def add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    """Append an XHTML element."""
    return etree.SubElement(parent, f"{{{XHTML}}}{tag}", attributes)


def quoted(text: str) -> str:
    """A string of CSS."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def title_page(book: Book, description: str, body: etree._Element) -> None:
    """Title, people, version and licence."""
    box = add(body, "section", id="title-page")
    add(box, "p").text = book.title
    box[-1].set("class", "title")
    add(box, "p").text = description
    box[-1].set("class", "subtitle")
    add(box, "p").text = book.author
    add(box, "p").text = (
        f"Version {book.version}. Copyright {book.copyright}. "
        "Text and figures: CC BY 4.0. Code: MIT."
    )


def contents(loaded: Iterable[Article], numbers: Mapping[str, int], body: etree._Element) -> None:
    """The table of contents, with page numbers as far as they are known."""
    box = add(body, "nav", id="contents")
    add(box, "h1").text = "Contents"
    for article in list(loaded)[1:]:
        page = article.page
        if page.part:
            add(box, "p").text = page.part
            box[-1].set("class", "part")
        line = add(box, "p")
        line.set("class", f"entry depth-{page.depth}")
        add(line, "a", href=f"#{page.key}").text = article.label
        add(line, "span").set("class", "dots")
        add(line, "span").text = str(numbers.get(page.key, ""))
        line[-1].set("class", "number")


def save(html: etree._Element, path: Path) -> None:
    """Write the document as XHTML."""
    path.write_bytes(
        etree.tostring(html, encoding="utf-8", xml_declaration=True, doctype="<!DOCTYPE html>")
    )


def print_document(source: Path, path: Path) -> None:
    """Let Chromium print a file.

    Raises:
        FormsError: Playwright or Chromium is missing, or a figure cannot be loaded.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise FormsError("The PDF needs Playwright: install requirements.txt.") from None
    found = next((name for name in map(shutil.which, BROWSERS) if name), None)
    with sync_playwright() as tools:
        try:
            browser = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except Error:
            raise FormsError(NO_BROWSER) from None
        tab = browser.new_page(viewport={"width": 642, "height": 950}, color_scheme="light")
        lost: list[str] = []
        tab.on("requestfailed", lambda request: lost.append(request.url))
        tab.goto(source.resolve().as_uri(), wait_until="load")
        if lost:
            raise FormsError(f"A file of the book is missing ({lost[0]}): run `make book` again.")
        if tab.locator("parsererror").count():
            raise FormsError(
                f"{source} is not well-formed: {tab.locator('parsererror').inner_text()}"
            )
        tab.emulate_media(media="print", color_scheme="light")
        tab.evaluate("document.fonts.ready.then(() => true)")
        tab.evaluate(FIT)
        tab.pdf(
            path=path, prefer_css_page_size=True, print_background=True, outline=True, tagged=True
        )
        browser.close()


def page_numbers(path: Path) -> dict[str, int]:
    """Page numbers of the anchors that are linked in a PDF."""
    import pikepdf

    with pikepdf.open(path) as document:
        number: dict[Any, int] = {
            page.objgen: index + 1 for index, page in enumerate(document.pages)
        }
        places = document.Root.Dests
        return {name.lstrip("/"): number[places[name][0].objgen] for name in places.keys()}  # noqa: SIM118


def finish(book: Book, description: str, path: Path) -> int:
    """Write the properties that Chromium leaves out, and pack tightly; returns the pages."""
    import pikepdf

    with pikepdf.open(path, allow_overwriting_input=True) as document:
        info = document.docinfo
        info["/Author"] = book.author
        info["/Subject"] = description
        del info["/Creator"]  # the browser's whole description of itself
        # The tags for screen readers are two thirds of the file unless they are compressed.
        document.save(path, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(document.pages)
