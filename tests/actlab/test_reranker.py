"""The reranker of chapter 16: its split, its features, its training and its runs."""

import numpy as np
import pytest
import torch

from actlab import minilm, reranker
from actlab.evaluation import compare, decide
from actlab.evaluation.compare import ALL


@pytest.fixture(scope="module")
def task():
    torch.set_num_threads(1)
    return reranker.task()


def test_the_split_shares_no_question_and_every_cohort_is_large_enough_to_judge(task):
    parts = [set(part.ids) for part in (task.train, task.validation, task.test)]
    assert [len(part) for part in parts] == [800, 200, 600]
    assert len(set.union(*parts)) == 1600
    names, counts = np.unique(task.test.cohorts, return_counts=True)
    assert set(names) == {*reranker.SUBJECTS, "other"}
    assert counts.min() >= 40


def test_subjects_come_from_the_module_and_no_module_has_two():
    assert reranker.subject("email.utils:formatdate") == "mail"
    assert reranker.subject("os:walk") == "files"
    assert reranker.subject("this:that") == "other"
    modules = [module for own in reranker.SUBJECTS.values() for module in own]
    assert len(modules) == len(set(modules))


def test_words_of_prose_and_of_code():
    assert reranker.words("Parse HTML-text") == ["parse", "html", "text"]
    assert reranker.words("parseHTML_now2 = Foo") == ["parse", "html", "now", "2", "foo"]


def test_places_are_those_of_the_cosine_until_the_head_has_learned(task):
    heads = reranker.build(torch.relu, 2)
    found = reranker.places(reranker.scores(heads, task.test), task.test)
    stored = minilm.retrieval()
    ranks = minilm.ranks(stored.question_embeddings, stored.document_embeddings)
    where = {name: row for row, name in enumerate(stored.ids)}
    expected = ranks[[where[name] for name in task.test.ids]]
    near = np.abs(np.minimum(expected, 51) - found) > 0
    assert near.mean() < 0.01  # float32 against float64: a tie or two
    assert (found[0] == found[1]).all()


def test_the_right_document_is_where_the_part_says(task):
    for part in (task.train, task.validation, task.test):
        for name, pool, right in zip(part.ids, part.pool, part.right, strict=True):
            names = [task.documents[document] for document in pool]
            assert (names[right] == name) if right >= 0 else name not in names
    assert (task.train.right >= 0).all()
    assert 0.8 < (task.test.right >= 0).mean() < 0.95


def test_places_break_ties_against_the_system_and_know_what_was_not_fetched(task):
    zeros = np.zeros((600, reranker.POOL))
    found = reranker.places(zeros, task.test)
    assert set(found[task.test.right >= 0]) == {50}
    assert set(found[task.test.right < 0]) == {51}


def test_a_head_learns_in_seconds_and_the_same_twice(task):
    results = []
    for _ in range(2):
        heads = reranker.build(torch.relu, [0])
        reranker.fit(heads, task.train, [0], 60, 0.003)
        results.append(reranker.scores(heads, task.test).detach())
    assert torch.equal(*results)
    before = reranker.recall(reranker.places(task.test.cosine, task.test))
    after = reranker.recall(reranker.places(results[0], task.test))[0]
    assert after > before + 0.02


def test_seeds_train_together_as_they_would_alone(task):
    both = reranker.build(torch.relu, [3, 4])
    reranker.fit(both, task.train, [3, 4], 20, 0.003)
    alone = reranker.build(torch.relu, [4])
    reranker.fit(alone, task.train, [4], 20, 0.003)
    assert torch.allclose(both.weights[0][1], alone.weights[0][0], atol=1e-5)


def test_wrong_calls_are_named(task):
    with pytest.raises(ValueError, match="as many seeds"):
        reranker.fit(reranker.build(torch.relu, 2), task.train, 3, 1, 0.1)
    with pytest.raises(ValueError, match="not among the candidates"):
        reranker.fit(reranker.build(torch.relu, 1), task.test, 1, 1, 0.1)


def test_a_run_says_what_the_places_say_and_eight_bits_stay_near(task):
    heads = reranker.build(torch.nn.functional.gelu, [0])
    reranker.fit(heads, task.train, [0], 100, 0.003)
    values = reranker.scores(heads, task.test)[0]
    identity = reranker.head_version(heads, 0, "gelu")
    before = reranker.run(task, task.test.cosine, "none", "bi-encoder")
    after = reranker.run(task, values, "gelu", identity)
    change = compare(before, after)[ALL]
    for run, scores in ((change.before, task.test.cosine), (change.after, values)):
        assert run == pytest.approx(reranker.recall(reranker.places(scores, task.test)))
    eight = reranker.quantised(heads, 0, task.test, task.train)
    error = np.abs(eight - values.detach().numpy())
    assert 0 < error.max() < 0.1 * float(values.detach().std())
    assert identity != reranker.head_version(heads, 0, "gelu_tanh")


def test_the_gate_passes_a_reseeded_head_and_blocks_an_index_without_a_module(task):
    heads = reranker.build(torch.relu, [0, 1])
    reranker.fit(heads, task.train, [0, 1], 300, 0.0003)
    values = reranker.scores(heads, task.test).detach().numpy()
    first, second = (reranker.run(task, own, "relu", f"seed {i}") for i, own in enumerate(values))
    assert decide(first, second).passed
    lost = np.array([["tkinter" in task.documents[one] for one in pool] for pool in task.test.pool])
    service = reranker.run(task, task.test.cosine, "none", "cosine only")
    crashed = reranker.run(task, np.where(lost, -1e9, values[0]), "relu", "index of Tuesday")
    verdict = decide(service, crashed)
    assert verdict.changes[ALL].points > 0
    assert {f.cohort for f in verdict.findings if f.blocks} == {"gui"}
