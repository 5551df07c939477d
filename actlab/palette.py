"""Colours of the course, and one identity for each function: the same in every chapter.

Colours come in pairs, one for a light page and one for a dark page. A notebook draws with the
first; the book's build adds the second to each SVG, so that one file follows the reader's theme.
No palette of a dozen colours is safe by colour alone, so a function is also known by its dash, its
marker and its name at the line. Nothing here needs matplotlib.

>>> from actlab.palette import identity
>>> identity("swish").label, identity("swish").colour
('SiLU', '#7a5c00')
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from actlab.functions import CATALOGUE, get

# name -> (on a light page, on a dark page). The hues start from those of Okabe and Ito's palette
# for all kinds of colour vision, moved in lightness until text and lines reach a contrast of 4.5
# on white and on #121212 (tests/actlab/test_plotting.py computes it).
PALETTE: dict[str, tuple[str, str]] = {
    "blue": ("#0b63b5", "#6db3f2"),
    "orange": ("#b34a00", "#ff9f5a"),
    "green": ("#00735a", "#4fc9a4"),
    "purple": ("#8a3f86", "#e29bdf"),
    "brown": ("#7a5c00", "#d9bb55"),
    "ink": ("#1c2127", "#e6e9ed"),
    "muted": ("#59626d", "#a3adb8"),
    "grid": ("#d3d9e0", "#3b434d"),
    "shade_blue": ("#cfe3f6", "#173a5c"),
    "shade_orange": ("#fbdcc6", "#57290a"),
    "crimson": ("#b01e4b", "#ff8fa6"),
    "indigo": ("#5546c7", "#aea3ff"),
    "cyan": ("#006a80", "#5cc7df"),
    "grey": ("#66707a", "#98a2ac"),
    "slate": ("#3d4655", "#c3ccd8"),
}
#: The page itself, for open circles and for the halo around a word on a line.
PAPER = ("#ffffff", "#121212")

_DASHES: dict[str, Any] = {
    "solid": "-",
    "dashed": (0, (5, 2)),
    "short": (0, (2.4, 1.2)),
    "dotted": (0, (1.2, 1.4)),
    "dashdot": (0, (6, 1.6, 1.2, 1.6)),
    "long": (0, (9, 2)),
    "dashdotdot": (0, (7, 1.5, 1.2, 1.5, 1.2, 1.5)),
    "pairs": (0, (4, 1.2, 4, 3)),
}

# What the catalogue does not have: name -> (colour, dash, marker, label). The looks of its own
# functions are in actlab.functions.shown. A family shares a colour; within it dash and marker
# differ, and so do those of the leaders of two families that some readers see in one colour.
_OTHERS: dict[str, tuple[str, str, str, str]] = {
    "identity": ("grey", "solid", "_", "identity"),
    "step": ("grey", "dashed", "1", "step"),
    "abs": ("grey", "dotted", "2", "|x|"),
    "sine": ("slate", "solid", "*", "sine"),
    "crelu": ("blue", "dotted", "H", "CReLU"),
    "atan": ("green", "dashdot", "3", "arctan"),
    "erf": ("green", "long", "4", "erf"),
    "maxout": ("indigo", "dashed", "H", "maxout"),
    "square": ("cyan", "dashed", "D", "x²"),
    "signed_square": ("cyan", "dotted", "^", "x·|x|"),
}

STEPS = 9  # of a ramp; the colour itself is the sixth


@dataclass(frozen=True)
class Identity:
    """How one function looks in the whole book.

    Attributes:
        name: the catalogue's key, or the name of a function that the catalogue does not have.
        label: the word at its line.
        colour: ``#rrggbb`` on a light page; the book's build knows the dark counterpart.
        dash: a matplotlib line style.
        marker: a matplotlib marker.
        hue: the colour's name in :data:`PALETTE`.
    """

    name: str
    label: str
    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str
    hue: str

    @property
    def line(self) -> dict[str, object]:
        """Keywords for ``ax.plot``: colour, dash and label (markers only where asked for)."""
        return {"color": self.colour, "linestyle": self.dash, "label": self.label}

    @property
    def points(self) -> dict[str, object]:
        """Keywords for ``ax.plot`` of single points: colour and marker without a line."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": "none",
            "label": self.label,
        }

    @property
    def shade(self) -> str:
        """The colour thinned to a tint for areas; on it ink stays legible."""
        return ramp_colours(self.hue)[1]


def identity(name: str) -> Identity:
    """How the function called ``name`` is drawn.

    Args:
        name: a name or alias in the catalogue (``swish`` is ``silu``), or one of ``identity``,
            ``step``, ``abs``, ``sine``, ``square``, ``signed_square``, ``crelu``,
            ``maxout``, ``atan``, ``erf``.

    Raises:
        ValueError: when there is none.
    """
    if name in _OTHERS:
        key, (hue, dash, marker, label) = name, _OTHERS[name]
    else:
        entry = get(name)
        key, look = entry.name, entry.shown
        hue, dash, marker, label = look.colour, look.dash, look.marker, look.label or entry.title
    return Identity(
        name=key,
        label=label,
        colour=PALETTE[hue][0],
        dash=_DASHES[dash],
        marker=marker,
        hue=hue,
    )


def identities() -> tuple[Identity, ...]:
    """All identities: those of the catalogue, and the others."""
    return tuple(identity(name) for name in (*CATALOGUE, *_OTHERS))


# --- ramps ------------------------------------------------------------------------------------


def _mix(one: str, other: str, share: float) -> str:
    """``share`` of the way from one colour to another."""
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round(a + share * (b - a)) for a, b in pairs).hex()


def _steps(paper: str, colour: str, end: str) -> list[str]:
    middle = 5
    first = [_mix(paper, colour, i / middle) for i in range(middle + 1)]
    return first + [_mix(colour, end, 0.8 * i / (STEPS - 1 - middle)) for i in (1, 2, 3)]


@lru_cache
def ramp_pairs(hue: str) -> tuple[tuple[str, str], ...]:
    """The steps of a hue's ramp, from the page through the colour to its far end.

    Args:
        hue: a name in :data:`PALETTE`.

    Returns:
        nine pairs (on a light page, on a dark page). On a light page they go from white to nearly
        black, on a dark page from nearly black to nearly white: more is further from the page.
    """
    light, dark = PALETTE[hue]
    return tuple(
        zip(_steps(PAPER[0], light, "#000000"), _steps(PAPER[1], dark, "#ffffff"), strict=True)
    )


def ramp_colours(hue: str) -> tuple[str, ...]:
    """The nine steps as they are drawn, on a light page."""
    return tuple(light for light, _ in ramp_pairs(hue))


HUES = tuple(name for name in PALETTE if name not in ("grid", "shade_blue", "shade_orange"))

#: All colours that a figure may use and whose dark counterparts are known: what
#: :func:`bookbuild.themed_svg.follow_theme` takes.
THEMES: dict[str, tuple[str, str]] = {
    **{f"{hue}_{step}": pair for hue in HUES for step, pair in enumerate(ramp_pairs(hue))},
    **PALETTE,
    "paper": PAPER,
}
