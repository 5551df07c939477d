"""Do squares also win in a small classifier, and what do the start and normalisation do to them?

MNIST-1D, network 40-100-100-10, 6 seeds with fresh data each (4000 to train, 2000 to choose the
rate, 2000 to test), Adam, batch 100, accuracy after 300 and 900 steps. Three settings: weights at
He's gain for every function; at the gain of each function, 1/√(E[f(z)²] n); and the latter with
each hidden vector divided by its root mean square before the next matrix, which is what RMSNorm
does in a Transformer. Biases start at zero.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import comparison, experiment, training

ARMS = {
    "relu": F.relu,
    "relu2": lambda x: F.relu(x).square(),
    "square": torch.square,
}
RATES = (0.004, 0.01, 0.02)
STEPS = (300, 900)


def gain(f: training.Function) -> float:
    """1/√E[f(z)²] for a standard normal z."""
    z = torch.linspace(-12, 12, 240_001, dtype=torch.float64)
    weight = torch.exp(-z * z / 2)
    return float((f(z) ** 2 * weight).sum() / weight.sum()) ** -0.5


def normalised(f: training.Function) -> training.Function:
    """f, then division by the root mean square of the layer."""

    def function(z: Tensor) -> Tensor:
        y = f(z)
        return F.rms_norm(y, y.shape[-1:])

    return function


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=6)
    options = experiment.options(__file__, __doc__, argv, parser)
    torch.set_num_threads(1)
    seeds, steps = (1, (2, 4)) if options.quick else (options.seeds, STEPS)
    size = (200, 200) if options.quick else (4000, 4000)
    settings = {"seeds": seeds, "steps": steps, "size": size}
    units = [
        {"arm": arm, "setting": setting, "rate": rate}
        for setting in ("he", "own", "rms")
        for arm in ARMS
        for rate in (RATES[:1] if options.quick else RATES)
    ]
    with experiment.Record(options, ["arm", "setting", "rate"], settings) as record:
        points, labels, others, other_labels = comparison.mnist1d_many(seeds, *size)
        half = size[1] // 2
        for unit in record.todo(units):
            f = ARMS[unit["arm"]]
            scale = 2**0.5 if unit["setting"] == "he" else gain(f)
            bend = normalised(f) if unit["setting"] == "rms" else f
            networks = training.build(
                [40, 100, 100, 10], bend, seeds, lambda n, scale=scale: scale / n**0.5
            )

            def measure(networks: training.Stack) -> np.ndarray:
                tune = training.accuracy(networks, others[:, :half], other_labels[:, :half])
                test = training.accuracy(networks, others[:, half:], other_labels[:, half:])
                return np.concatenate([tune, test])

            found = comparison.fit(
                networks, points, labels, steps, unit["rate"], 100, "adam", measure
            )
            record.add(
                {
                    **unit,
                    "seed": seed,
                    "steps": step,
                    "tune": round(100 * found[i, seed], 3),
                    "test": round(100 * found[i, seeds + seed], 3),
                }
                for i, step in enumerate(steps)
                for seed in range(seeds)
            )


if __name__ == "__main__":
    main()
