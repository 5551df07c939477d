"""Do GAN discriminators need a leak? A ring of eight Gaussians, 20 seeds, two rates.

Chapter 7. Generator 2-64-64-2 with ReLU; discriminator 2-64-64-1 with ReLU or with Leaky ReLU of
slope .2, which is what DCGAN used (Radford et al. 2016). Non-saturating loss, Adam with β₁ = .5,
batches of 64. All seeds train together; both arms share seeds, initial weights and draws.

A row for each seed and stopping time: how many of the eight modes get at least 1 % of 2000 samples
within three standard deviations; what percentage of the samples is that close to any mode; for
what percentage the discriminator's gradient by its input, which is all that a generator learns
from, is exactly 0; and what percentage of the discriminator's hidden units is positive for none of
these samples and none of 2000 real points.

About 90 seconds of one core.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import experiment, training

SLOPES = (0.0, 0.2)
RATES = (0.001, 0.004)
SEEDS, BATCH, STEPS = 20, 64, (500, 1000, 2000)
MODES, RADIUS, STD = 8, 2.0, 0.1


def centres() -> Tensor:
    """The eight means, float32 (8, 2)."""
    angle = 2 * torch.pi * torch.arange(MODES) / MODES
    return RADIUS * torch.stack([angle.cos(), angle.sin()], 1)


def measure(generator: training.Stack, critic: training.Stack) -> dict[str, list[float]]:
    """The four outcomes by name, one value for each seed."""
    source = torch.Generator().manual_seed(99)
    noise = torch.randn(2000, 2, generator=source)
    mode = torch.randint(MODES, (2000,), generator=source)
    real = centres()[mode] + STD * torch.randn(2000, 2, generator=source)
    with torch.no_grad():
        samples = generator(noise)
        both = torch.cat([samples, real.expand_as(samples)], 1)
        silent = torch.cat([(z <= 0).all(1) for z in critic.preactivations(both)[:-1]], 1)
    samples.requires_grad_()
    [slope] = torch.autograd.grad(critic(samples).sum(), samples)
    near = (samples.detach()[:, :, None] - centres()).norm(dim=-1) < 3 * STD
    return {
        "modes": (near.double().mean(1) >= 0.01).sum(1).tolist(),
        "good": (100 * near.any(2).double().mean(1)).tolist(),
        "zero": (100 * (slope == 0).all(-1).double().mean(1)).tolist(),
        "silent": (100 * silent.double().mean(1)).tolist(),
    }


def run(unit: dict, seeds: int, steps: tuple[int, ...]) -> Iterator[dict]:
    """Train one kind of discriminator at one rate; a row for each seed and stopping time."""
    slope, rate = unit["slope"], unit["rate"]
    generator = training.build([2, 64, 64, 2], torch.relu, seeds)
    critic = training.build(
        [2, 64, 64, 1], lambda x: F.leaky_relu(x, slope), range(100, 100 + seeds)
    )
    moves = [
        torch.optim.Adam(nets.parameters(), rate, betas=(0.5, 0.999))
        for nets in (generator, critic)
    ]
    sources = [torch.Generator().manual_seed(10_000 + seed) for seed in range(seeds)]
    means = centres()
    for step in range(1, steps[-1] + 1):
        # Of each seed's own stream: noise for the fakes, the modes and the noise of what is real.
        drawn = torch.stack([torch.randn(2, BATCH, 2, generator=s) for s in sources])
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
                row = {**unit, "seed": seed, "steps": step}
                yield row | {name: round(values[seed], 2) for name, values in found.items()}


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    seeds, steps = (2, (2, 4)) if options.quick else (SEEDS, STEPS)
    units = [{"slope": slope, "rate": rate} for rate in RATES[::-1] for slope in SLOPES]
    settings = {"seeds": seeds, "batch": BATCH, "steps": steps}
    with experiment.Record(options, ["slope", "rate"], settings) as record:
        for unit in record.todo(units):
            record.add(run(unit, seeds, steps))


if __name__ == "__main__":
    main()
