"""Does a leak keep units alive at aggressive learning rates, and does that help?

Chapter 7. Networks 40-64-64-64-64-10 on MNIST-1D, fresh data for every seed, He, batches of 100,
400 steps. SGD and Adam, each at a rate that trains and at rates that are too large. Slopes 0
(ReLU), .01 and .2; all slopes share seeds, data, initial weights and the order of batches.

A row for each seed: percentage of hidden units that are positive for none of the training examples
(`never`), and for all (`always`); percentage whose kink lies inside the data, which are the others
(`bent`); accuracy on new data in percent (`test`).

About 40 seconds of one core.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from torch.nn import functional as F

from actlab import comparison, experiment, training

SETTINGS = (("sgd", 0.1), ("sgd", 0.5), ("sgd", 1.0), ("adam", 0.003), ("adam", 0.03))
SLOPES = (0.0, 0.01, 0.2)
SEEDS, STEPS, FIRST_SEED = 10, 400, 720
TRAIN, TEST = 2000, 3000


@functools.cache
def data(seeds: int, train: int, test: int) -> tuple:
    """One data set for each seed; drawn once for all units."""
    return comparison.mnist1d_many(range(FIRST_SEED, FIRST_SEED + seeds), train, test)


def run(unit: dict, quick: bool = False) -> Iterator[dict]:
    """Train one slope with one optimiser at one rate; a row for each seed."""
    seeds = 2 if quick else SEEDS
    x, y, x_new, y_new = data(seeds, *((100, 100) if quick else (TRAIN, TEST)))
    nets = training.build([40, 64, 64, 64, 64, 10], lambda z: F.leaky_relu(z, unit["slope"]), seeds)
    steps = 5 if quick else STEPS
    training.fit(nets, x, y, steps, unit["rate"], batch=100, optimizer=unit["optimizer"])
    with torch.no_grad():
        hidden = nets.preactivations(torch.as_tensor(x))[:-1]
    # A network that has diverged to NaN has no positive unit; it counts as never positive.
    never = torch.cat([~(z > 0).any(1) for z in hidden], 1).double().mean(1)
    always = torch.cat([(z > 0).all(1) for z in hidden], 1).double().mean(1)
    test = training.accuracy(nets, x_new, y_new)
    for seed in range(seeds):
        values = {"never": never[seed], "always": always[seed], "test": test[seed]}
        values["bent"] = 1 - values["never"] - values["always"]
        yield {**unit, "seed": seed} | {
            name: round(100 * float(value), 2) for name, value in values.items()
        }


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    units = [
        {"optimizer": optimizer, "rate": rate, "slope": slope}
        for optimizer, rate in SETTINGS
        for slope in SLOPES
    ]
    settings = {"seeds": SEEDS, "steps": STEPS, "first_seed": FIRST_SEED}
    with experiment.Record(options, ["optimizer", "rate", "slope"], settings) as record:
        for unit in record.todo(units):
            record.add(run(unit, options.quick))


if __name__ == "__main__":
    main()
