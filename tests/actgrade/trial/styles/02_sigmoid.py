"""Right answers to 02_sigmoid in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: masks and in-place work on a copy
def sigmoid(x):
    y = x.copy()
    positive = y >= 0
    y[positive] = 1 / (1 + np.exp(-y[positive]))
    small = np.exp(y[~positive])
    y[~positive] = small / (1 + small)
    return y


# %% q1: np.piecewise
def sigmoid(x):
    wide = np.asarray(x, dtype=np.float64)
    return np.piecewise(
        wide,
        [wide >= 0, wide < 0],
        [lambda t: 1 / (1 + np.exp(-t)), lambda t: np.exp(t) / (1 + np.exp(t)), np.nan],
    ).astype(x.dtype)


# %% q1: np.select with names time and mean
def sigmoid(x):
    time = np.exp(-abs(x))
    mean = 1 / (1 + time)
    return np.select([np.isnan(x), x >= 0], [x, mean], time * mean).astype(x.dtype)


# %% q1: logaddexp
def sigmoid(x):
    known = np.where(np.isnan(x), 0, x)
    return np.where(np.isnan(x), x, np.exp(-np.logaddexp(0, -known))).astype(x.dtype)


# %% q2: functools.partial over one rule
from functools import partial


def _rule(slope, upstream, at):
    return upstream * slope(at)


def _tails(x):
    t = np.exp(-np.abs(x))
    return t / np.square(1 + t)


backward_from_output = partial(_rule, lambda y: y - y * y)
backward_from_output = lambda upstream, y: upstream * (y * (1 - y))
backward_from_input = partial(_rule, _tails)


# %% q3: several helpers, one of them called x
def x(z):
    return np.log1p(np.exp(-np.fabs(z)))


def log_sigmoid(z):
    return -(np.maximum(-z, 0) + x(z))


def bce(logits, targets):
    return np.maximum(logits, 0) - logits * targets + x(logits)


# %% q4: math on scalars with np.vectorize
import math


@np.vectorize
def logit(p):
    return math.log(p) - math.log1p(-p)


@np.vectorize
def _expit(t):
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


def move(p, old, new):
    return _expit(logit(p) + logit(new) - logit(old))


# %% q5: recursion with nextafter at its end
def last_below_one(f, low, high, dtype):
    low, high = dtype(low), dtype(high)
    if np.nextafter(low, high) >= high:
        return float(low)
    middle = dtype(low / dtype(2) + high / dtype(2))
    if not low < middle < high:
        middle = np.nextafter(low, high)
    below = f(np.array([middle], dtype))[0] < 1
    return last_below_one(f, middle, high, dtype) if below else last_below_one(f, low, middle, dtype)


# %% q6: a search until the bracket is narrow, with a walrus
def temperature(logits, labels):
    def slope(t):
        z = np.exp(t) * logits
        return np.mean((np.exp(-np.logaddexp(0, -z)) - labels) * logits)

    a, b = -14.0, 9.0
    while b - a > 1e-13:
        if slope(m := (a + b) / 2) > 0:
            b = m
        else:
            a = m
    return float(np.exp(-(a + b) / 2))
