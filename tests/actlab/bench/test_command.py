"""``actlab bench`` from the outside: options, exit codes, files, Ctrl-C, out of memory."""

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from actbase.errors import CommandError
from actlab import bench, kernels
from actlab.bench import calls, chapter, command, memory, runner
from actlab.bench.plan import Plan, numpy_function
from actlab.bench.progress import Progress, duration
from actlab.bench.protocol import Effort
from actlab.bench.runner import Runner
from actlab.cli import main

torch.set_num_threads(1)
TINY = Effort(seconds=0.0, rounds=(2, 2))
SMALL = ["bench", "--device", "cpu", "--quick", "--sizes", "4096"]


def run_plan(**given):
    plan = Plan(**{"functions": ("relu",), "sizes": (4096,), "effort": TINY, **given})
    plan.validate()
    made = Runner(plan)
    return made.run(made.new_record(), lambda record, rows: None)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1000", 1000),
        ("1_000", 1000),
        ("1e6", 10**6),
        ("1.5e3", 1500),
        ("2^20", 1 << 20),
        ("2**3", 8),
    ],
)
def test_sizes_as_people_write_them(text, size):
    assert command.parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "ten", "1.5", "2^", "2^99", "1e300", "_", "1.23e1"]
)
def test_other_sizes_are_refused(text):
    with pytest.raises(CommandError, match="is not a size"):
        command.parse_size(text)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--functions", "relo"], "relu"),
        (["--dtypes", "int8"], "bfloat16"),
        (["--modes", "sideways"], "backward"),
        (["--implementations", "fused"], "builtin"),
        (["--sizes", "huge"], "not a size"),
        (["--threads", "0"], "--threads"),
        (["--columns", "0"], "--columns"),
        (["--out", "."], "is a folder"),
        (["--out", "no/such/folder.json"], "does not exist"),
        (["--show", "nothing.json"], "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, arguments, says):
    assert main([*SMALL, *arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert says in error[-1]
    assert error[-1].startswith("actlab bench: ")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_asking_for_a_gpu_that_is_not_there_is_an_honest_no(capsys):
    assert main(["bench", "--device", "cuda"]) == 1
    assert "no NVIDIA GPU" in capsys.readouterr().err


def test_a_run_prints_a_table_and_writes_a_record(capsys, tmp_path):
    path = tmp_path / "r.json"
    arguments = [*SMALL, "--functions", "relu2,swiglu", "--out", str(path), "--note", "A test."]
    assert main(arguments) in (0, 1)  # 1 when the copies of a busy machine disagree
    shown = capsys.readouterr()
    assert "relu2" in shown.out
    assert "A test." in shown.out
    assert "rows on" in shown.err
    record = bench.load(path)
    assert record.finished
    assert {row.function for row in record.rows} == {"relu2", "swiglu"}
    assert {row.implementation for row in record.rows} == {"copy", "composed", "composed_packed"}
    assert all(row.status == "ok" and row.poisoned is not None for row in record if row.error)
    assert str(tmp_path) not in path.read_text()
    assert main([*arguments[:-2]]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["bench", "--show", str(path)]) == 0
    assert "swiglu" in capsys.readouterr().out
    assert main(["bench", "--compare", str(path), str(path)]) == 0
    assert "agree on all" in capsys.readouterr().out


def test_contradicting_records_give_exit_code_1(capsys, tmp_path):
    from test_records import make, row

    bench.save(make([row("builtin", 10.0), row("composed", 20.0)]), tmp_path / "a.json")
    bench.save(make([row("builtin", 20.0), row("composed", 10.0)]), tmp_path / "b.json")
    assert main(["bench", "--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 1
    assert "in one run and" in capsys.readouterr().out


def test_predict_and_list_time_nothing(capsys, monkeypatch):
    monkeypatch.setattr(runner, "Runner", None)
    assert main(["bench", "--predict", "--functions", "relu2"]) == 0
    assert "3.33" in capsys.readouterr().out
    assert main(["bench", "--list"]) == 0
    assert "swiglu" in capsys.readouterr().out


def test_ctrl_c_keeps_finished_rows(tmp_path):
    path = tmp_path / "r.json"
    words = ["-m", "actlab", "bench", "--device", "cpu", "--sizes", "2^14", "--out", str(path)]
    process = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if path.exists() and json.loads(path.read_text())["rows"]:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert "Interrupted" in error
    assert "Traceback" not in error
    assert "stopped before its end" in out
    record = bench.load(path)
    assert record.rows
    assert not record.finished


def test_a_device_that_fails_for_good_keeps_finished_rows(capsys, tmp_path, monkeypatch):
    asked = 0
    free = runner.free_bytes

    def breaks_later(device):
        nonlocal asked
        asked += 1
        if asked > 5:
            raise RuntimeError("CUDA error: an illegal memory access\nCompile with TORCH_USE...")
        return free(device)

    monkeypatch.setattr(runner, "free_bytes", breaks_later)
    path = tmp_path / "r.json"
    words = ["--device", "cpu", "--sizes", "2^14", "--functions", "relu", "elu", "selu", "--quick"]
    assert main(["bench", *words, "--out", str(path)]) == 1
    error = capsys.readouterr().err
    assert "broke off with RuntimeError: CUDA error: an illegal memory access (" in error
    assert "Traceback" not in error
    record = bench.load(path)
    assert f"{len(record.rows)} finished rows are kept" in error
    assert record.rows
    assert not record.finished


def test_importing_the_package_loads_neither_torch_nor_matplotlib():
    code = (
        "import sys, actlab.bench, actlab.bench.command, actlab.bench.records; "
        "actlab.bench.latest, actlab.bench.no_record_message(); "
        "print({'torch', 'matplotlib', 'triton'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"


def test_a_wrong_implementation_is_reported_and_not_timed():
    record = run_plan(extra={"relu": {"off": lambda x: torch.relu(x) + 0.1}}, modes=("forward",))
    [row] = record.select(implementation="off")
    assert row.status == "failed"
    assert row.p50_us is None
    assert "not timed" in row.reason
    assert record.select(implementation="builtin")[0].status == "ok"


def test_an_implementation_that_raises_does_not_stop_the_others():
    def breaks(x):
        raise TypeError("no such thing\nsecond line")

    record = run_plan(extra={"relu": {"breaks": breaks}}, modes=("forward",))
    [row] = record.select(implementation="breaks")
    assert (row.status, row.reason) == ("failed", "it raised TypeError: no such thing")
    assert record.finished


def test_running_out_of_memory_marks_the_row_and_goes_on():
    def hungry(x):
        if x.numel() == 4096:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 TiB")
        return torch.relu(x)

    record = run_plan(functions=("relu", "gelu"), extra={"relu": {"hungry": hungry}})
    rows = record.select(implementation="hungry")
    assert {row.status for row in rows} == {"skipped"}
    assert all("out of memory" in row.reason for row in rows)
    assert all(row.status == "ok" for row in record if row.implementation != "hungry")
    assert record.finished


def test_running_out_of_memory_during_timing_marks_the_row_and_goes_on():
    attempts = iter(range(1000))

    def hungry_later(x):
        if next(attempts) > 9 and not x.requires_grad:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return torch.relu(x)

    record = run_plan(extra={"relu": {"hungry": hungry_later}}, modes=("forward",))
    [row] = record.select(implementation="hungry")
    assert (row.status, row.reason) == ("skipped", "out of memory")
    assert record.select(implementation="builtin")[0].status == "ok"


def test_a_size_that_does_not_fit_is_skipped_with_both_numbers(monkeypatch):
    monkeypatch.setattr(runner, "free_bytes", lambda device: 40_000)
    record = run_plan(modes=("forward",))
    assert all(row.status == "skipped" for row in record)
    assert "GiB are free" in record.rows[0].reason
    assert record.finished


def test_fewer_sets_are_used_when_memory_is_short(monkeypatch):
    monkeypatch.setattr(runner, "free_bytes", lambda device: 5_000_000)
    assert 0 < run_plan(modes=("forward",)).rows[0].sets < calls.MOST_SETS


def test_two_passes_fill_one_row_each():
    rows = []
    plan = Plan(functions=("relu", "silu"), sizes=(4096,), effort=TINY, passes=2)
    made = Runner(plan)
    record = made.run(made.new_record(), lambda _, new: rows.extend(new))
    assert len(rows) == 2 * len(record.rows)
    assert len({(row.group, row.implementation) for row in record.rows}) == len(record.rows)
    assert all(row.pass_difference is not None for row in record.rows)
    assert all(row.samples == 4 for row in record.rows if row.implementation != "copy")
    assert record.rows[0].function == "relu"


def test_numpy_functions_are_timed_beside_torch_and_have_no_graph():
    mine = numpy_function(lambda x: np.maximum(x, 0), lambda g, x: (g * (x > 0),))
    forward_only = numpy_function(lambda x: np.maximum(x, 0))
    record = run_plan(
        extra={"relu": {"mine": mine, "forward only": forward_only}}, implementations=("numpy",)
    )
    modes = {
        name: [r.mode for r in record.select(implementation=name)] for name in ("mine", "numpy")
    }
    assert modes["mine"] == modes["numpy"] == ["forward", "backward", "both"]
    assert [row.mode for row in record.select(implementation="forward only")] == ["forward"]
    assert all(row.status == "ok" for row in record)


def test_dtypes_without_numpy_are_skipped_with_a_reason():
    record = run_plan(
        dtypes=("bfloat16",), implementations=("builtin", "numpy"), modes=("forward",)
    )
    assert record.select(implementation="numpy")[0].reason == "NumPy has no bfloat16"
    assert record.select(implementation="builtin")[0].status == "ok"


def test_kernels_that_overwrite_their_inputs_are_not_repeated():
    item = bench.case("swiglu").implementation("composed")
    destructive = runner.Implementation("destructive", item.call, overwrites=True)
    record = run_plan(functions=("swiglu",), extra={"swiglu": {"destructive": destructive}})
    found = {row.mode: row.status for row in record.select(implementation="destructive")}
    assert found["forward"] == "ok"
    assert found["backward"] == found["both"] == "skipped"


def test_the_runner_puts_back_what_it_changes():
    before = torch.get_num_threads()
    run_plan(threads=2, modes=("forward",))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"functions": ("relo",)}, "relu"),
        ({"modes": ("up",)}, "mode"),
        ({"dtypes": ("int8",)}, "dtype"),
        ({"implementations": ("magic",)}, "implementation"),
        ({"sizes": (0,)}, "at least 1"),
    ],
)
def test_a_plan_refuses_unknown_names(given, says):
    with pytest.raises(ValueError, match=says):
        run_plan(**given)


def test_chapter_benchmark_and_figure():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    rows = bench.chapter_benchmark(["relu", "swiglu"], n=4096, effort=TINY)
    assert {row.mode for row in rows} == {"forward", "backward"}
    drawn = bench.figure(rows)
    assert len(drawn.axes) == 1
    recorded = bench.figure(rows, record=rows)
    assert len(recorded.axes) == 2
    assert recorded.axes[1].get_xlabel() == "time ÷ time of a same-size copy"
    ticks = recorded.axes[0].get_yticklabels()
    assert len(ticks) == len([row for row in rows if row.implementation != "copy"])
    heights = recorded.axes[0].get_yticks()
    apart = [b - a for a, b in itertools.pairwise(heights)]
    assert {round(d, 3) for d in apart} == {1.0, 1.4}  # functions and passes stand apart
    empty = bench.figure(rows, record=bench.chapter_benchmark(["elu"], n=4096, effort=TINY))
    assert len(empty.axes) == 1  # the record knows none of these functions
    for made in (drawn, recorded, empty):
        matplotlib.pyplot.close(made)


class PretendedGpu:
    """A runner that times this CPU and calls it a GPU, or fails as a GPU does."""

    def __init__(self, plan, breaks=None):
        self.plan, self.breaks = plan, breaks
        self.on_cpu = Runner(replace(plan, device="cpu", sizes=(4096,), effort=TINY))

    def new_record(self):
        record = self.on_cpu.new_record()
        record.device.update(kind="cuda", name="Pretended GPU")
        return record

    def run(self, record, on_group):
        if self.breaks:
            raise RuntimeError(self.breaks)
        return self.on_cpu.run(record, on_group)


def test_a_notebook_measures_the_gpu_that_is_there(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.setattr(chapter, "Runner", PretendedGpu)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(kernels, "available", lambda: (False, "only pretended"))
    found = bench.gpu_benchmark(["relu"])
    assert found.kind == "cuda"
    assert {row.dtype for row in found} == {"bfloat16"}
    monkeypatch.undo()
    rows = bench.chapter_benchmark(["relu"], n=4096, effort=TINY)
    drawn = bench.figure(rows, record=found)
    titles = [ax.get_title(loc="left") for ax in drawn.axes]
    assert titles == [
        "This CPU, now: float32, n = 2^12",
        "Pretended GPU, now: bfloat16, n = 2^12",
    ]
    matplotlib.pyplot.close(drawn)


def test_a_gpu_that_fails_leaves_the_page_as_it_is_without_one(monkeypatch):
    recorded = object()
    monkeypatch.setattr(chapter, "latest", lambda kind: recorded)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert bench.gpu_benchmark(["relu"]) is recorded
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(kernels, "available", lambda: (False, "only pretended"))
    broken = partial(PretendedGpu, breaks="CUDA error: no kernel image\nmore")
    monkeypatch.setattr(chapter, "Runner", broken)
    with pytest.warns(UserWarning, match=r"not measured \(CUDA error: no kernel image\)"):
        assert bench.gpu_benchmark(["relu"]) is recorded
    with pytest.raises(ValueError, match="no activation"):
        bench.gpu_benchmark(["relo"])


def test_progress_is_rewritten_on_a_terminal_and_rare_in_a_pipe():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    now = iter([0.0, 1.0, 2.0, 3.0])
    terminal = Terminal()
    shown = Progress(4, terminal, lambda: next(now))
    shown.advance(1, "relu forward")
    shown.advance(1, "elu")
    shown.close()
    assert terminal.getvalue().count("\r") == 4
    assert "1/4 rows, 3 s left: relu forward" in terminal.getvalue()
    now = iter([0.0, 1.0, 11.0, 12.0])
    pipe = io.StringIO()
    shown = Progress(4, pipe, lambda: next(now))
    for name in ("a", "b", "c"):
        shown.advance(1, name)
    shown.close()
    assert pipe.getvalue() == "2/4 rows, 11 s left: b\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (45, "45 s"), (200, "3 min"), (7300, "2 h 2 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_out_of_memory_is_told_from_other_errors():
    assert runner.is_out_of_memory(torch.OutOfMemoryError("x"))
    assert runner.is_out_of_memory(MemoryError())
    assert runner.is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    assert not runner.is_out_of_memory(RuntimeError("shape mismatch"))
    assert not runner.is_out_of_memory(ValueError("out of memory"))


def test_a_device_is_woken_for_as_long_as_asked():
    start = time.monotonic()
    runner.wake("cpu", 0.05)
    assert time.monotonic() - start >= 0.05


def test_sets_exceed_the_cache_within_limits():
    assert calls.sets_for(1_000_000, 4, 80e6) == 10
    assert calls.sets_for(1 << 28, 2, 80e6) == calls.FEWEST_SETS
    assert calls.sets_for(16, 4, 80e6) == calls.MOST_SETS


def test_free_memory_of_this_machine_is_plausible():
    assert 1 << 20 < memory.free_bytes("cpu") < 1 << 50
    assert 1 << 12 < memory.cache_bytes("cpu") < 1 << 40
    assert Path(bench.records.__file__).name == "records.py"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"threads": 999_999}, "cores of this machine"),
        ({"threads": 0}, "cores of this machine"),
        ({"columns": 0}, "columns has to be at least 1"),
        ({"passes": 0}, "passes has to be at least 1"),
        ({"sizes": (0,)}, "at least 1 element"),
        ({"device": "abacus"}, "unknown device 'abacus'"),
        ({"dtypes": ("float8",)}, "unknown dtype 'float8'"),
    ],
    ids=str,
)
def test_a_runner_takes_no_plan_that_cannot_be_measured(wrong, words):
    with pytest.raises(ValueError, match=words):
        Runner(Plan(**{"functions": ("relu",), **wrong}))


def test_more_threads_than_cores_are_refused(capsys):
    assert main([*SMALL, "--threads", "999999"]) == 2
    error = capsys.readouterr().err
    assert "--threads has to be from 1 to" in error
    assert "Traceback" not in error
