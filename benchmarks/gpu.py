"""Make the course's GPU record: check every kernel, then time everything, most valuable rows first.

  python benchmarks/gpu.py --out gpu                      all steps, ends by itself within 9 minutes
  python benchmarks/gpu.py --out gpu --seconds 240        go on where the last call stopped
  python benchmarks/gpu.py --out gpu --only block tune    these steps again
  python benchmarks/gpu.py --out gpu --rehearse           the same steps, tiny, on this CPU

Each step is a command of its own, run only if its usual time still fits; what is finished stays in
the folder and is not run again. `prepare` runs the kernels' self-test and, beside it, compiles what
later steps time, in as many processes as there are cores: nothing that it times is kept.

The folder then holds one JSON a step of the benchmark (`python -m actlab bench --show FILE`), the
self-test's and the tuner's text, and `steps.json`, which says what ran, for how long and how it
ended.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
SIZE = "2^28"
TUNED = ("relu", "gelu", "silu", "swiglu", "softmax")
# Widths of the feed-forward layers of released models; the last one is where register pressure is
# known to make a fused kernel collapse.
WIDTHS = (4096, 11008, 14336, 29568)
_MOST_ELEMENTS = 1 << 28


@dataclass(frozen=True)
class Step:
    """One command of the run.

    Attributes:
        name: in `steps.json` and after `--only`.
        commands: run at the same time, each with its output in a text file of its own.
        seconds: what the step usually takes; it is not begun if less is left.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    seconds: float


@dataclass
class Outcome:
    """How a step ended: its seconds and the exit codes of its commands."""

    seconds: float
    codes: list[int | None] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether every command ended by itself; a self-test that fails has ended, too."""
        return bool(self.codes) and all(code in (0, 1) for code in self.codes)


def bench(out: Path, name: str, *options: str, quick: bool = False) -> tuple[str, ...]:
    """The command that records one part of the benchmark."""
    command = (PYTHON, "-m", "actlab", "bench", *options, "--modes", "forward", "backward")
    effort = ("--quick",) if quick else ("--passes", "1")
    return (*command, *effort, "--out", str(out / f"{name}.json"), "--overwrite")


def _parts(items: Sequence[str], count: int) -> list[tuple[str, ...]]:
    return [part for start in range(count) if (part := tuple(items[start::count]))]


def _catalogue() -> tuple[list[str], list[str]]:
    """Names of all functions, and of all checks of the self-test."""
    from actlab.functions import CATALOGUE
    from actlab.kernels.selftest import checks

    return list(CATALOGUE), list(checks())


def steps(out: Path, cores: int) -> list[Step]:
    """What to run on a GPU, in this order."""
    functions, checks = _catalogue()
    device = ("--device", "cuda")
    half = max(1, cores // 2)
    scratch = out / "scratch"
    prepare = [
        (PYTHON, "-m", "actlab.kernels.selftest", "--exact", *part) for part in _parts(checks, half)
    ]
    prepare += [
        bench(
            scratch, f"warm-{number}", *device, "--sizes", SIZE, "--dtypes", "bfloat16", "float32",
            "--functions", *part, quick=True,
        )
        for number, part in enumerate(_parts(functions, half))
    ]  # fmt: skip
    rows = ("--functions", "softmax", "log_softmax", "--dtypes", "bfloat16", "float32")
    return [
        Step("prepare", tuple(prepare), 150),
        Step("cuda", (bench(out, "cuda", *device, "--sizes", SIZE),), 150),
        Step(
            "rows-32768",
            (bench(out, "cuda-rows-32768", *device, "--sizes", SIZE, "--columns", "32768", *rows),),
            25,
        ),
        Step(
            "rows-131072",
            (
                bench(
                    out, "cuda-rows-131072", *device, "--sizes", SIZE, "--columns", "131072", *rows
                ),
            ),
            25,
        ),
        *(
            Step(
                f"width-{width}",
                (
                    bench(
                        out, f"cuda-width-{width}", *device,
                        "--sizes", str(_MOST_ELEMENTS // width // 8 * 8 * width),
                        "--columns", str(width), "--functions", "swiglu", "geglu",
                    ),
                ),
                20,
            )
            for width in WIDTHS
        ),
        Step("block", ((PYTHON, "benchmarks/gpu_block.py", "--out", str(out / "block.json")),), 45),
        Step(
            "float32",
            (bench(out, "cuda-float32", *device, "--sizes", SIZE, "--dtypes", "float32"),),
            150,
        ),
        Step("tune", ((PYTHON, "-m", "actlab.kernels.tune", *TUNED, "--size", SIZE),), 120),
    ]  # fmt: skip


def rehearsal(out: Path) -> list[Step]:
    """The same kinds of steps where there is no GPU: tiny, on the CPU, kernels interpreted."""
    device = ("--device", "cpu", "--sizes", "2^12")
    return [
        Step("prepare", ((PYTHON, "-m", "actlab.kernels.selftest", "--exact", "relu"),), 20),
        Step("cuda", (bench(out, "cuda", *device, "--functions", "relu", quick=True),), 10),
        Step(
            "block",
            ((PYTHON, "benchmarks/gpu_block.py", "--tiny", "--out", str(out / "block.json")),),
            10,
        ),
    ]


def run_commands(step: Step, out: Path, seconds: float) -> list[int | None]:
    """Run a step's commands side by side; None for one that had to be ended.

    The first Ctrl-C-like signal lets the benchmark keep its finished rows; what does not end then
    is killed.
    """
    running = []
    for number, command in enumerate(step.commands):
        suffix = f"-{number}" if len(step.commands) > 1 else ""
        log = (out / f"{step.name}{suffix}.txt").open("wb")
        running.append(
            (subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT), log)
        )
    deadline = time.monotonic() + seconds
    codes: list[int | None] = []
    for process, log in running:
        try:
            codes.append(process.wait(max(0.0, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            process.send_signal(2)
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            codes.append(None)
        log.close()
    return codes


def load(path: Path) -> dict[str, Outcome]:
    """The outcomes of earlier calls."""
    if not path.exists():
        return {}
    return {name: Outcome(**found) for name, found in json.loads(path.read_text()).items()}


def save(path: Path, outcomes: dict[str, Outcome]) -> None:
    """Write the outcomes in one step."""
    text = json.dumps({name: vars(found) for name, found in outcomes.items()}, indent=1)
    draft = path.with_suffix(".tmp")
    draft.write_text(text + "\n")
    draft.replace(path)


def pack(out: Path, archive: Path) -> None:
    """Put the folder, without scratch, into one archive."""
    draft = archive.with_name(archive.name + ".part")
    with tarfile.open(draft, "w:gz") as tar:
        for path in sorted(out.iterdir()):
            if path.is_file():
                tar.add(path, arcname=path.name)
    draft.replace(archive)


def run(
    planned: Sequence[Step],
    out: Path,
    seconds: float,
    only: Sequence[str] = (),
    archive: Path | None = None,
    execute: Callable[[Step, Path, float], list[int | None]] = run_commands,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Outcome]:
    """Run the steps that are not finished and still fit into ``seconds``; returns all outcomes."""
    outcomes = load(out / "steps.json")
    start = clock()
    for step in planned:
        if only and step.name not in only:
            continue
        if not only and step.name in outcomes and outcomes[step.name].finished:
            continue
        left = seconds - (clock() - start)
        # Half of the usual time is enough to begin: the benchmark keeps the rows that it finished.
        if left < step.seconds / 2:
            print(f"{step.name}: left for another call ({left:.0f} s left)", flush=True)
            continue
        began = clock()
        codes = execute(step, out, left)
        outcomes[step.name] = Outcome(round(clock() - began, 1), codes)
        save(out / "steps.json", outcomes)
        if archive is not None:
            pack(out, archive)
        state = "finished" if outcomes[step.name].finished else "stopped early"
        print(f"{step.name}: {state} in {clock() - began:.0f} s, exit {codes}", flush=True)
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/gpu.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if missing")
    parser.add_argument("--seconds", type=float, default=540, help="end by then (default: 540)")
    parser.add_argument("--only", nargs="+", default=(), metavar="STEP", help="these, again")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="also pack all into this")
    parser.add_argument("--rehearse", action="store_true", help="tiny, on the CPU")
    options = parser.parse_args(arguments)
    out = options.out.resolve()
    (out / "scratch").mkdir(parents=True, exist_ok=True)
    if options.rehearse:
        os.environ["TRITON_INTERPRET"] = "1"
        planned = rehearsal(out)
    else:
        import torch

        if not torch.cuda.is_available():
            print("PyTorch sees no NVIDIA GPU here; try --rehearse.", file=sys.stderr)
            return 2
        planned = steps(out, os.cpu_count() or 2)
    unknown = set(options.only) - {step.name for step in planned}
    if unknown:
        known = ", ".join(step.name for step in planned)
        print(f"no step is called {', '.join(sorted(unknown))}: there are {known}", file=sys.stderr)
        return 2
    archive = options.archive.resolve() if options.archive else None
    outcomes = run(planned, out, options.seconds, options.only, archive)
    shutil.rmtree(out / "scratch", ignore_errors=True)
    missing = [s.name for s in planned if s.name not in outcomes or not outcomes[s.name].finished]
    if missing:
        print(f"not finished: {', '.join(missing)}; call again with the same --out")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
