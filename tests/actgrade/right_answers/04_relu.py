"""Right answers to 04_relu, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np, torch).


# %% q1: clip, and np.where backward
def relu(x):
    return np.clip(x, 0, None)


def relu_backward(upstream, x):
    return np.where(x > 0, upstream, 0)


# %% q1: a copy with the negatives overwritten, and a step function
def relu(x):
    y = np.array(x)
    y[y < 0] = 0
    return y


def relu_backward(upstream, x):
    return np.heaviside(x, 0.0) * upstream


# %% q1: by PyTorch
def relu(x):
    return torch.relu(torch.from_numpy(np.array(x))).numpy()


def relu_backward(upstream, x):
    x = torch.tensor(x, requires_grad=True)
    torch.relu(x).backward(torch.tensor(upstream))
    return x.grad.numpy()


# %% q2: the central difference on its own, then a mask
def difference(f, x, h, tol):
    up, here, down = f(x + h), f(x), f(x - h)
    result = (up - down) / (2 * h)
    result[np.abs(up - 2 * here + down) / h > tol] = np.nan
    return result


# %% q2: one point at a time
def difference(f, x, h, tol):
    result = np.empty_like(x)
    for place, value in np.ndenumerate(x):
        up, here, down = f(np.array([value + h, value, value - h]))
        right, left = (up - here) / h, (here - down) / h
        result[place] = (right + left) / 2 if abs(right - left) <= tol else float("nan")
    return result


# %% q3: adaptive quadrature from SciPy, sampling in float32 pieces
def gain_by_integral(f):
    from scipy.integrate import quad

    def integrand(z):
        return f(np.array([z]))[0] ** 2 * np.exp(-z * z / 2)

    value = quad(integrand, -10, 10, limit=500, points=[-1, 0, 1])[0]
    return (value / np.sqrt(2 * np.pi)) ** -0.5


def gain_by_sampling(f, n, rng):
    total = sum((f(rng.normal(size=n // 10)) ** 2).sum() for _ in range(10))
    return 1 / np.sqrt(total / n)


# %% q3: equally likely slices of the normal distribution, many of them
def gain_by_integral(f):
    z = np.arange(-10, 10, 1e-4)
    p = np.exp(-(z**2) / 2)
    return 1 / np.sqrt(np.average(f(z) ** 2, weights=p))


def gain_by_sampling(f, n, rng):
    z = rng.standard_normal(n)
    return 1 / np.sqrt(np.average(f(z) ** 2))


# %% q4: a set of tuples, and each line clipped to the square
def patterns_seen(W, b, points):
    return len({tuple(row) for row in (points @ W + b > 0).tolist()})


def regions(W, b, extent):
    def side(i, x, y):
        return W[0, i] * x + W[1, i] * y + b[i] > 0

    n, e, count = len(b), extent, 1
    for i in range(n):
        count += len({side(i, x, y) for x in (-e, e) for y in (-e, e)}) == 2
        for j in range(i + 1, n):
            determinant = W[0, i] * W[1, j] - W[0, j] * W[1, i]
            x = (-b[i] * W[1, j] + b[j] * W[1, i]) / determinant
            y = (-b[j] * W[0, i] + b[i] * W[0, j]) / determinant
            count += -e < x < e and -e < y < e
    return int(count)


# %% q5: a term that is 0 but has a gradient at 0
def slope_at_zero(f):
    x = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(f(x), x)
    return float(gradient)


def relu_with_slope(x, at_zero):
    return torch.relu(x) + at_zero * x * (x == 0)


# %% q5: three branches
def slope_at_zero(f):
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    f(x[0]).backward()
    return float(x.grad[0])


def relu_with_slope(x, at_zero):
    return torch.where(x > 0, x, torch.where(x == 0, at_zero * x, torch.zeros_like(x)))


# %% q6: all examples at once
def zeros_and_dead(batches, W, b):
    y = np.maximum(np.concatenate(list(batches)) @ W + b, 0)
    return float((y == 0).mean()), (y == 0).all(axis=0)


# %% q6: one example after another
def zeros_and_dead(batches, W, b):
    alive, zeros, outputs = np.zeros(W.shape[1], bool), 0, 0
    for batch in batches:
        for row in batch:
            fires = row @ W + b > 0
            alive |= fires
            zeros += np.count_nonzero(~fires)
            outputs += fires.size
    return zeros / outputs, ~alive


# %% q1: half of x and its size, with the infinities taken care of
def relu(x):
    y = np.array(x)
    return np.where(np.isneginf(y) | (y < 0), np.zeros_like(y), y)


def relu_backward(upstream, x):
    return upstream * np.sign(relu(x))


# %% q1: maximum with a zero of the same dtype, and the gate from the output
def relu(x):
    return np.maximum(x, x.dtype.type(0))


def relu_backward(upstream, x):
    gradient = np.zeros_like(upstream)
    on = relu(x) > 0
    gradient[on] = upstream[on]
    return gradient


# %% q2: slopes on a stack of shifted copies
def difference(f, x, h, tol):
    values = np.stack([f(x - h), f(x), f(x + h)])
    left, right = np.diff(values, axis=0) / h
    return np.where(np.abs(right - left) <= tol, 0.5 * (left + right), np.nan)


# %% q2: the larger and the smaller slope
def difference(f, x, h, tol):
    slopes = (f(x + h) - f(x)) / h, (f(x) - f(x - h)) / h
    gap = np.maximum(*slopes) - np.minimum(*slopes)
    central = sum(slopes) / 2
    central[gap > tol] = np.nan
    return central


# %% q2: NaN added where the slopes disagree
def difference(f, x, h, tol):
    bend = (f(x + h) + f(x - h) - 2 * f(x)) / h
    return (f(x + h) - f(x - h)) / h / 2 + np.where(bend**2 > tol**2, np.nan, 0)


# %% q3: Simpson's rule
def gain_by_integral(f):
    from scipy.integrate import simpson

    z = np.linspace(-10, 10, 400_001)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return float(1 / np.sqrt(simpson(f(z) ** 2 * density, x=z)))


def gain_by_sampling(f, n, rng):
    values = f(rng.normal(0, 1, n))
    return float(np.sqrt(n) / np.linalg.norm(values))


# %% q3: trapezoids in torch, and antithetic samples
def gain_by_integral(f):
    z = torch.linspace(-9, 9, 300_001, dtype=torch.float64)
    y = torch.from_numpy(f(z.numpy())) ** 2 * torch.exp(-z * z / 2)
    return (torch.trapezoid(y, z).item() / (2 * np.pi) ** 0.5) ** -0.5


def gain_by_sampling(f, n, rng):
    z = rng.standard_normal(n // 2)
    return float(np.mean(np.concatenate([f(z), f(-z)]) ** 2) ** -0.5)


# %% q3: by the quantiles of the normal distribution
def gain_by_integral(f):
    from scipy.stats import norm

    edges = np.arange(-10, 10, 2e-4)
    middle = (edges[1:] + edges[:-1]) / 2
    return float((f(middle) ** 2 * np.diff(norm.cdf(edges))).sum() ** -0.5)


def gain_by_sampling(f, n, rng):
    squares = [f(rng.standard_normal(1000)) ** 2 for _ in range(n // 1000)]
    return float(np.mean(squares) ** -0.5)


# %% q4: packed bits, and broadcasting over all pairs
def patterns_seen(W, b, points):
    return len(np.unique(np.packbits(points @ W + b > 0, axis=1), axis=0))


def regions(W, b, extent):
    reach = extent * np.abs(W).sum(0)  # the largest |x @ w| in the square
    i, j = np.triu_indices(len(b), 1)
    determinant = W[0, i] * W[1, j] - W[0, j] * W[1, i]
    x = (b[j] * W[1, i] - b[i] * W[1, j]) / determinant
    y = (b[i] * W[0, j] - b[j] * W[0, i]) / determinant
    inside = (abs(x) < extent) & (abs(y) < extent)
    return int(1 + (abs(b) < reach).sum() + inside.sum())


# %% q4: bytes as keys, and Cramer's rule with a helper
def patterns_seen(W, b, points):
    seen = set()
    for point in points:
        seen.add((point @ W + b > 0).tobytes())
    return len(seen)


def regions(W, b, extent):
    def crosses(i, j):
        try:
            point = np.linalg.solve(np.array([W[:, i], W[:, j]]), -np.array([b[i], b[j]]))
        except np.linalg.LinAlgError:
            return False
        return np.abs(point).max() < extent

    lines = [i for i in range(len(b)) if abs(b[i]) < extent * (abs(W[0, i]) + abs(W[1, i]))]
    return 1 + len(lines) + sum(crosses(i, j) for n, i in enumerate(lines) for j in lines[:n])


# %% q4: words as patterns, and lines added one after another
def patterns_seen(W, b, points):
    return len({"".join("01"[int(on)] for on in row) for row in points @ W + b > 0})


def regions(W, b, extent):
    total = 1
    for k in range(len(b)):
        if abs(b[k]) >= extent * np.abs(W[:, k]).sum():
            continue
        total += 1
        for m in range(k):
            point = np.linalg.inv(W[:, [k, m]].T) @ -b[[k, m]]
            total += int(-extent < point.min() and point.max() < extent)
    return total


# %% q4: powers of two as keys, and a point of each line that moves along the square
def patterns_seen(W, b, points):
    return len(set(((points @ W + b > 0) @ 2.0 ** np.arange(len(b))).tolist()))


def regions(W, b, extent):
    count = 1
    for i in range(len(b)):
        w = W[:, i]
        foot, along = -b[i] * w / (w @ w), np.array([-w[1], w[0]])
        with np.errstate(divide="ignore"):
            ends = np.sort((np.array([[-extent], [extent]]) - foot) / along, axis=0)
        low, high = ends[0].max(), ends[1].min()
        if low < high:
            speed, start = along @ W[:, :i], foot @ W[:, :i] + b[:i]
            cuts = -start / speed
            count += 1 + int(((low < cuts) & (cuts < high)).sum())
    return count


# %% q5: a straight line plus a kink, weighted
def slope_at_zero(f):
    x = torch.zeros((), dtype=torch.double).requires_grad_()
    y = f(x)
    y.backward()
    return float(x.grad)


def relu_with_slope(x, at_zero):
    left = torch.where(x >= 0, x, torch.zeros_like(x))
    right = torch.where(x > 0, x, torch.zeros_like(x))
    return left * at_zero + right * (1 - at_zero)


# %% q5: multiplied by a gate that is not differentiated
def slope_at_zero(f):
    return torch.autograd.functional.jacobian(f, torch.zeros((), dtype=torch.float64)).item()


def relu_with_slope(x, at_zero):
    return x * torch.heaviside(x.detach(), torch.tensor(at_zero, dtype=x.dtype))


# %% q5: a backward pass of its own
def slope_at_zero(f):
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(f(x), x)[0].numpy().item()


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, at_zero):
        ctx.save_for_backward(x)
        ctx.at_zero = at_zero
        return torch.relu(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        slope = (x > 0).to(x.dtype) + ctx.at_zero * (x == 0).to(x.dtype)
        return upstream * slope, None


def relu_with_slope(x, at_zero):
    return _Relu.apply(x, at_zero)


# %% q6: the largest preactivation decides
def zeros_and_dead(batches, W, b):
    highest, zeros, n = np.full(W.shape[1], -np.inf), 0, 0
    for x in batches:
        z = x @ W + b
        highest = np.maximum(highest, z.max(0))
        zeros, n = zeros + (z <= 0).sum(), n + z.size
    return zeros / n, highest <= 0


# %% q6: counting the units that fire
def zeros_and_dead(batches, W, b):
    rows = list(batches)
    fired = [np.count_nonzero(x @ W + b > 0, axis=0) for x in rows]
    total = np.sum(fired, axis=0)
    examples = sum(map(len, rows))
    return float(1 - total.sum() / (examples * total.size)), total == 0


# %% q6: in torch
def zeros_and_dead(batches, W, b):
    x = torch.cat([torch.from_numpy(batch) for batch in batches])
    y = torch.relu(x @ torch.from_numpy(W) + torch.from_numpy(b))
    return (y == 0).double().mean().item(), ~(y > 0).any(0)
