"""The whole book as an EPUB 3, with one file a page, MathML, and figures on white.

The container is written here and not by a library: the one in common use is under the AGPL, and
what it saves is the two short files below. `epubcheck` judges the result.
"""

from __future__ import annotations

import copy
import os
import posixpath
import re
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from bookbuild.forms import articles as pages
from bookbuild.forms import links
from bookbuild.forms.articles import XHTML, Article, find, with_class
from bookbuild.forms.contents import Book, FormsError
from bookbuild.forms.site_zip import add as add_file
from bookbuild.forms.steps import step

STYLE = Path(__file__).parent / "epub.css"
OPS = "http://www.idpf.org/2007/ops"
TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
}
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"
  xml:lang="{language}">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">{identifier}</dc:identifier>
    <dc:title>{title}</dc:title>
    <dc:creator>{author}</dc:creator>
    <dc:language>{language}</dc:language>
    <dc:description>{description}</dc:description>
    <dc:rights>Copyright {copyright}. Text and figures: CC BY 4.0. Code: MIT.</dc:rights>
    <meta property="dcterms:modified">{modified}</meta>
    <meta property="schema:accessMode">textual</meta>
    <meta property="schema:accessMode">visual</meta>
    <meta property="schema:accessModeSufficient">textual</meta>
    <meta property="schema:accessibilityFeature">alternativeText</meta>
    <meta property="schema:accessibilityFeature">MathML</meta>
    <meta property="schema:accessibilityFeature">structuralNavigation</meta>
    <meta property="schema:accessibilityFeature">tableOfContents</meta>
    <meta property="schema:accessibilityHazard">none</meta>
    <meta property="schema:accessibilitySummary"
      >Every figure has a text alternative, and every formula is MathML.</meta>
  </metadata>
  <manifest>
{manifest}
  </manifest>
  <spine>
{spine}
  </spine>
</package>
"""


@dataclass(frozen=True)
class Item:
    """A file of the book: its path in the package, its bytes, what the manifest says of it."""

    path: str
    data: bytes
    properties: str = ""
    in_spine: bool = False


def write(book: Book, path: Path) -> str:
    """Write the EPUB and say how many pages of the web book it holds.

    Raises:
        FormsError: a link of the book leads nowhere, or a figure is missing.
    """
    with step(f"Reading {len(book.pages)} pages"):
        loaded = [pages.load(book, page) for page in book.pages]
        broken = links.retarget(loaded, address)
        if broken:
            raise FormsError(f"A link of the book leads nowhere: {broken[0]}.")
        figures: dict[str, Path] = {}
        for article in loaded:
            prepare(book, article, figures)
    with step("Writing"):
        items = [cover_image(book), Item("style.css", STYLE.read_bytes()), cover_page(book)]
        items += [contents(book, loaded)]
        items += [chapter(book, article) for article in loaded]
        items += [figure(name, file) for name, file in sorted(figures.items())]
        with zipfile.ZipFile(path, "w") as zipped:
            # First and uncompressed, so that the type can be read at a fixed place.
            add_file(zipped, "mimetype", b"application/epub+zip", compressed=False)
            add_file(zipped, "META-INF/container.xml", CONTAINER.encode())
            package = describe(book, loaded[0].description, items)
            add_file(zipped, "book/package.opf", package.encode())
            for item in items:
                add_file(zipped, f"book/{item.path}", item.data)
    return f"{len(loaded)} pages of the book, {len(figures)} figures"


def address(name: str, fragment: str) -> str:
    """Where a page is, seen from another."""
    file = f"{name.replace('/', '-')}.xhtml"
    return f"{file}#{fragment}" if fragment else file


def prepare(book: Book, article: Article, figures: dict[str, Path]) -> None:
    """Take KaTeX's HTML away, collect the figures, and mend what XHTML forbids.

    Raises:
        FormsError: a figure is missing.
    """
    element = article.element
    for hidden in find(element, with_class("katex-html")):
        pages.remove(hidden)
    for formula in find(element, with_class("katex")):
        # What is left of KaTeX's boxes is the <math>; their class would hide it.
        for box in find(formula, with_class("katex-mathml")):
            box.attrib.clear()
    for image in find(element, ".//h:img[@src]"):
        folder = posixpath.dirname(article.page.name)
        file = book.html / posixpath.normpath(posixpath.join(folder, image.get("src")))
        if not file.is_file():
            raise FormsError(f"The figure {file.name} is missing: run `make book` again.")
        figures[file.name] = file
        image.set("src", f"images/{file.name}")
    for outer in find(element, ".//*[@role='heading' or @align or @border or @valign]"):
        for name in ("align", "border", "valign"):
            outer.attrib.pop(name, None)
    for column in find(element, ".//h:col"):
        column.attrib.pop("width", None)
    for box in find(element, ".//h:iframe|.//h:object"):
        pages.remove(box)


def shell(book: Book, title: str) -> tuple[etree._Element, etree._Element]:
    """An empty XHTML page: its root and its body."""
    html = etree.Element(f"{{{XHTML}}}html", nsmap={None: XHTML, "epub": OPS})
    html.set("lang", book.language)
    html.set("{http://www.w3.org/XML/1998/namespace}lang", book.language)
    head = etree.SubElement(html, f"{{{XHTML}}}head")
    etree.SubElement(head, f"{{{XHTML}}}title").text = title
    etree.SubElement(head, f"{{{XHTML}}}link", rel="stylesheet", href="style.css")
    return html, etree.SubElement(html, f"{{{XHTML}}}body")


def as_bytes(html: etree._Element) -> bytes:
    """The file of a page."""
    return etree.tostring(html, encoding="utf-8", xml_declaration=True, doctype="<!DOCTYPE html>")


def chapter(book: Book, article: Article) -> Item:
    """One page of the book."""
    html, body = shell(book, article.label)
    if article.page.part:
        part = etree.SubElement(body, f"{{{XHTML}}}p")
        part.set("class", "part")
        part.text = article.page.part
    element = copy.deepcopy(article.element)
    title = find(element, ".//h:h1")[0]
    if article.page.title and article.page.title not in article.title:
        label = etree.Element(f"{{{XHTML}}}span", {"class": "label"})
        label.text = f"{article.page.title}: "
        label.tail, title.text = title.text, None
        title.insert(0, label)
    body.extend(list(element))
    kinds = []
    if find(body, ".//m:math"):
        kinds.append("mathml")
    if find(body, ".//s:svg"):
        kinds.append("svg")
    return Item(f"{article.page.key}.xhtml", as_bytes(html), " ".join(kinds), in_spine=True)


def contents(book: Book, loaded: Iterable[Article]) -> Item:
    """The navigation document: parts, chapters, and what belongs to each."""

    def entry(article: Article) -> str:
        return f'<a href="{article.page.key}.xhtml">{escape(article.label)}</a>'

    lines: list[str] = []
    depth, in_part = 0, False
    for article in loaded:
        page = article.page
        if page.part:
            lines.append("</li>" + "</ol></li>" * depth + "</ol></li>" * in_part if lines else "")
            lines.append(f"<li><span>{escape(page.part)}</span><ol><li>{entry(article)}")
            depth, in_part = 0, True
            continue
        if page.depth > depth:
            lines.append(f"<ol><li>{entry(article)}")
        else:
            closing = "</li>" + "</ol></li>" * (depth - page.depth) if lines else ""
            lines.append(f"{closing}<li>{entry(article)}")
        depth = page.depth
    lines.append("</li>" + "</ol></li>" * depth + "</ol></li>" * in_part)
    html, body = shell(book, "Contents")
    navigation = etree.fromstring(
        f'<nav xmlns="{XHTML}" xmlns:epub="{OPS}" epub:type="toc" id="toc" role="doc-toc">'
        f"<h1>Contents</h1><ol>{''.join(lines)}</ol></nav>"
    )
    body.append(navigation)
    return Item("contents.xhtml", as_bytes(html), "nav", in_spine=True)


def cover_image(book: Book) -> Item:
    """The cover as a PNG."""
    from bookbuild.pages.cards import draw_cover

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cover.png"
        draw_cover(book.title, book.author, path)
        return Item("cover.png", path.read_bytes(), "cover-image")


def cover_page(book: Book) -> Item:
    """The page that shows the cover."""
    from bookbuild.pages.cards import ALT

    html, body = shell(book, book.title)
    box = etree.SubElement(body, f"{{{XHTML}}}div", {"class": "cover"})
    alt = f"{book.title}, by {book.author}. {ALT}."
    etree.SubElement(box, f"{{{XHTML}}}img", src="cover.png", alt=alt)
    return Item("cover.xhtml", as_bytes(html), in_spine=True)


def figure(name: str, file: Path) -> Item:
    """A figure; of an SVG with colours for two themes, the light ones."""
    data = file.read_bytes()
    if file.suffix == ".svg":
        text = data.decode("utf-8")
        text = re.sub(r"\s*[\w-]+:\s*light-dark\([^)]*\);?", "", text)
        text = text.replace("color-scheme: light dark", "color-scheme: light")
        # An EPUB allows no external entities, which matplotlib's DOCTYPE names, and its schema
        # knows neither the RDF of who drew it nor the path without a line of a space.
        text = re.sub(r"<!DOCTYPE.*?>|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        text = re.sub(r"<path(?![^>]*\sd=)(?=[\s/])", '<path d=""', text)
        data = text.encode("utf-8")
    return Item(f"images/{name}", data)


def describe(book: Book, description: str, items: Iterable[Item]) -> str:
    """The package document: metadata, the list of files, the order of reading."""
    manifest, spine = [], []
    for index, item in enumerate(items):
        properties = f' properties="{item.properties}"' if item.properties else ""
        kind = TYPES[posixpath.splitext(item.path)[1]]
        manifest.append(
            f'    <item id="i{index}" href="{item.path}" media-type="{kind}"{properties}/>'
        )
        if item.in_spine:
            spine.append(f'    <itemref idref="i{index}"/>')
    # As in other tools that build reproducibly: the time of the sources, where somebody gives it.
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return PACKAGE.format(
        identifier=uuid.uuid5(uuid.NAMESPACE_URL, f"{book.title} {book.version}").urn,
        title=escape(book.title),
        author=escape(book.author),
        language=book.language,
        description=escape(description),
        copyright=escape(book.copyright),
        modified=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
        manifest="\n".join(manifest),
        spine="\n".join(spine),
    )
