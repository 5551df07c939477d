"""How far are softmax's shares from the true probabilities, and what does a temperature repair?

Three classes of points in the plane, each a Gaussian with its own covariance, so that the true
probability of every class at every point is known. A network 2-32-32-3 of ReLUs and a linear
softmax learn from n points (Adam, rate 0.01, batches of 100), 20 seeds with fresh data each. Each
row holds, for one seed at one number of steps, on 4000 new points: the mean Kullback-Leibler
divergence from the truth, the accuracy and the mean confidence in percent, and the temperature
chosen on 500 held-out points with the divergence and the confidence after it.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch

from actlab import calibration, comparison, experiment, training

MODELS = {"network": [2, 32, 32, 3], "linear": [2, 3]}
NUMBERS = (30, 100, 300, 1000, 3000, 10000)
STEPS = (300, 3000)
SEEDS = 20
FIRST_SEED = 1220
HELD_OUT, TEST = 500, 4000

Unit = dict[str, object]


def units(quick: bool) -> list[Unit]:
    """All settings."""
    numbers = (30, 100) if quick else NUMBERS
    return [{"model": m, "n": n} for m, n in itertools.product(MODELS, numbers)]


def run(unit: Unit, quick: bool = False) -> list[dict]:
    """Train one setting with all its seeds; the rows of the record."""
    seeds = 2 if quick else SEEDS
    held, test = (20, 40) if quick else (HELD_OUT, TEST)
    steps = (2, 4) if quick else STEPS
    n = unit["n"]
    draws = [calibration.mixture(n + held + test, FIRST_SEED + seed) for seed in range(seeds)]
    x, y, truth = (np.stack(part) for part in zip(*draws, strict=True))
    held_out, new = slice(n, n + held), slice(n + held, None)
    networks = training.build(MODELS[unit["model"]], torch.relu, seeds)

    @torch.no_grad()
    def measure(networks: training.Stack) -> np.ndarray:
        z = networks(torch.as_tensor(x, dtype=torch.float32)).double().numpy()
        heat = calibration.temperature(z[:, held_out], y[:, held_out])
        cooled = z[:, new] / heat[:, None, None]
        right = z[:, new].argmax(-1) == y[:, new]
        best = truth[:, new].max(-1)
        return np.stack(
            [
                calibration.divergence(truth[:, new], z[:, new]),
                100 * right.mean(1),
                100 * calibration.confidence(z[:, new]),
                heat,
                calibration.divergence(truth[:, new], cooled),
                100 * calibration.confidence(cooled),
                100 * best.mean(1),
            ]
        )

    found = comparison.fit(networks, x[:, :n], y[:, :n], steps, lr=0.01, measure=measure)
    names = ("kl", "accuracy", "confidence", "temperature", "kl_after", "confidence_after", "best")
    return [
        {**unit, "steps": stop, "seed": seed}
        | {name: round(float(found[i, j, seed]), 5) for j, name in enumerate(names)}
        for i, stop in enumerate(steps)
        for seed in range(seeds)
    ]


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    settings = {"seeds": SEEDS, "first_seed": FIRST_SEED}
    with experiment.Record(options, ["model", "n"], settings) as record:
        for unit in record.todo(units(options.quick)):
            record.add(run(unit, options.quick))
            record.say(f"{unit['model']} with {unit['n']} points")


if __name__ == "__main__":
    main()
