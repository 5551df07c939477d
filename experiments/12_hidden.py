"""Is a hidden softmax bad because its entries compete, or because its outputs are small?

Networks 40-100-100-10 on MNIST-1D, fresh data for every seed, Adam, batches of 100, He
initialisation. Four hidden functions: ReLU; softmax over the n = 100 units of a layer; n times
softmax, whose outputs have the mean 1; and ReLU divided by n, as small as softmax but without
competition. Every function gets the same five learning rates. Each row holds the accuracy in
percent of one seed at one number of steps; the chapter tunes on validation data.
"""

from __future__ import annotations

import functools
import itertools

import torch
from torch import Tensor

from actlab import comparison, experiment, training


def scaled_softmax(z: Tensor) -> Tensor:
    """Softmax times the number of units: mean 1."""
    return z.shape[-1] * torch.softmax(z, -1)


def small_relu(z: Tensor) -> Tensor:
    """ReLU divided by the number of units."""
    return torch.relu(z) / z.shape[-1]


FUNCTIONS = {
    "relu": torch.relu,
    "n_softmax": scaled_softmax,
    "softmax": functools.partial(torch.softmax, dim=-1),
    "relu_by_n": small_relu,
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
STEPS = (300, 1500)
SEEDS = 4
FIRST_SEED = 1200  # of the data: no other chapter's comparison has drawn them
TRAIN, VALIDATION, TEST = 4000, 1000, 4000

Unit = dict[str, object]


def units(quick: bool) -> list[Unit]:
    """All settings."""
    rates = RATES[1:2] if quick else RATES
    return [{"function": f, "rate": rate} for rate, f in itertools.product(rates, FUNCTIONS)]


@functools.cache
def data(quick: bool) -> dict:
    """The three parts of the data of all seeds."""
    train, validation, test = (100, 50, 50) if quick else (TRAIN, VALIDATION, TEST)
    draws = [FIRST_SEED + seed for seed in range(2 if quick else SEEDS)]
    x, y, x_new, y_new = comparison.mnist1d_many(draws, train, validation + test)
    return {
        "train": (x, y),
        "validation": (x_new[:, :validation], y_new[:, :validation]),
        "test": (x_new[:, validation:], y_new[:, validation:]),
    }


def run(unit: Unit, quick: bool = False) -> list[dict]:
    """Train one setting with all its seeds; the rows of the record."""
    parts = data(quick)
    seeds = range(2 if quick else SEEDS)
    steps = (2, 4) if quick else STEPS
    networks = training.build([40, 100, 100, 10], FUNCTIONS[unit["function"]], list(seeds))

    def measure(networks: training.Stack) -> list:
        return [training.accuracy(networks, *part) for part in parts.values()]

    found = comparison.fit(networks, *parts["train"], steps, lr=unit["rate"], measure=measure)
    return [
        {**unit, "steps": stop, "seed": seed}
        | {part: round(100 * float(found[i, j, seed]), 2) for j, part in enumerate(parts)}
        for i, stop in enumerate(steps)
        for seed in seeds
    ]


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    settings = {"seeds": SEEDS, "first_seed": FIRST_SEED}
    with experiment.Record(options, ["function", "rate"], settings) as record:
        for unit in record.todo(units(options.quick)):
            record.add(run(unit, options.quick))
            record.say(f"{unit['function']} at {unit['rate']}")


if __name__ == "__main__":
    main()
