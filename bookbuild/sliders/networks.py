"""Figures of random networks, measured with fixed seeds while the book is built."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from actlab.diagnostics import bends_on_line
from actlab.functions import leaky_relu, relu, relu_derivative
from actlab.training import Stack, build
from bookbuild.sliders.model import (
    Bank,
    Control,
    Curve,
    Figure,
    Panel,
    Reading,
    Trace,
    powers,
    spans,
    ticks,
)

# The line of chapter 1's first figure: (t, t/2) for t from -3 to 3.
REACH = 3.0
START, END = np.array([-REACH, -REACH / 2]), np.array([REACH, REACH / 2])
LAYERS, WIDTH, BIAS = 4, 16, 1.0


def random_network() -> Stack:
    """One network with He's weights and normal biases, so that bends lie all over the line."""
    network = build([2] + [WIDTH] * LAYERS + [2], torch.relu, seeds=1)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for bias in network.biases[:-1]:
            bias.copy_(BIAS * torch.randn(bias.shape, generator=generator))
    return network


def output_on_line(network: Stack, slope: float, share: np.ndarray) -> np.ndarray:
    """First output at ``START + share (END - START)``, float64 (len(share),).

    It is divided by the growth that the slope causes in expectation, (1 + slope²) a layer in the
    mean square, so that all slopes fit one ordinate. That moves no bend.
    """
    h = START + share[:, None] * (END - START)
    layers = zip(network.weights, network.biases, strict=True)
    *hidden, last = [
        (weight[0].detach().double().numpy(), bias[0].detach().double().numpy())
        for weight, bias in layers
    ]
    for weight, bias in hidden:
        h = leaky_relu(h @ weight + bias, slope=slope)
    return (h @ last[0] + last[1])[:, 0] / (1 + slope**2) ** (LAYERS / 2)


def linear_to_relu() -> Figure:
    """A random network on a line while its activation goes from the identity to ReLU."""
    network = random_network()
    slopes = np.linspace(20, 0, 21) / 20
    values, derivatives, notes = [], [], []
    for slope in slopes:
        (bends,) = bends_on_line(network, START, END, slope=float(slope))
        ends = np.concatenate([[0.0], bends, [1.0]])
        y = output_on_line(network, float(slope), ends)
        place = REACH * (2 * ends - 1)
        steep = np.diff(y) / np.diff(place)
        values.append(Trace(y, place))
        derivatives.append(Trace(np.repeat(steep, 2), np.repeat(place, 2)[1:-1]))
        count = len(bends)
        notes.append(
            f"{count} bends on the line; the sharpest changes the slope by "
            f"{np.abs(np.diff(steep)).max():.2f}."
            if count
            else "0 bends: the network is one straight line."
        )
    return Figure(
        name="linear-to-relu",
        title="One network of four layers, from linear to ReLU",
        controls=(
            Control(
                "Slope a left of 0",
                tuple(
                    f"{slope:.2f}" + {1.0: ", linear", 0.0: ", ReLU"}.get(float(slope), "")
                    for slope in slopes
                ),
                0,
                prints=(10, 20),
                notes=tuple(notes),
            ),
        ),
        reading=Reading("Read off at t", "at t = {}", -3.0, 3.0, 0.05, 1.0, 2),
        panels=(
            Panel(
                "output",
                "position t on the line",
                (-3, 3),
                (-14, 4),
                ticks(-3, -2, -1, 0, 1, 2, 3),
                ticks(-12, -8, -4, 0, 4),
                "output",
                digits=2,
            ),
            Panel(
                "slope of the output",
                "position t on the line",
                (-3, 3),
                (-7, 4),
                ticks(-3, -2, -1, 0, 1, 2, 3),
                ticks(-6, -4, -2, 0, 2, 4),
                "slope",
                digits=2,
            ),
        ),
        banks={
            "value": Bank(tuple(values), 1e-3),
            "slope": Bank(tuple(derivatives), 1e-3),
        },
        curves=(Curve(0, "value", 0), Curve(1, "slope", 0, style="steps")),
        rows=("network",),
    )


DEPTH = 50


@lru_cache(maxsize=1)
def _standard_weights(width: int) -> np.ndarray:
    """The same draw for every scale, of variance 1: (DEPTH, width, width)."""
    return np.random.default_rng(1).standard_normal((DEPTH, width, width))


def sizes(scale: float, width: int = 256, examples: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """How large signal and gradient are in a ReLU network with weights of variance scale/width.

    Args:
        scale: the variance of a weight times the number of inputs of its layer.
        width: units in each layer.
        examples: random inputs over which squares are averaged.

    Returns:
        The mean of z² in each layer, and the mean of (∂L/∂z)² in each layer for a random gradient
        of size 1 that arrives at the last one; both float64 (DEPTH,).
    """
    rng = np.random.default_rng(0)
    h: Any = rng.standard_normal((examples, width))
    gradient = rng.standard_normal((examples, width))
    weights = math.sqrt(scale / width) * _standard_weights(width)
    preactivations = []
    for weight in weights:
        preactivations.append(h @ weight)
        h = relu(preactivations[-1])
    backward = [float((gradient**2).mean())]
    for layer in range(DEPTH - 1, 0, -1):
        gradient = gradient @ weights[layer].T * relu_derivative(preactivations[layer - 1])
        backward.append(float((gradient**2).mean()))
    return np.array([(z**2).mean() for z in preactivations]), np.array(backward[::-1])


#: log10 of the squares of what float16 rounds to infinity and to 0.
LARGEST, SMALLEST = 2 * math.log10(65520), 2 * math.log10(2.0**-25)


def _verdict(signal: np.ndarray, gradient: np.ndarray) -> str:
    """What is wrong with sizes, given as log10 of mean squares by layer; without a full stop."""
    for value, lost in (("infinite", signal >= LARGEST), ("0", signal <= SMALLEST)):
        if lost.any():
            return f"from layer {int(lost.argmax()) + 1} on it is {value} in float16"
    if max(np.ptp(signal), np.ptp(gradient)) > 3:
        return "float16 still holds it, but its mean square changes more than a thousandfold"
    return "nothing is wrong, signal and gradient arrive"


def relu_scale() -> Figure:
    """Size of the signal and of the gradient by layer, for a range of weight variances."""
    scales = np.arange(5, 41) / 10
    names = {1.0: ", Xavier", 2.0: ", He"}
    pieces = spans(1, DEPTH, 1)
    signals, gradients, notes = [], [], []
    for scale in scales:
        signal, gradient = (np.log10(size) for size in sizes(float(scale)))
        signals.append(Trace(signal, pieces))
        gradients.append(Trace(gradient, pieces))
        factor = 10 ** ((signal[-1] - signal[0]) / (DEPTH - 1))
        notes.append(
            f"From layer to layer, the signal is multiplied by {factor:.2f} on average: "
            f"{_verdict(signal, gradient)}."
        )
    y_ticks = powers(-30, -20, -10, 0, 10)
    axes: dict[str, Any] = {
        "x_label": "layer",
        "x": (1, DEPTH),
        "y": (-32, 17),
        "format": "power",
        "digits": 1,
    }
    x_ticks = ticks(1, 10, 20, 30, 40, 50)
    return Figure(
        name="relu-scale",
        title="Fifty ReLU layers, seeded and measured",
        controls=(
            Control(
                "Scale nσ²",
                tuple(f"{scale:.1f}{names.get(float(scale), '')}" for scale in scales),
                5,
                prints=(15, 25),
                notes=tuple(notes),
            ),
        ),
        reading=Reading("Read off at layer", "at layer {}", 1, DEPTH, 1, 25, 0),
        panels=(
            Panel("signal: mean of z²", symbol="signal", x_ticks=x_ticks, y_ticks=y_ticks, **axes),
            Panel(
                "gradient: mean of (∂L/∂z)²",
                symbol="gradient",
                x_ticks=x_ticks,
                y_ticks=y_ticks,
                **axes,
            ),
        ),
        banks={"signal": Bank(tuple(signals), 1e-3), "gradient": Bank(tuple(gradients), 1e-3)},
        curves=(Curve(0, "signal", 0), Curve(1, "gradient", 0)),
        rows=("network",),
    )
