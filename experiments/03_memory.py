"""Which recurrent network learns to add two numbers that it saw up to 50 steps ago?

The adding problem (Hochreiter & Schmidhuber 1997): at each of 50 steps the network sees a number
from U(0, 1) and a mark that is 1 at two of the steps, one in each half, and 0 elsewhere; at the
end it says the sum of the two marked numbers. Always answering 1 has a mean squared error of 1/6.

32 units, h = f(x U + h W + b), f = tanh or ReLU, a linear read-out of the last h. Only W at the
start differs: "uniform" (within 1/sqrt(32), PyTorch's default), "orthogonal", "identity"; U is
uniform within 1/sqrt(32). Adam, 40 fresh sequences a step, gradient clipped to norm 1. Units with
the same seed share U, read-out and sequences. Each row holds the mean squared error of one seed on
500 validation and 1500 test sequences at one number of steps.
"""

from __future__ import annotations

import argparse
import math

import torch
from torch import Tensor

from actlab import experiment

FUNCTIONS = {"tanh": torch.tanh, "relu": torch.relu}
STARTS = ("identity", "orthogonal", "uniform")
RATES = (0.001, 0.003)
STEPS = (200, 400, 700)
SEEDS, UNITS, LENGTH, BATCH = 6, 32, 50, 40

Unit = dict[str, object]


def sequences(n: int, generator: torch.Generator, length: int = LENGTH) -> tuple[Tensor, Tensor]:
    """Draw ``n`` problems: inputs (length, n, 2) and sums (n, 1)."""
    x = torch.zeros(length, n, 2)
    x[..., 0] = torch.rand(length, n, generator=generator)
    half, all_n = length // 2, torch.arange(n)
    for start in (0, half):
        x[start + torch.randint(half, (n,), generator=generator), all_n, 1] = 1
    return x, (x[..., 0] * x[..., 1]).sum(0)[:, None]


def parameters(start: str, seeds: int, units: int = UNITS) -> list[Tensor]:
    """W, U, b, read-out and its bias, one for each seed, before training."""
    made = []
    bound = 1 / math.sqrt(units)
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        random = torch.randn(units, units, generator=generator)
        uniform, u, out = (
            bound * (2 * torch.rand(*shape, generator=generator) - 1)
            for shape in ((units, units), (2, units), (units, 1))
        )
        q, r = torch.linalg.qr(random)
        w = {"identity": torch.eye(units), "orthogonal": q * r.diag().sign(), "uniform": uniform}
        made.append([w[start], u, torch.zeros(1, units), out, torch.zeros(1, 1)])
    return [torch.stack(parts) for parts in zip(*made, strict=True)]


def states(p: list[Tensor], function: str, x: Tensor) -> list[Tensor]:
    """All states h, from 0 to the last: (seeds, n, units) each; x is (length, seeds, n, 2)."""
    w, u, b = p[:3]
    found = [x.new_zeros(*x.shape[1:3], w.shape[2])]
    for drive in x @ u + b:
        found.append(FUNCTIONS[function](torch.baddbmm(drive, found[-1], w)))
    return found


def gradients(
    p: list[Tensor], function: str, x: Tensor, target: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Backpropagation through time by hand: gradients of the seeds' mean squared errors."""
    h = states(p, function, x)
    w, out = p[0], p[3]
    error = h[-1] @ out + p[4] - target
    d_y = 2 * error / error.shape[1]
    arriving, deltas = d_y @ out.mT, []
    for state in h[:0:-1]:
        slope = 1 - state * state if function == "tanh" else (state > 0).to(state.dtype)
        deltas.append(arriving * slope)
        arriving = deltas[-1] @ w.mT
    delta = torch.stack(deltas[::-1], 1).flatten(1, 2)  # (seeds, length * n, units)
    before = torch.stack(h[:-1], 1).flatten(1, 2)
    given = x.transpose(0, 1).flatten(1, 2)
    return [
        before.mT @ delta,
        given.mT @ delta,
        delta.sum(1, keepdim=True),
        h[-1].mT @ d_y,
        d_y.sum(1, keepdim=True),
    ], (error**2).mean((1, 2))


def run(unit: Unit, quick: bool = False, seeds: int = SEEDS, steps: tuple = STEPS) -> list[dict]:
    """Train one setting with all its seeds; the rows of the record."""
    torch.set_num_threads(1)
    if quick:
        seeds, steps = 2, (2, 4)
    p = parameters(unit["start"], seeds)
    update = torch.optim.Adam(p, lr=unit["rate"])
    streams = [torch.Generator().manual_seed(1000 + seed) for seed in range(seeds)]
    tests = {
        part: sequences(n, torch.Generator().manual_seed(draw))
        for part, n, draw in (("validation", 500, 1), ("test", 1500, 2))
    }
    rows = []
    for step in range(1, steps[-1] + 1):
        drawn = [sequences(BATCH, stream) for stream in streams]
        x, target = torch.stack([d[0] for d in drawn], 1), torch.stack([d[1] for d in drawn])
        found, _ = gradients(p, unit["function"], x, target)
        norm = sum((g**2).sum((1, 2), keepdim=True) for g in found).sqrt()
        for parameter, gradient in zip(p, found, strict=True):
            clipped = gradient / norm.clamp(min=1)
            parameter.grad = torch.nan_to_num(clipped, nan=0.0, posinf=0.0, neginf=0.0)
        update.step()
        if step in steps:
            errors = {}
            for part, (x, target) in tests.items():
                last = states(p, unit["function"], x[:, None].expand(-1, seeds, -1, -1))[-1]
                errors[part] = ((last @ p[3] + p[4] - target) ** 2).mean((1, 2)).tolist()
            rows += [
                {**unit, "steps": step, "seed": seed}
                | {part: float(f"{values[seed]:.5g}") for part, values in errors.items()}
                for seed in range(seeds)
            ]
    return rows


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    options = experiment.options(__file__, __doc__, argv, argparse.ArgumentParser())
    rates = RATES[:1] if options.quick else RATES
    todo = [
        {"start": start, "function": function, "rate": rate}
        for rate in rates
        for start in STARTS
        for function in FUNCTIONS
    ]
    settings = {"seeds": SEEDS, "units": UNITS, "length": LENGTH}
    with experiment.Record(options, ["start", "function", "rate"], settings) as record:
        for unit in record.todo(todo):
            record.add(run(unit, options.quick))


if __name__ == "__main__":
    main()
