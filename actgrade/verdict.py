"""In a released notebook, say below a check cell whether its values agree.

``from actgrade.exercise import show`` installs this in an IPython session that works in a folder
which ``actlab release`` wrote, and nowhere else. The line is for the learner's eyes: grading runs
the answers elsewhere and never reads it.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from actgrade.aside import Aside
from actgrade.sidecar import SIDECAR_FOLDER, VERSION, source_key

_INSTALLED = "_actlab_verdicts"


def install(shell: Any) -> None:
    """Watch the cells that ``shell``, an IPython shell, runs; once, and only beside exercises."""
    if hasattr(shell, _INSTALLED) or not (Path.cwd() / SIDECAR_FOLDER).is_dir():
        return
    watcher = CheckWatcher(Path.cwd() / SIDECAR_FOLDER, shell)
    setattr(shell, _INSTALLED, watcher)
    shell.events.register("pre_run_cell", watcher.before)
    shell.events.register("post_run_cell", watcher.after)
    shell.set_custom_exc((NotImplementedError,), watcher.unwritten)


class CheckWatcher:
    """Reads along while a check cell prints, and prints one line at its end.

    The cell runs in a copy of the namespace, so that it leaves no name behind.
    """

    def __init__(self, folder: Path, shell: Any = None) -> None:
        self._folder = folder
        self._aside = None if shell is None else Aside(shell)
        self._check: dict[str, Any] | None = None
        self._tee: _Tee | None = None

    def before(self, info: Any) -> None:
        """A cell is about to run: listen when it is a check cell."""
        self._stop()
        self._check = self._find(info.raw_cell or "")
        if self._check is not None:
            self._tee = _Tee(sys.stdout)
            sys.stdout = self._tee  # type: ignore[assignment]
            if self._aside is not None:
                self._aside.enter()

    def after(self, result: Any) -> None:
        """A cell has run: say what its values are worth."""
        check, text = self._check, self._stop()
        if check is None:
            return
        failure = result.error_before_exec or result.error_in_exec
        print(verdict_line(check, text, failure))
        if isinstance(failure, NotImplementedError):
            result.error_in_exec = None  # so that "Run All" goes on to the next question

    def unwritten(self, shell: Any, kind: type, value: BaseException, trace: Any, **_: Any) -> None:
        """Show no traceback for a question that nobody has written yet; :meth:`after` says so."""
        if self._check is None:
            shell.showtraceback((kind, value, trace), tb_offset=1)

    def _stop(self) -> str:
        tee, self._tee, self._check = self._tee, None, None
        if self._aside is not None:
            self._aside.leave()
        if tee is None:
            return ""
        if sys.stdout is tee:
            sys.stdout = tee.stream
        return "".join(tee.parts)

    def _find(self, source: str) -> dict[str, Any] | None:
        """The expected values of the check cell with this source, or None."""
        key = source_key(source)
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                if content["version"] == VERSION:
                    found += [
                        {**check, "chapter": content["chapter"]}
                        for check in content["checks"]
                        if check["source"] == key
                    ]
            except (OSError, ValueError, KeyError, TypeError):
                continue  # a damaged file costs the verdict line, not the learner's cell
        # Jupyter names the notebook; it matters when two chapters share the text of a check.
        notebook = _notebook_name().removesuffix(".ipynb")
        return next((check for check in found if check["chapter"] == notebook), None) or (
            found[0] if found else None
        )


def _notebook_name() -> str:
    """The file name of the notebook that runs, or "" where Jupyter does not say it."""
    return Path(os.environ.get("JPY_SESSION_NAME", "")).name


def what_to_grade(chapter: str) -> str:
    """What to name to 'actlab grade': the chapter, or the copy of it that runs."""
    name = _notebook_name()
    if not name.endswith(".ipynb") or name == f"{chapter}.ipynb":
        return chapter
    return shlex.quote(f"exercises/{name}")


class _Tee:
    """A stream that remembers what it passes on."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        self.stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def verdict_line(check: dict[str, Any], text: str, failure: BaseException | None) -> str:
    """The line to print below a check cell.

    Args:
        check: question, chapter, expected text and tolerance, from the file beside the exercises.
        text: what the cell printed.
        failure: the exception that ended it, or None.
    """
    from actgrade.compare import own_lines, texts_agree
    from actgrade.feedback import explain_text
    from actgrade.source import Tolerance

    question, tolerance = check["question"], Tolerance(check["rtol"], check["atol"])
    if isinstance(failure, NotImplementedError):
        return f"{question}: not written yet"
    if failure is not None:
        return f"{question}: not yet, the check ends with {type(failure).__name__}"
    if texts_agree(check["expected"], own_lines(check["expected"], text), tolerance):
        wanted = what_to_grade(check["chapter"])
        return (
            f"{question}: the values agree. For the points: actlab grade {wanted} "
            "(it uses inputs that are not in this notebook)"
        )
    return f"{question}: not yet, {explain_text(check['expected'], text, tolerance, reveal=True)}"
