"""Labs are disjoint groups of seeds, and the figure says of them what is true."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from actlab import comparison, labs

DIFFERENCES = np.array([0.7, -0.4, 1.3, 2.0, 0.0, 1.1, 0.2, 0.9, 1.8, -0.6, 1.4])


def test_labs_are_disjoint_and_in_the_order_of_the_seeds():
    found = labs.cut(DIFFERENCES, 3)
    assert len(found) == 3
    assert found[1] == comparison.paired(DIFFERENCES[3:6], np.zeros(3))
    for size in (1, 12):
        with pytest.raises(ValueError, match="cannot be cut"):
            labs.cut(DIFFERENCES, size)


@pytest.mark.parametrize("narrow", [False, True])
def test_the_figure_counts_wins_losses_and_ties(narrow):
    figure = Figure(figsize=(3.6, 6.6) if narrow else (7.2, 5.2))
    labs.draw(figure, narrow, DIFFERENCES, truth=0.8, sizes=(1, 3, 5))
    words = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert "8 labs print the first, 2 the second, 1 a tie" in words
    clear = sum(lab.resolved for lab in labs.cut(DIFFERENCES, 3))
    assert f"{clear} of 3 labs exclude zero" in words
    assert all(0 <= ax.get_position().y0 < ax.get_position().y1 <= 1 for ax in figure.axes)
