"""The chapters of the course, written or planned: what each *is* is said here and nowhere else.

Chapter heads, the table of contents, the README's status, the landing page and the ledger's
headings come from this list. Whether a chapter is written is not in it: it is, when its notebook
exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bookbuild.paths import ROOT


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        name: the stem of its notebook.
        part: the part of the course that it belongs to.
        title: a word or three, for menus.
        question: what it answers.
        minutes: how long a first reading takes.
        needs: names of the chapters that it builds on.
    """

    name: str
    part: str
    title: str
    question: str
    minutes: int
    needs: tuple[str, ...]

    @property
    def number(self) -> int:
        """1 for ``01_linear_collapse``."""
        return int(self.name[:2])

    @property
    def label(self) -> str:
        """``4. ReLU``, as menus call it."""
        return f"{self.number}. {self.title}"

    @property
    def unlocks(self) -> tuple[str, ...]:
        """Names of the chapters that build on this one."""
        return tuple(chapter.name for chapter in CHAPTERS if self.name in chapter.needs)

    def written(self, root: Path = ROOT) -> bool:
        """Whether its notebook exists."""
        return (root / "notebooks" / f"{self.name}.ipynb").is_file()

    def status(self, root: Path = ROOT) -> str:
        """``written`` or ``planned``."""
        return "written" if self.written(root) else "planned"


# name, title, question, minutes, numbers of the chapters that it needs
_Row = tuple[str, str, str, int, tuple[int, ...]]
_PARTS: dict[str, tuple[_Row, ...]] = {
    "Why bend the line": (
        (
            "01_linear_collapse",
            "Linear collapse",
            "Why does depth buy nothing without a bend?",
            25,
            (),
        ),
        (
            "02_sigmoid",
            "Sigmoid",
            "Why did the first smooth switch keep networks shallow?",
            25,
            (1,),
        ),
        ("03_tanh", "Tanh", "Does zero-centring matter?", 25, (2,)),
    ),
    "The rectifiers": (
        ("04_relu", "ReLU", "Why did the crudest function win?", 30, (1,)),
        (
            "05_deep_gradients",
            "Deep gradients",
            "What decides whether a gradient arrives?",
            30,
            (3, 4),
        ),
        ("06_dying_relu", "Dying ReLU", "When is a unit dead, and can it come back?", 25, (4, 5)),
        (
            "07_leaky_prelu_rrelu",
            "Leaky, PReLU, RReLU",
            "How much leak, and who chooses it?",
            25,
            (4, 6),
        ),
        ("08_elu_selu", "ELU and SELU", "What does a smooth floor buy?", 25, (4, 5)),
        ("09_squared_relu", "Squared ReLU", "Why do small language models square?", 25, (4,)),
    ),
    "Smooth gates": (
        ("10_gelu", "GELU", "A gate, a smooth ReLU, or an approximation war?", 30, (4,)),
        ("11_silu_swish_glu", "SiLU, Swish and GLU", "What if the gate is learned?", 25, (10,)),
        ("12_softmax", "Softmax", "Why an output and not a hidden activation?", 25, (2,)),
    ),
    "Measured": (
        ("13_cost", "Cost", "What does an activation cost?", 35, (4, 10)),
        ("14_low_precision", "Low precision", "What survives in 16 and 8 bits?", 25, (10, 13)),
        ("15_fair_comparison", "Fair comparison", "Which function is best?", 30, (4, 10)),
        (
            "16_swapping_in_production",
            "Swapping in production",
            "Does the swap pay?",
            25,
            (14, 15),
        ),
        ("17_choosing", "Choosing", "What should you use?", 20, (13, 15)),
    ),
}
_NAMES = {int(row[0][:2]): row[0] for rows in _PARTS.values() for row in rows}

CHAPTERS: tuple[Chapter, ...] = tuple(
    Chapter(name, part, title, question, minutes, tuple(_NAMES[number] for number in needs))
    for part, rows in _PARTS.items()
    for name, title, question, minutes, needs in rows
)
BY_NAME: dict[str, Chapter] = {chapter.name: chapter for chapter in CHAPTERS}
