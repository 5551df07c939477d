"""The clocks and the round-robin, on fake clocks and a fake GPU: no test looks at a real time."""

import contextlib
import itertools
import math

import pytest

from actlab.bench import memory, protocol
from actlab.bench.protocol import CpuTimer, CudaTimer, Effort, Member, Timing, takes_turn


class Machine:
    """A machine whose time passes only when something is called."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def member(self, name: str, seconds: float, sets: int = 3) -> Member:
        def call(index: int) -> None:
            self.now += seconds
            self.order.append(f"{name}{index}")

        return Member(name, [lambda k=k: call(k) for k in range(sets)])


def cpu(machine: Machine, **effort) -> CpuTimer:
    return CpuTimer(effort=Effort(**effort), clock=lambda: machine.now)


def test_each_member_gets_its_own_time():
    machine = Machine()
    members = [machine.member("fast", 1e-3), machine.member("slow", 4e-3)]
    found = cpu(machine, seconds=0.1, rounds=(10, 50)).measure(members)
    assert found["fast"].p50 == pytest.approx(1e-3)
    assert found["slow"].p50 == pytest.approx(4e-3)
    assert found["slow"].spread == pytest.approx(0, abs=1e-9)
    assert len(found["fast"].samples) == 50
    assert len(found["slow"].samples) == 25


def test_members_take_turns_and_buffers_rotate():
    machine = Machine()
    members = [machine.member("a", 1e-3), machine.member("b", 1e-3)]
    timer = cpu(machine, seconds=0.02, rounds=(10, 20))
    timer.measure(members)
    timed = machine.order[-40:]
    assert [name[0] for name in timed[-30:]] == ["a", "b"] * 15
    of_a = [name for name in timed if name[0] == "a"]
    assert all(x != y for x, y in itertools.pairwise(of_a))
    assert set(of_a) == {"a0", "a1", "a2"}


def test_short_calls_are_measured_many_at_a_time():
    machine = Machine()
    found = cpu(machine, seconds=0.01, rounds=(5, 10)).measure([machine.member("tiny", 1e-6)])
    assert found["tiny"].calls_per_sample == pytest.approx(100, abs=1)  # 100 µs of 1 µs calls
    assert found["tiny"].p50 == pytest.approx(1e-6)


def test_a_slow_member_does_not_cost_the_fast_ones_their_samples():
    machine = Machine()
    members = [machine.member("fast", 1e-3), machine.member("slow", 1.0)]
    found = cpu(machine, seconds=0.1, rounds=(4, 100)).measure(members)
    assert len(found["slow"].samples) == 4
    assert len(found["fast"].samples) == 100


@pytest.mark.parametrize(("turns", "rounds"), [(4, 100), (7, 11), (5, 5), (1, 3)])
def test_turns_are_spread_over_the_rounds(turns, rounds):
    taken = [r for r in range(rounds) if takes_turn(r, turns, rounds)]
    assert len(taken) == turns
    gaps = [b - a for a, b in itertools.pairwise(taken)]
    assert all(rounds // turns <= gap <= math.ceil(rounds / turns) for gap in gaps)


def test_quantiles_interpolate():
    timing = Timing((4.0, 1.0, 3.0, 2.0), 1, "wall")
    assert timing.quantile(0) == 1
    assert timing.p50 == 2.5
    assert timing.quantile(1) == 4


def test_spread_sees_a_drift_that_the_median_hides():
    steady = Timing((1.0, 1.01) * 20, 1, "wall")
    drifting = Timing((1.0,) * 20 + (1.2,) * 20, 1, "wall")
    assert steady.spread < 0.011
    assert drifting.spread > 0.08
    assert Timing((1.0, 1.0), 1, "wall").spread == math.inf


@pytest.mark.parametrize("seconds", [1e-5, 1e-3, 0.01, 0.5])
def test_a_clock_of_coarse_ticks_is_given_many_of_them(seconds):
    machine, step = Machine(), 15.6e-3

    def clock() -> float:
        machine.now += 1e-6  # reading it takes time, too
        return math.floor(machine.now / step) * step

    timer = CpuTimer(effort=Effort(seconds=0.5, rounds=(12, 50)), clock=clock)
    (found,) = timer.measure([machine.member("a", seconds)]).values()
    assert found.p50 == pytest.approx(seconds, rel=0.15)
    # Ten ticks are 156 ms: as many calls as that takes, and not the 100,000 of a time of 0.
    assert found.calls_per_sample == pytest.approx(max(1, 0.156 / seconds), rel=0.15, abs=1)


def test_more_threads_need_the_wall_clock():
    assert CpuTimer(threads=1).clock is protocol.time.thread_time
    assert CpuTimer(threads=2).clock is protocol.time.perf_counter


def test_freed_memory_is_kept_and_faults_are_counted():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    with memory.keep_freed_memory() as kept:
        if not kept or memory.minor_faults() is None:
            pytest.skip("the allocator of this system cannot be told to keep memory")
        memory.touch(64 << 20)
        for _ in range(3):
            torch.empty(4 << 20, dtype=torch.uint8).fill_(1)
        before = memory.minor_faults()
        for _ in range(10):
            torch.empty(4 << 20, dtype=torch.uint8).fill_(1)
        assert memory.minor_faults() - before < 100  # fresh memory would cost 10,240
    assert memory.free_host_bytes() > 0
    assert memory.host_cache_bytes() >= 1 << 16


class FakeCuda:
    """Enough of ``torch.cuda`` for the GPU timer: time passes inside calls and replays."""

    def __init__(self, machine: Machine, capture_error: str = "") -> None:
        self.machine, self.capture_error = machine, capture_error
        self.graphs = 0
        self.streams = 0
        outer = self

        class Event:
            def __init__(self, enable_timing: bool) -> None:
                assert enable_timing

            def record(self) -> None:
                assert outer.streams == 1, "recorded on another stream"
                self.at = machine.now

            def synchronize(self) -> None:
                pass

            def elapsed_time(self, other) -> float:
                return (other.at - self.at) * 1e3

        class CUDAGraph:
            def capture_begin(self) -> None:
                assert outer.streams == 1, "captured on another stream"
                self.started = machine.now

            def capture_end(self) -> None:
                if outer.capture_error:
                    raise RuntimeError(outer.capture_error)
                # Replay costs the work without the launches: half here.
                self.seconds = (machine.now - self.started) / 2
                machine.now = self.started
                outer.graphs += 1

            def replay(self) -> None:
                machine.now += self.seconds

        self.Event, self.CUDAGraph, self.Stream = Event, CUDAGraph, lambda: "stream"

    @contextlib.contextmanager
    def stream(self, stream):
        assert stream == "stream"
        self.streams += 1
        yield
        self.streams -= 1

    def synchronize(self) -> None:
        pass


def test_long_calls_are_timed_with_events():
    machine = Machine()
    cuda = FakeCuda(machine)
    timer = CudaTimer(Effort(seconds=0.1, rounds=(20, 50)), cuda)
    found = timer.measure([machine.member("long", 1e-3), machine.member("longer", 2e-3)])
    assert cuda.graphs == 0
    assert found["long"].clock == "events"
    assert found["long"].p50 == pytest.approx(1e-3)
    assert found["longer"].p50 == pytest.approx(2e-3)
    assert len(found["longer"].samples) in (49, 50)  # a tenth of a second of 2 ms, but for rounding


def test_short_calls_are_captured_and_their_launch_time_is_kept_beside():
    machine = Machine()
    cuda = FakeCuda(machine)
    timer = CudaTimer(Effort(seconds=0.01, rounds=(20, 50)), cuda)
    found = timer.measure([machine.member("short", 10e-6, sets=7)])["short"]
    assert cuda.graphs == 1
    assert found.clock == "graph"
    assert found.calls_per_sample == 21  # three times through the seven sets
    assert found.p50 == pytest.approx(5e-6)
    assert found.launch_seconds == pytest.approx(10e-6)


def test_what_cannot_be_captured_is_timed_and_marked():
    machine = Machine()
    cuda = FakeCuda(machine, capture_error="operation not permitted when stream is capturing\nmore")
    found = CudaTimer(Effort(seconds=0.01, rounds=(20, 50)), cuda).measure(
        [machine.member("short", 10e-6)]
    )["short"]
    assert found.clock == "events"
    assert "not permitted" in found.note
    assert "\n" not in found.note
    assert found.p50 == pytest.approx(10e-6)


def test_running_out_of_memory_while_capturing_is_passed_on():
    machine = Machine()
    cuda = FakeCuda(machine, capture_error="CUDA out of memory")
    with pytest.raises(RuntimeError, match="out of memory"):
        CudaTimer(cuda=cuda).measure([machine.member("short", 10e-6)])
