"""The interactive figures of the book: data computed here, drawn once here, moved in the page.

Each figure is a function that returns a :class:`~bookbuild.sliders.model.Figure`: what its
controls are called and, for every position of a control, the curves that belong to it. The numbers
come from the package (``actlab.functions``, ``actlab.diagnostics``, ``actlab.kernels.sass``), so no
formula is written a second time in JavaScript; the page only looks them up. A figure whose subject
is a function has a switch of floating-point type (:mod:`.formats`), and its sentence says what is
wrong in it.

* :mod:`.model` is what a figure consists of, and how its numbers are packed for the page.
* :mod:`.draw` makes the HTML that is complete without a script.
* :mod:`.shapes`, :mod:`.folds`, :mod:`.networks`, :mod:`.depth` and :mod:`.cost` are the figures.
"""

from __future__ import annotations

import importlib

from bookbuild.sliders.model import Figure

# Where each figure is defined; the name is what a page writes in its directive.
HOME = {
    "compare-functions": "shapes",
    "swish-beta": "shapes",
    "paper-folds": "folds",
    "linear-to-relu": "networks",
    "relu-scale": "networks",
    "instruction-budget": "cost",
    "gradient-explorer": "depth",
}


def module_of(name: str) -> str:
    """The dotted module that defines a figure.

    Raises:
        ValueError: there is no such figure; the message names those that there are.
    """
    if name not in HOME:
        raise ValueError(f"there is no figure called {name!r}; there are {', '.join(HOME)}")
    return f"bookbuild.sliders.{HOME[name]}"


def figure(name: str) -> Figure:
    """Compute a figure's data (some seconds at most).

    Raises:
        ValueError: there is no such figure.
    """
    module = importlib.import_module(module_of(name))
    return getattr(module, name.replace("-", "_"))()
