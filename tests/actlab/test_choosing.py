"""Regret, its luck, and the map of it."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from actlab import choosing

SCORES = np.array([[[60.0, 62.0], [70.0, 72.0]], [[63.0, 61.0], [75.0, 71.0]]])


def test_regret_is_the_distance_to_the_best_mean_of_a_setting():
    np.testing.assert_allclose(choosing.regret(SCORES), [[1, 2], [0, 0]])
    rng = np.random.default_rng(0)
    found = choosing.regret(rng.normal(0, 1, (4, 3, 5)))
    assert (found >= 0).all()
    assert (found.min(0) == 0).all()


@pytest.mark.parametrize("bad", [SCORES[0], np.where(SCORES > 74, np.nan, SCORES)])
def test_scores_that_cannot_be_compared_are_refused(bad):
    with pytest.raises(ValueError, match=r"shape|NaN"):
        choosing.regret(bad)


def test_luck_is_none_where_one_function_always_wins_and_some_among_equals():
    clear = np.zeros((3, 4, 6))
    clear[1] = 10
    assert choosing.luck(clear) == 0
    equals = np.random.default_rng(1).normal(0, 1, (6, 200, 6))
    # The best of six means of six draws is about 1.27/√6 above the truth.
    assert choosing.luck(equals) == pytest.approx(1.27 / 6**0.5, rel=0.15)
    with pytest.raises(ValueError, match="halved"):
        choosing.luck(clear[..., :5])


def test_the_bootstrap_over_tasks_visits_every_resample():
    mean, low, high = choosing.over_tasks([0.0, 1.0])
    assert (mean, low, high) == (0.5, pytest.approx(0.0375), pytest.approx(0.9625))
    assert choosing.over_tasks([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="2 to 7 tasks"):
        choosing.over_tasks([1.0])


@pytest.mark.parametrize("narrow", [False, True])
def test_the_map_writes_every_number_and_outlines_the_picks(narrow):
    figure = Figure(figsize=(3.6, 6.0) if narrow else (7.2, 3.0))
    behind = {"relu": [0.0, 1.26, 3.0], "gelu": [2.0, 0.0, 12.4]}
    tasks = {"dense": (16, 48), "conv": (4,)}
    rule = {"a rule": [0.0, 1.26, 7.7]}
    choosing.draw_map(figure, narrow, behind, tasks, {"dense": "relu"}, rule)
    (ax,) = figure.axes
    written = [text.get_text() for text in ax.texts]
    for number in ("0", "1.3", "3.0", "2.0", "12", "1.4", "4.8", "7.7"):
        assert number in written
    assert sum(not patch.get_fill() for patch in ax.patches) == 2 * 2  # a halo each
    assert {"dense", "conv"} <= set(written)
