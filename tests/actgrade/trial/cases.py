"""The attacks of ``attacks/*.toml``, read.

A file is a kind: ``about`` says which. Each ``[[attack]]`` has a ``name`` and its code: ``alone``
(a whole answer), ``after`` (put after a wrong answer) or ``inside`` (the body of one, before it
returns what is wrong), for ``question`` (default q1); or ``answers``, a table of whole answers. All
of these questions must earn nothing, with a verdict that is ``fair``; the other questions keep
their points.

``chapter`` is one of the course's, for attacks that need it; default is the sample course.
``secret`` is a text that must not be in any reason, and ``reveal = false`` grades as for a class.
``fence`` says why an attack is known to succeed.

In the code, ``@SOLUTIONS@`` stands for the source notebook, ``@OUTSIDE@`` for a folder that belongs
to somebody else, ``@PORT@`` for a TCP and UDP port that listens, ``@GRADER@`` for the number of the
grading process and ``@VISIBLE@`` for what the check of q1 prints for the reference.
"""

from __future__ import annotations

import textwrap
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("attacks")
# What the attacker would need to print: the form is public, the values are not.
VISIBLE = "y: float (3,) [-1.0 0.0 1.0]"
_KEYS = {
    *("name", "question", "alone", "after", "inside", "answers", "fair"),
    *("chapter", "secret", "reveal", "fence"),
}
_WRONG = {"q1": "def sign(x):\n    return x\n"}


@dataclass(frozen=True)
class Case:
    """One hostile submission.

    Attributes:
        kind: of the attack, the name of its file.
        answers: by question, to be put into a notebook whose other answers are right.
        fair: the verdicts that a lost question may get.
        chapter: of the course, or None for the sample course.
    """

    kind: str
    name: str
    answers: dict[str, str]
    fair: tuple[str, ...] = ("fail",)
    chapter: str | None = None
    secret: str | None = None
    reveal: bool = True
    fence: str | None = None

    @property
    def id(self) -> str:
        """Kind and name, for a test's id."""
        return f"{self.kind}: {self.name}"


@cache
def cases() -> tuple[Case, ...]:
    """All attacks, kind by kind."""
    return tuple(case for path in sorted(FOLDER.glob("*.toml")) for case in _read(path))


def _read(path: Path) -> list[Case]:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [_case(path.stem, entry) for entry in content["attack"]]


def _case(kind: str, entry: dict) -> Case:
    unknown = set(entry) - _KEYS
    ways = [way for way in ("alone", "after", "inside", "answers") if way in entry]
    if unknown or len(ways) != 1:
        raise ValueError(f"{kind}: {entry.get('name')}: unknown {unknown} or not one way: {ways}")
    if ways == ["answers"]:
        answers = dict(entry["answers"])
    else:
        question = entry.get("question", "q1")
        answers = {question: _whole(ways[0], entry[ways[0]], question)}
    more = {key: entry[key] for key in ("chapter", "secret", "reveal", "fence") if key in entry}
    # Of two that work together, the one that finds nothing raises what it likes.
    usual = ("fail",) if len(answers) == 1 else ("fail", "error")
    return Case(kind, entry["name"], answers, tuple(entry.get("fair", usual)), **more)


def _whole(way: str, code: str, question: str) -> str:
    code = code.replace("@VISIBLE@", VISIBLE)
    if way == "alone":
        return code
    if way == "after":
        return f"{_WRONG[question]}\n{code}"
    body = textwrap.indent(code.strip("\n"), "    ")
    return f"def sign(x):\n{body}\n    return x\n"
