"""Small systems for the tests: scores of a few hundred rows in four cohorts."""

from __future__ import annotations

import numpy as np

from actlab.evaluation import Run, version

COHORTS = ("alpha", "beta", "gamma", "delta")
CANDIDATES = tuple(f"doc{i}" for i in range(30))


def system(seed: int, noise: float = 0.35) -> np.ndarray:
    """Scores (400, 30) of a retriever with a luck of its own; the row's answer is column row % 30.

    What is hard is the same for all seeds, as it is for two trainings on the same data.
    """
    hard = np.random.default_rng(7)
    scores = hard.normal(0, 1, (400, 30))
    scores[np.arange(400), np.arange(400) % 30] += hard.normal(2.2, 1.2, 400)
    return scores + noise * np.random.default_rng(1000 + seed).normal(0, 1, scores.shape) * 0.3


def run_of(scores: np.ndarray, name: str = "system", top: int = 20, **more) -> Run:
    """A run of these scores, rows in four cohorts of 100."""
    rows = len(scores)
    return Run.of(
        name,
        version({"scores": scores}, "relu"),
        [f"row{i}" for i in range(rows)],
        [COHORTS[i // 100] for i in range(rows)],
        CANDIDATES,
        scores,
        [CANDIDATES[i % 30] for i in range(rows)],
        top=top,
        **more,
    )


def planted(scores: np.ndarray, cohort: str, lose: int, win: int) -> np.ndarray:
    """Break ``lose`` right rows of a cohort and mend ``win`` wrong rows of the others."""
    scores = scores.copy()
    place = np.arange(400)
    answers = place % 30
    right = scores.argmax(1) == answers
    inside = place // 100 == COHORTS.index(cohort)
    for row in np.flatnonzero(inside & right)[:lose]:
        scores[row, answers[row]] = scores[row].min() - 1
    for row in np.flatnonzero(~inside & ~right)[:win]:
        scores[row, answers[row]] = scores[row].max() + 1
    return scores
