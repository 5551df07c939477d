"""Right answers to 01_linear_collapse, each written in another way; all get full marks."""
# ruff: noqa: F811, F821, RUF007
# The cells repeat names, and use what the notebook's set-up cell defines (np, relu, network).


# %% q1: dot in place of @
def collapse(W1, b1, W2, b2):
    return np.dot(W1, W2), np.dot(b1, W2) + b2


# %% q1: three loops
def collapse(W1, b1, W2, b2):
    inputs, hidden = W1.shape
    outputs = W2.shape[1]
    W, b = np.zeros((inputs, outputs)), b2.copy()
    for k in range(outputs):
        for j in range(hidden):
            b[k] += b1[j] * W2[j, k]
            for i in range(inputs):
                W[i, k] += W1[i, j] * W2[j, k]
    return W, b


# %% q1: one homogeneous matrix for weights and constant
def collapse(W1, b1, W2, b2):
    first = np.block([[W1, np.zeros((len(W1), 1))], [b1[None, :], np.ones((1, 1))]])
    second = np.vstack([W2, b2])
    both = first @ second
    return both[:-1], both[-1]


# %% q1: ask the two layers what they do to zero and to the unit vectors
def collapse(W1, b1, W2, b2):
    def layers(x):
        return (x @ W1 + b1) @ W2 + b2

    inputs = W1.shape[0]
    b = layers(np.zeros(inputs))
    return layers(np.eye(inputs)) - b, b


# %% q1: transposed and back, a list in place of a tuple
def collapse(W1, b1, W2, b2):
    return [(W2.T @ W1.T).T, W2.T @ b1 + b2]


# %% q1: einsum
def collapse(W1, b1, W2, b2):
    return np.einsum("ij,jk->ik", W1, W2), b2 + np.einsum("j,jk->k", b1, W2)


# %% q1: torch
def collapse(W1, b1, W2, b2):
    import torch

    W1, b1, W2, b2 = (torch.from_numpy(part) for part in (W1, b1, W2, b2))
    return W1 @ W2, torch.addmv(b2, W2.T, b1)


# %% q2: from the last layer to the first
def collapse_all(layers):
    W, b = layers[-1]
    for W_before, b_before in reversed(layers[:-1]):
        W, b = W_before @ W, b_before @ W + b
    return W, b


# %% q2: reduce
def collapse_all(layers):
    from functools import reduce

    return reduce(lambda a, z: (a[0] @ z[0], a[1] @ z[0] + z[1]), layers)


# %% q2: recursion, halves first
def collapse_all(layers):
    if len(layers) == 1:
        return layers[0]
    middle = len(layers) // 2
    (W1, b1), (W2, b2) = collapse_all(layers[:middle]), collapse_all(layers[middle:])
    return W1 @ W2, b1 @ W2 + b2


# %% q2: an identity of the right type to begin with
def collapse_all(layers):
    inputs, dtype = layers[0][0].shape[0], layers[0][0].dtype
    W, b = np.eye(inputs, dtype=dtype), np.zeros(inputs, dtype)
    for W_next, b_next in layers:
        W, b = W @ W_next, b @ W_next + b_next
    return W, b


# %% q2: every constant through all later matrices
def collapse_all(layers):
    tails = [np.eye(layers[-1][0].shape[1], dtype=layers[0][0].dtype)]
    for W, _ in reversed(layers):
        tails.insert(0, W @ tails[0])
    return tails[0], sum(b @ tail for (_, b), tail in zip(layers, tails[1:], strict=True))


# %% q2: in float64, rounded to the type of the stack at the end
def collapse_all(layers):
    dtype = layers[0][0].dtype
    W, b = (part.astype(np.float64) for part in layers[0])
    for W_next, b_next in layers[1:]:
        W, b = W @ W_next, b @ W_next + b_next
    return W.astype(dtype), b.astype(dtype)


# %% q2: the stack applied to zero and to the unit vectors
def collapse_all(layers):
    first = layers[0][0]
    x = np.vstack([np.zeros((1, len(first)), first.dtype), np.eye(len(first), dtype=first.dtype)])
    for W, b in layers:
        x = x @ W + b
    return x[1:] - x[0], x[0]


# %% q3: fit an affine function by least squares and look at what is left
def kind(f, n):
    x = np.random.default_rng(0).uniform(-3, 3, (1000, n))
    y = f(x)
    scale = np.abs(y).max()
    if scale == 0:
        return "linear"
    design = np.column_stack([x, np.ones(len(x))])
    found = np.linalg.lstsq(design, y / scale, rcond=None)[0]
    if np.abs(design @ found - y / scale).max() > 1e-6:
        return "neither"
    return "affine" if np.abs(found[-1]).max() > 1e-6 else "linear"


# %% q3: read the matrix off the unit vectors and predict other points with it
def kind(f, n):
    constant = f(np.zeros((1, n)))
    matrix = f(np.eye(n)) - constant
    x = np.random.default_rng().normal(0, 2, (2000, n))
    values = f(x)
    scale = np.abs(values).max() + np.abs(constant).max()
    if (np.abs(x @ matrix + constant - values) > 1e-7 * scale).any():
        return "neither"
    return "linear" if (np.abs(constant) <= 1e-7 * scale).all() else "affine"


# %% q3: sums and multiples one row at a time
def kind(f, n):
    import random

    rng = random.Random(3)

    def point():
        return np.array([[rng.uniform(-3, 3) for _ in range(n)]])

    origin = f(np.zeros((1, n)))
    scale = max(np.abs(f(point())).max() for _ in range(300))
    scale = max(scale, np.abs(origin).max())
    for _ in range(400):
        x, y, c = point(), point(), rng.uniform(-2, 2)
        sums = f(x + y) - f(x) - f(y) + origin
        multiples = f(c * x) - c * f(x) - (1 - c) * origin
        if max(np.abs(sums).max(), np.abs(multiples).max()) > 1e-7 * scale:
            return "neither"
    return "affine" if np.abs(origin).max() > 1e-7 * scale else "linear"


# %% q3: second differences with long steps
def kind(f, n):
    rng = np.random.default_rng(11)
    x, step = rng.uniform(-1.5, 1.5, (2, 800, n))
    values = [f(x - step), f(x), f(x + step)]
    origin = f(np.zeros((1, n)))
    scale = max(np.abs(v).max() for v in [*values, origin])
    if np.abs(values[0] - 2 * values[1] + values[2]).max() > 1e-8 * scale:
        return "neither"
    return "affine" if np.abs(origin).max() > 1e-8 * scale else "linear"


# %% q3: the rank of the values, with and without a column of ones
def kind(f, n):
    x = np.random.default_rng(5).uniform(-3, 3, (400, n))
    y = f(x)
    if not y.any():
        return "linear"
    y = y / np.abs(y).max()
    for name, design in (("linear", x), ("affine", np.hstack([x, np.ones((400, 1))]))):
        basis = np.linalg.qr(design)[0]
        if np.abs(y - basis @ (basis.T @ y)).max() < 1e-6:
            return name
    return "neither"


# %% q3: respects a random combination of five points whose weights sum to one
def kind(f, n):
    rng = np.random.default_rng(2)
    points = rng.uniform(-3, 3, (500, 5, n))
    weights = rng.dirichlet(np.ones(5), 500)
    mixed = np.einsum("kp,kpn->kn", weights, points)
    values = np.stack([f(points[:, p]) for p in range(5)])
    expected = np.einsum("kp,pko->ko", weights, values)
    top = np.abs(values).max()
    if np.abs(f(mixed) - expected).max() > 1e-6 * top:
        return "neither"
    return ["linear", "affine"][int(np.abs(f(np.zeros((1, n)))).max() > 1e-6 * top)]


# %% q4: the null space of the transpose, from SciPy
def lost_directions(layers):
    from functools import reduce

    from scipy.linalg import null_space

    W = reduce(np.matmul, [W for W, _ in layers])
    return null_space(W.T, rcond=1e-10)


# %% q4: eigenvectors of a projection
def lost_directions(layers):
    W = np.linalg.multi_dot([W for W, _ in layers]) if len(layers) > 1 else layers[0][0]
    seen = np.eye(len(W)) - W @ np.linalg.pinv(W, rcond=1e-10)
    values, vectors = np.linalg.eigh((seen + seen.T) / 2)
    return vectors[:, values > 0.5]


# %% q4: pivoted QR
def lost_directions(layers):
    from scipy.linalg import qr

    W = layers[0][0]
    for W_next, _ in layers[1:]:
        W = W @ W_next
    Q, R, _ = qr(W, pivoting=True)
    sizes = np.abs(np.diag(R))
    return Q[:, np.count_nonzero(sizes > 1e-10 * max(sizes[0], 1e-300)) :]


# %% q4: SVD of the transpose, column by column, turned by a random rotation
def lost_directions(layers):
    W = layers[0][0]
    for W_next, _ in layers[1:]:
        W = W @ W_next
    _, s, Vt = np.linalg.svd(W.T)
    lost = [v for i, v in enumerate(Vt) if i >= len(s) or s[i] <= 1e-10 * s[0]]
    if not lost:
        return np.zeros((len(W), 0))
    turn = np.linalg.qr(np.random.default_rng().standard_normal((len(lost), len(lost))))[0]
    return np.stack(lost, axis=1) @ turn


# %% q4: Gram-Schmidt on what is left of the unit vectors
def lost_directions(layers):
    W = layers[0][0]
    for W_next, _ in layers[1:]:
        W = W @ W_next
    rank = np.linalg.matrix_rank(W, rtol=1e-10)
    seen = np.linalg.svd(W)[0][:, :rank]
    found = []
    for e in np.eye(len(W)):
        for _ in range(2):
            e = e - seen @ (seen.T @ e) - sum((v * (v @ e) for v in found), np.zeros(len(W)))
        if np.linalg.norm(e) > 1e-6:
            found.append(e / np.linalg.norm(e))
    return np.array(found).reshape(-1, len(W)).T


# %% q5: absolute value of the difference; half planes in the other order
def xor_relu():
    W1 = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return W1, np.zeros(2), np.array([30.0, 30.0]), -15.0


def xor_product():
    return np.array([0.0, 50.0]), -25.0, np.array([-50.0, 0.0]), 25.0


# %% q5: the tent turned upside down; integers; lists
def xor_relu():
    # relu(2 - s) - 2 relu(1 - s): the same tent, from the other side
    return [[-1, -1], [-1, -1]], [2, 1], [100, -200], -50


def xor_product():
    return [12, 0], -6, [0, -12], 6


# %% q5: kinks moved inside the classes, another height
def xor_relu():
    W1 = np.array([[2.0, 4.0], [2.0, 4.0]])
    return W1, np.array([0.0, -4.0]), np.array([8.0, -8.0]), np.array(-8.0)


def xor_product():
    return np.array([-100.0, 0.0]), np.array(50.0), np.array([0.0, 1.0]), np.array(-0.5)


# %% q5: float32, the scale in the first layer
def xor_relu():
    W1 = np.full((2, 2), 25, np.float32)
    return W1, np.float32([0, -25]), np.float32([1, -2]), np.float32(-12.5)


def xor_product():
    return np.float32([-32, 0]), np.float32(16), np.float32([0, 32]), np.float32(-16)


# %% q5: two separate units, one for each corner of class 1
def xor_relu():
    # relu(x1 - x2 - 0.2) and relu(x2 - x1 - 0.2)
    W1 = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return W1, np.array([-0.2, -0.2]), np.array([50.0, 50.0]), -15.0


def xor_product():
    return 15 * np.array([1.0, 0.0]), -7.5, -15 * np.array([0.0, 1.0]), 7.5


# %% q6: values at the cuts, as the chapter's bends_on_line does it
def count_pieces(layers, low, high):
    position = np.array([low, high], float)
    value = position[:, None]
    for W, b in layers[:-1]:
        z = value @ W + b
        left, right = z[:-1], z[1:]
        piece, unit = np.nonzero(left * right < 0)
        share = left[piece, unit] / (left[piece, unit] - right[piece, unit])
        at = left[piece] + share[:, None] * (right[piece] - left[piece])
        at[np.arange(len(unit)), unit] = 0
        position = np.append(position, position[piece] + share * np.diff(position)[piece])
        order = np.argsort(position, kind="stable")
        position = position[order]
        z = np.concatenate([z, at])[order]
        keep = np.append(True, np.diff(position) > 1e-10 * (high - low))
        position, value = position[keep], np.maximum(z[keep], 0)
    # slopes from the pattern of active units at the middle of each piece
    slopes = []
    for m in (position[:-1] + position[1:]) / 2:
        x, slope = np.array([m]), np.ones((1, 1))
        for W, b in layers[:-1]:
            x, slope = x @ W + b, slope @ W
            slope = slope * (x > 0)
            x = np.maximum(x, 0)
        slopes.append((slope @ layers[-1][0]).item())
    top = max(map(abs, slopes))
    return 1 + sum(abs(p - q) > 1e-9 * top for p, q in zip(slopes, slopes[1:], strict=False))


# %% q6: exact fractions, every unit of every layer
def count_pieces(layers, low, high):
    from fractions import Fraction as F

    def exact(layers):
        return [
            ([[F(float(w)) for w in row] for row in W], [F(float(c)) for c in b]) for W, b in layers
        ]

    def affine(units, W, b):
        return [
            (
                sum(s * W[i][j] for i, (s, _) in enumerate(units)),
                sum(c * W[i][j] for i, (_, c) in enumerate(units)) + b[j],
            )
            for j in range(len(b))
        ]

    layers = exact(layers)
    low, high = F(float(low)), F(float(high))
    pieces = [(low, high, [(F(1), F(0))])]
    for depth, (W, b) in enumerate(layers):
        following = []
        for start, end, units in pieces:
            units = affine(units, W, b)
            if depth == len(layers) - 1:
                following.append((start, end, units))
                continue
            zeros = {-c / s for s, c in units if s != 0}
            cuts = [start, *sorted(z for z in zeros if start < z < end), end]
            for a, z in zip(cuts, cuts[1:], strict=False):
                middle = (a + z) / 2
                on = [(s, c) if s * middle + c > 0 else (F(0), F(0)) for s, c in units]
                following.append((a, z, on))
        pieces = following
    slopes = [
        float(units[0][0])
        for start, end, units in pieces
        if end - start > F(1, 10**10) * (high - low)
    ]
    top = max(abs(s) for s in slopes)
    return 1 + sum(abs(p - q) > 1e-9 * top for p, q in zip(slopes, slopes[1:], strict=False))


# %% q6: recursion over one unit after the other
def count_pieces(layers, low, high):
    shortest = 1e-10 * (high - low)

    def slopes(start, end, slope, value, depth):
        """Slopes of the output between start and end, where a layer's input is affine."""
        W, b = layers[depth]
        slope, value = slope @ W, value @ W + b
        if depth == len(layers) - 1:
            return [slope[0]]
        cuts = [start]
        for s, c in zip(slope, value, strict=True):
            if s != 0 and start + shortest < -c / s < end - shortest:
                cuts.append(-c / s)
        cuts = sorted(cuts)
        cuts = [a for a, z in zip(cuts, [*cuts[1:], end], strict=True) if z - a > shortest]
        found = []
        for a, z in zip(cuts, [*cuts[1:], end], strict=True):
            on = slope * (a + z) / 2 + value > 0
            found += slopes(a, z, slope * on, value * on, depth + 1)
        return found

    found = np.array(slopes(low, high, np.ones(1), np.zeros(1), 0))
    return 1 + np.sum(np.abs(np.diff(found)) > 1e-9 * np.abs(found).max())


# %% q6: walk from bend to bend with directional slopes
def count_pieces(layers, low, high):
    def state(x):
        """Distance to the next kink on the right of x, and the slope there."""
        value, slope, reach = np.array([x]), np.ones(1), np.inf
        for W, b in layers[:-1]:
            value, slope = value @ W + b, slope @ W
            with np.errstate(divide="ignore", invalid="ignore"):
                ahead = -value / slope
            ahead = ahead[(ahead > 0) & np.isfinite(ahead)]
            reach = min([reach, *ahead])
            on = value > 0
            value, slope = value * on, slope * on
        return reach, (slope @ layers[-1][0]).item()

    hair = 0.5e-10 * (high - low)
    x, slopes = low, []
    while x + hair < high:
        reach, slope = state(x + hair)
        slopes.append(slope)
        x = x + hair + reach
    top = np.max(np.abs(slopes))
    return int(1 + np.count_nonzero(np.abs(np.diff(slopes)) > 1e-9 * top))


# %% q6: torch in float64 finds the slopes
def count_pieces(layers, low, high):
    import torch

    stack = [(torch.tensor(W), torch.tensor(b)) for W, b in layers]
    cuts = torch.tensor([low, high], dtype=torch.float64)
    for depth in range(1, len(stack) + 1):
        x = ((cuts[:-1] + cuts[1:]) / 2)[:, None].requires_grad_()
        z = x
        for W, b in stack[: depth - 1]:
            z = torch.relu(z @ W + b)
        z = z @ stack[depth - 1][0] + stack[depth - 1][1]
        slopes = torch.stack(
            [
                torch.autograd.grad(z[:, j].sum(), x, retain_graph=True)[0][:, 0]
                for j in range(z.shape[1])
            ],
            dim=1,
        )
        if depth == len(stack):
            break
        zero = (x - z / slopes).detach()
        new = zero[(zero > cuts[:-1, None]) & (zero < cuts[1:, None])]
        cuts = torch.cat([cuts, new]).sort().values
        cuts = cuts[torch.cat([torch.tensor([True]), cuts.diff() > 1e-10 * (high - low)])]
    jumps = slopes[:, 0].diff().abs()
    return 1 + int((jumps > 1e-9 * slopes.abs().max()).sum())


# %% q6: slopes from the values at the two ends of each piece
def count_pieces(layers, low, high):
    cuts = {float(low), float(high)}
    for depth in range(1, len(layers)):
        ordered = sorted(cuts)
        for a, z in zip(ordered, ordered[1:], strict=False):
            at_a, at_z = network(np.array([[a], [z]]), layers[:depth])
            for left, right in zip(at_a, at_z, strict=True):
                if left * right < 0:
                    cuts.add(a + (z - a) * left / (left - right))
        ordered = sorted(cuts)
        cuts = {ordered[0]}
        for cut in ordered[1:]:
            if cut - max(cuts) > 1e-10 * (high - low):
                cuts.add(cut)
    t = np.array(sorted(cuts))
    slopes = np.diff(network(t[:, None], layers)[:, 0]) / np.diff(t)
    return 1 + int((np.abs(np.diff(slopes)) > 1e-8 * np.abs(slopes).max()).sum())
