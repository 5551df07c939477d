"""Time the activation functions against a copy of the same size, and record the result.

Every implementation is first checked against float64, then its bytes are counted and its time is
predicted from them, then it is measured in turns with the others and with a copy. The record is
written after every group of rows, so that Ctrl-C or a crash loses nothing that was finished.

  actlab bench --functions relu relu2 swiglu --sizes 2^20 2^22
  actlab bench --device cuda --dtypes bfloat16 float32 --out benchmarks/h200.json
  actlab bench --predict                     count bytes only, time nothing
  actlab bench --show benchmarks/cpu.json    print a record
  actlab bench --compare first.json second.json
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actbase.errors import CommandError, first_line
from actlab.bench import comparison, names, records
from actlab.bench.progress import Progress, duration
from actlab.functions import CATALOGUE, get

if TYPE_CHECKING:
    from actlab.bench.plan import Plan

USUAL_SIZES = {"cpu": (1 << 20,), "cuda": (1 << 20, 1 << 24, 1 << 28)}
SWEEP = tuple(1 << k for k in (14, 16, 18, 20, 22, 24, 26, 28, 29))
# Rows take longer than their timing: building buffers, checking, compiling.
_OVERHEAD = {"cpu": 4.0, "cuda": 3.0}
_COMPILE_SECONDS = 6.0  # for one function at one size and dtype, forward and backward


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``actlab bench``."""

    def several(flag: str, what: str, **extra: Any) -> None:
        parser.add_argument(flag, nargs="+", metavar="NAME", help=what, **extra)

    several("--functions", "names in the catalogue (default: all)")
    parser.add_argument(
        "--sizes",
        nargs="+",
        metavar="N",
        help="elements of the output: 1000000, 1e6 or 2^20; 'sweep' for 2^14 to 2^29 "
        "(default: 2^20; on a GPU 2^20 2^24 2^28)",
    )
    several(
        "--dtypes",
        f"of {', '.join(names.DTYPES)} (default: float32; on a GPU bfloat16)",
    )
    several("--modes", f"of {', '.join(names.MODES)} (default: all)")
    timed = [name for name in names.IMPLEMENTATIONS if name not in names.COUNTED_ONLY]
    several("--implementations", f"of {', '.join(timed)} (default: those that run here)")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: a GPU if any"
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="CPU threads of PyTorch (default: 1)"
    )
    parser.add_argument(
        "--columns",
        type=int,
        default=1024,
        metavar="N",
        help="length of a row for softmax and packed gates (default: 1024)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a rough look: fewer repeats, forward and backward only",
    )
    parser.add_argument(
        "--passes",
        type=int,
        choices=(1, 2),
        default=2,
        help="measure everything once, or twice to know how far runs lie apart (default: 2)",
    )
    parser.add_argument("--out", metavar="FILE", help="write the record here")
    parser.add_argument("--overwrite", action="store_true", help="let --out replace a file")
    parser.add_argument(
        "--note", default="", help="a sentence to store, such as whose machine it is"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--list", action="store_true", help="list functions and implementations")
    other.add_argument("--predict", action="store_true", help="count bytes; time nothing")
    other.add_argument("--show", metavar="FILE", help="print a record")
    other.add_argument(
        "--compare",
        nargs=2,
        metavar="FILE",
        help="say whether two records agree on every ratio that either claims (exit 1 if not)",
    )


def parse_size(text: str) -> int:
    """A size as people write it: 1000000, 1_000_000, 1e6, 2^20 or 2**20.

    Raises:
        CommandError: it is not a whole number from 1 to 2^40.
    """
    power = re.fullmatch(r"(\d{1,4})(?:\^|\*\*)(\d{1,3})", text)
    size = None
    if power:
        size = int(power[1]) ** int(power[2])
    elif re.fullmatch(r"[\d_]+", text) and text.strip("_"):
        size = int(text.replace("_", ""))
    elif re.fullmatch(r"\d+(\.\d+)?[eE]\+?\d{1,2}", text):
        size = int(float(text)) if float(text).is_integer() else None
    if size is None or not 1 <= size <= 1 << 40:
        raise CommandError(
            f"{text!r} is not a size: write a number of elements such as 1000000, 1e6 or 2^20."
        )
    return size


def _split(values: Sequence[str] | None) -> list[str]:
    """Names separated by spaces or commas, without repeats."""
    parts = [part for value in values or () for part in value.split(",") if part]
    return list(dict.fromkeys(parts))


def _known(given: list[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    for name in given:
        if name not in known:
            raise CommandError(f"{name!r} is not {what}: choose from {', '.join(known)}.")
    return tuple(given)


def _functions(given: list[str]) -> tuple[str, ...]:
    if not given:
        return tuple(CATALOGUE)
    try:
        return tuple(dict.fromkeys(get(name).name for name in given))
    except (ValueError, KeyError) as error:
        raise CommandError(str(error.args[0])) from error


def _need_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise CommandError("the benchmark needs PyTorch, which is not installed.", 1) from error


def _device(wanted: str) -> str:
    import torch

    if torch.cuda.is_available():
        return "cpu" if wanted == "cpu" else "cuda"
    if wanted == "cuda":
        raise CommandError(
            "PyTorch sees no NVIDIA GPU on this machine; leave out --device cuda to time the CPU.",
            1,
        )
    if wanted == "auto":
        print("No NVIDIA GPU here: timing the CPU.", file=sys.stderr)
    return "cpu"


def _plan(arguments: argparse.Namespace, device: str) -> Plan:
    from actlab.bench.plan import Plan
    from actlab.bench.protocol import QUICK

    sizes = _split(arguments.sizes)
    dtypes = _known(_split(arguments.dtypes), names.DTYPES, "a dtype")
    modes = _known(_split(arguments.modes), names.MODES, "a mode")
    given = _split(arguments.implementations)
    timed = [name for name in names.IMPLEMENTATIONS if name not in names.COUNTED_ONLY]
    implementations = _known(given, timed, "an implementation")
    cores = os.cpu_count() or 1
    if not 1 <= arguments.threads <= cores:
        raise CommandError(
            f"--threads has to be from 1 to {cores}, the cores of this machine, "
            f"and not {arguments.threads}."
        )
    if arguments.columns < 1:
        raise CommandError("--columns has to be at least 1.")
    if not implementations:
        implementations = tuple(n for n in names.USUAL[device] if n != "liger" or _has_liger())
    if not modes:
        modes = ("forward", "backward") if arguments.quick else names.MODES
    return Plan(
        functions=_functions(_split(arguments.functions)),
        sizes=SWEEP if sizes == ["sweep"] else tuple(map(parse_size, sizes)) or USUAL_SIZES[device],
        dtypes=dtypes or (("bfloat16",) if device == "cuda" else ("float32",)),
        modes=modes,
        implementations=implementations,
        device=device,
        threads=arguments.threads,
        columns=arguments.columns,
        effort=QUICK if arguments.quick else None,
        check_odd_sizes=not arguments.quick,
        passes=1 if arguments.quick else arguments.passes,
        caches=4 if device == "cuda" else 2,
    )


def _has_liger() -> bool:
    from importlib.util import find_spec

    return find_spec("liger_kernel") is not None


def _output_path(arguments: argparse.Namespace, run_id: str) -> Path:
    if not arguments.out:
        return Path(tempfile.gettempdir()) / f"actlab-bench-{run_id}.json"
    path = Path(arguments.out)
    if path.is_dir():
        raise CommandError(f"{path} is a folder: give the name of a file for --out.")
    if not path.parent.is_dir():
        raise CommandError(f"the folder {path.parent} does not exist, so nothing was measured.")
    if path.exists() and not arguments.overwrite:
        raise CommandError(f"{path} exists: choose another name, or add --overwrite.")
    return path


def _command_line(arguments: argparse.Namespace) -> str:
    """How to run this again, without the folders of this machine."""
    words = list(sys.argv[1:]) if sys.argv[1:2] == ["bench"] else ["bench"]
    if arguments.out:
        words = [word.replace(arguments.out, Path(arguments.out).name) for word in words]
    if "--note" in words:
        place = words.index("--note")
        del words[place : place + 2]
    return " ".join(["python -m actlab", *words])


def _load(name: str) -> records.Record:
    try:
        return records.load(name)
    except records.RecordError as error:
        raise CommandError(str(error)) from error


def run(arguments: argparse.Namespace) -> int:
    """Run ``actlab bench``; returns the exit code."""
    if arguments.show:
        from actlab.bench.report import ceilings, table

        record = _load(arguments.show)
        print(table(record, functions=_functions(_split(arguments.functions))))
        print(ceilings(record))
        return 0
    if arguments.compare:
        return _compare(*map(_load, arguments.compare))
    _need_torch()
    if arguments.list:
        return _list()
    if arguments.predict:
        from actlab.bench.report import prediction

        wanted = ("builtin", "composed", "builtin_packed", "composed_packed", "fused")
        dtype = (_known(_split(arguments.dtypes), names.DTYPES, "a dtype") or ("float32",))[0]
        print(prediction(_functions(_split(arguments.functions)), wanted, dtype))
        return 0
    return _measure(arguments)


def _list() -> int:
    from actlab.bench.cases import all_cases

    for item in all_cases():
        timed = [name for name in item.implementations() if name not in names.COUNTED_ONLY]
        print(f"{item.name:12} {' '.join(timed)}")
    return 0


def _compare(first: records.Record, second: records.Record) -> int:
    found = comparison.disagreements(first, second)
    for sentence in found:
        print(sentence)
    claimed = len(comparison.claims(first)), len(comparison.claims(second))
    if 0 in claimed:
        print("At least one of the records claims nothing, so there is little to compare.")
    if not found:
        print(f"The records claim {claimed[0]} and {claimed[1]} ratios and agree on all of them.")
    return 1 if found else 0


def _measure(arguments: argparse.Namespace) -> int:
    from actlab.bench.report import ceilings, table, warnings
    from actlab.bench.runner import Runner

    plan = _plan(arguments, _device(arguments.device))
    runner = Runner(plan)
    record = runner.new_record(_command_line(arguments), arguments.note)
    path = _output_path(arguments, record.run_id)
    total = plan.row_count()
    seconds = total * runner.timer.effort.seconds * _OVERHEAD[plan.device]
    compiled = [name for name in plan.implementations if name.startswith("compiled")]
    sizes = len(plan.functions) * len(plan.sizes) * len(plan.dtypes)
    seconds += _COMPILE_SECONDS * len(compiled) * sizes
    print(
        f"{total} rows on {record.device['name']}, about {duration(seconds)}; the record goes to "
        f"{path}",
        file=sys.stderr,
    )
    progress = Progress(total)
    saved, cost = -math.inf, 0.0

    def keep(current: records.Record, rows: list[records.Row]) -> None:
        nonlocal saved, cost
        start = time.monotonic()
        # A long record takes long to write: spend little of the run on that.
        if current.finished or start - saved > 20 * cost:
            try:
                records.save(current, path)
            except records.RecordError as error:
                raise CommandError(str(error), 1) from error
            saved = time.monotonic()
            cost = saved - start
        if rows:
            timed = sum(row.implementation != "copy" for row in rows)
            progress.advance(timed, f"{rows[0].function} {rows[0].mode} {rows[0].dtype}")

    code = 0
    try:
        runner.run(record, keep)
    except KeyboardInterrupt:
        records.save(record, path)
        code = 130
    except RuntimeError as error:
        # After an illegal access every call into the GPU fails, even the question for free memory.
        records.save(record, path)
        why = first_line(error) or "no reason given"
        raise CommandError(
            f"the run broke off with {type(error).__name__}: {why} "
            f"({len(record.rows)} finished rows are kept in {path}).",
            1,
        ) from error
    finally:
        progress.close()
    print(table(record))
    if record.ceilings:
        print(ceilings(record))
    sys.stdout.flush()
    if code == 130:
        print(f"Interrupted: {len(record.rows)} finished rows are kept in {path}", file=sys.stderr)
        return code
    print(f"The record is in {path}", file=sys.stderr)
    for warning in warnings(record):
        print(warning, file=sys.stderr)
    return 1 if record.unsteady else 0
