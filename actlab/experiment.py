"""Records of experiments that take longer than a chapter may.

A script ``experiments/NN_name.py`` does its work in units, and hands the finished rows of each unit
to a :class:`Record`. The record is one CSV file, ``experiments/records/NN_name.csv``, that is whole
at any moment: a run that is killed goes on where it stopped. Next to it ``NN_name.json`` says where
the numbers come from. A chapter reads them with :func:`load`.

The whole of such a script::

    \"\"\"Does GELU beat ReLU on fresh data? …\"\"\"

    from actlab import experiment


    def main(argv: list[str] | None = None) -> None:
        options = experiment.options(__file__, __doc__, argv)
        seeds = 2 if options.quick else 28
        with experiment.Record(options, key=["function"], settings={"seeds": seeds}) as record:
            for unit in record.todo([{"function": "relu"}, {"function": "gelu"}]):
                scores = ...
                record.add({**unit, "seed": s, "accuracy": a} for s, a in enumerate(scores))


    if __name__ == "__main__":
        main()

:meth:`Record.run` does the same with several processes.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import importlib.metadata
import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType

import numpy as np

from actbase.files import replace_file, write_json

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "experiments" / "records"
SCHEMA = "actlab-experiment"
SCHEMA_VERSION = 1
_PACKAGES = ("scipy", "scikit-learn", "mnist1d")

Row = Mapping[str, object]


class RecordError(ValueError):
    """A record cannot be read or continued; the message is one sentence."""


# --- writing --------------------------------------------------------------------------------------


def options(
    script: str,
    description: str | None,
    argv: Sequence[str] | None = None,
    parser: argparse.ArgumentParser | None = None,
) -> argparse.Namespace:
    """Parse the command line that all experiments share.

    ``--quick`` shrinks the run to seconds, for a test, and writes to a temporary folder unless told
    otherwise; ``--out`` names the folder of the record, else ``$ACTLAB_RECORDS``, else
    ``experiments/records``.

    Args:
        script: ``__file__`` of the experiment; its name is that of the record.
        description: ``__doc__`` of the experiment, shown by ``--help``.
        argv: arguments without the program's name; None takes those of the process.
        parser: with further options already added.

    Returns:
        The options, with ``name`` (of the record), ``out`` (a Path), ``quick`` and ``command``.
    """
    path = Path(script)
    parser = parser or argparse.ArgumentParser()
    parser.prog = f"python experiments/{path.name}"
    parser.description = description
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        f"example:\n  python experiments/{path.name} --quick --out /tmp/try\n"
        "Run again after an interruption, it continues. Progress goes to stderr."
    )
    parser.add_argument("--quick", action="store_true", help="a tiny run that only shows it works")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the record goes")
    found = parser.parse_args(argv)
    if found.out is None and found.quick:
        found.out = Path(tempfile.mkdtemp(prefix="actlab-quick-"))
    found.out = Path(found.out or os.environ.get("ACTLAB_RECORDS") or RECORDS)
    found.name = path.stem
    found.script = path.resolve()
    given = sys.argv[1:] if argv is None else argv
    found.command = shlex.join(["python", f"experiments/{path.name}", *given])
    return found


class Record:
    """The CSV file of an experiment and its provenance, written unit by unit.

    Use it as a context manager: leaving the block without an error marks the record complete.

    Args:
        options: what :func:`options` returned.
        key: columns that name a unit of work. All rows of a unit are added together, so a unit is
            done when one row has its key.
        settings: what the numbers depend on (seeds, steps, sizes). A record made with other
            settings is not continued.

    Raises:
        RecordError: there is a record with other settings or another key, or it is damaged.
    """

    def __init__(
        self, options: argparse.Namespace, key: Sequence[str], settings: Row | None = None
    ) -> None:
        self.csv = Path(options.out) / f"{options.name}.csv"
        self.json = self.csv.with_suffix(".json")
        self.key = list(key)
        self._began = time.monotonic()
        self._columns: list[str] = []
        self._rows: list[dict[str, str]] = []
        self._added = 0
        settings = json.loads(json.dumps({"quick": options.quick, **(settings or {})}))
        self._about: dict = {
            "schema": SCHEMA,
            "version": SCHEMA_VERSION,
            "name": options.name,
            "settings": settings,
            "key": self.key,
            "complete": False,
            "rows": 0,
            "seconds": 0.0,
            "sessions": [],
        }
        if self.csv.exists() or self.json.exists():
            self._resume(settings)
        self._session = _provenance(options)
        self._earlier = float(self._about["seconds"])
        self._about["sessions"].append(self._session)

    def _resume(self, settings: Mapping[str, object]) -> None:
        about = provenance(self.json)
        if about["settings"] != settings or about["key"] != self.key:
            raise RecordError(
                f"{self.csv} was made with other settings ({about['settings']}); "
                "move it away or give another --out"
            )
        self._about = {**about, "complete": False}
        if self.csv.exists():
            self._columns, self._rows = _read_csv(self.csv)

    def rows(self) -> list[dict[str, str]]:
        """The rows so far, every value as the text that the file holds."""
        return [dict(row) for row in self._rows]

    def __contains__(self, unit: Row) -> bool:
        wanted = tuple(_text(unit[column]) for column in self.key)
        return any(tuple(row[column] for column in self.key) == wanted for row in self._rows)

    def todo(self, units: Iterable[Row]) -> Iterator[Row]:
        """Yield the units that have no rows yet, and tell stderr how far the run is."""
        units = list(units)
        for number, unit in enumerate(units, 1):
            if unit in self:
                continue
            name = " ".join(str(unit[column]) for column in self.key)
            passed = time.monotonic() - self._began
            self.say(f"[{number}/{len(units)}] {name} ({passed:.0f} s)")
            yield unit

    def run(
        self, units: Iterable[Row], work: Callable[[Row], Iterable[Row]], jobs: int = 1
    ) -> None:
        """Add the rows of every missing unit, computed by ``jobs`` processes of one thread each.

        Args:
            units: in the order in which to start them; rows are added as they are finished.
            work: gives the rows of a unit; at the top level of the script, so that another process
                can find it.
            jobs: how many processes; 1 works in this one.
        """
        if jobs == 1:
            for unit in self.todo(units):
                self.add(work(unit))
            return
        left = [dict(unit) for unit in units if unit not in self]
        with ProcessPoolExecutor(jobs, initializer=_one_thread) as pool:
            running = {pool.submit(_listed, work, unit): unit for unit in left}
            for number, done in enumerate(as_completed(running), 1):
                self.add(done.result())
                name = " ".join(str(running[done][column]) for column in self.key)
                passed = time.monotonic() - self._began
                self.say(f"[{number}/{len(left)}] {name} done ({passed:.0f} s)")

    def say(self, text: str) -> None:
        """Write one line of progress to stderr."""
        print(f"{self.csv.stem}: {text}", file=sys.stderr, flush=True)

    def add(self, rows: Row | Iterable[Row]) -> None:
        """Append the finished rows of one unit, all of them or none, and save.

        Raises:
            RecordError: a row lacks a column of the key, or has other columns than the first.
        """
        rows = [rows] if isinstance(rows, Mapping) else list(rows)
        for row in rows:
            columns = self._columns or list(row)
            if missing := [column for column in self.key if column not in row]:
                raise RecordError(f"a row lacks the key column {missing[0]!r}")
            if set(row) != set(columns):
                raise RecordError(f"a row has the columns {list(row)}, the record {columns}")
            self._columns = columns
        self._rows += [{column: _text(row[column]) for column in self._columns} for row in rows]
        self._added += len(rows)
        self._save(complete=False)

    def _save(self, complete: bool) -> None:
        seconds = time.monotonic() - self._began
        self._session.update(rows=self._added, seconds=round(seconds, 1))
        self._about.update(
            rows=len(self._rows), seconds=round(self._earlier + seconds, 1), complete=complete
        )
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        # Provenance first: rows without it are refused; its counts are made anew at each save.
        self.json.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.json, self._about)
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.csv, text.getvalue().encode())

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            if not self._added and self._rows:  # nothing was left to do: keep the record as it is
                self._about["sessions"].pop()
            self._save(complete=True)
            self.say(f"{len(self._rows)} rows in {self.csv}")


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _listed(work: Callable[[Row], Iterable[Row]], unit: Row) -> list[Row]:
    return list(work(unit))


def _text(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    return str(value)


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=20, check=True, cwd=ROOT
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _provenance(options: argparse.Namespace) -> dict:
    """Where the rows of this run come from; what cannot be read is None."""
    import torch

    from actlab.bench.provenance import device, software, utc_now

    digest = hashlib.sha256()
    for path in [*sorted((ROOT / "actlab").rglob("*.py")), options.script]:
        digest.update(path.read_bytes())
    top = _git("rev-parse", "--show-toplevel")
    inside = top is not None and Path(top).resolve() == ROOT
    changed = _git("status", "--porcelain", "--", "actlab", "experiments/*.py") if inside else None
    versions = software()
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "utc": utc_now(),
        "command": options.command,
        "commit": _git("rev-parse", "HEAD") if inside else None,
        "dirty": None if changed is None else bool(changed),
        "source_sha256": digest.hexdigest(),
        "software": versions,
        "cpu": device("cpu", torch.get_num_threads())["name"],
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "rows": 0,
        "seconds": 0.0,
    }


# --- reading --------------------------------------------------------------------------------------


class Table(dict):
    """Columns of a record by name: int64, float64 or str arrays of one length.

    Attributes:
        about: the record's provenance, see :func:`provenance`.
    """

    about: dict

    def __init__(self, columns: Mapping[str, np.ndarray], about: dict | None = None) -> None:
        super().__init__(columns)
        self.about = about or {}

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(next(iter(self.values()))) if self else 0

    def where(self, **wanted: object) -> Table:
        """The rows whose columns equal the given values, in the order of the file.

        Raises:
            KeyError: there is no such column.
            ValueError: no row fits; a spelling mistake would otherwise be an empty mean.
        """
        keep = np.ones(self.size, bool)
        for column, value in wanted.items():
            keep &= self[column] == value
        if not keep.any():
            raise ValueError(f"no row of the record has {wanted}")
        return Table({name: column[keep] for name, column in self.items()}, self.about)

    def levels(self, column: str) -> list:
        """The different values of a column, in the order of their first appearance."""
        return list(dict.fromkeys(self[column].tolist()))

    def grid(self, value: str, *factors: str) -> np.ndarray:
        """The column ``value`` as an array with one axis for each factor, in order of levels.

        Raises:
            ValueError: a combination is missing or there twice.
        """
        levels = [self.levels(factor) for factor in factors]
        found = np.full([len(level) for level in levels], np.nan)
        filled = np.zeros(found.shape, int)
        for row in range(self.size):
            at = tuple(
                level.index(self[factor][row].item())
                for level, factor in zip(levels, factors, strict=True)
            )
            found[at] = self[value][row]
            filled[at] += 1
        if not (filled == 1).all():
            raise ValueError(f"{', '.join(factors)} do not name each row exactly once")
        return found

    def rows(self) -> list[dict]:
        """One dict a row, with Python's own numbers and strings."""
        lists = [column.tolist() for column in self.values()]
        return [dict(zip(self, values, strict=True)) for values in zip(*lists, strict=True)]


def load(name: str, folder: Path | None = None) -> Table:
    """Read the record of an experiment.

    A column is int64 if all its entries are whole numbers, else float64 if all are numbers ("nan"
    and "inf" are), else str.

    Args:
        name: such as "15_seeds".
        folder: where it lies; None takes the repository's ``experiments/records``.

    Raises:
        RecordError: there is no such record, or it is not a whole one.
    """
    path = Path(folder or RECORDS) / f"{name}.csv"
    if not path.exists():
        raise RecordError(f"no record {path}; make it with: python experiments/{name}.py")
    about = provenance(path.with_suffix(".json"))
    columns, rows = _read_csv(path)
    return Table({c: _column([row[c] for row in rows]) for c in columns}, about)


def provenance(path: Path) -> dict:
    """Where a record's numbers come from.

    Returns:
        ``settings``, ``complete``, ``rows``, ``seconds`` and ``sessions``: for each run that added
        rows its time, command, commit, hash of the source, versions, CPU and GPU.

    Raises:
        RecordError: the file is missing or of another kind.
    """
    try:
        about = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise RecordError(f"{path} is missing or damaged") from None
    if not isinstance(about, dict) or about.get("schema") != SCHEMA:
        raise RecordError(f"{path} does not belong to a record of an experiment")
    if about.get("version") != SCHEMA_VERSION:
        raise RecordError(f"{path} has version {about.get('version')}; known is {SCHEMA_VERSION}")
    return about


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        rows = list(reader)
    columns = list(reader.fieldnames or [])
    if any(None in row or None in row.values() for row in rows):
        raise RecordError(f"{path} has a row of the wrong length")
    return columns, rows


def _column(entries: list[str]) -> np.ndarray:
    for kind in (np.int64, np.float64):
        with contextlib.suppress(ValueError, OverflowError):
            return np.array([kind(entry) for entry in entries], kind)
    return np.array(entries, str)
