"""Are a classifier's shares probabilities? A mixture whose truth is known, and temperature scaling.

All functions take logits (seeds, n, classes), or (n, classes) for a single model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actlab import functions

Array = NDArray[np.float64]

MEANS = np.array([[0.0, 1.0], [-0.9, -0.5], [0.9, -0.5]])
# Square roots of the covariances: one round class, one long, one narrow and tilted.
SPREADS = np.array([[[0.8, 0.0], [0.0, 0.8]], [[1.3, 0.0], [0.0, 0.5]], [[0.6, 0.4], [0.4, 0.9]]])


def mixture(n: int, seed: int) -> tuple[Array, NDArray[np.int64], Array]:
    """Draw points of three overlapping Gaussian classes, all equally frequent.

    Args:
        n: number of points.
        seed: of the draw.

    Returns:
        points (n, 2), classes (n,), and the true probability of each class at each point (n, 3).
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    noise = rng.standard_normal((n, 2))
    points = MEANS[labels] + np.einsum("nij,nj->ni", SPREADS[labels], noise)
    return points, labels, posterior(points)


def posterior(points: Array) -> Array:
    """The true probability of each class at each point, by Bayes' rule: (n, 2) to (n, 3)."""
    whitened = np.einsum("kij,nkj->nki", np.linalg.inv(SPREADS), points[:, None] - MEANS)
    logits = -(whitened**2).sum(-1) / 2 - np.log(np.linalg.det(SPREADS))
    return np.asarray(functions.softmax(logits, axis=-1))


def divergence(truth: Array, logits: Array) -> Array:
    """Mean Kullback-Leibler divergence of softmax(logits) from the truth, in nats."""
    mine = functions.log_softmax(np.asarray(logits, np.float64), axis=-1)
    surprise = truth * (np.log(np.maximum(truth, 1e-300)) - mine)
    return surprise.sum(-1).mean(-1)


def confidence(logits: Array) -> Array:
    """Mean of the largest share."""
    return functions.softmax(np.asarray(logits, np.float64), axis=-1).max(-1).mean(-1)


def temperature(logits: Array, labels: NDArray[np.int64]) -> Array:
    """The T > 0 for which the mean cross-entropy of softmax(logits / T) is lowest.

    The loss is convex in 1/T, so bisection on the sign of its slope finds the one lowest point,
    between 1e-3 and 1e5.

    Args:
        logits: (…, n, classes) on held-out data.
        labels: (…, n).

    Returns:
        one temperature for each model, shape (…).
    """
    z = np.asarray(logits, np.float64)
    own = np.take_along_axis(z, labels[..., None], -1)[..., 0]
    low = np.full(z.shape[:-2], np.log(1e-5))
    high = np.full(z.shape[:-2], np.log(1e3))
    for _ in range(60):
        middle = (low + high) / 2
        share = functions.softmax(np.exp(middle)[..., None, None] * z, axis=-1)
        slope = ((share * z).sum(-1) - own).mean(-1)
        low, high = np.where(slope > 0, low, middle), np.where(slope > 0, middle, high)
    return np.exp(-(low + high) / 2)


def calibration_error(logits: Array, labels: NDArray[np.int64], bins: int = 15) -> float:
    """Expected calibration error in equal bins of confidence (Guo et al. 2017).

    Args:
        logits: (…, n, classes); all models and examples are pooled.
        labels: (…, n).
        bins: number of bins between 0 and 1.
    """
    share = functions.softmax(np.asarray(logits, np.float64), axis=-1)
    sure = share.max(-1).ravel()
    right = (share.argmax(-1) == labels).ravel().astype(float)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = np.bincount(place, right - sure, minlength=bins)
    return float(np.abs(gaps).sum() / sure.size)
