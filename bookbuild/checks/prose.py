"""Numbers that a reader reads are printed by a cell of the same ``##`` section.

Looked at are prose, boxes, captions and alt texts, and in them

- every number with a decimal point,
- every whole number with a unit (``43 %``, ``5 points``, ``300 steps``; :data:`UNITS`), and the
  two of ``191 of 216``,
- the ends of an interval that follows a number: ``89 % [88, 91]``.

Such a number must occur, by the rule of :mod:`bookbuild.pages.numbers`, in an output of the
section, or in its code: what code says has been *set* and not found, such as a learning rate, a
number of seeds, or the constant of a formula. A whole number may also round a printed one. The
opening, the guesses, "What this cannot say" and the summary speak of the whole chapter, and may use
what any of its cells prints.

Exempt are years, versions, link targets, fenced code, code between backticks, a sentence that cites
a source and words between quotation marks, which are somebody else's, and the choices of a guess.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from bookbuild.checks.layout import OPENING, sections
from bookbuild.pages.numbers import (
    NUMBER,
    Quantity,
    loose_numbers,
    numbers,
    sentences,
    without_exempt,
)

#: Titles of sections that speak of the whole chapter.
WHOLE = (OPENING, "Predict first", "What this cannot say", "Summary")
UNITS = (
    r"%|percent|points?|times|bytes?|steps?|epochs?|seeds?|repeats?|runs?|networks?|units?|"
    r"examples?|deaths?|samples?|parameters?|powers? of ten|data sets?|ms|s|MB|GB|KB"
)
HALF = Decimal("0.5")
_WITH_UNIT = re.compile(rf"(?:\*\*|\$)?(?:[ \u00a0\u202f~]|\\,|\\)*(?:{UNITS})(?![A-Za-z])")
_OF = re.compile(r"(?<![\w.])(\d[\d,\u202f]*) of (\d[\d,\u202f]*)(?![\w.]*\d)")
_INTERVAL = re.compile(r"[\d%*] \[([^\]]*)\]")
_CHOICES = re.compile(r"\*\([^)]*\)\*")
_QUOTED = re.compile(r"“[^”]*”|(?<![\w\"])\"[^\"\n]*\"")
_BACKTICKS = re.compile(r"`[^`]*`")


def claimed(sentence: str) -> list[Quantity]:
    """The numbers of a sentence that need a print."""
    found: dict[tuple[str, str], Quantity] = {}

    def add(quantity: Quantity) -> None:
        found[str(quantity.value), str(quantity.quantum)] = quantity

    for match in NUMBER.finditer(sentence):
        made = numbers(match[0])
        if made and ("." in match["digits"] or _WITH_UNIT.match(sentence, match.end())):
            add(made[0])
    for match in _OF.finditer(sentence):
        for part in match.groups():
            add(numbers(part.rstrip(","))[0])
    for match in _INTERVAL.finditer(sentence):
        for quantity in numbers(match[1]):
            add(quantity)
    return list(found.values())


def supported(quantity: Quantity, known: list[Quantity]) -> bool:
    """Whether a number stands among ``known``; a whole one may round one with decimals."""
    return quantity.occurs_in(known) or (
        quantity.quantum == 1
        and any(one.quantum < 1 and abs(one.value - quantity.value) <= HALF for one in known)
    )


def faults(notebook: dict[str, Any]) -> list[str]:
    """Numbers of a chapter without a print or a setting in their section, one sentence each."""
    parts = sections(notebook)
    everything = [
        quantity for part in parts for text in (*part.code, *part.outputs)
        for quantity in loose_numbers(text)
    ]  # fmt: skip
    found = []
    for part in parts:
        known = (
            everything
            if part.title in WHOLE
            else loose_numbers("\n".join(part.outputs)) + loose_numbers("\n".join(part.code))
        )
        where = "any section" if part.title in WHOLE else f"“{part.title}”"
        for text in part.texts:
            for sentence in sentences(_readable(text.markdown)):
                if "{cite" in sentence:
                    continue
                plain = _BACKTICKS.sub(" ", _QUOTED.sub(" ", sentence))
                for quantity in claimed(plain):
                    if not supported(quantity, known):
                        found.append(
                            f"{text.place}: no cell of {where} prints {quantity.text} "
                            f"(in: {' '.join(sentence.split())[:90]})"
                        )
    return found


def _readable(markdown: str) -> str:
    """Prose without what is exempt. The title of a box is a sentence of its own."""
    text = re.sub(r"^:::\{[\w-]+\}(.*)$", r"\n\n\1\n\n", markdown, flags=re.M)
    text = re.sub(r"^:::\s*$|^:\w+:.*$", "\n", text, flags=re.M)
    text = re.sub(r"\{(?:numref|term|doc|ref|eq)\}`[^`]*`", " ", text)
    return without_exempt(_CHOICES.sub(" ", text))
