"""Does a gradient that fades stop training? Optimisers x starts x functions x remedies.

Networks of ten hidden layers of 32 units on MNIST-1D, with fresh data for each seed; all networks
of a function and optimiser are trained in one batched product. Every arm (function, optimiser,
structure, start) tries four rates, and validation data choose one for each number of steps. A row
holds the test accuracy at the chosen rate, and how far the weights of the first and of the last
hidden layer moved, relative to their size at the start. "adam, small eps" is Adam with ε = 1e-30
in place of 1e-8.

It takes about five minutes of one CPU core.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import comparison, experiment
from actlab.meanfield import MeanField

FUNCTIONS = {"sigmoid": torch.sigmoid, "relu": torch.relu}
STARTS = ("default", "xavier", "critical")
RATES = {
    "sgd": (0.03, 0.1, 0.3, 1.0),
    "adam": (0.0003, 0.001, 0.003, 0.01),
    "adam, small eps": (0.0003, 0.001, 0.003, 0.01),
}
PAIRS = [(name, optimiser) for name in ("sigmoid", "relu") for optimiser in ("sgd", "adam")]
UNITS = [  # what the chapter needs most comes first
    *((*pair, "plain") for pair in PAIRS),
    ("sigmoid", "adam, small eps", "plain"),
]
DEPTH, WIDTH, BATCH = 10, 32, 50


def scale_of(name: str, start: str) -> float:
    """k, the standard deviation of a hidden layer's weights times √n."""
    return 1.0 if start == "xavier" else MeanField(name).critical_weight()


def build(name: str, seeds: int, rates: int, device: str) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases of starts x rates x seeds networks; a seed's draws are the same in all."""
    sizes = [40] + [WIDTH] * DEPTH + [10]
    weights, biases = [], []
    generators = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
    for layer in range(DEPTH + 1):
        n, m = sizes[layer : layer + 2]
        normal = torch.stack([torch.randn(n, m, generator=g) for g in generators])
        uniform = torch.stack([torch.rand(n + 1, m, generator=g) for g in generators])
        uniform = (2 * uniform - 1) / math.sqrt(n)
        w, b = [], []
        for start in STARTS:
            if start == "default":
                w.append(uniform[:, :n])
                b.append(uniform[:, n:])
            else:
                k = scale_of(name, start) if layer < DEPTH else 1.0
                w.append(normal * k / math.sqrt(n))
                b.append(torch.zeros(seeds, 1, m))
        for into, parts in ((weights, w), (biases, b)):
            every = torch.stack(parts)[:, None].expand(-1, rates, -1, -1, -1)
            into.append(every.reshape(-1, *every.shape[3:]).to(device).requires_grad_())
    return weights, biases


def logits(
    x: Tensor, weights: list[Tensor], biases: list[Tensor], name: str, structure: str
) -> Tensor:
    """(networks, examples, 10). BatchNorm uses the batch that it sees, also in evaluation."""
    h = x
    for layer in range(DEPTH):
        z = torch.baddbmm(biases[layer], h, weights[layer])
        if structure == "batchnorm":
            z = (z - z.mean(1, keepdim=True)) / (z.var(1, keepdim=True) + 1e-5).sqrt()
        block = FUNCTIONS[name](z)
        h = h + block if structure == "residual" and layer else block
    return torch.baddbmm(biases[-1], h, weights[-1])


def scores(
    points: Tensor, labels: Tensor, nets: tuple[list[Tensor], list[Tensor]], *how: str
) -> np.ndarray:
    """Accuracy of each network on its seed's data, (starts, rates, seeds)."""
    seeds = len(points)
    copies = len(nets[0][0]) // seeds
    with torch.no_grad():
        guess = logits(points.repeat(copies, 1, 1), *nets, *how).argmax(-1)
    right = (guess == labels.repeat(copies, 1)).double().mean(1)
    return right.cpu().numpy().reshape(len(STARTS), -1, seeds)


def train(
    name: str, optimiser: str, structure: str, data: list[Tensor], stops: list[int]
) -> dict[int, tuple[np.ndarray, ...]]:
    """Validation and test accuracy and movement of both layers at each stop."""
    seeds, device = len(data[0]), data[0].device.type
    rates = RATES[optimiser]
    nets = build(name, seeds, len(rates), device)
    parameters = [*nets[0], *nets[1]]
    first, last = nets[0][0], nets[0][DEPTH - 1]
    begin = [first.detach().clone(), last.detach().clone()]
    rate = torch.tensor(rates, device=device)[None, :, None].expand(len(STARTS), -1, seeds)
    rate = rate.reshape(-1, 1, 1)
    mean = [torch.zeros_like(p) for p in parameters]
    square = [torch.zeros_like(p) for p in parameters]
    eps = 1e-30 if "small" in optimiser else 1e-8
    generators = [torch.Generator().manual_seed(10_000 + seed) for seed in range(seeds)]
    copies, found = len(parameters[0]) // seeds, {}
    rows = torch.arange(seeds)[:, None].to(device)
    for step in range(1, stops[-1] + 1):
        picks = torch.stack(
            [torch.randint(data[0].shape[1], (BATCH,), generator=g) for g in generators]
        ).to(device)
        x, y = data[0][rows, picks].repeat(copies, 1, 1), data[1][rows, picks].repeat(copies, 1)
        out = logits(x, *nets, name, structure)
        loss = F.cross_entropy(out.flatten(0, 1), y.flatten(), reduction="sum") / BATCH
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, g, m, v in zip(parameters, gradients, mean, square, strict=True):
                if optimiser == "sgd":
                    p -= rate * g
                    continue
                m.lerp_(g, 0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                # v is 0 in float32 where |g| is below 1e-22; no gradient here is as small.
                size = (v / (1 - 0.999**step)).sqrt() + eps
                p -= rate * (m / (1 - 0.9**step)) / size
        if step in stops:
            moved = [
                ((now.detach() - then).norm(dim=(1, 2)) / then.norm(dim=(1, 2)))
                .cpu()
                .numpy()
                .reshape(len(STARTS), len(rates), seeds)
                for now, then in zip((first, last), begin, strict=True)
            ]
            valid = scores(data[2], data[3], nets, name, structure)
            test = scores(data[4], data[5], nets, name, structure)
            found[step] = (valid, test, *moved)
    return found


def main(argv: list[str] | None = None) -> None:
    """Run what is missing of the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=8, help="how many (8)")
    parser.add_argument(
        "--steps", type=int, nargs="+", default=[200, 600, 1200], help="when to measure"
    )
    options = experiment.options(__file__, __doc__, argv, parser)
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    seeds, steps = (2, [2, 5]) if options.quick else (options.seeds, options.steps)
    sizes = (200, 100, 100) if options.quick else (4000, 1000, 2000)
    units = UNITS[:2] if options.quick else UNITS
    settings = {"seeds": seeds, "steps": steps, "rates": RATES, "depth": DEPTH, "width": WIDTH}
    key = ["function", "optimiser", "structure"]
    with experiment.Record(options, key, settings) as record:
        drawn = [comparison.mnist1d(2000 + s, sizes[0], sum(sizes[1:])) for s in range(seeds)]
        x, y, rest, answers = (torch.tensor(np.stack(part)) for part in zip(*drawn, strict=True))
        cut = sizes[1]
        data = [x, y, rest[:, :cut], answers[:, :cut], rest[:, cut:], answers[:, cut:]]
        data = [part.to(device) for part in data]
        for unit in record.todo([dict(zip(key, unit, strict=True)) for unit in units]):
            rows = []
            for step, (valid, test, first, last) in train(*unit.values(), data, steps).items():
                for index, start in enumerate(STARTS):
                    best = int(valid[index].mean(1).argmax())
                    for seed in range(seeds):
                        rows.append(
                            {
                                **unit,
                                "start": start,
                                "steps": step,
                                "seed": seed,
                                "rate": RATES[unit["optimiser"]][best],
                                "valid": round(float(valid[index, best, seed]), 4),
                                "test": round(float(test[index, best, seed]), 4),
                                "moved_first": f"{first[index, best, seed]:.3g}",
                                "moved_last": f"{last[index, best, seed]:.3g}",
                            }
                        )
            record.add(rows)


if __name__ == "__main__":
    main()
