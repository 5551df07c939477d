"""What the course remembers of a learner between two runs: ``.actlab/progress.json``.

Version 1 of the form::

    {"schema": "actlab-progress", "version": 1,
     "current": ["04_relu", "q2"],
     "chapters": {"04_relu": {"q2": {
        "key": "9f2c...",        what was graded: a digest of the answer and the question
        "points": 2.0, "maximum": 3.0, "verdict": "partial", "reason": "...",
        "graded": "2026-01-31T12:00:00+00:00",
        "passed": false,         whether it ever had full points
        "hints": 1,              how many hints were given
        "gave_up": ""}}}}        when the solution was shown without a pass

The file is written in one step under a lock, so two commands at once lose nothing. A file that is
not of this form is set aside, not overwritten; one of a later version is left alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actbase.files import replace_file
from actgrade.course import FOLDER

SCHEMA = "actlab-progress"
VERSION = 1
FILE = "progress.json"
SECONDS_FOR_THE_LOCK = 3.0


@dataclass
class Record:
    """What is known about one question; the fields are those of the file."""

    key: str = ""
    points: float = 0.0
    maximum: float = 0.0
    verdict: str = ""
    reason: str = ""
    graded: str = ""
    passed: bool = False
    hints: int = 0
    gave_up: str = ""


@dataclass
class State:
    """Everything in the file.

    Attributes:
        current: the chapter and the question at which the learner is, or None.
        chapters: records by chapter and question.
    """

    current: tuple[str, str] | None = None
    chapters: dict[str, dict[str, Record]] = field(default_factory=dict)

    def record(self, chapter: str, question: str) -> Record:
        """The record of one question, a new one where there is none."""
        return self.chapters.setdefault(chapter, {}).setdefault(question, Record())

    def records(self, chapter: str) -> dict[str, Record]:
        """The records of one chapter."""
        return self.chapters.get(chapter, {})


class DamagedError(ValueError):
    """The file is not of the form that this module writes."""


class Store:
    """Reads and changes the file of the course in ``root``.

    Args:
        say: is given a sentence when the file is damaged or cannot be written. Neither stops the
            learner: what cannot be written is kept in memory, and written when that works again.
    """

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self.folder = root / FOLDER
        self.path = self.folder / FILE
        self._say = say
        self._memory: State | None = None

    def read(self) -> State:
        """What is remembered now; empty when there is nothing yet.

        Raises:
            CommandError: the file was written by a later version.
        """
        if self._memory is not None:
            return self._memory
        try:
            text = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return State()
        except OSError as error:
            self._memory = State()
            self._say(f"progress is not kept: {self.path} cannot be read ({_reason(error)})")
            return self._memory
        try:
            return parse(text)
        except DamagedError as damage:
            self._set_aside(damage)
            return self._memory or State()

    def update(self, change: Callable[[State], None]) -> State:
        """Apply ``change`` to what is remembered, keep it, and return it."""
        with self._lock():
            state = self.read()
            change(state)
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                replace_file(self.path, dump(state).encode())
            except OSError as error:
                if self._memory is None:
                    self._say(
                        f"progress is not kept: {self.path} cannot be written ({_reason(error)})"
                    )
                self._memory = state
            else:
                self._memory = None
        return state

    def _set_aside(self, damage: DamagedError) -> None:
        number = 1
        while (aside := self.path.with_name(f"{FILE}.damaged-{number}")).exists():
            number += 1
        try:
            self.path.rename(aside)
        except OSError as error:
            # It must not be overwritten, so nothing is written in this run.
            self._memory = State()
            self._say(
                f"progress is not kept: {self.path} is damaged ({damage}) and cannot be set "
                f"aside ({_reason(error)})"
            )
        else:
            self._say(
                f"{self.path} is damaged ({damage}); it is kept as {aside.name} and progress "
                "starts anew, your notebooks are untouched"
            )

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """One writer at a time, where the file system can; never wait for long."""
        try:
            import fcntl

            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except (ImportError, OSError):
            yield
            return
        try:
            end = time.monotonic() + SECONDS_FOR_THE_LOCK
            while time.monotonic() < end:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    if error.errno not in (errno.EAGAIN, errno.EACCES):
                        break
                    time.sleep(0.02)
                else:
                    break
            yield
        finally:
            os.close(descriptor)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def dump(state: State) -> str:
    """The text of the file."""
    content = {
        "schema": SCHEMA,
        "version": VERSION,
        "current": list(state.current) if state.current else None,
        "chapters": {
            chapter: {name: dataclasses.asdict(record) for name, record in records.items()}
            for chapter, records in state.chapters.items()
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def parse(text: bytes) -> State:
    """The state in the text of a file.

    Raises:
        DamagedError: it is not of the right form; the message says what is wrong with it.
        CommandError: it is of a later version.
    """
    try:
        content = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise DamagedError("it is not text") from None
    except (ValueError, RecursionError):
        raise DamagedError("it is not JSON" if text.strip() else "it is empty") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise DamagedError(f"its schema is not {SCHEMA}")
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise CommandError(
            f"your progress was written by a later actlab (version {version} of its form, this one "
            f"knows {VERSION}): update the course"
        )
    if version != VERSION:
        raise DamagedError(f"its version is not {VERSION}")
    current, chapters = content.get("current"), content.get("chapters")
    if current is not None and not (
        isinstance(current, list) and len(current) == 2 and all(isinstance(x, str) for x in current)
    ):
        raise DamagedError("current is not a chapter and a question")
    if not isinstance(chapters, dict):
        raise DamagedError("it has no chapters")
    state = State((current[0], current[1]) if current else None)
    for chapter, records in chapters.items():
        if not isinstance(records, dict):
            raise DamagedError(f"chapter {chapter!r} has no questions")
        for name, fields in records.items():
            state.chapters.setdefault(chapter, {})[name] = _record(fields, f"{chapter} {name}")
    return state


def _record(fields: Any, where: str) -> Record:
    if not isinstance(fields, dict):
        raise DamagedError(f"the record of {where} is no mapping")
    record = Record()
    for known in dataclasses.fields(Record):
        value, default = fields.get(known.name), getattr(record, known.name)
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if type(value) is not type(default) or (isinstance(value, float) and not _sound(value)):
            raise DamagedError(f"{known.name} of {where} is not what it should be")
        setattr(record, known.name, value)
    return record


def _sound(value: float) -> bool:
    return math.isfinite(value) and value >= 0
