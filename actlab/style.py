"""The colours by name, and the settings that every figure of the course is drawn with."""

from __future__ import annotations

from cycler import cycler

from actlab.palette import PALETTE, THEMES

BLUE, ORANGE, GREEN, PURPLE, BROWN, INK, MUTED, GRID, SHADE_BLUE, SHADE_ORANGE = (
    light for light, _ in list(PALETTE.values())[:10]
)
CRIMSON, INDIGO, CYAN, GREY, SLATE = (light for light, _ in list(PALETTE.values())[10:])
PAPER = THEMES["paper"][0]
LINES = (BLUE, ORANGE, GREEN, PURPLE, BROWN)
STYLES = ("-", (0, (5, 2)), (0, (1.2, 1.4)), (0, (6, 1.6, 1.2, 1.6)), (0, (9, 2)))

STYLE: dict[str, object] = {
    "figure.figsize": (7.2, 3.0),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=LINES) + cycler(linestyle=STYLES),
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 2.0,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.size": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.fonttype": "path",
    "svg.hashsalt": "actlab",
}
