"""Right answers to 05_deep_gradients, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (math, np, torch).


# %% q1: arrays of one element
def slopes_bound(largest, depth):
    return float(np.prod(np.full(depth - 1, largest)))


def steps_to_zero(factor, dtype):
    value, factor = np.ones(1, dtype), np.array([factor], dtype)
    for step in range(100_000):
        value *= factor
        if not value.any():
            return step + 1
    return -1


# %% q1: a while loop that gives up where nothing changes any more
def slopes_bound(largest, depth):
    return math.pow(largest, depth - 1)


def steps_to_zero(factor, dtype):
    value, steps = dtype(1.0), 0
    while value != 0:
        new = np.multiply(value, dtype(factor), dtype=dtype)
        if new >= value or steps == 100_000:
            return -1
        value, steps = new, steps + 1
    return steps


# %% q1: by PyTorch
def slopes_bound(largest, depth):
    return math.exp((depth - 1) * math.log(largest)) if depth > 1 else 1.0


def steps_to_zero(factor, dtype):
    kind = {2: torch.float16, 4: torch.float32, 8: torch.float64}[np.dtype(dtype).itemsize]
    value, factor = torch.ones((), dtype=kind), torch.tensor(factor, dtype=kind)
    for step in range(1, 3000):
        value = value * factor
        if value.item() == 0.0:
            return step
    return -1


# %% q1: a recursion without recursion
def slopes_bound(largest, depth):
    result = 1.0
    for _ in range(1, depth):
        result *= largest
    return result


def steps_to_zero(factor, dtype):
    import itertools

    products = itertools.accumulate(
        itertools.repeat(dtype(factor), 100_000), lambda a, b: dtype(a * b)
    )
    return next((n for n, value in enumerate(products, 1) if value == 0), -1)


# %% q1: only as long as a product can still shrink
def slopes_bound(largest, depth):
    return float(np.power(float(largest), depth - 1))


def steps_to_zero(factor, dtype):
    if dtype(factor) >= 1:
        return -1
    count, value = 0, dtype(1)
    while value and count <= 100_000:
        count += 1
        value = (value * dtype(factor)).astype(dtype)
    return count if not value else -1


# %% q2: NumPy's product and one function for both fans
def fan(shape, into):
    return int(np.prod(shape)) // shape[1 - into]


def he_std(shape):
    return (2 / (np.prod(shape) / shape[0])) ** 0.5 * 1.0


def xavier_std(shape):
    area = np.prod(shape[2:])
    return float(np.sqrt(2 / (area * (shape[0] + shape[1]))))


def default_std(shape):
    return float(1 / np.sqrt(3 * np.prod(shape[1:])))


# %% q2: what PyTorch's own helpers say
def he_std(shape):
    fan_in, _ = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(*shape))
    return torch.nn.init.calculate_gain("relu") / math.sqrt(fan_in)


def xavier_std(shape):
    fans = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(*shape))
    return math.sqrt(2.0 / float(sum(fans)))


def default_std(shape):
    fan_in, _ = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(*shape))
    return 2 / math.sqrt(fan_in) / math.sqrt(12)


# %% q2: size of a tensor
def he_std(shape):
    weight = torch.empty(shape)
    return math.sqrt(2 / weight[0].numel())


def xavier_std(shape):
    weight = torch.empty(shape)
    return math.sqrt(2 / (weight[0].numel() + weight[:, 0].numel()))


def default_std(shape):
    return math.sqrt(1 / 3 / torch.empty(shape)[0].numel())


# %% q2: a loop over the kernel
def area(shape):
    result = 1
    for size in list(shape)[2:]:
        result *= size
    return result


def he_std(shape):
    return 2**0.5 * (shape[1] * area(shape)) ** -0.5


def xavier_std(shape):
    mean = (shape[0] + shape[1]) * area(shape) / 2
    return mean**-0.5


def default_std(shape):
    return he_std(shape) / 6**0.5


# %% q2: by unpacking
def he_std(shape):
    _, inputs, *kernel = shape
    return math.sqrt(2.0 / (inputs * math.prod(kernel)))


def xavier_std(shape):
    outputs, inputs, *kernel = shape
    return math.sqrt(2.0 / math.prod(kernel, start=inputs + outputs))


def default_std(shape):
    _, inputs, *kernel = shape
    end = 1 / math.sqrt(math.prod(kernel, start=inputs))
    return math.sqrt((2 * end) ** 2 / 12)


# %% q3: relative to He
def layer_factor(a, c):
    return math.sqrt(c * c * (1 + a * a) / 6)


def deepest(a, c, share):
    per_layer = layer_factor(a, c)
    if per_layer >= 1:
        return float("inf")
    return int(math.log(share, per_layer)) + 1


# %% q3: by counting layers
def layer_factor(a, c):
    return c * ((1 + a**2) / 6) ** 0.5


def deepest(a, c, share):
    factor, depth, left = layer_factor(a, c), 1, 1.0
    if factor >= 1:
        return math.inf
    while left * factor >= share:
        left, depth = left * factor, depth + 1
    return depth


# %% q3: mean square first
def layer_factor(a, c):
    variance, slopes = c**2 / 3, np.mean([1.0, a**2])
    return float(np.sqrt(variance * slopes))


def deepest(a, c, share):
    factor = layer_factor(a, c)
    return np.inf if factor >= 1 else int(np.floor(np.log(share) / np.log(factor))) + 1


# %% q3: with hypot
def layer_factor(a, c):
    return float(c * np.hypot(1, a) / np.sqrt(6))


def deepest(a, c, share):
    if c * c * (1 + a * a) >= 6:
        return math.inf
    return 1 + math.floor(2 * math.log(share) / math.log(c * c * (1 + a * a) / 6))


# %% q3: decades
def layer_factor(a, c):
    std = c / 3**0.5
    return std * (0.5 * 1 + 0.5 * a * a) ** 0.5


def deepest(a, c, share):
    decades = math.log10(layer_factor(a, c))
    return math.inf if decades >= 0 else math.floor(math.log10(share) / decades + 1)


# %% q4: Simpson's rule on stretches that are shorter near 0
def expect(function, q):
    def integrand(z):
        return function(np.sqrt(q) * z) ** 2 * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    ends = np.logspace(-9, np.log10(12), 40_001)
    total = 0.0
    for left, right in ((ends[:-1], ends[1:]), (-ends[1:], -ends[:-1])):
        middle = (left + right) / 2
        heights = integrand(left) + 4 * integrand(middle) + integrand(right)
        total += ((right - left) * heights).sum() / 6
    return float(total)


def length(f, q, k, b):
    return k * k * expect(f, q) + b * b


def chi(slope, q, k):
    return k * k * expect(slope, q)


# %% q4: the two halves by the trapezoid rule
def half(function, q, sign):
    z = np.linspace(1e-12, 11, 110_001) * sign
    y = function(np.sqrt(q) * z) ** 2 * np.exp(-z * z / 2)
    return (y.sum() - (y[0] + y[-1]) / 2) * 1e-4 / np.sqrt(2 * np.pi)


def length(f, q, k, b):
    return float(k**2 * (half(f, q, 1) + half(f, q, -1)) + b**2)


def chi(slope, q, k):
    return float(k**2 * (half(slope, q, 1) + half(slope, q, -1)))


# %% q4: in units of the sum itself
def normal_mean(function, q):
    x = (np.arange(-100_000, 100_000) + 0.5) * 1.2e-4 * np.sqrt(q)
    weight = np.exp(-(x**2) / (2 * q))
    return float(np.average(function(x) ** 2, weights=weight))


def length(f, q, k, b):
    return b**2 + k**2 * normal_mean(f, q)


def chi(slope, q, k):
    return k**2 * normal_mean(slope, q)


# %% q4: a matrix product with weights made once
Z = np.arange(-119_999, 120_000, 2) * 1e-4
P = np.exp(-Z * Z / 2)
P = P / P.sum()


def length(f, q, k, b):
    return float((k * f(q**0.5 * Z)) ** 2 @ P + b**2)


def chi(slope, q, k):
    return float((k * slope(q**0.5 * Z)) ** 2 @ P)


# %% q4: by PyTorch's sum
def gaussian(function, q):
    z = np.linspace(-11.99995, 11.99995, 240_000)
    y = torch.from_numpy(np.asarray(function(math.sqrt(q) * z), float)) ** 2
    w = torch.exp(-(torch.from_numpy(z) ** 2) / 2)
    return ((y * w).sum() / w.sum()).item()


def length(f, q, k, b):
    return math.fsum([k**2 * gaussian(f, q), b**2])


def chi(slope, q, k):
    return k**2 * gaussian(slope, q)


# %% q5: by autograd's own way, as one matrix at a time
def gradient_sizes(x, weights, f, slope, error, residual):
    inputs = [x]
    for w in weights:
        step = f(inputs[-1] @ w)
        inputs.append(step + inputs[-1] if residual else step)
    gradients = [error]
    for h, w in zip(reversed(inputs[:-1]), reversed(weights), strict=True):
        g = gradients[0]
        gradients.insert(0, np.dot(g * slope(h @ w), w.T) + (g if residual else 0))
    return np.array([np.linalg.norm(g) / np.sqrt(g.size) for g in gradients])


# %% q5: recursive
def gradient_sizes(x, weights, f, slope, error, residual):
    def go(h, rest):
        if not rest:
            return error, [np.mean(error**2) ** 0.5]
        z = h @ rest[0]
        g, sizes = go(f(z) + residual * h if residual else f(z), rest[1:])
        back = np.einsum("eo,io->ei", g * slope(z), rest[0])
        g = back + g if residual else back
        return g, [np.mean(g**2) ** 0.5, *sizes]

    return np.array(go(x, list(weights))[1])


# %% q5: filled from behind
def gradient_sizes(x, weights, f, slope, error, residual):
    depth = len(weights)
    slopes, h = [None] * depth, x.copy()
    for layer in range(depth):
        z = np.matmul(h, weights[layer])
        slopes[layer] = slope(z)
        h = f(z) + h if residual else f(z)
    sizes = np.empty(depth + 1)
    g = error.copy()
    sizes[depth] = np.sqrt(np.mean(np.square(g)))
    for layer in range(depth - 1, -1, -1):
        back = (weights[layer] @ (g * slopes[layer]).T).T
        g = g + back if residual else back
        sizes[layer] = np.sqrt(np.mean(np.square(g)))
    return sizes


# %% q5: example by example, with Jacobians
def gradient_sizes(x, weights, f, slope, error, residual):
    squares = np.zeros(len(weights) + 1)
    counts = [x.shape[1], *(w.shape[1] for w in weights)]
    for row, g in zip(x, error, strict=True):
        jacobians, h = [], row
        for w in weights:
            z = h @ w
            jacobian = w * slope(z)
            if residual:
                jacobian = jacobian + np.eye(len(w))
            jacobians.append(jacobian)
            h = h + f(z) if residual else f(z)
        squares[-1] += (g**2).sum()
        for place in range(len(weights) - 1, -1, -1):
            g = jacobians[place] @ g
            squares[place] += (g**2).sum()
    return np.sqrt(squares / (len(x) * np.array(counts)))


# %% q5: a list turned round by slicing, weights turned first
def gradient_sizes(x, weights, f, slope, error, residual):
    trace, h = [], x
    for w in weights:
        z = h @ w
        trace.append((w.T, slope(z)))
        h = f(z) if not residual else np.add(h, f(z))
    found, g = [error], error
    while trace:
        turned, s = trace.pop()
        g = (s * g) @ turned + (g if residual else 0)
        found.append(g)
    return np.array([float((v * v).mean()) ** 0.5 for v in found])[::-1]


# %% q6: averages with weights
def critical_point(f, slope, q):
    z = np.linspace(-10, 10, 40_001)
    p = np.exp(-(z**2) / 2)
    k = np.average(slope(np.sqrt(q) * z) ** 2, weights=p) ** -0.5
    rest = q - k**2 * np.average(f(np.sqrt(q) * z) ** 2, weights=p)
    return float(k), float(np.sqrt(rest)) if rest >= 0 else float("nan")


def line(f, slope, lengths):
    points = [critical_point(f, slope, q) for q in lengths]
    points = sorted((point for point in points if point[1] == point[1]), key=lambda p: p[1])
    return np.array(points, float).reshape(len(points), 2)


# %% q6: both moments in one list
def critical_point(f, slope, q):
    z = np.arange(-11, 11, 5e-4)
    w = np.exp(-z * z / 2) * 5e-4 / np.sqrt(2 * np.pi)
    moments = [float(w @ g(math.sqrt(q) * z) ** 2) for g in (f, slope)]
    k = 1 / math.sqrt(moments[1])
    b2 = q - moments[0] / moments[1]
    return k, (math.sqrt(b2) if b2 >= 0 else math.nan)


def line(f, slope, lengths):
    rows = np.empty((0, 2))
    for q in lengths:
        k, b = critical_point(f, slope, q)
        if not math.isnan(b):
            rows = np.vstack([rows, [k, b]])
    return rows[rows[:, 1].argsort()]


# %% q6: with NumPy's square root of a negative number
def critical_point(f, slope, q):
    z = np.linspace(-12, 12, 100_001)
    w = np.exp(-z * z / 2)
    w /= w.sum()
    x = z * q**0.5
    k2 = 1 / np.sum(w * slope(x) * slope(x))
    with np.errstate(invalid="ignore"):
        return float(np.sqrt(k2)), float(np.sqrt(q - k2 * np.sum(w * f(x) * f(x))))


def line(f, slope, lengths):
    points = np.array([critical_point(f, slope, q) for q in lengths]).reshape(-1, 2)
    kept = points[np.isfinite(points).all(1)]
    return kept[np.lexsort((kept[:, 0], kept[:, 1]))]


# %% q6: in the units of x
def critical_point(f, slope, q):
    x = np.linspace(-10, 10, 60_001) * np.sqrt(q)
    w = np.exp(-x * x / (2 * q)) / np.sqrt(2 * np.pi * q) * (x[1] - x[0])
    inverse = (slope(x) ** 2 * w).sum()
    bias = q - (f(x) ** 2 * w).sum() / inverse
    return float(inverse**-0.5), float("nan") if bias < 0 else float(bias**0.5)


def line(f, slope, lengths):
    table = {}
    for q in lengths:
        k, b = critical_point(f, slope, q)
        if b >= 0:
            table[b] = k
    return np.array([[table[b], b] for b in sorted(table)]).reshape(-1, 2)


# %% q6: by PyTorch's sums
def critical_point(f, slope, q):
    z = np.linspace(-10, 10, 50_001)
    p = torch.softmax(torch.from_numpy(-z * z / 2), 0)
    x = math.sqrt(q) * z
    squares = torch.from_numpy(np.stack([f(x) ** 2, slope(x) ** 2])) @ p
    b2 = q - (squares[0] / squares[1]).item()
    return squares[1].item() ** -0.5, math.sqrt(b2) if b2 >= 0 else math.nan


def line(f, slope, lengths):
    found = [p for p in (critical_point(f, slope, q) for q in lengths) if not math.isnan(p[1])]
    found.sort(key=lambda point: point[1])
    return np.array(found).reshape(-1, 2)
