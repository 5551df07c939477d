"""Notice that a notebook was saved, by looking.

Looking five times a second works everywhere, also where file events do not (network drives,
containers, WSL), and costs nothing that could be measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

POLL_SECONDS = 0.2
# A file that cannot be read is looked at for this long before somebody is told: it may be half
# written.
PATIENCE_SECONDS = 0.5

Signature = tuple[object, ...] | None


class Watched:
    """The files that are watched, and what they looked like when they were last dealt with.

    Args:
        paths: one for each name.
        beside: gives files that may take the place of any of them.
    """

    def __init__(self, paths: Mapping[str, Path], beside: Callable[[], list[Path]] = list) -> None:
        self._paths = dict(paths)
        self._beside = beside
        self._known: dict[str, Signature] = {name: self.look(name) for name in self._paths}
        self._since: dict[str, tuple[Signature, float]] = {}

    def changed(self) -> list[str]:
        """The names of the files that look different from when they were dealt with."""
        return [name for name in self._paths if self.look(name) != self._known.get(name)]

    def look(self, name: str) -> Signature:
        """What the file looks like before it is read; pass it to :meth:`settle` afterwards."""
        copies = tuple(signature(path) for path in self._beside())
        return signature(self._paths[name]), *copies

    def settle(self, name: str, seen: Signature) -> None:
        """The file was dealt with as it looked then."""
        self._known[name] = seen
        self._since.pop(name, None)

    def is_stuck(self, name: str, seen: Signature) -> bool:
        """Whether the file could not be read for a while without changing any more."""
        last, since = self._since.get(name, (seen, time.monotonic()))
        if last != seen:
            since = time.monotonic()
        self._since[name] = (seen, since)
        return time.monotonic() - since >= PATIENCE_SECONDS


def signature(path: Path) -> Signature:
    """Something that changes when the file is saved; None when there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
