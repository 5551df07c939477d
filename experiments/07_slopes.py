"""Fixed, random and learned slopes on MNIST-1D: accuracy, and where the learned ones end.

Chapter 7. Networks 40-100-100-10, fresh data for every seed, Adam, batches of 100, He. A unit is
an arm at a learning rate; all its seeds train together, and all arms share seeds, data, initial
weights and the order of batches. Arms:

  fixed    slope a for x < 0: 0 (ReLU), .01, 11/48; and, at one rate, -.25 and .5
  rrelu    a drawn from U(1/8, 1/3) for each element and step, 11/48 when measured (Xu et al. 2015)
  channel  PReLU with a slope for each unit, started at 0, .25, .5 or 1 (He et al. 2015)
  shared   PReLU with one slope for each layer
  decay    as channel, with weight decay on the slopes alone

Rows: accuracy in percent of one seed after so many steps on training, validation and test data (the
chapter chooses rates on validation); at the last step also the slopes of both layers.

About 4 minutes of one core.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from torch.nn import functional as F

from actlab import comparison, experiment, slopes, training

SEEDS, STEPS = 10, (300, 750, 1500)
FIRST_SEED = 700  # of the data: no other chapter's comparison has drawn them
TRAIN, VALIDATION, TEST = 4000, 1000, 5000
MEAN = 11 / 48  # of U(1/8, 1/3)
DECAY = 0.01
WIDTHS = [40, 100, 100, 10]

# In the order in which they are worth having: a run may be cut short.
COMPARED = (("fixed", 0.0), ("fixed", MEAN), ("rrelu", MEAN), ("channel", 0.25), ("fixed", 0.01))
SHAPES = (("channel", 0.0), ("channel", 0.5), ("channel", 1.0), ("decay", 0.25), ("shared", 0.25))
GRID = (("fixed", -0.25), ("fixed", 0.5))


def units(quick: bool) -> list[dict]:
    """All arms with their rates, the most wanted first."""
    if quick:
        wanted = [("fixed", 0.0, 0.01), ("rrelu", MEAN, 0.01), ("channel", 0.25, 0.01)]
    else:
        wanted = [(*arm, 0.003) for arm in COMPARED]
        wanted += [(*arm, 0.01) for arm in COMPARED]
        wanted += [(*arm, 0.003) for arm in (*SHAPES, *GRID)]
    return [dict(zip(("arm", "slope", "rate"), unit, strict=True)) for unit in wanted]


@functools.cache
def data(seeds: int, train: int, rest: int) -> tuple:
    """One data set for each seed; drawn once for all arms."""
    return comparison.mnist1d_many(range(FIRST_SEED, FIRST_SEED + seeds), train, rest)


def networks(arm: str, slope: float, seeds: int) -> training.Stack:
    """The networks of one arm before training."""
    if arm == "fixed":
        return training.build(WIDTHS, lambda x: F.leaky_relu(x, slope), seeds)
    if arm == "rrelu":
        torch.manual_seed(0)  # RReLU draws from the global generator
        return training.build(
            WIDTHS, lambda x: F.rrelu(x, 1 / 8, 1 / 3, training=torch.is_grad_enabled()), seeds
        )
    return slopes.build(
        WIDTHS, slope, seeds, shared=arm == "shared", decay=DECAY if arm == "decay" else 0.0
    )


def run(unit: dict, quick: bool = False) -> Iterator[dict]:
    """Train one arm with all its seeds; a row for each seed and stopping time."""
    seeds = 2 if quick else SEEDS
    steps = (2, 4, 6) if quick else STEPS
    sizes = (100, 50, 50) if quick else (TRAIN, VALIDATION, TEST)
    x, y, x_new, y_new = data(seeds, sizes[0], sizes[1] + sizes[2])
    parts = {
        "train": (x, y),
        "validation": (x_new[:, : sizes[1]], y_new[:, : sizes[1]]),
        "test": (x_new[:, sizes[1] :], y_new[:, sizes[1] :]),
    }
    nets = networks(unit["arm"], unit["slope"], seeds)

    def measure(nets: training.Stack) -> list:
        return [training.accuracy(nets, *part) for part in parts.values()]

    found = comparison.fit(nets, x, y, steps, lr=unit["rate"], measure=measure)
    for i, stop in enumerate(steps):
        for seed in range(seeds):
            row = {**unit, "steps": stop, "seed": seed}
            row |= {part: round(100 * float(found[i, j, seed]), 2) for j, part in enumerate(parts)}
            for layer in (0, 1):
                learned = isinstance(nets, slopes.PReLUStack) and stop == steps[-1]
                ends = nets.slopes[layer][seed, 0].tolist() if learned else []
                used = slopes.negative_share(nets, layer, by_use=True)[seed] if learned else 0
                row[f"slopes{layer + 1}"] = " ".join(f"{a:.3f}" for a in ends) or "-"
                row[f"used{layer + 1}"] = round(float(used), 3)  # share negative, by use
            yield row


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    settings = {"seeds": SEEDS, "first_seed": FIRST_SEED, "steps": STEPS, "decay": DECAY}
    with experiment.Record(options, ["arm", "slope", "rate"], settings) as record:
        for unit in record.todo(units(options.quick)):
            record.add(run(unit, options.quick))


if __name__ == "__main__":
    main()
