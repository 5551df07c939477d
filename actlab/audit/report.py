"""A report as one self-contained page, in the look of the function cards, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from actlab.audit import drawing
from actlab.audit.findings import CODES, number, place, revived, tallies
from actlab.functions import get
from actlab.palette import PALETTE, PAPER, identity

STYLES = Path(__file__).with_name("report.css")
_LEVEL_HUES = {"error": "crimson", "warning": "orange", "note": "blue"}
_KINDS = {
    "is_nan": ("NaN", "crimson"),
    "overflow": ("infinite", "purple"),
    "not_overflowed": ("not infinite", "slate"),
    "wrong_sign": ("wrong sign", "orange"),
    "vanished": ("0, truth normal", "indigo"),
    "flushed": ("0, truth subnormal", "cyan"),
    "inaccurate": ("more than 10 ulp off", "brown"),
}
_INITIALISATIONS = {
    "pytorch": "PyTorch's default",
    "lecun": "LeCun",
    "he": "He",
    "fitted": "fitted to it",
}


def page(report: Mapping[str, Any]) -> str:
    """The whole page."""
    report = revived(report)
    title = _title(report)
    sections = (
        _findings, _curve, _accuracy, _special, _regions, _contract, _signal, _causes, _cost,
        _trial, _how,
    )  # fmt: skip
    body = "".join(section(report) for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Audit of {escape(title)}</title><style>{_style(report)}</style></head>\n"
        f"<body><main>{_head(report, title)}{body}</main></body></html>\n"
    )


# --- look -----------------------------------------------------------------------------------------


def _colour(report: Mapping[str, Any]) -> tuple[str, str]:
    target = report["target"]
    name = (
        target["name"]
        if target["kind"] == "catalogue"
        else (report.get("reference") or {}).get("name")
    )
    try:
        return PALETTE[identity(name).hue]
    except (ValueError, KeyError, AttributeError, TypeError):
        return PALETTE["blue"]


def _style(report: Mapping[str, Any]) -> str:
    def both(pair: tuple[str, str]) -> str:
        return f"light-dark({pair[0]}, {pair[1]})"

    names = {name: both(pair) for name, pair in PALETTE.items()}
    variables = {"paper": both(PAPER), "own": both(_colour(report)), **names}
    lines = [f"--{name}: {value};" for name, value in variables.items()]
    kinds = [f".k-{kind}{{fill:var(--{hue})}}" for kind, (_, hue) in _KINDS.items()]
    levels = [f".{level}{{--level:var(--{hue})}}" for level, hue in _LEVEL_HUES.items()]
    ulps = [
        f".u{i}{{fill:var(--{hue})}}"
        for i, hue in enumerate(("green", "cyan", "blue", "brown", "orange", "crimson"))
    ]
    dashes = ("none", "7 3", "2 2", "9 2 2 2")
    hues = ("blue", "orange", "green", "purple")
    curves = [
        f".l{i}{{fill:none;stroke:var(--{hue});stroke-width:2;stroke-dasharray:{dash}}}"
        for i, (hue, dash) in enumerate(zip(hues, dashes, strict=True))
    ]
    root = f":root{{color-scheme:light dark;{''.join(lines)}}}"
    return "\n".join((root, STYLES.read_text(encoding="utf-8"), *kinds, *levels, *ulps, *curves))


# --- parts ----------------------------------------------------------------------------------------


def _title(report: Mapping[str, Any]) -> str:
    target = report["target"]
    return get(target["name"]).title if target["kind"] == "catalogue" else str(target["name"])


def _head(report: Mapping[str, Any], title: str) -> str:
    probe, reference = report.get("probe") or {}, report.get("reference") or {}
    said = [escape(text) for text in (probe.get("what"), reference.get("what")) if text]
    quick = (
        " A quick audit: smaller samples, and nothing trained."
        if report["settings"]["quick"]
        else ""
    )
    return (
        f"<p class=quiet>actlab audit</p><h1>{escape(title)}</h1><p>{' '.join(said)}{quick}</p>"
        f"<p><strong>{escape(summary(report))}</strong></p>"
    )


def summary(report: Mapping[str, Any]) -> str:
    """How many findings of each level, in words."""
    counts = dict.fromkeys(("error", "warning", "note"), 0)
    for finding in report["findings"]:
        counts[finding["level"]] += 1
    words = [f"{n} {level}{'' if n == 1 else 's'}" for level, n in counts.items() if n]
    return ", ".join(words) or "no findings"


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    top = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<div class=wide><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _wide(picture: str) -> str:
    """A picture that scrolls where a phone would make its words too small."""
    return f"<div class=wide>{picture}</div>"


class _Raw(str):
    """HTML that is ready."""


def _cell(cell: Any) -> str:
    if isinstance(cell, _Raw):
        return cell
    return escape(cell) if isinstance(cell, str) else escape(number(cell))


def _findings(report: Mapping[str, Any]) -> str:
    items = []
    for finding in report["findings"]:
        detail = f"<br><small>{escape(finding['detail'])}</small>" if finding["detail"] else ""
        code = escape(finding["code"])
        items.append(
            f'<li class="{finding["level"]}"><span class=level>{finding["level"]}</span>'
            f'{escape(finding["message"])} <small><code title="{escape(CODES[finding["code"]])}">'
            f"{code}</code></small>{detail}</li>"
        )
    return _section(
        "Findings", f"<ul class=findings>{''.join(items)}</ul>" if items else "<p>None.</p>"
    )


def _curve(report: Mapping[str, Any]) -> str:
    curve = report.get("curve")
    if not curve:
        return ""

    def point(key: str) -> str:
        found = curve[key]
        if not found:
            return "?"
        return f"{number(found['value'], 6)} at {number(found['at'], 4)}"

    rows = [
        ("lowest value", point("lowest")),
        ("highest value", point("highest")),
        ("least and largest slope", f"{point('fall')}; {point('rise')}"),
        ("Lipschitz constant", number(curve["lipschitz"], 5)),
        ("monotone", curve["monotone"]),
        ("kinks", ", ".join(number(k) for k in curve["kinks"]) or "none on [−12, 12]"),
        ("second derivative jumps", ", ".join(number(k) for k in curve["bends"]) or "nowhere"),
        (
            "limits at −∞ and ∞",
            f"{number(curve['limits']['-inf'])} and {number(curve['limits']['inf'])}",
        ),
        ("f(0) = 0", "yes" if curve["zero_centred"] else "no"),
    ]
    return _section(
        "Curve and derivative", _wide(drawing.curve(curve["drawn"], curve)), _table((), rows)
    )


def _accuracy(report: Mapping[str, Any]) -> str:
    rows, lines = [], []
    for dtype, which, tally in tallies(report):
        bad = {_KINDS[k][0]: n for k, n in tally["classes"].items() if n}
        rows.append((
            f"{dtype} {which}", f"{tally['tried'] + tally['searched']:,}".replace(",", "\u202f"),
            f"{number(tally['largest_ulp'])} at {number(tally['largest_at'], 5)}",
            tally["largest_ulp_real"], tally["mean_ulp"],
            f"{100 * (tally['share_exact'] or 0):.2f} %", _Raw(drawing.bins(tally["bins"])),
            ", ".join(f"{name}: {n}" for name, n in bad.items()) or "nothing",
        ))  # fmt: skip
        intervals = [(i["low"], i["high"], i["kind"]) for i in tally["intervals"]]
        lines.append((f"{dtype} {'f' if which == 'value' else 'f′'}", intervals))
    if not rows:
        return ""
    key = "".join(
        f'<span><svg viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="k-{kind}" width="10" height="10"/></svg> {escape(word)}</span>'
        for kind, (word, _) in _KINDS.items()
    )
    head = (
        "format", "tried", "largest error, ulp", "on the real line", "mean", "exact",
        "0 · 1 · 2 · 3–10 · 11–100 · >100 ulp", "not counted in ulp, or beyond 10",
    )  # fmt: skip
    how = (
        "<p class=quiet>16-bit formats: every number. float32 and float64: a sample, and a search "
        "from its worst points, so the largest error is a lower bound. Ulp are counted twice, on "
        "the lattice of the format and on the real line.</p>"
    )
    return _section(
        "Accuracy", _table(head, rows), how, "<p>Where it goes wrong:</p>",
        _wide(drawing.strips(lines)), f"<p class=key>{key}</p>",
    )  # fmt: skip


def _special(report: Mapping[str, Any]) -> str:
    rows = []
    for dtype, which, tally in tallies(report):
        got = tally["special"]["got"]
        rows.append(
            (f"{dtype} {which}", *(_signed(got[k]) for k in ("nan", "-inf", "inf", "-0", "0")))
        )
    if not rows:
        return ""
    return _section("Special values", _table(("format", "NaN", "−∞", "∞", "−0", "0"), rows))


def _signed(value: Any) -> str:
    return "−0" if value == "-0" else number(value)


def _regions(report: Mapping[str, Any]) -> str:
    rows = []
    for dtype, found in (report.get("regions") or {}).items():
        for which, kinds in found.items():
            cells = []
            for kind in ("zero", "nan", "infinite"):
                runs = kinds[kind]
                more = f", and {len(runs) - 3} more" if len(runs) > 3 else ""
                cells.append(", ".join(place(*run) for run in runs[:3]) + more or "nowhere")
            rows.append((f"{dtype} {'f' if which == 'value' else 'f′'}", *cells))
    if not rows:
        return ""
    head = ("format", "exactly 0", "NaN", "infinite")
    return _section("Dead zones, NaN and overflow", _table(head, rows))


def _contract(report: Mapping[str, Any]) -> str:
    contract = report.get("contract")
    if not contract:
        return ""
    marks = {True: "✓", False: "✗", None: "–"}
    rows = [(marks[c["passed"]], c["name"], c["detail"]) for c in contract["checks"]]
    said = (
        [f"<p>Warnings: {escape('; '.join(contract['warnings']))}</p>"]
        if contract["warnings"]
        else []
    )
    return _section("Contract", _table(("", "it", "seen"), rows), *said)


def _signal(report: Mapping[str, Any]) -> str:
    signal = report.get("signal")
    if not signal:
        return ""
    facts = [
        ("E f", number(signal["mean"], 5)),
        ("E f²", number(signal["second_moment"], 5)),
        ("E f′²", number(signal["slope_second_moment"], 5)),
        ("gain 1/√E f²", number(signal["gain"], 5)),
        ("gradient growth E f′²/E f²", number(signal["gradient_growth"], 5)),
        ("weight at which χ = 1", number(signal["critical_weight"], 5)),
    ]
    for name, found in signal["int8"].items():
        facts.append(
            (f"int8, {name}", f"{number(found['decibels'], 3)} dB, {found['levels']} levels")
        )
    rows = []
    for name, layer in signal["layers"].items():
        fixed = signal["length_map"].get(name) or {}
        rows.append((
            _INITIALISATIONS[name], f"{number(layer['weight'], 4)}/√n", fixed.get("length"),
            fixed.get("chi"), layer["gradient"], f"{100 * layer['silent_last']:.3g} %",
        ))  # fmt: skip
    head = ("weights", "deviation", "length q*", "χ", "gradient at layer 1 of 50", "silent units")
    return _section(
        "A normal signal, and 50 layers", _table((), facts), _table(head, rows),
        _wide(drawing.layers(signal["layers"])),
        "<p class=quiet>One plain network of 50 layers and width 200, without normalisation; the "
        "gradient at a layer over that at the last.</p>",
    )  # fmt: skip


def _causes(report: Mapping[str, Any]) -> str:
    found = report.get("cancellation") or {}
    parts = []
    for row in found.get("causes", []):
        word = (
            "Written soundly, it is better" if row["helps"] else "Written soundly, it is no better"
        )
        names = escape(" and ".join(row["names"]))
        why = f"<strong>{names}</strong>: {escape(row['why'])}."
        parts.append(f"<p>{why} {word}.</p>")
        if row["rewritten"]:
            parts.append(f"<pre>{escape(row['rewritten'])}</pre>")
        rows = [
            (f"{g['dtype']} {'f' if g['which'] == 'value' else 'f′'}",
             f"{g['before']['bad']} → {g['after']['bad']}",
             f"{g['before']['nan']} → {g['after']['nan']}",
             f"{number(g['before']['largest_ulp'])} → {number(g['after']['largest_ulp'])}",
             f"{number(g['before']['mean_ulp'])} → {number(g['after']['mean_ulp'])}")
            for g in row["gains"]
        ]  # fmt: skip
        if rows:
            parts.append(
                _table(("format", "bad points", "NaN or ∞", "largest ulp", "mean ulp"), rows)
            )
    if not parts:
        return ""
    return _section("Known causes, and the sound form tried", *parts)


def _cost(report: Mapping[str, Any]) -> str:
    cost, clock = report.get("cost") or {}, report["timings"].get("clock") or {}
    facts = []
    if cost:
        facts = [
            ("forward", f"{number(cost['forward_bytes'])} bytes a float32, in "
             f"{len(cost['operations'])} operation(s): {', '.join(cost['operations'])}"),
            ("backward", f"{number(cost['backward_bytes'])} bytes a float32"),
            ("kept between", f"{number(cost['saved_bytes'])} bytes a float32 "
             f"({', '.join(cost['saved']) or 'nothing'})"),
        ]  # fmt: skip
    parts = [_table((), facts)] if facts else []
    for device, found in clock.items():
        rows = [
            (name, f"{number(ratio)}×", f"±{100 * found['spread'][name]:.2g} %")
            for name, ratio in found["times_copy"].items()
        ]
        label = found.get("device", "CPU, one thread")
        parts.append(
            f"<p>Time against a copy of {found['elements']:,} float32 ({escape(label)}):</p>"
        )
        parts.append(_table((device, "copies", "spread"), rows))
    return _section("Cost", *parts) if parts else ""


def _trial(report: Mapping[str, Any]) -> str:
    trial = report.get("trial")
    if not trial:
        return ""
    arms = {"this function": trial["own"], **trial["rivals"]}
    rows = [
        (
            name,
            f"{100 * arm['mean']:.2f} %",
            f"{arm['rate']:g}" + (" (edge)" if arm["rate_at_edge"] else ""),
        )
        for name, arm in arms.items()
    ]
    tests = [
        (f"minus {name}", f"{100 * d['mean']:+.2f} [{100 * d['low']:+.2f}, {100 * d['high']:+.2f}]",
         "yes" if d["resolved"] else "no", f"{100 * (d['power_one_point'] or 0):.0f} %",
         d["seeds_for_one_point"])
        for name, d in trial["differences"].items()
    ]  # fmt: skip
    head = ("", "points, interval", "beyond chance", "power for 1 point", "seeds for 1 point")
    return _section(
        "Trained on MNIST-1D", _table(("", "accuracy", "rate"), rows), _table(head, tests),
        f"<p class=quiet>{trial['seeds']} paired seeds with fresh data, {trial['steps']} steps, "
        f"the best of {len(trial['rates'])} rates for each on other seeds; intervals hold together "
        "with 95 %, decisions after Holm. One small task: it says which functions break, not "
        "which are best.</p>",
    )  # fmt: skip


def _how(report: Mapping[str, Any]) -> str:
    made = report["timings"]["made_with"]
    words = ", ".join(f"{name} {value}" for name, value in made.items())
    seconds = sum(report["timings"]["seconds"].values())
    return _section(
        "How it was made",
        f"<p class=quiet>{escape(words)}; {seconds:.0f} s. Errors are broken promises, or numbers "
        "that are wrong where networks live; warnings are losses that a network can meet; notes "
        "are too small to matter, or good to know.</p>",
    )
