"""The chapters of the course, written or planned: file name, part, title, question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """One chapter: ``name`` is the stem of its notebook, ``question`` what it answers."""

    name: str
    part: str
    title: str
    question: str

    @property
    def number(self) -> int:
        """1 for ``01_linear_collapse``."""
        return int(self.name[:2])


_PARTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Why bend the line": (
        ("01_linear_collapse", "Linear collapse", "Why does depth buy nothing without a bend?"),
        ("02_sigmoid", "Sigmoid", "Why did the first smooth switch keep networks shallow?"),
        ("03_tanh", "Tanh", "Does zero-centring matter?"),
    ),
    "The rectifiers": (
        ("04_relu", "ReLU", "Why did the crudest function win?"),
        ("05_deep_gradients", "Deep gradients", "What decides whether a gradient arrives?"),
        ("06_dying_relu", "Dying ReLU", "When is a unit dead, and can it come back?"),
        ("07_leaky_prelu_rrelu", "Leaky, PReLU, RReLU", "How much leak, and who chooses it?"),
        ("08_elu_selu", "ELU and SELU", "What does a smooth floor buy?"),
        ("09_squared_relu", "Squared ReLU", "Why do small language models square?"),
    ),
    "Smooth gates": (
        ("10_gelu", "GELU", "A gate, a smooth ReLU, or an approximation war?"),
        ("11_silu_swish_glu", "SiLU, Swish and GLU", "What if the gate is learned?"),
        ("12_softmax", "Softmax", "Why an output and not a hidden activation?"),
    ),
    "Measured": (
        ("13_cost", "Cost", "What does an activation cost?"),
        ("14_low_precision", "Low precision", "What survives in 16 and 8 bits?"),
        ("15_fair_comparison", "Fair comparison", "Which function is best?"),
        ("16_swapping_in_production", "Swapping in production", "Does the swap pay?"),
        ("17_choosing", "Choosing", "What should you use?"),
    ),
}

CHAPTERS: tuple[Chapter, ...] = tuple(
    Chapter(name, part, title, question)
    for part, chapters in _PARTS.items()
    for name, title, question in chapters
)
