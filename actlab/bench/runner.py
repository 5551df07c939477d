"""Run a plan: check, count, time, and hand over rows group by group."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import torch

from actbase.errors import first_line
from actlab.bench import correctness, names, provenance
from actlab.bench.byte_model import Traffic, count
from actlab.bench.calls import (
    MOST_SETS,
    Buffers,
    build_calls,
    bytes_per_set,
    copy_calls,
    sets_for,
)
from actlab.bench.cases import Case, Implementation, Unavailable, case
from actlab.bench.memory import cache_bytes, free_bytes, keep_freed_memory, touch
from actlab.bench.plan import Plan
from actlab.bench.protocol import (
    CPU_EFFORT,
    GPU_EFFORT,
    CpuTimer,
    CudaTimer,
    Member,
    Timing,
)
from actlab.bench.records import Ceiling, Record, Row

DTYPES = {name: getattr(torch, name) for name in names.DTYPES}
SHARE_OF_FREE_MEMORY = 0.6
_COUNT_AT = 1 << 16  # larger tensors are counted at this size and scaled


@dataclass
class _Candidate:
    """An implementation on its way through one (function, dtype, size)."""

    name: str
    implementation: Implementation | None = None
    traffic: Traffic | None = None
    verdict: correctness.Verdict | None = None
    status: str = "ok"
    reason: str = ""

    def stop(self, status: str, reason: str) -> None:
        self.status, self.reason = status, reason


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on either device."""
    text = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in text or "can't allocate memory" in text)
    )


def _named(error: BaseException) -> str:
    said, name = first_line(error)[:200], type(error).__name__
    return f"{name}: {said}" if said else name


def wake(device: str, seconds: float = 1.0) -> None:
    """Copy memory for a while, because an idle GPU runs at a fraction of its clock.

    The first copies would otherwise be slower than the last, and clocks read before any work would
    be those of an idle device.
    """
    origin = torch.ones(1 << 24, device=device)
    target = torch.empty_like(origin)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for _ in range(20):
            target.copy_(origin)
        target[0].item()  # waits for the device


class Runner:
    """Measures a plan on one device.

    Args:
        plan: what to measure.
        timer: replaces the device's timer (tests).

    Raises:
        ValueError: the plan is none that can be measured, see :meth:`Plan.validate`.
    """

    def __init__(self, plan: Plan, timer: CpuTimer | CudaTimer | None = None) -> None:
        plan.validate()
        self.plan = plan
        effort = plan.effort or (GPU_EFFORT if plan.device == "cuda" else CPU_EFFORT)
        if timer is None:
            timer = (
                CudaTimer(effort)
                if plan.device == "cuda"
                else CpuTimer(threads=plan.threads, effort=effort)
            )
        self.timer = timer
        self._touched = 0
        self._earlier: dict[tuple, dict[str, Timing]] = {}
        self._places: dict[tuple, int] = {}
        self._candidates: dict[tuple, list[_Candidate]] = {}

    @cached_property
    def _to_exceed(self) -> float:
        """Bytes that rotated buffers have to exceed so that nothing is found in the cache."""
        return self.plan.caches * cache_bytes(self.plan.device)

    @contextlib.contextmanager
    def _setting(self) -> Iterator[None]:
        """Threads, allocator and stream for the time of the run, put back afterwards."""
        threads = torch.get_num_threads()
        with contextlib.ExitStack() as stack:
            if self.plan.device == "cuda":
                stack.enter_context(self.timer.stream())  # type: ignore[union-attr]
            else:
                stack.callback(torch.set_num_threads, threads)
                torch.set_num_threads(self.plan.threads)
                self._keeps = stack.enter_context(keep_freed_memory())
            yield

    def new_record(self, command: str = "", note: str = "") -> Record:
        """An empty record with the provenance of this machine at this moment."""
        plan, now = self.plan, provenance.utc_now()
        stamp = now.replace("-", "").replace(":", "")
        return Record(
            run_id=f"{plan.device}-{stamp}",
            utc=now,
            command=command,
            source=provenance.source(),
            device=provenance.device(plan.device, plan.threads),
            software=provenance.software(),
            clocks={"start": provenance.clocks(plan.device)},
            protocol={
                "statistic": "p50",
                "data": "standard normal, fresh for each run",
                "upstream_gradient": "dense, standard normal",
                "sets": f"rotated; inputs and outputs exceed the cache {plan.caches:g} times "
                f"where {MOST_SETS} sets suffice",
                "passes": plan.passes,
                "seconds_per_row_and_pass": self.timer.effort.seconds,
                "rounds": list(self.timer.effort.rounds),
                "columns": plan.columns,
                "freed_memory_kept": None,
            },
            note=note,
        )

    def run(self, record: Record, on_group: Callable[[Record, list[Row]], None]) -> Record:
        """Fill ``record``; calls ``on_group(record, rows)`` after each group of rows.

        A KeyboardInterrupt passes through; the record then holds what was finished.
        """
        with self._setting():
            record.protocol["freed_memory_kept"] = getattr(self, "_keeps", None)
            if self.plan.device == "cuda":
                wake("cuda")
                record.clocks["start"] = provenance.clocks("cuda")
            record.ceilings = self._ceilings()
            on_group(record, [])
            for turn in range(self.plan.passes):
                # Backwards the second time, so that the two measurements of a row lie far apart for
                # some rows and close together for others.
                step = 1 if turn == 0 else -1
                for dtype in self.plan.dtypes:
                    for size in self.plan.sizes:
                        buffers = Buffers(size, DTYPES[dtype], self.plan.device)
                        for function in self.plan.functions[::step]:
                            for rows in self._function(function, dtype, size, buffers):
                                self._put(record.rows, rows)
                                on_group(record, rows)
                        del buffers
                        self._release()
            ends = {(c.kind, c.dtype, c.elements): c.start_us for c in self._ceilings()}
        record.ceilings = [
            Ceiling(
                c.kind,
                c.dtype,
                c.elements,
                c.work,
                c.start_us,
                ends.get((c.kind, c.dtype, c.elements)),
            )
            for c in record.ceilings
        ]
        record.clocks["end"] = provenance.clocks(self.plan.device)
        record.finished = True
        on_group(record, [])
        return record

    def _put(self, kept: list[Row], rows: Sequence[Row]) -> None:
        """Add rows, each in the place of the row that it measures again.

        A row that failed or ran out of memory the second time does not replace one that was timed.
        """
        for row in rows:
            place = self._places.setdefault((row.group, row.implementation), len(kept))
            if place == len(kept):
                kept.append(row)
            elif row.status == "ok" or kept[place].status != "ok":
                kept[place] = row

    def _touch(self, size: int) -> None:
        """On a CPU, grow the heap to what a group needs before anything in it is timed."""
        if self.plan.device == "cpu" and size > self._touched:
            touch(size)
            self._touched = size

    def _release(self) -> None:
        if self.plan.device == "cuda":
            torch.cuda.empty_cache()

    # --- ceilings ------------------------------------------------------------------------------

    def _ceilings(self) -> list[Ceiling]:
        found = []
        for dtype in self.plan.dtypes:
            for size in self.plan.sizes:
                with contextlib.suppress(MemoryError, RuntimeError):
                    found += self._ceilings_at(
                        dtype,
                        size,
                        everything=self.plan.all_ceilings and size == max(self.plan.sizes),
                    )
                self._release()
        if self.plan.device == "cuda" and self.plan.all_ceilings:
            with contextlib.suppress(RuntimeError):
                found.append(self._matmul())
            self._release()
        return found

    def _ceilings_at(self, dtype: str, size: int, everything: bool) -> list[Ceiling]:
        item = DTYPES[dtype].itemsize
        fitting = int(SHARE_OF_FREE_MEMORY * free_bytes(self.plan.device) / (3 * size * item))
        sets = min(sets_for(size, item, self._to_exceed), fitting)
        if sets < 1:
            return []
        buffers = Buffers(size, DTYPES[dtype], self.plan.device)
        shape = (size,)
        a = [buffers.get("a", k, shape) for k in range(sets)]
        out = [buffers.get("target", k, shape) for k in range(sets)]
        members = [Member("copy", [partial(y.copy_, x) for x, y in zip(a, out, strict=True)])]
        work = {"copy": 2, "read": 1, "add": 3}
        if everything:
            b = [buffers.get("b", k, shape) for k in range(sets)]
            members += [
                Member("read", [partial(torch.sum, x) for x in a]),
                Member(
                    "add",
                    [partial(torch.add, x, y, out=z) for x, y, z in zip(a, b, out, strict=True)],
                ),
            ]
        timings = self.timer.measure(members)
        return [
            Ceiling(kind, dtype, size, work[kind] * size * item, timing.p50 * 1e6)
            for kind, timing in timings.items()
        ]

    def _matmul(self, side: int = 8192) -> Ceiling:
        make = lambda: torch.randn(side, side, device="cuda", dtype=torch.bfloat16)  # noqa: E731
        a, b, out = make(), make(), make()
        timing = self.timer.measure([Member("matmul", [lambda: torch.mm(a, b, out=out)])])["matmul"]
        return Ceiling("matmul", "bfloat16", side, 2 * side**3, timing.p50 * 1e6)

    # --- one function --------------------------------------------------------------------------

    def _function(
        self, function: str, dtype: str, size: int, buffers: Buffers
    ) -> Iterator[list[Row]]:
        """Rows of one function at one size, one list for each mode."""
        item = case(function)
        shape = item.shape(size, self.plan.columns)
        key = (function, dtype, size)
        if key not in self._candidates:  # a second pass trusts the checks of the first
            self._candidates[key] = [
                self._candidate(item, name, dtype, shape, buffers)
                for name in self.plan.names(function)
            ]
        candidates = self._candidates[key]
        for mode in self.plan.modes:
            yield self._group(item, mode, dtype, shape, buffers, candidates)

    def _build(self, item: Case, name: str) -> Implementation:
        extra = self.plan.extra.get(item.name, {}).get(name)
        if extra is None:
            return item.implementation(name, self.plan.device)
        return extra if isinstance(extra, Implementation) else Implementation(name, extra)

    def _candidate(
        self, item: Case, name: str, dtype: str, shape: tuple[int, ...], buffers: Buffers
    ) -> _Candidate:
        """Build one implementation, count it and check it."""
        candidate = _Candidate(name)
        try:
            candidate.implementation = implementation = self._build(item, name)
            if implementation.framework == "numpy" and dtype == "bfloat16":
                raise Unavailable("NumPy has no bfloat16")
            compiled = name.startswith("compiled")
            if (
                implementation.framework == "torch"
                and not compiled
                and not implementation.overwrites
            ):
                candidate.traffic = self._traffic(item, implementation, dtype, shape, buffers)
            candidate.verdict = self._check(item, candidate, dtype, shape, buffers, compiled)
            if not candidate.verdict.passed:
                candidate.stop("failed", candidate.verdict.reason)
        except Unavailable as error:
            candidate.stop("skipped", str(error))
        except Exception as error:
            if is_out_of_memory(error):
                candidate.stop("skipped", "out of memory while it was checked")
                self._release()
            else:
                candidate.stop("failed", f"it raised {_named(error)}")
        return candidate

    def _traffic(
        self, item: Case, implementation: Implementation, dtype: str, shape: tuple, buffers: Buffers
    ) -> Traffic:
        counted = shape
        if math.prod(shape) > _COUNT_AT:
            counted = item.shape(_COUNT_AT, self.plan.columns)
        inputs = implementation.pack(buffers.inputs(item.arity, 0, counted))
        return count(implementation.call, *inputs)

    def _check(
        self,
        item: Case,
        candidate: _Candidate,
        dtype: str,
        shape: tuple[int, ...],
        buffers: Buffers,
        compiled: bool,
    ) -> correctness.Verdict:
        implementation, traffic = candidate.implementation, candidate.traffic
        operations = 1
        if traffic is not None:
            operations = max(traffic.launches("forward"), traffic.launches("backward") or 0)
        backward = implementation.framework == "torch" or implementation.vjp is not None
        if self.plan.check_odd_sizes and not compiled:  # each size would be compiled anew
            verdict = correctness.check_odd_sizes(
                item, implementation, DTYPES[dtype], self.plan.device, operations, backward
            )
            if verdict is not None:
                return verdict
        inputs = buffers.inputs(item.arity, 0, shape)
        upstream = buffers.get("upstream", 0, shape)
        return correctness.check(item, implementation, inputs, upstream, operations, backward)

    # --- one group -----------------------------------------------------------------------------

    def _group(
        self,
        item: Case,
        mode: str,
        dtype: str,
        shape: tuple[int, ...],
        buffers: Buffers,
        candidates: Sequence[_Candidate],
    ) -> list[Row]:
        elements, itemsize = math.prod(shape), DTYPES[dtype].itemsize
        states = {c.name: (c.status, c.reason) for c in candidates}
        for candidate in candidates:
            self._exclude(candidate, mode, states)
        ready = [c for c in candidates if states[c.name][0] == "ok"]
        timings: dict[str, Timing] = {}
        sets = 0
        if ready:
            needed = bytes_per_set(mode, [c.traffic for c in ready], elements, itemsize)
            free = free_bytes(self.plan.device)
            sets = min(
                sets_for(elements, itemsize, self._to_exceed),
                int(SHARE_OF_FREE_MEMORY * free / needed),
            )
            if sets < 1:
                reason = (
                    f"too large for the free memory: it takes {needed / 2**30:.1f} GiB and "
                    f"{free / 2**30:.1f} GiB are free"
                )
                states.update({c.name: ("skipped", reason) for c in ready})
            else:
                self._touch(needed * sets)
                timings = self._time(item, mode, shape, buffers, ready, sets, states)
                self._release()  # what the calls held is free only now
        within = sets * 2 * elements * itemsize < self._to_exceed
        common: dict[str, Any] = {
            "function": item.name,
            "mode": mode,
            "dtype": dtype,
            "elements": elements,
            "shape": shape,
            "sets": sets or None,
            "cache": ("within" if within else "beyond") if sets else None,
        }
        within_pass = _spread_of_copies(timings)
        key = (item.name, mode, dtype, elements)
        timings, differences = self._together(key, timings)
        copy = timings.get("copy")
        rows = []
        if copy is not None:
            moved = 2 * elements * itemsize
            rows.append(
                Row(
                    implementation="copy",
                    bytes_algorithmic=moved,
                    bytes_physical=moved,
                    launches=1,
                    predicted_us=copy.p50 * 1e6,
                    pass_difference=differences.get("copy"),
                    **_timed(copy, copy, max(copy.spread, within_pass)),
                    **common,
                )
            )
        for candidate in candidates:
            status, reason = states[candidate.name]
            if status == "absent":
                continue
            common["pass_difference"] = differences.get(candidate.name)
            rows.append(
                self._row(
                    candidate, mode, status, reason, timings.get(candidate.name), copy, common
                )
            )
        return rows

    def _together(
        self, key: tuple, timings: dict[str, Timing]
    ) -> tuple[dict[str, Timing], dict[str, float]]:
        """Join what this pass measured with what an earlier pass measured of the same group.

        Returns:
            The joint timings, and by how much the two passes differ: for the copy in time, for
            everything else in time over the copy's.
        """
        earlier = self._earlier.get(key)
        if not earlier or not timings:
            self._earlier[key] = timings
            return timings, {}
        joint, differences = {}, {}
        drift = timings["copy"].p50 / earlier["copy"].p50
        for name, timing in timings.items():
            if name not in earlier:
                continue
            ratio = timing.p50 / earlier[name].p50
            differences[name] = abs((ratio if name == "copy" else ratio / drift) - 1)
            joint[name] = replace(timing, samples=earlier[name].samples + timing.samples)
        return joint, differences

    def _exclude(self, candidate: _Candidate, mode: str, states: dict) -> None:
        """Take a candidate out of a mode that it cannot have."""
        implementation = candidate.implementation
        if implementation is None or states[candidate.name][0] != "ok":
            return
        if implementation.framework == "numpy":
            if mode == "forward_grad" or (mode != "forward" and implementation.vjp is None):
                states[candidate.name] = ("absent", "")
        elif implementation.overwrites and mode in ("backward", "both"):
            states[candidate.name] = (
                "skipped",
                "its backward pass overwrites its inputs, so it cannot be repeated on them",
            )

    def _row(
        self,
        candidate: _Candidate,
        mode: str,
        status: str,
        reason: str,
        timing: Timing | None,
        copy: Timing | None,
        common: dict,
    ) -> Row:
        elements, dtype = common["elements"], common["dtype"]
        facts: dict[str, Any] = {}
        tensor = elements * DTYPES[dtype].itemsize
        arity = case(common["function"]).arity
        forward, backward = (arity + 1) * tensor, (2 * arity + 1) * tensor
        facts["bytes_algorithmic"] = {
            "forward": forward,
            "forward_grad": forward,
            "backward": backward,
            "both": forward + backward,
        }[mode]
        traffic = candidate.traffic
        if traffic is not None and traffic.physical(mode):
            scale = elements / traffic.elements
            facts["bytes_physical"] = round(traffic.physical(mode) * scale)
            facts["launches"] = traffic.launches(mode)
            facts["saved_bytes"] = round(traffic.saved * scale)
        verdict = candidate.verdict
        if verdict is not None:
            facts["error"] = {k: v for k, v in verdict.errors.items() if math.isfinite(v)}
            facts["tolerance"] = verdict.tolerance
            facts["poisoned"] = verdict.poisoned
        if copy is not None:
            moved = facts.get("bytes_physical") or facts["bytes_algorithmic"]
            facts["predicted_us"] = copy.p50 * 1e6 * moved / (2 * tensor)
        if timing is not None:
            facts.update(_timed(timing, copy, timing.spread))
        return Row(implementation=candidate.name, status=status, reason=reason, **facts, **common)

    def _time(
        self,
        item: Case,
        mode: str,
        shape: tuple[int, ...],
        buffers: Buffers,
        ready: Sequence[_Candidate],
        sets: int,
        states: dict,
    ) -> dict[str, Timing]:
        """Build the calls of every candidate that fits and time them together with two copies.

        A candidate that raises is marked and left out; the others are measured without it.
        """
        members: list[Member] = []
        try:
            copies = [
                Member(name, copy_calls(buffers, role, shape, sets))
                for name, role in (("copy", "target"), ("copy again", "target again"))
            ]
            for candidate in ready:
                try:
                    calls = build_calls(item, candidate.implementation, mode, shape, buffers, sets)
                    calls[0]()
                    members.append(Member(candidate.name, calls))
                except Exception as error:
                    states[candidate.name] = _state_after(error)
                    self._release()
            while members:
                # One copy before the others and one after them.
                turns = [copies[0], *members, copies[1]]
                for position, member in enumerate(turns):
                    # No member follows another onto the same set of buffers.
                    member.next = position * sets // len(turns)
                try:
                    return self.timer.measure(turns)
                except Exception as error:
                    broken = [member for member in members if member.failed]
                    if not broken:
                        raise
                    for member in broken:
                        states[member.name] = _state_after(error)
                    members = [member for member in members if not member.failed]
                self._release()
        except Exception as error:
            for candidate in ready:
                if states[candidate.name][0] == "ok":
                    states[candidate.name] = _state_after(error)
        return {}


def _state_after(error: Exception) -> tuple[str, str]:
    """Status and reason of a candidate that raised."""
    if is_out_of_memory(error):
        return "skipped", "out of memory"
    return "failed", f"it raised {_named(error)}"


def _spread_of_copies(timings: dict[str, Timing]) -> float:
    """How far two copies in different buffers lie apart."""
    if "copy" not in timings:
        return math.inf
    copy, again = timings["copy"], timings["copy again"]
    return max(again.spread, abs(again.p50 / copy.p50 - 1))


def _timed(timing: Timing, copy: Timing | None, spread: float) -> dict[str, Any]:
    return {
        "p20_us": timing.quantile(0.2) * 1e6,
        "p50_us": timing.p50 * 1e6,
        "p80_us": timing.quantile(0.8) * 1e6,
        "min_us": min(timing.samples) * 1e6,
        "samples": len(timing.samples),
        "calls_per_sample": timing.calls_per_sample,
        "clock": timing.clock,
        "copy_us": copy.p50 * 1e6 if copy else None,
        "spread": spread if math.isfinite(spread) else None,
        "faults_per_call": timing.faults_per_call,
        "launch_us": timing.launch_seconds * 1e6 if timing.launch_seconds is not None else None,
        "note": timing.note,
    }
