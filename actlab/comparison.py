"""Fair comparisons: fresh data for each seed, equal tuning, and honest statistics.

The order of use is that of chapter 15. Draw data (:func:`mnist1d_many`), tune each arm with the
same budget (:func:`tune`), train all seeds together and look at several stopping times
(:func:`fit`), take paired differences (:func:`paired`), correct for how many there are
(:func:`holm`, :func:`bonferroni`). Before "no difference" is said, show equivalence
(:func:`equivalent`), or say what the experiment could have found (:func:`power`,
:func:`seeds_needed`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from actlab import training
from actlab.training import Interval, Stack, accuracy

Values = Sequence[float] | np.ndarray


# --- data -----------------------------------------------------------------------------------------


def mnist1d(
    seed: int, train: int = 4000, test: int = 2000
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw a fresh MNIST-1D: ten noisy, shifted, stretched templates of 40 values (Greydanus 2020).

    These are the numbers that ``mnist1d.data.make_dataset`` makes with the same ``seed``, computed
    for all examples at once, which takes a tenth of the time (0.02 ms an example) and leaves
    NumPy's global generator alone. ``mnist1d(42, 4000, 1000)`` is the package's standard data set.

    Two seeds share nothing but the templates, so an interval over seeds also covers the luck of the
    data. All inputs together have mean 0 and standard deviation 1.

    Args:
        seed: of NumPy's legacy generator, 0 to 2³² − 1.
        train: number of training examples.
        test: number of test examples. Classes are balanced in the sum of both.

    Returns:
        ``(train points, train labels, test points, test labels)``: float32 (n, 40) and int64 (n,).

    Raises:
        ValueError: the sum of ``train`` and ``test`` is not a positive multiple of 10.
    """
    total = train + test
    if min(train, test) < 0 or total < 10 or total % 10:
        raise ValueError(
            f"train + test must be a positive multiple of 10 (ten classes), not {train} + {test}"
        )
    from mnist1d.data import get_dataset_args, get_templates
    from scipy.ndimage import gaussian_filter1d

    recipe = get_dataset_args()
    templates = get_templates()
    labels = np.repeat(templates["y"], total // 10).astype(np.int64)
    length = recipe.template_len + recipe.padding[1]

    # The package draws example by example; the order of the draws is what makes the data its own.
    rng = np.random.RandomState(seed)
    low, high = recipe.padding
    pads, shifts = np.empty(total, int), np.empty(total, int)
    scale, slope = np.empty(total), np.empty(total)
    noise = np.empty((total, 2, length))
    for row in range(total):
        pads[row] = low + int(rng.random_sample() * (high - low + 1))
        scale[row] = 1 + recipe.scale_coeff * (rng.random_sample() - 0.5)
        shifts[row] = rng.randint(0, recipe.max_translation)
        noise[row] = rng.standard_normal((2, length))
        slope[row] = recipe.shear_scale * (rng.random_sample() - 0.5)

    signals = np.empty((total, length))
    for pad in np.unique(pads):
        rows = pads == pad
        template = templates["x"][labels[rows]] + 1e-8  # a value of 0 marks the padding
        signals[rows] = _interpolate(np.pad(template, ((0, 0), (0, pad))), length)
    signals *= scale[:, None]
    signals = np.take_along_axis(signals, (np.arange(length) - shifts[:, None]) % length, 1)
    smooth = gaussian_filter1d(recipe.corr_noise_scale * noise[:, 0], 2, axis=1)
    signals = np.where(signals != 0, signals, smooth)
    signals += recipe.iid_noise_scale * noise[:, 1]
    signals -= slope[:, None] * np.linspace(-0.5, 0.5, length)
    points = _interpolate(signals, recipe.final_seq_length)

    order = rng.permutation(total)
    points, labels = points[order], labels[order]
    points = ((points - points.mean()) / points.std()).astype(np.float32)
    return points[:train], labels[:train], points[train:], labels[train:]


def _interpolate(signals: np.ndarray, length: int) -> np.ndarray:
    """Rows (n, m) resampled linearly to (n, length), end to end."""
    at, new = np.linspace(0, 1, signals.shape[1]), np.linspace(0, 1, length)
    right = np.searchsorted(at, new).clip(1, len(at) - 1)
    left = right - 1
    step = (signals[:, right] - signals[:, left]) / (at[right] - at[left])
    return step * (new - at[left]) + signals[:, left]


def mnist1d_many(
    seeds: int | Iterable[int], train: int = 4000, test: int = 2000
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw one MNIST-1D for each seed and stack them.

    Args:
        seeds: the seeds, or how many (0, 1, …).
        train: number of training examples for each seed.
        test: number of test examples for each seed.

    Returns:
        ``(train points, train labels, test points, test labels)``: float32 (seeds, n, 40) and
        int64 (seeds, n).

    Raises:
        ValueError: see :func:`mnist1d`.
    """
    seeds = range(seeds) if isinstance(seeds, int) else seeds
    drawn = [mnist1d(seed, train, test) for seed in seeds]
    first, second, third, fourth = (np.stack(part) for part in zip(*drawn, strict=True))
    return first, second, third, fourth


# --- training -------------------------------------------------------------------------------------


def fit(
    networks: Stack,
    points: np.ndarray,
    labels: np.ndarray,
    steps: int | Sequence[int] = (600, 1500, 3000),
    lr: float = 0.003,
    batch: int | None = 100,
    optimizer: str = "adam",
    measure: Callable[[Stack], Values] | None = None,
) -> np.ndarray:
    """Train all networks once and measure them at several numbers of steps.

    A result at one early step is a statement about speed; with several stopping times in the same
    run the reader sees whether the order stays. Batches depend on the position of a seed only, so
    two arms built with the same seeds see the same examples in the same order.

    Args:
        networks: trained in place, see :func:`actlab.training.build`.
        points: (n, features), or one data set for each network, (seeds, n, features).
        labels: (n,) or (seeds, n), class numbers.
        steps: rising numbers of updates after which to measure; the last ends the training.
        lr: learning rate of this arm.
        batch: examples in a step; None takes all.
        optimizer: "adam" or "sgd".
        measure: called with the networks at each checkpoint, returns one value a network, e.g.
            ``lambda n: accuracy(n, test_points, test_labels)``; None measures the accuracy on the
            training data.

    Returns:
        The measured values, float64 (checkpoints, seeds).

    Raises:
        ValueError: ``steps`` is empty, does not rise, or starts below 1; another optimizer.
    """
    stops = [steps] if isinstance(steps, int) else list(steps)
    if not stops or stops[0] < 1 or any(b <= a for a, b in itertools.pairwise(stops)):
        raise ValueError(f"steps must be rising positive numbers, not {steps!r}")
    look = measure if measure is not None else lambda n: accuracy(n, points, labels)
    found: list[np.ndarray] = []

    def on_step(step: int) -> None:
        if step in stops:
            found.append(np.asarray(look(networks), float))

    training.fit(networks, points, labels, stops[-1], lr, batch, optimizer, on_step)
    on_step(stops[-1])
    return np.stack(found)


@dataclass(frozen=True)
class Tuned:
    """What tuning one arm found.

    Attributes:
        best: the rate with the highest mean validation score.
        scores: mean validation score of each rate; a score that is not finite counts as −∞.
        at_edge: whether ``best`` is the smallest or the largest rate tried: the grid is then too
            narrow for this arm, and the comparison unfair to it.
    """

    best: float
    scores: dict[float, float]
    at_edge: bool


def tune(arms: Mapping[str, Callable[[float], Values]], rates: Sequence[float]) -> dict[str, Tuned]:
    """Try the same rates on every arm, and let validation data choose for each.

    Every arm gets the same budget by construction. The scores must come from data (best: from
    seeds) that the comparison itself does not use: the best of several test scores is biased
    upwards, the more the more were tried (Bouthillier et al. 2021, §3).

    Args:
        arms: for each arm a function that trains it at a rate and returns its validation scores,
            one for each seed; higher is better.
        rates: what to try, at least two.

    Returns:
        For each arm its :class:`Tuned`.

    Raises:
        ValueError: fewer than two rates, or no rate gave a finite score.
    """
    if len(rates) < 2:
        raise ValueError("tuning needs at least two rates")
    found = {}
    for name, train in arms.items():
        scores = {rate: float(np.mean(np.asarray(train(rate), float))) for rate in rates}
        scores = {rate: s if math.isfinite(s) else -math.inf for rate, s in scores.items()}
        best = max(scores, key=scores.__getitem__)
        if scores[best] == -math.inf:
            raise ValueError(f"no rate gave {name!r} a finite score")
        found[name] = Tuned(best, scores, best in (min(rates), max(rates)))
    return found


# --- one comparison -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paired(Interval):
    """The mean of paired differences with its interval and test.

    Attributes:
        sd: standard deviation of the differences; it decides how many seeds are needed.
        p: two-sided p-value of Student's paired test; 1 where all differences are 0.
    """

    sd: float = math.nan
    p: float = math.nan

    @property
    def half(self) -> float:
        """Half the width of the interval: what stands after ±."""
        return (self.high - self.low) / 2


def _pairs(a: Values, b: Values) -> np.ndarray:
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"paired values must be two rows of one length, not {a.shape}, {b.shape}")
    if len(a) < 2:
        raise ValueError("a comparison needs at least two pairs: one has no spread")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a value is NaN or infinite: decide what a failed run counts as first")
    return a - b


def _level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"a level or confidence must lie between 0 and 1, not {level}")


def paired(a: Values, b: Values, confidence: float = 0.95) -> Paired:
    """Compare two arms whose entry i comes from the same seed: mean of ``a - b``, interval, p.

    Pairing removes what both share (data, initial weights, order of batches). The p-value is that
    of :func:`scipy.stats.ttest_rel` (Student 1908).

    Args:
        a: (seeds,), one score for each seed.
        b: (seeds,), in the same order.
        confidence: of the interval.

    Raises:
        ValueError: the two differ in length, have fewer than two entries, or hold NaN or infinity.
    """
    difference = _pairs(a, b)
    _level(confidence)
    from scipy import stats

    interval = training.mean_interval(difference, confidence)
    sd = float(difference.std(ddof=1))
    p = float(interval.mean == 0)  # without spread, SciPy divides 0 by 0
    if sd > 0:
        p = float(stats.ttest_rel(a, b).pvalue)
    return Paired(interval.mean, interval.low, interval.high, interval.n, sd, p)


def crossed(difference: np.ndarray, confidence: float = 0.95) -> Interval:
    """Interval for a mean difference where every seed answers the same test items.

    Seeds and items are both samples. An interval over seeds alone treats the test set as all there
    is, and is too narrow for a statement about new data. Variance from the mean squares of the
    two-way layout, degrees of freedom after Satterthwaite (Dorfman, Berbaum & Metz 1992; Hillis
    2007). With fresh data for each seed :func:`paired` already covers both.

    Args:
        difference: (seeds, items), score of arm a minus score of arm b on each item, e.g. −1, 0, 1.
        confidence: of the interval.

    Raises:
        ValueError: fewer than two seeds or items.
    """
    table = np.asarray(difference, float)
    _level(confidence)
    if table.ndim != 2 or min(table.shape) < 2:
        raise ValueError(f"a table of at least 2 seeds and 2 items is needed, not {table.shape}")
    from scipy import stats

    seeds, items = table.shape
    mean = table.mean()
    by_seed, by_item = table.mean(1) - mean, table.mean(0) - mean
    rest = table - mean - by_seed[:, None] - by_item
    free = (seeds - 1, items - 1, (seeds - 1) * (items - 1))
    squares = (items * (by_seed**2).sum(), seeds * (by_item**2).sum(), (rest**2).sum())
    ms_seed, ms_item, ms_rest = (s / f for s, f in zip(squares, free, strict=True))
    combined = max(ms_seed + ms_item - ms_rest, ms_seed, ms_item)
    parts = ms_seed**2 / free[0] + ms_item**2 / free[1]
    freedom = max(combined**2 / parts if parts > 0 else free[0], 1.0)
    half = float(stats.t.ppf(0.5 + confidence / 2, freedom) * math.sqrt(combined / table.size))
    return Interval(float(mean), float(mean) - half, float(mean) + half, seeds)


@dataclass(frozen=True)
class Equivalence:
    """The verdict of two one-sided tests.

    Attributes:
        mean: mean of ``a - b``.
        low: lower end of the interval of confidence 1 − 2·level.
        high: its upper end.
        margin: differences inside ± margin count as "the same".
        p: the larger of the two one-sided p-values.
        equivalent: whether ``p`` is below the level, i.e. the interval lies inside ± margin.
        n: number of pairs.
    """

    mean: float
    low: float
    high: float
    margin: float
    p: float
    equivalent: bool
    n: int


def equivalent(a: Values, b: Values, margin: float, level: float = 0.05) -> Equivalence:
    """Test whether two arms are the same to within ``margin`` (TOST, paired; Schuirmann 1987).

    "Not significant" is no evidence for "the same". This is: it rejects both "a is worse by more
    than the margin" and "a is better by more than the margin". Fix the margin before you look.

    Args:
        a: (seeds,), one score for each seed.
        b: (seeds,), in the same order.
        margin: > 0, in the unit of the scores.
        level: of each one-sided test.

    Raises:
        ValueError: a margin that is not positive; otherwise as :func:`paired`.
    """
    difference = _pairs(a, b)
    _level(level)
    if not margin > 0:
        raise ValueError(f"the margin must be positive, not {margin}")
    from scipy import stats

    interval = training.mean_interval(difference, 1 - 2 * level)
    if difference.std(ddof=1) == 0:
        p = 0.0 if abs(interval.mean) < margin else 1.0
    else:
        above = stats.ttest_1samp(difference, -margin, alternative="greater").pvalue
        below = stats.ttest_1samp(difference, margin, alternative="less").pvalue
        p = float(max(above, below))
    n = len(difference)
    return Equivalence(interval.mean, interval.low, interval.high, margin, p, p < level, n)


# --- families of comparisons ----------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """The comparisons of one table, decided together.

    Attributes:
        names: what was compared, in the order given.
        p: p-value of each, float64 (m,).
        adjusted: p-values after Holm, float64 (m,): reject where one is at most the level.
        rejected: bool (m,); the chance that any of them is wrong is at most the level.
        level: error rate of the whole family.
    """

    names: tuple
    p: np.ndarray
    adjusted: np.ndarray
    rejected: np.ndarray
    level: float

    def __getitem__(self, name: object) -> tuple[float, bool]:
        """Adjusted p-value and decision of one comparison."""
        at = self.names.index(name)
        return float(self.adjusted[at]), bool(self.rejected[at])


def holm(
    comparisons: Mapping[str, Paired | Equivalence | float] | Sequence | np.ndarray,
    level: float = 0.05,
) -> Family:
    """Decide a family of tests so that the chance of *any* false rejection is at most ``level``.

    Sort the p-values; the smallest has to beat level/m, the next level/(m − 1), and so on, until
    one fails (Holm 1979). Never weaker than Bonferroni, and as free of assumptions.

    Args:
        comparisons: results of :func:`paired` or :func:`equivalent`, or plain p-values; a mapping
            keeps its names, a sequence gets 0, 1, ….
        level: error rate of the family.

    Raises:
        ValueError: no comparison, or a p-value outside [0, 1].
    """
    _level(level)
    if isinstance(comparisons, Mapping):
        names: tuple[Any, ...] = tuple(comparisons)
        entries = list(comparisons.values())
    else:
        entries = list(comparisons)
        names = tuple(range(len(entries)))
    p = np.array([getattr(entry, "p", entry) for entry in entries], float)
    if not len(p):
        raise ValueError("a family needs at least one comparison")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie between 0 and 1")
    order = np.argsort(p, kind="stable")
    climbing = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = climbing.clip(max=1)
    return Family(names, p, adjusted, adjusted <= level, level)


def bonferroni(
    pairs: Mapping[str, tuple[Values, Values]], confidence: float = 0.95
) -> dict[str, Paired]:
    """Intervals for a family of differences that all hold together with ``confidence``.

    Each gets confidence 1 − (1 − confidence)/m. The p-values inside stay uncorrected: give them to
    :func:`holm`.

    Args:
        pairs: for each name the two arms ``(a, b)``, (seeds,) each.
        confidence: that all m intervals cover their means.

    Raises:
        ValueError: no pairs; otherwise as :func:`paired`.
    """
    _level(confidence)
    if not pairs:
        raise ValueError("a family needs at least one comparison")
    each = 1 - (1 - confidence) / len(pairs)
    return {name: paired(a, b, each) for name, (a, b) in pairs.items()}


# --- planning -------------------------------------------------------------------------------------


def power(n: int, sd: float, delta: float, level: float = 0.05) -> float:
    """Chance that a paired test with ``n`` seeds detects a true mean difference ``delta``.

    Exact for normal differences: the noncentral t distribution (Cohen 1988).

    Args:
        n: number of pairs, at least 2.
        sd: standard deviation of the paired differences.
        delta: true difference, in the same unit; its sign does not matter.
        level: of the two-sided test; for m tests after Bonferroni, level/m.

    Raises:
        ValueError: fewer than two pairs, or an sd that is not positive.
    """
    _level(level)
    if n < 2 or not sd > 0:
        raise ValueError(f"power needs n of at least 2 and a positive sd, not n={n}, sd={sd}")
    from scipy import stats

    shift = abs(delta) / sd * math.sqrt(n)
    bound = stats.t.ppf(1 - level / 2, n - 1)
    upper, lower = stats.nct.sf(bound, n - 1, shift), stats.nct.cdf(-bound, n - 1, shift)
    # SciPy gives NaN for a tail that is smaller than it can resolve.
    return float(np.nan_to_num(upper, nan=1.0) + np.nan_to_num(lower, nan=0.0))


def seeds_needed(sd: float, delta: float, power: float = 0.8, level: float = 0.05) -> int:
    """Fewest seeds with which a paired test finds a difference ``delta`` with chance ``power``.

    About 8·(sd/delta)² + 2 for the usual 80 % at 5 %.

    Args:
        sd: standard deviation of the paired differences, from a pilot.
        delta: the smallest difference worth finding, in the same unit.
        power: chance to find it.
        level: of the two-sided test.

    Raises:
        ValueError: sd or delta not positive, or a power outside (level, 1).
    """
    _level(level)
    if not (sd > 0 and delta != 0 and level < power < 1):
        raise ValueError(
            f"needs a positive sd, a delta other than 0 and a power between {level} and 1"
        )
    return _smallest(lambda n: _power(n, sd, delta, level) >= power)


_power = power  # seeds_needed has an argument of that name


def equivalence_power(
    n: int, sd: float, margin: float, delta: float = 0.0, level: float = 0.05
) -> float:
    """Chance that :func:`equivalent` says "the same" with ``n`` seeds if ``delta`` is the truth.

    Args:
        n: number of pairs, at least 2.
        sd: standard deviation of the paired differences.
        margin: > 0, as in :func:`equivalent`.
        delta: true mean difference.
        level: of each one-sided test.

    Raises:
        ValueError: as :func:`power`, or a margin that is not positive.
    """
    _level(level)
    if n < 2 or not sd > 0 or not margin > 0:
        raise ValueError("needs n of at least 2, a positive sd and a positive margin")
    from scipy import stats

    # Given the sample's sd s, the mean must fall within margin - t·s/√n; average over s.
    quantiles = (np.arange(2000) + 0.5) / 2000
    s = sd * np.sqrt(stats.chi2.ppf(quantiles, n - 1) / (n - 1))
    room = margin - stats.t.ppf(1 - level, n - 1) * s / math.sqrt(n)
    error = sd / math.sqrt(n)
    inside = stats.norm.cdf((room - delta) / error) - stats.norm.cdf((-room - delta) / error)
    return float(np.where(room > 0, inside, 0).mean())


def _smallest(enough: Callable[[int], bool]) -> int:
    high = 2
    while not enough(high):
        high *= 2
        if high > 2**40:
            raise ValueError("more than 2⁴⁰ seeds would be needed")
    low = max(high // 2, 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


# --- where the variance comes from ----------------------------------------------------------------


def variance_shares(scores: np.ndarray, factors: Sequence[str], order: int = 2) -> dict[str, float]:
    """Split the variance of a full factorial experiment among its factors (Fisher's ANOVA).

    A share is the sum of squares of an effect over the total (η²); all shares sum to 1. It answers
    "how much of the spread in this table goes with this factor", and so depends on the levels that
    the table has: a grid with an absurd learning rate makes every activation look unimportant.

    Args:
        scores: one axis for each factor, one entry for each combination; all finite.
        factors: names of the axes.
        order: effects of up to so many factors get their own entry ("a", "a × b"); the sum of all
            higher ones is "rest".

    Returns:
        Shares, main effects first.

    Raises:
        ValueError: names and axes differ in number, a score is not finite, or all are equal.
    """
    scores = np.asarray(scores, float)
    if scores.ndim != len(factors) or len(set(factors)) != len(factors):
        raise ValueError(f"{scores.ndim} axes need as many different names, not {list(factors)}")
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite: decide what a failed run counts as first")
    total = ((scores - scores.mean()) ** 2).sum()
    if total == 0:
        raise ValueError("all scores are equal: there is no variance to split")
    axes = range(scores.ndim)
    effects: dict[tuple[int, ...], np.ndarray] = {(): scores.mean(keepdims=True)}
    shares = {}
    for size in range(1, min(order, scores.ndim) + 1):
        for subset in itertools.combinations(axes, size):
            others = tuple(axis for axis in axes if axis not in subset)
            effect = scores.mean(others, keepdims=True)
            for smaller, known in effects.items():
                if set(smaller) < set(subset):
                    effect = effect - known
            effects[subset] = effect
            squares = (effect**2).sum() * (scores.size / effect.size)
            shares[" × ".join(factors[axis] for axis in subset)] = float(squares / total)
    if order < scores.ndim:
        shares["rest"] = max(0.0, 1 - sum(shares.values()))
    return shares
