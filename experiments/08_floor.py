"""What does ELU's smooth floor buy: its mean, its depth, and what is left of SELU's after training?

Networks on MNIST-1D, fresh data for every seed, Adam, batches of 100. Weights start from
N(0, k²/fan_in): k = √2 is He's, k = 1 is LeCun's.

* Two hidden layers of 100 units: ELU and ReLU, and both minus the mean of their output for a
  standard normal input. Subtracting a constant moves the next layer's biases and nothing else, so
  both members of a pair can represent the same networks.
* Twenty hidden layers of 50 units: SELU and ELU with LeCun's weights, ELU and ReLU with He's.

All seeds of a unit train together; settings with the same seed share data, order of batches and, up
to the factor k, initial weights. Each row holds one seed at one number of steps: accuracy in
percent, and for the outputs of the first and last hidden layer, over all units and 1000 test
examples, mean and variance, and the root mean square over units of a unit's mean.
"""

from __future__ import annotations

import argparse
import itertools
import math
from functools import lru_cache, partial

import torch
from torch.nn import functional as F

from actlab import comparison, experiment, training

HE, LECUN = math.sqrt(2), 1.0
#: E[f(z)] for a standard normal z: e^½Φ(−1) − ½ + 1/√(2π), and 1/√(2π).
ELU_MEAN, RELU_MEAN = 0.160521, 0.398942
FUNCTIONS = {
    "relu": torch.relu,
    "relu_centred": lambda z: torch.relu(z) - RELU_MEAN,
    "elu": F.elu,
    "elu_centred": lambda z: F.elu(z) - ELU_MEAN,
    "selu": F.selu,
}
SHALLOW, DEEP = 2, 20
WIDTHS = {SHALLOW: 100, DEEP: 50}
SHALLOW_ARMS = (("elu", HE), ("elu_centred", HE), ("relu", HE), ("relu_centred", HE))
DEEP_ARMS = (("selu", LECUN), ("elu", LECUN), ("elu", HE), ("relu", HE))
RATES = {SHALLOW: (0.003, 0.01), DEEP: (0.001, 0.003)}
STEPS = {SHALLOW: (200, 1000), DEEP: (100, 400)}
SEEDS = {SHALLOW: 8, DEEP: 4}
FIRST_SEED = 800  # of the data: no other chapter's comparison has drawn them
TRAIN, VALIDATION, TEST = 3000, 1000, 3000

Unit = dict[str, object]


def units(quick: bool) -> list[Unit]:
    """All settings, the most wanted first."""
    keys = ("hidden", "function", "scale", "rate")
    if quick:
        return [dict(zip(keys, (2, f, 1.0, 0.01), strict=True)) for f in ("elu", "elu_centred")]
    return [
        dict(zip(keys, (n, name, round(k, 6), rate), strict=True))
        for i, n in itertools.product((1, 0), (SHALLOW, DEEP))
        for (name, k) in (SHALLOW_ARMS if n == SHALLOW else DEEP_ARMS)
        for rate in RATES[n][i : i + 1]
    ]


@lru_cache(maxsize=1)
def data(seeds: int, train: int, other: int) -> tuple:
    """Fresh data for each seed."""
    return comparison.mnist1d_many(range(FIRST_SEED, FIRST_SEED + seeds), train, other)


@torch.no_grad()
def moments(networks: training.Stack, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
    """Mean, variance and spread of unit means of the first and last hidden layer, (seeds,) each."""
    z = networks.preactivations(inputs)
    found = {}
    for where, layer in (("first", z[0]), ("last", z[-2])):
        y = networks.activation(layer).double()
        found[f"{where}_mean"] = y.mean((1, 2))
        found[f"{where}_variance"] = y.var((1, 2), unbiased=False)
        found[f"{where}_unit_mean"] = y.mean(1).square().mean(1).sqrt()
    return found


def run(unit: Unit, quick: bool = False) -> list[dict]:
    """Train one setting with all its seeds; the rows of the record."""
    torch.set_num_threads(1)
    hidden = unit["hidden"]
    seeds = list(range(2 if quick else SEEDS[hidden]))
    steps = (2, 4) if quick else STEPS[hidden]
    sizes = (100, 50, 50) if quick else (TRAIN, VALIDATION, TEST)
    drawn = data(2 if quick else SEEDS[SHALLOW], sizes[0], sizes[1] + sizes[2])
    x, y, x_new, y_new = (part[: len(seeds)] for part in drawn)
    parts = {
        "train": (x[:, :1000], y[:, :1000]),
        "validation": (x_new[:, : sizes[1]], y_new[:, : sizes[1]]),
        "test": (x_new[:, sizes[1] :], y_new[:, sizes[1] :]),
    }
    networks = training.build(
        [40, *[WIDTHS[hidden]] * hidden, 10],
        FUNCTIONS[unit["function"]],
        seeds,
        std=lambda fan_in: unit["scale"] / math.sqrt(fan_in),
    )
    look = torch.as_tensor(parts["test"][0][:, :1000])

    def measure(networks: training.Stack) -> list:
        rights = [100 * training.accuracy(networks, *part) for part in parts.values()]
        return [*rights, *(value.numpy() for value in moments(networks, look).values())]

    names = [*parts, *moments(networks, look)]
    start = measure(networks)
    found = comparison.fit(networks, x, y, steps, lr=unit["rate"], measure=measure)
    return [
        {**unit, "steps": stop, "seed": seed}
        | {name: float(f"{values[i][seed]:.5g}") for i, name in enumerate(names)}
        for stop, values in zip((0, *steps), (start, *found), strict=True)
        for seed in seeds
    ]


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    options = experiment.options(__file__, __doc__, argv, parser)
    settings = {"seeds": SEEDS, "first_seed": FIRST_SEED, "steps": STEPS}
    key = ["hidden", "function", "scale", "rate"]
    with experiment.Record(options, key, settings) as record:
        record.run(units(options.quick), partial(run, quick=options.quick), options.jobs)


if __name__ == "__main__":
    main()
