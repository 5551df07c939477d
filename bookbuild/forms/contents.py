"""What the book consists of: its title and its pages, in the order of the table of contents."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class FormsError(Exception):
    """A form cannot be written; the message is one sentence for the person who asked."""


SOLUTIONS = "solutions/"
APPENDIX = "Appendix. Solutions"


@dataclass(frozen=True)
class Page:
    """One page of the book.

    Attributes:
        name: path without suffix, ``notebooks/04_relu``.
        title: what the table of contents calls it; empty where the page's own heading serves.
        depth: 0 for a chapter, 1 for what belongs to one (exercises, solutions).
        part: the part that begins with this page, or an empty string.
    """

    name: str
    title: str
    depth: int
    part: str

    @property
    def key(self) -> str:
        """The name as an identifier, for anchors and file names."""
        return self.name.replace("/", "-")


@dataclass(frozen=True)
class Book:
    """Title, people and pages."""

    title: str
    author: str
    copyright: str
    version: str
    language: str
    pages: tuple[Page, ...]
    root: Path
    html: Path

    @property
    def stem(self) -> str:
        """What the files are called."""
        words = "".join(c if c.isalnum() else " " for c in self.title.lower()).split()
        return "-".join(words)


def _pages(entry: dict[str, Any], depth: int, part: str) -> list[Page]:
    found = [Page(entry["file"], entry.get("title", ""), depth, part)]
    for section in entry.get("sections", []):
        found += _pages(section, depth + 1, "")
    return found


def _with_appendix(pages: list[Page]) -> list[Page]:
    """Solutions go behind everything else: on paper there is no click between them and a guess."""
    ordered: list[Page] = []
    solutions: list[Page] = []
    chapter = ""
    for page in pages:
        if page.depth == 0:
            chapter = page.title
        if page.name.startswith(SOLUTIONS):
            part = "" if solutions else APPENDIX
            solutions.append(Page(page.name, chapter or page.title, 0, part))
        else:
            ordered.append(page)
    return ordered + solutions


def load(root: Path) -> Book:
    """Read ``_config.yml`` and ``_toc.yml``, and check that the book is built.

    Raises:
        FormsError: there is no built page for an entry of the table of contents.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    package = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pages = [Page(toc["root"], "", 0, "")]
    for part in toc["parts"]:
        caption = part.get("caption", "")
        for chapter in part["chapters"]:
            pages += _pages(chapter, 0, caption)
            caption = ""
    html = root / "_build" / "html"
    missing = [page.name for page in pages if not (html / f"{page.name}.html").is_file()]
    if missing:
        raise FormsError(
            f"The book is not built ({html.relative_to(root)} has no {missing[0]}.html): "
            "run `make book` first."
        )
    return Book(
        title=config["title"],
        author=config["author"],
        copyright=config["copyright"],
        version=package["version"],
        language=config["sphinx"]["config"].get("language", "en"),
        pages=tuple(_with_appendix(pages)),
        root=root,
        html=html,
    )
