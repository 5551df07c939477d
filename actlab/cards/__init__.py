"""Function cards: what an engineer wants to know of one function on one page, all of it measured.

>>> from actlab import cards
>>> cards.show("gelu")                                                         # doctest: +SKIP

* :mod:`.measured` takes a function apart with :mod:`actlab.properties`, and looks its cost up in
  the committed records of :mod:`actlab.bench`;
* :mod:`.words` makes sentences of it: the printed lines, the verdict, the alternative text;
* :mod:`.draw` lays it out, wide and narrow.

Importing this package loads neither torch nor matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actlab.cards.measured import Card


def measure(name: str) -> Card:
    """Everything that is on the card of one function of the catalogue (a second at most).

    Raises:
        ValueError: for an unknown name.
    """
    from actlab.cards.measured import measure

    return measure(name)


def show(name: str) -> None:
    """Print the card's few numbers and draw it, wide for a page and narrow for a phone.

    What is printed is the same on every processor: it comes from float64 and from committed
    records. What PyTorch's own floats do is in the figure.

    Args:
        name: a name or alias in the catalogue.

    Raises:
        ValueError: for an unknown name.
    """
    from functools import partial

    from actlab.cards import draw, words
    from actlab.showing import show as show_figure

    card = measure(name)
    print("\n".join(words.lines(card)))
    show_figure(partial(draw.draw, card), draw.WIDE, draw.NARROW, f"card-{card.name}")


__all__ = ["measure", "show"]
