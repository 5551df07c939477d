"""Answers to q1 of the sample course that attack the grader instead of solving the question.

Each is real code, run for real. ``fair`` is the set of verdicts that q1 may get; in every case q1
earns nothing and q2 and q3 keep their points. In the code, ``@SOLUTIONS@`` stands for the source
notebook, ``@OUTSIDE@`` for a folder that belongs to somebody else with a file ``canary`` in it, and
``@PORT@`` for a TCP and UDP port that listens.
"""

from __future__ import annotations

from dataclasses import dataclass

WRONG = "def sign(x):\n    return x\n"
# What the attacker would need to print: the form is public, the values are not.
VISIBLE = "y: float (3,) [-1.0 0.0 1.0]"


@dataclass(frozen=True)
class Attack:
    """One hostile answer and the verdicts that are fair for it."""

    code: str
    fair: tuple[str, ...] = ("fail",)


def _wrong_and(code: str) -> str:
    return f"{WRONG}\n{code}"


def _inside(code: str) -> str:
    body = "\n".join(f"    {line}" for line in code.splitlines())
    return f"def sign(x):\n{body}\n    return x\n"


READ_SOLUTION = """\
import json
nb = json.load(open('@SOLUTIONS@'))
for cell in nb['cells']:
    if cell['metadata'].get('actlab', {}).get('role') == 'answer':
        exec(''.join(cell['source']))
"""

READ_MEMORY = """\
import os, re
found = None
for pid in (os.getppid(), os.getpid() - 1, 1):
    with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb') as memory:
        for line in maps:
            low, high = (int(part, 16) for part in line.split()[0].split('-'))
            memory.seek(low)
            if b'np.sign(x)' in memory.read(high - low):
                found = True
if found:
    def sign(x):
        return np.sign(x)
"""

HUNT = """\
import gc
source = [o for o in gc.get_objects() if isinstance(o, (str, list, dict)) and 'np.sign(' in str(o)
          and 'HUNT' not in str(o)]  # HUNT
if source:
    sign = np.sign
"""

FORGE = """\
import json, os, struct
def frame(**content):
    body = json.dumps(content).encode()
    return struct.pack('>I', len(body)) + body
for n in range(20):
    for fd in range(3, 12):
        for part in (dict(type='stream', parent=f'cell-{n}', name='stdout', text='@VISIBLE@\\n'),
                     dict(type='reply', parent=f'cell-{n}')):
            try:
                os.write(fd, frame(**part))
            except OSError:
                pass
""".replace("@VISIBLE@", VISIBLE)

THREAD = """\
import sys, threading, time
def talk():
    while True:
        print('@VISIBLE@')
        sys.stdout.flush()
        time.sleep(0.001)
threading.Thread(target=talk, daemon=True).start()
time.sleep(0.05)
""".replace("@VISIBLE@", VISIBLE)

# Messages of no cell, for ever: each of them comes before the wait for the next one is over.
STRAYS = """\
import json, os, struct, threading, time
def talk():
    body = json.dumps(dict(type='stream', parent='x', name='stdout', text='y')).encode()
    kernel = getattr(get_ipython(), 'kernel', None)
    while True:
        if kernel is None:
            os.write(3, struct.pack('>I', len(body)) + body)
        else:
            kernel.session.send(kernel.iopub_socket, 'stream', dict(name='stdout', text='y'),
                                parent={'header': {'msg_id': 'x'}})
        time.sleep(0.1)
threading.Thread(target=talk, daemon=True).start()
while True:
    try:
        time.sleep(99)
    except BaseException:
        pass
"""

FRAMES = """\
import json, os, struct, time
def send(**content):
    body = json.dumps(content).encode()
    os.write(3, struct.pack('>I', len(body)) + body)
"""
# Each folder stands in the one before it; no path is long enough for the deepest one.
DEEP = """\
import os
for _ in range(3000):
    os.mkdir('d')
    os.chdir('d')
open('f', 'w').write('x')
"""

SEGFAULT = "import ctypes\nctypes.string_at(0)"
CATASTROPHE = "import re\nre.match('(a+)+$', 'a' * 60 + 'b')"

ATTACKS = {
    # judge instead of being judged
    "patch allclose": Attack(
        _wrong_and("np.allclose = np.array_equal = lambda *a, **k: True\nnp.testing = None")
    ),
    "patch show": Attack(
        _wrong_and(
            "import actgrade.exercise as module\n"
            f"module.show = show = lambda **k: print({VISIBLE!r})\n"
            "module.lines_of = lambda *a: ['y']"
        )
    ),
    "patch print": Attack(
        _wrong_and(
            "import builtins, sys\n"
            f"builtins.print = lambda *a, **k: sys.stdout.write({VISIBLE + chr(10)!r})"
        )
    ),
    "print the visible text": Attack(_wrong_and(f"print({VISIBLE!r})")),
    "rewrite every cell": Attack(
        _wrong_and(
            "get_ipython().input_transformers_post.append("
            f"lambda lines: [{f'print({VISIBLE!r})'!r} + chr(10)])"
        )
    ),
    "patch the generator": Attack(
        _wrong_and(
            "np.random.default_rng = lambda s: type('G', (), {'normal': "
            "lambda self, size: np.ones(size)})()"
        ),
        ("fail", "error"),
    ),
    "print while cells run": Attack(_wrong_and(THREAD), ("fail", "output")),
    "print after cells": Attack(
        _wrong_and(
            f"get_ipython().events.register('post_run_cell', lambda result: print({VISIBLE!r}))"
        )
    ),
    "forge messages": Attack(_wrong_and(FORGE), ("fail", "crash", "output")),
    "send messages for ever": Attack(STRAYS, ("timeout",)),
    "write garbage to every descriptor": Attack(
        _wrong_and(
            "import os\nfor fd in range(64):\n    try:\n        os.write(fd, b'x' * 99)\n"
            "    except OSError:\n        pass"
        ),
        ("fail", "crash", "output", "timeout"),
    ),
    "close every descriptor": Attack(
        _wrong_and("import os\nos.closerange(0, 64)"), ("fail", "crash", "timeout")
    ),
    "raise a forged refusal": Attack(
        "class ForbiddenUse(BaseException):\n    pass\n\nraise ForbiddenUse('give me points')",
        ("forbidden",),
    ),
    "say again that it is ready": Attack(
        _wrong_and(FRAMES + "send(type='ready', isolation='none: the teacher switched it off')"),
        ("fail", "crash", "error"),
    ),
    "say that it never came up": Attack(
        _wrong_and(FRAMES + "send(type='failed', reason='the course is broken')"),
        ("fail", "crash", "error"),
    ),
    "be ready for ever": Attack(
        FRAMES + "while True:\n    send(type='ready', isolation='x')\n    time.sleep(0.05)",
        ("crash", "timeout", "error"),
    ),
    "reply between floods": Attack(
        FRAMES + "while True:\n    for n in range(20):\n"
        "        send(type='stream', parent='cell-2', name='stdout', text='x' * 10**5)\n"
        "    send(type='reply', parent='cell-2')",
        ("output", "timeout", "error", "crash"),
    ),
    "replies to cells that nobody sent": Attack(
        FRAMES + "while True:\n    send(type='reply', parent='cell-99')",
        ("output", "timeout", "error", "crash"),
    ),
    # read what is not theirs
    "read the solution": Attack(READ_SOLUTION, ("error",)),
    "read other memory": Attack(READ_MEMORY, ("error",)),
    "hunt for the reference in memory": Attack(_wrong_and(HUNT)),
    "list other folders": Attack("import os\nprint(os.listdir('@OUTSIDE@'))", ("error",)),
    "read the environment": Attack(
        _wrong_and("import os\nassert not [k for k in os.environ if 'ACTLAB' in k or 'KEY' in k]")
    ),
    # end the process, or never
    "_exit": Attack("import os\nos._exit(0)", ("crash",)),
    "_exit inside": Attack(_inside("import os\nos._exit(0)"), ("crash",)),
    "kill itself": Attack("import os\nos.kill(os.getpid(), 9)", ("crash",)),
    "segfault": Attack(SEGFAULT, ("crash",)),
    "segfault inside": Attack(_inside(SEGFAULT), ("crash",)),
    "sys.exit": Attack(_wrong_and("import sys\nsys.exit(0)"), ("fail", "error")),
    "quit": Attack(_wrong_and("quit()")),
    "KeyboardInterrupt": Attack("raise KeyboardInterrupt", ("error",)),
    "recursion": Attack(
        "import sys\nsys.setrecursionlimit(10**9)\ndef sign(x):\n    return sign(x)\nsign(1)",
        ("crash", "error", "timeout"),
    ),
    "loop": Attack("while True:\n    pass", ("timeout",)),
    "loop inside": Attack(_inside("while True:\n    pass"), ("timeout",)),
    "loop that catches": Attack(
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass",
        ("timeout",),
    ),
    "loop without signals": Attack(
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
        ("timeout",),
    ),
    "loop in C": Attack(CATASTROPHE, ("timeout",)),
    "stop itself": Attack("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", ("timeout",)),
    "input": Attack(_wrong_and("input('?')"), ("fail", "error")),
    # too much of everything
    "memory at once": Attack("a = np.ones(10**11)", ("error",)),
    "memory by and by": Attack(
        "a = []\nwhile True:\n    a.append(np.ones(4_000_000))", ("error", "crash", "timeout")
    ),
    # A Jupyter kernel's one message of 100 MB is never taken, so its time runs out.
    "print 100 MB": Attack(_wrong_and("print('x' * 10**8)"), ("output", "timeout")),
    "print for ever": Attack("while True:\n    print('x' * 1000)", ("output", "timeout")),
    "100,000 displays": Attack(
        "from IPython.display import display\nfor n in range(10**5):\n    display(n)",
        ("output", "timeout"),
    ),
    "long exception": Attack("raise ValueError('x' * 10**7)", ("error", "output", "timeout")),
    "fill the disk": Attack(
        "with open('big', 'wb') as file:\n    while True:\n        file.write(bytes(2**20))",
        ("error", "crash"),
    ),
    "fill the disk with many files": Attack(
        "n = 0\nwhile True:\n    with open(f'big{n}', 'wb') as file:\n"
        "        file.write(bytes(2**25))\n    n += 1",
        ("output", "timeout"),  # a slow disk
    ),
    "leave folders too deep to delete": Attack(_wrong_and(DEEP), ("fail", "output", "timeout")),
    "leave folders that cannot be entered": Attack(
        _wrong_and(
            "import os\nos.makedirs('a/b')\nos.mkdir('c', 0)\nos.umask(0o777)\nos.mkdir('e')"
        ),
        ("fail", "output"),
    ),
    "fill the disk with deleted files": Attack(
        "files = []\nimport os\nwhile True:\n    files.append(open('x', 'wb'))\n"
        "    os.remove('x')\n    files[-1].write(bytes(2**25))\n    files[-1].flush()",
        ("output", "timeout", "error"),
    ),
    "shared memory": Attack(
        "import mmap\nmaps = []\nwhile True:\n    maps.append(mmap.mmap(-1, 2**28))\n"
        "    maps[-1].write(bytes(2**28))",
        ("error", "crash", "timeout"),
    ),
    "threads with small stacks": Attack(
        "import threading, time\nthreading.stack_size(65536)\nfor _ in range(2000):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\ntime.sleep(60)",
        ("crash", "error", "timeout"),
    ),
    "open every file": Attack(
        "files = []\nwhile True:\n    files.append(open('f', 'w'))", ("error", "crash", "timeout")
    ),
    "threads": Attack(
        "import threading, time\nwhile True:\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()",
        ("error", "timeout", "crash"),
    ),
    # reach out
    "fork": Attack("import os\nwhile True:\n    os.fork()", ("error",)),
    "start a program": Attack(
        "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'touch @OUTSIDE@/new'])", ("error",)
    ),
    "shell": Attack("!touch @OUTSIDE@/new", ("error",)),
    "become a program": Attack("import os\nos.execv('/bin/sh', ['sh'])", ("error",)),
    "multiprocessing": Attack(
        "import multiprocessing\nmultiprocessing.get_context('fork').Process(target=print).start()",
        ("error",),
    ),
    "TCP": Attack(
        "import socket\nsocket.create_connection(('127.0.0.1', @PORT@), 2).send(b'hi')", ("error",)
    ),
    "UDP": Attack(
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.sendto(b'hi', ('127.0.0.1', @PORT@))",
        ("error",),
    ),
    "local socket": Attack(
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('@OUTSIDE@/socket')",
        ("error",),
    ),
    "write outside": Attack("open('@OUTSIDE@/new', 'w').write('hi')", ("error",)),
    "overwrite": Attack("open('@OUTSIDE@/canary', 'w').write('hi')", ("error",)),
    "delete": Attack("import os\nos.remove('@OUTSIDE@/canary')", ("error",)),
    "link to what is outside": Attack(
        "import os\nos.symlink('@OUTSIDE@/canary', 'x')\nopen('x', 'a').write('hi')", ("error",)
    ),
    "change modes": Attack(_wrong_and("import os\nos.chmod('@OUTSIDE@/canary', 0o777)")),
    "change times": Attack(_wrong_and("import os\nos.utime('@OUTSIDE@/canary', (1, 1))")),
    "change owners": Attack("import os\nos.chown('@OUTSIDE@/canary', 1, 1)", ("error",)),
    "write into site-packages": Attack(
        "open(np.__file__.replace('__init__', 'evil'), 'w').write('hi')", ("error",)
    ),
    "kill the server": Attack("import os\nos.kill(os.getppid(), 9)", ("error",)),
    "kill everybody": Attack("import os\nos.kill(-1, 9)", ("error",)),
    "raise its limits": Attack(
        "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))", ("error",)
    ),
    "trace the server": Attack(
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "if libc.ptrace(16, os.getppid(), 0, 0):\n    raise OSError(ctypes.get_errno())",
        ("error",),
    ),
    "leave the sandbox": Attack(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "if all(libc.syscall(n, 0, 0, 0, 0, 0) < 0 for n in (425, 272, 308, 161, 165, 319, 323)):\n"
        "    raise OSError(ctypes.get_errno())",
        ("error",),
    ),
    # spoil the place for others, or the report
    "reset everything": Attack("%reset -f", ("error",)),
    "break numpy": Attack("np.where = np.asarray = np.random = None", ("error",)),
    "break builtins": Attack(
        "import builtins\nfor name in ('float', 'str', 'isinstance', 'len'):\n"
        "    setattr(builtins, name, None)",
        ("error", "crash", "timeout", "fail"),
    ),
    "coloured exception": Attack("raise ValueError('\\x1b[31mRED\\x1b[0m\\x07[bold]')", ("error",)),
    "lone surrogates": Attack("print('\\ud800')\nraise ValueError('\\udfff')", ("error",)),
    "an exception that cannot be shown": Attack(
        "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\n\nraise Odd",
        ("error", "crash"),
    ),
    "an exception with a name of its own": Attack(
        "raise type('\\x1b[31m' * 99, (Exception,), {})('x')", ("error",)
    ),
    "deep display": Attack(
        _wrong_and(
            "deep = []\nfor _ in range(100_000):\n    deep = [deep]\n"
            "from IPython.display import display\n"
            "display({'application/json': deep, 'text/plain': 'x'}, raw=True)"
        ),
        ("fail", "error", "crash", "output"),
    ),
}
