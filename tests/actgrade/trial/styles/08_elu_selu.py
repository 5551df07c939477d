"""Right answers to 08_elu_selu in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: masks on a copy
def elu(x, alpha=1.0):
    out = x.copy()
    left = x <= 0
    out[left] = alpha * np.expm1(x[left].astype(np.float64))
    return out


# %% q1: math on scalars with np.vectorize
import math


def elu(x, alpha=1.0):
    one = lambda v: v if math.isnan(v) or v > 0 else alpha * math.expm1(v)
    return np.vectorize(one, otypes=[np.float64])(x).astype(x.dtype)


# %% q1: np.piecewise, its default for NaN
def elu(x, alpha=1.0):
    return np.piecewise(x, [x > 0, x <= 0], [lambda t: t, lambda t: alpha * np.expm1(t), np.nan])


# %% q2: one closure for both
def _backward(left):
    def run(upstream, x, alpha):
        return np.where(x > 0, upstream, upstream * left(np.where(x > 0, 0, x), alpha))

    return run


elu_backward = _backward(lambda x, a: a * np.exp(x))
celu_backward = _backward(lambda x, a: np.exp(x / a))


# %% q3: the error function of math, helper names mean and x
from math import erfc, exp, pi, sqrt


def x(s):
    return exp(s * s / 2) * erfc(s / sqrt(2)) / 2


def moments(alpha, s):
    mean = s / sqrt(2 * pi) + alpha * x(s) - alpha / 2
    return mean, s * s / 2 + alpha**2 * (x(2 * s) - 2 * x(s) + 1 / 2)


# %% q4: a dataclass
from dataclasses import astuple, dataclass
from math import erfc


@dataclass
class Pair:
    alpha: float
    scale: float


def constants(k):
    once = np.exp(k * k / 2) * erfc(k / 2**0.5) / 2
    twice = np.exp(2 * k * k) * erfc(2 * k / 2**0.5) / 2
    alpha = k / (2 * np.pi) ** 0.5 / (0.5 - once)
    return astuple(Pair(float(alpha), float(1 / np.sqrt(k * k / 2 + alpha**2 * (twice - 2 * once + 0.5)))))


# %% q5: a generator and np.fromiter
def _layers(f, k, mean, variance, depth):
    z = np.arange(-9.5, 9.5, 0.0005)
    p = np.exp(-z * z / 2)
    p = p / p.sum()
    for _ in range(depth):
        y = f(k * (mean * mean + variance) ** 0.5 * z)
        mean = float(p @ y)
        variance = float(p @ y**2) - mean**2
        yield mean, variance


def propagate(f, k, mean, variance, depth):
    return np.array(list(_layers(f, k, mean, variance, depth))).reshape(depth, 2)


# %% q6: math, and choose in place of where
import math


def repair(p, floor, mean=0.0, variance=1.0):
    second = (1 - p) * (variance + mean**2) + p * floor**2
    first = (1 - p) * mean + p * floor
    a = math.sqrt(variance / (second - first**2))
    return a, mean - a * first


def drop(h, keep, p, floor, mean=0.0, variance=1.0):
    a, b = repair(p, floor, mean=mean, variance=variance)
    return np.choose(np.asarray(keep).astype(int), [np.full_like(h, floor), h]) * a + b
