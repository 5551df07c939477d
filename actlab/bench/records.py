"""Benchmark records: one JSON file a run, with everything that a number needs to be believed.

A record is written after every group of rows, to a temporary file that then takes the record's
place, so that a run that is killed leaves the rows that it finished. Reading is strict: a file that
is not a whole record of a schema known here is refused with one sentence.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from actbase.files import replace_file

SCHEMA = "actlab-bench"
SCHEMA_VERSION = 1
# How far the copies at the start and at the end of a run may lie apart.
COPY_BOUND = {"cpu": 0.15, "cuda": 0.01}


class RecordError(ValueError):
    """A file is not a record that can be read; the message is one sentence."""


@dataclass(frozen=True)
class Row:
    """One function, one implementation, one mode, one size.

    Times are microseconds per call; bytes are per call. ``times_copy`` is the measured time divided
    by the time of a copy of as many elements as the output has, measured in the same round-robin.

    Attributes:
        function: name in the catalogue.
        implementation: see :mod:`actlab.bench.cases`; "copy" is the copy of the same size that took
            turns with the others, its spread the distance between two such copies.
        mode: "forward", "forward_grad", "backward" or "both".
        dtype: "float32", "bfloat16", "float16" or "float64".
        elements: elements of the output.
        shape: shape of each input before packing.
        status: "ok"; "failed" (wrong result or error); "skipped" (cannot run here, no memory).
        reason: one sentence when the status is not "ok".
        bytes_algorithmic: the fewest bytes the mode can move.
        bytes_physical: the bytes that the dispatched operations move; None if they are not seen.
        launches: operations dispatched.
        saved_bytes: bytes kept between forward and backward.
        predicted_us: time of ``bytes_physical`` (or else ``bytes_algorithmic``) at the copy's rate.
        p20_us, p50_us, p80_us, min_us: quantiles over the samples.
        samples, calls_per_sample: how often.
        clock: "thread_time", "wall", "events" or "graph".
        sets: number of sets of buffers that were rotated.
        cache: "beyond" when the sets exceed the cache as often as the protocol says, else "within".
        copy_us: median of the copy in the same round-robin.
        spread: how far quarters of the samples lie apart, as a fraction.
        pass_difference: how far two measurements of this row, made in different passes over the
            whole plan, lie apart, as a fraction (of time over the copy's; for a copy, of time).
        faults_per_call: minor page faults per call (CPU).
        launch_us: time per call when launched one by one, where ``clock`` is "graph".
        error: largest relative error (norm of the difference over norm of the reference), by pass.
        tolerance: what the error had to stay below.
        poisoned: whether the output is known to have landed on memory that was filled with NaN.
        note: what the reader of this row has to know.
    """

    function: str
    implementation: str
    mode: str
    dtype: str
    elements: int
    shape: tuple[int, ...]
    status: str = "ok"
    reason: str = ""
    bytes_algorithmic: int | None = None
    bytes_physical: int | None = None
    launches: int | None = None
    saved_bytes: int | None = None
    predicted_us: float | None = None
    p20_us: float | None = None
    p50_us: float | None = None
    p80_us: float | None = None
    min_us: float | None = None
    samples: int | None = None
    calls_per_sample: int | None = None
    clock: str | None = None
    sets: int | None = None
    cache: str | None = None
    copy_us: float | None = None
    spread: float | None = None
    pass_difference: float | None = None
    faults_per_call: float | None = None
    launch_us: float | None = None
    error: dict[str, float] = field(default_factory=dict)
    tolerance: float | None = None
    poisoned: bool | None = None
    note: str = ""

    @property
    def group(self) -> tuple:
        """Rows of one group took turns in one round-robin and may be compared."""
        return (self.function, self.mode, self.dtype, self.elements)

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return {"float64": 8, "float32": 4}.get(self.dtype, 2)

    @property
    def copy_bytes(self) -> int:
        """Bytes that the copy of the same size moves."""
        return 2 * self.elements * self.itemsize

    @property
    def times_copy(self) -> float | None:
        """Measured time in units of the copy's time."""
        return self.p50_us / self.copy_us if self.p50_us and self.copy_us else None

    @property
    def predicted_times_copy(self) -> float | None:
        """Predicted time in units of the copy's time: bytes moved over bytes of the copy."""
        moved = self.bytes_physical or self.bytes_algorithmic
        return moved / self.copy_bytes if moved else None

    @property
    def percent_of_copy(self) -> float | None:
        """Achieved share of the copy's bandwidth, in percent, counting algorithmic bytes."""
        if self.times_copy is None or not self.bytes_algorithmic:
            return None
        return 100 * self.bytes_algorithmic / self.copy_bytes / self.times_copy


@dataclass(frozen=True)
class Ceiling:
    """A limit of the device, measured at the start and at the end of a run.

    Attributes:
        kind: "copy" (2 tensors), "read" (1), "add" (3) or "matmul".
        dtype: data type.
        elements: elements of one tensor; for "matmul" the side of the square matrices.
        start_us, end_us: median time at the start and at the end; None for an end never reached.
        work: bytes per call, or floating-point operations for "matmul".
    """

    kind: str
    dtype: str
    elements: int
    work: int
    start_us: float
    end_us: float | None = None

    @property
    def change(self) -> float | None:
        """Relative difference between end and start."""
        return None if self.end_us is None else abs(self.end_us / self.start_us - 1)

    @property
    def rate(self) -> float:
        """Work per second at the start: bytes/s, or operations/s for "matmul"."""
        return self.work / (self.start_us * 1e-6)


@dataclass
class Record:
    """One run of the benchmark.

    Attributes:
        run_id: unique name of the run.
        utc: when it started.
        command: how to run it again.
        source: commit, dirty flag and hash of the code.
        device: what was measured; ``device["kind"]`` is "cpu" or "cuda".
        software: versions.
        clocks: state of the device at the start and at the end.
        protocol: settings of the measurement.
        ceilings: limits measured at start and end.
        rows: the results.
        finished: False while the run goes on, and for ever if it is stopped.
        note: said by the person who made the record, for example about the machine.
    """

    run_id: str
    utc: str
    command: str
    source: dict
    device: dict
    software: dict
    clocks: dict
    protocol: dict
    ceilings: list[Ceiling] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    finished: bool = False
    note: str = ""
    schema: str = SCHEMA
    schema_version: int = SCHEMA_VERSION

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def kind(self) -> str:
        """ "cpu" or "cuda"."""
        return self.device["kind"]

    @property
    def unsteady(self) -> list[Ceiling]:
        """Copies that changed between start and end by more than the bound for this device."""
        bound = COPY_BOUND[self.kind]
        return [
            ceiling
            for ceiling in self.ceilings
            if ceiling.kind == "copy" and ceiling.change is not None and ceiling.change > bound
        ]

    def select(self, **wanted: object) -> list[Row]:
        """Rows whose fields have the wanted values; a list, tuple or set means any of them."""

        def matches(row: Row) -> bool:
            for name, value in wanted.items():
                options = value if isinstance(value, list | tuple | set) else (value,)
                if getattr(row, name) not in options:
                    return False
            return True

        return [row for row in self.rows if matches(row)]


# --- files -------------------------------------------------------------------------------------


def save(record: Record, path: str | os.PathLike) -> Path:
    """Write ``record`` to ``path`` so that the file is whole at every moment.

    Raises:
        RecordError: the folder does not exist or cannot be written.
    """
    path = Path(path)
    text = json.dumps(asdict(record), indent=1, allow_nan=False, default=_plain) + "\n"
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def _plain(value: object) -> object:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


_RECORD_TYPES: dict[str, type] = {
    "run_id": str,
    "utc": str,
    "command": str,
    "source": dict,
    "device": dict,
    "software": dict,
    "clocks": dict,
    "protocol": dict,
    "ceilings": list,
    "rows": list,
    "finished": bool,
    "note": str,
}


class _NoNumber(Exception):
    """JSON has no NaN and no infinity, but Python reads them."""


def _no_number(name: str) -> None:
    raise _NoNumber(name)


def load(path: str | os.PathLike) -> Record:
    """Read one record.

    Raises:
        RecordError: the file cannot be read, is truncated, is no record, or has a schema version
            that this version of actlab does not know.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise RecordError(f"{path.name} cannot be read: {reason}.") from error
    try:
        data = json.loads(text, parse_constant=_no_number)
    except _NoNumber as error:
        raise RecordError(f"{path.name} is a damaged record: it holds {error}.") from None
    except ValueError as error:
        raise RecordError(
            f"{path.name} is not complete JSON, so it is damaged or was cut short: run the "
            "benchmark again."
        ) from error
    return _from_json(data, path.name)


def _from_json(data: object, name: str) -> Record:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise RecordError(f"{name} is JSON but not a benchmark record of actlab.")
    version = data.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{name} has schema version {version!r} and this version of actlab reads only "
            f"{SCHEMA_VERSION}: run the benchmark again, or use the actlab of its commit."
        )
    for key, expected in _RECORD_TYPES.items():
        if not isinstance(data.get(key), expected):
            raise RecordError(f"{name} is a damaged record: {key!r} is missing or not as expected.")
    if data["device"].get("kind") not in COPY_BOUND:
        raise RecordError(f"{name} is a damaged record: its device is neither 'cpu' nor 'cuda'.")
    rows = [_row(entry, index, name) for index, entry in enumerate(data["rows"])]
    ceilings = []
    for index, entry in enumerate(data["ceilings"]):
        if not _is_whole(entry, Ceiling) or not entry["start_us"]:
            raise RecordError(f"{name} is a damaged record: ceiling {index} is not as expected.")
        ceilings.append(Ceiling(**entry))
    plain = {key: data[key] for key in _RECORD_TYPES if key not in ("rows", "ceilings")}
    return Record(**plain, rows=rows, ceilings=ceilings)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value of a JSON file is what a field's annotation says; numbers are ≥ 0."""
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    for option in options:
        if option is NoneType:
            if value is None:
                return True
        elif option is bool or option is str:
            if isinstance(value, option):
                return True
        elif option in (int, float):
            number = isinstance(value, int if option is int else (int, float))
            if number and not isinstance(value, bool) and value >= 0:  # type: ignore[operator]
                return True
        elif get_origin(option) is tuple:
            if isinstance(value, list) and all(_fits(item, get_args(option)[0]) for item in value):
                return True
        elif get_origin(option) is dict and isinstance(value, dict):
            kind = get_args(option)[1]
            if all(isinstance(key, str) and _fits(item, kind) for key, item in value.items()):
                return True
    return False


def _is_whole(entry: object, kind: type) -> bool:
    """Whether a JSON object has the fields of a dataclass, each with a value of its type."""
    hints = get_type_hints(kind)
    return (
        isinstance(entry, dict)
        and set(entry) == set(hints)
        and all(_fits(entry[name], hint) for name, hint in hints.items())
    )


def _row(entry: object, index: int, name: str) -> Row:
    damaged = RecordError(f"{name} is a damaged record: row {index} is not as expected.")
    if not isinstance(entry, dict) or not _is_whole(entry, Row):
        raise damaged
    row = Row(**{**entry, "shape": tuple(entry["shape"])})
    if row.status not in ("ok", "failed", "skipped") or (row.status == "ok" and not row.p50_us):
        raise damaged
    return row


def folder() -> Path:
    """The project's ``benchmarks/``: beside the package, or in the current folder or above it."""
    beside = Path(__file__).resolve().parents[2] / "benchmarks"
    if beside.is_dir():
        return beside
    here = Path.cwd()
    for candidate in (here, *here.parents):
        if (candidate / "benchmarks").is_dir() and (candidate / "notebooks").is_dir():
            return candidate / "benchmarks"
    return beside


def latest(kind: str = "cuda", directory: str | os.PathLike | None = None) -> Record | None:
    """The record to show for a kind of device, or None if there is none yet.

    A finished run whose copies agree goes before one that is not, then one of more functions before
    one of fewer, so that a look at softmax alone does not hide the rest, then the newest.

    Args:
        kind: "cpu" or "cuda".
        directory: where the records are; default: the project's ``benchmarks/``.

    Raises:
        RecordError: a file in the folder is not a readable record.
        ValueError: another kind.
    """
    if kind not in COPY_BOUND:
        raise ValueError(f"unknown kind of device {kind!r}: use 'cpu' or 'cuda'")
    where = folder() if directory is None else Path(directory)
    found = [load(path) for path in sorted(where.glob("*.json"))] if where.is_dir() else []
    found = [record for record in found if record.kind == kind and record.rows]

    def worth(record: Record) -> tuple[bool, int, str]:
        functions = {row.function for row in record.rows}
        return record.finished and not record.unsteady, len(functions), record.utc

    return max(found, key=worth, default=None)


def no_record_message(kind: str = "cuda") -> str:
    """What a page says where a record would stand."""
    device, machine = ("GPU", "an NVIDIA GPU") if kind == "cuda" else ("CPU", "a quiet CPU")
    return (
        f"No {device} record yet. On a machine with {machine}, make one with\n"
        f"    python -m actlab bench --device {kind} --out benchmarks/{kind}.json"
    )
