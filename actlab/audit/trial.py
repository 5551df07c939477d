"""A paired comparison with ReLU and GELU on MNIST-1D, with the power that it has.

Every arm starts from the same weights, sees the same fresh data of each seed in the same order, and
gets the same rates to choose from, on seeds that the comparison does not use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

SEEDS = 20
TUNING_SEEDS = 4
RATES = (0.003, 0.01, 0.03)
STEPS = 600
TUNING_STEPS = 300
WIDTHS = (40, 64, 64, 10)
TRAIN, TEST = 1500, 1000
#: The difference in accuracy whose power is stated: one point.
WORTH = 0.01
RIVALS = ("relu", "gelu")

Function = Callable[[Any], Any]


@functools.lru_cache(maxsize=2)
def _data(first: int, seeds: int) -> tuple[Any, ...]:
    from actlab.comparison import mnist1d_many

    return mnist1d_many(range(first, first + seeds), TRAIN, TEST)


def _score(function: Function, rate: float, seeds: range, steps: int) -> np.ndarray:
    from actlab.training import accuracy, build, fit

    points, labels, test_points, test_labels = _data(seeds.start, len(seeds))
    networks = build(WIDTHS, function, seeds)
    fit(networks, points, labels, steps, rate, batch=100)
    return accuracy(networks, test_points, test_labels)


def arm(function: Function, progress: Callable[[str], None]) -> dict[str, Any]:
    """Tune one function and train it on every seed."""
    from actlab.comparison import tune

    tuning = range(9000, 9000 + TUNING_SEEDS)

    def validate(rate: float) -> np.ndarray:
        progress(f"MNIST-1D: rate {rate:g}")
        return _score(function, rate, tuning, TUNING_STEPS)

    tuned = tune({"this": validate}, RATES)["this"]
    progress(f"MNIST-1D: {SEEDS} seeds")
    scores = _score(function, tuned.best, range(SEEDS), STEPS)
    return {
        "rate": tuned.best,
        "rate_at_edge": tuned.at_edge,
        "accuracy": [float(score) for score in scores],
        "mean": float(np.mean(scores)),
    }


def compare(own: dict[str, Any], rivals: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Paired differences with intervals that hold together, Holm's decision, and power."""
    from actlab.comparison import bonferroni, holm, paired, power, seeds_needed

    pairs = {name: (own["accuracy"], arm_["accuracy"]) for name, arm_ in rivals.items()}
    if any(own["accuracy"] == other for _, other in pairs.values()):
        pairs = {n: p for n, p in pairs.items() if p[1] != own["accuracy"]}
    result: dict[str, Any] = {
        "seeds": SEEDS, "steps": STEPS, "rates": list(RATES), "widths": list(WIDTHS),
        "train": TRAIN, "test": TEST, "own": own, "rivals": rivals, "differences": {},
    }  # fmt: skip
    if not pairs:
        return result
    tests = {name: paired(a, b) for name, (a, b) in pairs.items()}
    family = holm({name: test.p for name, test in tests.items()})
    for name, interval in bonferroni(pairs).items():
        adjusted, rejected = family[name]
        sd = tests[name].sd
        result["differences"][name] = {
            "mean": interval.mean,
            "low": interval.low,
            "high": interval.high,
            "sd": sd,
            "p_holm": adjusted,
            "resolved": rejected,
            "power_one_point": power(SEEDS, sd, WORTH, 0.05 / len(pairs)) if sd > 0 else None,
            "seeds_for_one_point": seeds_needed(sd, WORTH) if sd > 0 else None,
        }
    return result
