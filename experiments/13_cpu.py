"""What do activations cost on one thread of a CPU, and by how much do five faulty clocks err?

The times behind chapter 13, all on float32 and one thread, each as a multiple of the time of a copy
of as many numbers that took turns with it:

- size: copy, ReLU, sigmoid and softplus on arrays of 4 KiB to 64 MiB, into memory that exists;
- builtin: PyTorch's own operations on 2^16 numbers, which fit in the cache;
- order: Leaky ReLU on as many numbers, random and sorted;
- spelling: the cube, and GELU's tanh form, written in several ways in NumPy;
- branch: np.where and np.maximum on the same numbers in four orders;
- block: the parts of a transformer block with 128 tokens at three widths;
- lie: the time that a faulty benchmark reports over the time that an honest one finds.

Calls take turns, the first turn is dropped, and the least processor time of the thread counts.
Everything is repeated in several rounds; a chapter reports their median.

PyTorch chooses its loops by the processor's instruction set, and the libraries MKL and oneDNN, to
which it hands some functions and the matrix products, choose theirs. Run again with all three held
to 128-bit registers, the script adds what the parts builtin, order and block take without AVX::

    ATEN_CPU_CAPABILITY=default MKL_ENABLE_INSTRUCTIONS=SSE4_2 ONEDNN_MAX_CPU_ISA=SSE41 \\
        python experiments/13_cpu.py
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from actlab import experiment

ROUNDS = 5
#: What holds PyTorch and its two libraries to registers of 128 bits.
WITHOUT_AVX = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
}
#: What is measured again without AVX.
BY_INSTRUCTIONS = ("builtin", "order", "block")
SIZES = tuple(2**k for k in range(10, 25, 2))
WIDTHS = (64, 256, 768)
#: Shrinks every array for a quick run.
SMALL = 8

Row = dict[str, object]


def fastest(calls: Mapping[str, Callable[[], object]], turns: int, repeats: int = 1) -> dict:
    """name -> least processor time of one call in seconds; the calls take turns."""
    best = dict.fromkeys(calls, math.inf)
    for turn in range(turns + 1):
        for name, call in calls.items():
            start = time.thread_time()
            for _ in range(repeats):
                call()
            if turn:
                best[name] = min(best[name], (time.thread_time() - start) / repeats)
    return best


def row(name: str, elements: int, measure: str, value: float) -> Row:
    """One number of a part: ``measure`` is its unit."""
    return {"name": name, "elements": elements, "measure": measure, "value": float(f"{value:.4g}")}


def rows_of(seconds: Mapping[str, float], elements: int) -> Iterator[Row]:
    """Of each call the time of one element in ns, and its time in copies."""
    for name, value in seconds.items():
        yield row(name, elements, "ns", 1e9 * value / elements)
        yield row(name, elements, "copies", value / seconds["copy"])


def normal(elements: int, seed: int) -> np.ndarray:
    """Standard normal float32."""
    return np.random.default_rng(seed).standard_normal(elements, dtype=np.float32)


def by_size(seed: int, small: int) -> Iterator[Row]:
    """Four operations into existing memory, for each size."""
    large = torch.from_numpy(normal(SIZES[-1] // small, seed))
    result = torch.empty_like(large)
    for size in SIZES:
        n = size // small
        x, y = large[:n], result[:n]
        calls = {
            "copy": partial(y.copy_, x),
            "relu": partial(torch.clamp_min, x, 0, out=y),
            "sigmoid": partial(torch.sigmoid, x, out=y),
            "softplus": partial(torch.ops.aten.softplus.out, x, out=y),
        }
        yield from rows_of(fastest(calls, 5, max(1, 2**17 // n)), n)


def builtin(seed: int, small: int) -> Iterator[Row]:
    """PyTorch's operations, forward, in the cache."""
    x = torch.from_numpy(normal(2**16 // small, seed))
    out = torch.empty_like(x)
    calls = {
        "copy": lambda: out.copy_(x),
        "relu": lambda: torch.clamp_min(x, 0, out=out),
        "leaky_relu": lambda: torch.ops.aten.leaky_relu.out(x, 0.01, out=out),
        "sigmoid": lambda: torch.sigmoid(x, out=out),
        "silu": lambda: torch.ops.aten.silu.out(x, out=out),
        "softmax": lambda: torch.softmax(x.view(64 // small, 1024), -1),
        "gelu": lambda: torch.ops.aten.gelu.out(x, out=out),
        "elu": lambda: torch.ops.aten.elu.out(x, out=out),
        "softplus": lambda: torch.ops.aten.softplus.out(x, out=out),
        "tanh": lambda: torch.tanh(x, out=out),
    }
    yield from rows_of(fastest(calls, 15, 4), x.numel())


def order(seed: int, small: int) -> Iterator[Row]:
    """Leaky ReLU on the same numbers in two orders, in the cache."""
    x = torch.from_numpy(normal(2**16 // small, seed))
    out, in_order = torch.empty_like(x), x.sort().values
    calls = {
        "copy": lambda: out.copy_(x),
        "random": lambda: torch.ops.aten.leaky_relu.out(x, 0.01, out=out),
        "sorted": lambda: torch.ops.aten.leaky_relu.out(in_order, 0.01, out=out),
    }
    yield from rows_of(fastest(calls, 15, 4), x.numel())


def gelu_power(x: np.ndarray) -> np.ndarray:
    """The tanh form as it is printed."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_product(x: np.ndarray) -> np.ndarray:
    """With a product for the cube."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))


def gelu_in_place(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
    """Into y, with z as a scratch: nothing is allocated."""
    np.multiply(x, x, out=z)
    z *= 0.044715 * math.sqrt(2 / math.pi)
    z += math.sqrt(2 / math.pi)
    z *= x
    np.tanh(z, out=z)
    z += 1
    np.multiply(x, 0.5, out=y)
    y *= z


def spelling(seed: int, small: int) -> Iterator[Row]:
    """The cube and what it does to GELU, in NumPy."""
    x = normal(2**18 // small, seed)
    y, z = np.empty_like(x), np.empty_like(x)
    calls = {
        "copy": lambda: np.copyto(y, x),
        "x**2": lambda: x**2,
        "x * x * x": lambda: x * x * x,
        "x**3": lambda: x**3,
        "GELU with x**3": lambda: gelu_power(x),
        "GELU with x * x * x": lambda: gelu_product(x),
        "GELU in place": lambda: gelu_in_place(x, y, z),
    }
    yield from rows_of(fastest(calls, 5), x.size)


def branch(seed: int, small: int) -> Iterator[Row]:
    """A choice for each number, on numbers in four orders."""
    n = 2**19 // small
    noise = normal(n, seed)
    y = np.empty_like(noise)
    orders = {
        "random": noise,
        "sorted": np.sort(noise),
        "10000 repeated": np.resize(noise[:10_000], n),
        "500 repeated": np.resize(noise[:500], n),
    }
    calls: dict[str, Callable[[], object]] = {"copy": lambda: np.copyto(y, noise)}
    for order, x in orders.items():
        calls[f"np.where, {order}"] = lambda x=x: np.where(x > 0, x, 0)
        calls[f"np.maximum, {order}"] = lambda x=x: np.maximum(x, 0, out=y)
    yield from rows_of(fastest(calls, 7), n)


def block_parts(d: int, activation: Callable, tokens: int) -> dict[str, Callable[[], object]]:
    """The parts of a transformer block, forward, each as a call."""
    heads = 4
    x, wide = torch.randn(tokens, d), torch.randn(tokens, 4 * d)
    qkv, back = torch.randn(d, 3 * d), torch.randn(d, d)
    up, down = torch.randn(d, 4 * d), torch.randn(4 * d, d)
    q = torch.randn(1, heads, tokens, d // heads)
    return {
        "projections": lambda: (x @ qkv, x @ back),
        "attention": lambda: F.scaled_dot_product_attention(q, q, q),
        "layer norms": lambda: (F.layer_norm(x, (d,)), F.layer_norm(x, (d,))),
        "inner matrices": lambda: (x @ up, wide @ down),
        "activation": lambda: activation(wide),
    }


ACTIVATIONS = {
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "gelu": F.gelu,
    "elu": F.elu,
    "tanh": torch.tanh,
}


def block(seed: int, small: int) -> Iterator[Row]:
    """Share of each part in percent; ``elements`` is the width."""
    torch.manual_seed(seed)
    cases = [(256, name) for name in ACTIVATIONS]
    cases += [(width, "gelu") for width in WIDTHS if width != 256]
    for width, name in cases:
        parts = fastest(block_parts(width, ACTIVATIONS[name], 128 // small), 9)
        whole = sum(parts.values())
        for part, value in parts.items():
            yield row(f"{name}: {part}", width, "percent", 100 * value / whole)


def lie(seed: int, small: int) -> Iterator[Row]:
    """Time reported over true time, for five faults."""
    found = {}
    x = normal(2**22 // small, seed)
    y = np.empty_like(x)
    early, late = [], []
    with ThreadPoolExecutor(1) as pool:
        for _ in range(5):
            start = time.perf_counter()
            future = pool.submit(np.exp, x, out=y)
            early.append(time.perf_counter() - start)
            future.result()
            late.append(time.perf_counter() - start)
    found["the clock stops too early"] = min(early[1:]) / min(late[1:])

    t = torch.from_numpy(normal(12_000_000 // small, seed))
    target = torch.empty_like(t).copy_(t)
    times = fastest({"fresh": lambda: t.clone(), "existing": lambda: target.copy_(t)}, 4)
    found["the result is fresh memory"] = times["fresh"] / times["existing"]

    few, into = t[: 2**14], target[: 2**14]
    little = fastest({"few": lambda: into.copy_(few)}, 20, 8)["few"] / few.numel()
    found["the array is too small"] = little / (times["existing"] / t.numel())

    noise = x[: 2**19 // small]
    order = np.sort(noise)
    calls = {
        "easy": lambda: np.where(order > 0, order, 0),
        "random": lambda: np.where(noise > 0, noise, 0),
    }
    times = fastest(calls, 7)
    found["the data are too easy"] = times["easy"] / times["random"]

    leaf = torch.from_numpy(normal(2**18 // small, seed)).requires_grad_()
    upstream = torch.from_numpy(normal(2**18 // small, seed + 1))
    y = torch.sigmoid(leaf)
    calls = {
        "with sum": lambda: torch.autograd.grad(torch.sigmoid(leaf).sum(), leaf),
        "alone": lambda: torch.autograd.grad(y, leaf, upstream, retain_graph=True),
    }
    times = fastest(calls, 15)
    found["it times something else"] = times["with sum"] / times["alone"]
    for name, ratio in found.items():
        yield row(name, 0, "reported / true", ratio)


PARTS: dict[str, Callable[[int, int], Iterator[Row]]] = {
    "size": by_size,
    "builtin": builtin,
    "order": order,
    "spelling": spelling,
    "branch": branch,
    "block": block,
    "lie": lie,
}


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, metavar="N", help=f"stop after N rounds ({ROUNDS})"
    )
    options = experiment.options(__file__, __doc__, argv, parser)
    rounds, small = (1, SMALL) if options.quick else (options.rounds, 1)
    asked = {name: os.environ[name] for name in WITHOUT_AVX if name in os.environ}
    if asked and asked != WITHOUT_AVX:
        wanted = " ".join(f"{name}={value}" for name, value in WITHOUT_AVX.items())
        parser.error(f"set all of {wanted}, or none")
    instructions = "no AVX" if asked else torch.backends.cpu.get_cpu_capability()
    parts = BY_INSTRUCTIONS if asked else PARTS
    key = ["round", "part", "instructions"]
    units = [
        {"round": number, "part": part, "instructions": instructions}
        for number in range(rounds)
        for part in parts
    ]
    with experiment.Record(options, key, {"sizes": list(SIZES)}) as record:
        for unit in record.todo(units):
            found = PARTS[unit["part"]](unit["round"], small)
            record.add([{**unit, **one} for one in found])


if __name__ == "__main__":
    main()
