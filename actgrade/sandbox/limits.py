"""How much a learner's code may use."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds for one question. Those "looked at" are so a few times a second and after every cell.

    Attributes:
        cell_seconds: wall-clock time for one cell.
        question_seconds: wall-clock time for all cells of a question together.
        memory_bytes: memory of the process: what is private and writable as a hard bound
            (``RLIMIT_DATA``), all of it, shared memory too, looked at.
        output_bytes: output of one cell, of all kinds together, as it travels.
        file_bytes: size of one file the code writes.
        disk_bytes: all files it writes together, looked at.
        open_files: file descriptors open at once.
        threads: threads alive at once, looked at.
    """

    cell_seconds: float = 10.0
    question_seconds: float = 20.0
    memory_bytes: int = 2 * 2**30
    output_bytes: int = 2**20
    file_bytes: int = 64 * 2**20
    disk_bytes: int = 256 * 2**20
    open_files: int = 256
    threads: int = 64

    def as_dict(self) -> dict[str, float]:
        """The limits as plain numbers, to send to another process."""
        return asdict(self)
