"""Networks that learn the slopes of their rectifiers.

:class:`actlab.training.Stack` has one fixed activation. A PReLU network also has parameters in its
activations (He et al. 2015): a slope for each unit, or one for each layer. All seeds train together
here too, so a slope tensor has the shape (seeds, 1, width) or (seeds, 1, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from actlab import training
from actlab.training import Stack, he_std


def leaky(x: Tensor, slope: Tensor) -> Tensor:
    """``x`` for x > 0, ``slope`` · x otherwise; the slope may be negative, or above 1.

    Args:
        x: any shape.
        slope: broadcasts to ``x``. Its gradient is the sum of upstream · min(x, 0) over the
            elements that share it.
    """
    return x.clamp(min=0) + slope * x.clamp(max=0)


@dataclass
class PReLUStack(Stack):
    """Fully connected networks with PReLU between the layers, one for each seed.

    ``activation`` is unused; :attr:`slopes` takes its place.

    Attributes:
        slopes: one tensor for each hidden layer, float32 (seeds, 1, width) or (seeds, 1, 1).
        decay: weight decay on the slopes alone, as the optimiser defines it (torch's Adam adds
            decay · slope to the gradient).
    """

    slopes: list[Tensor] = field(default_factory=list)
    decay: float = 0.0

    def parameters(self) -> list[dict]:
        """Two groups of parameters: weights and biases without decay, slopes with theirs."""
        return [
            {"params": [*self.weights, *self.biases]},
            {"params": self.slopes, "weight_decay": self.decay},
        ]

    def preactivations(self, inputs: Tensor) -> list[Tensor]:
        """The input of each activation and, last, the logits: (seeds, n, width) each."""
        hidden = inputs if inputs.ndim == 3 else inputs.expand(self.seeds, *inputs.shape)
        found = [torch.baddbmm(self.biases[0], hidden, self.weights[0])]
        for weight, bias, slope in zip(self.weights[1:], self.biases[1:], self.slopes, strict=True):
            found.append(torch.baddbmm(bias, leaky(found[-1], slope), weight))
        return found


def build(
    widths: Sequence[int],
    start: float = 0.25,
    seeds: int | Sequence[int] = 5,
    shared: bool = False,
    decay: float = 0.0,
    std: Callable[[int], float] = he_std,
) -> PReLUStack:
    """PReLU networks whose weights equal those of :func:`actlab.training.build` for the same seeds.

    Args:
        widths: sizes from input to output, e.g. ``[40, 100, 100, 10]``.
        start: value of all slopes before training.
        seeds: how many networks, or the seeds themselves.
        shared: one slope a layer instead of one a unit.
        decay: weight decay on the slopes.
        std: standard deviation of the weights as a function of ``fan_in``.
    """
    plain = training.build(widths, torch.relu, seeds, std)
    slopes = [
        torch.full((plain.seeds, 1, 1 if shared else width), float(start), requires_grad=True)
        for width in widths[1:-1]
    ]
    return PReLUStack(plain.weights, plain.biases, plain.activation, slopes, decay)


@torch.no_grad()
def negative_share(networks: PReLUStack, layer: int, by_use: bool = False) -> Tensor:
    """Share of the slopes of a hidden layer that are below 0, float32 (seeds,).

    Args:
        networks: after training.
        layer: 0 is the first hidden layer.
        by_use: weight each unit by the norm of its outgoing weights, so that units to which nobody
            listens do not count.
    """
    below = (networks.slopes[layer] < 0).float().squeeze(1)  # (seeds, width)
    use = networks.weights[layer + 1].norm(dim=2)  # (seeds, width)
    if not by_use or below.shape[1] == 1:
        return below.mean(1)
    return (below * use).sum(1) / use.sum(1)
