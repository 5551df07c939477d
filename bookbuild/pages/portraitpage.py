"""A portrait through its training: the same frame at each saved step, to be stepped through.

It needs no script: each step is a radio button, and the style sheet shows the frame of the one that
is chosen, so the arrow keys walk through the training. On paper the last frame is shown.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from actlab import portrait
from actlab.palette import identity
from actlab.plotting import INK, STYLE
from actlab.showing import svg_of

PACKAGE = Path(portrait.__file__).resolve().parent
SIZE = (3.6, 3.98)


def sources() -> list[Path]:
    """The files on which a portrait depends."""
    names = ("palette", "plotting", "portrait", "properties", "showing", "style")
    return [
        *(PACKAGE / f"{name}.py" for name in names),
        *sorted((PACKAGE / "functions").rglob("*.py")),
        Path(__file__),
    ]


def _digest() -> str:
    found = hashlib.sha256()
    for path in sources():
        found.update(path.read_bytes())
    for package in ("numpy", "matplotlib"):
        found.update(f"{package} {importlib.metadata.version(package)}".encode())
    return found.hexdigest()[:16]


def _draw(one: portrait.Portrait, step: int, figure: Figure) -> None:
    height = figure.get_figheight()
    ax = figure.add_axes((0.01, 0.01, 0.98, 0.98 * SIZE[0] / height))
    portrait.draw_map(ax, one, step)
    who = identity(one.name)
    figure.text(0.015, 0.985, who.label, fontsize=11, fontweight="bold", color=who.colour, va="top")
    figure.text(0.985, 0.985, f"step {step}", fontsize=10, color=INK, va="top", ha="right")
    text = portrait.describe(one.states[step])
    figure.text(0.015, 0.985 - 0.2 / height, text, fontsize=8, color=INK, va="top")


def frames(name: str, kept: Path) -> list[tuple[int, Path, str]]:
    """The frames of a portrait, drawn or as kept: step, SVG file, alternative text.

    Args:
        name: as for :func:`actlab.portrait.train`.
        kept: a folder, made if it does not exist.
    """
    digest = _digest()
    files = {step: kept / f"portrait-{name}-{digest}-{step:04}.svg" for step in portrait.STEPS}
    said = kept / f"portrait-{name}-{digest}.txt"
    if not said.exists():
        kept.mkdir(parents=True, exist_ok=True)
        one = portrait.train(name)
        for step, file in files.items():
            with mpl.rc_context({**STYLE, "figure.constrained_layout.use": False}):
                figure = Figure(figsize=SIZE)
                _draw(one, step, figure)
                file.write_text(svg_of(figure, "only", f"portrait-{name}"), encoding="utf-8")
        lines = [
            f"The recurring network with {identity(name).label} after {step} steps: "
            f"{portrait.describe(one.states[step])}."
            for step in portrait.STEPS
        ]
        said.write_text("\n".join(lines), encoding="utf-8")
    texts = said.read_text(encoding="utf-8").split("\n")
    return [(step, files[step], text) for step, text in zip(portrait.STEPS, texts, strict=True)]


def controls(name: str) -> str:
    """The radio buttons in front of the frames, and the rules that show the chosen frame."""
    key = f"portrait-{name}"
    rules = [
        f".{key} .frames > * {{ display: none; }}",
        f".{key} > input {{ margin: 0 0.3rem 0 0; accent-color: var(--pst-color-link); }}",
        f".{key} > label {{ margin-right: 0.9rem; }}",
    ]
    inputs = []
    for number, step in enumerate(portrait.STEPS, start=1):
        last = step == portrait.STEPS[-1]
        rules.append(
            f"#{key}-{step}:checked ~ .frames > :nth-child({number}) {{ display: block; }}"
        )
        inputs.append(
            f'<input type="radio" name="{key}" id="{key}-{step}"{" checked" * last} '
            f'aria-label="after {step} steps">'
            f'<label for="{key}-{step}">{step}</label>'
        )
    rules.append(
        f"@media print {{ .{key} > input, .{key} > label {{ display: none; }} "
        f".{key} .frames > :nth-child(n) {{ display: none; }} "
        f".{key} .frames > :last-child {{ display: block; }} }}"
    )
    legend = '<span class="portrait-legend">Steps of training: </span>'
    return f"<style>{' '.join(rules)}</style>{legend}{''.join(inputs)}"
