"""Time several callables side by side, so that their ratios can be believed.

A *member* is one thing that is timed: a name and a list of calls without arguments, one for each
set of buffers. Members take turns (round-robin), so that a slow minute of the machine falls on all
of them; each turn moves on to the next set of buffers, so that no member finds its inputs in the
cache.

On a CPU the clock is the CPU time of this thread: a neighbour who takes the processor away does not
count. On a GPU the clock is a pair of events; calls shorter than :data:`GRAPH_BELOW_SECONDS` are
captured in a CUDA graph of many calls and replayed, because otherwise the time to launch a kernel
hides the time to run it.
"""

from __future__ import annotations

import gc
import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from actbase.errors import first_line
from actlab.bench.memory import minor_faults

CPU_SAMPLE_SECONDS = 100e-6  # one sample is at least this long, so that reading the clock is < 1 %
CPU_SAMPLE_TICKS = 10  # and this many steps of the clock, which may be coarse
GRAPH_BELOW_SECONDS = 100e-6
GRAPH_CALLS = 20
WARM_UP_SECONDS = 25e-3
WARM_UP_CALLS = 10


@dataclass
class Member:
    """Something to be timed.

    Attributes:
        name: unique within one measurement.
        calls: one callable for each set of buffers; each overwrites or replaces its own results.
        failed: whether one of the calls raised.
    """

    name: str
    calls: Sequence[Callable[[], object]]
    next: int = 0
    failed: bool = False

    def run(self, times: int) -> None:
        """Call ``times`` times, moving on to the next set of buffers each time."""
        calls, index, count = self.calls, self.next, len(self.calls)
        try:
            for _ in range(times):
                calls[index]()
                index += 1
                if index == count:
                    index = 0
        except BaseException:
            self.failed = True
            raise
        self.next = index


@dataclass(frozen=True)
class Timing:
    """Seconds per call of one member.

    Attributes:
        samples: one entry for each turn, in the order in which they were taken.
        calls_per_sample: calls that each entry is the mean of.
        clock: "thread_time", "wall", "events" or "graph".
        faults_per_call: minor page faults per call; None where they cannot be counted.
        launch_seconds: for a graph, seconds per call when launched one by one instead.
        note: what the reader of the number has to know, or "".
    """

    samples: tuple[float, ...]
    calls_per_sample: int
    clock: str
    faults_per_call: float | None = None
    launch_seconds: float | None = None
    note: str = ""

    def quantile(self, q: float) -> float:
        """The q-quantile of the samples, by linear interpolation."""
        ordered = sorted(self.samples)
        place = q * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    @property
    def p50(self) -> float:
        """The median, in seconds."""
        return self.quantile(0.5)

    @property
    def spread(self) -> float:
        """How far the same thing measured twice lies apart, as a fraction.

        The samples are cut into four runs of consecutive turns; this is the largest distance of a
        run's median from the median of all.
        """
        if len(self.samples) < 4:
            return math.inf
        middle = self.p50
        edges = [round(part * len(self.samples) / 4) for part in range(5)]
        runs = [self.samples[a:b] for a, b in itertools.pairwise(edges)]
        return max(abs(statistics.median(run) / middle - 1) for run in runs)


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        seconds: time to spend on each member, about.
        rounds: fewest and most turns of each member.
    """

    seconds: float = 0.1
    rounds: tuple[int, int] = (12, 200)

    def turns(self, seconds_per_sample: float) -> int:
        """Number of samples of one member that fit."""
        fitting = self.seconds / max(seconds_per_sample, 1e-9)
        return int(min(max(fitting, self.rounds[0]), self.rounds[1]))


def takes_turn(round_index: int, turns: int, rounds: int) -> bool:
    """Whether a member with ``turns`` samples in ``rounds`` rounds is measured in this round.

    Slow members sit out most rounds, evenly spread, so that one of them does not cost the fast
    members their samples.
    """
    return (round_index + 1) * turns // rounds > round_index * turns // rounds


QUICK = Effort(seconds=0.03, rounds=(8, 60))
CPU_EFFORT = Effort(seconds=0.03, rounds=(7, 80))
GPU_EFFORT = Effort(seconds=0.1, rounds=(50, 400))


def tick(clock: Callable[[], float]) -> float:
    """The step by which a clock moves, in seconds: 15.6e-3 for CPU time on Windows.

    Returns:
        0.0 if it does not move while it is read a million times: such a clock is no real one.
    """
    start = clock()
    for _ in range(1_000_000):
        now = clock()
        if now != start:
            return now - start
    return 0.0


@dataclass
class CpuTimer:
    """Times members on the CPU.

    Args:
        threads: number of threads that PyTorch uses. With one, the clock is this thread's CPU time;
            with more it has to be wall time, which a busy neighbour can stretch.
    """

    threads: int = 1
    effort: Effort = CPU_EFFORT
    clock: Callable[[], float] = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.clock is None:
            self.clock = time.thread_time if self.threads == 1 else time.perf_counter

    def _sample(self, member: Member, calls: int) -> float:
        start = self.clock()
        member.run(calls)
        return (self.clock() - start) / calls

    def _calibrate(self, member: Member, target: float) -> tuple[int, float]:
        """Calls a sample, doubled until one takes ``target`` seconds, and how long it then takes.

        What a coarse clock says of one call is 0 or a tick, neither of which is its time.
        """
        calls = 1
        while True:
            # Twice, because one sample of something short may hold anything.
            taken = min(self._sample(member, calls) for _ in range(2)) * calls
            if taken >= target:
                # Doubling went past it by up to twice.
                fewer = max(1, math.ceil(calls * target / taken))
                return fewer, taken / calls * fewer
            calls *= 2

    def measure(self, members: Sequence[Member]) -> dict[str, Timing]:
        """Warm up, then take turns; returns a timing for each member's name."""
        calls, turns = {}, {}
        target = max(CPU_SAMPLE_SECONDS, CPU_SAMPLE_TICKS * tick(self.clock))
        for member in members:
            member.run(len(member.calls))  # first touch of every buffer
            calls[member.name], length = self._calibrate(member, target)
            turns[member.name] = self.effort.turns(length)
        rounds = max(turns.values())
        samples: dict[str, list[float]] = {member.name: [] for member in members}
        faults = dict.fromkeys(samples, 0)
        collecting = gc.isenabled()
        gc.disable()
        try:
            for index in range(rounds):
                for member in members:
                    if not takes_turn(index, turns[member.name], rounds):
                        continue
                    before = minor_faults()
                    samples[member.name].append(self._sample(member, calls[member.name]))
                    if before is not None:
                        faults[member.name] += minor_faults() - before
        finally:
            if collecting:
                gc.enable()
        countable = minor_faults() is not None
        return {
            name: Timing(
                tuple(taken),
                calls[name],
                "thread_time" if self.threads == 1 else "wall",
                faults[name] / (len(taken) * calls[name]) if countable else None,
            )
            for name, taken in samples.items()
        }


class CudaTimer:
    """Times members on a GPU with events, and short ones by replaying a CUDA graph.

    All work, including whatever built the members' buffers and autograd graphs, has to be done
    inside ``with timer.stream():``, because a backward pass runs on the stream of its forward pass
    and a graph can only capture its own stream.
    """

    def __init__(self, effort: Effort = GPU_EFFORT, cuda=None) -> None:
        if cuda is None:
            import torch

            cuda = torch.cuda
        self.cuda = cuda
        self.effort = effort
        self._stream = cuda.Stream()

    def stream(self):
        """Context in which to prepare members."""
        return self.cuda.stream(self._stream)

    def _event(self):
        return self.cuda.Event(enable_timing=True)

    def _seconds(self, run: Callable[[], object], calls: int) -> float:
        """Seconds per call of something that makes ``calls`` calls, waiting for the end."""
        start, end = self._event(), self._event()
        start.record()
        run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / calls

    def _warm_up(self, member: Member) -> float:
        """Run until warm; returns an estimate in seconds per call."""
        member.run(max(WARM_UP_CALLS, len(member.calls)))
        self.cuda.synchronize()
        estimate = self._seconds(lambda: member.run(WARM_UP_CALLS), WARM_UP_CALLS)
        left = math.ceil(WARM_UP_SECONDS / max(estimate, 1e-6))
        member.run(min(left, 2000))
        self.cuda.synchronize()
        return self._seconds(lambda: member.run(WARM_UP_CALLS), WARM_UP_CALLS)

    def _capture(self, member: Member) -> tuple[Callable[[], object], int]:
        """A graph of one call for each set of buffers, at least :data:`GRAPH_CALLS` in all."""
        sets = len(member.calls)
        calls = sets * math.ceil(GRAPH_CALLS / sets)
        graph = self.cuda.CUDAGraph()
        member.next = 0
        self.cuda.synchronize()
        graph.capture_begin()
        try:
            member.run(calls)
        finally:
            graph.capture_end()
        graph.replay()
        self.cuda.synchronize()
        return graph.replay, calls

    def _prepare(self, member: Member) -> tuple[Callable[[], object], int, str, float | None, str]:
        estimate = self._warm_up(member)
        if estimate >= GRAPH_BELOW_SECONDS:
            return (lambda: member.run(1)), 1, "events", None, ""
        try:
            replay, calls = self._capture(member)
        except RuntimeError as error:
            if "out of memory" in str(error).lower():
                raise
            member.failed = False
            why = first_line(error) or "no reason"
            note = f"not captured in a graph ({why}): the time includes launching"
            return (lambda: member.run(GRAPH_CALLS)), GRAPH_CALLS, "events", estimate, note
        return replay, calls, "graph", estimate, ""

    def measure(self, members: Sequence[Member]) -> dict[str, Timing]:
        """Warm up, then take turns; returns a timing for each member's name."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            with self.stream():
                return self._measure(members)
        finally:
            if collecting:
                gc.enable()

    def _measure(self, members: Sequence[Member]) -> dict[str, Timing]:
        ready = {member.name: self._prepare(member) for member in members}
        seconds = {name: self._seconds(run, 1) for name, (run, *_) in ready.items()}
        turns = {name: self.effort.turns(value) for name, value in seconds.items()}
        per_round, rounds = sum(seconds.values()), max(turns.values())
        lead_in = next(iter(ready.values()))[0]
        pairs: dict[str, list[tuple]] = {name: [] for name in ready}
        # Queue a few milliseconds of work at a time: the GPU is then never idle between a start
        # event and its kernel, and the queue never overflows.
        batch = max(1, min(10, int(10e-3 / max(per_round, 1e-6))))
        for first in range(0, rounds, batch):
            lead_in()
            for index in range(first, min(first + batch, rounds)):
                for name, (run, *_) in ready.items():
                    if not takes_turn(index, turns[name], rounds):
                        continue
                    start, end = self._event(), self._event()
                    start.record()
                    run()
                    end.record()
                    pairs[name].append((start, end))
            self.cuda.synchronize()
        return {
            name: Timing(
                tuple(a.elapsed_time(b) / 1e3 / calls for a, b in pairs[name]),
                calls,
                clock,
                None,
                launch,
                note,
            )
            for name, (_, calls, clock, launch, note) in ready.items()
        }
