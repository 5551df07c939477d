"""Right answers to 05_deep_gradients in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: itertools.count and takewhile
from itertools import count, takewhile


def slopes_bound(largest, depth):
    product = 1.0
    for _ in range(depth - 1):
        product *= largest
    return product


def steps_to_zero(factor, dtype):
    factor, value, seen = dtype(factor), dtype(1), 0
    with np.errstate(all="ignore"):
        while value != 0:
            new = dtype(value * factor)
            seen += 1
            if new == value or not np.isfinite(new):
                return -1
            value = new
    return seen


# %% q2: np.prod and a dictionary of rules
_RULES = {
    "he": lambda i, o: 2 / i,
    "xavier": lambda i, o: 2 / (i + o),
    "default": lambda i, o: 1 / (3 * i),
}


def _std(rule, shape):
    field = int(np.prod(shape[2:], initial=1))
    return float(np.sqrt(_RULES[rule](shape[1] * field, shape[0] * field)))


def he_std(shape):
    return _std("he", shape)


def xavier_std(shape):
    return _std("xavier", shape)


def default_std(shape):
    return _std("default", shape)


# %% q2: partial, and functions in a list
from functools import partial


def _any(power, numerator, shape):
    inputs, outputs = (math.prod(shape) // shape[k] for k in (0, 1))
    outputs = math.prod(shape) // shape[1]
    inputs = math.prod(shape) // shape[0]
    return math.sqrt(numerator / (inputs * power[0] + outputs * power[1]))


he_std, xavier_std, default_std = (
    partial(_any, power, numerator)
    for power, numerator in (((1, 0), 2), ((1, 1), 2), ((3, 0), 1))
)


# %% q3: type hints, one expression each
def layer_factor(a: float, c: float) -> float:
    return float(c * np.sqrt((1 + np.square(a)) / 6))


def deepest(a: float, c: float, share: float) -> float:
    return math.inf if (f := layer_factor(a, c)) >= 1 else 1 + int(math.log(share, f) // 1)


# %% q4: Gauss-Legendre on each side of zero
def _moment(f, q):
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(-13, 13, 5201)
    half = (edges[1:] - edges[:-1])[:, None] / 2
    z = (edges[1:] + edges[:-1])[:, None] / 2 + half * nodes
    return float(np.sum(np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * f(q**0.5 * z) ** 2 * half * weights))


def length(f, q, k, b):
    return b * b + k * k * _moment(f, q)


def chi(slope, q, k):
    return k * k * _moment(slope, q)


# %% q5: recursion down and up
def gradient_sizes(x, weights, f, slope, error, residual):
    def go(h, left):
        if not left:
            return [float(np.sqrt(np.mean(error**2)))], error
        z = h @ left[0]
        sizes, g = go(h + f(z) if residual else f(z), left[1:])
        g = (g * slope(z)) @ left[0].T + (g if residual else 0)
        return [float(np.sqrt(np.mean(g**2))), *sizes], g

    return np.array(go(x, list(weights))[0])


# %% q6: np.sort of complex numbers, and a list of tuples
def critical_point(f, slope, q):
    z, step = np.linspace(-12, 12, 48_000, endpoint=False, retstep=True)
    z = z + step / 2
    p = np.exp(-0.5 * z**2) * step / np.sqrt(2 * np.pi)
    k_squared = 1.0 / np.sum(p * slope(np.sqrt(q) * z) ** 2)
    b_squared = q - k_squared * np.sum(p * f(np.sqrt(q) * z) ** 2)
    return float(np.sqrt(k_squared)), float(np.sqrt(b_squared)) if b_squared >= 0 else float("nan")


def line(f, slope, lengths):
    kept = [pair for q in lengths if not math.isnan((pair := critical_point(f, slope, q))[1])]
    kept.sort(key=lambda pair: pair[1])
    return np.array(kept, dtype=float).reshape(len(kept), 2)
