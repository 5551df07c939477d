"""The metrics of a ranking, against hand counts, libraries and each other."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score

from actlab.evaluation import metrics

ROWS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=6).filter(
    lambda row: any(relevant for _, relevant in row)
)


def rng():
    return np.random.default_rng(0)


def table(rows=50, candidates=12):
    scores = rng().normal(size=(rows, candidates))
    gains = np.zeros((rows, candidates))
    gains[np.arange(rows), rng().integers(0, candidates, rows)] = 1
    return scores, gains


def test_by_hand():
    scores = [[0.9, 0.5, 0.7, 0.1], [0.2, 0.4, 0.3, 0.1]]
    gains = [[0, 1, 1, 0], [0, 0, 0, 1]]
    assert metrics.recall_at_k(scores, gains, 2).tolist() == [0.5, 0]
    assert metrics.recall_at_k(scores, gains, 3).tolist() == [1, 0]
    assert metrics.reciprocal_rank(scores, gains).tolist() == [0.5, 0.25]
    first = (1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert metrics.ndcg(scores, gains, 4) == pytest.approx((first + 1 / np.log2(5)) / 2)


def test_without_ties_it_is_what_scikit_learn_says():
    scores, gains = table()
    right = gains.argmax(1)
    for k in (1, 3, 11):
        ours = metrics.recall_at_k(scores, gains, k).mean()
        assert ours == pytest.approx(top_k_accuracy_score(right, scores, k=k, labels=range(12)))
    mrr = label_ranking_average_precision_score(gains, scores)
    assert metrics.reciprocal_rank(scores, gains).mean() == pytest.approx(mrr)
    assert metrics.ndcg(scores, gains, 5, "best") == pytest.approx(metrics.ndcg(scores, gains, 5))


@settings(deadline=None)
@given(ROWS, st.integers(1, 7))
def test_best_and_worst_are_the_extremes_of_all_orders(row, k):
    scores, gains = np.array([[s for s, _ in row]], float), np.array([[float(r) for _, r in row]])
    found = {"recall": [], "rr": [], "ndcg": []}
    for order in itertools.permutations(range(len(row))):
        # Python's sort is stable: the order before it decides ties.
        ranked = sorted(order, key=lambda c: -scores[0, c])
        hits = gains[0, ranked]
        found["recall"].append((hits[:k] > 0).sum() / (hits > 0).sum())
        found["rr"].append(1 / (1 + int(np.argmax(hits > 0))))
        weight = 1 / np.log2(np.arange(len(row)) + 2) * (np.arange(len(row)) < k)
        ideal = (np.sort(hits)[::-1] * weight).sum()
        found["ndcg"].append((hits * weight).sum() / ideal)
    for ties, pick in (("best", max), ("worst", min)):
        assert metrics.recall_at_k(scores, gains, k, ties)[0] == pytest.approx(
            pick(found["recall"])
        )
        assert metrics.reciprocal_rank(scores, gains, ties)[0] == pytest.approx(pick(found["rr"]))
        assert metrics.ndcg(scores, gains, k, ties) == pytest.approx(pick(found["ndcg"]))
    assert metrics.ndcg(scores, gains, k) == pytest.approx(np.mean(found["ndcg"]))


def test_what_was_not_retrieved_is_never_found_however_short_the_list():
    scores, gains = [[0.5, -np.inf, -np.inf]], [[0, 1, 0]]
    for ties in ("best", "worst"):
        assert metrics.recall_at_k(scores, gains, 3, ties) == [0]
        assert metrics.reciprocal_rank(scores, gains, ties) == [0]
        assert metrics.ndcg(scores, gains, 3, ties) == 0
    half = metrics.ndcg([[0.5, -np.inf]], [[1, 1]], 2)
    assert half == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_a_monotone_function_of_the_scores_changes_nothing_and_relu_makes_ties():
    scores, gains = table()
    same = metrics.recall_at_k(np.tanh(scores), gains, 3)
    assert (same == metrics.recall_at_k(scores, gains, 3)).all()
    low = metrics.recall_at_k(np.maximum(scores - 1, 0), gains, 3, "worst").mean()
    high = metrics.recall_at_k(np.maximum(scores - 1, 0), gains, 3, "best").mean()
    assert low < metrics.recall_at_k(scores, gains, 3).mean() < high


@pytest.mark.parametrize(
    ("scores", "gains", "k", "says"),
    [
        ([[np.nan, 1]], [[1, 0]], 1, "NaN"),
        ([[0, 1]], [[0, 0]], 1, "row 0 has no relevant"),
        ([[0, 1]], [[-1, 1]], 1, "negative"),
        ([[0, 1]], [[1, 0, 0]], 1, "shape"),
        ([[0, 1]], [[1, 0]], 0, "at least 1"),
    ],
)
def test_bad_input_is_named(scores, gains, k, says):
    with pytest.raises(ValueError, match=says):
        metrics.recall_at_k(scores, gains, k)


def test_match_and_similarity():
    assert metrics.ground_truth_match(["a ", "A"], ["a", "a"]).tolist() == [1, 0]
    a = np.array([[1, 0], [1, 1], [0, 0]], np.float16)
    found = metrics.embedding_similarity(a, np.array([[2, 0], [1, -1], [1, 0]]))
    assert found == pytest.approx([1, 0, 0])
    with pytest.raises(ValueError, match="shape"):
        metrics.embedding_similarity(a, a[:2])
