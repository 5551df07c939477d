"""Is GELU a regulariser? It depends on when you look, so look at 600, 1500 and 4000 steps.

Networks 40-100-100-10 with He's initial weights on MNIST-1D, Adam, batches of 100, fresh data for
every seed. Three arms: ReLU, GELU, and the random gate whose mean GELU is. The gate tosses its
coins in training only; it is measured with its mean, as one does with dropout. Arms with the same
seed share data, order of batches and initial weights. Each row holds the accuracy in percent of one
seed at one number of steps on training, validation and test data; a chapter tunes on validation.

Rows of GELU also say what happens if the trained network is run with another function in its place:
the share of test answers that change, and of those that become wrong or right, in percent.

About 3 minutes of one core; --jobs spreads them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import comparison, experiment, training

ARMS = ("relu", "gelu", "gate")
SWAPS = {
    "tanh_form": lambda x: F.gelu(x, approximate="tanh"),
    "sigmoid_form": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": F.silu,
    "relu": torch.relu,
}
COUNTS = ("changed", "lost", "gained")
RATES = (0.003, 0.01)
STEPS = (600, 1500, 4000)
SEEDS = 12
FIRST_SEED = 1010  # of the data: no other chapter's comparison has drawn them
TRAIN, VALIDATION, TEST = 4000, 1000, 4000


def gate(seed: int):
    """The random gate: x where a standard normal number lies below x, else 0."""
    coins = torch.Generator().manual_seed(seed)

    def toss(x: Tensor) -> Tensor:
        return x * (torch.randn(x.shape, generator=coins) < x)

    return toss


@torch.no_grad()
def swapped(networks: training.Stack, points: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """For each swap the shares of answers changed, lost and gained, (seeds,) each."""
    inputs, truth, found = torch.as_tensor(points), torch.as_tensor(labels), []
    before = networks(inputs).argmax(-1)
    for function in SWAPS.values():
        after = replace(networks, activation=function)(inputs).argmax(-1)
        was, is_now = before == truth, after == truth
        cases = (before != after, was & ~is_now, ~was & is_now)
        found += [case.double().mean(1).numpy() for case in cases]
    return found


def run(unit: Mapping[str, object]) -> list[dict]:
    """Train one arm with one rate and all seeds; the rows of the record."""
    torch.set_num_threads(1)
    quick = unit["quick"]
    seeds = range(2 if quick else SEEDS)
    steps = (2, 4, 6) if quick else STEPS
    train, validation, test = (100, 50, 50) if quick else (TRAIN, VALIDATION, TEST)
    draws = [FIRST_SEED + seed for seed in seeds]
    x, y, x_new, y_new = comparison.mnist1d_many(draws, train, validation + test)
    parts = {
        "train": (x, y),
        "validation": (x_new[:, :validation], y_new[:, :validation]),
        "test": (x_new[:, validation:], y_new[:, validation:]),
    }
    arms = {"relu": torch.relu, "gelu": F.gelu, "gate": gate(FIRST_SEED)}
    trains = arms[str(unit["arm"])]
    answers = F.gelu if unit["arm"] == "gate" else trains
    networks = training.build([40, 100, 100, 10], trains, draws)

    def measure(networks: training.Stack) -> list:
        networks.activation = answers
        found = [training.accuracy(networks, *part) for part in parts.values()]
        if unit["arm"] == "gelu":
            found += swapped(networks, *parts["test"])
        else:
            found += [np.full(len(seeds), np.nan)] * (len(SWAPS) * len(COUNTS))
        networks.activation = trains
        return found

    columns = [*parts, *(f"{count}_{swap}" for swap in SWAPS for count in COUNTS)]
    found = comparison.fit(networks, x, y, steps, lr=float(unit["rate"]), measure=measure)
    return [
        {"arm": unit["arm"], "rate": unit["rate"], "steps": stop, "seed": seed}
        | {part: round(100 * float(found[i, j, seed]), 2) for j, part in enumerate(columns)}
        for i, stop in enumerate(steps)
        for seed in seeds
    ]


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    options = experiment.options(__file__, __doc__, argv, parser)
    rates = RATES[:1] if options.quick else RATES
    units = [{"arm": a, "rate": r, "quick": options.quick} for r in rates for a in ARMS]
    settings = {"seeds": SEEDS, "first_seed": FIRST_SEED}
    with experiment.Record(options, ["arm", "rate"], settings) as record:
        record.run(units, run, options.jobs)


if __name__ == "__main__":
    main()
