"""The explorer of chapter 5: any function, any way to start, any depth up to a hundred layers."""

from __future__ import annotations

import math

import numpy as np

from actlab.functions import CATALOGUE
from actlab.meanfield import MeanField
from bookbuild.sliders.model import (
    Bank,
    Control,
    Curve,
    Figure,
    Panel,
    Reading,
    Trace,
    powers,
    superscript,
    ticks,
)

DEPTH, WIDTH, EXAMPLES = 100, 100, 16
#: Layers whose activations are shown, and which of them: nine quantiles a layer.
LAYERS = (1, *range(10, DEPTH + 1, 10))
QUANTILES = np.linspace(0.05, 0.95, 9)
STARTS = ("PyTorch’s default", "1/√n", "√2/√n", "critical", "√2/√n, BatchNorm")
LIMIT = 60.0  # log10 of what is drawn; beyond it every curve has long left its panel


def functions() -> list[str]:
    """All elementwise functions that act the same in training and in evaluation."""
    return [n for n, e in CATALOGUE.items() if e.kind == "elementwise" and n != "rrelu"]


def passages(name: str) -> list[dict]:
    """What one draw of weights does with a function, for each way to start.

    All starts share the draw and go through as one stack, (starts, examples, width): a start only
    scales the sums.

    Returns:
        For each start: ``arrives``, log10 of the gradient at layer 1 over that at layer d, for d
        from 1 to 100; ``quantiles`` of the activations at ``LAYERS``; ``size``, their root mean
        square in every layer; ``cosine`` between two inputs and ``dead``, the share of units with
        derivative 0 on every example, both at layer 50; ``k``.
    """
    field, rng = MeanField(name), np.random.default_rng(5)
    try:
        critical = field.critical_weight()
    except ValueError:
        critical = math.nan
    scales = np.array([3**-0.5, 1.0, math.sqrt(2), critical, math.sqrt(2)])[:, None, None]
    spread = np.array([(3 * WIDTH) ** -0.5, 0, 0, 0, 0])[:, None, None]
    h = np.broadcast_to(rng.standard_normal((EXAMPLES, WIDTH)), (len(STARTS), EXAMPLES, WIDTH))
    weights, slopes, sums, deviations, size, quantiles = [], [], [], [], [], []
    with np.errstate(all="ignore"):
        for layer in range(1, DEPTH + 1):
            weights.append(rng.standard_normal((WIDTH, WIDTH)) / math.sqrt(WIDTH))
            z = np.array(scales * (h @ weights[-1]) + spread * rng.standard_normal(WIDTH))
            deviations.append(np.sqrt(z[-1].var(0) + 1e-5))
            z[-1] = (z[-1] - z[-1].mean(0)) / deviations[-1]
            sums.append(z)
            slopes.append(field.derivative(z))
            h = field.function(z)
            size.append(np.sqrt((h * h).mean((1, 2))))
            if layer in LAYERS:
                quantiles.append(np.quantile(h, QUANTILES, axis=(1, 2)).T)
        g = rng.standard_normal(z.shape)
        back = [np.sqrt((g * g).mean((1, 2)))]
        for layer in range(DEPTH - 1, 0, -1):
            z, inner = sums[layer][-1], g[-1].copy()
            g[-1] = (inner - inner.mean(0) - z * (inner * z).mean(0)) / deviations[layer]
            g = scales * (g @ weights[layer].T) * slopes[layer - 1]
            back.append(np.sqrt((g * g).mean((1, 2))))
        back = np.log10(np.array(back[::-1]))
        unit = sums[49] / np.linalg.norm(sums[49], axis=2, keepdims=True)
    cosine = (unit[:, ::2] * unit[:, 1::2]).sum(2).mean(1)
    dead = (slopes[49] == 0).all(1).mean(1)
    return [
        {
            "arrives": _finite(back[0, k] - back[:, k], LIMIT),
            "quantiles": _finite(np.array([layer[k] for layer in quantiles]), 99.0),
            "size": _finite(np.array([layer[k] for layer in size]), 99.0),
            "cosine": float(cosine[k]),
            "dead": float(dead[k]),
            "k": float(scales[k, 0, 0]),
            "critical": critical,
        }
        for k in range(len(STARTS))
    ]


def _finite(values: np.ndarray, limit: float) -> np.ndarray:
    """Overflow and 0/0 of a network that has exploded count as the limit."""
    return np.clip(np.nan_to_num(values, nan=limit, posinf=limit, neginf=-limit), -limit, limit)


def diagnosis(text: str, found: dict) -> str:
    """One sentence that says what is wrong at a depth of fifty layers, if anything is."""
    arrives, cosine = found["arrives"][49], found["cosine"]
    said_cosine = f"cosine of two inputs {cosine:.2f}".replace("-", "−")
    aim = (
        ""
        if not math.isfinite(found["critical"])
        else f"; its critical k is {found['critical']:.2f}"
    )
    if "BatchNorm" in text:
        aim = "; no k helps, BatchNorm undoes it"
    if arrives <= 1 - LIMIT or arrives >= LIMIT - 1:
        what = "vanishes" if arrives < 0 else "explodes"
        said = f"{what}: between layers 50 and 1 the gradient leaves the range of float32{aim}"
    elif arrives < -3:
        said = f"fades: of a gradient at layer 50, layer 1 gets {_power(arrives)}{aim}"
    elif arrives > 3:
        said = (
            f"explodes: a gradient at layer 50 is {_power(arrives)} times as large at layer 1{aim}"
        )
    elif cosine > 0.95:
        said = f"the gradient arrives, but any two inputs look alike ({said_cosine})"
    else:
        said = f"nothing is wrong at the start ({said_cosine})"
    dead = (
        f"; {100 * found['dead']:.0f} % of layer 50 is dead on these inputs"
        if found["dead"] > 0.005
        else ""
    )
    return f"{text}: {said}{dead}."


def _power(log10: float) -> str:
    exponent = math.floor(log10 + 0.02)  # 9.6 counts as ten
    return f"{max(1, round(10 ** (log10 - exponent)))}·10{superscript(exponent)}"


def gradient_explorer() -> Figure:
    """Two random networks of any depth: what arrives at layer 1, and what the activations are."""
    every = tuple((float(d), float(d), len(QUANTILES)) for d in LAYERS)
    texts, notes, arrives, size, quantiles = [], [], [], [], []
    for name in functions():
        for start, found in zip(STARTS, passages(name), strict=True):
            if not math.isfinite(found["k"]):
                continue
            texts.append(f"{CATALOGUE[name].title}, {start}")
            notes.append(diagnosis(texts[-1], found))
            arrives.append(Trace(found["arrives"], ((1.0, float(DEPTH), DEPTH),)))
            size.append(Trace(found["size"], ((1.0, float(DEPTH), DEPTH),)))
            quantiles.append(Trace(found["quantiles"].ravel(), every))
    first, second = texts.index("Sigmoid, √2/√n"), texts.index("ReLU, √2/√n")
    x_ticks = ticks(1, 20, 40, 60, 80, 100)
    return Figure(
        name="gradient-explorer",
        title="Any function, any start, any depth",
        controls=(
            Control("First network", tuple(texts), first, notes=tuple(notes), kind="select"),
            Control("Second network", tuple(texts), second, notes=tuple(notes), kind="select"),
        ),
        reading=Reading("Depth of the network", "at depth {}", 1, DEPTH, 1, 50, 0),
        panels=(
            Panel(
                "gradient: layer 1 over the last",
                "depth of the network",
                (1, DEPTH),
                (-24, 12),
                x_ticks,
                powers(-20, -15, -10, -5, 0, 5, 10),
                "arrives",
                format="power",
                digits=1,
            ),
            Panel(
                "activations: dots of the first, sizes of both",
                "layer",
                (1, DEPTH),
                (-1.5, 3),
                x_ticks,
                ticks(-1, 0, 1, 2, 3),
                "size",
                digits=2,
            ),
        ),
        banks={
            "arrives": Bank(tuple(arrives), 1e-2),
            "size": Bank(tuple(size), 1e-2),
            "quantiles": Bank(tuple(quantiles), 1e-2),
        },
        curves=(
            Curve(0, "arrives", 0, 0),
            Curve(1, "quantiles", 0, 0, style="dots"),
            Curve(1, "size", 0, 0),
            Curve(0, "arrives", 1, 1),
            Curve(1, "size", 1, 1),
        ),
        rows=("", ""),
    )
