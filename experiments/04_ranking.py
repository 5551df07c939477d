"""Is ReLU the best default? Five functions, each with its own rate, at several training lengths.

Networks 40-100-100-10 with He's initial weights on MNIST-1D, Adam, batches of 100, fresh data for
every seed. Part "tune" trains every function with every rate on seeds of its own and scores it on
validation data at each number of steps. Part "compare" trains each function with each rate that won
for some number of steps, up to that number, on other seeds, and scores it on test data. A chapter
reads, for each function and number of steps, the rows of the rate that the first part has chosen.
Functions with the same seed share data, order of batches and initial weights, so their differences
are paired. The second part waits for the first.

About 4 minutes of one core; --jobs spreads them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch.nn import functional as F

from actlab import comparison, experiment, training

FUNCTIONS = {
    "relu": torch.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
RATES = (0.003, 0.01, 0.03)
STEPS = (200, 700, 2000)
SEEDS, TUNING_SEEDS = 14, 4
FIRST_SEED, FIRST_TUNING_SEED = 400, 440  # of the data: no other comparison has drawn them
TRAIN, OTHER = 4000, 4000


def run(unit: Mapping[str, object]) -> list[dict]:
    """Train one function with one rate and all seeds of its part; the rows of the record."""
    torch.set_num_threads(1)
    tuning, quick = unit["part"] == "tune", unit["quick"]
    first = FIRST_TUNING_SEED if tuning else FIRST_SEED
    count = 2 if quick else TUNING_SEEDS if tuning else SEEDS
    sizes, steps = ((100, 50), (2, 4, 6)) if quick else ((TRAIN, OTHER), STEPS)
    steps = [stop for stop in steps if stop <= unit.get("until", steps[-1])]
    seeds = range(first, first + count)
    x, y, x_new, y_new = comparison.mnist1d_many(seeds, *sizes)
    networks = training.build([40, 100, 100, 10], FUNCTIONS[str(unit["function"])], seeds)

    def measure(networks: training.Stack) -> list[np.ndarray]:
        return [training.accuracy(networks, x, y), training.accuracy(networks, x_new, y_new)]

    found = comparison.fit(networks, x, y, steps, lr=float(unit["rate"]), measure=measure)
    return [
        {key: unit[key] for key in ("part", "function", "rate")}
        | {"steps": stop, "seed": seed}
        | {part: round(100 * float(found[i, j, at]), 2) for j, part in enumerate(("train", "new"))}
        for i, stop in enumerate(steps)
        for at, seed in enumerate(seeds)
    ]


def chosen(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], int]:
    """For each function and rate that is best at some number of steps, the largest such number."""
    scores: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        if row["part"] == "tune":
            key = (row["function"], row["steps"], row["rate"])
            scores.setdefault(key, []).append(float(row["new"]))
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for (function, steps, rate), values in scores.items():
        entry = (float(np.mean(values)), rate)
        best[function, steps] = max(best.get((function, steps), entry), entry)
    until: dict[tuple[str, str], int] = {}
    for (function, steps), (_, rate) in best.items():
        until[function, rate] = max(until.get((function, rate), 0), int(steps))
    return until


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record: first "tune", then "compare"."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    options = experiment.options(__file__, __doc__, argv, parser)
    names = list(FUNCTIONS)[:2] if options.quick else list(FUNCTIONS)
    rates = RATES[1:3] if options.quick else RATES
    settings = {
        "seeds": SEEDS,
        "tuning_seeds": TUNING_SEEDS,
        "first_seed": FIRST_SEED,
        "first_tuning_seed": FIRST_TUNING_SEED,
    }
    with experiment.Record(options, ["part", "function", "rate"], settings) as record:
        common = {"quick": options.quick}
        tune = [{"part": "tune", "function": f, "rate": r} | common for f in names for r in rates]
        record.run(tune, run, options.jobs)
        compare = [
            {"part": "compare", "function": function, "rate": rate, "until": until} | common
            for (function, rate), until in chosen(record.rows()).items()
        ]
        record.run(compare, run, options.jobs)


if __name__ == "__main__":
    main()
