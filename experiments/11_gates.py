"""How much of a gated layer's gain is left when its parameters are counted?

    python experiments/11_gates.py                     # the record: 2 minutes of one CPU core
    python experiments/11_gates.py --seeds 2 --out /tmp/part

MNIST-1D, one hidden layer, 12 seeds with fresh data each (4000 to train, 2000 for validation, 4000
to test), Adam, batch 100, accuracy after 400 and 1200 steps, two learning rates for every arm.
Arms: a plain layer of 160 units (8170 parameters) with four functions, of which one is Swish with a
learned β; a SwiGLU layer of the same width 160 (14 730 parameters); and gated layers of 89 units,
matched to the plain one (8198 parameters), with five gates.

Each function starts at its own scale: first layer N(0, 1/40), so that preactivations have variance
1, and second layer N(0, 1/(units · E[f²])), so that the logits have it too. For a gate f = g(a)·b
with independent a and b. Biases start at zero. The same seed means the same data and batches.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import comparison, experiment, training

INPUTS, CLASSES = 40, 10
PLAIN, MATCHED = 160, 89
RATES = (0.003, 0.01)
STEPS = (400, 1200)
VALIDATION = 2000


def same(z: Tensor) -> Tensor:
    """The identity."""
    return z


FUNCTIONS = {
    "identity": same,
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,  # with a learned β that starts at 1
    "swiglu": F.silu,
    "geglu": F.gelu,
    "reglu": F.relu,
    "glu": torch.sigmoid,
    "bilinear": same,
}
GATED = ("swiglu", "geglu", "reglu", "glu", "bilinear")
ARMS = (
    ("relu", PLAIN),
    ("swiglu", PLAIN),
    ("swiglu", MATCHED),
    ("bilinear", MATCHED),
    ("silu", PLAIN),
    ("swish", PLAIN),
    ("reglu", MATCHED),
    ("geglu", MATCHED),
    ("identity", PLAIN),
    ("glu", MATCHED),
)


@dataclass
class Layer(training.Stack):
    """One hidden layer for each seed, with whatever else it learns."""

    more: list[Tensor] = field(default_factory=list)

    def parameters(self) -> list[Tensor]:
        """All trainable tensors."""
        return [*self.weights, *self.biases, *self.more]


def mean_square(f: training.Function) -> float:
    """E[f(z)²] for a standard normal z."""
    z = torch.linspace(-12, 12, 240_001, dtype=torch.float64)
    weight = torch.exp(-z * z / 2)
    return float((f(z) ** 2 * weight).sum() / weight.sum())


def parameters(name: str, units: int) -> int:
    """Weights and biases of one network (without β)."""
    first = units * (2 if name in GATED else 1)
    return (INPUTS + 1) * first + (units + 1) * CLASSES


def build(name: str, units: int, seeds: Sequence[int]) -> Layer:
    """Networks of one arm, one for each seed; the second half of a gated layer is the gate."""
    f = FUNCTIONS[name]
    first = units * (2 if name in GATED else 1)
    weights: list[list[Tensor]] = [[], []]
    for seed in seeds:
        generator = torch.Generator().manual_seed(int(seed))
        scale = (units * mean_square(f)) ** -0.5
        weights[0].append(torch.randn(INPUTS, first, generator=generator) * INPUTS**-0.5)
        weights[1].append(torch.randn(units, CLASSES, generator=generator) * scale)
    stacked = [torch.stack(layer).requires_grad_() for layer in weights]
    biases = [torch.zeros(len(seeds), 1, w.shape[2], requires_grad=True) for w in stacked]
    if name == "swish":
        beta = torch.ones(len(seeds), 1, 1, requires_grad=True)
        return Layer(stacked, biases, lambda z: z * torch.sigmoid(beta * z), [beta])
    if name in GATED:

        def gate(z: Tensor) -> Tensor:
            through, gating = z.chunk(2, -1)
            return through * f(gating)

        return Layer(stacked, biases, gate)
    return Layer(stacked, biases, f)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=12)
    options = experiment.options(__file__, __doc__, argv, parser)
    torch.set_num_threads(1)
    seeds, steps = (2, (2, 4)) if options.quick else (options.seeds, STEPS)
    size = (200, 400) if options.quick else (4000, VALIDATION + 4000)
    settings = {"seeds": seeds, "steps": steps, "size": size}
    units = [
        {"arm": arm, "units": width, "rate": rate}
        for arm, width in (ARMS[4:6] if options.quick else ARMS)
        for rate in RATES
    ]
    with experiment.Record(options, ["arm", "units", "rate"], settings) as record:
        points, labels, others, other_labels = comparison.mnist1d_many(seeds, *size)
        cut = size[1] // 3
        for unit in record.todo(units):
            networks = build(unit["arm"], unit["units"], range(seeds))

            def measure(networks: Layer) -> np.ndarray:
                tune = training.accuracy(networks, others[:, :cut], other_labels[:, :cut])
                test = training.accuracy(networks, others[:, cut:], other_labels[:, cut:])
                train = training.accuracy(networks, points, labels)
                beta = [float(b) for more in networks.more for b in more.detach().flatten()]
                return np.concatenate([tune, test, train, beta or np.ones(seeds)])

            found = comparison.fit(
                networks, points, labels, steps, unit["rate"], 100, "adam", measure
            ).reshape(len(steps), 4, seeds)
            record.add(
                {
                    **unit,
                    "parameters": parameters(unit["arm"], unit["units"]),
                    "seed": seed,
                    "steps": step,
                    "tune": round(100 * found[i, 0, seed], 3),
                    "test": round(100 * found[i, 1, seed], 3),
                    "train": round(100 * found[i, 2, seed], 3),
                    "beta": round(found[i, 3, seed], 4),
                }
                for i, step in enumerate(steps)
                for seed in range(seeds)
            )


if __name__ == "__main__":
    main()
