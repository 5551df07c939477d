"""Right answers to 04_relu in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: in place on a copy, and a bool times a number
def relu(x):
    out = np.array(x, copy=True)
    out[out < 0] = 0
    return out


def relu_backward(upstream, x):
    g = np.array(upstream, copy=True)
    g[~(x > 0)] = 0
    return g


# %% q1: torch
def relu(x):
    return torch.relu(torch.from_numpy(x.copy())).numpy()


def relu_backward(upstream, x):
    return np.multiply(upstream, np.heaviside(np.where(np.isnan(x), -1.0, x), 0).astype(bool))


# %% q1: a class with static methods
class Functions:
    @staticmethod
    def forward(x):
        return np.clip(x, 0, None)

    @staticmethod
    def backward(upstream, x):
        return np.where(x > 0, upstream, 0)


relu, relu_backward = Functions.forward, Functions.backward


# %% q2: masks, with helper names time and x2
def difference(f, x, h, tol):
    time = (f(x + h) - f(x - h)) / (2 * h)
    x2 = np.abs((f(x + h) - 2 * f(x) + f(x - h)) / h)
    time = np.array(time)
    time[x2 > tol] = np.nan
    return time


# %% q3: Gauss-Legendre in many small panels
def gain_by_integral(f):
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(-13, 13, 40_001)
    half = np.diff(edges)[:, None] / 2
    z = (edges[:-1, None] + half) + half * nodes
    mean = np.sum(f(z) ** 2 * np.exp(-(z**2) / 2) * weights * half) / np.sqrt(2 * np.pi)
    return float(mean**-0.5)


def gain_by_sampling(f, n, rng):
    return float(1 / np.sqrt(np.mean(np.square(f(rng.standard_normal(size=n))))))


# %% q4: sets of tuples, combinations and determinants
from itertools import combinations


def patterns_seen(W, b, points):
    return len({tuple(row) for row in (points @ W + b > 0).tolist()})


def _crosses(W, b, i, j, extent):
    det = W[0, i] * W[1, j] - W[1, i] * W[0, j]
    x = (-b[i] * W[1, j] + b[j] * W[1, i]) / det
    y = (-b[j] * W[0, i] + b[i] * W[0, j]) / det
    return max(abs(x), abs(y)) < extent


def regions(W, b, extent):
    reach = extent * np.abs(W).sum(0)
    lines = sum(bool(r > abs(c)) for r, c in zip(reach, b))
    return 1 + lines + sum(bool(_crosses(W, b, i, j, extent)) for i, j in combinations(range(len(b)), 2))


# %% q5: an autograd function of its own
class _Bent(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, at_zero):
        ctx.save_for_backward(x)
        ctx.at_zero = at_zero
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        slope = (x > 0).to(x.dtype) + ctx.at_zero * (x == 0).to(x.dtype)
        return upstream * slope, None


def slope_at_zero(f):
    x = torch.tensor(0.0, dtype=torch.double).requires_grad_()
    return float(torch.autograd.grad(f(x), x)[0])


def relu_with_slope(x, at_zero):
    return _Bent.apply(x, at_zero)


# %% q6: a Counter by unit
from collections import Counter


def zeros_and_dead(batches, W, b):
    seen, off = 0, np.zeros(len(b), dtype=int)
    for batch in batches:
        z = np.maximum(batch @ W + b, 0)
        off += np.count_nonzero(z == 0, axis=0)
        seen += z.shape[0]
    return off.sum().item() / (seen * off.size), np.equal(off, seen)
