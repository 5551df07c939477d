"""What a kernel sends, in any form and order: the parent raises its own errors and nothing else.

:class:`actgrade.sandbox.incoming.Incoming` is asked state by state, then by a machine of hypothesis
that knows what must follow; a whole :class:`PipeKernel` is given any stream of bytes by a process
that is none.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from queue import Empty

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actgrade.sandbox import wire
from actgrade.sandbox.incoming import OVER, SERVING, STARTING, Incoming
from actgrade.sandbox.limits import Limits
from actgrade.sandbox.lost import KernelLost
from actgrade.sandbox.pipe import PipeKernel

MOST = 2000
READY = {"type": "ready", "isolation": "landlock+seccomp+rlimits"}
FAILED = {"type": "failed", "reason": "no"}


def body(**content):
    return json.dumps(content).encode()


def printed(text="x", parent="cell-1"):
    return body(type="stream", parent=parent, name="stdout", text=text)


def reply(number):
    return body(type="reply", parent=f"cell-{number}")


def serving(sent=1):
    machine = Incoming(MOST)
    machine.take(body(**READY))
    machine.sent = sent
    return machine


def lost(machine, frame):
    with pytest.raises(KernelLost) as caught:
        machine.take(frame)
    return caught.value.kind


# --- state by state -------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [printed(), reply(1), body(type="error", ename="E", evalue="",
                                                             traceback=[])])  # fmt: skip
def test_starting_takes_nothing_but_how_it_began(frame):
    machine = Incoming(MOST)
    assert lost(machine, frame) == "garbage"
    assert machine.state == STARTING


def test_ready_is_taken_and_serving_begins():
    machine = Incoming(MOST)
    assert machine.take(body(**READY)) == ("ready", "", {"isolation": READY["isolation"]})
    assert machine.state == SERVING


def test_failed_is_taken_and_all_is_over():
    machine = Incoming(MOST)
    assert machine.take(body(**FAILED)) == ("failed", "", {"reason": "no"})
    assert machine.state == OVER


@pytest.mark.parametrize("frame", [body(**READY), body(**FAILED)])
@pytest.mark.parametrize("first", [READY, FAILED])
def test_a_beginning_is_believed_once(first, frame):
    machine = Incoming(MOST)
    machine.take(body(**first))
    assert lost(machine, frame) == "garbage"


def test_serving_passes_on_what_a_cell_prints_whatever_cell_it_names():
    machine = serving()
    assert machine.take(printed("a"))[2] == {"name": "stdout", "text": "a"}
    assert machine.take(printed("b", "cell-9"))[1] == "cell-9"


def test_one_reply_counts_for_each_cell_that_was_sent():
    machine = serving(sent=2)
    assert machine.take(reply(2)) is None
    assert machine.take(reply(1))[1] == "cell-1"
    assert machine.take(reply(1)) is None
    assert machine.take(reply(2))[1] == "cell-2"
    assert machine.take(reply(3)) is None


def test_a_cell_may_print_so_much_and_the_next_one_again():
    machine = serving(sent=2)
    machine.take(printed("x" * 1000))
    machine.take(reply(1))
    machine.take(printed("x" * 1000))
    assert lost(machine, printed("x" * 1000)) == "output"


def test_replies_that_nobody_waits_for_do_not_begin_to_count_anew():
    machine = serving(sent=1)
    machine.take(reply(1))
    machine.take(printed("x" * 1000))
    machine.take(reply(2))
    machine.take(reply(1))
    assert lost(machine, printed("x" * 1000)) == "output"


def test_frames_without_content_are_a_flood_too():
    machine = serving()
    few = MOST // 100
    for _ in range(few // 2):
        machine.take(reply(7))
    for _ in range(few):
        with suppress(KernelLost):
            machine.take(reply(7))
    assert lost(machine, reply(7)) == "output"


@pytest.mark.parametrize(
    "frame", [b"", b"[]", b"{", b"\xff", b"[" * 500, b'{"type": "shutdown"}', b'{"type": "ready"}']
)
@pytest.mark.parametrize("make", [lambda: Incoming(MOST), serving])
def test_garbage_ends_it_in_every_state(make, frame):
    assert lost(make(), frame) == "garbage"


def test_data_at_the_edge_of_what_can_be_nested_is_read_or_refused():
    for depth in range(300, 1100):
        machine = Incoming(10**6)
        machine.take(body(**READY))
        deep = b'{"type": "display_data", "data": {"a": ' + b"[" * depth + b"]" * depth + b"}}"
        with suppress(KernelLost):
            machine.take(deep)


# --- any frames in any order ----------------------------------------------------------------------

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                       max_size=3),
    max_leaves=10,
)  # fmt: skip
kinds = st.sampled_from(
    ["stream", "error", "display_data", "execute_result", "reply", "ready", "failed", "status", ""]
)
parents = st.integers(0, 5).map("cell-{}".format) | st.text(max_size=5)
half_right = st.fixed_dictionaries(
    {"type": kinds},
    optional={
        "parent": parents | anything,
        "name": st.sampled_from(["stdout", "stderr", "stdlog"]) | anything,
        "text": st.text(max_size=300) | anything,
        "ename": st.text(max_size=9) | anything,
        "evalue": st.text(max_size=9) | anything,
        "traceback": st.lists(st.text(max_size=9), max_size=3) | anything,
        "data": st.dictionaries(st.text(max_size=9), anything, max_size=3) | anything,
        "isolation": st.text(max_size=9) | anything,
        "reason": st.text(max_size=9) | anything,
    },
)
good = st.one_of(
    st.builds(lambda n, t: {"type": "stream", "parent": f"cell-{n}", "name": "stdout", "text": t},
              st.integers(1, 5), st.text(max_size=400)),
    st.integers(1, 5).map(lambda n: {"type": "reply", "parent": f"cell-{n}"}),
    st.just(READY), st.just(FAILED),
)  # fmt: skip
bodies = st.one_of(
    (half_right | good).map(lambda content: json.dumps(content).encode()),
    anything.map(lambda content: json.dumps(content).encode()),
    st.binary(max_size=60),
    st.integers(1, 1200).map(lambda depth: b"[" * depth + b"]" * depth),
    st.integers(1, 6000).map(lambda digits: b'{"type": ' + b"9" * digits + b"}"),
)


class AnyFrames(RuleBasedStateMachine):
    """Frames and cells in any order, beside what is known of what may follow."""

    def __init__(self):
        super().__init__()
        self.machine = Incoming(MOST)
        self.firsts, self.replies, self.since_reply, self.is_lost = 0, 0, 0, False

    @precondition(lambda self: not self.is_lost)
    @rule(frame=bodies)
    def take(self, frame):
        why = None
        try:
            taken = self.machine.take(frame)
        except KernelLost as error:
            why, taken = error.kind, None
        assert why in (None, "output", "garbage")
        self.is_lost = why is not None
        self.since_reply += 0 if self.is_lost else len(frame)
        if taken is None:
            return
        kind, parent, content = taken
        assert isinstance(parent, str)
        assert isinstance(content, dict)
        if kind in wire.FIRST:
            self.firsts += 1
        if kind == "reply":
            self.replies += 1
            self.since_reply = 0
            assert parent == f"cell-{self.replies}"

    @rule()
    def send_a_cell(self):
        self.machine.sent += 1

    @invariant()
    def bounds_hold(self):
        assert self.firsts <= 1
        assert self.replies <= self.machine.sent
        assert self.since_reply <= MOST
        assert (self.machine.state == STARTING) == (self.firsts == 0)


AnyFrames.TestCase.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)
TestAnyFrames = AnyFrames.TestCase


# --- any bytes, to a whole kernel -----------------------------------------------------------------


class NoProcess:
    """A process that is none: its end of the connection is the test's."""

    pid = 2**22 + 1  # no process has it
    is_contained = False

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.read_from = self.write_to = self.ours.fileno()
        self.killed = False

    def is_alive(self):
        return not self.killed

    def interrupt(self):
        pass

    def kill(self):
        self.killed = True
        with suppress(OSError):
            self.ours.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.ours.close()
        self.theirs.close()


class NoLauncher:
    """Gives out one process that is none."""

    engine, preload = "pipe", ()

    def __init__(self, limits):
        self.limits, self.isolation, self.process = limits, None, NoProcess()

    def preload_without(self, absent):
        return []

    def start(self, absent=()):
        return self.process, Path("nowhere")

    def admit(self, process, isolation):
        self.isolation = isolation

    def remove(self, scratch):
        pass


chunks = st.one_of(
    bodies.map(lambda b: len(b).to_bytes(4, "big") + b),
    st.binary(max_size=40),
    st.integers(0, 2**32 - 1).map(lambda n: n.to_bytes(4, "big")),
    bodies.map(lambda b: (len(b) + 7).to_bytes(4, "big") + b),
)


@settings(max_examples=150, deadline=None)
@given(
    first=st.sampled_from([READY, FAILED, None]),
    stream=st.lists(chunks, max_size=12),
    ends=st.booleans(),
)
def test_a_kernel_that_sends_anything_raises_its_own_errors_and_ends(first, stream, ends):
    launcher = NoLauncher(Limits(cell_seconds=0.02, question_seconds=0.1, output_bytes=MOST))
    kernel = PipeKernel(launcher)
    process = launcher.process
    data = b"" if first is None else wire.pack(first)
    data += b"".join(stream)
    if first is None:
        ends = True  # nothing of a learner's can keep a kernel from coming up
    with suppress(OSError):
        process.theirs.sendall(data)
        if ends:
            process.theirs.shutdown(socket.SHUT_WR)
    taken, why = [], None
    try:
        for _ in range(3):
            request = kernel.execute_cell_input("1")
            with suppress(Empty):
                kernel.await_reply(request)
            with suppress(Empty):
                while True:
                    taken.append(kernel.get_message("iopub", 0.01))
            with suppress(Empty):
                kernel.await_idle(request, 0.01)
    except KernelLost as error:
        why = error.kind
    assert why in (None, "crash", "output", "garbage", "start")
    assert why is None or not kernel.is_alive()
    kernel.stop()
    assert not kernel._reader.is_alive()
    assert launcher.isolation in (None, READY["isolation"]) or first is None
    if first == FAILED:
        assert launcher.isolation is None
    assert sum(len(str(message)) for message in taken) < 40 * MOST
    for message in taken:
        assert set(message) == {"msg_type", "parent_header", "content"}


def test_a_kernel_that_never_comes_up_is_waited_for_and_no_longer(monkeypatch):
    monkeypatch.setattr("actgrade.sandbox.pipe.START_SECONDS", 0.05)
    kernel = PipeKernel(NoLauncher(Limits(cell_seconds=0.05)))
    request = kernel.execute_cell_input("1")
    with pytest.raises((Empty, KernelLost)):
        kernel.await_reply(request)
    kernel.stop()


def test_a_kernel_that_reads_nothing_does_not_keep_the_grader():
    """A cell of a megabyte fits into no connection; its time ends it."""
    launcher = NoLauncher(Limits(cell_seconds=0.2, question_seconds=0.5))
    kernel = PipeKernel(launcher)
    launcher.process.theirs.sendall(wire.pack(READY))
    first = kernel.execute_cell_input("1")
    launcher.process.theirs.sendall(wire.pack({"type": "reply", "parent": first}))
    kernel.await_reply(first)
    request = kernel.execute_cell_input("#" * 10**6)
    with pytest.raises(KernelLost):
        kernel.await_reply(request)
    kernel.stop()


FLOOD = """\
    import resource, sys
    sys.path.insert(0, sys.argv[1])
    from actgrade.sandbox.incoming import Incoming
    from actgrade.sandbox.lost import KernelLost
    import json
    most = 2**20
    shapes = [
        json.dumps({"type": "stream", "name": "stdout", "parent": "", "text": ""}),
        '{"type": "display_data", "data": {"a": [' + "[]," * 300_000 + "0]}}",
        '{"type": "display_data", "data": {"a": [' + "{}," * 300_000 + "0]}}",
        '{"type": "error", "ename": "", "evalue": "", "traceback": [' + '"",' * 300_000 + '""]}',
        json.dumps({"type": "stream", "name": "stdout", "text": "\\U0001f600" + "x" * (most - 99)}),
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for shape in shapes:
        machine, kept = Incoming(most), []
        machine.take(b'{"type": "ready", "isolation": ""}')
        try:
            while True:
                kept.append(machine.take(shape.encode()))
        except KernelLost as lost:
            assert lost.kind == "output", lost
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts in KiB")
def test_the_frames_of_a_cell_fill_no_more_than_their_share_of_memory():
    """MiB of frames become tens of MiB of Python, not hundreds."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FLOOD), root],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200 * 1024
