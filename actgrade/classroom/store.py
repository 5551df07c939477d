"""Keep every graded unit as soon as it is done, so that nothing is graded twice and nothing lost.

A unit is a chapter and the bytes of one file. Its key is a digest of all that its grade depends on:
those bytes, the chapter's source, the grader, the instructor's key, the engine and the limits. A
changed course therefore grades anew, and an unchanged one never does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actbase.files import replace_file

FOLDER = ".actlab-class"
VERSION = 1


def unit_key(chapter_digest: str, submission_digest: str, settings: Mapping[str, Any]) -> str:
    """The name under which a unit's result is kept."""
    content = json.dumps(
        [VERSION, chapter_digest, submission_digest, dict(settings)], sort_keys=True
    )
    return hashlib.sha256(content.encode()).hexdigest()


class Store:
    """The results below ``out``, one file a unit.

    Args:
        out: the folder of the gradebook; made when it is missing.

    Raises:
        CommandError: the folder cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out / FOLDER
        self.results = self.folder / "units"
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror or error}") from None

    def get(self, key: str) -> dict[str, Any] | None:
        """The result of a unit, or None when it is to be graded."""
        try:
            result = json.loads((self.results / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return result if isinstance(result, dict) and result.get("unit") == key else None

    def put(self, result: Mapping[str, Any]) -> None:
        """Keep the result of a unit; it is there completely or not at all.

        Raises:
            CommandError: it cannot be written.
        """
        try:
            keep(self.results, result)
        except OSError as error:
            raise CommandError(
                f"{self.folder.parent} cannot be written ({error.strerror or error}); what was "
                "graded before is kept, run the same command again"
            ) from None

    @contextlib.contextmanager
    def working(self) -> Iterator[Path]:
        """A folder for temporary files, for one run at a time.

        What a run that was killed left there is deleted by the next one.

        Raises:
            CommandError: another run is at work here.
        """
        with (self.folder / "lock").open("w") as lock:
            if os.name == "posix":
                import fcntl

                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise CommandError(
                        f"another run is grading into {self.folder.parent}; wait for it, or use "
                        "another --out"
                    ) from None
            note = self.folder / "temporary"
            _delete(note)
            # In the system's place: names of sockets must be short.
            try:
                temporary = Path(tempfile.mkdtemp(prefix="actlab-class-"))
                replace_file(note, str(temporary).encode())
            except OSError as error:
                where = error.filename or self.folder.parent
                raise CommandError(
                    f"{where} cannot be written: {error.strerror or error}"
                ) from None
            try:
                yield temporary
            finally:
                _delete(note)


def _delete(note: Path) -> None:
    """Delete the folder that ``note`` names, if it is one of ours."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        left = Path(note.read_text(encoding="utf-8"))
        note.unlink()
        if left.name.startswith("actlab-class-") and left.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(left, ignore_errors=True)


def keep(folder: Path, result: Mapping[str, Any]) -> None:
    """Write one result; also called by worker processes, which have no :class:`Store`."""
    text = json.dumps(result, ensure_ascii=False, sort_keys=True)
    replace_file(folder / f"{result['unit']}.json", text.encode("utf-8", "backslashreplace"))
