"""Right answers to 11_silu_swish_glu in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: tanh for the sigmoid, names time and mean
def mean(t):
    return (1 + np.tanh(t / 2)) / 2


def swish(x, beta):
    e = np.exp(-np.abs(beta * x))
    time = np.where(beta * x >= 0, 1 / (1 + e), e / (1 + e))
    return x * time


def swish_slopes(x, beta):
    e = np.exp(-np.abs(beta * x))
    s, r = np.where(beta * x >= 0, 1.0, e) / (1 + e), np.where(beta * x >= 0, e, 1.0) / (1 + e)
    return s + beta * x * s * r, np.square(x) * s * r


# %% q1: masks on a copy
def _gate(t):
    out = np.empty_like(t)
    up = t >= 0
    out[up] = 1 / (1 + np.exp(-t[up]))
    out[~up] = np.exp(t[~up]) / (1 + np.exp(t[~up]))
    return out


def swish(x, beta):
    return np.multiply(x, _gate(np.asarray(beta * x)))


def swish_slopes(x, beta):
    t = np.asarray(beta * x)
    both = _gate(t) * _gate(-t)
    return _gate(t) + t * both, x**2 * both


# %% q2: bisection on the slope
def valley(beta):
    if not beta > 0:
        raise ValueError(f"{beta} is not positive")
    low, high = -3.0, -1.0
    while True:
        t = (low + high) / 2
        if t in (low, high):
            break
        if 1 + math.exp(t) + t > 0:
            high = t
        else:
            low = t
    return t / beta, t / (1 + math.exp(-t)) / beta


# %% q3: np.split, and a dictionary of slices
def swiglu(x, packed, down, order):
    width = packed.shape[-1]
    if width % 2 or order not in {"gate first", "gate second", "interleaved"}:
        raise ValueError("cannot be split")
    if order == "interleaved":
        gate, value = packed.reshape(len(packed), -1, 2).transpose(2, 0, 1)
    else:
        gate, value = np.split(packed, 2, axis=1)
        if order == "gate second":
            gate, value = value, gate
    g = np.einsum("...i,ij->...j", x, gate)
    return np.einsum("...j,...j,jk->...k", g / (1 + np.exp(-g)), x @ value, down)


# %% q4: einsum, and the product rule term by term
def backward(upstream, x, W, V):
    gate, value = np.einsum("ni,ij->nj", x, W), np.einsum("ni,ij->nj", x, V)
    s = np.reciprocal(1 + np.exp(-gate))
    silu, silu_slope = gate * s, s + gate * s * (1 - s)
    d_gate, d_value = upstream * value * silu_slope, upstream * silu
    return (
        np.einsum("nj,ij->ni", d_gate, W) + np.einsum("nj,ij->ni", d_value, V),
        np.einsum("ni,nj->ij", x, d_gate),
        np.einsum("ni,nj->ij", x, d_value),
    )


# %% q5: count down, and keyword arguments
def parameters(inputs, units, outputs, gated):
    first = inputs * units + units
    return first + (first if gated else 0) + units * outputs + outputs


def matched(inputs, plain, outputs, multiple=1):
    room = parameters(inputs=inputs, units=plain, outputs=outputs, gated=False)
    units = (plain // multiple) * multiple
    while units > 0 and parameters(inputs, units, outputs, gated=True) > room:
        units -= multiple
    if units <= 0:
        raise ValueError("too small")
    return units


# %% q6: a Counter and statistics by hand
from collections import Counter


def share(rows, kinds, kind):
    found = Counter(kinds.get(r["value"]) for r in rows if r["main"] == 1 and r["value"] != "none")
    if not (n := sum(found.values())):
        raise ValueError("nobody")
    k, z2 = found[kind], 1.96**2
    p = k / n
    root = 1.96 * (p * (1 - p) / n + z2 / (4 * n * n)) ** 0.5
    return k, n, (p + z2 / (2 * n) - root) / (1 + z2 / n), (p + z2 / (2 * n) + root) / (1 + z2 / n)
