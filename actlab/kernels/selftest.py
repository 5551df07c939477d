"""Hold every kernel to the float64 functions of the course.

    python -m actlab.kernels.selftest                       # on an NVIDIA GPU
    python -m actlab.kernels.selftest gelu softmax          # only checks whose name begins so
    TRITON_INTERPRET=1 python -m actlab.kernels.selftest    # without a GPU, some minutes

Needs numpy, torch and triton only. One line a check; exit code 0 when all pass, 1 when one does
not, 2 when no kernel can run here.

The elementwise functions are tried on *every* bfloat16 and float16 number, infinities, NaN,
subnormals and both zeros included: a proof for these dtypes, not a sample. Forward results must be
within 1 ulp of the float64 value rounded to the dtype. Gradients, for a random upstream gradient
g, must be within 1 ulp of g·f′ or, where f′ crosses zero, within |g|·3e-5 of it. Outputs start as
NaN, so that an element which no program writes is seen.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from actlab import functions, kernels
from actlab.functions import CATALOGUE, get
from actlab.functions.parameters import LARGEST
from actlab.kernels.availability import interpreting

if TYPE_CHECKING:
    from torch import Tensor

#: Sizes around powers of two and blocks, ragged ends, and too small for one access of 16 bytes.
SIZES = (0, 1, 15, 16, 1023, 1025, 4096, 70001)
#: Other parameters than the defaults, so that none is hard-wired: a slope of 0.5 hides 2a² = a.
PARAMETERS: dict[str, tuple[dict[str, float], ...]] = {
    "leaky_relu": ({"slope": 0.3}, {"slope": 0.0}, {"slope": -0.5}),
    "prelu": ({"slope": -0.75},),
    "rrelu": ({"lower": 0.0, "upper": 0.5},),
    "leaky_relu2": ({"slope": 0.3}, {"slope": 0.0}, {"slope": -0.75}),
    "elu": ({"alpha": 0.4}, {"alpha": -1.5}),
    "celu": ({"alpha": 0.4}, {"alpha": 2.0}),
    "star_relu": ({"scale": -0.5, "bias": 2.0}, {"scale": 0.0, "bias": 0.25}),
    "snake": ({"alpha": 0.75}, {"alpha": 6.0}),
    "xielu": ({"alpha_p": 0.2, "alpha_n": 0.5}, {"alpha_p": 1.5, "alpha_n": 0.25}),
    "softcap": ({"cap": 50.0}, {"cap": 0.7}),
    "softplus": ({"beta": 0.5}, {"beta": 7.0}),
    "silu": ({"beta": 1.702}, {"beta": -2.0}, {"beta": 0.0}),
}
#: f′ as a function of the saved output, for those that save it.
FROM_OUTPUT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda y: (y > 0).astype(float),
    "relu6": lambda y: ((y > 0) & (y < 6)).astype(float),
    "hardtanh": lambda y: (np.abs(y) < 1).astype(float),
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: (1 - y) * (1 + y),
}
#: Values that random ones miss: zeros, limits, beyond the range, subnormal, a far tail.
SPECIALS = (0.0, -0.0, math.inf, -math.inf, 1e30, -1e30, 1e-40, -1e-40, -90.0)
#: Largest relative error of a single float32 result where it is not 2e-6 (some 16 ulp). The cubic
#: in the exponent of GELU's tanh form costs digits in its tail, of which torch's own has none;
#: a rounded 1.702x costs its size in units of the exponential.
FLOAT32_ERROR = {"gelu_tanh": 3e-5, "quick_gelu": 1e-5}
#: Where two terms cancel within a function, their size: smaller results are held to its digits.
FLOAT32_SIZE = {"star_relu": 0.4472, "xielu": 0.5}
#: Inputs beyond it, in units of 1/alpha, have a slope whose phase float32 cannot hold.
PHASE = {"snake": 2.0**18}
#: ‖Δ‖/‖reference‖ that random inputs must stay below, by dtype.
TOLERANCE = {"float64": 1e-7, "float32": 2e-6, "float16": 1e-3, "bfloat16": 8e-3}


def ends(entry: functions.Activation) -> list[dict[str, float]]:
    """One parameter at each end of its range, the others at their defaults."""
    found = []
    for parameter in entry.parameters:
        for value in (1 / LARGEST if parameter.domain == "positive" else -LARGEST, LARGEST):
            with contextlib.suppress(ValueError):  # another parameter rules it out
                found.append(entry.checked({parameter.name: value}))
    return found


class Mismatch(AssertionError):
    """A kernel's result is not what it must be."""


def _torch() -> Any:
    import torch

    return torch


def device() -> str:
    """Where kernels run in this process."""
    return "cpu" if interpreting() else "cuda"


@contextlib.contextmanager
def poisoned() -> Iterator[None]:
    """``torch.empty`` gives NaN inside."""
    torch = _torch()
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def numbers(tensor: Tensor) -> np.ndarray:
    """The tensor as float64 in NumPy."""
    return tensor.detach().double().cpu().numpy()


def every_value(dtype: Any) -> Tensor:
    """All 65,536 numbers of a 16-bit dtype."""
    torch = _torch()
    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    return bits.view(dtype).to(device())


def _ordinals(tensor: Tensor) -> np.ndarray:
    """Integers that count the values of a 16-bit dtype in order; both zeros are 0."""
    torch = _torch()
    bits = tensor.cpu().view(torch.int16).numpy().astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF), bits)


def ulps(got: Tensor, wanted: np.ndarray) -> np.ndarray:
    """Distance of each element from the float64 value rounded to its dtype, in that dtype's steps.

    Where both are NaN the distance is 0, where one is it is larger than any other.
    """
    torch = _torch()
    with np.errstate(over="ignore"):
        rounded = torch.from_numpy(np.array(wanted)).to(got.dtype)
    distance = np.abs(_ordinals(got) - _ordinals(rounded))
    nan, nan_wanted = np.isnan(numbers(got)), np.isnan(wanted)
    return np.where(nan | nan_wanted, np.where(nan & nan_wanted, 0, 1 << 20), distance)


def _worst(x: Tensor, got: Tensor, wanted: np.ndarray, error: np.ndarray) -> str:
    at = int(np.argmax(error))
    return (
        f"at x = {numbers(x).ravel()[at]:.6g} got {numbers(got).ravel()[at]:.6g}, "
        f"wanted {wanted.ravel()[at]:.6g}"
    )


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise Mismatch(message)


def relative(got: Tensor, wanted: Any, least: Any = 0.0) -> float:
    """‖got − wanted‖/‖wanted‖, or over ``least`` if that is larger; inf for a NaN or infinity."""
    values = numbers(got)
    _expect(values.shape == wanted.shape, f"shape {values.shape}, wanted {wanted.shape}")
    if not values.size:
        return 0.0
    scale = max(float(np.linalg.norm(wanted)), least)
    error = float(np.linalg.norm(values - wanted)) / (scale or 1.0)
    return error if math.isfinite(error) else math.inf


def _close(what: str, got: Tensor, wanted: Any, least: Any = 0.0) -> float:
    dtype = str(got.dtype).removeprefix("torch.")
    error = relative(got, wanted, least)
    _expect(error < TOLERANCE[dtype], f"{what}, {dtype}: relative error {error:.2e}")
    return error


def _close_sum(what: str, got: Tensor, terms: np.ndarray) -> None:
    """Sums over rows, judged by the size of their terms: opposite ones may cancel."""
    dtype = str(got.dtype).removeprefix("torch.")
    error = np.abs(numbers(got) - terms.sum(0))
    _expect(
        bool((error <= TOLERANCE[dtype] * np.abs(terms).sum(0)).all()),
        f"{what}, {dtype}: off by {error.max(initial=0):.2e}",
    )


def _rounds_twice() -> bool:
    """Whether this is an interpreter whose fused multiply-add is none (Triton before 3.9)."""
    if not interpreting():
        return False
    import triton

    return tuple(int(part) for part in triton.__version__.split(".")[:2]) < (3, 9)


# --- elementwise --------------------------------------------------------------------------------


def _gradient(y: Tensor, inputs: Any, g: Tensor) -> Any:
    return _torch().autograd.grad(y, inputs, g)


def check_exhaustively(name: str, parameters: dict[str, float], rng: np.random.Generator) -> str:
    """Every bfloat16 and float16 number, forward and backward; the worst error as text."""
    torch = _torch()
    entry = get(name)
    notes = []
    for dtype in (torch.bfloat16, torch.float16):
        short = str(dtype).removeprefix("torch.")
        x = every_value(dtype).requires_grad_()
        g = torch.from_numpy(rng.standard_normal(x.numel())).to(dtype).to(x.device)
        y = kernels.apply(name, x, **parameters)
        (dx,) = _gradient(y, x, g)
        wanted = np.asarray(entry.forward(numbers(x), **parameters))
        error = ulps(y.detach(), wanted)
        where = _worst(x, y, wanted, error)
        _expect(error.max() <= 1, f"{short}: {error.max()} ulp, {where}")
        exact = float((error == 0).mean())
        # A gradient at NaN is left open, as in torch.
        numeric = ~np.isnan(numbers(x))
        if name in PHASE:
            with np.errstate(invalid="ignore"):
                numeric &= np.abs(numbers(x)) * parameters["alpha"] < PHASE[name]
        saves_output = name in FROM_OUTPUT
        slope = (
            FROM_OUTPUT[name](numbers(y))
            if saves_output
            else np.asarray(entry.derivative(numbers(x), **parameters))
        )
        with np.errstate(invalid="ignore", over="ignore"):
            wanted = numbers(g) * slope
            error = ulps(dx, wanted)
            near = np.abs(numbers(dx) - wanted) <= 3e-5 * np.abs(numbers(g))
        error = np.where(numeric & ~near, error, 0)
        where = _worst(x, dx, wanted, error)
        _expect(error.max() <= 1, f"{short} gradient: {error.max()} ulp, {where}")
        notes.append(f"{short} {exact:.2%} correctly rounded")
    return ", ".join(notes)


def check_random(name: str, parameters: dict[str, float], rng: np.random.Generator) -> str:
    """float32 at all sizes and float64, a transposed tensor, forward and backward."""
    torch = _torch()
    entry = get(name)
    worst = 0.0
    shapes = [(torch.float32, (size,)) for size in SIZES]
    for dtype, shape in [*shapes, (torch.float32, (37, 53)), (torch.float64, (1025,))]:
        x = torch.from_numpy(4 * rng.standard_normal(shape)).to(dtype).to(device())
        if len(shape) > 1:
            x = x.t()
        elif x.numel() > 1000:
            x[: len(SPECIALS)] = torch.tensor(SPECIALS, dtype=dtype)
        x.requires_grad_()
        g = torch.from_numpy(rng.standard_normal(x.shape)).to(dtype).to(x.device)
        y = kernels.apply(name, x, **parameters)
        (dx,) = _gradient(y, x, g)
        wanted = np.asarray(entry.forward(numbers(x), **parameters))
        with np.errstate(over="ignore"):
            rounded = wanted.astype(str(dtype).removeprefix("torch.")).astype(np.float64)
        limits = ~np.isfinite(rounded)
        _expect(bool((numbers(y)[limits] == rounded[limits]).all()), f"{shape}: a wrong infinity")
        ordinary = ~limits & (np.abs(rounded) > 1e-37)
        if dtype == torch.float32:
            size = np.maximum(np.abs(wanted[ordinary]), FLOAT32_SIZE.get(name, 0.0))
            error = np.abs(numbers(y) - wanted)[ordinary] / size
            worst = max(worst, float(error.max(initial=0.0)))
            limit = FLOAT32_ERROR.get(name, 2e-6) * (10 if _rounds_twice() else 1)
            _expect(worst < limit, f"{shape}: relative error {worst:.1e} of an element")
        slope = np.asarray(entry.derivative(numbers(x), **parameters))
        if name in FROM_OUTPUT:
            slope = FROM_OUTPUT[name](numbers(y))
        wanted = numbers(g) * slope
        # Values of ±∞ and 1e30 would drown the others in the norm, and a single x may lie where
        # f′ crosses zero: then g is what the error is small against.
        kept = torch.from_numpy(np.abs(numbers(x)) < 1e20)
        if dtype == torch.float64:
            _close(f"{shape}", y.detach().cpu()[kept], rounded[kept.numpy()])
        _close(
            f"gradient {shape}", dx.cpu()[kept], wanted[kept.numpy()], np.linalg.norm(numbers(g))
        )
    return f"float32 {worst:.1e} at worst"


def check_elementwise(name: str, rng: np.random.Generator) -> str:
    """One elementwise function in every dtype, with default and other parameters."""
    defaults = get(name).defaults
    notes = check_exhaustively(name, defaults, rng)
    notes += ", " + check_random(name, defaults, rng)
    for parameters in PARAMETERS.get(name, ()):
        check_exhaustively(name, {**defaults, **parameters}, rng)
    return notes


# --- the others ---------------------------------------------------------------------------------


def _draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, scale: float = 1.0) -> Any:
    torch = _torch()
    return torch.from_numpy(scale * rng.standard_normal(shape)).to(dtype).to(device())


def _dtypes() -> tuple[Any, ...]:
    torch = _torch()
    return (torch.bfloat16, torch.float16, torch.float32)


def check_gated(name: str, rng: np.random.Generator) -> str:
    """Packed, gate second, two tensors, and views; forward and both partial derivatives."""
    torch = _torch()
    entry = get(name)
    worst = 0.0
    for dtype in _dtypes():
        for shape in ((0, 8), (5, 14), (3, 7, 96), (2, 4096), (257, 2), (6,)):
            packed = _draw(rng, shape, dtype, 2.0).requires_grad_()
            g = _draw(rng, (*shape[:-1], shape[-1] // 2), dtype)
            halves = [numbers(half) for half in packed.tensor_split(2, dim=-1)]
            for gate_first in (True, False) if shape[0] < 5 else (True,):
                a, b = halves if gate_first else halves[::-1]
                y = kernels.apply(name, packed, gate_first=gate_first)
                _close(f"{shape}", y.detach(), np.asarray(entry.forward(a, b)))
                (gradient,) = _gradient(y, packed, g)
                for_a, for_b = (numbers(g) * part for part in entry.partials(a, b))
                wanted = np.concatenate((for_a, for_b) if gate_first else (for_b, for_a), axis=-1)
                error = _close(f"gradient {shape}", gradient, wanted)
                worst = max(worst, error) if dtype == torch.float32 else worst
            views = [half.detach().requires_grad_() for half in packed.tensor_split(2, dim=-1)]
            y = kernels.apply(name, *views)
            _close(f"two {shape}", y.detach(), np.asarray(entry.forward(*halves)))
            for got, part in zip(_gradient(y, views, g), entry.partials(*halves), strict=True):
                _close(f"gradient of two {shape}", got, numbers(g) * part)
    return f"float32 {worst:.1e}"


def _row_lengths() -> tuple[tuple[int, int], ...]:
    short = ((0, 5), (3, 0), (1, 1), (5, 7), (65, 33), (3, 1000), (2, 4096))
    if interpreting():
        return (*short, (1, 20000), (1, 40000))
    return (*short, (300, 16384), (300, 20000), (300, 32768), (7, 65536), (5, 131072), (3, 262144))


def check_rows(name: str, rng: np.random.Generator) -> str:
    """Rows of 1 to 256 k columns (40 k in the interpreter), other axes, other temperatures."""
    torch = _torch()
    forward, vjp = getattr(functions, name), getattr(functions, f"{name}_vjp")
    worst = 0.0
    for dtype in _dtypes():
        for shape in _row_lengths():
            x = _draw(rng, shape, dtype, 3.0).requires_grad_()
            g = _draw(rng, shape, dtype)
            for temperature in (1.0, 0.5) if shape[-1] < 2000 else (1.0,):
                y = kernels.apply(name, x, temperature=temperature)
                if not x.numel():
                    _expect(y.shape == x.shape, f"shape {tuple(y.shape)} for {shape}")
                    continue
                error = _close(f"{shape}", y.detach(), forward(numbers(x), temperature=temperature))
                worst = max(worst, error) if dtype == torch.float32 else worst
                # The gradient follows from the rounded output, which is what is saved.
                s = numbers(y) if name == "softmax" else np.exp(numbers(y))
                gradient = numbers(g)
                terms = s * gradient if name == "softmax" else gradient
                wanted = (terms - s * terms.sum(-1, keepdims=True)) / temperature
                # Judged by the size of the terms, which cancel where all rows are almost one-hot.
                sizes = np.abs(terms) + s * np.abs(terms).sum(-1, keepdims=True)
                least = float(np.linalg.norm(sizes)) / temperature
                (dx,) = _gradient(y, x, g)
                if shape[-1] > 1:
                    _close(f"gradient {shape}", dx, wanted, least)
                    if dtype == torch.float32:
                        exact = vjp(numbers(x), gradient, temperature=temperature)
                        error = relative(dx, exact, least)
                        _expect(error < 1e-5, f"gradient {shape} is not the vjp's")
    x = _draw(rng, (4, 6, 5), torch.float32)
    _close("axis 1", kernels.apply(name, x, axis=1), forward(numbers(x), axis=1))
    inf, nan = math.inf, math.nan
    rows = [[0.0, -inf, 1.0], [-inf, -inf, -inf], [nan, 0.0, 1.0], [1e30, -1e30, 0.0]]
    x = torch.tensor(rows, device=device())
    got, wanted = numbers(kernels.apply(name, x)), forward(numbers(x))
    _expect(np.allclose(got, wanted, equal_nan=True), f"specials: got {got.tolist()}")
    return f"float32 {worst:.1e}"


def check_bias_activation(rng: np.random.Generator) -> str:
    """activation(x + bias) with the gradients of both; formulas that save either tensor."""
    torch = _torch()
    worst = 0.0
    for dtype in _dtypes():
        for name in ("relu", "gelu", "leaky_relu2"):
            entry = get(name)
            for shape in ((3, 5, 50), (130, 300), (0, 4)):
                x = _draw(rng, shape, dtype).requires_grad_()
                bias = _draw(rng, shape[-1:], dtype).requires_grad_()
                g = _draw(rng, shape, dtype)
                y = kernels.bias_activation(name, x, bias)
                total = numbers(x) + numbers(bias)
                _close(f"{name} {shape}", y.detach(), np.asarray(entry.forward(total)))
                dx, dbias = _gradient(y, (x, bias), g)
                slope = (
                    FROM_OUTPUT[name](numbers(y))
                    if name in FROM_OUTPUT
                    else entry.derivative(total)
                )
                wanted = numbers(g) * np.asarray(slope)
                error = _close(f"{name} gradient {shape}", dx, wanted)
                worst = max(worst, error) if dtype == torch.float32 else worst
                _close_sum(f"{name} bias gradient {shape}", dbias, wanted.reshape(-1, shape[-1]))
    return f"float32 {worst:.1e}"


def check_squares(rng: np.random.Generator) -> str:
    """What keeps the output gives the bits of what keeps the input, on every 16-bit number."""
    torch = _torch()
    for dtype in (torch.bfloat16, torch.float16):
        x = every_value(dtype)
        tiny = torch.finfo(dtype).tiny
        for slope in (0.5, 0.3, -0.75, 0.0):
            y = kernels.leaky_relu2(x, slope)
            # Left out is what the square loses: overflow, and roots of subnormal squares.
            kept = x[
                torch.isfinite(x) & torch.isfinite(y) & ((y >= tiny) | (slope == 0) & (x <= 0))
            ]
            g = _draw(rng, kept.shape, dtype)
            gradients = []
            for save in ("input", "output"):
                leaf = kept.clone().requires_grad_()
                gradients.append(_gradient(kernels.leaky_relu2(leaf, slope, save), leaf, g)[0])
            _expect(torch.equal(*gradients), f"LeakyReLU({slope})²: gradients differ, {dtype}")
            if slope == 0:
                leaf = kept.clone().requires_grad_()
                (gradient,) = _gradient(kernels.relu2(leaf, save="output"), leaf, g)
                _expect(torch.equal(gradient, gradients[0]), f"ReLU²: gradients differ, {dtype}")
    for size in SIZES:
        x = _draw(rng, (size,), torch.float32).requires_grad_()
        y = kernels.leaky_relu2(x, 0.3, save="output")
        g = _draw(rng, (size,), torch.float32)
        wanted = numbers(g) * functions.leaky_relu2_derivative(numbers(x), 0.3)
        _close(f"float32 gradient {size}", _gradient(y, x, g)[0], wanted)
    return "bfloat16 and float16 gradients bit for bit"


def check_learned(rng: np.random.Generator) -> str:
    """PReLU's slope gradient; RReLU's slopes: in range, spread, the same in both passes."""
    torch = _torch()
    for dtype in _dtypes():
        for slopes in (1, 5):
            for shape in ((4, 5, 6, 7), (300, 5), (0, 5)):
                x = _draw(rng, shape, dtype).requires_grad_()
                slope = _draw(rng, (slopes,), dtype).requires_grad_()
                g = _draw(rng, shape, dtype)
                y = kernels.prelu(x, slope)
                wide = numbers(slope).reshape(-1, *[1] * (len(shape) - 2))
                what = f"prelu {slopes} {shape}"
                _close(what, y.detach(), functions.prelu(numbers(x), wide))
                dx, dslope = _gradient(y, (x, slope), g)
                wanted = numbers(g) * functions.prelu_derivative(numbers(x), wide)
                _close(f"{what} gradient", dx, wanted)
                terms = numbers(g) * functions.prelu_slope_derivative(numbers(x))
                if slopes == 1:
                    terms = terms.reshape(-1, 1)
                elif len(shape) > 2:
                    terms = np.moveaxis(terms, 1, -1).reshape(-1, slopes)
                _close_sum(f"{what} slope gradient", dslope, terms)
    x = -_draw(rng, (70001,), torch.float32).abs().requires_grad_() - 0.1
    y = kernels.rrelu(x, 0.1, 0.4, seed=7)
    (dx,) = _gradient(y, x, torch.ones_like(y))
    slope = numbers(y) / numbers(x)
    _expect(np.allclose(slope, numbers(dx), atol=1e-6), "rrelu: backward drew other slopes")
    _expect(numbers(dx).min() >= 0.1 and numbers(dx).max() <= 0.4, "rrelu: slope out of range")
    # Mean 0.25, deviation 0.3/√12 over √70001 draws: six standard errors.
    _expect(abs(slope.mean() - 0.25) < 6 * 0.0866 / math.sqrt(70001), "rrelu: wrong mean")
    _expect(np.unique(numbers(dx)).size > 60000, "rrelu: slopes repeat")
    other = kernels.rrelu(x.detach(), 0.1, 0.4, seed=8)
    _expect(not torch.equal(other, y.detach()), "rrelu: the seed has no effect")
    return "slopes drawn twice agree"


def check_linear(rng: np.random.Generator) -> str:
    """The fused linear layer with all gradients, shapes that no tile divides, several slopes."""
    torch = _torch()
    worst = 0.0
    shapes = [(10, 70, 100), (64, 64, 64), (1, 3, 5)]
    if not interpreting():
        shapes += [(1000, 512, 2048), (333, 768, 1000)]
    for dtype in _dtypes():
        for rows, inner, columns in shapes:
            for slope, with_bias in ((0.5, True), (0.3, False)):
                x = _draw(rng, (2, rows, inner), dtype).requires_grad_()
                weight = _draw(rng, (columns, inner), dtype, 1 / math.sqrt(inner)).requires_grad_()
                bias = _draw(rng, (columns,), dtype).requires_grad_() if with_bias else None
                g = _draw(rng, (2, rows, columns), dtype)
                y = kernels.linear_leaky_relu2(x, weight, bias, slope)
                pre = numbers(x) @ numbers(weight).T + (numbers(bias) if with_bias else 0.0)
                what = f"{rows}x{inner}x{columns}"
                # Squaring doubles the relative error of the rounded preactivation.
                wanted = functions.leaky_relu2(pre, slope)
                error = relative(y.detach(), wanted)
                limit = 2 * TOLERANCE[str(dtype).removeprefix("torch.")]
                _expect(error < limit, f"{what}, {dtype}: relative error {error:.2e}")
                worst = max(worst, error) if dtype == torch.float32 else worst
                inputs = (x, weight, bias) if with_bias else (x, weight)
                dpre = numbers(g) * functions.leaky_relu2_derivative(pre, slope)
                flat = dpre.reshape(-1, columns)
                expected = [dpre @ numbers(weight), flat.T @ numbers(x).reshape(-1, inner)]
                expected += [flat.sum(0)] if with_bias else []
                for got, wanted in zip(_gradient(y, inputs, g), expected, strict=True):
                    error = relative(got, wanted)
                    _expect(error < limit, f"{what} gradient, {dtype}: {error:.2e}")
                with torch.no_grad():
                    again = kernels.linear_leaky_relu2(x, weight, bias, slope)
                _close(f"{what} without grad", again, numbers(y))
    return f"float32 {worst:.1e}"


def check_large(rng: np.random.Generator) -> str:
    """More than 2³¹ elements: offsets need 64 bits. Only on a GPU with 20 GB free."""
    torch = _torch()
    if interpreting() or torch.cuda.mem_get_info()[0] < 20e9:
        return "not run: needs a GPU with 20 GB free"
    size = 2**31 + 4099
    x = torch.empty(size, dtype=torch.bfloat16, device="cuda")
    ends = (slice(0, 4096), slice(2**31 - 2048, 2**31 + 2048), slice(size - 4096, size))
    for part in ends:
        x[part] = _draw(rng, (4096,), torch.bfloat16)
    y = kernels.apply("leaky_relu2", x)
    for part in ends:
        _expect(
            torch.equal(y[part], kernels.apply("leaky_relu2", x[part].clone())),
            f"elements {part.start} to {part.stop} differ",
        )
    return f"{size} elements"


def checks() -> dict[str, Callable[[np.random.Generator], str]]:
    """Every check by name: each returns a note, or raises :class:`Mismatch`."""

    def bind(check: Callable[..., str], name: str) -> Callable[[np.random.Generator], str]:
        return lambda rng: check(name, rng)

    by_kind = {"elementwise": check_elementwise, "vector": check_rows, "gated": check_gated}
    found = {name: bind(by_kind[entry.kind], name) for name, entry in CATALOGUE.items()}
    found |= {
        "bias_activation": check_bias_activation,
        "saving_output": check_squares,
        "learned": check_learned,
        "linear_leaky_relu2": check_linear,
        "large": check_large,
    }
    return found


def run_check(name: str, seed: int) -> str:
    """Run one check with its outputs poisoned.

    Raises:
        Mismatch: what is wrong, with the seed that shows it.
    """
    try:
        with poisoned():
            return checks()[name](np.random.default_rng(seed))
    except Mismatch as error:
        raise Mismatch(f"{name} (seed {seed}): {error}") from None


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m actlab.kernels.selftest",
        description="Hold every kernel to the float64 functions, exhaustively in 16 bits.",
        epilog="Example: python -m actlab.kernels.selftest gelu softmax",
    )
    parser.add_argument("prefix", nargs="*", help="only checks whose name begins so")
    parser.add_argument("--exact", action="store_true", help="only checks with just these names")
    parser.add_argument("--seed", type=int, help="repeat a run; default: a fresh one")
    options = parser.parse_args(arguments)
    possible, reason = kernels.available()
    if not possible:
        print(reason, file=sys.stderr)
        return 2
    wanted = [n for n in checks() if not options.prefix or n.startswith(tuple(options.prefix))]
    if options.exact:
        wanted = [n for n in wanted if n in options.prefix]
    if not wanted:
        print(f"no check's name begins with {' or '.join(options.prefix)}", file=sys.stderr)
        return 2
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(3))
    print(f"{reason}; seed {seed}; {len(wanted)} checks", flush=True)
    failed = 0
    for name in wanted:
        start = time.perf_counter()
        try:
            verdict = f"ok      {run_check(name, seed)}"
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
        except Exception as error:
            # A kernel that does not compile or launch must not hide the ones after it.
            failed += 1
            verdict = f"FAILED  {type(error).__name__}: {error}"
        print(f"{name:20} {time.perf_counter() - start:6.1f} s  {verdict}", flush=True)
    print(f"{len(wanted) - failed} of {len(wanted)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
