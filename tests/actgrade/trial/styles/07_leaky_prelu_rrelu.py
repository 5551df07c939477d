"""Right answers to 07_leaky_prelu_rrelu in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: in place on a copy
def leaky(x, slope):
    y = x.copy()
    if slope == 0:
        y[y <= 0] = 0
    else:
        np.multiply(y, slope, out=y, where=~(x > 0), casting="unsafe")
    return y


def leaky_backward(upstream, x, slope):
    g = upstream.copy()
    g[x <= 0] *= slope
    return g


# %% q1: a class with __call__, and partial
from functools import partial


class Rectifier:
    def __init__(self, backwards):
        self.backwards = backwards

    def __call__(self, *given):
        *upstream, x, slope = given
        if self.backwards:
            return np.where(x > 0, upstream[0], slope * upstream[0])
        with np.errstate(invalid="ignore"):
            left = slope * x if slope else np.zeros_like(x) + 0 * np.where(np.isinf(x), 0, x)
        return np.where(x > 0, x, left).astype(x.dtype)


leaky, leaky_backward = Rectifier(False), Rectifier(True)


# %% q2: einsum after moving the axis
def prelu_backward(upstream, x, a):
    shape = [1] * x.ndim
    shape[1] = -1
    for_x = np.where(x > 0, upstream, upstream * a.reshape(shape))
    left = np.where(x > 0, 0.0, x) * upstream
    flat = np.moveaxis(left, 1, 0).reshape(left.shape[1], -1)
    per_channel = np.einsum("ct->c", flat)
    return for_x, per_channel if a.size > 1 else np.array([per_channel.sum()])


# %% q3: math, np.select, a name called time
import math


def means(low, high):
    return 0.5 / low + 0.5 / high, 2 / (high + low), (math.log(high) - math.log(low)) / (high - low)


def rrelu(x, lower, upper, training, rng):
    time = rng.uniform(lower, upper, size=np.shape(x)) if training else np.full(x.shape, (lower + upper) / 2)
    return np.select([x > 0], [x], x * time)


# %% q4: recursion is too deep, so a generator
def _products(slope, dtype):
    p = dtype(1)
    while True:
        yield p
        p = dtype(p * slope)


def depth_until_zero(slope, dtype):
    before = None
    for depth, p in enumerate(_products(dtype(slope), dtype)):
        if not p > 0:
            return depth
        if p == before:
            return None
        before = p


# %% q5: diag and a walrus
def straight(W, b, V, c, slope, x):
    z = np.atleast_2d(x) @ W + b
    factors = []
    for unit in z.T:
        if (unit > 0).all():
            factors.append(1.0)
        elif (unit <= 0).all():
            factors.append(slope)
        else:
            return None
    return (M := W @ np.diag(factors)) @ V, (b * np.array(factors)) @ V + c


# %% q6: type hints and an early return for each word
from scipy.stats import t as student


def verdict(a: np.ndarray, b: np.ndarray, margin: float) -> str:
    d, n = a - b, len(a)
    centre, error = np.mean(d), np.std(d, ddof=1) / np.sqrt(n)
    if -margin < centre - student.ppf(0.95, n - 1) * error and centre + student.ppf(0.95, n - 1) * error < margin:
        return "same"
    if centre - student.ppf(0.975, n - 1) * error > 0:
        return "better"
    if centre + student.ppf(0.975, n - 1) * error < 0:
        return "worse"
    return "not resolved"
