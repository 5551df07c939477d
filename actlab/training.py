"""Small data sets, small networks, and comparisons that say how sure they are.

All seeds of one experiment train at the same time, as one batched matrix product: a network with
parameters of shape ``(seeds, in, out)`` costs little more than one network, so no comparison in
the course has to make do with a single seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


# --- data -----------------------------------------------------------------------------------------


def circles(n: int = 400, noise: float = 0.08, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes on circles of radius 0.5 and 1: float64 (n, 2) and int64 labels (n,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = np.where(labels == 1, 1.0, 0.5) + noise * rng.standard_normal(n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), labels


def spirals(
    n: int = 400, turns: float = 1.0, noise: float = 0.03, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved spirals of ``turns`` turns: float64 (n, 2) and int64 (n,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    t = np.sqrt(rng.uniform(0.02, 1, n))
    angle = 2 * np.pi * turns * t + np.pi * labels
    points = np.stack([t * np.cos(angle), t * np.sin(angle)], 1)
    return points + noise * rng.standard_normal(points.shape), labels


def xor(n: int = 400, noise: float = 0.15, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four clouds at (±0.7, ±0.7), labelled by whether the signs differ: (n, 2) and (n,)."""
    rng = np.random.default_rng(seed)
    corner = np.arange(n) % 4
    signs = np.stack([1 - 2 * (corner // 2), 1 - 2 * (corner % 2)], 1)
    points = 0.7 * signs + noise * rng.standard_normal((n, 2))
    return points, (signs[:, 0] != signs[:, 1]).astype(np.int64)


def split(points: np.ndarray, labels: np.ndarray, test: float = 0.5, seed: int = 0) -> tuple:
    """Shuffle and cut: ``(train points, train labels, test points, test labels)``."""
    order = np.random.default_rng(seed).permutation(len(points))
    cut = round(len(points) * (1 - test))
    return points[order[:cut]], labels[order[:cut]], points[order[cut:]], labels[order[cut:]]


# --- networks -------------------------------------------------------------------------------------


@dataclass
class Stack:
    """Fully connected networks of one shape, one for each seed, evaluated together.

    Attributes:
        weights: one tensor for each layer, float32 (seeds, fan_in, fan_out).
        biases: one tensor for each layer, float32 (seeds, 1, fan_out).
        activation: applied after every layer but the last.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    activation: Function

    @property
    def seeds(self) -> int:
        """How many networks there are."""
        return self.weights[0].shape[0]

    def parameters(self) -> list[Tensor]:
        """All trainable tensors."""
        return [*self.weights, *self.biases]

    def preactivations(self, inputs: Tensor) -> list[Tensor]:
        """The input of each activation and, last, the logits: (seeds, n, width) each.

        Args:
            inputs: float32 (n, features), the same for all seeds, or (seeds, n, features).
        """
        hidden = inputs if inputs.ndim == 3 else inputs.expand(self.seeds, *inputs.shape)
        found = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            found.append(torch.baddbmm(bias, hidden, weight))
            hidden = self.activation(found[-1])
        return found

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits, (seeds, n, classes)."""
        return self.preactivations(inputs)[-1]


def he_std(fan_in: int) -> float:
    """Standard deviation √(2/fan_in) of He initialisation (He et al. 2015)."""
    return math.sqrt(2 / fan_in)


def xavier_std(fan_in: int) -> float:
    """Standard deviation √(1/fan_in): Xavier initialisation for layers of equal width."""
    return math.sqrt(1 / fan_in)


def build(
    widths: Sequence[int],
    activation: Function,
    seeds: int | Sequence[int] = 5,
    std: Callable[[int], float] = he_std,
) -> Stack:
    """Networks with layer sizes ``widths``, weights from N(0, std(fan_in)²) and zero biases.

    Two functions compared with the same ``seeds`` start from identical weights: that is what makes
    their difference a paired one.

    Args:
        widths: sizes from input to output, e.g. ``[2, 32, 32, 2]``.
        activation: applied between layers.
        seeds: how many networks (seeds 0, 1, …) or the seeds themselves.
        std: standard deviation of the weights as a function of ``fan_in``.
    """
    seeds = range(seeds) if isinstance(seeds, int) else seeds
    weights: list[list[Tensor]] = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(int(seed))
        weights.append(
            [
                torch.randn(fan_in, fan_out, generator=generator) * std(fan_in)
                for fan_in, fan_out in itertools.pairwise(widths)
            ]
        )
    stacked = [torch.stack(layer).requires_grad_() for layer in zip(*weights, strict=True)]
    biases = [torch.zeros(len(seeds), 1, w.shape[2], requires_grad=True) for w in stacked]
    return Stack(stacked, biases, activation)


def fit(
    networks: Stack,
    points: np.ndarray,
    labels: np.ndarray,
    steps: int = 300,
    lr: float = 0.01,
    batch: int | None = None,
    optimizer: str = "adam",
    on_step: Callable[[int], None] | None = None,
) -> Tensor:
    """Train all networks on the cross-entropy of their logits.

    Args:
        networks: trained in place.
        points: (n, features), or data of its own for each network, (seeds, n, features).
        labels: (n,) or (seeds, n), class numbers.
        steps: number of updates.
        lr: learning rate.
        batch: examples in a step, drawn per seed in an order fixed by the seed's position; None
            takes all.
        optimizer: "adam" or "sgd".
        on_step: called before each update with the number of the step.

    Returns:
        The loss at each step, float32 (steps, seeds).

    Raises:
        ValueError: for another optimizer.
    """
    makers = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    if optimizer not in makers:
        raise ValueError(f"optimizer must be 'adam' or 'sgd', not {optimizer!r}")
    update = makers[optimizer](networks.parameters(), lr=lr)
    inputs = torch.as_tensor(np.asarray(points), dtype=torch.float32)
    targets = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
    generators = [torch.Generator().manual_seed(10_000 + seed) for seed in range(networks.seeds)]
    own = torch.arange(networks.seeds)[:, None]  # the row of data that belongs to a network
    losses = []
    for step in range(steps):
        if on_step is not None:
            on_step(step)
        if batch is None:
            x, y = inputs, targets.expand(networks.seeds, -1)
        else:
            rows = torch.stack(
                [torch.randint(inputs.shape[-2], (batch,), generator=g) for g in generators]
            )
            x = inputs[own, rows] if inputs.ndim == 3 else inputs[rows]
            y = targets[own, rows] if targets.ndim == 2 else targets[rows]
        logits = networks(x)
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), y.flatten(), reduction="none"
        ).view(networks.seeds, -1)
        per_seed = loss.mean(1)
        update.zero_grad()
        # A sum, not a mean, over seeds: each network then gets the gradient it would get alone.
        per_seed.sum().backward()
        update.step()
        losses.append(per_seed.detach())
    return torch.stack(losses)


@torch.no_grad()
def accuracy(networks: Stack, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Share of right answers of each network, float64 (seeds,).

    Args:
        networks: one for each seed.
        points: (n, features), the same for all, or (seeds, n, features).
        labels: (n,) or (seeds, n).
    """
    logits = networks(torch.as_tensor(np.asarray(points), dtype=torch.float32))
    right = logits.argmax(-1) == torch.as_tensor(np.asarray(labels))
    return right.double().mean(1).numpy()


# --- comparisons ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean: the estimate.
        low: lower end.
        high: upper end.
        n: number of values (seeds, or paired differences).
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def resolved(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.low > 0 or self.high < 0

    def __format__(self, spec: str) -> str:
        spec = spec or "+.3f"
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def mean_interval(values: Sequence[float] | np.ndarray, confidence: float = 0.95) -> Interval:
    """Student's interval for the mean of ``values`` (n,), one value a seed.

    Raises:
        ValueError: fewer than two values, or a confidence outside (0, 1).
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError("an interval needs a one-dimensional array of at least two values")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    from scipy.stats import t

    mean = float(values.mean())
    half = float(
        t.ppf(0.5 + confidence / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    )
    return Interval(mean, mean - half, mean + half, len(values))


def paired_difference(
    a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, confidence: float = 0.95
) -> Interval:
    """Interval for the mean of ``a - b``, where entry i of both comes from the same seed.

    Pairing removes what the two have in common (initial weights, data order), which is often the
    larger part of the spread.

    Raises:
        ValueError: the two differ in length.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f"paired values must come in equal numbers, not {a.shape} and {b.shape}")
    return mean_interval(a - b, confidence)
