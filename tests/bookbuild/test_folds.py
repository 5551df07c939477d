"""The strip that folds: its heights are those of a network of two ReLUs a layer."""

import numpy as np
import pytest

from bookbuild.sliders import figure
from bookbuild.sliders.folds import CLOSING, FOLDS, fold, heights


def test_the_ends_are_flat_paper_and_the_tent():
    x = np.linspace(0, 1, 101)
    assert np.allclose(fold(x, 1.0), x)
    assert np.allclose(fold(x, -1.0), 1 - np.abs(2 * x - 1))
    for slope in CLOSING:
        assert fold(x, slope).min() >= 0
        assert fold(x, slope).max() == pytest.approx(1)


@pytest.mark.parametrize("closed", range(FOLDS))
@pytest.mark.parametrize("slope", CLOSING)
def test_between_two_places_the_strip_is_straight(closed, slope):
    places, height = heights(closed, slope)
    fine = np.linspace(0, 1, 997)
    exact = fine
    for _ in range(closed):
        exact = fold(exact, -1.0)
    assert np.allclose(np.interp(fine, places, height), fold(exact, slope))


def test_every_closed_fold_doubles_the_pieces_and_says_so():
    (control,) = figure("paper-folds").controls
    for number in range(1, FOLDS + 1):
        _, height = heights(number - 1, -1.0)
        turns = np.count_nonzero(np.diff(np.sign(np.diff(height))))
        assert turns + 1 == 2**number
        position = len(CLOSING) * number
        assert control.notes[position].endswith(f"{2**number} pieces of slope {2**number}.")
