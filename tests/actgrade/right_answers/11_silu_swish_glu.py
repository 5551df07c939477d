"""Right answers to 11_silu_swish_glu, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np, math).


# %% q1: numerator exp(min(t, 0)) over 1 + exp(-|t|)
def swish(x, beta):
    def gate(t):
        return np.exp(np.minimum(t, 0)) / (1 + np.exp(-np.abs(t)))

    return x * gate(beta * x)


def swish_slopes(x, beta):
    def gate(t):
        return np.exp(np.minimum(t, 0)) / (1 + np.exp(-np.abs(t)))

    t = beta * x
    both = gate(t) * gate(-t)
    return gate(t) + t * both, x**2 * both


# %% q1: by logarithms
def swish(x, beta):
    return x * np.exp(-np.logaddexp(0, -beta * x))


def swish_slopes(x, beta):
    t = beta * x
    left, right = -np.logaddexp(0, -t), -np.logaddexp(0, t)
    return np.exp(left) + t * np.exp(left + right), x * x * np.exp(left + right)


# %% q1: masks
def swish(x, beta):
    t = np.asarray(beta * x)
    gate = np.empty(t.shape)
    right = t >= 0
    gate[right] = 1 / (1 + np.exp(-t[right]))
    z = np.exp(t[~right])
    gate[~right] = z / (1 + z)
    return gate * x


def swish_slopes(x, beta):
    z = np.exp(-np.abs(beta * x))
    gate = np.where(beta * x >= 0, 1 / (1 + z), z / (1 + z))
    slope = z / (1 + z) ** 2
    return gate + beta * x * slope, slope * x * x


# %% q1: one number after the other
def swish(x, beta):
    def one(v):
        t = beta * v
        return v / (1 + math.exp(-t)) if t >= 0 else v * math.exp(t) / (1 + math.exp(t))

    return np.array([one(v) for v in x.ravel()]).reshape(x.shape)


def swish_slopes(x, beta):
    in_x, in_beta = np.empty(x.shape), np.empty(x.shape)
    for i, v in np.ndenumerate(x):
        z = math.exp(-abs(beta * v))
        gate = 1 / (1 + z) if beta * v >= 0 else z / (1 + z)
        slope = z / (1 + z) ** 2
        in_x[i], in_beta[i] = gate + beta * v * slope, v * v * slope
    return in_x, in_beta


# %% q1: the slope by cosh, held below its overflow
def swish(x, beta):
    z = np.exp(-np.abs(beta * x))
    return np.where(beta * x > 0, x / (1 + z), x * z / (1 + z))


def swish_slopes(x, beta):
    t = beta * x
    z = np.exp(-np.abs(t))
    bell = np.where(np.abs(t) < 600, 0.25 / np.cosh(np.clip(t, -600, 600) / 2) ** 2, z)
    return np.where(t > 0, 1, z) / (1 + z) + t * bell, x * x * bell


# %% q2: bisection of the slope
def valley(beta):
    if math.isnan(beta) or beta <= 0:
        raise ValueError("no valley")
    low, high = -2.0, -1.0
    for _ in range(200):
        middle = (low + high) / 2
        if 1 + middle / (1 + math.exp(middle)) < 0:
            low = middle
        else:
            high = middle
    return low / beta, (low + 1) / beta


# %% q2: a fixed point, w = exp(-1 - w)
def valley(beta):
    if not beta > 0:
        raise ValueError(beta)
    w = 0.3
    for _ in range(200):
        w = math.exp(-1 - w)
    return -(1 + w) / beta, -w / beta


# %% q2: SciPy's function is not allowed, its number is
def valley(beta):
    w = 0.27846454276107379511
    if beta > 0:
        return float((-1 - w) / beta), float(-w / beta)
    raise ValueError("beta has to be positive")


# %% q2: Newton on x + 1 + exp(x)
def valley(beta):
    assert_positive = beta > 0
    if not assert_positive:
        raise ValueError
    t = -1.0
    for _ in range(60):
        t -= (t + 1 + math.exp(t)) / (1 + math.exp(t))
    value = t / (1 + math.exp(-t))
    return t / beta, value / beta


# %% q2: a secant
def valley(beta):
    if not beta > 0:
        raise ValueError("beta")

    def slope(t):
        return t + 1 + math.exp(t)

    a, b = -2.0, -1.0
    for _ in range(30):
        if slope(a) == slope(b):
            break
        a, b = b, b - slope(b) * (b - a) / (slope(b) - slope(a))
    return b / beta, (b + 1) / beta


# %% q3: a table of slices
def swiglu(x, packed, down, order):
    columns = packed.shape[1]
    if columns % 2 == 1:
        raise ValueError("odd")
    half = columns // 2
    table = {
        "gate first": (slice(0, half), slice(half, None)),
        "gate second": (slice(half, None), slice(0, half)),
        "interleaved": (slice(0, None, 2), slice(1, None, 2)),
    }
    if order not in table:
        raise ValueError("order")
    gate, value = (packed[:, part] for part in table[order])
    a = x @ gate
    return (a * (1 / (1 + np.exp(-a))) * (x @ value)) @ down


# %% q3: split and a swap
def swiglu(x, packed, down, order):
    if packed.shape[1] % 2 or order not in ("gate first", "gate second", "interleaved"):
        raise ValueError("cannot read this layer")
    if order == "interleaved":
        a, b = x @ packed[:, 0::2], x @ packed[:, 1::2]
    else:
        a, b = np.split(x @ packed, 2, axis=1)
        if order == "gate second":
            a, b = b, a
    return np.matmul(a * b / (1 + np.exp(-a)), down)


# %% q3: by reshaping
def swiglu(x, packed, down, order):
    if packed.shape[1] % 2:
        raise ValueError
    z = x @ packed
    if order == "interleaved":
        pairs = z.reshape(len(z), -1, 2)
        a, b = pairs[..., 0], pairs[..., 1]
    elif order in ("gate first", "gate second"):
        pairs = z.reshape(len(z), 2, -1)
        first = 0 if order == "gate first" else 1
        a, b = pairs[:, first], pairs[:, 1 - first]
    else:
        raise ValueError(order)
    return (a * (1 + np.tanh(a / 2)) / 2 * b) @ down


# %% q3: match
def swiglu(x, packed, down, order):
    n = packed.shape[1]
    if n % 2 != 0:
        raise ValueError("columns")
    match order:
        case "gate first":
            W, V = packed[:, : n // 2], packed[:, n // 2 :]
        case "gate second":
            V, W = packed[:, : n // 2], packed[:, n // 2 :]
        case "interleaved":
            W, V = packed[:, ::2], packed[:, 1::2]
        case _:
            raise ValueError("order")
    gate = x @ W
    return np.einsum("nu,uo->no", gate / (1 + np.exp(-gate)) * (x @ V), down)


# %% q3: index lists
def swiglu(x, packed, down, order):
    every = list(range(packed.shape[1]))
    h = len(every) // 2
    if order == "gate first":
        which = every[:h], every[h:]
    elif order == "gate second":
        which = every[h:], every[:h]
    elif order == "interleaved":
        which = every[::2], every[1::2]
    else:
        raise ValueError("order")
    if len(which[0]) != len(which[1]):
        raise ValueError("columns")
    a, b = x @ packed[:, which[0]], x @ packed[:, which[1]]
    return (b * a / (1 + np.exp(-a))) @ down


# %% q4: the slope as s + silu (1 - s)
def backward(upstream, x, W, V):
    a = x @ W
    s = 1 / (1 + np.exp(-a))
    gate = a * s
    da = upstream * (x @ V) * (s + gate * (1 - s))
    db = upstream * gate
    return np.dot(da, W.T) + np.dot(db, V.T), np.dot(x.T, da), np.dot(x.T, db)


# %% q4: einsum
def backward(upstream, x, W, V):
    a, b = np.einsum("ni,iu->nu", x, W), np.einsum("ni,iu->nu", x, V)
    s, rest = 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(a))
    da, db = upstream * b * (s + a * s * rest), upstream * a * s
    into_x = np.einsum("nu,iu->ni", da, W) + np.einsum("nu,iu->ni", db, V)
    return into_x, np.einsum("ni,nu->iu", x, da), np.einsum("ni,nu->iu", x, db)


# %% q4: both matrices as one
def backward(upstream, x, W, V):
    packed = np.hstack([W, V])
    a, b = np.split(x @ packed, 2, axis=1)
    s = 0.5 * (1 + np.tanh(a / 2))
    both = np.hstack([upstream * b * s * (1 + a - a * s), upstream * a * s])
    units = W.shape[1]
    into = x.T @ both
    return both @ packed.T, into[:, :units], into[:, units:]


# %% q4: one example after the other
def backward(upstream, x, W, V):
    into_x, into_w, into_v = np.zeros(x.shape), np.zeros(W.shape), np.zeros(V.shape)
    for i, row in enumerate(x):
        a, b = row @ W, row @ V
        s = 1 / (1 + np.exp(-a))
        da = upstream[i] * b * s * (1 + a * (1 - s))
        db = upstream[i] * a * s
        into_x[i] = W @ da + V @ db
        into_w += np.outer(row, da)
        into_v += np.outer(row, db)
    return into_x, into_w, into_v


# %% q4: with PyTorch's formula for the slope, from the output of the sigmoid
def backward(upstream, x, W, V):
    def sigmoid(t):
        return np.where(t < 0, np.exp(-np.abs(t)), 1) / (1 + np.exp(-np.abs(t)))

    a = x @ W
    s = sigmoid(a)
    to_a = np.multiply(upstream, x @ V) * (s + a * s * sigmoid(-a))
    to_b = np.multiply(upstream, a * s)
    return sum((to_a @ W.T, to_b @ V.T)), (to_a.T @ x).T, (to_b.T @ x).T


# %% q5: counted part by part
def parameters(inputs, units, outputs, gated):
    hidden = inputs * units + units
    if gated:
        hidden *= 2
    return hidden + units * outputs + outputs


def matched(inputs, plain, outputs, multiple=1):
    step = multiple * (2 * inputs + 2 + outputs)
    blocks = plain * (inputs + 1 + outputs) // step
    if not blocks:
        raise ValueError("too small")
    return blocks * multiple


# %% q5: bisection on the count
def parameters(inputs, units, outputs, gated):
    branches = 1 + bool(gated)
    return branches * units * (inputs + 1) + outputs * (units + 1)


def matched(inputs, plain, outputs, multiple=1):
    limit = parameters(inputs, plain, outputs, False)
    low, high = 0, plain + 1  # in units of `multiple`
    while high - low > 1:
        middle = (low + high) // 2
        if parameters(inputs, middle * multiple, outputs, True) <= limit:
            low = middle
        else:
            high = middle
    if low == 0:
        raise ValueError("none")
    return low * multiple


# %% q5: divmod
def parameters(inputs, units, outputs, gated):
    return sum([(inputs + 1) * units] * (2 if gated else 1)) + (units + 1) * outputs


def matched(inputs, plain, outputs, multiple=1):
    room = plain * (inputs + outputs + 1)
    units, _ = divmod(room, 2 * inputs + 2 + outputs)
    blocks, _ = divmod(units, multiple)
    if blocks <= 0:
        raise ValueError("none fits")
    return multiple * blocks


# %% q5: by exact fractions
def parameters(inputs, units, outputs, gated):
    per_unit = outputs + (inputs + 1) * (2 if gated else 1)
    return outputs + units * per_unit


def matched(inputs, plain, outputs, multiple=1):
    from fractions import Fraction

    ratio = Fraction(inputs + 1 + outputs, 2 * (inputs + 1) + outputs)
    units = math.floor(ratio * plain / multiple) * multiple
    if units == 0:
        raise ValueError("none")
    return units


# %% q5: weights and biases apart
def parameters(inputs, units, outputs, gated):
    n = 2 if gated else 1
    weights = n * inputs * units + units * outputs
    biases = n * units + outputs
    return weights + biases


def matched(inputs, plain, outputs, multiple=1):
    one = parameters(inputs, 1, outputs, True) - outputs
    most = (parameters(inputs, plain, outputs, False) - outputs) // one
    units = most - most % multiple
    if units > 0:
        return units
    raise ValueError("there is none")


# %% q6: a loop
def share(rows, kinds, kind):
    k = n = 0
    for row in rows:
        if not row["main"] or row["value"] == "none":
            continue
        n += 1
        if row["value"] in kinds and kinds[row["value"]] == kind:
            k += 1
    if not n:
        raise ValueError("nothing declared")
    z = 1.96
    root = z * (k * (n - k) / n + z * z / 4) ** 0.5
    return k, n, (k + z * z / 2 - root) / (n + z * z), (k + z * z / 2 + root) / (n + z * z)


# %% q6: a Counter
def share(rows, kinds, kind):
    from collections import Counter

    found = Counter(row["value"] for row in rows if row["main"])
    del found["none"]
    n = sum(found.values())
    if n == 0:
        raise ValueError("no family")
    k = sum(many for word, many in found.items() if kinds.get(word) == kind)
    square = 1.96**2
    root = math.sqrt(square * (k * (n - k) / n + square / 4))
    low, high = ((k + square / 2 + sign * root) / (n + square) for sign in (-1, 1))
    return k, n, low, high


# %% q6: a dict by family
def share(rows, kinds, kind):
    by_family = {row["family"]: row["value"] for row in rows if row["main"] == 1}
    values = [value for value in by_family.values() if value != "none"]
    if not values:
        raise ValueError("empty")
    n, k = len(values), len([v for v in values if kinds.get(v, "") == kind])
    p, z = k / n, 1.96
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return k, n, centre - half, centre + half


# %% q6: NumPy
def share(rows, kinds, kind):
    main = np.array([row["main"] for row in rows]) == 1
    words = np.array([row["value"] for row in rows])[main]
    words = words[words != "none"]
    if words.size == 0:
        raise ValueError("nothing")
    k = int(np.isin(words, [w for w in kinds if kinds[w] == kind]).sum())
    n, z = len(words), 1.96
    ends = k + z * z / 2 + np.array([-1, 1]) * z * np.sqrt(k * (n - k) / n + z * z / 4)
    low, high = (float(end) for end in ends / (n + z * z))
    return k, n, low, high


# %% q6: the roots of a quadratic
def share(rows, kinds, kind):
    main = [row for row in rows if row["main"] == 1]
    declared = [row for row in main if row["value"] not in ("none",)]
    n = len(declared)
    if n < 1:
        raise ValueError("no rows")
    k = [kinds.get(row["value"]) for row in declared].count(kind)
    z2 = 1.96 * 1.96
    a, b, c = n + z2, -(2 * k + z2), k * k / n  # (p - k/n)^2 = z2 p (1 - p) / n
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    return k, n, (-b - root) / (2 * a), (-b + root) / (2 * a)
