"""The decision: does the candidate pass, and if not, which rule stopped it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from actlab.evaluation import metrics
from actlab.evaluation.compare import ALL, Change, Judge, common_rows, compare, silent_losses
from actlab.evaluation.runs import Run, RunError


@dataclass(frozen=True)
class Policy:
    """What a team agrees on before it looks. Shares lie between 0 and 1, points between 0 and 100.

    Attributes:
        k: how many candidates a user sees.
        judge: "recall" at ``k``, or "match" of answer and expected answer.
        level: error rate of all tests together, after Holm.
        drop: blocks if all rows together lose more points than this.
        cohort_drop: blocks if a cohort of at least ``min_rows`` rows loses more than this: the
            floor for losses that a test of so few rows cannot see.
        min_rows: smaller cohorts are tested, but have no such floor.
        floors: lowest score that a cohort may have afterwards, by its name, :data:`ALL` included.
        ties: blocks if the order of ties is worth more points than this.
        latency: blocks if the median latency grows by more than this factor; None does not look.
    """

    k: int = 1
    judge: Judge = "recall"
    level: float = 0.05
    drop: float = 2.0
    cohort_drop: float = 10.0
    min_rows: int = 20
    floors: Mapping[str, float] = field(default_factory=dict)
    ties: float = 1.0
    latency: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: in one sentence.
        """
        if self.k < 1:
            raise ValueError(f"k must be at least 1, not {self.k}")
        if self.judge not in ("recall", "match"):
            raise ValueError(f"a row is judged by 'recall' or 'match', not {self.judge!r}")
        if not 0 < self.level < 1:
            raise ValueError(f"the level must lie between 0 and 1, not {self.level}")
        for name in ("drop", "cohort_drop", "ties"):
            if not 0 <= getattr(self, name) <= 100:
                raise ValueError(f"{name} is a number of points from 0 to 100")
        if self.min_rows < 1:
            raise ValueError(f"min_rows must be at least 1, not {self.min_rows}")
        for cohort, floor in self.floors.items():
            if not 0 <= floor <= 1:
                raise ValueError(f"the floor of {cohort!r} must lie between 0 and 1, not {floor}")
        if self.latency is not None and not 0 < self.latency < float("inf"):
            raise ValueError("the factor of the latency must be a number above 0")


@dataclass(frozen=True)
class Finding:
    """One rule that stopped the candidate, or one thing worth knowing.

    Attributes:
        rule: "test", "drop", "floor", "ties", "latency" or "note".
        cohort: which rows.
        text: a sentence with its numbers.
        blocks: whether it stops the candidate; a note does not.
    """

    rule: str
    cohort: str
    text: str
    blocks: bool = True


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Attributes:
        changes: by cohort, all rows first, see :func:`actlab.evaluation.compare.compare`.
        findings: what blocks, then notes.
        metrics: for "before" and "after" the means over all rows: recall at k with ties at their
            best and worst, MRR, NDCG, and what the runs allow of match, latency_ms (median).
        similarity: mean and smallest cosine of the rows' embeddings, or None.
        policy: by which it was decided.
    """

    changes: Mapping[str, Change]
    findings: tuple[Finding, ...]
    metrics: Mapping[str, Mapping[str, float]]
    similarity: Mapping[str, float] | None
    policy: Policy

    @property
    def passed(self) -> bool:
        """Whether nothing blocks."""
        return not any(finding.blocks for finding in self.findings)


def decide(before: Run, after: Run, policy: Policy | None = None) -> Verdict:
    """Compare two runs and decide.

    Args:
        before: the run of the version in use.
        after: the run of the candidate.
        policy: see there; None takes the usual one.

    Raises:
        RunError: the runs cannot be compared, or the policy asks for what they do not have.
    """
    policy = policy or Policy()
    changes = compare(before, after, policy.k, policy.judge)
    for cohort in policy.floors:
        if cohort not in changes:
            known = ", ".join(changes)
            raise RunError(f"there is no cohort {cohort!r} to hold to a floor; there are: {known}")
    measured = {"before": _means(before, policy), "after": _means(after, policy)}
    blocking = [
        *losses(changes, policy),
        *_ties(measured["after"], policy),
        *_latency(measured, policy),
    ]
    similarity = _similarity(before, after)
    notes = _notes(before, after, changes, policy)
    return Verdict(changes, (*blocking, *notes), measured, similarity, policy)


def losses(changes: Mapping[str, Change], policy: Policy) -> list[Finding]:
    """What blocks for the rows that were broken: tests, limits to drops, and floors."""
    return [*_tests(changes, policy), *_drops(changes, policy), *_floors(changes, policy)]


def _tests(changes: Mapping[str, Change], policy: Policy) -> list[Finding]:
    return [
        Finding(
            "test",
            name,
            f"{len(change.broken)} rows broken and {len(change.fixed)} fixed: no luck "
            f"(exact McNemar test, p = {change.adjusted:.2g} after Holm)",
        )
        for name, change in changes.items()
        if change.adjusted <= policy.level and len(change.broken) > len(change.fixed)
    ]


def _drops(changes: Mapping[str, Change], policy: Policy) -> list[Finding]:
    found = []
    for name, change in changes.items():
        allowed = policy.drop if name == ALL else policy.cohort_drop
        judged = name == ALL or change.rows >= policy.min_rows
        if judged and -change.points > allowed + 1e-9:
            text = f"the score falls by {-change.points:.1f} points; {allowed:g} are allowed"
            found.append(Finding("drop", name, text))
    return found


def _floors(changes: Mapping[str, Change], policy: Policy) -> list[Finding]:
    return [
        Finding("floor", name, f"the score is {changes[name].after:.3f}; the floor is {floor:g}")
        for name, floor in policy.floors.items()
        if changes[name].after < floor - 1e-12
    ]


def _ties(after: Mapping[str, float], policy: Policy) -> list[Finding]:
    low, high = after["recall, ties against"], after["recall, ties for"]
    if 100 * (high - low) <= policy.ties + 1e-9:
        return []
    text = (
        f"recall at {policy.k} is {low:.3f} or {high:.3f}, depending on how ties are sorted; "
        f"{policy.ties:g} points are allowed"
    )
    return [Finding("ties", ALL, text)]


def _latency(measured: Mapping[str, Mapping[str, float]], policy: Policy) -> list[Finding]:
    if policy.latency is None:
        return []
    times = [measured[run].get("latency_ms") for run in ("before", "after")]
    if None in times:
        raise RunError("the latency is to be held, but a run has no latency_ms")
    factor = times[1] / times[0]
    if factor <= policy.latency:
        return []
    text = f"the median latency grows by a factor of {factor:.2f}; {policy.latency:g} is allowed"
    return [Finding("latency", ALL, text)]


def _notes(before: Run, after: Run, changes: Mapping[str, Change], policy: Policy) -> list[Finding]:
    found = []
    if before.version == after.version:
        text = "both runs name the same version: nothing was swapped, or the version is no hash"
        found.append(Finding("note", ALL, text, blocks=False))
    small = [
        name for name, change in changes.items() if name != ALL and change.rows < policy.min_rows
    ]
    blind = silent_losses(len(changes), policy.level)
    if small:
        text = (
            f"{len(small)} of {len(changes) - 1} cohorts have fewer than {policy.min_rows} rows, "
            f"and so no limit to what they may lose: {', '.join(small)}"
        )
        found.append(Finding("note", ALL, text, blocks=False))
    text = f"with {len(changes)} tests, a cohort can lose {blind} rows before a test can see it"
    found.append(Finding("note", ALL, text, blocks=False))
    return found


def _means(run: Run, policy: Policy) -> dict[str, float]:
    ids = list(run.rows)
    scores, gains = run.tables(ids)
    found = {
        "recall, ties against": metrics.recall_at_k(scores, gains, policy.k, "worst").mean(),
        "recall, ties for": metrics.recall_at_k(scores, gains, policy.k, "best").mean(),
        "MRR, ties against": metrics.reciprocal_rank(scores, gains, "worst").mean(),
        "NDCG at 10": metrics.ndcg(scores, gains, 10),
    }
    rows = list(run.rows.values())
    if all(row.answer is not None and row.expected is not None for row in rows):
        found["match"] = metrics.ground_truth_match(
            [row.answer or "" for row in rows], [row.expected or "" for row in rows]
        ).mean()
    if run.latency_ms:
        found["latency_ms"] = np.median(run.latency_ms)
    return {name: float(value) for name, value in found.items()}


def _similarity(before: Run, after: Run) -> dict[str, float] | None:
    ids = common_rows(before, after)
    pairs = [(before.rows[one].embedding, after.rows[one].embedding) for one in ids]
    if any(a is None or b is None for a, b in pairs):
        return None
    if len({len(vector) for pair in pairs for vector in pair if vector is not None}) > 1:
        raise RunError("the embeddings of the rows differ in width")
    cosine = metrics.embedding_similarity(
        np.array([a for a, _ in pairs], float), np.array([b for _, b in pairs], float)
    )
    return {"mean": float(cosine.mean()), "smallest": float(cosine.min())}
