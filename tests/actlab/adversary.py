"""A search for the input with the largest error, and the functions that it is let loose on.

A grid misses the worst case of a function: it lies where a formula changes, beside a zero, at the
end of a binade. The search starts from many points of these kinds and refines around the worst it
has found, at every distance from a thousandth of the number to its last digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from functions_reference import (
    FLOAT64_ULP,
    TRUTH,
    digits,
    errors_in_ulp,
    sizes,
)
from mpmath import mp, mpf

from actlab import functions
from actlab.functions import CATALOGUE

#: The ten worst inputs of each function that a search of 20,000 points found.
WORST = Path(__file__).with_name("worst_inputs.json")

Exact = Callable[..., list[mpf]]


@dataclass(frozen=True)
class Case:
    """One function under attack.

    Attributes:
        name: as in ``actlab.functions``; of a gate's partials with ``/a`` or ``/b`` after it.
        arguments: how many numbers a point has.
        compute: (n, arguments) float64 to (n, results).
        exact: the results at one point, in multiprecision.
        bound: the stated error in float64, in ulp.
        floor: (point, results) to the sizes whose ulp is the unit, where terms cancel.
        reach: points are drawn from −reach to reach.
    """

    name: str
    arguments: int
    compute: Callable[[np.ndarray], np.ndarray]
    exact: Exact
    bound: float
    floor: Callable[[list[float], list[mpf]], list[float]] | None = None
    reach: float = 760.0

    def errors(self, points: np.ndarray, dtype: type = np.float64) -> np.ndarray:
        """The largest error of each point's results, in ulp of a dtype that holds them; (n,)."""
        with np.errstate(all="raise"):
            got = self.compute(points.astype(dtype))
        worst = np.empty(len(points))
        for index, point in enumerate(points.tolist()):
            with mp.workdps(max(digits(value) for value in point) + 10):
                exact = self.exact(*map(mpf, point))
            sizes = self.floor(point, exact) if self.floor else [0.0] * len(exact)
            worst[index] = max(
                errors_in_ulp(got[index, j : j + 1], [value], dtype, size)[0]
                for j, (value, size) in enumerate(zip(exact, sizes, strict=True))
            )
        return worst


def _column(function: Callable[..., Any]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: np.asarray(function(*points.T))[:, None]


# --- where to begin -------------------------------------------------------------------------------

#: Where formulas and branches change, and zeros and extrema of the derivatives.
LANDMARKS = (
    *(0.67448975, 5.656854249492381, 1.0, 3.0, 6.0, 1.5, 2.0, 0.5, 0.25, 20.0, 36.7, 40.0),
    *(0.7517915246935645, 1.2784645427610738, 1.1924312, 2.3993572805154, 1.4142135623730951),
    *(
        0.75246142,
        2.8,
        2.7,
        2.256,
        8.0,
        13.0,
        32.624,
        21.2,
        37.5,
        38.5,
        354.2,
        372.5,
        418.0,
        88.7,
        103.9,
        708.0,
        709.78,
        745.1,
    ),
)


def starts(count: int, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Numbers of every size, ends of binades, and what lies around the landmarks; (count,)."""
    share = count // 5
    edges = np.exp2(rng.integers(-60, 10, share)) * (1 + rng.integers(-3, 4, share) * 2.0**-52)
    near = rng.choice(LANDMARKS, share) * (
        1 + rng.normal(size=share) * 10 ** rng.uniform(-16, -1, share)
    )
    sizes = np.exp2(rng.uniform(-70, np.log2(reach), share))
    plain = np.abs(rng.normal(size=share)) * 3
    wide = rng.uniform(0, reach, count - 4 * share)
    found = np.concatenate([edges, near, sizes, plain, wide])
    found = np.minimum(found, reach) * rng.choice([-1.0, 1.0], count)
    rng.shuffle(found)
    return found


def search(
    case: Case, budget: int, seed: int = 0, dtype: type = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    """The worst points first, and their errors; ``budget`` points are tried in all."""
    rng = np.random.default_rng(seed)
    first = budget // 2
    points = np.stack([starts(first, case.reach, rng) for _ in range(case.arguments)], axis=1)
    points = points.astype(dtype).astype(np.float64)
    errors = case.errors(points, dtype)
    rounds = 5
    for _ in range(rounds):
        leaders = points[np.argsort(errors)[::-1][:20]]
        count = (budget - first) // rounds
        chosen = leaders[rng.integers(len(leaders), size=count)]
        scale = 10.0 ** rng.uniform(np.log10(np.finfo(dtype).eps), -2, (count, 1))
        fresh = chosen * (1 + scale * rng.normal(size=chosen.shape))
        fresh = np.clip(fresh, -case.reach, case.reach).astype(dtype).astype(np.float64)
        points = np.concatenate([points, fresh])
        errors = np.concatenate([errors, case.errors(fresh, dtype)])
    order = np.argsort(errors)[::-1]
    return points[order], errors[order]


# --- the functions --------------------------------------------------------------------------------

#: The stated accuracy of what is no elementwise entry of the catalogue.
OTHER_ULP = {
    "normal_pdf": 4.0,
    "normal_cdf": 8.0,
    "erf": 4.0,
    "erfc": 8.0,
    "silu_beta_derivative": 8.0,
    "prelu_slope_derivative": 0.0,
    "softmax": 5.0,
    "softmax_jvp": 10.0,
    "softmax_vjp": 10.0,
    "log_softmax": 4.0,
    "log_softmax_jvp": 8.0,
    "log_softmax_vjp": 8.0,
    "clamped_swiglu": 7.0,
    "clamped_swiglu/a": 12.0,
    "clamped_swiglu/b": 5.0,
}


def _cancelling(name: str, which: str, point: list[float], exact: list[mpf]) -> list[float]:
    return [float(sizes(name, which, np.array(point[0])))] * len(exact)


def _elementwise() -> list[Case]:
    found = []
    for name, entry in CATALOGUE.items():
        if entry.kind != "elementwise":
            continue
        for index, (label, function) in enumerate(
            ((name, entry.forward), (f"{name}_derivative", entry.derivative))
        ):
            formula = TRUTH[name][index]
            found.append(
                Case(
                    label,
                    1,
                    _column(function),
                    lambda x, formula=formula: [mpf(formula(x))],
                    FLOAT64_ULP[name][index],
                    partial(_cancelling, name, "derivative" if index else "forward"),
                    # A little beyond the number whose exponential is 0 in float64.
                    reach={"gelu": 39.0}.get(name, 760.0),
                )
            )
    return found


def _sigma(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def _normal() -> list[Case]:
    def cdf(x: mpf) -> mpf:
        return mp.erfc(-x / mp.sqrt(2)) / 2

    exact = {
        "normal_pdf": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
        "normal_cdf": cdf,
        "erf": mp.erf,
        "erfc": mp.erfc,
        "silu_beta_derivative": lambda x: x * x * _sigma(x) * _sigma(-x),
        "prelu_slope_derivative": lambda x: min(x, mpf(0)),
    }
    reach = {"normal_pdf": 39.0, "normal_cdf": 39.0, "erf": 40.0, "erfc": 26.5}
    return [
        Case(
            name,
            1,
            _column(getattr(functions, name)),
            lambda x, formula=formula: [formula(x)],
            OTHER_ULP[name],
            reach=reach.get(name, 760.0),
        )
        for name, formula in exact.items()
    ]


def _rows() -> list[Case]:
    """Three logits, and a tangent of three for the products."""

    def shares(*x: mpf) -> list[mpf]:
        weights = [mp.exp(value - max(x)) for value in x]
        return [weight / mp.fsum(weights) for weight in weights]

    def logarithms(*x: mpf) -> list[mpf]:
        top = max(range(len(x)), key=lambda i: x[i])
        rest = mp.log1p(mp.fsum(mp.exp(v - x[top]) for i, v in enumerate(x) if i != top))
        return [value - x[top] - rest for value in x]

    def product(which: str, *numbers: mpf) -> list[mpf]:
        x, v = numbers[:3], numbers[3:]
        s = shares(*x)
        mean, total = mp.fdot(s, v), mp.fsum(v)
        return {
            "softmax_jvp": [a * (b - mean) for a, b in zip(s, v, strict=True)],
            "softmax_vjp": [a * (b - mean) for a, b in zip(s, v, strict=True)],
            "log_softmax_jvp": [b - mean for b in v],
            "log_softmax_vjp": [b - a * total for a, b in zip(s, v, strict=True)],
        }[which]

    def terms(which: str, point: list[float], exact: list[mpf]) -> list[float]:
        """The sizes of what is subtracted: a tangent may be chosen so that it cancels."""
        x, v = [mpf(number) for number in point[:3]], [mpf(number) for number in point[3:]]
        s = shares(*x)
        top = max(range(3), key=lambda i: x[i])
        sizes = []
        for i in range(3):
            if which == "log_softmax_vjp":
                others = mp.fsum(abs(value) for j, value in enumerate(v) if j != top or i != top)
                own = abs(v[i]) * (1 - s[i] if i == top else 1)
                size = own + s[i] * others
            else:
                u = [value - v[top] for value in v]
                size = abs(u[i]) + mp.fsum(a * abs(b) for a, b in zip(s, u, strict=True))
                size *= s[i] if which.startswith("softmax") else 1
            sizes.append(float(size))
        return sizes

    found = [
        Case("softmax", 3, functions.softmax, shares, OTHER_ULP["softmax"], reach=350.0),
        Case(
            "log_softmax", 3, functions.log_softmax, logarithms, OTHER_ULP["log_softmax"], reach=340
        ),
    ]
    for name in ("softmax_jvp", "softmax_vjp", "log_softmax_jvp", "log_softmax_vjp"):
        function = getattr(functions, name)
        found.append(
            Case(
                name,
                6,
                lambda points, function=function: function(
                    np.ascontiguousarray(points[:, :3]), np.ascontiguousarray(points[:, 3:])
                ),
                partial(product, name),
                OTHER_ULP[name],
                partial(terms, name),
                reach=300.0,
            )
        )
    return found


#: The function of a in each gate.
GATES = {
    "glu": "sigmoid",
    "bilinear": None,
    "reglu": "relu",
    "geglu": "gelu",
    "swiglu": "silu",
}


def _gates() -> list[Case]:
    found = []
    for name, inner in GATES.items():
        forward, slope = TRUTH[inner] if inner else (lambda a: a, lambda a: mpf(1))
        bounds = FLOAT64_ULP[inner] if inner else (0.0, 0.0)
        entry = CATALOGUE[name]
        reach = 37.5 if inner == "gelu" else 300.0

        def near(point: list[float], exact: list[mpf], inner: str | None = inner) -> list[float]:
            return [float(sizes(inner or "", "derivative", np.array(point[0]))) * abs(point[1])]

        found += [
            # A product rounds once more.
            Case(
                name,
                2,
                _column(entry.forward),
                lambda a, b, f=forward: [mpf(f(a)) * b],
                1.5 * bounds[0] + 0.5,
                reach=reach,
            ),
            Case(
                f"{name}/a",
                2,
                _column(lambda a, b, entry=entry: entry.partials(a, b)[0]),
                lambda a, b, f=slope: [mpf(f(a)) * b],
                1.5 * bounds[1] + 0.5,
                near,
                reach=reach,
            ),
            Case(
                f"{name}/b",
                2,
                _column(lambda a, b, entry=entry: entry.partials(a, b)[1]),
                lambda a, b, f=forward: [mpf(f(a))],
                bounds[0],
                reach=reach,
            ),
        ]
    return found


def _clamped() -> list[Case]:
    """The clamped SwiGLU, whose second factor is b + 1."""
    forward, slope = TRUTH["silu"]
    alpha, entry = mpf(1.702), CATALOGUE["clamped_swiglu"]

    def cut(b: mpf) -> mpf:
        return min(max(b, mpf(-7)), mpf(7)) + 1

    def gate(a: mpf) -> mpf:
        return mpf(forward(min(a, mpf(7)), alpha))

    def near(point: list[float], exact: list[mpf]) -> list[float]:
        return [float(sizes("silu", "derivative", np.array(point[0])) * abs(cut(mpf(point[1]))))]

    exact = {
        "": (entry.forward, lambda a, b: [gate(a) * cut(b)], None),
        "/a": (
            lambda a, b: entry.partials(a, b)[0],
            lambda a, b: [mpf(slope(a, alpha)) * cut(b) * (a <= 7)],
            near,
        ),
        "/b": (lambda a, b: entry.partials(a, b)[1], lambda a, b: [gate(a) * (abs(b) <= 7)], None),
    }
    return [
        Case(
            f"clamped_swiglu{part}",
            2,
            _column(compute),
            truth,
            OTHER_ULP[f"clamped_swiglu{part}"],
            floor,
            reach=300.0,
        )
        for part, (compute, truth, floor) in exact.items()
    ]


def cases() -> dict[str, Case]:
    """Every function that :mod:`actlab.functions` has, by name."""
    return {
        case.name: case for case in (*_elementwise(), *_normal(), *_rows(), *_gates(), *_clamped())
    }


def keep(record: dict[str, list[list[str]]]) -> None:
    """Write the worst inputs, a line for each function."""
    lines = [f"{json.dumps(name)}: {json.dumps(points)}" for name, points in record.items()]
    WORST.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    """Search all functions, and keep the ten worst inputs of each: ``python adversary.py``."""
    import sys

    budget = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    wanted = sys.argv[2:]
    record = json.loads(WORST.read_text()) if WORST.exists() else {}
    for name, case in cases().items():
        if wanted and name not in wanted:
            continue
        points, errors = search(case, budget)
        record[name] = [[number.hex() for number in point] for point in points[:10].tolist()]
        mark = "BROKEN" if errors[0] > case.bound else "within" if case.bound else "exact"
        print(
            f"{name:26} {errors[0]:8.3f} of {case.bound:4.1f} ulp  {mark}  {points[0].tolist()}",
            flush=True,
        )
        keep({key: record[key] for key in cases() if key in record})


if __name__ == "__main__":
    mpmath.mp.dps = 50
    main()
