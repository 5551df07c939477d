"""Right answers to 13_cost in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: two passes with sets and comprehensions
def bytes_moved(steps, n, itemsize):
    steps = [(result, {a for a in arguments if isinstance(a, str)}) for result, arguments in steps]
    moved = sum(1 + len(names) for _, names in steps)
    known, outside, last_write, read_after = set(), set(), {}, {}
    for place, (result, names) in enumerate(steps):
        outside |= names - known
        for name in names:
            read_after[name] = place
        known.add(result)
        last_write[result] = place
        read_after.pop(result, None)
    outputs = [name for name in known if name not in read_after]
    return moved * n * itemsize, (len(outside) + len(outputs)) * n * itemsize


# %% q2: max with a key
def predict(elements, bytes_each, instructions_each, bandwidth, rate, launch):
    times = {"memory": elements * bytes_each / bandwidth, "arithmetic": elements * instructions_each / rate}
    slowest = max(times, key=times.get)
    total = (times[slowest] + launch) * 1e6
    return total, slowest if times[slowest] >= launch else "launch"


# %% q3: least squares by lstsq
def bandwidth(nbytes, seconds, cache):
    x = 2 * np.asarray(nbytes, dtype=float)
    y = np.array([min(row) for row in seconds])
    A = np.vstack([x[x > cache], np.ones((x > cache).sum())]).T
    (per_byte, fixed), *_ = np.linalg.lstsq(A * [1e-9, 1], y[x > cache], rcond=None)
    return 1 / per_byte, fixed * 1e6


# %% q3: centred sums
def bandwidth(nbytes, seconds, cache):
    pairs = [(2e-9 * b, min(s)) for b, s in zip(nbytes, seconds) if 2 * b > cache]
    mx, my = (sum(column) / len(pairs) for column in zip(*pairs))
    slope = sum((x - mx) * (y - my) for x, y in pairs) / sum((x - mx) ** 2 for x, _ in pairs)
    return 1 / slope, (my - slope * mx) * 1e6


# %% q4: a table of rules
import statistics


def faults(record):
    t = list(map(float, record["seconds"]))
    small = record["bytes"] < record["cache"]
    rules = {
        "one run": lambda: len(t) < 5,
        "cold": lambda: len(t) > 1 and t[0] > 2 * statistics.median(t[1:]),
        "too small": lambda: small,
        "fresh memory": lambda: record["faults"] * 4096 * 2 > record["written"],
        "impossible": lambda: not small
        and record["bytes"] / statistics.median(t)
        > 1.25 * record["copy_bytes"] / statistics.median(map(float, record["copy_seconds"])),
    }
    return [word for word, holds in rules.items() if holds()]


# %% q5: masks, and an all() of a generator
def leaky_relu2_vjp(x, upstream, a):
    slope = np.array(2 * x, dtype=float)
    slope[~(x > 0)] *= a * a
    return slope * upstream


def wrong_slopes(forward, vjp, slopes):
    points = np.concatenate([np.linspace(-3, -0.3, 7), np.linspace(0.3, 3, 7)])
    g = np.cos(np.arange(14.0))

    def is_right(a):
        h = 1e-6
        numeric = g * (forward(points + h, a) - forward(points - h, a)) / (2 * h)
        return all(abs(n - v) <= 1e-6 + 1e-5 * abs(n) for n, v in zip(numeric, vjp(points, g, a)))

    return [a for a in slopes if not is_right(a)]


# %% q6: element by element
def merge(first, second):
    m = max(first[0], second[0])
    return (m, 0.0) if m == -math.inf else (m, sum(s * math.exp(t - m) for t, s in (first, second)))


def online(blocks):
    m, s = -math.inf, 0.0
    for block in blocks:
        for v in np.asarray(block, dtype=float).tolist():
            m, s = merge((m, s), (v, 1.0 if v > -math.inf else 0.0))
    return m, s
