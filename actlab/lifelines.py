"""When ReLU units fall silent on a whole data set, and when they come back.

Many networks train at once, each at a rate of its own, and at every check each hidden unit is asked
one question: is your preactivation positive for *any* example of the training set? A unit that
answers no is dead there. The answers over time are its life line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from actlab.training import Stack, build, he_std

OPTIMIZERS = ("sgd", "momentum", "adam")


@dataclass(frozen=True)
class Spell:
    """A stretch of checks at which one unit is dead.

    Attributes:
        network: index of the network.
        unit: index of the unit in its layer.
        start: the first check at which it is dead.
        end: the first check at which it is alive again; None if the record ends before.
    """

    network: int
    unit: int
    start: int
    end: int | None


@dataclass
class LifeLines:
    """What :func:`train` saw.

    Attributes:
        checks: the number of updates made before each check, int64 (checks,).
        alive: for each hidden layer bool (checks, networks, units): whether the unit's
            preactivation was positive for at least one training example.
        loss: mean cross-entropy of the training set at each check, float64 (checks, networks).
        moved: for each hidden layer bool (checks, networks, units): whether a weight or the bias
            of the unit differs, in any bit, from what it was at the check before (False at the
            first).
    """

    checks: np.ndarray
    alive: list[np.ndarray]
    loss: np.ndarray
    moved: list[np.ndarray]


def spells(alive: np.ndarray) -> list[Spell]:
    """The dead spells in ``alive``, bool (checks, networks, units), by network, unit and time."""
    checks = len(alive)
    found = []
    # One column of life before the record begins: a unit that is born dead starts a spell at 0.
    padded = np.concatenate([np.ones_like(alive[:1]), alive])
    for network, unit in np.argwhere(~alive.all(0)):
        change = np.diff(padded[:, network, unit].astype(np.int8))
        starts, ends = np.flatnonzero(change < 0), np.flatnonzero(change > 0)
        for index, start in enumerate(starts):
            end = int(ends[index]) if index < len(ends) else None
            found.append(Spell(int(network), int(unit), int(start), end))
    assert all(spell.end is None or spell.end < checks for spell in found)
    return found


def counts(alive: np.ndarray) -> dict[str, np.ndarray]:
    """Deaths and revivals of each network from ``alive``, bool (checks, networks, units).

    Returns:
        int64 (networks,) each: ``born_dead`` units dead at the first check, ``deaths`` changes
        from alive to dead, ``revivals`` changes from dead to alive, ``ever`` units dead at some
        check, ``back`` units dead at some check and alive at the last, ``dead`` at the last.
    """
    before, after = alive[:-1], alive[1:]
    ever = ~alive.all(0)
    return {
        "born_dead": (~alive[0]).sum(-1),
        "deaths": (before & ~after).sum((0, -1)),
        "revivals": (~before & after).sum((0, -1)),
        "ever": ever.sum(-1),
        "back": (ever & alive[-1]).sum(-1),
        "dead": (~alive[-1]).sum(-1),
    }


def networks_like(
    widths: Sequence[int],
    seeds: Iterable[int],
    start: str = "he",
    bias: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> Stack:
    """ReLU networks that differ in their initialisation only.

    Args:
        widths: layer sizes, input to output.
        seeds: one network each; equal seeds give equal random numbers.
        start: "he" (normal weights, constant biases) or "default" (what ``nn.Linear`` does:
            weights and biases uniform within ±1/√fan_in).
        bias: added to the biases of all hidden layers.
        dtype: of the parameters; the random numbers are those of float32.

    Raises:
        ValueError: for another ``start``.
    """
    seeds = list(seeds)
    if start not in ("he", "default"):
        raise ValueError(f"start must be 'he' or 'default', not {start!r}")
    networks = build(widths, torch.relu, seeds, he_std)
    with torch.no_grad():
        if start == "default":
            for network, seed in enumerate(seeds):
                generator = torch.Generator().manual_seed(1_000_000 + int(seed))
                for weight, offset in zip(networks.weights, networks.biases, strict=True):
                    bound = weight.shape[1] ** -0.5
                    weight[network].uniform_(-bound, bound, generator=generator)
                    offset[network].uniform_(-bound, bound, generator=generator)
        for offset in networks.biases[:-1]:
            offset += bias
    for layer in (networks.weights, networks.biases):
        layer[:] = [tensor.detach().to(dtype).requires_grad_() for tensor in layer]
    return networks


def preactivations(
    networks: Stack,
    inputs: Tensor,
    slope: Tensor | float = 0.0,
    gains: Sequence[Tensor] | None = None,
    statistics: list[tuple[Tensor, Tensor]] | None = None,
) -> list[Tensor]:
    """Preactivations of every layer, (networks, n, width) each; the last are the logits.

    Args:
        networks: their ``activation`` is not consulted.
        inputs: (n, features) or (networks, n, features).
        slope: of the activation left of 0, one for all or (networks, 1, 1).
        gains: with it, hidden layers are batch-normalised with these gains, (networks, 1, width),
            before the bias is added; without it they are not.
        statistics: mean and variance of each hidden layer. An empty list is filled with those of
            ``inputs``; a filled one is used in their place.
    """
    hidden = inputs if inputs.ndim == 3 else inputs.expand(networks.seeds, *inputs.shape)
    found: list[Tensor] = []
    given = bool(statistics)
    layers = len(networks.weights)
    for layer, (weight, bias) in enumerate(zip(networks.weights, networks.biases, strict=True)):
        if gains is None or layer == layers - 1:
            z = torch.baddbmm(bias, hidden, weight)
        else:
            z = hidden @ weight
            if given:
                mean, variance = statistics[layer]
            else:
                variance, mean = torch.var_mean(z, 1, unbiased=False, keepdim=True)
                if statistics is not None:
                    statistics.append((mean, variance))
            z = (z - mean) * torch.rsqrt(variance + 1e-5) * gains[layer] + bias
        found.append(z)
        hidden = torch.relu(z) - slope * torch.relu(-z)
    return found


def train(
    networks: Stack,
    points: np.ndarray,
    labels: np.ndarray,
    steps: int,
    rate: float | Sequence[float] | np.ndarray,
    *,
    optimizer: str = "sgd",
    decay: float | Sequence[float] | np.ndarray = 0.0,
    decay_biases: bool = True,
    batch: int | None = None,
    data_of: Sequence[int] | None = None,
    frozen: Iterable[int] = (),
    slope: float | Sequence[float] | np.ndarray = 0.0,
    gains: Sequence[Tensor] | None = None,
    every: int = 1,
) -> LifeLines:
    """Train ``networks`` in place on the cross-entropy, and ask every unit whether it lives.

    Args:
        networks: on any device and of any floating dtype; the data follow.
        points: (n, features) for all, or (data sets, n, features).
        labels: (n,) or (data sets, n).
        steps: updates.
        rate: one for all networks or one for each.
        optimizer: "sgd", "momentum" (0.9) or "adam" (β 0.9 and 0.999, ε 1e-8).
        decay: decoupled weight decay, one for all or one for each: before each update, parameters
            shrink by the factor 1 − rate · decay. Frozen layers do not shrink.
        decay_biases: whether biases shrink too, as in most optimisers, or only weights.
        batch: examples in an update, drawn for each data set by its index, so that networks that
            share a data set see the same batches; None takes all.
        data_of: the data set of each network; None: network i has data set i (or the only one).
        frozen: hidden layers whose weights and biases stay as they are, 0 for the first.
        slope: of the activation left of 0, one for all or one for each network.
        gains: batch normalisation, see :func:`preactivations`. They are trained too.
        every: updates between two checks. The first check comes before the first update, the last
            after the last.

    Returns:
        The life lines.

    Raises:
        ValueError: for an unknown optimizer.
    """
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {optimizer!r}")
    like = networks.weights[0]
    inputs = torch.as_tensor(np.asarray(points)).to(like)
    targets = torch.as_tensor(np.asarray(labels)).to(like.device, torch.int64)
    if inputs.ndim == 2:
        inputs, targets = inputs[None], targets[None]
        data_of = [0] * networks.seeds
    owner = torch.arange(networks.seeds) if data_of is None else torch.as_tensor(list(data_of))
    owner = owner.to(like.device)
    column = torch.as_tensor(np.asarray(rate, float)).to(like).reshape(-1, 1, 1)
    leak = torch.as_tensor(np.asarray(slope, float)).to(like).reshape(-1, 1, 1)
    shrink = 1 - column * torch.as_tensor(np.asarray(decay, float)).to(like).reshape(-1, 1, 1)
    decays = bool((shrink != 1).any())
    frozen = set(frozen)
    kept = [
        tensor
        for layer, pair in enumerate(zip(networks.weights, networks.biases, strict=True))
        if layer not in frozen
        for tensor in pair
    ] + list(gains or [])
    first = [torch.zeros_like(tensor) for tensor in kept]
    second = [torch.zeros_like(tensor) for tensor in kept]
    generators = [torch.Generator().manual_seed(10_000 + index) for index in range(len(inputs))]
    hidden = len(networks.weights) - 1
    seen: list[list[np.ndarray]] = [[] for _ in range(hidden)]
    moves: list[list[np.ndarray]] = [[] for _ in range(hidden)]
    losses, checks = [], []
    before: list[tuple[Tensor, Tensor]] = []

    def check(step: int) -> None:
        nonlocal before
        with torch.no_grad():
            positive: list[list[Tensor]] = [[] for _ in range(hidden)]
            loss = []
            for part in torch.arange(networks.seeds, device=like.device).split(256):
                some = part_of(networks, part)
                some_gains = None if gains is None else [gain[part] for gain in gains]
                some_slope = leak if len(leak) == 1 else leak[part]
                z = preactivations(some, inputs[owner[part]], some_slope, some_gains)
                loss.append(_loss(z[-1], targets[owner[part]]))
                for layer in range(hidden):
                    positive[layer].append((z[layer] > 0).any(1))
            now = [(w.detach().clone(), b.detach().clone()) for w, b in _layers(networks)]
            for layer in range(hidden):
                seen[layer].append(torch.cat(positive[layer]).cpu().numpy())
                if before:
                    changed = (now[layer][0] != before[layer][0]).any(1)
                    changed |= (now[layer][1] != before[layer][1])[:, 0]
                    moves[layer].append(changed.cpu().numpy())
                else:
                    moves[layer].append(np.zeros_like(seen[layer][-1]))
            before = now
            losses.append(torch.cat(loss).double().cpu().numpy())
            checks.append(step)

    for step in range(steps):
        if step % every == 0:
            check(step)
        if batch is None:
            x, y = inputs[owner], targets[owner]
        else:
            n = inputs.shape[1]
            rows = torch.stack([torch.randint(n, (batch,), generator=g) for g in generators])
            rows = rows.to(like.device)[owner]
            x, y = inputs[owner[:, None], rows], targets[owner[:, None], rows]
        loss = _loss(preactivations(networks, x, leak, gains)[-1], y).sum()
        gradients = torch.autograd.grad(loss, kept)
        with torch.no_grad():
            for tensor, gradient, m, v in zip(kept, gradients, first, second, strict=True):
                if decays and (decay_biases or not any(tensor is b for b in networks.biases)):
                    tensor *= shrink
                if optimizer == "adam":
                    m.lerp_(gradient, 0.1)
                    v.lerp_(gradient * gradient, 0.001)
                    scale = (v / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
                    tensor -= column / (1 - 0.9 ** (step + 1)) * m / scale
                elif optimizer == "momentum":
                    m.mul_(0.9).add_(gradient)
                    tensor -= column * m
                else:
                    tensor -= column * gradient
    check(steps)
    return LifeLines(
        np.array(checks),
        [np.stack(layer) for layer in seen],
        np.stack(losses),
        [np.stack(layer) for layer in moves],
    )


def bootstrap_ratio(
    top: np.ndarray, bottom: np.ndarray, repeats: int = 4000, confidence: float = 0.95
) -> tuple[float, float, float]:
    """A ratio of sums over networks, with a percentile interval from resampling *networks*.

    The units of one network share their data and their fate, so they are not resampled.

    Args:
        top: (networks,), for example revivals.
        bottom: (networks,), for example dead spells.
        repeats: resamples.
        confidence: share of resamples inside the interval.

    Returns:
        The ratio and the two ends; NaN where nothing was there to divide by.
    """
    top, bottom = np.asarray(top, float), np.asarray(bottom, float)
    if not bottom.sum():
        return float("nan"), float("nan"), float("nan")
    pick = np.random.default_rng(0).integers(len(top), size=(repeats, len(top)))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = top[pick].sum(1) / bottom[pick].sum(1)
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(ratios, [tail, 100 - tail])
    return float(top.sum() / bottom.sum()), float(low), float(high)


def rule_of_three(n: int, confidence: float = 0.95) -> float:
    """The largest firing rate that silence on ``n`` independent examples leaves possible.

    A unit that fires with probability p is silent on all of them with probability (1 − p)ⁿ. Solved
    for p at 1 − ``confidence``; close to 3/n for 95 %.
    """
    return 1 - (1 - confidence) ** (1 / n)


def _layers(networks: Stack) -> list[tuple[Tensor, Tensor]]:
    return list(zip(networks.weights, networks.biases, strict=True))


def part_of(networks: Stack, rows: Tensor) -> Stack:
    """The networks at ``rows``, int64 (k,)."""
    return Stack(
        [weight[rows] for weight in networks.weights],
        [bias[rows] for bias in networks.biases],
        networks.activation,
    )


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of each network, (networks,)."""
    flat = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="none"
    )
    return flat.view(len(logits), -1).mean(1)
