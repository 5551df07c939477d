"""Links of a page in a book that is no longer a folder of HTML files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

from lxml import etree

from bookbuild.forms.articles import Article, find, unwrap

# Attributes that name other elements of the same page.
REFERENCES = ("for", "headers", "aria-labelledby", "aria-describedby", "aria-controls")


def ids_of(article: Article) -> set[str]:
    """All anchors of a page."""
    return set(find(article.element, ".//@id | ./@id"))


def retarget(
    articles: Iterable[Article], address: Callable[[str, str], str], published: str = ""
) -> list[str]:
    """Point the links between pages to where the pages are now.

    Args:
        articles: the whole book.
        address: from the name of a page and an anchor (perhaps empty) to the new ``href``.
        published: where the book is served; links to its other files lead there. Where nothing is
            known, the words of such a link stay and the link goes.

    Returns:
        The links whose anchor does not exist, as ``page -> target``.
    """
    articles = list(articles)
    anchors = {article.page.name: ids_of(article) for article in articles}
    broken = []
    for article in articles:
        folder = posixpath.dirname(article.page.name)
        for link in find(article.element, ".//h:a[@href]"):
            href = link.get("href")
            parts = urlsplit(href)
            if parts.scheme or parts.netloc:
                continue
            path = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
            name = path.removesuffix(".html") if parts.path else article.page.name
            anchor = unquote(parts.fragment)
            if name in anchors:
                if anchor and anchor not in anchors[name]:
                    broken.append(f"{article.page.name} -> {href}")
                    anchor = ""
                link.set("href", address(name, anchor))
            elif published:
                link.set("href", published + path)
            else:
                unwrap(link)
    return broken


def prefix_ids(article: Article) -> None:
    """Make the anchors of a page unique in the book, together with what refers to them."""
    prefix = f"{article.page.key}--"
    known = ids_of(article)
    for element in article.element.iter(etree.Element):
        if "id" in element.attrib:
            element.set("id", prefix + element.get("id"))
        for name in REFERENCES:
            if name in element.attrib:
                words = element.get(name).split()
                element.set(name, " ".join(prefix + w if w in known else w for w in words))
        # Clip paths, markers and gradients of a drawing within the page.
        for name, value in element.attrib.items():
            if "url(#" in value:
                element.set(name, re.sub(r"url\(#", f"url(#{prefix}", value))
            elif name.endswith("href") and element.tag.endswith("}use") and value[:1] == "#":
                element.set(name, f"#{prefix}{value[1:]}")
