"""Metrics of a ranking, row by row, with ties broken for and against the system.

All take ``scores`` (rows, candidates), where a higher one ranks first and −inf means "not
retrieved", and ``gains`` of the same shape, where 0 is irrelevant. A system that gives two
candidates the same score has not ordered them: ``ties="best"`` puts the relevant one first,
``"worst"`` last, and the truth about the system is the interval between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Ties = Literal["best", "worst"]


def _arrays(scores: np.ndarray, gains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, gains = np.atleast_2d(np.asarray(scores, float)), np.atleast_2d(np.asarray(gains))
    gains = gains.astype(float)
    if scores.shape != gains.shape or scores.ndim != 2:
        raise ValueError(f"scores and gains differ in shape: {scores.shape} and {gains.shape}")
    if np.isnan(scores).any():
        raise ValueError("a score is NaN: it has no place in a ranking")
    if not (np.isfinite(gains).all() and (gains >= 0).all()):
        raise ValueError("a gain is negative or not finite")
    if not (gains > 0).any(1).all():
        row = int(np.flatnonzero(~(gains > 0).any(1))[0])
        raise ValueError(f"row {row} has no relevant candidate: no system can answer it")
    return scores, gains


def _ordered(scores: np.ndarray, gains: np.ndarray, ties: str) -> np.ndarray:
    """Gains in the order of the ranking, 0 for what was not retrieved."""
    if ties not in ("best", "worst"):
        raise ValueError(f"ties must be 'best' or 'worst', not {ties!r}")
    scores, gains = _arrays(scores, gains)
    second = -gains if ties == "best" else gains
    order = np.lexsort((second, -scores), axis=-1)
    found = np.where(np.isneginf(scores), 0.0, gains)
    return np.take_along_axis(found, order, -1)


def recall_at_k(scores: np.ndarray, gains: np.ndarray, k: int, ties: Ties = "worst") -> np.ndarray:
    """Share of the relevant candidates among the first ``k``, float64 (rows,).

    With one relevant candidate in a row it is 1 or 0: found or not.

    Raises:
        ValueError: ``k`` below 1, a row without a relevant candidate, a NaN, unequal shapes.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    hits = (_ordered(scores, gains, ties)[:, :k] > 0).sum(1)
    return hits / (np.atleast_2d(np.asarray(gains)) > 0).sum(1)


def reciprocal_rank(scores: np.ndarray, gains: np.ndarray, ties: Ties = "worst") -> np.ndarray:
    """One over the place of the first relevant candidate, 0 if none was retrieved, (rows,).

    Its mean is the MRR (Voorhees 1999).
    """
    relevant = _ordered(scores, gains, ties) > 0
    return np.where(relevant.any(1), 1 / (relevant.argmax(1) + 1), 0.0)


def ndcg(
    scores: np.ndarray,
    gains: np.ndarray,
    k: int,
    ties: Literal["best", "worst", "average"] = "average",
) -> float:
    """Mean normalised discounted cumulative gain at ``k`` (Järvelin & Kekäläinen 2002).

    scikit-learn's :func:`sklearn.metrics.ndcg_score`, whose default takes the mean over all orders
    of tied candidates (McSherry & Najork 2008); gains count linearly.
    """
    from sklearn.metrics import ndcg_score

    scores, gains = _arrays(scores, gains)
    filler = np.zeros((len(scores), k))  # a short list has no place k; nothing unretrieved fills it
    gains = np.hstack([gains, filler])
    scores = np.hstack([scores, filler - np.inf])
    missing = np.isneginf(scores)
    lowest = np.where(missing, np.inf, scores).min(1, initial=0.0)[:, None]
    finite = np.where(missing, lowest - 1 - (gains > 0), scores)
    if ties == "average":
        return float(ndcg_score(gains, finite, k=k))
    order = np.lexsort((-gains if ties == "best" else gains, -finite), axis=-1)
    places = np.empty(order.shape)
    np.put_along_axis(places, order, np.arange(order.shape[1], dtype=float)[None], -1)
    return float(ndcg_score(gains, -places, k=k, ignore_ties=True))


def ground_truth_match(answers: Sequence[str], expected: Sequence[str]) -> np.ndarray:
    """1.0 where an answer is the expected one but for space around it, else 0.0, (rows,)."""
    pairs = zip(answers, expected, strict=True)
    return np.array([float(answer.strip() == right.strip()) for answer, right in pairs])


def embedding_similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine between the embeddings of the same row in two versions, (rows,); 0 for a zero vector.

    Args:
        a: (rows, width), any float type; computed in float64.
        b: the same shape.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"embeddings differ in shape: {a.shape} and {b.shape}")
    size = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.divide((a * b).sum(1), size, out=np.zeros(len(a)), where=size > 0)
