"""Do GAN discriminators need Leaky ReLU? A ring of eight Gaussians, 16 seeds.

Chapter 15. Generator 2-64-64-2 with ReLU, discriminator 2-64-64-1 with ReLU or with Leaky ReLU of
slope .2 (DCGAN's; Radford et al. 2016). Non-saturating loss, Adam (β₁ = .5), batch 64. Measured at
two stopping times: how many of the eight modes get at least 1 % of 2000 samples within three
standard deviations; what share of the samples is that close to any mode; for what share of them
the discriminator's gradient with respect to its input, which is all that a generator learns from,
is exactly 0.

About 2 minutes of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import experiment, training

FUNCTIONS = {
    "relu": torch.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
}
RATE = 0.001
SEEDS, BATCH, STEPS = 16, 64, (500, 1000)
MODES, RADIUS, STD = 8, 2.0, 0.1


def centres() -> Tensor:
    """The eight means, float32 (8, 2)."""
    angle = 2 * torch.pi * torch.arange(MODES) / MODES
    return RADIUS * torch.stack([angle.cos(), angle.sin()], 1)


def measure(generator: training.Stack, critic: training.Stack) -> list[np.ndarray]:
    """Modes covered, share of good samples, share of zero gradients: float64 (seeds,) each."""
    noise = torch.randn(2000, 2, generator=torch.Generator().manual_seed(99))
    with torch.no_grad():
        samples = generator(noise)
    samples.requires_grad_()
    [slope] = torch.autograd.grad(critic(samples).sum(), samples)
    near = (samples.detach()[:, :, None] - centres()).norm(dim=-1) < 3 * STD
    covered = (near.double().mean(1) >= 0.01).sum(1)
    good = near.any(2).double().mean(1)
    zero = (slope == 0).all(-1).double().mean(1)
    return [covered.double().numpy(), 100 * good.numpy(), 100 * zero.numpy()]


def work(unit: Mapping[str, object]) -> Iterator[dict]:
    """Train one kind of discriminator at one rate: a row for each seed and stopping time."""
    seeds, steps = int(unit["seeds"]), [int(step) for step in str(unit["stops"]).split("/")]
    rate = RATE
    generator = training.build([2, 64, 64, 2], torch.relu, seeds)
    critic = training.build(
        [2, 64, 64, 1], FUNCTIONS[str(unit["function"])], range(100, 100 + seeds)
    )
    moves = [
        torch.optim.Adam(nets.parameters(), rate, betas=(0.5, 0.999))
        for nets in (generator, critic)
    ]
    sources = [torch.Generator().manual_seed(10_000 + seed) for seed in range(seeds)]
    means = centres()
    for step in range(1, steps[-1] + 1):
        # Of each seed's own stream: noise for two fakes, the mode and the noise of what is real.
        drawn = torch.stack([torch.randn(3, BATCH, 2, generator=s) for s in sources])
        mode = torch.stack([torch.randint(MODES, (BATCH,), generator=s) for s in sources])
        real = means[mode] + STD * drawn[:, 0]
        fake = generator(drawn[:, 1])
        loss = F.softplus(-critic(real)) + F.softplus(critic(fake.detach()))
        moves[1].zero_grad()
        loss.mean((1, 2)).sum().backward()
        moves[1].step()
        moves[0].zero_grad()
        F.softplus(-critic(fake)).mean((1, 2)).sum().backward()
        moves[0].step()
        if step in steps:
            found = measure(generator, critic)
            for seed in range(seeds):
                yield {
                    "function": unit["function"],
                    "rate": rate,
                    "seed": seed,
                    "steps": step,
                    "modes": int(found[0][seed]),
                    "good": round(found[1][seed], 2),
                    "zero": round(found[2][seed], 2),
                }


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes at work (default: 1)")
    options = experiment.options(__file__, __doc__, argv, parser)
    seeds, steps = (2, (3, 5)) if options.quick else (SEEDS, STEPS)
    stops = "/".join(map(str, steps))
    units = [
        {"function": function, "rate": RATE, "seeds": seeds, "stops": stops}
        for function in FUNCTIONS
    ]
    settings = {"seeds": seeds, "batch": BATCH, "steps": steps}
    with experiment.Record(options, ["function", "rate"], settings) as record:
        record.run(units, work, options.jobs)


if __name__ == "__main__":
    main()
