"""The guesses of a chapter: what kind of answer each takes, and what was measured.

Under *Predict first* stands a numbered list; an item names its kind in italics, best at its end:
``(a number)``, ``(a number, %)``, ``(choose: a / b / c)`` or ``(in words)``. Later a paragraph
begins with ``**Guess 2.**``, and the next bold words in it are what was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADING = "predict first"
KIND = re.compile(r"^\(\s*(a number|choose|in words)\b\s*[,:]?\s*(.*?)\s*\)$", re.DOTALL)
CLOSING = re.compile(r"^Guess\s+(\d+)\.?$")
_SUPER = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "-+0123456789")
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>-\s*)?(?P<digits>\d[\d,\u202f]*(?:\.\d+)?)(?P<e>[eE][+-]?\d+)?"
    r"(?:\s*x\s*10\^(?P<power>[+-]?\d+))?(?:\s*(?P<word>thousand|million|billion))?"
)
_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9}


@dataclass(frozen=True)
class Kind:
    """What a guess is: ``number`` with a unit, ``choice`` of some answers, or ``words``."""

    name: str
    unit: str = ""
    choices: tuple[str, ...] = ()


def kind_of(text: str) -> Kind | None:
    """Read the words in italics at the end of an item, brackets included."""
    match = KIND.match(" ".join(text.split()))
    if not match:
        return None
    if match[1] == "a number":
        return Kind("number", match[2])
    if match[1] == "in words":
        return Kind("words")
    choices = tuple(choice.strip() for choice in re.split(r"\s+/\s+|\s*;\s*", match[2]))
    return Kind("choice", choices=choices) if len(choices) > 1 else None


def plain(text: str) -> str:
    """A number as LaTeX or typography writes it, as a keyboard does: ``1.2 x 10^-7``."""
    text = re.sub(r"[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "^" + m[0].translate(_SUPER), text)
    text = text.replace("\N{MINUS SIGN}", "-").replace("\\,", "").replace("\\%", "%")
    text = re.sub(r"\bminus\s+(?=[\d.])", "-", text)
    text = re.sub(r"\\times|\\cdot|[×·]", " x ", text)
    text = re.sub(r"\^\{([^}]*)\}", r"^\1", text)
    text = re.sub(r"(?<![\d.])10\^", "1 x 10^", re.sub(r"x\s*10\^", "x@", text))
    return text.replace("x@", "x 10^").replace("$", "")


def measured(text: str) -> tuple[float, float] | None:
    """The number in bold as a band: ``100 to 300`` is (100, 300), ``16.64`` is (16.64, 16.64)."""
    found = list(_NUMBER.finditer(plain(text)))
    if not found:
        return None
    values = [_value(match) for match in found[:2]]
    if len(values) == 2:
        between = plain(text)[found[0].end() : found[1].start()]
        if not re.fullmatch(r"\s*%?\s*(?:to|and|-|–|\.\.\.|…)\s*", between):
            values = values[:1]
    return min(values), max(values)


def _value(match: re.Match[str]) -> float:
    value = float(re.sub(r"[,\u202f]", "", match["digits"]) + (match["e"] or ""))
    value *= 10.0 ** int(match["power"] or 0) * _WORDS.get(match["word"] or "", 1.0)
    return -value if match["sign"] else value


def chosen(text: str, choices: tuple[str, ...]) -> str | None:
    """Which of the choices the bold words name; the longest, if one contains another."""

    def simple(words: str) -> str:
        return " ".join(re.findall(r"[^\W_]+", words.lower()))

    said = f" {simple(text)} "
    named = [choice for choice in choices if f" {simple(choice)} " in said]
    return max(named, key=len) if named else None


def faults(notebook: dict) -> list[str]:
    """What a reader's guesses would miss in a chapter: kinds, and answers that can be compared."""
    text = "\n\n".join(
        "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"
    )
    section = re.search(r"^## +predict first *\n(.*?)(?=^## |\Z)", text, re.I | re.M | re.S)
    if not section:
        return ['there is no section "Predict first"']
    items = re.split(r"^\d+\. ", section[1], flags=re.M)[1:]
    answers = {
        int(number): answer
        for number, answer in re.findall(
            r"^\*\*Guess (\d+)\.?\*\*(.*?)(?=^\s*$|\Z)", text, re.M | re.S
        )
    }
    found = []
    for number, item in enumerate(items, start=1):
        italics = re.findall(r"(?<!\*)\*(\([^*]*\))\*", re.split(r"\n\s*\n", item)[0])
        kind = next(filter(None, map(kind_of, reversed(italics))), None)
        if kind is None:
            found.append(f"guess {number} does not name its kind, *(a number)* for instance")
            continue
        if number not in answers:
            found.append(f'no paragraph begins with "**Guess {number}.**"')
            continue
        bold = re.search(r"\*\*(.+?)\*\*", answers[number], re.S)
        if bold is None:
            found.append(f"the answer to guess {number} has nothing in bold")
        elif kind.name == "number" and measured(bold[1]) is None:
            found.append(f"the bold words that answer guess {number} are no number: {bold[1]}")
        elif kind.name == "choice" and chosen(bold[1], kind.choices) is None:
            found.append(f"the bold words that answer guess {number} are none of its choices")
    return found
