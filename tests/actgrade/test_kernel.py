"""Kernels: both engines and both ways to start them behave alike, and keep their limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from grading_sample import QUICK

from actgrade.reasons import answer_line
from actgrade.sandbox import confinement, watch, wire
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.pipe import PipeKernel
from actgrade.trial import Trial, TrialCell

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a fork server")
contained = pytest.mark.skipif(
    confinement.missing() is not None, reason="needs Landlock and seccomp"
)
WAYS = [
    pytest.param(("pipe", True), id="pipe", marks=linux),
    pytest.param(("jupyter", True), id="jupyter", marks=linux),
    pytest.param(("pipe", False), id="a process each"),
]


@pytest.fixture(scope="module", params=WAYS)
def any_launcher(request):
    engine, fork = request.param
    with Launcher(("numpy",), engine=engine, fork=fork, limits=QUICK) as launcher:
        yield launcher


def run(launcher, *sources, roles=None):
    roles = roles or ["answer"] * len(sources)
    cells = [
        TrialCell(role, f"cell {number}", source)
        for number, (source, role) in enumerate(zip(sources, roles, strict=True))
    ]
    trial = Trial(launcher, cells)
    try:
        return trial.outcomes()
    finally:
        trial.close()


HONEST = {
    "print('a', end=''); print('b')": ("ok", "ab\n"),
    "import sys; print(1); print(2, file=sys.stderr); print(3)": ("ok", "1\n3\n"),
    "1 + 1": ("ok", ""),
    "import asyncio\nawait asyncio.sleep(0)\nprint('slept')": ("ok", "slept\n"),
    "magics = %lsmagic\nprint(type(magics).__name__)": ("ok", "str\n"),
    "%%capture out\nprint('hidden')": ("ok", ""),
    "from IPython.display import display, Markdown\ndisplay(Markdown('# hi'))": ("ok", ""),
    "import threading\nt = threading.Thread(target=print, args=('t',)); t.start(); t.join()": (
        "ok",
        "t\n",
    ),
    "import matplotlib.pyplot as plt\nax = plt.plot([1, 2])[0]\nprint(ax.get_xydata().shape)": (
        "ok",
        "(2, 2)\n",
    ),
    "import tempfile\nwith tempfile.NamedTemporaryFile() as f:\n    print(f.write(b'abc'))": (
        "ok",
        "3\n",
    ),
    "import numpy as np, random\nprint(round(np.random.rand(), 6), round(random.random(), 6))": (
        "ok",
        "0.548814 0.844422\n",
    ),
    "print('é', '\\N{GREEK SMALL LETTER ALPHA}')": ("ok", "é α\n"),
    "": ("ok", ""),
    "1 / 0": ("error", ""),
    "print('before'); raise KeyError('k')": ("error", "before\n"),
    "def f(:": ("error", ""),
    "%nonsense": ("ok", ""),
}


def test_honest_cells_do_the_same_in_every_kernel(any_launcher):
    outcomes = run(any_launcher, *HONEST)
    assert [(o.kind, o.text) for o in outcomes if "nonsense" not in o.cell.source] == [
        expected for source, expected in HONEST.items() if "nonsense" not in source
    ]
    by_source = {outcome.cell.source: outcome for outcome in outcomes}
    assert by_source["1 / 0"].ename == "ZeroDivisionError"
    assert by_source["def f(:"].ename == "SyntaxError"


def test_cells_share_their_names_and_kernels_do_not(any_launcher):
    first, second = run(any_launcher, "x = 3", "print(x)")
    assert (first.kind, second.text) == ("ok", "3\n")
    (outcome,) = run(any_launcher, "print(x)")
    assert outcome.ename == "NameError"


def test_an_exception_names_the_line_of_the_answer(any_launcher):
    source = "def f(x):\n    y = x\n    return y / 0"
    outcomes = run(any_launcher, source, "f(1)", roles=["answer", "check"])
    assert outcomes[1].ename == "ZeroDivisionError"
    assert answer_line(outcomes[1]) == (3,)


def test_code_run_from_code_is_not_taken_for_the_courses(any_launcher):
    source = "get_ipython().run_cell('def f():\\n    import sys\\n    " + (
        "return sys._getframe().f_code.co_filename')"
    )
    outcomes = run(any_launcher, source, "print(f())", roles=["answer", "check"])
    assert outcomes[1].text == "<cell nested>\n"


@linux
def test_a_dead_kernel_is_seen_at_once(any_launcher):
    start = time.monotonic()
    outcomes = run(any_launcher, "import os; os._exit(0)", "print(1)")
    assert [outcome.kind for outcome in outcomes] == ["crash", "skipped"]
    assert time.monotonic() - start < QUICK.cell_seconds


@contained
def test_every_kernel_is_isolated(any_launcher):
    code = """\
import os, socket
for attempt in (lambda: os.listdir('/'), lambda: open('/etc/hostname'), os.fork,
                lambda: socket.socket(socket.AF_INET), lambda: os.kill(os.getppid(), 0),
                lambda: open('/tmp/x', 'w')):
    try:
        attempt()
    except OSError:
        print('refused')
print(sorted(k for k in os.environ if k not in ('PATH', 'LANG', 'LC_ALL', 'TZ')))
"""
    (outcome,) = run(any_launcher, code)
    assert any_launcher.isolation == confinement.ISOLATED
    assert outcome.text.count("refused") == 6, outcome.text
    assert "PYTHONPATH" not in outcome.text


def test_time_is_up_for_a_cell_or_for_the_question(tmp_path):
    limits = replace(QUICK, cell_seconds=1.0, question_seconds=2.0)
    with Launcher(("numpy",), limits=limits) as launcher:
        run(launcher, "1")
        start = time.monotonic()
        outcomes = run(launcher, "import time; time.sleep(60)", "1")
        assert [outcome.kind for outcome in outcomes] == ["timeout", "skipped"]
        assert 0.9 < time.monotonic() - start < 4
        start = time.monotonic()
        outcomes = run(launcher, *["import time; time.sleep(0.8)"] * 4)
        assert [outcome.kind for outcome in outcomes] == ["ok", "ok", "timeout", "skipped"]
        assert 1.9 < time.monotonic() - start < 5


def test_output_is_bounded(tmp_path):
    with Launcher(("numpy",), limits=replace(QUICK, output_bytes=10_000)) as launcher:
        outcomes = run(launcher, "print('x' * 5000)", "print('x' * 5000)", "print('x' * 20_000)")
        assert [outcome.kind for outcome in outcomes] == ["ok", "ok", "output"]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_written_is_bounded(way):
    engine, fork = way
    limits = replace(QUICK, disk_bytes=2**20)
    with Launcher(("numpy",), engine=engine, fork=fork, limits=limits) as launcher:
        little = "with open('f', 'wb') as file: file.write(bytes(2**18))"
        much = (
            "import time\nfor n in range(100):\n"
            "    with open(f'f{n}', 'wb') as file: file.write(bytes(2**18))\n"
            "    time.sleep(0.05)"
        )
        outcomes = run(launcher, little, "import time; time.sleep(0.5)", much, "1")
        assert [outcome.kind for outcome in outcomes] == ["ok", "ok", "disk", "skipped"]


LEAVES_TOO_MUCH = {
    "folders": ("disk", "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')"),
    "a deleted file": (
        "disk",
        "import os\nfile = open('f', 'wb')\nos.unlink('f')\nfile.write(bytes(2**21))\nfile.flush()",
    ),
    "a deleted file that is mapped": (
        "disk",
        "import mmap, os\nwith open('f', 'wb+') as file:\n"
        "    file.write(bytes(2**21)); file.flush(); os.unlink('f')\n"
        "    held = mmap.mmap(file.fileno(), 0)",
    ),
    "threads": (
        "threads",
        "import threading\nend = threading.Event()\n"
        "for _ in range(70): threading.Thread(target=end.wait, daemon=True).start()",
    ),
}


@linux
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", LEAVES_TOO_MUCH)
def test_what_a_quick_cell_leaves_is_seen(way, what, monkeypatch):
    """Also where the watch has not looked in time."""
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_LOOKS", 60.0)
    engine, fork = way
    kind, code = LEAVES_TOO_MUCH[what]
    limits = replace(QUICK, disk_bytes=2**20)
    with Launcher(("numpy",), engine=engine, fork=fork, limits=limits) as launcher:
        assert [outcome.kind for outcome in run(launcher, code, "1")] == [kind, "skipped"]
        assert [outcome.kind for outcome in run(launcher, "1")] == ["ok"]


@pytest.mark.skipif(os.name != "posix", reason="needs file locks")
def test_what_a_killed_run_left_is_deleted_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "actlab-mine").mkdir()
    code = (
        "from actgrade.sandbox.launcher import Launcher\n"
        "launcher = Launcher(); launcher.start(); print(launcher.folder, flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    left = Path(process.stdout.readline().strip())
    with Launcher(("numpy",)):
        assert left.is_dir()
    process.kill()
    process.communicate()
    assert left.is_dir()
    with Launcher(("numpy",)):
        assert not left.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["actlab-mine"]


@contained
def test_memory_is_bounded(tmp_path):
    with Launcher(("numpy",), limits=replace(QUICK, memory_bytes=2**29)) as launcher:
        (outcome,) = run(launcher, "import numpy as np\nnp.ones(2**28)")
        assert outcome.ename == "_ArrayMemoryError" or outcome.ename == "MemoryError"


@linux
def test_a_kernel_inherits_one_descriptor_and_no_more():
    with Launcher(("numpy",), limits=QUICK) as launcher:
        # It cannot list /proc/self/fd, so it tries the numbers.
        code = """\
import os
alive = []
for fd in range(256):
    try:
        os.fstat(fd)
        alive.append(fd)
    except OSError:
        pass
print(alive)
"""
        (outcome,) = run(launcher, code)
        assert outcome.text == "[0, 1, 2, 3]\n"


@linux
@pytest.mark.parametrize("way", WAYS)
def test_what_a_signal_does_is_the_same_in_a_background_job(way):
    engine, fork = way
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # what such a job begins with
    try:
        with Launcher(("numpy",), engine=engine, fork=fork, limits=QUICK) as launcher:
            outcomes = run(launcher, "import signal; signal.raise_signal(signal.SIGQUIT)", "1")
    finally:
        signal.signal(signal.SIGQUIT, before)
    assert [outcome.kind for outcome in outcomes] == ["crash", "skipped"]


def test_kernels_leave_nothing_behind(any_launcher):
    def open_files():
        return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208

    run(any_launcher, "1")
    before = open_files()
    for _ in range(5):
        run(any_launcher, "open('left', 'w').write('x')", "import os; os._exit(0)")
    assert open_files() == before
    assert [path for path in any_launcher.folder.iterdir() if path.is_dir()] == []


def test_the_folder_goes_with_the_launcher():
    launcher = Launcher(("numpy",), limits=QUICK)
    run(launcher, "1")
    folder = launcher.folder
    assert folder.is_dir()
    launcher.close()
    assert not folder.exists()


@linux
def test_a_server_that_cannot_start_is_no_hang(monkeypatch):
    from actgrade.sandbox import launcher as module

    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    with Launcher(("numpy",), limits=QUICK) as launcher:
        (outcome,) = run(launcher, "1")
    assert outcome.kind == "start"


# What a kernel may send ------------------------------------------------------------------------


def test_frames_are_read_back():
    frames = iter([wire.pack({"a": "é\ud800"}), b""])
    stream = b"".join(frames)

    def read(count):
        nonlocal stream
        part, stream = stream[:count], stream[count:]
        return part

    body = wire.unpack(read, 1000)
    assert wire.load(body) == {"a": "é\ud800"}
    assert wire.unpack(read, 1000) is None


@pytest.mark.parametrize(
    "data", [b"\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x09abc", b"\x00\x00\x10\x00"]
)
def test_half_a_frame_or_too_long_a_one_is_refused(data):
    stream = [data]

    def read(count):
        part, stream[0] = stream[0][:count], stream[0][count:]
        return part

    with pytest.raises(wire.WireError):
        wire.unpack(read, 100)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000])
def test_a_frame_that_is_no_object_is_refused(body):
    with pytest.raises(wire.WireError):
        wire.load(body)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"type": "stream", "name": "stdlog", "text": "x"},
        {"type": "stream", "name": "stdout", "text": 3},
        {"type": "stream", "name": "stdout", "text": "x", "parent": 3},
        {"type": "error", "ename": "E", "evalue": "", "traceback": [3]},
        {"type": "error", "ename": None, "evalue": "", "traceback": []},
        {"type": "display_data", "data": []},
        {"type": ["stream"]},
        {"type": "shutdown"},
        {"type": "ready"},
    ],
)
def test_a_message_of_another_form_is_refused(content):
    with pytest.raises(wire.WireError):
        wire.message(content)


def test_a_kernel_that_sends_garbage_is_lost(launcher):
    kernel = PipeKernel(launcher)
    try:
        request = kernel.execute_cell_input(
            "import os\nfor fd in range(3, 9):\n    try:\n        os.write(fd, b'\\0\\0\\0\\2[]')\n"
            "    except OSError:\n        pass"
        )
        with pytest.raises(Exception, match="not an object") as caught:
            kernel.await_reply(request)
        assert caught.value.kind == "garbage"
        assert not kernel.is_alive()
    finally:
        kernel.stop()
