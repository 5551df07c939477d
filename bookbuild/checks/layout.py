"""A chapter as its author sees it: ``##`` sections, boxes, guesses, figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bookbuild.pages.evidence import plain_heading
from bookbuild.pages.numbers import source, text_outputs

#: The name that is given to what stands before the first ``##`` heading.
OPENING = "the opening"
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)


@dataclass
class Text:
    """A piece that a reader reads, with the place where its author finds it."""

    place: str
    markdown: str


@dataclass
class Figure:
    """A code cell that shows a figure of the book, as its metadata describe it."""

    cell: int
    name: str
    caption: str
    alt: str
    tags: tuple[str, ...]


@dataclass
class Section:
    """What stands under one ``##`` heading, sub-headings included."""

    title: str
    texts: list[Text] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    @property
    def markdown(self) -> str:
        """The prose of its cells, without captions."""
        return "\n\n".join(text.markdown for text in self.texts if text.place.startswith("cell"))


def read(path: Path) -> dict[str, Any]:
    """The notebook at ``path`` as JSON holds it."""
    return json.loads(path.read_text(encoding="utf-8"))


def without_fences(markdown: str) -> str:
    """Markdown without fenced code, whose ``#`` are comments; directives with ``:::`` stay."""
    return _FENCED.sub(" ", markdown)


def sections(notebook: dict[str, Any]) -> list[Section]:
    """The opening and every ``##`` section, in order."""
    found = [Section(OPENING)]
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] == "markdown":
            for title, piece in _pieces(without_fences(source(cell))):
                if title is not None:
                    found.append(Section(plain_heading(title)))
                found[-1].texts.append(Text(f"cell {number}", piece))
        elif cell["cell_type"] == "code":
            here = found[-1]
            here.code.append(source(cell))
            here.outputs.append(text_outputs(cell))
            figure = figure_of(cell, number)
            if figure is not None:
                here.figures.append(figure)
                here.texts.append(
                    Text(f"caption of {figure.name or f'cell {number}'}", figure.caption)
                )
            alt = alt_of(cell)
            if alt:
                here.texts.append(Text(f"alt text of cell {number}", alt))
    return found


def _pieces(markdown: str) -> Iterator[tuple[str | None, str]]:
    """The text before the first ``##`` heading of a cell, then each heading with its text."""
    parts = re.split(r"^##[ \t]+(.+?)[ \t]*$", markdown, flags=re.M)
    if parts[0].strip():
        yield None, parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


def _mystnb(cell: dict[str, Any]) -> dict[str, Any]:
    return cell.get("metadata", {}).get("mystnb", {})


def alt_of(cell: dict[str, Any]) -> str:
    """The alt text of the picture that a cell shows."""
    return str(_mystnb(cell).get("image", {}).get("alt", ""))


def figure_of(cell: dict[str, Any], number: int) -> Figure | None:
    """What a code cell says about its figure, or None where it shows none of ours."""
    about = _mystnb(cell)
    shows = re.search(r"\bplotting\.show\(", source(cell)) is not None
    if "figure" not in about and not shows:
        return None
    figure = about.get("figure", {})
    return Figure(
        cell=number,
        name=str(figure.get("name", "")),
        caption=str(figure.get("caption", "")),
        alt=alt_of(cell),
        tags=tuple(cell.get("metadata", {}).get("tags", ())),
    )


def is_new_form(notebook: dict[str, Any]) -> bool:
    """Whether a chapter keeps all rules of this package: it has captions, and its minute.

    Older chapters get one and then the other.
    """
    cells = notebook["cells"]
    return any("figure" in _mystnb(cell) for cell in cells) and any(
        ":class: minute" in source(cell) for cell in cells if cell["cell_type"] == "markdown"
    )
