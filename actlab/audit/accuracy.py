"""How far a function and its derivative are from the truth, in every float format.

All numbers of bfloat16 and float16 are tried. Of float32 a dense sample is, with a search that
climbs from the worst points found, or every number on request. In float64 the largest error found
is a lower bound of the largest that there is. Nothing is masked: what is NaN, infinite, of the
wrong sign or 0 where the truth is not gets a class of its own, and a place on a list of intervals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from actlab.audit.reference import Reference
from actlab.audit.subject import Subject, rounded
from actlab.audit.ulps import disagreements, distances, smallest_normal, steps
from actlab.properties import Floats

#: Upper ends of the bins of the error in ulp: 0, 1, 2, 3 to 10, 11 to 100, more.
BINS = (0, 1, 2, 10, 100, np.inf)
BIN_NAMES = ("0", "1", "2", "3-10", "11-100", ">100")
#: An error above this many ulp makes an interval bad.
BAD = 10
#: What a point can be besides wrong by some ulp.
CLASSES = (
    "is_nan", "overflow", "not_overflowed", "wrong_sign", "vanished", "flushed", "inaccurate",
)  # fmt: skip
MOST_INTERVALS = 24

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """One batch of points of one format.

    Attributes:
        x, got, high: points, what came out, the truth, float64 (n,) each.
        target: the truth rounded to the format.
        lattice, real: the two counts of ulp; NaN where they do not apply.
        kind: a name of :data:`CLASSES`, or "", for each point.
        minus_zero: where a zero has the wrong sign.
    """

    x: np.ndarray
    got: np.ndarray
    high: np.ndarray
    target: np.ndarray
    lattice: np.ndarray
    real: np.ndarray
    kind: np.ndarray
    minus_zero: np.ndarray


def judge(
    x: np.ndarray, got: np.ndarray, high: np.ndarray, low: np.ndarray, floats: Floats
) -> Judged:
    """Compare what came out with the truth; a truth of NaN judges nothing."""
    with np.errstate(all="ignore"):
        got = rounded(got, floats)
        target = rounded(high, floats)
        known = ~np.isnan(high)
        finite = np.isfinite(got) & np.isfinite(target)
        small = np.abs(target) < smallest_normal(floats)
        kind = np.full(x.shape, "", dtype="U14")
        lattice = np.full(x.shape, np.nan)
        real = np.full(x.shape, np.nan)
        flushed = finite & (got == 0) & (target != 0) & small
        counted = finite & ~flushed
        lattice[counted] = steps(got[counted], target[counted], floats)
        real[counted] = distances(got[counted], high[counted], low[counted], floats)
        kind[counted & (lattice > BAD)] = "inaccurate"
        kind[finite & (got == 0) & (target != 0) & ~small] = "vanished"
        kind[flushed] = "flushed"
        kind[known & (np.sign(got) * np.sign(target) < 0)] = "wrong_sign"
        kind[known & np.isfinite(got) & np.isinf(target)] = "not_overflowed"
        kind[known & np.isinf(got) & np.isfinite(target)] = "overflow"
        kind[known & np.isnan(got)] = "is_nan"
        zeros = (got == 0) & (target == 0) & known
        minus = zeros & (np.signbit(got) != np.signbit(target))
    return Judged(x, got, high, target, lattice, real, kind, minus)


@dataclass
class Tally:
    """What is kept of any number of batches, given from the lowest x to the highest.

    ``gap`` is how many good points may lie inside a bad interval.
    """

    floats: Floats
    gap: int = 8
    tried: int = 0
    undefined: int = 0
    counted: int = 0
    total: float = 0.0
    total_real: float = 0.0
    bins: np.ndarray = field(default_factory=lambda: np.zeros(len(BINS), int))
    worst: tuple[float, float, float, float] | None = None
    worst_real: tuple[float, float] | None = None
    largest_difference: float = 0.0
    classes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    minus_zero: int = 0
    disagreements: int = 0
    intervals: list[dict[str, Any]] = field(default_factory=list)
    wrong_way: int = 0
    largest_drop: float = 0.0
    drop_at: float | None = None
    _since: int = 0
    _last: tuple[float, float] | None = None

    def add(self, batch: Judged) -> None:
        """Count one more batch."""
        counts = np.isfinite(batch.lattice)
        self.tried += batch.x.size
        self.undefined += int(np.isnan(batch.high).sum())
        self.counted += int(counts.sum())
        self.minus_zero += int(batch.minus_zero.sum())
        errors = batch.lattice[counts]
        if errors.size:
            self.total += float(errors.sum())
            self.total_real += float(batch.real[counts].sum())
            self.bins += np.bincount(np.searchsorted(BINS, errors), minlength=len(BINS))
            self.disagreements += disagreements(errors, batch.real[counts], self.floats)
            at = int(np.nanargmax(np.where(counts, batch.lattice, -1)))
            if self.worst is None or batch.lattice[at] > self.worst[0]:
                self.worst = tuple(  # type: ignore[assignment]
                    float(a[at]) for a in (batch.lattice, batch.x, batch.got, batch.high)
                )
            real = int(np.nanargmax(np.where(counts, batch.real, -1)))
            if self.worst_real is None or batch.real[real] > self.worst_real[0]:
                self.worst_real = float(batch.real[real]), float(batch.x[real])
            with np.errstate(all="ignore"):
                apart = np.abs(batch.got - batch.high)[counts]
            self.largest_difference = max(self.largest_difference, float(np.nanmax(apart)))
        for name in CLASSES:
            self.classes[name] += int(np.sum(batch.kind == name))
        self._merge(batch)
        self._directions(batch)

    def _merge(self, batch: Judged) -> None:
        bad = np.flatnonzero(batch.kind != "")
        if not bad.size:
            self._since += batch.x.size
            return
        apart = np.diff(bad) - 1
        changes = np.flatnonzero((apart > self.gap) | (batch.kind[bad][1:] != batch.kind[bad][:-1]))
        starts = np.concatenate([[0], changes + 1])
        stops = np.concatenate([changes, [bad.size - 1]])
        for start, stop in zip(starts, stops, strict=True):
            points = bad[start : stop + 1]
            found = _interval(batch, points)
            before = self._since + int(points[0]) if start == 0 else None
            last = self.intervals[-1] if self.intervals else None
            if last and before is not None and before <= self.gap and last["kind"] == found["kind"]:
                _join(last, found)
            else:
                self.intervals.append(found)
        self._since = batch.x.size - 1 - int(bad[-1])
        if len(self.intervals) > 400:  # rounding noise: keep what matters
            self.intervals = _foremost(self.intervals, 200)

    def _directions(self, batch: Judged) -> None:
        good = np.isfinite(batch.got) & np.isfinite(batch.target)
        x, got, target = batch.x[good], batch.got[good], batch.target[good]
        if self._last is not None and got.size:
            got = np.concatenate([[self._last[0]], got])
            target = np.concatenate([[self._last[1]], target])
            x = np.concatenate([[x[0]], x])
        if got.size < 2:
            return
        with np.errstate(all="ignore"):
            wrong = np.sign(np.diff(got)) * np.sign(np.diff(target)) < 0
            self.wrong_way += int(wrong.sum())
            if wrong.any():
                drops = steps(got[1:][wrong], got[:-1][wrong], self.floats)
                at = int(np.argmax(drops))
                if drops[at] > self.largest_drop:
                    self.largest_drop = float(drops[at])
                    self.drop_at = float(x[1:][wrong][at])
        self._last = float(got[-1]), float(target[-1])

    def report(self) -> dict[str, Any]:
        """Everything as plain data."""
        worst = self.worst
        return {
            "tried": self.tried,
            "undefined": self.undefined,
            "counted": self.counted,
            "largest_ulp": worst[0] if worst else None,
            "largest_at": worst[1] if worst else None,
            "largest_got": worst[2] if worst else None,
            "largest_true": worst[3] if worst else None,
            "largest_ulp_real": self.worst_real[0] if self.worst_real else None,
            "largest_ulp_real_at": self.worst_real[1] if self.worst_real else None,
            "largest_difference": self.largest_difference,
            "mean_ulp": self.total / self.counted if self.counted else None,
            "mean_ulp_real": self.total_real / self.counted if self.counted else None,
            "share_exact": float(self.bins[0] / self.counted) if self.counted else None,
            "bins": dict(zip(BIN_NAMES, map(int, self.bins), strict=True)),
            "counters_disagree": self.disagreements,
            "classes": dict(self.classes),
            "minus_zero": self.minus_zero,
            "intervals": [
                {k: v for k, v in interval.items() if k not in ("before", "after")}
                for interval in sorted(
                    _foremost(self.intervals, MOST_INTERVALS), key=lambda i: i["low"]
                )
            ],
            "intervals_left_out": max(0, len(self.intervals) - MOST_INTERVALS),
            "wrong_way": self.wrong_way,
            "wrong_way_largest": self.largest_drop,
            "wrong_way_at": self.drop_at,
        }


def _interval(batch: Judged, points: np.ndarray) -> dict[str, Any]:
    errors, true = batch.lattice[points], np.abs(batch.high[points])
    some = np.isfinite(errors)
    with np.errstate(all="ignore"):
        apart = np.abs(batch.got[points] - batch.high[points])
        share = apart / true
    finite = np.isfinite(true)
    return {
        "low": float(batch.x[points[0]]),
        "high": float(batch.x[points[-1]]),
        "kind": str(batch.kind[points[0]]),
        "points": int(points.size),
        "largest_ulp": float(errors[some].max()) if some.any() else None,
        "largest_true": float(true[finite].max()) if finite.any() else None,
        "largest_difference": float(apart[np.isfinite(apart)].max(initial=0.0)),
        "largest_share": float(share[np.isfinite(share)].max(initial=0.0)),
        # The good neighbours, between which and the ends the true ends lie.
        "before": float(batch.x[points[0] - 1]) if points[0] else None,
        "after": float(batch.x[points[-1] + 1]) if points[-1] + 1 < batch.x.size else None,
    }


def _join(first: dict[str, Any], second: dict[str, Any]) -> None:
    first["high"], first["after"] = second["high"], second["after"]
    first["points"] += second["points"]
    for key in ("largest_ulp", "largest_true", "largest_difference", "largest_share"):
        values = [v for v in (first[key], second[key]) if v is not None]
        first[key] = max(values) if values else None


def _foremost(intervals: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    rank = {name: place for place, name in enumerate(CLASSES)}
    ordered = sorted(intervals, key=lambda i: (rank[i["kind"]] >= 4, -i["points"]))
    kept = ordered[:most]
    return [interval for interval in intervals if interval in kept]


# --- which numbers --------------------------------------------------------------------------------


def sample(floats: Floats, per_binade: int, dense: int, seed: int = 0) -> np.ndarray:
    """Codes of a wide format in order: every binade, dense around 0, the same on both sides."""
    rng = np.random.default_rng(seed)
    binades = np.arange(0, floats.top + 1, 1 << floats.mantissa, dtype=np.int64)
    inside = rng.integers(0, 1 << floats.mantissa, (binades.size, per_binade))
    edges = np.concatenate([binades, binades - 1, binades + 1])
    near = _code(np.linspace(0, 20, dense), floats)
    subnormal = np.arange(0, 32)
    far = floats.top - np.arange(0, 8)
    codes = np.concatenate([(binades[:, None] + inside).ravel(), edges, near, subnormal, far])
    codes = np.unique(codes[(codes >= 0) & (codes <= floats.top)])
    return np.concatenate([-1 - codes[::-1], codes])


def _code(x: np.ndarray, floats: Floats) -> np.ndarray:
    """Codes of numbers ≥ 0 in a format with an integer type of its own."""
    view = {"float32": np.int32, "float64": np.int64}[floats.name]
    return x.astype(floats.name).view(view).astype(np.int64)


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Attributes:
        per_binade, dense: of float32's sample.
        rounds: of the search that climbs from the worst points.
        float64: points of float64 for each side of 0.
        most: points of one batch that may need multiprecision; the rest counts as undefined.
    """

    per_binade: int
    dense: int
    rounds: int
    float64: int
    most: int


FULL = Effort(per_binade=160, dense=40_000, rounds=14, float64=400, most=6000)
QUICK = Effort(per_binade=12, dense=5_000, rounds=3, float64=80, most=1500)


@dataclass
class Bench:
    """A function and its reference, ready to be compared on codes of a format."""

    subject: Subject
    reference: Reference
    kinks: tuple[float, ...]
    derivative: bool
    floats: Floats
    most: int | None = None

    def batch(self, codes: np.ndarray) -> Judged:
        """Judge the numbers behind some codes, in order."""
        x = self.floats.values(codes).astype(float)
        call = self.subject.slope if self.derivative else self.subject.value
        got = call(x, self.floats.name)
        high, low, _ = self.reference.values(
            x, self.floats, derivative=self.derivative, most=self.most
        )
        if self.derivative:
            # Where there is no derivative, nothing is wrong.
            high = np.where(np.isin(x, self.kinks), np.nan, high)
        return judge(x, got, high, low, self.floats)


def _climb(bench: Bench, start: Judged, tally: Tally, rounds: int, width: int) -> int:
    """Look for larger errors near the worst; returns how many points were tried."""
    floats, rng, tried = bench.floats, np.random.default_rng(1), 0
    score = np.where(np.isfinite(start.lattice), np.nan_to_num(start.real, nan=-1), -1.0)
    keep = np.argsort(score)[-64:]
    x, best = start.x[keep], score[keep]
    codes = np.where(np.signbit(x), -1 - _code(np.abs(x), floats), _code(np.abs(x), floats))
    for _ in range(rounds):
        if best.max() > 2.0**floats.mantissa / 4:
            break  # no digit is right: there is nothing more to find
        reach = np.exp2(rng.uniform(0, floats.mantissa - 2, (codes.size, width)))
        steps_ = np.rint(reach).astype(np.int64) * rng.choice([-1, 1], reach.shape)
        near = np.clip(codes[:, None] + steps_, -1 - floats.top, floats.top).ravel()
        batch = bench.batch(np.unique(near))
        tried += batch.x.size
        found = np.where(np.isfinite(batch.lattice), np.nan_to_num(batch.real, nan=-1), -1.0)
        at = int(np.argmax(found))
        if tally.worst_real is None or found[at] > tally.worst_real[0]:
            tally.worst_real = float(found[at]), float(batch.x[at])
        counted = np.isfinite(batch.lattice)
        if counted.any():
            top = int(np.nanargmax(np.where(counted, batch.lattice, -1)))
            if tally.worst is None or batch.lattice[top] > tally.worst[0]:
                tally.worst = tuple(  # type: ignore[assignment]
                    float(a[top]) for a in (batch.lattice, batch.x, batch.got, batch.high)
                )
        own = np.where(
            np.signbit(batch.x), -1 - _code(np.abs(batch.x), floats), _code(np.abs(batch.x), floats)
        )
        codes, best = np.concatenate([codes, own]), np.concatenate([best, found])
        codes, places = np.unique(codes, return_index=True)
        best = best[places]
        keep = np.argsort(best)[-64:]
        codes, best = codes[keep], best[keep]
    return tried


def measure(
    subject: Subject,
    reference: Reference,
    kinks: tuple[float, ...],
    dtype: str,
    *,
    derivative: bool,
    effort: Effort,
) -> dict[str, Any] | None:
    """The accuracy of f or f′ in one format; None where nothing can judge it.

    Raises:
        SubjectError: the function raised, or returned another shape.
    """
    floats = Floats.of(dtype)
    if dtype == "float64" and not reference.judges_float64:
        return None
    bench = Bench(subject, reference, kinks, derivative, floats, effort.most)
    if dtype in ("bfloat16", "float16"):
        tally = Tally(floats)
        batch = bench.batch(floats.codes())
        tally.add(batch)
        how = "every number"
        extra = 0
    else:
        tally = Tally(floats, gap=2)
        if dtype == "float64":
            codes = _float64_codes(floats, effort.float64)
        else:
            codes = sample(floats, effort.per_binade, effort.dense)
        batch = bench.batch(codes)
        tally.add(batch)
        # Each float64 goes through multiprecision.
        rounds, width = (2, 3) if dtype == "float64" else (effort.rounds, 24)
        extra = _climb(bench, batch, tally, rounds, width)
        how = "a sample and a search from its worst points: a lower bound"
        _sharpen(tally, bench)
    report = tally.report()
    report |= {"how": how, "searched": extra, "symmetry": _symmetry(batch)}
    report["special"] = _special(bench)
    return report


def _float64_codes(floats: Floats, count: int) -> np.ndarray:
    rng = np.random.default_rng(2)
    near = _code(np.sort(rng.uniform(0, 20, count // 2)), floats)
    wide = _code(np.exp2(np.sort(rng.uniform(-60, 11, count // 2))), floats)
    codes = np.unique(np.concatenate([near, wide, [0, 1, floats.top]]))
    return np.concatenate([-1 - codes[::-1], codes])


def _sharpen(tally: Tally, bench: Bench) -> None:
    """Move the ends of intervals from the sample's points to the last number that is bad."""
    floats = bench.floats
    tests: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "is_nan": np.isnan,
        "overflow": np.isinf,
        "vanished": lambda y: y == 0,
    }
    call = bench.subject.slope if bench.derivative else bench.subject.value

    def is_bad(code: int, kind: str) -> bool:
        return bool(
            tests[kind](call(floats.values(np.array([code])).astype(float), floats.name))[0]
        )

    for interval in tally.intervals[:16]:
        kind = interval["kind"]
        if kind not in tests:
            continue
        for key, neighbour in (("low", "before"), ("high", "after")):
            if interval[neighbour] is None:
                continue  # the end of the line
            bad, good = _place(interval[key], floats), _place(interval[neighbour], floats)
            while abs(good - bad) > 1:
                middle = (good + bad) // 2
                bad, good = (middle, good) if is_bad(middle, kind) else (bad, middle)
            interval[key] = float(floats.values(np.array([bad]))[0])


def _place(x: float, floats: Floats) -> int:
    """The code of one number of a wide format."""
    code = int(_code(np.array([abs(x)]), floats)[0])
    return -1 - code if np.signbit(x) else code


def _symmetry(batch: Judged) -> dict[str, Any] | None:
    """Whether the truth is odd or even on these points, and where the function is not exactly."""
    mirrored = slice(None, None, -1)
    if not np.array_equal(batch.x, -batch.x[mirrored]):
        return None
    high, other = batch.high, batch.high[mirrored]
    fine = np.isfinite(high) & np.isfinite(other)
    if fine.sum() < 10:
        return None
    scale = 1e-9 * np.abs(high[fine]) + 1e-300
    for kind, sign in (("odd", -1.0), ("even", 1.0)):
        if np.all(np.abs(high[fine] - sign * other[fine]) <= scale):
            got, mirror = batch.got[fine], sign * batch.got[mirrored][fine]
            broken = ~((got == mirror) | (np.isnan(got) & np.isnan(mirror)))
            at = batch.x[fine][broken]
            return {
                "kind": kind,
                "broken": int(broken.sum() // 2),
                "at": float(np.abs(at).min()) if at.size else None,
            }
    return None


def _special(bench: Bench) -> dict[str, Any]:
    """What becomes of NaN, ±∞ and ±0."""
    points = np.array([np.nan, -np.inf, np.inf, -0.0, 0.0])
    call = bench.subject.slope if bench.derivative else bench.subject.value
    got = call(points, bench.floats.name)
    limits = [bench.reference.at_infinity(s, derivative=bench.derivative) for s in (-1.0, 1.0)]
    names = ("nan", "-inf", "inf", "-0", "0")
    return {
        "got": {name: _signed(value) for name, value in zip(names, got, strict=True)},
        "limits": {"-inf": limits[0], "inf": limits[1]},
    }


def _signed(value: float) -> float | str:
    return "-0" if value == 0 and np.signbit(value) else float(value)


# --- every float32 --------------------------------------------------------------------------------

CHUNK = 1 << 19


def chunks(floats: Floats, size: int = CHUNK) -> Iterator[np.ndarray]:
    """All codes of a format in order."""
    for start in range(-1 - floats.top, floats.top + 1, size):
        yield np.arange(start, min(start + size, floats.top + 1))


def estimate(bench: Bench) -> float:
    """Seconds that every float32 will take, from five places on the line."""
    floats = bench.floats
    places = [-1 - floats.top, -(0x7F << 23), -1, 0x7F << 23, floats.top - CHUNK]
    bench.batch(np.arange(-512, 512))  # what is imported with the first call is no part of it
    seconds = 0.0
    for place in places:
        start = time.perf_counter()
        bench.batch(np.arange(place, place + CHUNK // 16))
        seconds += 16 * (time.perf_counter() - start)
    return seconds / len(places) * (2 * floats.top / CHUNK)


def exhaustive(
    subject: Subject,
    reference: Reference,
    kinks: tuple[float, ...],
    *,
    derivative: bool,
    progress: Progress,
    every: Iterator[np.ndarray] | None = None,
) -> dict[str, Any]:
    """The accuracy of f or f′ at every float32, which takes hours."""
    floats = Floats.of("float32")
    bench = Bench(subject, reference, kinks, derivative, floats, None)
    tally = Tally(floats)
    what = "derivative" if derivative else "value"
    total = 2 * floats.top + 2
    for codes in every if every is not None else chunks(floats):
        tally.add(bench.batch(codes))
        progress(f"float32 {what}: {100 * tally.tried / total:.1f} % of all numbers")
    report = tally.report()
    report |= {"how": "every number", "searched": 0, "symmetry": None, "special": _special(bench)}
    return report
