"""Is it the centring or the slope that makes tanh train better than the sigmoid?

Networks 40-100-100-10 on MNIST-1D, fresh data for every seed, batches of 100, initial weights from
N(0, 2/fan_in). All seeds of a unit (arm, optimizer, rate) train together; units with the same seed
share data, order of batches and initial weights. The arms:

sigmoid    s(x)
shifted    s(x), and the next layer's biases start at minus half the sum of their weights: the
           same function at the start as "centred"
centred    s(x) - 1/2, which is tanh(x/2)/2
double     2 s(x) - 1, which is tanh(x/2): centred, twice the slope
raised     2 s(2x), which is 1 + tanh(x), with biases shifted as above: the same function at the
           start as "tanh", but all outputs positive
tanh       tanh(x)

Each row holds the accuracy in percent of one seed at one number of steps on training, validation
and test data; the chapter tunes the rate on validation.
"""

from __future__ import annotations

import argparse
import functools
import math

import torch

from actlab import comparison, experiment, training

# Function, and by how much it lies above its centred twin.
ARMS = {
    "sigmoid": (torch.sigmoid, 0.0),
    "shifted": (torch.sigmoid, 0.5),
    "centred": (lambda x: torch.sigmoid(x) - 0.5, 0.0),
    "tanh": (torch.tanh, 0.0),
    "raised": (lambda x: 1 + torch.tanh(x), 1.0),
    "double": (lambda x: torch.tanh(x / 2), 0.0),
}
RATES = {"adam": (0.001, 0.003, 0.01, 0.03), "sgd": (0.1, 0.3, 1.0)}
STEPS = {"adam": (200, 600, 1500), "sgd": (200, 500, 1000)}
SEEDS = 6
FIRST_SEED = 300  # of the data: no other chapter's comparison has drawn them
TRAIN, VALIDATION, TEST = 4000, 1000, 5000

Unit = dict[str, object]


def networks(arm: str, seeds: int) -> training.Stack:
    """The networks of an arm before training."""
    function, above = ARMS[arm]
    made = training.build([40, 100, 100, 10], function, seeds, lambda n: math.sqrt(2 / n))
    with torch.no_grad():
        for weight, bias in zip(made.weights[1:], made.biases[1:], strict=True):
            bias -= above * weight.sum(1, keepdim=True)
    return made


@functools.lru_cache(maxsize=1)
def data(seeds: int, train: int, rest: int) -> tuple:
    """One fresh data set for each seed, drawn once for all units."""
    return comparison.mnist1d_many(range(FIRST_SEED, FIRST_SEED + seeds), train, rest)


def units(quick: bool) -> list[Unit]:
    """All settings, the most wanted first."""
    if quick:
        return [{"optimizer": "adam", "arm": arm, "rate": 0.01} for arm in ARMS]
    return [
        {"optimizer": optimizer, "arm": arm, "rate": rate}
        for optimizer, rates in RATES.items()
        for arm in (ARMS if optimizer == "adam" else list(ARMS)[:3])
        for rate in rates
    ]


def run(unit: Unit, quick: bool = False) -> list[dict]:
    """Train one setting with all its seeds; the rows of the record."""
    torch.set_num_threads(1)
    seeds = 2 if quick else SEEDS
    steps = (2, 4) if quick else STEPS[unit["optimizer"]]
    sizes = (100, 50, 50) if quick else (TRAIN, VALIDATION, TEST)
    x, y, x_new, y_new = data(seeds, sizes[0], sizes[1] + sizes[2])
    parts = {
        "train": (x, y),
        "validation": (x_new[:, : sizes[1]], y_new[:, : sizes[1]]),
        "test": (x_new[:, sizes[1] :], y_new[:, sizes[1] :]),
    }

    def measure(stack: training.Stack) -> list:
        return [training.accuracy(stack, *part) for part in parts.values()]

    found = comparison.fit(
        networks(unit["arm"], seeds),
        x,
        y,
        steps,
        lr=unit["rate"],
        optimizer=unit["optimizer"],
        measure=measure,
    )
    return [
        {**unit, "steps": stop, "seed": seed}
        | {part: round(100 * float(found[i, j, seed]), 2) for j, part in enumerate(parts)}
        for i, stop in enumerate(steps)
        for seed in range(seeds)
    ]


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    options = experiment.options(__file__, __doc__, argv, argparse.ArgumentParser())
    settings = {"seeds": SEEDS, "first_seed": FIRST_SEED}
    with experiment.Record(options, ["optimizer", "arm", "rate"], settings) as record:
        for unit in record.todo(units(options.quick)):
            record.add(run(unit, options.quick))


if __name__ == "__main__":
    main()
