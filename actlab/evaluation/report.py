"""The gate's report: lines for a terminal, JSON for a machine, one HTML page for a person."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import Any

from actlab.evaluation.compare import ALL
from actlab.evaluation.gate import Verdict
from actlab.evaluation.runs import Run

SCHEMA, SCHEMA_VERSION = "actlab-gate", 1

_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_IDS = {"type": "array", "items": _TEXT}
_SYSTEM = {
    "type": "object",
    "required": ["name", "version"],
    "properties": {
        "name": {**_TEXT, "description": "of the system"},
        "version": {**_TEXT, "description": "changes when weights or activation change"},
        "activation": {**_TEXT, "description": "its name"},
    },
}

#: JSON Schema (2020-12) of a run, what the gate reads.
RUN_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A run: what one version of a system answered to a fixed set of rows",
    "type": "object",
    "required": ["schema", "version", "system", "rows"],
    "properties": {
        "schema": {"const": "actlab-run"},
        "version": {"const": 1},
        "system": _SYSTEM,
        "latency_ms": {
            "type": "array",
            "items": {"type": "number", "exclusiveMinimum": 0},
            "description": "one time a request; their median is compared",
        },
        "rows": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id", "cohort", "relevant", "scores"],
                "properties": {
                    "id": {**_TEXT, "description": "the same in both runs, there once"},
                    "cohort": {**_TEXT, "description": "a group with a score of its own"},
                    "relevant": {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
                        "description": "candidate and gain",
                    },
                    "scores": {
                        "type": "object",
                        "additionalProperties": _NUMBER,
                        "description": "candidate and score, higher first; a cut list keeps all "
                        "candidates that are tied with its last one",
                    },
                    "answer": {**_TEXT, "description": "what the system said"},
                    "expected": {**_TEXT, "description": "what it should have said"},
                    "embedding": {"type": "array", "items": _NUMBER, "minItems": 1},
                },
            },
        },
    },
}

#: JSON Schema (2020-12) of the report that ``--json`` writes.
REPORT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "What the gate found",
    "type": "object",
    "required": [
        "schema", "version", "passed", "before", "after", "policy", "findings", "cohorts",
        "metrics", "similarity",
    ],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": SCHEMA},
        "version": {"const": SCHEMA_VERSION},
        "passed": {"type": "boolean", "description": "true: exit code 0, false: exit code 1"},
        "before": _SYSTEM,
        "after": _SYSTEM,
        "policy": {"type": "object", "description": "the options, as they were in force"},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["rule", "cohort", "text", "blocks"],
                "properties": {
                    "rule": {"enum": ["test", "drop", "floor", "ties", "latency", "note"]},
                    "cohort": _TEXT,
                    "text": _TEXT,
                    "blocks": {"type": "boolean"},
                },
            },
        },
        "cohorts": {
            "type": "array",
            "description": f"“{ALL}” first",
            "items": {
                "type": "object",
                "required": [
                    "cohort", "rows", "before", "after", "fixed", "broken", "p", "adjusted",
                ],
                "properties": {
                    "cohort": _TEXT,
                    "rows": {"type": "integer", "minimum": 1},
                    "before": {**_SHARE, "description": "mean score, ties against the system"},
                    "after": _SHARE,
                    "fixed": {**_IDS, "description": "ids of rows whose score rose"},
                    "broken": {**_IDS, "description": "ids of rows whose score fell"},
                    "p": {**_SHARE, "description": "exact McNemar test, two-sided"},
                    "adjusted": {**_SHARE, "description": "after Holm over all entries"},
                },
            },
        },
        "metrics": {
            "type": "object",
            "description": "means over all rows",
            "required": ["before", "after"],
            "additionalProperties": {"type": "object", "additionalProperties": _NUMBER},
        },
        "similarity": {
            "type": ["object", "null"],
            "description": "cosine between the rows' embeddings in the two runs",
            "properties": {"mean": _NUMBER, "smallest": _NUMBER},
        },
    },
}  # fmt: skip


def content(before: Run, after: Run, verdict: Verdict) -> dict[str, Any]:
    """The report as plain data, which :data:`REPORT_SCHEMA` describes."""
    return {
        "schema": SCHEMA,
        "version": SCHEMA_VERSION,
        "passed": verdict.passed,
        "before": _system(before),
        "after": _system(after),
        "policy": {**asdict(verdict.policy), "floors": dict(verdict.policy.floors)},
        "findings": [asdict(finding) for finding in verdict.findings],
        "cohorts": [
            {**asdict(change), "fixed": list(change.fixed), "broken": list(change.broken)}
            for change in verdict.changes.values()
        ],
        "metrics": {run: dict(means) for run, means in verdict.metrics.items()},
        "similarity": None if verdict.similarity is None else dict(verdict.similarity),
    }


def _system(run: Run) -> dict[str, str]:
    return {"name": run.name, "version": run.version, "activation": run.activation}


def _short(version: str) -> str:
    kind, _, digits = version.partition(":")
    return f"{kind}:{digits[:8]}" if digits and len(digits) > 8 else version


def lines(before: Run, after: Run, verdict: Verdict) -> list[str]:
    """What the terminal shows."""
    found = [
        f"before  {before.name} {before.activation} {_short(before.version)}",
        f"after   {after.name} {after.activation} {_short(after.version)}",
        "",
    ]
    width = max(len(name) for name in verdict.changes)
    found.append(f"{'':{width}}   rows  before   after   fixed  broken       p    Holm")
    for change in verdict.changes.values():
        found.append(
            f"{change.cohort:{width}}  {change.rows:5}   {change.before:.3f}   {change.after:.3f}"
            f"   {len(change.fixed):5}  {len(change.broken):6}"
            f"  {change.p:6.2g}  {change.adjusted:6.2g}"
        )
    found.append("")
    first, second = verdict.metrics["before"], verdict.metrics["after"]
    for name in first:
        if name in second:
            found.append(f"{name:22} {first[name]:.4g} -> {second[name]:.4g}")
    if verdict.similarity:
        mean, smallest = verdict.similarity["mean"], verdict.similarity["smallest"]
        found.append(f"{'embeddings, cosine':22} mean {mean:.4f}, smallest {smallest:.4f}")
    found.append("")
    for finding in verdict.findings:
        mark = "BLOCKS" if finding.blocks else "note"
        found.append(f"{mark:6}  {finding.cohort}: {finding.text}")
    found += ["", "PASSED" if verdict.passed else "BLOCKED"]
    return [line.rstrip() for line in found]


_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --line: #d6d6d6; --soft: #5f5f5f;
  --good: #00664f; --bad: #a63d00; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #121212; --line: #444;
  --soft: #ababab; --good: #4fd1ab; --bad: #ff9a5c; } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.passed { color: var(--good); } .blocked { color: var(--bad); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; min-width: 100%; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  overflow-wrap: normal; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
td { font-variant-numeric: tabular-nums; } li { margin: .3rem 0; } small { color: var(--soft); }
svg { vertical-align: middle; } .fix { fill: var(--good); } .brk { fill: var(--bad); }
summary { cursor: pointer; }
"""


def html(before: Run, after: Run, verdict: Verdict) -> str:
    """One page without scripts and without anything from elsewhere."""
    word, kind = ("passed", "passed") if verdict.passed else ("blocked", "blocked")
    most = max((max(len(c.fixed), len(c.broken)) for c in verdict.changes.values()), default=0)
    rows = "".join(
        f"<tr><td>{escape(c.cohort)}</td><td>{c.rows}</td><td>{c.before:.3f}</td>"
        f"<td>{c.after:.3f}</td><td>{_signed(c.points)}</td><td>{len(c.fixed)}</td>"
        f"<td>{_bars(len(c.fixed), len(c.broken), most)}</td><td>{len(c.broken)}</td>"
        f"<td>{c.p:.2g}</td><td>{c.adjusted:.2g}</td></tr>"
        for c in verdict.changes.values()
    )
    blocking = [f for f in verdict.findings if f.blocks]
    notes = [f for f in verdict.findings if not f.blocks]
    first, second = verdict.metrics["before"], verdict.metrics["after"]
    means = "".join(
        f"<tr><td>{escape(name)}</td><td>{first[name]:.4g}</td><td>{second[name]:.4g}</td></tr>"
        for name in first
        if name in second
    )
    everything = verdict.changes[ALL]
    similarity = ""
    if verdict.similarity:
        similarity = (
            f"<p>Cosine between the rows' embeddings: {verdict.similarity['mean']:.4f} on average, "
            f"{verdict.similarity['smallest']:.4f} at the smallest.</p>"
        )
    score = f"recall at {verdict.policy.k}" if verdict.policy.judge == "recall" else "match"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gate: {word}</title><style>{_STYLE}</style></head><body>
<h1>The gate says <span class="{kind}">{word}</span></h1>
<p>{_named(before)}<br>→ {_named(after)}</p>
{_list("What blocks", blocking)}
<h2>Rows, by cohort</h2>
<p><small>Score of a row: {score}, ties broken against the system. p: exact McNemar test; Holm: the
same after Holm's correction over all lines of the table.</small></p>
<div class="scroll"><table><thead><tr><th>cohort</th><th>rows</th><th>before</th><th>after</th>
<th>points</th><th>fixed</th><th></th><th>broken</th><th>p</th><th>Holm</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<h2>Metrics over all rows</h2>
<div class="scroll"><table><thead><tr><th></th><th>before</th><th>after</th></tr></thead>
<tbody>{means}</tbody></table></div>{similarity}
{_list("Notes", notes)}
<h2>The rows that changed</h2>
{_ids("Fixed", everything.fixed)}{_ids("Broken", everything.broken)}
</body></html>
"""


def _named(run: Run) -> str:
    words = escape(" ".join(part for part in (run.name, run.activation) if part))
    return f"<b>{words}</b> <small>{escape(run.version)}</small>"


def _list(title: str, findings: list[Any]) -> str:
    if not findings:
        return ""
    items = "".join(f"<li><b>{escape(f.cohort)}</b>: {escape(f.text)}.</li>" for f in findings)
    return f"<h2>{title}</h2><ul>{items}</ul>"


def _ids(title: str, ids: tuple[str, ...]) -> str:
    names = ", ".join(map(escape, ids)) or "none"
    return f"<details open><summary>{title}: {len(ids)}</summary><p>{names}</p></details>"


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−")


def _bars(fixed: int, broken: int, most: int) -> str:
    """Fixed to the left and broken to the right of a middle line."""
    left, right = (round(50 * n / max(most, 1), 1) for n in (fixed, broken))
    return (
        f'<svg width="102" height="12" role="img" aria-label="{fixed} fixed, {broken} broken">'
        f'<rect class="fix" x="{50 - left}" y="1" width="{left}" height="10"/>'
        f'<rect class="brk" x="52" y="1" width="{right}" height="10"/></svg>'
    )
