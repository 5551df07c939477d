"""Right answers to 03_tanh, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: masks, a side at a time
def tanh(x):
    y = np.array(x, float)
    right, left = y > 0, y < 0
    z = np.expm1(-2 * y[right])
    y[right] = -z / (2 + z)
    z = np.expm1(2 * y[left])
    y[left] = z / (2 + z)
    return y


# %% q1: expm1 of the doubled size, clipped where the answer is 1 anyway
def tanh(x):
    z = np.expm1(2 * np.minimum(np.abs(x), 100))
    return np.sign(x) * (z / (z + 2))


# %% q1: a product of expm1 and a sigmoid
def tanh(x):
    a = np.abs(x)
    return np.where(x < 0, -1.0, 1.0) * (-np.expm1(-2 * a) / (1 + np.exp(-2 * a)))


# %% q1: a series near 0, the shifted sigmoid elsewhere
def tanh(x):
    a = np.abs(x)
    s = np.where(a < 0.02, a, 0.0)
    q = s * s
    series = s * (1 - q / 3 * (1 - q * 2 / 5 * (1 - q * 17 / 42 * (1 - q * 62 / 153))))
    return np.copysign(np.where(a < 0.02, series, 2 / (1 + np.exp(-2 * a)) - 1), x)


# %% q1: one number after the other, with math
def tanh(x):
    import math

    def one(v):
        z = math.expm1(-2 * abs(v))
        return math.copysign(-z / (2 + z), v)

    return np.array([one(float(v)) for v in np.ravel(x)]).reshape(np.shape(x))


# %% q2: arctanh of the square root of one third
def constants(target, place):
    b = np.arctanh(3**-0.5) / place
    return target / np.tanh(b * target), b


# %% q2: the logarithm behind it
def constants(target, place):
    b = np.log(2 + 3**0.5) / 2 / place
    z = np.exp(-2 * b * target)
    return -target * (1 + z) / np.expm1(-2 * b * target), float(b) + 0 * float(z)


# %% q2: Newton's method on the third derivative
def constants(target, place):
    u = 0.6
    for _ in range(50):
        u -= (3 * np.tanh(u) ** 2 - 1) / (6 * np.tanh(u) * (1 - np.tanh(u) ** 2))
    b = u / place
    return target / np.tanh(target * b), b


# %% q2: bisection
def constants(target, place):
    low, high = 0.0, 2.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.tanh(middle) ** 2 < 1 / 3 else (low, middle)
    return target / np.tanh(low / place * target), low / place


# %% q2: with math, from cosh(u)^2 = 3/2
def constants(target, place):
    import math

    b = math.acosh(math.sqrt(1.5)) / place
    return target / math.tanh(b * target), b


# %% q3: an array filled row by row
def walk(x, y, w, b, rate, order):
    path = np.empty((len(order) + 1, x.shape[1]))
    path[0] = w
    for step, i in enumerate(order):
        error = np.dot(path[step], x[i]) + b - y[i]
        path[step + 1] = path[step] - rate * error * x[i]
        b = b - rate * error
    return path


# %% q3: the bias as a weight whose input is 1
def walk(x, y, w, b, rate, order):
    full = np.column_stack([x, np.ones(len(x))])
    v = np.append(w, b)
    path = [v]
    for i in order:
        v = v - rate * (full[i] @ v - y[i]) * full[i]
        path.append(v)
    return np.array(path)[:, :-1]


# %% q3: copies, changed in place
def walk(x, y, w, b, rate, order):
    w = np.array(w, float)
    path = [w.copy()]
    for i in order:
        step = rate * (float(x[i] @ w) + b - y[i])
        w -= step * x[i]
        b -= step
        path.append(w.copy())
    return np.stack(path)


# %% q3: recursion
def walk(x, y, w, b, rate, order):
    if len(order) == 0:
        return np.array([w], float)
    i = order[0]
    error = x[i] @ w + b - y[i]
    rest = walk(x, y, w - rate * error * x[i], b - rate * error, rate, order[1:])
    return np.vstack([w, rest])


# %% q3: affine maps of the extended weights
def walk(x, y, w, b, rate, order):
    v, path = np.append(w, b), [np.array(w, float)]
    for i in order:
        u = np.append(x[i], 1.0)
        v = (np.eye(len(u)) - rate * np.outer(u, u)) @ v + rate * y[i] * u
        path.append(v[:-1])
    return np.array(path)


# %% q4: a loop over the columns
def agreement(gradient):
    agree, larger = [], []
    for column in gradient.T:
        column = column[column != 0]
        if len(column):
            share = (column > 0).mean()
            agree.append(share in (0, 1))
            larger.append(max(share, (column < 0).mean()))
    if not agree:
        return np.nan, np.nan
    return float(np.mean(agree)), float(np.mean(larger))


# %% q4: signs and their sum
def agreement(gradient):
    signs = np.sign(gradient)
    n = np.abs(signs).sum(0)
    signs, n = signs[:, n > 0], n[n > 0]
    if n.size == 0:
        return float("nan"), float("nan")
    total = np.abs(signs.sum(0))
    return float((total == n).mean()), float(((n + total) / 2 / n).mean())


# %% q4: any and all
def agreement(gradient):
    live = gradient[:, (gradient != 0).any(0)]
    if live.shape[1] == 0:
        return float("nan"), float("nan")
    agree = (live >= 0).all(0) | (live <= 0).all(0)
    n = np.count_nonzero(live, 0)
    positive = np.count_nonzero(live > 0, 0)
    return float(agree.mean()), float(np.maximum(positive / n, 1 - positive / n).mean())


# %% q4: lowest and highest entry
def agreement(gradient):
    low, high = gradient.min(0), gradient.max(0)
    live = (low != 0) | (high != 0)
    if not live.any():
        return float("nan"), float("nan")
    mixed = (low < 0) & (high > 0)
    counts = np.stack([(gradient < 0).sum(0), (gradient > 0).sum(0)])[:, live]
    return float(1 - mixed[live].mean()), float((counts.max(0) / counts.sum(0)).mean())


# %% q4: Counter
def agreement(gradient):
    from collections import Counter

    found = []
    for column in gradient.T.tolist():
        sides = Counter(value > 0 for value in column if value != 0)
        if sides:
            found.append((len(sides) == 1, max(sides.values()) / sum(sides.values())))
    if not found:
        return float("nan"), float("nan")
    return tuple(float(sum(part) / len(found)) for part in zip(*found, strict=True))


# %% q5: a loop
def shifted_biases(weights, biases, c):
    new = []
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        new.append(np.array(b) if layer == 0 else b - c * np.sum(w, axis=0))
    return new


# %% q5: a layer of constant inputs
def shifted_biases(weights, biases, c):
    shifts = [0.0] + [c] * (len(weights) - 1)
    return [b + np.full(len(w), -s) @ w for w, b, s in zip(weights, biases, shifts, strict=True)]


# %% q5: einsum
def shifted_biases(weights, biases, c):
    new = [b.astype(float).copy() for b in biases]
    for i in range(1, len(weights)):
        new[i] -= np.einsum("ij->j", weights[i]) * c
    return new


# %% q5: the difference of two layers
def shifted_biases(weights, biases, c):
    new = [+biases[0]]
    for w, b in zip(weights[1:], biases[1:], strict=True):
        h = np.zeros(w.shape[0])
        new.append((h - c) @ w + b - h @ w)
    return new


# %% q5: unit by unit
def shifted_biases(weights, biases, c):
    new = [np.copy(biases[0])]
    for w, b in zip(weights[1:], biases[1:], strict=True):
        new.append(np.array([b[j] - c * sum(w[:, j]) for j in range(len(b))]))
    return new


# %% q6: arrays and indices
def back(states, w, gradient):
    g, total = np.empty(states.shape), np.zeros(w.shape)
    g[-1] = gradient
    for t in range(len(states) - 1, 0, -1):
        delta = g[t] * (1 - states[t] ** 2)
        g[t - 1] = w @ delta
        total += states[t - 1][:, None] * delta
    return g, total


# %% q6: all deltas first, one product at the end
def back(states, w, gradient):
    g = [gradient]
    for state in states[:0:-1]:
        g.append(w @ (g[-1] * (1 - state * state)))
    g = np.array(g[::-1])
    return g, states[:-1].T @ (g[1:] * (1 - states[1:] ** 2))


# %% q6: Jacobians, one for each step
def back(states, w, gradient):
    found, total = [gradient], np.zeros_like(w)
    for t in range(len(states) - 1, 0, -1):
        slope = np.diag(1 - states[t] ** 2)
        total = total + np.outer(states[t - 1], slope @ found[0])
        found.insert(0, (w @ slope) @ found[0])
    return np.stack(found), total


# %% q6: recursion
def back(states, w, gradient):
    if len(states) == 1:
        return np.array([gradient]), np.zeros_like(w)
    delta = (1 + states[-1]) * (1 - states[-1]) * gradient
    g, total = back(states[:-1], w, delta @ w.T)
    return np.vstack([g, gradient]), total + np.outer(states[-2], delta)


# %% q6: the slope from the preactivation
def back(states, w, gradient):
    g, total = np.zeros_like(states), np.zeros_like(w)
    g[-1] = gradient
    for t in reversed(range(1, len(states))):
        before = np.arctanh(states[t])
        delta = g[t] / np.cosh(before) ** 2
        total += np.einsum("i,j->ij", states[t - 1], delta)
        g[t - 1] = np.einsum("ij,j->i", w, delta)
    return g, total
