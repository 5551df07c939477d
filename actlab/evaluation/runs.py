"""A run: what one version of a system answered to a fixed set of rows; and its file.

The file is JSON (``actlab gate --schema run`` prints its JSON Schema)::

    {"schema": "actlab-run", "version": 1,
     "system": {"name": "reranker", "version": "sha256:…", "activation": "relu"},
     "latency_ms": [1.9, 2.1],
     "rows": [{"id": "q17", "cohort": "json",
               "relevant": {"json.dumps": 1}, "scores": {"json.dumps": 0.81, "json.dump": 0.80},
               "answer": "json.dumps", "expected": "json.dumps", "embedding": [0.1, 0.7]}]}

``latency_ms``, ``answer``, ``expected`` and ``embedding`` may be left out. A relevant candidate
without a score was not retrieved. A list that was cut has to keep all candidates that are tied
with its last one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from actbase.files import replace_file

SCHEMA, SCHEMA_VERSION = "actlab-run", 1


class RunError(ValueError):
    """A run cannot be read or compared; the message is one sentence."""


@dataclass(frozen=True)
class Row:
    """One question and what the system made of it.

    Attributes:
        id: the same in every run; rows are matched by it and never by position.
        cohort: the group whose score is looked at on its own.
        scores: candidate and its score, higher first.
        relevant: candidate and its gain, above 0; at least one.
        answer: what the system said, if it says something.
        expected: what it should have said.
        embedding: of the row, if the system has one.
    """

    id: str
    cohort: str
    scores: Mapping[str, float]
    relevant: Mapping[str, float]
    answer: str | None = None
    expected: str | None = None
    embedding: Sequence[float] | None = None


@dataclass(frozen=True)
class Run:
    """All rows of one version of a system.

    Attributes:
        name: of the system.
        version: what :func:`version` gives, or any text that changes when the system does.
        rows: by id.
        activation: its name, for the report.
        latency_ms: one time a request, in milliseconds; may be empty.
    """

    name: str
    version: str
    rows: Mapping[str, Row]
    activation: str = ""
    latency_ms: Sequence[float] = field(default_factory=tuple)

    @classmethod
    def of(
        cls,
        name: str,
        version: str,
        ids: Sequence[str],
        cohorts: Sequence[str],
        candidates: Sequence[str] | Sequence[Sequence[str]],
        scores: np.ndarray,
        relevant: Sequence[str],
        *,
        top: int = 20,
        activation: str = "",
        latency_ms: Sequence[float] = (),
        embeddings: np.ndarray | None = None,
    ) -> Run:
        """A run of a table of scores with one relevant candidate a row.

        Args:
            name: of the system.
            version: of the system.
            ids: of the rows.
            cohorts: of the rows.
            candidates: names of the columns, or a list of them for each row.
            scores: (rows, candidates).
            relevant: for each row the name of its relevant candidate; also what is expected. It
                may be missing among the candidates: then it was not retrieved.
            top: how many candidates to keep, and all that are tied with the last of them.
            activation: for the report.
            latency_ms: for the report.
            embeddings: (rows, width), for the report.

        Raises:
            RunError: there is no row or candidate, a score is NaN or infinite, an id or the name
                of a candidate is there twice.
        """
        scores = np.asarray(scores, float)
        if not scores.size or top < 1:
            raise RunError("a run needs at least one row and one candidate")
        names = [candidates] * len(ids) if isinstance(candidates[0], str) else candidates
        if scores.shape != (len(ids), len(names[0])):
            raise RunError(f"{len(ids)} rows of {len(names[0])} candidates, but {scores.shape}")
        if not np.isfinite(scores).all():
            raise RunError(f"the scores of {name} hold NaN or infinity")
        rows: dict[str, Row] = {}
        for at, (row, cohort, right) in enumerate(zip(ids, cohorts, relevant, strict=True)):
            if row in rows:
                raise RunError(f"the row {row!r} is there twice")
            own = scores[at]
            cut = np.partition(own, -top)[-top] if top < len(own) else own.min()
            kept = np.flatnonzero(own >= cut)
            kept = kept[np.argsort(-own[kept], kind="stable")].tolist()
            listed = {str(names[at][c]): float(own[c]) for c in kept}
            if len(listed) < len(kept):
                raise RunError(f"row {row!r} lists a candidate twice")
            rows[row] = Row(
                row,
                cohort,
                listed,
                {right: 1.0},
                str(names[at][kept[0]]),
                right,
                None if embeddings is None else tuple(map(float, embeddings[at])),
            )
        return cls(name, version, rows, activation, tuple(map(float, latency_ms)))

    @property
    def cohorts(self) -> tuple[str, ...]:
        """Names of the cohorts, sorted."""
        return tuple(sorted({row.cohort for row in self.rows.values()}))

    def tables(self, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Scores and gains of the rows ``ids``, (rows, widest list) each.

        A relevant candidate that was not retrieved has a score of −inf, and so has what fills up a
        short list, with a gain of 0.
        """
        lists = []
        for row in (self.rows[one] for one in ids):
            names = [*row.scores, *(name for name in row.relevant if name not in row.scores)]
            lists.append((row, names))
        width = max(len(names) for _, names in lists)
        scores, gains = np.full((len(lists), width), -np.inf), np.zeros((len(lists), width))
        for at, (row, names) in enumerate(lists):
            scores[at, : len(names)] = [row.scores.get(name, -np.inf) for name in names]
            gains[at, : len(names)] = [row.relevant.get(name, 0.0) for name in names]
        return scores, gains


def version(state: Mapping[str, Any], activation: str) -> str:
    """A hash of weights *and* activation: ``sha256:`` and 64 hex digits.

    The activation is no weight, so that a file of weights does not know which one it was trained
    with; a hash of the file alone stays the same when the function is swapped.

    Args:
        state: name and array or tensor; the order of names does not matter, dtype and shape do.
        activation: its name.
    """
    digest = hashlib.sha256(f"activation {activation}\n".encode())
    for name in sorted(state):
        value = state[name]
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        array = np.ascontiguousarray(value)
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return f"sha256:{digest.hexdigest()}"


def save(run: Run, path: Path | str) -> None:
    """Write a run to its file, in one step.

    Raises:
        OSError: it could not be written.
    """
    rows = []
    for row in run.rows.values():
        about: dict[str, Any] = {
            "id": row.id,
            "cohort": row.cohort,
            "relevant": dict(row.relevant),
            "scores": dict(row.scores),
        }
        for key in ("answer", "expected", "embedding"):
            if (value := getattr(row, key)) is not None:
                about[key] = value if isinstance(value, str) else list(value)
        rows.append(about)
    system = {"name": run.name, "version": run.version, "activation": run.activation}
    content: dict[str, Any] = {"schema": SCHEMA, "version": SCHEMA_VERSION, "system": system}
    if run.latency_ms:
        content["latency_ms"] = list(run.latency_ms)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    head = json.dumps(content, ensure_ascii=False)[:-1]
    replace_file(Path(path), f'{head}, "rows": [\n{lines}\n]}}\n'.encode())


# --- reading: every fault is one sentence that names the row ------------------------------------


def load(path: Path | str) -> Run:
    """Read a run.

    Raises:
        RunError: there is no such file, or something in it is not what the format says.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise RunError(f"{path} is no UTF-8 text") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        content = json.loads(text, object_pairs_hook=_no_repeats)
    except RecursionError:
        raise RunError(f"{path} is nested too deeply to be a run") from None
    except ValueError as error:
        raise RunError(f"{path} is no JSON: {error}") from None
    try:
        return _run(content)
    except RunError as error:
        raise RunError(f"{path}: {error}") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return found


def _run(content: Any) -> Run:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise RunError(f'this is no run: it does not say "schema": "{SCHEMA}"')
    if content.get("version") != SCHEMA_VERSION:
        raise RunError(f"its format has the version {content.get('version')!r}, not 1")
    system = content.get("system")
    if not isinstance(system, dict):
        raise RunError('there is no "system" with "name" and "version"')
    for key in ("name", "version"):
        if not (isinstance(system.get(key), str) and system[key].strip()):
            raise RunError(f'the system has no "{key}": write a text that is not empty')
    activation = system.get("activation", "")
    if not isinstance(activation, str):
        raise RunError('"activation" is no text')
    latency = content.get("latency_ms", [])
    if not isinstance(latency, list) or not all(_number(t) and t > 0 for t in latency):
        raise RunError('"latency_ms" must be a list of times above 0')
    entries = content.get("rows")
    if not isinstance(entries, list) or not entries:
        raise RunError('there are no "rows"')
    rows: dict[str, Row] = {}
    for place, entry in enumerate(entries, 1):
        row = _row(entry, place)
        if row.id in rows:
            raise RunError(f"the row {row.id!r} is there twice")
        rows[row.id] = row
    return Run(system["name"], system["version"], rows, activation, tuple(map(float, latency)))


def _row(entry: Any, place: int) -> Row:
    if not isinstance(entry, dict):
        raise RunError(f"row {place} is no object")
    for key in ("id", "cohort"):
        if not (isinstance(entry.get(key), str) and entry[key].strip()):
            raise RunError(f'row {place} has no "{key}": write a text that is not empty')
    name = entry["id"]
    scores, relevant = entry.get("scores"), entry.get("relevant")
    if not isinstance(scores, dict) or not all(map(_number, scores.values())):
        raise RunError(f"row {name!r}: every score must be a finite number")
    if not isinstance(relevant, dict) or not relevant:
        raise RunError(f"row {name!r} names no relevant candidate: no system can answer it")
    if not all(_number(gain) and gain > 0 for gain in relevant.values()):
        raise RunError(f"row {name!r}: the gain of a relevant candidate must be above 0")
    for key in ("answer", "expected"):
        if not isinstance(entry.get(key), str | None):
            raise RunError(f'row {name!r}: "{key}" is no text')
    embedding = entry.get("embedding")
    if embedding is not None and not (
        isinstance(embedding, list) and embedding and all(map(_number, embedding))
    ):
        raise RunError(f"row {name!r}: the embedding must be a list of finite numbers")
    return Row(
        name,
        entry["cohort"],
        scores,
        relevant,
        entry.get("answer"),
        entry.get("expected"),
        None if embedding is None else tuple(embedding),
    )


def _number(value: Any) -> bool:
    # A Boolean is an int to Python; an int may be too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
