"""Read the bytes of a notebook, and say what they are when they are none.

The name of a file says nothing here: mail programs, browsers and platforms change it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip file"),
    (b"PK\x05\x06", "an empty zip file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
)
# These look at files that may mean harm: no part can give back what it took, and try again.
_CONFLICT = re.compile(r"^[ \t]*+\"?(?:<{7} |={7}$|>{7} |\|{7} )", re.MULTILINE)
_WEB_PAGE = re.compile(r"\s*+(?:<!--(?>.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body|a |p>|div)",
                       re.IGNORECASE | re.DOTALL)  # fmt: skip
# Nobody writes more; each bound keeps the memory and the time of reading small.
MOST_CELLS = 5_000
MOST_BRACKETS = 500_000
MOST_CHARACTERS_OF_CODE = 500_000
MOST_CHARACTERS_OF_A_CELL = 200_000


class NotANotebookError(Exception):
    """The bytes are no notebook; the message continues a sentence that begins with the file."""


@dataclass(frozen=True)
class NotebookFile:
    """The parts of a notebook that the grader reads.

    Attributes:
        cells: those that are mappings; nothing is known about what is in them.
        digest: SHA-256 of the bytes.
    """

    cells: list[dict[str, Any]]
    metadata: Mapping[str, Any]
    digest: str

    @property
    def claimed_chapter(self) -> str | None:
        """The chapter that the notebook's metadata name, if they do."""
        mark = self.metadata.get("actlab")
        name = mark.get("chapter") if isinstance(mark, Mapping) else None
        return name if isinstance(name, str) else None


def parse(data: bytes) -> NotebookFile:
    """The notebook in ``data``.

    Raises:
        NotANotebookError: it is none that could be graded; the message says what it is instead.
    """
    content = _content(data)
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        if isinstance(content, dict) and "worksheets" in content:
            raise NotANotebookError("has notebook format 3; save it with JupyterLab first")
        raise NotANotebookError("is not a notebook: it has no list of cells")
    if len(content["cells"]) > MOST_CELLS:
        raise NotANotebookError(f"has more than {MOST_CELLS:,} cells, the most that are read")
    metadata = content.get("metadata")
    notebook = NotebookFile(
        [cell for cell in content["cells"] if isinstance(cell, dict)],
        metadata if isinstance(metadata, dict) else {},
        hashlib.sha256(data).hexdigest(),
    )
    if _size_of_code(notebook.cells) > MOST_CHARACTERS_OF_CODE:
        raise NotANotebookError(
            f"has more than {MOST_CHARACTERS_OF_CODE:,} characters of code, the most that are read"
        )
    return notebook


def _size_of_code(cells: list[dict[str, Any]]) -> int:
    """Characters of all code cells, but for those that are too long to be read as code at all."""
    sizes = (len(source_of(cell) or "") for cell in cells if cell.get("cell_type") == "code")
    return sum(size for size in sizes if size <= MOST_CHARACTERS_OF_A_CELL)


def _content(data: bytes) -> Any:
    if not data.strip(b" \t\r\n\x00"):
        raise NotANotebookError("is empty")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise NotANotebookError(f"is not a notebook: it is not text but {what}")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:40].count(0) > 10:
        raise NotANotebookError(
            "is text in UTF-16, and a notebook is UTF-8; save it as UTF-8, or download it again"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\x00" in data or not data.lstrip().startswith((b"{", b"[")):
            raise NotANotebookError("is not a notebook: it is not text") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise NotANotebookError(
            f"is not UTF-8 (line {line}): a program saved it in another encoding; save it with "
            "JupyterLab, or download it again"
        ) from None
    # An output that somebody plotted has many numbers, and they take less than lists of lists.
    if data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
        raise NotANotebookError(
            f"has more than {MOST_BRACKETS:,} brackets, the most that are read (clear its outputs)"
        )
    try:
        return json.loads(text)
    except RecursionError:
        raise NotANotebookError("is not a notebook: it is nested too deeply") from None
    except ValueError as error:
        raise NotANotebookError(_what_text(text, error)) from None


def _what_text(text: str, error: ValueError) -> str:
    """What a text is that is not JSON."""
    if text.startswith("version https://git-lfs"):
        return "is a Git LFS pointer and not the notebook itself: run 'git lfs pull', then hand in"
    if _WEB_PAGE.match(text):
        return "is a web page and not the notebook itself: download the file (Raw, or Save as)"
    if "<<<<<<<" in text and (conflict := _CONFLICT.search(text)):
        line = text.count("\n", 0, conflict.end()) + 1
        return (
            f"has the conflict markers of a git merge (line {line}): keep one of the two versions"
        )
    if not isinstance(error, json.JSONDecodeError):
        return "is not a notebook: it is not JSON"
    if text.lstrip().startswith("{") and (
        error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    ):
        return f"ends in the middle (line {error.lineno}): it was not saved or sent to its end"
    return f"is not a notebook: it is not JSON (line {error.lineno})"


def source_of(cell: Mapping[str, Any]) -> str | None:
    """The source of a cell, which a notebook stores as one text or as a list of lines."""
    text = cell.get("source")
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        return "".join(text)
    return text if isinstance(text, str) else None


def mark_of(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the course wrote into the metadata of a cell; empty when there is nothing left."""
    metadata = cell.get("metadata")
    mark = metadata.get("actlab") if isinstance(metadata, dict) else None
    return mark if isinstance(mark, dict) else {}
