"""Does GELU beat ReLU on MNIST-1D? 56 seeds, three stopping times.

Chapter 15, "What you would have published". Every seed has data of its own (4000 training and
10 000 test points), its own initial weights (He) and its own order of batches; both functions get
the same of each. Network 40-100-100-10, Adam at .003, batch 100. The column "test_small" is the
accuracy on the first 2000 of the test points: what a lab with a smaller test set would have seen.

About 3 minutes of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

import torch

from actlab import comparison, experiment, training

FUNCTIONS = {"relu": torch.relu, "gelu": torch.nn.functional.gelu}
RATE = 0.003
SEEDS, BLOCK = 56, 14
STEPS = (600, 1500, 3000)
TRAIN, TEST, SMALL = 4000, 10_000, 2000


def work(unit: Mapping[str, object]) -> Iterator[dict]:
    """Train one block of seeds with one function: a row for each seed and stopping time."""
    first, count = int(unit["block"]), int(unit["count"])
    stops = [int(stop) for stop in str(unit["stops"]).split("/")]
    seeds = range(first, first + count)
    points, labels, test_points, test_labels = comparison.mnist1d_many(
        seeds, int(unit["train"]), TEST
    )
    networks = training.build([40, 100, 100, 10], FUNCTIONS[str(unit["function"])], seeds)

    train: list = []
    small: list = []

    def measure(networks: training.Stack) -> list[float]:
        train.append(comparison.accuracy(networks, points, labels))
        small.append(comparison.accuracy(networks, test_points[:, :SMALL], test_labels[:, :SMALL]))
        return comparison.accuracy(networks, test_points, test_labels)

    test = comparison.fit(networks, points, labels, stops, lr=RATE, measure=measure)
    for at, steps in enumerate(stops):
        for row, seed in enumerate(seeds):
            yield {
                "function": unit["function"],
                "block": first,
                "seed": seed,
                "steps": steps,
                "test": round(100 * test[at, row], 3),
                "test_small": round(100 * small[at][row], 3),
                "train": round(100 * train[at][row], 3),
            }


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes at work (default: 1)")
    options = experiment.options(__file__, __doc__, argv, parser)
    settings = {"seeds": SEEDS, "train": TRAIN, "test": TEST, "rate": RATE, "steps": STEPS}
    if options.quick:
        settings |= {"seeds": 4, "train": 500, "steps": (10, 20)}
    block = BLOCK if not options.quick else 2
    units = [
        {
            "function": function,
            "block": first,
            "count": block,
            "train": settings["train"],
            "stops": "/".join(map(str, settings["steps"])),
        }
        for first in range(0, settings["seeds"], block)
        for function in FUNCTIONS
    ]
    with experiment.Record(options, ["function", "block"], settings) as record:
        record.run(units, work, options.jobs)


if __name__ == "__main__":
    main()
