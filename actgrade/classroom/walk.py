"""Find files in a folder of submissions, inside zip files too, without trusting any of them.

Nothing is extracted: a member of a zip file is read into memory when it is needed, up to the size
that a notebook may have, whatever the zip file says about it.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from actgrade.submission import MOST_BYTES

MOST_ZIP_MEMBERS = 200_000
MOST_BYTES_OF_A_ZIP_IN_A_ZIP = 256 * 2**20
ZIPS_IN_ZIPS = 1
# Copies that tools leave behind. They are counted, not listed.
IGNORED = {".ipynb_checkpoints", ".virtual_documents", "__MACOSX", ".DS_Store", ".git", ".venv",
           "node_modules", "__pycache__"}  # fmt: skip


class UnreadableError(Exception):
    """A file cannot be read; the message is a sentence without a full stop."""


@dataclass(frozen=True)
class Found:
    """One file.

    Attributes:
        parts: the names of its folders (a zip file is one) below the folder of submissions, and
            its own.
        read: its bytes, at most ``MOST_BYTES``; raises :class:`UnreadableError`.
    """

    parts: tuple[str, ...]
    size: int
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        """The path as text."""
        return "/".join(self.parts)


@dataclass
class Walk:
    """What a walk met besides files: problems, each with a path, and a count of ignored ones.

    Attributes:
        zip_encoding: of names in zip files that do not say theirs; None for UTF-8 where they are
            that, else for what the zip format says.
        garbled: names in zip files of which nothing says the encoding.
    """

    problems: list[tuple[str, str]]
    ignored: int = 0
    zip_encoding: str | None = None
    garbled: int = 0


def find(root: Path, walk: Walk) -> Iterator[Found]:
    """Every regular file below ``root``, a folder or a zip file, in the order of their names."""
    if root.is_file():
        yield from _in_zip(root.open("rb"), (), walk, 0)
        return
    yield from _in_folder(root, (), walk)


def _in_folder(folder: Path, parts: tuple[str, ...], walk: Walk) -> Iterator[Found]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        walk.problems.append(("/".join(parts), f"cannot be read: {error.strerror or error}"))
        return
    for entry in entries:
        here = (*parts, _composed(entry.name))
        if entry.is_symlink():
            # It may point anywhere on the instructor's machine.
            walk.problems.append(("/".join(here), "is a link; links are not followed"))
        elif entry.is_dir():
            if _is_ignored(entry.name):
                walk.ignored += 1
            else:
                yield from _in_folder(Path(entry.path), here, walk)
        elif _is_ignored(entry.name):
            walk.ignored += 1
        elif entry.is_file():
            path = Path(entry.path)
            if path.suffix.lower() == ".zip":
                try:
                    yield from _in_zip(path.open("rb"), here, walk, 0)
                except OSError as error:
                    reason = f"cannot be read: {error.strerror or error}"
                    walk.problems.append(("/".join(here), reason))
                continue
            status = entry.stat()
            yield Found(here, status.st_size, partial(_read, path))
        else:
            walk.problems.append(("/".join(here), "is neither a file nor a folder"))


def _is_ignored(name: str) -> bool:
    return name in IGNORED or name.startswith("._")


def _read(path: Path) -> bytes:
    try:
        # Not through a link that was put in its place since the walk.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            return _bounded(file)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror or error}") from None


def _bounded(file: IO[bytes]) -> bytes:
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UnreadableError(
            f"has more than {MOST_BYTES // 2**20} MiB, the most that a notebook may have "
            "(its outputs should be cleared)"
        )
    return data


def _in_zip(
    file: io.BufferedIOBase, parts: tuple[str, ...], walk: Walk, depth: int
) -> Iterator[Found]:
    name = "/".join(parts)
    try:
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        walk.problems.append((name, "is not a zip file that can be read"))
        return
    if len(members) > MOST_ZIP_MEMBERS:
        walk.problems.append((name, f"has more than {MOST_ZIP_MEMBERS} files"))
        return
    named = [(_name_of(member, walk), member) for member in members]
    for said, member in sorted(named, key=lambda pair: pair[0]):
        # Windows tools write backslashes; nothing is ever written to these paths.
        inner = PurePosixPath(said.replace("\\", "/")).parts
        inner = tuple(part for part in inner if part not in ("/", "..", "."))
        if member.is_dir() or not inner:
            continue
        if any(_is_ignored(part) for part in inner):
            walk.ignored += 1
            continue
        here = (*parts, *inner)
        if stat.S_ISLNK(member.external_attr >> 16):
            walk.problems.append(("/".join(here), "is a link; links are not followed"))
            continue
        if inner[-1].lower().endswith(".zip"):
            yield from _zip_in_zip(archive, member, here, walk, depth + 1)
            continue
        yield Found(here, member.file_size, partial(_read_member, archive, member))


def _composed(name: str) -> str:
    """One form of a name: macOS takes letters with accents apart, and others do not."""
    return unicodedata.normalize("NFC", name)


def _name_of(member: zipfile.ZipInfo, walk: Walk) -> str:
    """The name of a member, in the encoding that it was written in as far as that is known."""
    name = member.filename
    if member.flag_bits & 0x800 or name.isascii():
        return _composed(name)
    try:
        raw = name.encode("cp437")  # what zipfile took it for
    except UnicodeEncodeError:
        return _composed(name)
    said = _unicode_path(member, raw)
    if said is not None:
        return _composed(said)
    for encoding in filter(None, (walk.zip_encoding, "utf-8")):
        try:
            return _composed(raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    walk.garbled += 1
    return _composed(name)


def _unicode_path(member: zipfile.ZipInfo, raw: bytes) -> str | None:
    """The name in Info-ZIP's Unicode Path field, where a tool wrote one."""
    extra = member.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == 0x7075 and len(field) > 5 and field[0] == 1:
            if struct.unpack_from("<I", field, 1)[0] != zlib.crc32(raw):
                return None
            return field[5:].decode("utf-8", "replace")
    return None


def _zip_in_zip(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    parts: tuple[str, ...],
    walk: Walk,
    depth: int,
) -> Iterator[Found]:
    name = "/".join(parts)
    if depth > ZIPS_IN_ZIPS:
        walk.problems.append((name, "is a zip file in a zip file in a zip file; unpack it first"))
        return
    try:
        with archive.open(member) as inner:
            data = inner.read(MOST_BYTES_OF_A_ZIP_IN_A_ZIP + 1)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zlib.error, EOFError):
        walk.problems.append((name, "cannot be read from its zip file (damaged or encrypted)"))
        return
    if len(data) > MOST_BYTES_OF_A_ZIP_IN_A_ZIP:
        walk.problems.append((name, "is too large for a zip file in a zip file; unpack it first"))
        return
    yield from _in_zip(io.BytesIO(data), parts, walk, depth)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return _bounded(file)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zlib.error, EOFError):
        raise UnreadableError("cannot be read from its zip file (damaged or encrypted)") from None
