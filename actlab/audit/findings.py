"""What there is to say about a function, worst first: rules over the measurements, and sentences.

A finding has a level. An **error** is a broken promise, or numbers that are wrong where networks
live; a **warning** is a loss that a network can meet; a **note** is a loss too small to matter, or
a property to know. The codes are listed in :data:`CODES` and mean the same in every release.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

LEVELS = ("note", "warning", "error")

#: code -> what a finding with it says.
CODES: Mapping[str, str] = {
    "hangs": "it did not come back in time",
    "crashes": "its process died",
    "raises": "it raises",
    "not-finished": "a step of the audit broke off, so that something is not known",
    "wrong-dtype": "the result has another dtype than the input",
    "wrong-shape": "the result has another shape than the input",
    "changes-input": "the input is different afterwards",
    "not-repeatable": "the same call twice gives different results",
    "remembers": "earlier calls change later results",
    "not-elementwise": "a value depends on other elements",
    "non-contiguous": "transposed or strided inputs give something else, or raise",
    "needs-writing": "an input that may not be written is refused",
    "no-gradient": "no gradient flows back",
    "one-derivative": "it cannot be differentiated twice",
    "wrong-gradient": "the gradient is not the slope of the function",
    "kink-slope": "the slope at a kink is outside the slopes on its two sides",
    "value-nan": "NaN where there is a value",
    "gradient-nan": "a gradient of NaN at a finite input",
    "value-overflow": "infinite where the truth is not",
    "gradient-overflow": "a gradient that is infinite where the truth is not",
    "value-wrong-sign": "a value of the wrong sign",
    "gradient-wrong-sign": "a gradient of the wrong sign",
    "value-vanishes": "exactly 0 where the truth is a normal number",
    "gradient-vanishes": "a gradient of exactly 0 where the truth is a normal number",
    "value-flushed": "0 where the truth is a subnormal number",
    "gradient-flushed": "a gradient of 0 where the truth is a subnormal number",
    "value-inaccurate": "values that are off by more than 10 ulp",
    "gradient-inaccurate": "gradients that are off by more than 10 ulp",
    "swallows-nan": "NaN goes in and a number comes out",
    "limit": "at ±∞ it does not give its limit",
    "wrong-way": "it falls where the truth rises, or rises where it falls",
    "asymmetric": "an odd or even function that is not exactly so",
    "counters": "the audit's two ulp counters contradict each other",
    "cancellation": "a known cause, with a form that helps",
    "nearly": "close to a known function, and not the same",
    "dead-zone": "the slope is exactly 0 on a stretch",
    "unbounded-slope": "the slope has no bound",
    "deep-gradients": "none of four initialisations carries a gradient through 50 layers",
    "traffic": "more bytes moved or kept than needed",
    "trains-worse": "lower accuracy on MNIST-1D than a rival, beyond chance",
    "trains-better": "higher accuracy on MNIST-1D than a rival, beyond chance",
    "warns": "it gives warnings",
}

#: Distance from 1 to the next number.
EPS = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}
LARGEST = {"bfloat16": 3.39e38, "float16": 65504.0, "float32": 3.4028e38, "float64": 1.797e308}
#: Inputs beyond this share of the largest number are no place where networks live.
_FAR = 1e-3


@dataclass(frozen=True)
class Finding:
    """One thing to know.

    Attributes:
        level: of :data:`LEVELS`.
        code: of :data:`CODES`.
        message: one sentence.
        detail: more sentences, or "".
        dtypes: the float formats that it is about.
    """

    level: str
    code: str
    message: str
    detail: str = ""
    dtypes: tuple[str, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "dtypes": list(self.dtypes)}


def collect(report: Mapping[str, Any]) -> list[Finding]:
    """All findings of a report, worst first; the same report gives the same list."""
    report = revived(report)
    found = [
        *_failures(report), *_contract(report), *_not_finite(report), *_accuracy(report),
        *_special(report), *_causes(report), *_shape(report), *_signal(report), *_cost(report),
        *_trial(report),
    ]  # fmt: skip
    order = {code: place for place, code in enumerate(CODES)}
    return sorted(found, key=lambda f: (-LEVELS.index(f.level), order[f.code], f.message))


def revived(value: Any) -> Any:
    """A report with numbers for the words that JSON has for NaN and the infinities."""
    if isinstance(value, Mapping):
        return {key: revived(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revived(item) for item in value]
    return float(value) if value in ("nan", "inf", "-inf") else value


def worst(findings: list[Finding]) -> str | None:
    """The highest level that occurs."""
    return max((f.level for f in findings), key=LEVELS.index, default=None)


# --- words ----------------------------------------------------------------------------------------


def number(value: float | str | None, digits: int = 3) -> str:
    """A number as people write it."""
    if value is None:
        return "?"
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value + 0.0:.{digits}g}".replace("-", "−").replace("e+", "e")


def place(low: float, high: float) -> str:
    """Where an interval is: below, above, at, between."""
    if low == high:
        return f"at {number(low, 4)}"
    if low < -1e37 or (low <= -65504 and high > -65504):
        return "everywhere" if high > 1e37 or high >= 65504 else f"below {number(high, 4)}"
    if high > 1e37 or high >= 65504:
        return f"above {number(low, 4)}"
    return f"between {number(low, 4)} and {number(high, 4)}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# --- what broke -----------------------------------------------------------------------------------


def _failures(report: Mapping[str, Any]) -> Iterator[Finding]:
    for failure in report["failures"]:
        code = failure["code"] if failure["code"] in CODES else "raises"
        level = "warning" if code == "not-finished" else "error"
        yield Finding(level, code, f"while {failure['doing']}: {failure['message']}")
    probe = report.get("probe") or {}
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, why in probe.get("raises", {}).items():
        grouped[probe["codes"][name], why].append(name)
    for (code, why), names in grouped.items():
        narrow = all(name in ("bfloat16", "float16") for name in names)
        words = ["its gradient" if name == "gradient" else name for name in names]
        yield Finding(
            "warning" if narrow else "error", code, f"in {_listed(words)}: {why}",
            dtypes=tuple(name for name in names if name != "gradient"),
        )  # fmt: skip


_CONTRACT_LEVELS = {
    "needs-writing": "warning",
    "one-derivative": "note",
    "kink-slope": "warning",
}


def _contract(report: Mapping[str, Any]) -> Iterator[Finding]:
    contract = report.get("contract")
    if not contract:
        return
    known = {(code, why) for code, why in _probe_failures(report)}
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for check in contract["checks"]:
        if check["passed"] is False and not any(why in check["detail"] for _, why in known):
            grouped[check["code"]].append(check)
    for code, checks in grouped.items():
        level = _CONTRACT_LEVELS.get(code, "error")
        details = list(dict.fromkeys(check["detail"] for check in checks))
        if code == "wrong-shape" and all(
            check["name"] in ("keeps the shape ()", "keeps the shape (0,)") for check in checks
        ):
            level = "warning"
        yield Finding(
            level, code, f"{CODES[code]}: {details[0]}", "; ".join(details[1:]),
            tuple(check["dtype"] for check in checks if check["dtype"]),
        )  # fmt: skip
    if contract["warnings"]:
        yield Finding("note", "warns", f"it gives warnings: {'; '.join(contract['warnings'][:3])}")


def _probe_failures(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    probe = report.get("probe") or {}
    return [(probe["codes"][name], why) for name, why in probe.get("raises", {}).items()]


# --- NaN and infinity -----------------------------------------------------------------------------

_WORD = {"value": "value", "slope": "gradient", "derivative": "gradient"}


def _not_finite(report: Mapping[str, Any]) -> Iterator[Finding]:
    """NaN at finite inputs: as a value where there is one, as a gradient always."""
    regions = report.get("regions") or {}
    where: dict[str, list[str]] = {}
    for dtype, found in regions.items():
        slope = found.get("slope")
        if not slope:
            continue
        undefined = [tuple(run) for run in found["value"]["nan"]]
        runs = [run for run in slope["nan"] if tuple(run) not in undefined]
        # Where the value is NaN, its gradient is not news.
        runs = [r for r in runs if not any(a <= r[0] and r[1] <= b for a, b in undefined)]
        if runs:
            where[dtype] = [place(*run) for run in runs[:3]]
    if where:
        first = "float32" if "float32" in where else next(iter(where))
        others = [f"in {d} {_listed(w)}" for d, w in where.items() if d != first]
        yield Finding(
            "error", "gradient-nan", f"gradient is NaN {_listed(where[first])} in {first}",
            "; ".join(others), tuple(where),
        )  # fmt: skip
    # A gradient that is infinite only where the truth is, at a pole, is right.
    infinite: dict[str, list[str]] = {}
    for dtype, found in regions.items():
        runs = [run for run in (found.get("slope") or {}).get("infinite", []) if abs(run[0]) < 100]
        accuracy = ((report.get("accuracy") or {}).get(dtype) or {}).get("derivative") or {}
        if runs and not accuracy.get("classes", {}).get("overflow"):
            infinite[dtype] = [place(*run) for run in runs[:3]]
    if infinite:
        first = "float32" if "float32" in infinite else next(iter(infinite))
        yield Finding(
            "warning", "gradient-overflow",
            f"gradient is infinite {_listed(infinite[first])} in {first}", dtypes=tuple(infinite),
        )  # fmt: skip


# --- accuracy -------------------------------------------------------------------------------------


def _level(kind: str, interval: Mapping[str, Any], dtype: str) -> str:
    eps = EPS[dtype]
    near = min(abs(interval["low"]), abs(interval["high"]))
    if kind == "is_nan":
        return "error"
    if kind == "overflow":
        return "note" if near > _FAR * LARGEST[dtype] else "error"
    if kind in ("not_overflowed", "flushed"):
        return "note"
    size = interval["largest_true"] or 0.0
    apart = interval["largest_difference"] / max(1.0, size)
    share = interval["largest_share"]
    if kind == "vanished":
        return "error" if size > 1e-2 else "warning" if size > eps**2 else "note"
    if kind == "wrong_sign":
        return "error" if apart > 0.05 else "warning" if apart > eps / 8 else "note"
    if apart > 1e-2 and apart > 4 * eps and share > 1e-2:
        return "error"
    return "warning" if apart > 64 * eps and share > 64 * eps else "note"


_KIND_CODE = {
    "is_nan": "nan",
    "overflow": "overflow",
    "not_overflowed": "inaccurate",
    "wrong_sign": "wrong-sign",
    "vanished": "vanishes",
    "flushed": "flushed",
    "inaccurate": "inaccurate",
}


def _accuracy(report: Mapping[str, Any]) -> Iterator[Finding]:
    grouped: dict[tuple[str, str, str], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    drops: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    broken: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for dtype, which, tally in tallies(report):
        word = _WORD[which]
        chosen: dict[str, tuple[str, dict[str, Any]]] = {}
        for interval in tally["intervals"]:
            kind = interval["kind"]
            if kind == "is_nan" and which == "derivative":
                continue  # said by the regions
            level, code = _level(kind, interval, dtype), f"{word}-{_KIND_CODE[kind]}"
            before = chosen.get(code)
            rank = (LEVELS.index(level), interval["points"])
            if before is None or rank > (LEVELS.index(before[0]), before[1]["points"]):
                chosen[code] = level, interval
        for code, (level, interval) in chosen.items():
            grouped[level, code, word].append((dtype, interval))
        if tally["counters_disagree"]:
            yield Finding(
                "warning", "counters",
                f"{CODES['counters']} at {tally['counters_disagree']} points ({dtype}, {word})",
                dtypes=(dtype,),
            )  # fmt: skip
        if tally["wrong_way_largest"] > 64:
            drops[word].append((dtype, tally["wrong_way_largest"], tally["wrong_way_at"]))
        symmetry = tally.get("symmetry")
        if symmetry and symmetry["broken"]:
            broken[word, symmetry["kind"]].append((dtype, symmetry["broken"]))
    for word, found in drops.items():
        said = [f"{d} by up to {number(ulp)} ulp near {number(at, 4)}" for d, ulp, at in found]
        yield Finding(
            "note", "wrong-way", f"{word} goes the wrong way in {_listed(said)}",
            dtypes=tuple(entry[0] for entry in found),
        )  # fmt: skip
    for (word, kind), pairs in broken.items():
        said = [f"{count} pairs of {dtype}" for dtype, count in pairs]
        yield Finding(
            "note", "asymmetric",
            f"{word} is {kind} by its formula, and not exactly so at {_listed(said)}",
            dtypes=tuple(dtype for dtype, _ in pairs),
        )  # fmt: skip
    for (level, code, word), members in grouped.items():
        words = [f"{dtype} {place(i['low'], i['high'])}" for dtype, i in members]
        worst_of = max(members, key=lambda m: (m[0] == "float32", m[1]["points"]))
        yield Finding(
            level, code, f"{_says(code, word)} in {_listed(words)}",
            _size(worst_of[1], worst_of[0]), tuple(dtype for dtype, _ in members),
        )  # fmt: skip


def _says(code: str, word: str) -> str:
    return (
        f"{word} "
        + {
            "nan": "is NaN where there is one",
            "overflow": "is infinite, and the truth is not,",
            "wrong-sign": "has the wrong sign",
            "vanishes": "is exactly 0, and the truth is a normal number,",
            "flushed": "is flushed to 0, and the truth is subnormal,",
            "inaccurate": "is off by more than 10 ulp",
        }[code.partition("-")[2]]
    )


def _size(interval: Mapping[str, Any], dtype: str) -> str:
    parts = []
    if interval["largest_ulp"] is not None:
        parts.append(f"up to {number(interval['largest_ulp'])} ulp")
    parts.append(f"{number(interval['largest_difference'])} off")
    parts.append(f"truth up to {number(interval['largest_true'])} there")
    return f"{dtype}: {', '.join(parts)}"


def tallies(report: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(dtype, which, tally) of all that was judged; every float32 in place of the sample."""
    exhaustive = report.get("exhaustive") or {}
    for dtype, found in (report.get("accuracy") or {}).items():
        for which, tally in found.items():
            if dtype == "float32" and which in exhaustive:
                tally = exhaustive[which]
            if tally and "failed" not in tally:
                yield dtype, which, tally


def _special(report: Mapping[str, Any]) -> Iterator[Finding]:
    swallowed, limits = [], defaultdict(list)
    for dtype, which, tally in tallies(report):
        if which != "value":
            continue
        got = tally["special"]["got"]
        if not _is_nan(got["nan"]):
            swallowed.append((dtype, got["nan"]))
        for end, sign in (("-inf", "−∞"), ("inf", "∞")):
            limit = float(tally["special"]["limits"][end])
            seen = float(got[end])
            if math.isnan(limit):
                continue
            same = seen == limit or (
                math.isfinite(limit) and abs(seen - limit) <= 4 * EPS[dtype] * abs(limit)
            )
            if not same:
                limits[f"f({sign}) is {number(seen)}, and the limit is {number(limit)}"].append(
                    dtype
                )
    if swallowed:
        names = tuple(dtype for dtype, _ in swallowed)
        yield Finding(
            "warning", "swallows-nan",
            f"f(NaN) is {number(swallowed[0][1])} in {_listed(list(names))}: a broken network "
            "looks healthy", dtypes=names,
        )  # fmt: skip
    for message, dtypes in limits.items():
        yield Finding("note", "limit", f"{message}, in {_listed(dtypes)}", dtypes=tuple(dtypes))


def _is_nan(value: Any) -> bool:
    return math.isnan(float(value))


# --- causes ---------------------------------------------------------------------------------------


def _causes(report: Mapping[str, Any]) -> Iterator[Finding]:
    found = report.get("cancellation") or {}
    for row in found.get("causes", []):
        if not row["helps"] or len(row["names"]) > 1:
            continue
        gains = [
            gain
            for gain in row["gains"]
            if any(gain["before"][key] > gain["after"][key] for key in ("bad", "nan"))
        ]
        best = max(gains, key=_importance)
        serious = any(g["before"]["nan"] > g["after"]["nan"] for g in gains)
        word = _WORD[best["which"]]
        fewer = best["before"]["nan"] > best["after"]["nan"]
        counted, what = ("nan", "NaN or infinite") if fewer else ("bad", "bad")
        yield Finding(
            "warning" if serious else "note", "cancellation",
            f"{row['names'][0]}: {row['why']}; written as {row['instead']}, "
            f"{best['before'][counted]} {what} points of the {word} in {best['dtype']} become "
            f"{best['after'][counted]}",
            f"Found in {found['looked_in']}. {_gain(best)}{_price(row['gains'])}",
            tuple(dict.fromkeys(gain["dtype"] for gain in gains)),
        )  # fmt: skip


def _importance(gain: Mapping[str, Any]) -> tuple[bool, bool, int]:
    before, after = gain["before"], gain["after"]
    return before["nan"] > after["nan"], gain["dtype"] == "float32", before["bad"] - after["bad"]


def _gain(gain: Mapping[str, Any]) -> str:
    before, after = gain["before"], gain["after"]
    return (
        f"Largest error {number(before['largest_ulp'])} ulp before and "
        f"{number(after['largest_ulp'])} after, mean {number(before['mean_ulp'])} and "
        f"{number(after['mean_ulp'])}; NaN or infinite at {before['nan']} points before and "
        f"{after['nan']} after."
    )


def _price(gains: list[dict[str, Any]]) -> str:
    """What gets worse, if anything does."""
    worse = [
        f"{gain['before']['bad']} bad points of the {_WORD[gain['which']]} in {gain['dtype']} "
        f"become {gain['after']['bad']}"
        for gain in gains
        if gain["after"]["bad"] > 1.2 * gain["before"]["bad"] + 4
    ]
    return f" At a price: {_listed(worse)}." if worse else ""


# --- properties -----------------------------------------------------------------------------------


def _shape(report: Mapping[str, Any]) -> Iterator[Finding]:
    reference = report.get("reference") or {}
    nearly = reference.get("nearly")
    if nearly:
        yield Finding(
            "note", "nearly",
            f"it is within {number(nearly['largest_difference'])} of {nearly['name']} on [−8, 8], "
            "and not the same: another constant, or an approximation?",
        )  # fmt: skip
    curve = report.get("curve") or {}
    steepest = curve.get("lipschitz")
    if steepest is not None and math.isinf(float(steepest)):
        yield Finding(
            "note", "unbounded-slope", "the slope grows without bound, and so may signals"
        )
    zeros = ((report.get("regions") or {}).get("float32") or {}).get("slope") or {}
    wide = [r for r in zeros.get("zero", []) if _mass(*r) > 1e-3]
    if wide:
        share = sum(_mass(*run) for run in wide)
        yield Finding(
            "note", "dead-zone",
            f"the float32 gradient is exactly 0 {_listed([place(*r) for r in wide[:3]])}: "
            f"{100 * share:.3g} % of a standard normal input", dtypes=("float32",),
        )  # fmt: skip


def _mass(low: Any, high: Any) -> float:
    low, high = float(low), float(high)
    return 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))


def _signal(report: Mapping[str, Any]) -> Iterator[Finding]:
    layers = (report.get("signal") or {}).get("layers") or {}
    sizes = {name: float(layer["gradient"]) for name, layer in layers.items()}
    if sizes and all(not 1e-3 < size < 1e3 for size in sizes.values()):
        said = _listed([f"{number(size, 2)} ({name})" for name, size in sizes.items()])
        yield Finding(
            "note", "deep-gradients",
            f"through 50 plain layers the gradient becomes {said} times as large: it needs "
            "normalisation or residual connections",
        )  # fmt: skip


def _cost(report: Mapping[str, Any]) -> Iterator[Finding]:
    cost = report.get("cost") or {}
    forward, saved = cost.get("forward_bytes"), cost.get("saved_bytes")
    if forward and forward > 2 * cost["least_forward_bytes"]:
        count = len(cost["operations"])
        yield Finding(
            "note", "traffic",
            f"forward it moves {number(forward, 3)} bytes a float32 in {count} operations; "
            f"{number(cost['least_forward_bytes'])} would do in one",
        )  # fmt: skip
    if saved and saved > 4:
        yield Finding(
            "note", "traffic",
            f"it keeps {number(saved, 3)} bytes a float32 for the backward pass; 4 would do",
        )  # fmt: skip


def _trial(report: Mapping[str, Any]) -> Iterator[Finding]:
    trial = report.get("trial") or {}
    for name, difference in (trial.get("differences") or {}).items():
        if not difference["resolved"]:
            continue
        worse = difference["mean"] < 0
        points = [100 * difference[key] for key in ("mean", "low", "high")]
        yield Finding(
            # Beyond one point with all of its interval: what one small task can be sure of.
            "warning" if points[2] < -1 else "note",
            "trains-worse" if worse else "trains-better",
            f"on MNIST-1D it is {number(points[0], 2)} points from {name} [{number(points[1], 2)}, "
            f"{number(points[2], 2)}], over {trial['seeds']} paired seeds",
        )  # fmt: skip
