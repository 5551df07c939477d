"""Right answers to 03_tanh in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: np.select over three regions
def tanh(x):
    x = np.array(x, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.expm1(2 * np.clip(x, -350, 350))
        return np.select([np.isnan(x), abs(x) > 40], [x, np.sign(x)], e / (e + 2))


# %% q1: math on scalars with np.vectorize
import math


def _one(v):
    if math.isnan(v):
        return v
    z = math.expm1(-2 * abs(v))
    return math.copysign(-z / (2 + z), v)


def tanh(x):
    return np.vectorize(_one, otypes=[float])(x)


# %% q2: type hints, a walrus, math
import math as maths


def constants(target: float, place: float) -> tuple[float, float]:
    return target / maths.tanh((b := maths.asinh(maths.sqrt(0.5)) / place) * target), b


# %% q3: a generator function
def _steps(x, y, w, b, rate, order):
    yield w
    for i in order:
        miss = np.dot(w, x[i]) + b - y[i]
        w = w - rate * miss * x[i]
        b = b - rate * miss
        yield w


def walk(x, y, w, b, rate, order):
    return np.stack(list(_steps(x, y, w, b, rate, order)))


# %% q3: homogeneous coordinates and accumulate
from itertools import accumulate


def walk(x, y, w, b, rate, order):
    ones = np.column_stack([x, np.ones(len(x))])
    start = np.append(w, b)
    path = accumulate(order, lambda v, i: v - rate * (v @ ones[i] - y[i]) * ones[i], initial=start)
    return np.array(list(path))[:, :-1]


# %% q4: comprehensions over the units
def agreement(gradient):
    shares = [
        max(np.count_nonzero(c > 0), np.count_nonzero(c < 0)) / np.count_nonzero(c)
        for c in np.asarray(gradient).T
        if np.count_nonzero(c)
    ]
    if not shares:
        return float("nan"), float("nan")
    mean = sum(shares) / len(shares)
    return sum(s == 1 for s in shares) / len(shares), float(mean)


# %% q5: deepcopy, then in place
import copy


def shifted_biases(weights, biases, c):
    new = copy.deepcopy(list(biases))
    for i in range(1, len(new)):
        new[i] = new[i] - c * np.sum(weights[i], axis=0)
    return new


# %% q6: in-place on a new array, einsum
def back(states, w, gradient):
    out = np.empty((len(states), *np.shape(gradient)))
    out[-1] = gradient
    for t in range(len(states) - 1, 0, -1):
        out[t - 1] = np.einsum("j,ij->i", out[t] * (1 - states[t] ** 2), w)
    deltas = out[1:] * (1 - np.asarray(states[1:]) ** 2)
    return out, np.einsum("ti,tj->ij", np.asarray(states[:-1]), deltas)


# %% q6: recursion over all but the last state
def back(states, w, gradient):
    if len(states) == 1:
        return np.array([gradient]), w * 0
    delta = gradient * (1 - states[-1] ** 2)
    earlier, total = back(states[:-1], w, w @ delta)
    return np.concatenate([earlier, [gradient]]), total + states[-2][:, None] * delta
