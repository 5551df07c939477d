"""What reaches layer 1? Functions x initialisations x depths, at the start, without any training.

Random networks of width 200 with weights that 20 seeds draw. Each sends 16 pairs of MNIST-1D
examples forward (fresh data for each seed, every example scaled to mean square 1) and a standard
normal error back from layer 10, 50 and 100. A row says, for one network and one depth, what is left
of the error at layer 1 and how alike the two examples of a pair have become.

Part "plane" does the same for depth 50 and a grid of weight scales k and bias scales b, with three
draws a point: what theory's critical line is held against.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from actlab import comparison, experiment
from actlab.meanfield import MeanField

FUNCTIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu")
STARTS = ("default", "xavier", "he", "critical", "orthogonal", "batchnorm", "residual", "both")
DEPTHS = (10, 50, 100)
PLANE = ("relu", "tanh", "sigmoid")
SCALES, BIASES = np.logspace(-1, 4, 41, base=2), np.linspace(0, 1.5, 13)
WIDTH, PAIRS = 200, 16


@functools.lru_cache(maxsize=2)
def draws(seed: int, depth: int, width: int) -> list[np.ndarray]:
    """Standard normal weights, the same for every function and initialisation: (in, out) each."""
    rng = np.random.default_rng([5, seed])
    return [rng.standard_normal((width if layer else 40, width)) for layer in range(depth)]


@functools.lru_cache(maxsize=2)
def rotations(seed: int, depth: int, width: int) -> list[np.ndarray]:
    """Orthogonal matrices from the same draws; the first, which widens, has orthogonal rows."""
    first, *others = draws(seed, depth, width)
    turned = [np.linalg.qr(first.T)[0].T * math.sqrt(width / 40)]
    return turned + [np.linalg.qr(w)[0] for w in others]


def inputs(seed: int, pairs: int) -> np.ndarray:
    """Pairs of examples of MNIST-1D in neighbouring rows, each of mean square 1: (2 pairs, 40)."""
    points = comparison.mnist1d(1000 + seed, 40, 0)[0][: 2 * pairs].astype(float)
    return points / np.sqrt((points**2).mean(1, keepdims=True))


def normalise(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean 0 and variance 1 over the batch, as BatchNorm at its start, and the deviations."""
    deviation = np.sqrt(z.var(0) + 1e-5)
    return (z - z.mean(0)) / deviation, deviation


def cosine(z: np.ndarray) -> float:
    """Mean cosine between neighbouring rows."""
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    return float((unit[::2] * unit[1::2]).sum(1).mean())


def passage(
    field: MeanField,
    weights: list[np.ndarray],
    biases: list[np.ndarray] | None,
    x: np.ndarray,
    depths: tuple[int, ...],
    norm: bool,
    residual: bool,
    seed: int,
) -> list[dict]:
    """Forward through all layers once, back from each of ``depths``."""
    h, slopes, normed, alike, length, silent = x, [], [], [], [], []
    for layer, w in enumerate(weights):
        z = h @ w
        if biases is not None:
            z += biases[layer]
        if norm:
            z, deviation = normalise(z)
            normed.append((z, deviation))
        slopes.append(field.derivative(z))
        alike.append(cosine(z))
        length.append(float((z * z).mean()))
        silent.append(float((slopes[-1] == 0).all(0).mean()))
        h = h + field.function(z) if residual and layer else field.function(z)
    rng = np.random.default_rng([6, seed])
    error = rng.standard_normal(h.shape)
    rows = []
    for depth in depths:
        # The gradient at the layer's sum z; in a residual network at its stream, after the block.
        g = error
        for layer in range(depth - 1, 0, -1):
            inner = g * slopes[layer] if residual else g
            if norm:
                z, deviation = normed[layer]
                inner = (inner - inner.mean(0) - z * (inner * z).mean(0)) / deviation
            back = inner @ weights[layer].T
            g = g + back if residual else back * slopes[layer - 1]
        left = math.sqrt(float((g * g).mean() / (error * error).mean()))
        rows.append(
            {
                "depth": depth,
                "log10_gradient": round(math.log10(max(left, 1e-300)), 3),
                "log10_length": round(math.log10(min(max(length[depth - 1], 1e-300), 1e300)), 3),
                "cosine": round(alike[depth - 1], 4),
                "silent": round(silent[depth - 1], 3),
            }
        )
    return rows


def started(
    field: MeanField, start: str, seed: int, depth: int, width: int
) -> tuple[list[np.ndarray], list[np.ndarray] | None, bool, bool, float, float]:
    """Weights, biases, the two structures, and the scales k and b of one way to start."""
    plain = draws(seed, depth, width)
    norm, residual = start in ("batchnorm", "both"), start in ("residual", "both")
    if start == "default":
        # nn.Linear draws both from U(-1/√n, 1/√n): the variance is 1/(3n). Normal here, as theory.
        rng = np.random.default_rng([7, seed])
        biases = [rng.uniform(-1, 1, width) / math.sqrt(len(w)) for w in plain]
        scale, bias = 3**-0.5, (3 * width) ** -0.5
        return [w * scale / math.sqrt(len(w)) for w in plain], biases, norm, residual, scale, bias
    if start == "orthogonal":
        scale = field.critical_weight()
        turned = [w * scale for w in rotations(seed, depth, width)]
        return turned, None, norm, residual, scale, 0.0
    scale = {"xavier": 1.0, "critical": field.critical_weight()}.get(start, math.sqrt(2))
    weights = [w * scale / math.sqrt(len(w)) for w in plain]
    return weights, None, norm, residual, scale, 0.0


def main(argv: list[str] | None = None) -> None:
    """Run what is missing of the record."""
    options = experiment.options(__file__, __doc__, argv)
    seeds, width, pairs = (2, 40, 4) if options.quick else (20, WIDTH, PAIRS)
    depths = (3, 6) if options.quick else DEPTHS
    functions = FUNCTIONS[:3] if options.quick else FUNCTIONS
    settings = {"seeds": seeds, "width": width, "pairs": pairs, "depths": depths}
    with (
        np.errstate(all="ignore"),
        experiment.Record(options, ["part", "function", "seed"], settings) as record,
    ):
        fields = {name: MeanField(name) for name in functions}
        units = [
            {"part": "starts", "function": name, "seed": seed}
            for seed in range(seeds)
            for name in functions
        ]
        for unit in record.todo(units):
            field, seed, rows = fields[unit["function"]], unit["seed"], []
            for start in STARTS:
                *made, scale, bias = started(field, start, seed, depths[-1], width)
                weights, biases, norm, residual = made
                x = inputs(seed, pairs)
                found = passage(field, weights, biases, x, depths, norm, residual, seed)
                known = {"start": start, "k": round(scale, 5), "b": round(bias, 5)}
                rows += [{**unit, **known, **row} for row in found]
            record.add(rows)
        plane = [{"part": "plane", "function": name, "seed": 0} for name in PLANE]
        for unit in record.todo(plane):
            rows, size = [], width // 2
            depth = 6 if options.quick else 50
            for scale in SCALES[::8] if options.quick else SCALES:
                for bias in BIASES[::6] if options.quick else BIASES:
                    found = []
                    for seed in range(1 if options.quick else 3):
                        x = inputs(seed, pairs // 2)
                        weights = [w * scale / len(w) ** 0.5 for w in draws(seed, depth, size)]
                        rng = np.random.default_rng([8, seed])
                        biases = list(bias * rng.standard_normal((depth, size)))
                        field = fields[unit["function"]]
                        (row,) = passage(field, weights, biases, x, (depth,), False, False, seed)
                        found.append(row)
                    middle = {
                        name: round(float(np.median([row[name] for row in found])), 4)
                        for name in found[0]
                    }
                    known = {"start": "plane", "k": round(scale, 5), "b": round(bias, 5)}
                    rows.append({**unit, **known, **middle, "depth": depth})
            record.add(rows)


if __name__ == "__main__":
    main()
