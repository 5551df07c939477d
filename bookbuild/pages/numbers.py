"""Does every number in a text stand in an output? One rule for chapters and for the ledger.

A number of the text *occurs* in a printed one if both round to the same value at the precision of
the text and the printed number has at least that precision: printed ``0.39712`` supports 0.397 and
0.40, and printed ``0.4`` does not support 0.40. Signs are ignored, since a text may say "falls by
0.3". Powers of ten may be written ``1.2e-7``, ``1.2 × 10⁻⁷`` or ``1.2 \\times 10^{-7}``.

Prose of a chapter (:func:`prose_faults`): every number with a decimal point must occur in an output
of a cell above, or stand in the code of a cell above. Exempt are version numbers (``2.13.0``), link
targets, citations, fenced code, and a number in a sentence that cites a source, which is somebody
else's. A number may also stand in code, not output, that follows before the next heading: a formula
or a setting is stated before it is written as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from bookbuild.pages.questions import without_choices

# Unicode spellings of what a terminal prints in ASCII.
ASCII = str.maketrans("−–⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "--0123456789-")
TEN = r"\s*(?:\\times|\\cdot|×|·)\s*\\?,?\s*10\s*\^?\s*\{?\s*(?P<ten>[-−⁻]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s*\}?"
NUMBER = re.compile(
    r"(?<![\w.])(?P<digits>\d+(?:[  ,\u202f]\d{3}(?!\d))*(?:\.\d+)?)"
    rf"(?:e(?P<e>[+-]?\d+)|{TEN})?(?!\.?\d)(?![A-Za-z_])"
)
VERSION = re.compile(r"\b\d+(?:\.\d+){2,}\b")


class Quantity:
    """A number as written: its value and the weight of its last digit."""

    def __init__(self, text: str, exponent: int = 0) -> None:
        """Parse ``text`` (digits, perhaps a point, no sign) times ten to the ``exponent``."""
        digits = Decimal(text)
        self.text = text
        self.value = digits.scaleb(exponent)
        self.quantum = Decimal(1).scaleb(int(digits.as_tuple().exponent) + exponent)

    def occurs_in(self, printed: Iterable[Quantity]) -> bool:
        """Whether one of ``printed`` rounds to this number and is at least as precise."""
        half = self.quantum / 2
        return any(
            other.value == self.value
            if self.quantum >= 1
            else other.quantum <= self.quantum and abs(other.value - self.value) <= half
            for other in printed
        )


def numbers(text: str) -> list[Quantity]:
    """All free-standing numbers of a text; not those inside a word such as ``float32``."""
    found = []
    for match in NUMBER.finditer(VERSION.sub(" ", text)):
        exponent = (match["e"] or match["ten"] or "0").translate(ASCII)
        try:
            found.append(Quantity(re.sub(r"[^\d.]", "", match["digits"]), int(exponent)))
        except (InvalidOperation, ValueError):
            continue
    return found


def loose_numbers(text: str) -> list[Quantity]:
    """All numbers of program text or output, also ``x=0.5``, ``2.5%`` and ``1.0x``."""
    found = []
    for digits, exponent in re.findall(r"(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d+))?", text, re.I):
        digits = digits.rstrip(".") if digits.endswith(".") else digits
        found.append(Quantity(digits, int(exponent or 0)))
    # Thousands separators: 1,218 is printed for 1218.
    found += [
        Quantity(re.sub(r"[,_ ]", "", whole))
        for whole in re.findall(r"\d{1,3}(?:[,_ ]\d{3})+(?:\.\d+)?", text)
    ]
    return found


def text_outputs(cell: dict) -> str:
    """What a code cell printed: streams, and the plain text of results."""
    parts = []
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain") or ""
        parts.append("".join(text))
    return "\n".join(parts)


def source(cell: dict) -> str:
    """A cell's source as one string (nbformat allows a list of lines)."""
    return "".join(cell["source"])


def without_exempt(markdown: str) -> str:
    """Markdown without fenced code, choices of questions, link targets, addresses and HTML tags."""
    text = without_choices(markdown)
    text = re.sub(r"^(```|~~~).*?^\1", " ", text, flags=re.M | re.S)
    text = re.sub(r"\]\([^)]*\)", "] ", text)  # link targets
    text = re.sub(r"https?://\S+|\b(?:doi|arXiv):\S+", " ", text, flags=re.I)
    return re.sub(r"<[^>]+>", " ", text)


def _code_ahead(cells: list[dict]) -> list[Quantity]:
    """The numbers in the code of the cells up to the next heading."""
    found: list[Quantity] = []
    for cell in cells:
        if cell["cell_type"] == "markdown" and re.search(r"^#{1,6} ", source(cell), re.M):
            break
        if cell["cell_type"] == "code":
            found += loose_numbers(source(cell))
    return found


def sentences(markdown: str) -> Iterator[str]:
    """Sentences and table rows; a point before a digit does not end one."""
    yield from re.split(r"(?<=[.!?:;])\s+(?=[A-Z*$`\[(|])|\n\s*\n|\n(?=\||[-*] |\d+\. )", markdown)


def prose_faults(notebook: dict) -> list[str]:
    """Numbers with a decimal point in the text of a chapter that no cell above has printed.

    Args:
        notebook: a notebook of format 4 as JSON holds it.

    Returns:
        One sentence a fault, naming the cell (counted from 1) and the passage.
    """
    faults = []
    cells = notebook["cells"]
    known: list[Quantity] = []
    for index, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            known += loose_numbers(source(cell)) + loose_numbers(text_outputs(cell))
            continue
        if cell["cell_type"] != "markdown":
            continue
        allowed = known + _code_ahead(cells[index + 1 :])
        text = without_exempt(source(cell))
        for sentence in sentences(text):
            if "{cite" in sentence:
                continue
            for number in numbers(sentence):
                if "." in number.text and not number.occurs_in(allowed):
                    passage = " ".join(sentence.split())[:90]
                    faults.append(
                        f"cell {index + 1}: no cell above prints {number.text} (in: {passage})"
                    )
    return faults
