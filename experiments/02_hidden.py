"""How far behind are hidden sigmoids, and does it depend on initialisation, rate, steps and depth?

Networks 40-100-…-100-10 on MNIST-1D, fresh data for every seed, Adam, batches of 100. A unit is one
setting: number of hidden layers, function, scale k of the initial weights N(0, k²/fan_in), rate.
All seeds of a unit train together; settings with the same seed share data, order of batches and,
up to the factor k, initial weights. Each row holds the accuracy in percent of one seed at one
number of steps on training, validation and test data; the chapter tunes on validation.

Two hidden layers get the whole grid. The other depths get two rates and fewer seeds and steps.
"""

from __future__ import annotations

import argparse
import itertools
import math
from functools import partial

import torch

from actlab import comparison, experiment, training

FUNCTIONS = {"sigmoid": torch.sigmoid, "relu": torch.relu}
RATES = (0.001, 0.003, 0.01, 0.03)
DEEP_RATES = (0.003, 0.01)
# In the order in which they are worth having: a run may be cut short.
ARMS = (("sigmoid", 1.0), ("sigmoid", 4.0), ("relu", math.sqrt(2)))
MORE_ARMS = (("sigmoid", 2.0), ("sigmoid", 8.0))
STEPS = (300, 1000, 3000)
SEEDS = 6
DEEP_SEEDS = 4
FIRST_SEED = 200  # of the data: no other chapter's comparison has drawn them
TRAIN, VALIDATION, TEST = 4000, 1000, 5000

Unit = dict[str, object]


def units(quick: bool) -> list[Unit]:
    """All settings, the most wanted first."""
    keys = ("hidden", "function", "scale", "rate")
    if quick:
        return [dict(zip(keys, (1, f, 1.0, 0.01), strict=True)) for f in FUNCTIONS]
    wanted = itertools.chain(
        itertools.product((2,), ARMS, RATES),
        itertools.product((1, 4, 6), ARMS, DEEP_RATES),
        itertools.product((2,), MORE_ARMS, RATES),
    )
    return [dict(zip(keys, (n, *arm, rate), strict=True)) for n, arm, rate in wanted]


def run(unit: Unit, quick: bool = False) -> list[dict]:
    """Train one setting with all its seeds; the rows of the record."""
    torch.set_num_threads(1)
    whole = unit["hidden"] == 2
    seeds = list(range(2 if quick else SEEDS if whole else DEEP_SEEDS))
    steps = (2, 4, 6) if quick else STEPS if whole else STEPS[:2]
    sizes = (100, 50, 50) if quick else (TRAIN, VALIDATION, TEST)
    draws = [FIRST_SEED + seed for seed in seeds]
    x, y, x_new, y_new = comparison.mnist1d_many(draws, sizes[0], sizes[1] + sizes[2])
    parts = {
        "train": (x, y),
        "validation": (x_new[:, : sizes[1]], y_new[:, : sizes[1]]),
        "test": (x_new[:, sizes[1] :], y_new[:, sizes[1] :]),
    }
    widths = [40, *[100] * unit["hidden"], 10]
    networks = training.build(
        widths,
        FUNCTIONS[unit["function"]],
        seeds,
        std=lambda fan_in: unit["scale"] / math.sqrt(fan_in),
    )

    def measure(networks: training.Stack) -> list:
        return [training.accuracy(networks, *part) for part in parts.values()]

    found = comparison.fit(networks, x, y, steps, lr=unit["rate"], measure=measure)
    return [
        {**unit, "steps": stop, "seed": seed}
        | {part: round(100 * float(found[i, j, seed]), 2) for j, part in enumerate(parts)}
        for i, stop in enumerate(steps)
        for seed in seeds
    ]


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    options = experiment.options(__file__, __doc__, argv, parser)
    settings = {"seeds": SEEDS, "deep_seeds": DEEP_SEEDS, "first_seed": FIRST_SEED}
    key = ["hidden", "function", "scale", "rate"]
    with experiment.Record(options, key, settings) as record:
        record.run(units(options.quick), partial(run, quick=options.quick), options.jobs)


if __name__ == "__main__":
    main()
