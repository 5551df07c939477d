"""Does a rule of thumb choose well? Five tasks, three sizes, six functions, each with a tuned rate.

Chapter 17. Part "map": the tasks are

dense       MNIST-1D, two hidden layers
conv        MNIST-1D, two strided convolutions
recurrent   digits, read row by row by an Elman network
attention   MNIST-1D as eight tokens, one Transformer block; the function is the one in its MLP
regression  Friedman's first function with noise, two hidden layers; the score is R² in percent

Every function tries the same three rates with the same seeds, data, weights and batches. Each seed
has training, validation and test data of its own; the chapter lets validation choose the rate.

Part "residual": does smoothness matter more with residual connections? Six layers with or without
a shortcut, with x Φ(x/s) for s = 1 (GELU) and s = 0.05 (nearly ReLU), on MNIST-1D. Seeds from 1000
on choose the rate, seeds from 0 on are compared.

All networks of a unit (rates × seeds) train in one batched product; Adam throughout, the weights
of each function with the variance that keeps its mean square. About 6 minutes of one core.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import comparison, experiment

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
}
RATES = (0.003, 0.01, 0.03)
SIZES = {
    "dense": (16, 48, 128),
    "conv": (4, 8, 12),
    "recurrent": (12, 20, 32),
    "attention": (8, 12, 16),
    "regression": (16, 48, 128),
}
STOPS = (200, 600)
SEEDS = 6
BATCH = 50
DEPTH, WIDTH = 6, 40
RESIDUAL_STOPS = (200, 600)
RESIDUAL_SEEDS, TUNING_SEEDS = 28, 4
TUNING_SEED = 1000  # seeds of the tuning part start here


def family(s: float) -> Callable[[Tensor], Tensor]:
    """x Φ(x/s): GELU for s = 1, and ReLU in the limit of small s."""
    return lambda x: x * torch.special.ndtr(x / s)


def mean_square(function: Callable[[Tensor], Tensor]) -> float:
    """E f(z)² for a standard normal z."""
    z = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return float((function(z) ** 2 * density).sum() * (z[1] - z[0]))


# --- networks: parameters by name, each (networks, fan_in, fan_out) ------------------------------

Parameters = dict[str, Tensor]


def draw(shapes: Mapping[str, tuple[int, int, float]], rates: int, seeds: Sequence[int]):
    """Weights of the given standard deviation and zero biases; all rates of a seed start alike."""
    drawn: dict[str, list[Tensor]] = {name: [] for name in shapes}
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        for name, (rows, columns, std) in shapes.items():
            drawn[name].append(torch.randn(rows, columns, generator=generator) * std)
    found = {name: torch.stack(w).repeat(rates, 1, 1) for name, w in drawn.items()}
    for name, (_, columns, _) in shapes.items():
        if name != "place":  # the eight places are vectors of their own, not a layer
            found[f"{name} bias"] = torch.zeros(rates * len(seeds), 1, columns)
    return {name: value.requires_grad_() for name, value in found.items()}


def linear(p: Parameters, name: str, x: Tensor) -> Tensor:
    """(networks, n, fan_in) to (networks, n, fan_out)."""
    return torch.baddbmm(p[f"{name} bias"], x, p[name])


def shapes_of(task: str, size: int, gain: float) -> dict[str, tuple[int, int, float]]:
    """Name -> fan_in, fan_out and standard deviation; ``gain`` follows a hidden function."""

    def after(n: int) -> float:
        return gain / math.sqrt(n)

    def plain(n: int) -> float:
        return 1 / math.sqrt(n)

    if task in ("dense", "regression"):
        inputs, outputs = (40, 10) if task == "dense" else (10, 1)
        return {
            "in": (inputs, size, plain(inputs)),
            "middle": (size, size, after(size)),
            "out": (size, outputs, after(size)),
        }
    if task == "conv":
        return {
            "in": (5, size, plain(5)),
            "middle": (5 * size, 2 * size, after(5 * size)),
            "out": (14 * size, 10, after(14 * size)),
        }
    if task == "recurrent":
        return {
            "in": (8, size, plain(8)),
            "middle": (size, size, plain(size)),
            "out": (size, 10, plain(size)),
        }
    return {
        "in": (5, size, plain(5)),
        "place": (8, size, 1.0),
        "qkv": (size, 3 * size, plain(size)),
        "mix": (size, size, plain(size)),
        "up": (size, 2 * size, plain(size)),
        "down": (2 * size, size, after(2 * size)),
        "out": (size, 10, plain(size)),
    }


def forward(task: str, p: Parameters, f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Logits or predictions, (networks, n, outputs)."""
    n = x.shape[1]
    if task in ("dense", "regression"):
        return linear(p, "out", f(linear(p, "middle", f(linear(p, "in", x)))))
    if task == "conv":
        hidden = x.unsqueeze(-1)  # (networks, n, length, channels)
        for name in ("in", "middle"):
            windows = hidden.unfold(2, 5, 2)
            places = windows.shape[2]
            flat = windows.reshape(len(x), n * places, -1)
            hidden = f(linear(p, name, flat)).view(len(x), n, places, -1)
        return linear(p, "out", hidden.flatten(2))
    if task == "recurrent":
        state = x.new_zeros(len(x), n, p["middle"].shape[1])
        for row in x.unflatten(2, (8, 8)).unbind(2):
            state = f(linear(p, "in", row) + linear(p, "middle", state))
        return linear(p, "out", state)

    def normed(tokens: Tensor) -> Tensor:
        return F.layer_norm(tokens, tokens.shape[-1:])

    tokens = linear(p, "in", x.reshape(len(x), n * 8, 5)).view(len(x), n, 8, -1)
    tokens = tokens + p["place"].unsqueeze(1)
    flat = tokens.flatten(1, 2)
    q, k, v = linear(p, "qkv", normed(flat)).view(len(x), n, 8, -1).chunk(3, -1)
    shares = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    flat = flat + linear(p, "mix", (shares @ v).flatten(1, 2))
    flat = flat + linear(p, "down", f(linear(p, "up", normed(flat))))
    return linear(p, "out", normed(flat).view(len(x), n, 8, -1).mean(2))


def residual_forward(shortcut: bool) -> Callable:
    """Six layers of one width; (h + f(hW))/√2 with the shortcut, f(hW) without.

    Give it a function whose output has mean square 1: then every layer keeps the signal's size.
    """

    def forward(p: Parameters, f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        h = linear(p, "in", x)
        for layer in range(DEPTH):
            branch = f(linear(p, f"layer {layer}", h))
            h = (h + branch) / math.sqrt(2) if shortcut else branch
        return linear(p, "out", h)

    return forward


# --- data: train, validation and test for each seed, float32 (seeds, n, features) ----------------


@functools.lru_cache(maxsize=6)
def mnist1d(seeds: range, train: int, validation: int, test: int) -> tuple[Tensor, ...]:
    """Fresh points for every seed."""
    x, y, more_x, more_y = comparison.mnist1d_many(seeds, train, validation + test)
    parts = (x, y, more_x[:, :validation], more_y[:, :validation])
    return tuple(map(torch.from_numpy, (*parts, more_x[:, validation:], more_y[:, validation:])))


@functools.lru_cache(maxsize=2)
def digits(seeds: range) -> tuple[Tensor, ...]:
    """1000 images to train on, 297 to validate and 500 to test, shuffled anew by every seed."""
    from sklearn.datasets import load_digits

    points, labels = load_digits(return_X_y=True)
    points = ((points - points.mean()) / points.std()).astype(np.float32)
    order = np.stack([np.random.default_rng(seed).permutation(len(points)) for seed in seeds])
    parts = (order[:, :1000], order[:, 1000:1297], order[:, 1297:])
    return tuple(torch.from_numpy(a[rows]) for rows in parts for a in (points, labels))


@functools.lru_cache(maxsize=2)
def friedman(seeds: range) -> tuple[Tensor, ...]:
    """Friedman (1991): ten uniform inputs of which five count; noise only in the training data."""
    found: list[list[np.ndarray]] = [[], [], [], [], [], []]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        for part, (n, noise) in enumerate(((500, 1.0), (1000, 0.0), (3000, 0.0))):
            u = rng.uniform(size=(n, 10))
            y = 10 * np.sin(np.pi * u[:, 0] * u[:, 1]) + 20 * (u[:, 2] - 0.5) ** 2
            y = y + 10 * u[:, 3] + 5 * u[:, 4] + noise * rng.standard_normal(n)
            found[2 * part].append((u - 0.5) * math.sqrt(12))
            found[2 * part + 1].append((y - 14.4) / 5)  # mean 0 and spread 1, nearly
    return tuple(torch.from_numpy(np.stack(part).astype(np.float32)) for part in found)


# --- training -------------------------------------------------------------------------------------


def score(outputs: Tensor, targets: Tensor) -> Tensor:
    """Percent of right answers or, for real targets, of variance explained; (networks,)."""
    if targets.dtype.is_floating_point:
        rest = ((outputs[..., 0] - targets) ** 2).mean(1)
        return 100 * (1 - rest / targets.var(1, correction=0))
    return 100 * (outputs.argmax(-1) == targets).double().mean(1)


def losses(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean loss of each network: squared error or cross-entropy."""
    if targets.dtype.is_floating_point:
        return ((outputs[..., 0] - targets) ** 2).mean(1)
    flat = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
    return flat.view(targets.shape).mean(1)


def train(
    p: Parameters,
    apply: Callable[[Parameters, Tensor], Tensor],
    data: Sequence[Tensor],
    rates: Sequence[float],
    stops: Sequence[int],
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Adam with a rate for each network; yields step, validation and test scores (rates, seeds).

    Networks are ordered by rate, then seed. ``torch.optim.Adam`` has one rate for all, so that the
    update is written out (Kingma & Ba 2015, with its default constants).
    """
    seeds = data[0].shape[0]
    rate = torch.tensor(rates).repeat_interleave(seeds)[:, None, None]
    first = [torch.zeros_like(value) for value in p.values()]
    second = [torch.zeros_like(value) for value in p.values()]
    generators = [torch.Generator().manual_seed(10_000 + seed) for seed in range(seeds)]
    own = torch.arange(seeds)[:, None]
    for step in range(1, stops[-1] + 1):
        rows = torch.stack(
            [torch.randint(data[0].shape[1], (BATCH,), generator=g) for g in generators]
        )
        x = data[0][own, rows].repeat(len(rates), 1, 1)
        y = data[1][own, rows].repeat(len(rates), 1)
        gradients = torch.autograd.grad(losses(apply(p, x), y).sum(), list(p.values()))
        with torch.no_grad():
            corrected = rate * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            for value, gradient, m, v in zip(p.values(), gradients, first, second, strict=True):
                m.lerp_(gradient, 0.1)
                v.lerp_(gradient * gradient, 0.001)
                value -= corrected * m / (v.sqrt() + 1e-8)
        if step in stops:
            with torch.no_grad():
                found = [_scores(p, apply, *data[at : at + 2], len(rates)) for at in (2, 4)]
            yield (
                step,
                found[0].view(len(rates), seeds).numpy(),
                found[1].view(len(rates), seeds).numpy(),
            )


def _scores(p: Parameters, apply: Callable, x: Tensor, y: Tensor, rates: int) -> Tensor:
    outputs = [
        apply(p, x[:, at : at + 250].repeat(rates, 1, 1)) for at in range(0, x.shape[1], 250)
    ]
    found = score(torch.cat(outputs, 1), y.repeat(rates, 1)).double()
    return torch.nan_to_num(found, nan=0.0).clamp(min=0.0)  # a run that diverged scores 0


# --- the plan -------------------------------------------------------------------------------------


def work_map(unit: Mapping) -> Iterator[dict]:
    """Train one function on one task and size, with all rates and seeds."""
    task, size = str(unit["task"]), int(unit["size"])
    quick = bool(unit["quick"])
    seeds = range(2) if quick else range(SEEDS)
    f = FUNCTIONS[str(unit["function"])]
    if task == "recurrent":
        data = digits(seeds)
    elif task == "regression":
        data = friedman(seeds)
    else:
        data = mnist1d(seeds, 2000, 1000, 3000) if not quick else mnist1d(seeds, 200, 100, 100)
    p = draw(shapes_of(task, size, mean_square(f) ** -0.5), len(RATES), seeds)
    stops = (3, 6) if quick else STOPS
    for step, valid, test in train(p, lambda p, x: forward(task, p, f, x), data, RATES, stops):
        for at, rate in enumerate(RATES):
            for row, seed in enumerate(seeds):
                yield _row(unit, rate, seed, step, valid[at, row], test[at, row])


def work_residual(unit: Mapping) -> Iterator[dict]:
    """Train one of four arms: all rates with the tuning seeds, or the chosen one with others."""
    quick = bool(unit["quick"])
    tuning = unit["part"] == "tune"
    rates = RATES if tuning else (float(unit["rate"]),)
    count = 2 if quick else TUNING_SEEDS if tuning else RESIDUAL_SEEDS
    seeds = range(TUNING_SEED, TUNING_SEED + count) if tuning else range(count)
    data = mnist1d(seeds, 2000, 1000, 3000) if not quick else mnist1d(seeds, 200, 100, 100)
    s = float(str(unit["function"]).removeprefix("s="))
    f = family(s)
    gain = mean_square(f) ** -0.5

    def scaled(x: Tensor) -> Tensor:
        return gain * f(x)

    shapes = {"in": (40, WIDTH, 1 / math.sqrt(40)), "out": (WIDTH, 10, 1 / math.sqrt(WIDTH))}
    shapes |= {f"layer {n}": (WIDTH, WIDTH, 1 / math.sqrt(WIDTH)) for n in range(DEPTH)}
    p = draw(shapes, len(rates), seeds)
    apply = residual_forward(unit["task"] == "shortcut")
    stops = (3, 6) if quick else RESIDUAL_STOPS
    for step, valid, test in train(p, lambda p, x: apply(p, scaled, x), data, rates, stops):
        for at, rate in enumerate(rates):
            for row, seed in enumerate(seeds):
                yield _row(unit, rate, seed, step, valid[at, row], test[at, row])


def _row(unit: Mapping, rate: float, seed: int, steps: int, valid: float, test: float) -> dict:
    return {
        **{key: unit[key] for key in ("part", "task", "size", "function")},
        "rate": rate,
        "seed": seed,
        "steps": steps,
        "validation": round(float(valid), 3),
        "test": round(float(test), 3),
    }


def best_rates(rows: list[dict]) -> dict[tuple[str, str], float]:
    """For each residual arm the rate with the best mean validation score at the last stop."""
    last = max((int(row["steps"]) for row in rows if row["part"] == "tune"), default=0)
    scores: dict[tuple[str, str], dict[float, list[float]]] = {}
    for row in rows:
        if row["part"] == "tune" and int(row["steps"]) == last:
            arm = scores.setdefault((row["task"], row["function"]), {})
            arm.setdefault(float(row["rate"]), []).append(float(row["validation"]))
    return {
        arm: max(found, key=lambda r: float(np.mean(found[r]))) for arm, found in scores.items()
    }


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record: the map, then the residual networks."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    settings = {"seeds": SEEDS, "stops": STOPS, "batch": BATCH, "rates": RATES, "sizes": SIZES}
    settings |= {"depth": DEPTH, "width": WIDTH, "tuning_seed": TUNING_SEED}
    with experiment.Record(options, ["part", "task", "size", "function"], settings) as record:
        common = {"quick": options.quick}
        units = [
            {**common, "part": "map", "task": task, "size": size, "function": function}
            for task, sizes in SIZES.items()
            for size in (sizes[:1] if options.quick else sizes)
            for function in FUNCTIONS
        ]
        record.run(units, work_map)
        arms = [
            {**common, "task": task, "size": WIDTH, "function": f"s={s}"}
            for task in ("plain", "shortcut")
            for s in (1.0, 0.05)
        ]
        record.run([{**arm, "part": "tune"} for arm in arms], work_residual)
        chosen = best_rates(record.rows())
        record.run(
            [
                {**arm, "part": "residual", "rate": chosen[arm["task"], arm["function"]]}
                for arm in arms
            ],
            work_residual,
        )


if __name__ == "__main__":
    main()
