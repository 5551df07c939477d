"""Which function is best? Several tasks, equal tuning, fresh seeds, and the shares of the variance.

Chapter 15. Tasks: MNIST-1D and digits with two hidden layers of 100; with --all also MNIST-1D with
a small convolutional network, and digits read row by row by a recurrent network of 32 units. Adam
throughout.

Part "tune": every function × learning rate × initial scale × seed, scored on validation data. It
gives each function the same budget and the table whose variance is shared out.
Part "compare": each function at its own best setting, with other seeds, scored on test data at
two stopping times. The second part waits for the first.

MNIST-1D is drawn anew for every seed: 4000 points to train on, 2000 to validate, 10 000 to test.
Of digits, 500 images are the test set of all seeds (the column "right" says which were answered
rightly, as the bits of a hexadecimal number), and each seed draws 1000 of the others to train on;
the rest validate.

About 6 minutes of one core; --jobs spreads them.
"""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import comparison, experiment, training

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
}
# Standard deviation of the weights, times √fan_in: He, LeCun, and what PyTorch's Linear has.
SCALES = {"he": math.sqrt(2), "lecun": 1.0, "default": math.sqrt(1 / 3)}
TUNING_SEED = 1000  # seeds of the tuning part start here, those of the comparison at 0


# --- networks -------------------------------------------------------------------------------------


@dataclass
class Convolutional:
    """Two strided convolutions over 40 values and a linear layer; one network for each seed."""

    weights: list[Tensor]
    biases: list[Tensor]
    activation: Callable[[Tensor], Tensor]

    @property
    def seeds(self) -> int:
        return self.weights[0].shape[0]

    def parameters(self) -> list[Tensor]:
        return [*self.weights, *self.biases]

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits (seeds, n, 10) of (seeds, n, 40)."""
        seeds, n, _ = inputs.shape
        hidden = inputs.unsqueeze(-1)  # (seeds, n, length, channels)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            windows = hidden.unfold(2, 5, 2)  # (seeds, n, places, channels, 5)
            places = windows.shape[2]
            flat = windows.reshape(seeds, n * places, -1)
            hidden = self.activation(torch.baddbmm(bias, flat, weight)).view(seeds, n, places, -1)
        return torch.baddbmm(self.biases[-1], hidden.flatten(2), self.weights[-1])


@dataclass
class Recurrent:
    """An Elman network that reads an 8 × 8 image row by row; one network for each seed."""

    reads: Tensor
    repeats: Tensor
    bias: Tensor
    weight: Tensor
    offset: Tensor
    activation: Callable[[Tensor], Tensor]

    @property
    def seeds(self) -> int:
        return self.reads.shape[0]

    def parameters(self) -> list[Tensor]:
        return [self.reads, self.repeats, self.bias, self.weight, self.offset]

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits (seeds, n, 10) of (seeds, n, 64)."""
        state = inputs.new_zeros(*inputs.shape[:2], self.repeats.shape[1])
        for row in inputs.unflatten(2, (8, 8)).unbind(2):
            state = self.activation(
                torch.baddbmm(self.bias, row, self.reads) + torch.bmm(state, self.repeats)
            )
        return torch.baddbmm(self.offset, state, self.weight)


def _gaussian(shape: tuple[int, int], std: float, generators: list) -> Tensor:
    drawn = [torch.randn(shape, generator=generator) * std for generator in generators]
    return torch.stack(drawn).requires_grad_()


def _zeros(seeds: int, width: int) -> Tensor:
    return torch.zeros(seeds, 1, width, requires_grad=True)


def dense(width: int) -> Callable:
    """Builder of networks ``width``-100-100-10."""

    def build(function: str, scale: float, seeds: range):
        return training.build(
            [width, 100, 100, 10], FUNCTIONS[function], seeds, lambda n: scale / math.sqrt(n)
        )

    return build


def convolutional(function: str, scale: float, seeds: range) -> Convolutional:
    """Builder of the convolutional network: 16 and 32 channels."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    shapes = [(5, 16), (80, 32), (224, 10)]
    return Convolutional(
        [_gaussian(shape, scale / math.sqrt(shape[0]), generators) for shape in shapes],
        [_zeros(len(seeds), shape[1]) for shape in shapes],
        FUNCTIONS[function],
    )


def recurrent(function: str, scale: float, seeds: range) -> Recurrent:
    """Builder of the recurrent network; ``scale`` is that of the weights from state to state."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return Recurrent(
        _gaussian((8, 32), math.sqrt(1 / 8), generators),
        _gaussian((32, 32), scale / math.sqrt(32), generators),
        _zeros(len(seeds), 32),
        _gaussian((32, 10), math.sqrt(1 / 32), generators),
        _zeros(len(seeds), 10),
        FUNCTIONS[function],
    )


# --- data -----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=2)
def digits(seeds: range, tuning: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """1000 training and 297 validation images drawn by each seed, and the 500 test images."""
    from sklearn.datasets import load_digits

    points, labels = load_digits(return_X_y=True)
    points = ((points - points.mean()) / points.std()).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(points))
    test, others = order[:500], order[500:]
    drawn = np.stack([np.random.default_rng(seed).permutation(others) for seed in seeds])
    return {
        "train": (points[drawn[:, :1000]], labels[drawn[:, :1000]]),
        "validation": (points[drawn[:, 1000:]], labels[drawn[:, 1000:]]),
        "test": (
            np.broadcast_to(points[test], (len(seeds), 500, 64)),
            np.broadcast_to(labels[test], (len(seeds), 500)),
        ),
    }


@functools.lru_cache(maxsize=2)
def mnist1d(seeds: range, tuning: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """4000 training points for each seed, and 2000 to validate or 10 000 to test."""
    points, labels, *more = comparison.mnist1d_many(seeds, 4000, 2000 if tuning else 10_000)
    return {"train": (points, labels), "validation" if tuning else "test": tuple(more)}


# --- the plan -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """What is trained, and how much of it."""

    data: Callable
    build: Callable
    functions: tuple[str, ...]
    rates: tuple[float, ...]
    scales: tuple[str, ...]
    tuning: tuple[int, int]  # seeds, steps
    seeds: int
    stops: tuple[int, ...]


FEW = ("relu", "leaky_relu", "gelu", "tanh")
RATES = (0.003, 0.01, 0.03)
TASKS = {
    "mnist1d": Task(
        data=mnist1d,
        build=dense(40),
        functions=tuple(FUNCTIONS),
        rates=RATES,
        scales=("he", "default"),
        tuning=(3, 1000),
        seeds=12,
        stops=(300, 1000),
    ),
    "digits": Task(
        data=digits,
        build=dense(64),
        functions=tuple(FUNCTIONS),
        rates=RATES,
        scales=("he", "default"),
        tuning=(3, 300),
        seeds=16,
        stops=(100, 300),
    ),
    "rnn": Task(
        data=digits,
        build=recurrent,
        functions=FEW,
        rates=RATES[:2],
        scales=("lecun",),
        tuning=(3, 300),
        seeds=12,
        stops=(100, 300),
    ),
    "cnn": Task(
        data=mnist1d,
        build=convolutional,
        functions=FEW,
        rates=RATES[:2],
        scales=("he",),
        tuning=(3, 400),
        seeds=12,
        stops=(200, 400),
    ),
}
QUICK = {
    name: Task(
        task.data, task.build, ("relu", "tanh"), (0.003, 0.01), ("lecun",), (2, 6), 2, (3, 6)
    )
    for name, task in TASKS.items()
}


def _bits(right: np.ndarray) -> str:
    return np.packbits(right).tobytes().hex()


def work(unit: Mapping[str, object]) -> Iterator[dict]:
    """Train one function in one setting with all its seeds: a row for each seed and stop."""
    task = (QUICK if unit["quick"] else TASKS)[str(unit["task"])]
    tuning = unit["part"] == "tune"
    first, count = (TUNING_SEED, task.tuning[0]) if tuning else (0, task.seeds)
    seeds = range(first, first + count)
    data = task.data(seeds, tuning)
    points, labels = data["validation" if tuning else "test"]
    networks = task.build(unit["function"], SCALES[str(unit["scale"])], seeds)
    keep = not tuning and task.data is digits
    answers = []

    @torch.no_grad()
    def measure(networks) -> np.ndarray:
        # In slices: a convolution over 2000 points of all seeds at once is a lot of memory.
        found = [
            networks(torch.from_numpy(np.ascontiguousarray(points[:, at : at + 500]))).argmax(-1)
            for at in range(0, points.shape[1], 500)
        ]
        right = torch.cat(found, 1).numpy() == labels
        answers.append(right)
        return right.mean(1)

    stops = [task.tuning[1]] if tuning else task.stops
    scores = comparison.fit(
        networks, *data["train"], stops, lr=float(unit["rate"]), measure=measure
    )
    for at, steps in enumerate(stops):
        for row, seed in enumerate(seeds):
            yield {
                **{key: unit[key] for key in ("task", "part", "function", "rate", "scale")},
                "seed": seed,
                "steps": steps,
                "accuracy": round(100 * scores[at, row], 3),
                "right": _bits(answers[at][row]) if keep else "-",
            }


def best(rows: list[dict], task: str) -> dict[str, tuple[str, str]]:
    """Rate and scale with the highest mean validation score, for each function of a task."""
    scores: dict[tuple, list[float]] = {}
    for row in rows:
        if row["part"] == "tune" and row["task"] == task:
            key = (row["function"], row["rate"], row["scale"])
            scores.setdefault(key, []).append(float(row["accuracy"]))
    found: dict[str, tuple] = {}
    for (function, rate, scale), values in scores.items():
        entry = (float(np.mean(values)), rate, scale)
        found[function] = max(found.get(function, entry), entry, key=lambda e: e[0])
    return {function: entry[1:] for function, entry in found.items()}


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record: for each task first "tune", then "compare"."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes at work (default: 1)")
    parser.add_argument("--all", action="store_true", help="add the tasks rnn and cnn")
    options = experiment.options(__file__, __doc__, argv, parser)
    tasks = QUICK if options.quick else TASKS
    if not (options.all or options.quick):
        tasks = {name: tasks[name] for name in ("mnist1d", "digits")}
    common = {"quick": options.quick}
    key = ["part", "task", "function", "rate", "scale"]
    with experiment.Record(options, key, {"tuning_seed": TUNING_SEED}) as record:
        for name, task in tasks.items():
            common = {"quick": options.quick, "task": name}
            tune = [
                {**common, "part": "tune", "function": function, "rate": rate, "scale": scale}
                for function in task.functions
                for rate in task.rates
                for scale in task.scales
            ]
            record.run(tune, work, options.jobs)
            chosen = best(record.rows(), name)
            compare = [
                {**common, "part": "compare", "function": f, "rate": rate, "scale": scale}
                for f, (rate, scale) in chosen.items()
            ]
            record.run(compare, work, options.jobs)


if __name__ == "__main__":
    main()
