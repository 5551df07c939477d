"""Two runs, row by row: which rows were fixed, which were broken, and whether it may be luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from actlab.evaluation import metrics
from actlab.evaluation.runs import Run, RunError

ALL = "all rows"
Judge = Literal["recall", "match"]


@dataclass(frozen=True)
class Change:
    """What a swap did to one cohort, or to all rows.

    Attributes:
        cohort: its name; :data:`ALL` for all rows.
        rows: how many.
        before: mean score of the rows before, ties broken against the system.
        after: after.
        fixed: ids of the rows whose score rose.
        broken: ids of those whose score fell.
        p: exact McNemar test of fixed against broken, two-sided.
        adjusted: the same after Holm's correction over all cohorts and all rows together.
    """

    cohort: str
    rows: int
    before: float
    after: float
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    p: float
    adjusted: float

    @property
    def points(self) -> float:
        """After minus before, in percentage points."""
        return 100 * (self.after - self.before)


@lru_cache(4096)  # many comparisons have the same few counts
def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p-value that a row is as likely to be fixed as broken (McNemar 1947).

    Only rows that changed count. With no such row it is 1.

    Args:
        fixed: how many rows rose, at least 0.
        broken: how many fell, at least 0.

    Raises:
        ValueError: a negative number.
    """
    if min(fixed, broken) < 0:
        raise ValueError(f"numbers of rows cannot be negative: {fixed}, {broken}")
    if fixed + broken == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(fixed, fixed + broken).pvalue)


def silent_losses(tests: int, level: float = 0.05) -> int:
    """How many rows a cohort can lose, with none fixed, before a family of ``tests`` sees it.

    The smallest p-value of m tests has to be at most level / m; b rows broken and none fixed have
    2 · 0.5ᵇ. The answer is the largest b that is still too few.
    """
    broken = 0
    while mcnemar(0, broken + 1) > level / tests:
        broken += 1
    return broken


def common_rows(before: Run, after: Run) -> list[str]:
    """Ids of the rows, in the order of ``before``.

    Raises:
        RunError: the runs do not have the same rows, or disagree on a row's cohort or what is
            relevant: they then answered different questions.
    """
    for here, there, where in ((before, after, "after"), (after, before, "before")):
        missing = [row for row in here.rows if row not in there.rows]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise RunError(f"the run {where} lacks the row {missing[0]!r}{more}")
    if ALL in before.cohorts:
        raise RunError(f"a cohort is called {ALL!r}, which is the name of all rows together")
    for row, first in before.rows.items():
        second = after.rows[row]
        for what in ("cohort", "relevant", "expected"):
            if getattr(first, what) != getattr(second, what):
                raise RunError(f"the runs disagree on what is {what} in the row {row!r}")
    return list(before.rows)


def row_scores(run: Run, ids: Sequence[str], k: int, judge: Judge = "recall") -> np.ndarray:
    """The score by which a row is judged, float64 (rows,).

    Args:
        run: has all the rows.
        ids: which rows.
        k: for recall.
        judge: "recall" at ``k`` with ties broken against the system, or "match" of answer and
            expected answer.

    Raises:
        RunError: answers are to be matched, and a row has none.
    """
    if judge == "recall":
        return metrics.recall_at_k(*run.tables(ids), k, "worst")
    rows = [run.rows[one] for one in ids]
    for row in rows:
        if row.answer is None or row.expected is None:
            raise RunError(f"the row {row.id!r} has no answer or no expected answer to match")
    return metrics.ground_truth_match(
        [row.answer or "" for row in rows], [row.expected or "" for row in rows]
    )


def compare(before: Run, after: Run, k: int = 1, judge: Judge = "recall") -> dict[str, Change]:
    """Fixed and broken rows of all rows and of each cohort, with exact tests.

    Args:
        before: the run of the version in use.
        after: the run of the candidate.
        k: how many candidates a user sees.
        judge: see :func:`row_scores`.

    Returns:
        By name of the cohort; :data:`ALL` comes first.

    Raises:
        RunError: the runs cannot be compared; ValueError for a ``k`` below 1.
    """
    ids = common_rows(before, after)
    cohorts = [before.rows[one].cohort for one in ids]
    return changes(
        ids, cohorts, row_scores(before, ids, k, judge), row_scores(after, ids, k, judge)
    )


def changes(
    ids: Sequence[str], cohorts: Sequence[str], before: np.ndarray, after: np.ndarray
) -> dict[str, Change]:
    """As :func:`compare`, from the scores of the rows.

    Args:
        ids: of the rows.
        cohorts: of the rows.
        before: (rows,), a score for each.
        after: the same.
    """
    from actlab.comparison import holm

    cohort, names = np.array(cohorts), np.array(ids, object)
    parts = {ALL: np.ones(len(ids), bool)}
    parts |= {name: cohort == name for name in sorted(set(cohorts))}
    fixed = {part: tuple(names[rows & (after > before)]) for part, rows in parts.items()}
    broken = {part: tuple(names[rows & (after < before)]) for part, rows in parts.items()}
    p = {part: mcnemar(len(fixed[part]), len(broken[part])) for part in parts}
    family = holm(p)
    return {
        part: Change(
            part,
            int(rows.sum()),
            float(before[rows].mean()),
            float(after[rows].mean()),
            fixed[part],
            broken[part],
            p[part],
            family[part][0],
        )
        for part, rows in parts.items()
    }
