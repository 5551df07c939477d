"""A small course for the learner's tests, and a terminal to watch it in."""

from __future__ import annotations

import json
import os
import runpy
import select
import subprocess
import sys
import time
from pathlib import Path

from actgrade.startup import skip_slow_imports

skip_slow_imports()

# The grader's sample course; not imported, since only tests/actgrade is sure to find it.
SAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "grading_sample.py"))
CHAPTER = "90_sample"
RIGHT = {name: question["answer"] for name, question in SAMPLE["QUESTIONS"].items()}
WRONG_SIGN = "def sign(x):\n    return np.where(x > 0, 1.0, -1.0)"
SECONDS = 60  # for one answer on a machine that does other things, too


def notebook(root: Path) -> Path:
    """The learner's notebook."""
    return root / "exercises" / f"{CHAPTER}.ipynb"


def write_answer(root: Path, **answers: str) -> None:
    """Save the learner's notebook with these answers, in one step as JupyterLab does."""
    path = notebook(root)
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        if cell["id"].removeprefix("answer-") in answers:
            cell["source"] = answers[cell["id"].removeprefix("answer-")]
    temporary = path.with_name("saving")
    temporary.write_text(json.dumps(content))
    temporary.replace(path)


def progress(root: Path) -> dict:
    """The file that the course keeps."""
    return json.loads((root / ".actlab" / "progress.json").read_text())


class Watching:
    """``actlab watch`` in a process of its own, on a pseudo-terminal or in pipes."""

    def __init__(
        self, root: Path, *arguments: str, terminal: bool, program: list[str] | None = None
    ) -> None:
        self.said = ""
        self._seen: set[tuple[int, str]] = set()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
        environment.pop("NO_COLOR", None)
        if terminal:
            import pty

            self.terminal, theirs = pty.openpty()
            self.read_from = self.terminal
            streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
        else:
            self.read_from, theirs = os.pipe()
            streams = {"stdin": subprocess.DEVNULL, "stdout": theirs, "stderr": theirs}
        self.process = subprocess.Popen(
            program or [sys.executable, "-m", "actlab", "watch", *arguments],
            cwd=root,
            env=environment,
            # The terminal becomes the session's own: Ctrl-C reaches all of its processes.
            preexec_fn=_take_terminal if terminal else os.setsid,
            **streams,
        )
        os.close(theirs)

    def until(self, *words: str, seconds: float = SECONDS) -> str:
        """Read until all words were said since the last call; what was said."""
        end = time.monotonic() + seconds
        while not all(word in self.said for word in words):
            if not select.select([self.read_from], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{words} not said within {seconds} s, but: {self.said!r}")
            try:
                data = os.read(self.read_from, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"it ended without saying {words}: {self.said!r}")
            self.said += data.decode(errors="replace")
        said, self.said = self.said, ""
        return said

    def press(self, keys: str) -> None:
        """Type on the terminal."""
        os.write(self.terminal, keys.encode())

    def children(self) -> list[int]:
        """Its processes besides the first, those that this has seen and those of its session."""
        parents, sessions, started = {}, {}, {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if fields[0] != "Z":
                    pid = int(folder.name)
                    parents[pid], sessions[pid] = int(fields[1]), int(fields[3])
                    started[pid] = fields[19]
        family = {self.process.pid}
        # Kernels have sessions of their own, but are forks of the server.
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        family |= {pid for pid, session in sessions.items() if session == self.process.pid}
        self._seen |= {(pid, started[pid]) for pid in family if pid in started}
        alive = {pid for pid, when in self._seen if started.get(pid) == when}
        return sorted(alive - {self.process.pid})

    def wait(self) -> int:
        """The exit code; what is still said goes on being read, or it could not end."""
        end = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end: {self.said!r}"
            if select.select([self.read_from], [], [], 0.05)[0]:
                try:
                    self.said += os.read(self.read_from, 65536).decode(errors="replace")
                except OSError:
                    time.sleep(0.05)
        return self.process.returncode

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self.read_from)


def _take_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
