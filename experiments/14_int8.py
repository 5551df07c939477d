"""Which activation loses more answers in int8? Paired, on MNIST-1D.

Networks 40-100-100-10 with five functions, 12 seeds with fresh data each, Adam at two rates,
measured after 500 and 1500 steps. Then the trained network is rounded in six ways: the outputs of
its two activations to symmetric or affine int8 grids (one for a tensor, its ends taken from 1000
training examples), its weights to symmetric int8 (one grid for a tensor or one for each output),
and both together. Each row holds, for one seed and one way, on 10,000 new examples: the accuracy,
the share of answers that differ from the unrounded network's (with how many of them were right
before and are wrong now, and the reverse), and the signal-to-noise ratio of the logits in dB.

About 1.5 minutes of one core.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from actlab import comparison, experiment, modules, quantize, training

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "tanh": torch.tanh,
    "relu2": modules.LeakyReLU2(0.0),
}
RATES = (0.003, 0.01)
STEPS = (500, 1500)
SEEDS, FIRST_SEED = 12, 1400
TRAIN, VALIDATION, TEST, CALIBRATION = 4000, 1000, 10_000, 1000
# name: (grids of the activations, grids of the weights)
WAYS = {
    "float": (None, None),
    "outputs symmetric": ("symmetric", None),
    "outputs affine": ("affine", None),
    "weights per tensor": (None, "tensor"),
    "weights per output": (None, "output"),
    "both, symmetric": ("symmetric", "output"),
    "both, affine": ("affine", "output"),
}


@functools.cache
def data(seeds: range, test: int) -> tuple[np.ndarray, ...]:
    """Training with validation, and test, of all seeds; the same for every unit."""
    return comparison.mnist1d_many(seeds, TRAIN + VALIDATION, test)


def rounded_weights(weight: Tensor, way: str | None) -> Tensor:
    """The weights (seeds, fan_in, fan_out) of one layer on symmetric int8 grids."""
    if way is None:
        return weight
    dims = (1, 2) if way == "tensor" else (1,)
    return quantize.symmetric(weight.abs().amax(dims, keepdim=True))(weight)


def logits(networks: training.Stack, points: Tensor, known: Tensor, way: str) -> Tensor:
    """The logits (seeds, n, classes) of the networks rounded one way; ``known`` calibrates."""
    outputs, weights = WAYS[way]
    hidden, seen = points, known
    layers = list(zip(networks.weights, networks.biases, strict=True))
    for number, (weight, bias) in enumerate(layers, 1):
        weight = rounded_weights(weight, weights)
        hidden, seen = torch.baddbmm(bias, hidden, weight), torch.baddbmm(bias, seen, weight)
        if number == len(layers):
            break
        hidden, seen = networks.activation(hidden), networks.activation(seen)
        if outputs:
            grids = [
                quantize.symmetric(one.abs().max().item())
                if outputs == "symmetric"
                else quantize.affine(one.min().item(), one.max().item())
                for one in seen
            ]
            hidden = torch.stack([grid(one) for grid, one in zip(grids, hidden, strict=True)])
            seen = torch.stack([grid(one) for grid, one in zip(grids, seen, strict=True)])
    return hidden


def work(unit: Mapping[str, object]) -> Iterator[dict]:
    """Train one function at one rate; a row for each stopping time, seed and way."""
    quick = bool(unit["quick"])
    seeds = range(FIRST_SEED, FIRST_SEED + (2 if quick else SEEDS))
    steps = (5, 10) if quick else STEPS
    test = 200 if quick else TEST
    x, y, new, labels = data(seeds, test)
    x, new = torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(new, dtype=torch.float32)
    networks = training.build([40, 100, 100, 10], FUNCTIONS[str(unit["function"])], seeds)
    found: list[dict] = []

    @torch.no_grad()
    def measure(networks: training.Stack) -> list[float]:
        validation = training.accuracy(networks, x[:, TRAIN:], y[:, TRAIN:])
        exact = networks(new).double().numpy()
        before = exact.argmax(-1)
        for way in WAYS:
            z = logits(networks, new, x[:, :CALIBRATION], way).double().numpy()
            now = z.argmax(-1)
            for row, seed in enumerate(seeds):
                right, still = before[row] == labels[row], now[row] == labels[row]
                found.append(
                    {
                        "function": unit["function"],
                        "rate": unit["rate"],
                        "steps": steps[len(found) // (len(WAYS) * len(seeds))],
                        "seed": seed,
                        "way": way,
                        "validation": round(100 * validation[row], 2),
                        "accuracy": round(100 * still.mean(), 2),
                        "changed": round(100 * (before[row] != now[row]).mean(), 3),
                        "broken": round(100 * (right & ~still).mean(), 3),
                        "mended": round(100 * (~right & still).mean(), 3),
                        "snr": round(quantize.signal_to_noise(exact[row], z[row]), 2),
                    }
                )
        return [0.0] * len(seeds)

    comparison.fit(
        networks, x[:, :TRAIN].numpy(), y[:, :TRAIN], steps, lr=float(unit["rate"]), measure=measure
    )
    yield from found


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    settings = {"seeds": SEEDS, "steps": STEPS, "rates": RATES, "test": TEST}
    units = [
        {"function": function, "rate": rate, "quick": options.quick}
        for function in FUNCTIONS
        for rate in RATES
    ]
    with experiment.Record(options, ["function", "rate"], settings) as record:
        record.run(units, work)


if __name__ == "__main__":
    main()
