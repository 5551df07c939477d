"""Does each decided claim have its proof? The cell, its output, and the numbers of its finding."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from actlab.claims import Claim, slug
from bookbuild.pages.numbers import loose_numbers, numbers, source, text_outputs


@dataclass
class Section:
    """What stands under one heading of a notebook, its sub-headings included."""

    title: str
    level: int
    code: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


def plain_heading(markdown: str) -> str:
    """A heading's text as the anchor sees it: without emphasis, code ticks and link targets."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"[*`]", "", text).strip()


def sections(notebook: dict) -> dict[str, Section]:
    """The sections of a notebook by slug; of two with the same heading the first counts."""
    found: dict[str, Section] = {}
    open_sections: list[Section] = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = re.sub(r"^(```|~~~).*?^\1", "", source(cell), flags=re.M | re.S)
            for marks, title in re.findall(r"^(#{1,6})\s+(.+?)\s*$", text, re.M):
                section = Section(plain_heading(title), len(marks))
                open_sections = [s for s in open_sections if s.level < section.level]
                open_sections.append(section)
                found.setdefault(slug(section.title), section)
        elif cell["cell_type"] == "code":
            for section in open_sections:
                section.code.append(source(cell))
                section.outputs.append(text_outputs(cell))
    return found


def faults_of(claim: Claim, by_slug: dict[str, Section]) -> list[str]:
    """What is missing for one decided claim.

    Numbers with a decimal point must occur in an output of the section, by the rule of
    :mod:`bookbuild.pages.numbers`; whole numbers in an output or in the code. Text between
    backticks is code and is not looked at.
    """
    name = f"claim {claim.id} ({claim.chapter})"
    section = by_slug.get(claim.section)
    if section is None:
        return [f"{name}: no heading has the slug {claim.section!r}"]
    if not any(text.strip() for text in section.outputs):
        return [f"{name}: no cell under {section.title!r} prints anything"]
    printed = loose_numbers("\n".join(section.outputs))
    code = loose_numbers("\n".join(section.code))
    faults = []
    for number in numbers(re.sub(r"`[^`]*`", " ", claim.finding)):
        allowed = printed if "." in number.text else printed + code
        if not number.occurs_in(allowed):
            faults.append(f"{name}: {number.text} is in no output under {section.title!r}")
    return faults


def check(rows: Iterable[Claim], notebooks: Path) -> list[str]:
    """What is missing for all decided claims.

    Args:
        rows: the ledger.
        notebooks: the folder with ``NN_slug.ipynb``.

    Returns:
        One sentence a fault.
    """
    faults: list[str] = []
    read: dict[str, dict[str, Section]] = {}
    for claim in rows:
        if not claim.decided:
            continue
        path = notebooks / f"{claim.chapter}.ipynb"
        if not path.exists():
            faults.append(f"claim {claim.id}: decided, but {path.name} does not exist")
            continue
        if claim.chapter not in read:
            read[claim.chapter] = sections(json.loads(path.read_text(encoding="utf-8")))
        faults += faults_of(claim, read[claim.chapter])
    return faults
