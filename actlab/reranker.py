"""A reranker over sentence embeddings: find the function that a sentence describes (chapter 16).

The retrieval set is that of :func:`actlab.minilm.retrieval`: 1,600 sentences and the functions of
Python's standard library that they describe, embedded once and frozen. The cosine of two
embeddings fetches 50 candidates. A small network, the *head*, looks at nine numbers of each pair
(cosine, words and pieces of words in common, how far each lies behind the best candidate, lengths)
and adds a correction to the scaled cosine. Its activation is what gets swapped.

All seeds train together, as in :mod:`actlab.training`. A head starts as no correction at all (its
last layer is 0), so that every arm starts from the same ranking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from actlab import minilm, training
from actlab.evaluation import Run, version
from actlab.training import Stack

POOL = 50  # candidates that the cosine fetches
SCALE = 20.0  # of the cosine, as in the usual contrastive losses
HIDDEN = 32
FEATURES = (
    "cosine", "words", "pieces", "cosine behind", "words behind", "pieces behind",
    "words found", "length of the question", "length of the document",
)  # fmt: skip
TRAIN, VALIDATION = 800, 200  # the other 600 rows are the test
SPLIT_SEED = 16

#: Subjects and the top-level modules that belong to them; all others are "other".
SUBJECTS: dict[str, tuple[str, ...]] = {
    "gui": ("tkinter", "turtle", "turtledemo", "curses"),
    "mail": ("email", "mailbox", "imaplib", "smtplib", "smtpd", "poplib", "nntplib", "mailcap"),
    "web": (
        "http", "urllib", "wsgiref", "xmlrpc", "cgi", "cgitb", "html", "socket", "socketserver",
        "ssl", "ftplib", "telnetlib", "ipaddress", "webbrowser", "asyncore", "asynchat",
    ),
    "packages": (
        "distutils", "importlib", "pkgutil", "zipimport", "venv", "modulefinder", "site", "imp",
        "sysconfig", "runpy", "zipapp", "compileall", "py_compile",
    ),
    "numbers": (
        "_pydecimal", "decimal", "statistics", "fractions", "random", "numbers", "calendar",
        "datetime", "colorsys", "heapq", "bisect", "_strptime",
    ),
    "files": (
        "tarfile", "zipfile", "pathlib", "shutil", "os", "posixpath", "ntpath", "genericpath",
        "tempfile", "gzip", "bz2", "lzma", "_pyio", "fileinput", "filecmp", "glob", "fnmatch",
        "codecs", "wave", "aifc", "sunau", "chunk", "_compression", "shelve", "dbm",
    ),
    "parallel": (
        "asyncio", "multiprocessing", "threading", "concurrent", "subprocess", "queue", "sched",
        "_threading_local", "contextlib", "selectors", "signal", "pty",
    ),
    "debugging": (
        "unittest", "doctest", "pdb", "bdb", "inspect", "traceback", "pydoc", "trace", "cProfile",
        "profile", "pstats", "timeit", "tracemalloc", "dis", "logging", "warnings", "linecache",
    ),
}  # fmt: skip
_SUBJECT = {module: subject for subject, modules in SUBJECTS.items() for module in modules}


@dataclass(frozen=True)
class Part:
    """Some questions with their candidates.

    Attributes:
        ids: of the questions, n.
        cohorts: their subjects.
        pool: numbers of the candidate documents, (n, candidates); a better cosine comes first.
        right: column of the right document, (n,); −1 where it was not fetched.
        cosine: of question and candidate, float32 (n, candidates).
        features: of question and candidate, float32 (n, candidates, 9), :data:`FEATURES`, with
            mean 0 and standard deviation 1 over the training part.
        embeddings: of the questions, float32 (n, 384).
    """

    ids: list[str]
    cohorts: list[str]
    pool: np.ndarray
    right: np.ndarray
    cosine: Tensor
    features: Tensor
    embeddings: np.ndarray


@dataclass(frozen=True)
class Task:
    """The three parts, and the names of all documents."""

    train: Part
    validation: Part
    test: Part
    documents: list[str]


def subject(identifier: str) -> str:
    """The cohort of a row by its id: ``"mail"`` for ``"email.utils:formatdate"``."""
    return _SUBJECT.get(identifier.split(":")[0].split(".")[0], "other")


def words(text: str) -> list[str]:
    """The words of prose or code: ``parseHTML_now`` has parse, html and now."""
    return [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text)]


def task(stored: minilm.Retrieval | None = None) -> Task:
    """Split the retrieval set, fetch candidates among all documents, and measure the pairs.

    A training question whose right document is not among its 50 gets it in place of the last.

    Args:
        stored: the retrieval set; None reads it.
    """
    stored = stored or minilm.retrieval()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(stored.ids))
    rows = [np.sort(part) for part in np.split(order, [TRAIN, TRAIN + VALIDATION])]
    pairs = _Pairs(stored)
    pools = [pairs.pool(part, keep=number == 0) for number, part in enumerate(rows)]
    raw = [pairs.features(part, pool) for part, pool in zip(rows, pools, strict=True)]
    mean, sd = raw[0].mean((0, 1)), raw[0].std((0, 1))
    parts = []
    for part, pool, values in zip(rows, pools, raw, strict=True):
        hit = pool == part[:, None]
        parts.append(
            Part(
                [stored.ids[row] for row in part],
                [subject(stored.ids[row]) for row in part],
                pool,
                np.where(hit.any(1), hit.argmax(1), -1),
                torch.tensor(values[..., 0], dtype=torch.float32),
                torch.tensor((values - mean) / sd, dtype=torch.float32),
                stored.question_embeddings[part],
            )
        )
    train, validation, test = parts
    return Task(train, validation, test, stored.ids)


class _Pairs:
    """What is measured about a question and a document."""

    def __init__(self, stored: minilm.Retrieval) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        asked, answers = stored.question_embeddings, stored.document_embeddings
        self.alike = [asked.astype(np.float64) @ answers.T.astype(np.float64)]
        # Weights of words come from the documents: the questions are not known beforehand.
        for how in (
            {"analyzer": words},
            {"analyzer": "char_wb", "ngram_range": (3, 5)},
        ):
            counts = TfidfVectorizer(sublinear_tf=True, **how).fit(stored.documents)
            sides = (counts.transform(side) for side in (stored.questions, stored.documents))
            left, right = sides
            self.alike.append((left @ right.T).toarray())
        self.questions = [frozenset(words(text)) for text in stored.questions]
        self.documents = [frozenset(words(text)) for text in stored.documents]
        self.lengths = [
            np.log1p([len(text) for text in side]) for side in (stored.questions, stored.documents)
        ]

    def pool(self, rows: np.ndarray, keep: bool) -> np.ndarray:
        found = np.argsort(-self.alike[0][rows], axis=1, kind="stable")[:, :POOL]
        if keep:
            lacks = ~(found == rows[:, None]).any(1)
            found[lacks, -1] = rows[lacks]
        return found

    def features(self, rows: np.ndarray, pool: np.ndarray) -> np.ndarray:
        values = [alike[rows[:, None], pool] for alike in self.alike]
        behind = [value - value.max(1, keepdims=True) for value in values]
        found = np.array(
            [
                [len(self.questions[row] & self.documents[one]) for one in own]
                for row, own in zip(rows, pool, strict=True)
            ]
        )
        known = np.array([max(len(self.questions[row]), 1) for row in rows])[:, None]
        asked = np.broadcast_to(self.lengths[0][rows][:, None], pool.shape)
        return np.stack([*values, *behind, found / known, asked, self.lengths[1][pool]], -1)


def build(activation: Callable[[Tensor], Tensor], seeds: int | Sequence[int]) -> Stack:
    """Heads 9-32-1, one for each seed; the last layer starts at 0."""
    heads = training.build([len(FEATURES), HIDDEN, 1], activation, seeds)
    with torch.no_grad():
        heads.weights[-1].zero_()
    return heads


def scores(heads: Stack, part: Part) -> Tensor:
    """Scaled cosine plus the head's correction, float32 (seeds, n, candidates)."""
    n, candidates, width = part.features.shape
    correction = heads(part.features.view(n * candidates, width))
    return SCALE * part.cosine + correction.view(heads.seeds, n, candidates)


def fit(
    heads: Stack,
    part: Part,
    seeds: int | Sequence[int],
    steps: int | Sequence[int],
    lr: float,
    measure: Callable[[Stack], object] | None = None,
    batch: int = 32,
    decay: float = 0.01,
) -> list:
    """Train heads to put the right document first: softmax over a question's candidates, AdamW.

    Args:
        heads: trained in place.
        part: questions whose right document is among the candidates.
        seeds: of the order of the questions, as many as heads.
        steps: numbers of updates after which ``measure`` is called; the last ends the training.
        lr: learning rate.
        measure: called with the heads; None calls nothing.
        batch: questions in a step.
        decay: weight decay.

    Returns:
        What ``measure`` returned, one entry for each of ``steps``.

    Raises:
        ValueError: a right document is missing, or seeds and heads differ in number.
    """
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    stops = [steps] if isinstance(steps, int) else list(steps)
    if len(seeds) != heads.seeds:
        raise ValueError(f"{heads.seeds} heads need as many seeds, not {len(seeds)}")
    if (part.right < 0).any():
        raise ValueError("a right document is not among the candidates")
    right = torch.tensor(part.right)
    update = torch.optim.AdamW(heads.parameters(), lr=lr, weight_decay=decay)
    generators = [torch.Generator().manual_seed(20_000 + int(seed)) for seed in seeds]
    found = []
    for step in range(1, stops[-1] + 1):
        rows = torch.stack([torch.randint(len(right), (batch,), generator=g) for g in generators])
        shown = part.features[rows].flatten(1, 2)
        logits = SCALE * part.cosine[rows] + heads(shown).view(len(seeds), batch, -1)
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), right[rows].flatten(), reduction="none"
        )
        update.zero_grad()
        # A mean over the questions of each head, a sum over heads: each trains as if alone.
        (loss.sum() / batch).backward()
        update.step()
        if step in stops and measure is not None:
            found.append(measure(heads))
    return found


def places(found: Tensor | np.ndarray, part: Part) -> np.ndarray:
    """The place of the right document, ties against it, int64 (..., n); POOL + 1 if not fetched."""
    values = np.asarray(found.detach() if isinstance(found, Tensor) else found, float)
    own = np.take_along_axis(
        values, np.broadcast_to(part.right.clip(0)[:, None], (*values.shape[:-1], 1)), -1
    )
    place = (values >= own).sum(-1)
    return np.where(part.right < 0, values.shape[-1] + 1, place)


def head_version(heads: Stack, seed: int, activation: str) -> str:
    """The version of one of the heads, see :func:`actlab.evaluation.version`."""
    state: dict[str, Tensor] = {}
    for layer, (weight, bias) in enumerate(zip(heads.weights, heads.biases, strict=True)):
        state |= {f"{layer}.weight": weight[seed], f"{layer}.bias": bias[seed]}
    return version(state, activation)


def run(
    task: Task,
    found: Tensor | np.ndarray,
    activation: str,
    identity: str,
    latency_ms: Sequence[float] = (),
) -> Run:
    """The test questions and scores (n, candidates) of one system, as a run for the gate."""
    part = task.test
    values = found.detach().numpy() if isinstance(found, Tensor) else found
    names = [[task.documents[document] for document in pool] for pool in part.pool]
    return Run.of(
        "reranker",
        identity,
        part.ids,
        part.cohorts,
        names,
        values,
        part.ids,
        activation=activation,
        latency_ms=latency_ms,
    )


def quantised(heads: Stack, seed: int, part: Part, sample: Part) -> np.ndarray:
    """Scores of one head with 8-bit weights and hidden outputs, float64 (n, candidates).

    Both are symmetric: weights by column, hidden outputs by the largest of the ``sample``.

    Args:
        heads: trained.
        seed: which of them.
        part: what to score.
        sample: what the range of the hidden outputs is taken from; not what is scored.
    """

    def step(values: Tensor, largest: Tensor) -> Tensor:
        size = largest / 127
        return (values / size).round().clamp(-127, 127) * size

    first, last = (weight[seed].detach() for weight in heads.weights)
    bias, end = (one[seed].detach() for one in heads.biases)
    first = step(first, first.abs().amax(0, keepdim=True).clamp_min(1e-12))
    last = step(last, last.abs().max().clamp_min(1e-12))
    with torch.no_grad():
        top = heads.activation(sample.features @ first + bias).abs().max()
        hidden = step(heads.activation(part.features @ first + bias), top)
        return (SCALE * part.cosine + (hidden @ last + end)[..., 0]).double().numpy()


def recall(place: np.ndarray, k: int = 1) -> np.ndarray:
    """Share of the questions with a place of at most ``k``, along the last axis."""
    return (place <= k).mean(-1)
