"""Frames between the grading process and a kernel: four bytes of length, then JSON in ASCII.

What comes from a kernel is hostile until shown otherwise: the length is bounded before anything is
read, and :func:`message` accepts the few forms that nbval knows and nothing else.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct(">I")
STREAMS = ("stdout", "stderr")
# One of these is a kernel's first frame, and none comes later.
FIRST = ("ready", "failed")


class WireError(Exception):
    """What arrived is not a frame, not JSON, or not a message of a known form."""


def pack(content: dict[str, Any]) -> bytes:
    """``content`` as one frame."""
    body = json.dumps(content, ensure_ascii=True).encode("ascii")
    return _LENGTH.pack(len(body)) + body


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``, however many calls that takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def read_frame(descriptor: int, most: int) -> bytes | None:
    """The body of the next frame, or None at the end of the stream.

    Raises:
        WireError: the frame is longer than ``most`` bytes or ends too early.
    """
    return unpack(lambda count: os.read(descriptor, count), most)


def unpack(read: Callable[[int], bytes], most: int) -> bytes | None:
    """The same from any function that returns up to so many bytes, and none at the end."""
    head = _exactly(read, _LENGTH.size)
    if not head:
        return None
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else most + 1
    if length > most:
        raise WireError(f"a frame of {length} bytes")
    body = _exactly(read, length)
    if len(body) < length:
        raise WireError("half a frame")
    return body


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = read(min(count - len(parts), 65536))
        if not part:
            break
        parts += part
    return bytes(parts)


def load(body: bytes) -> dict[str, Any]:
    """The object in a frame's body.

    Raises:
        WireError: it is not a JSON object, or is nested too deeply to be one of ours.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(str(error)[:100]) from None
    if not isinstance(content, dict):
        raise WireError("not an object")
    return content


def message(content: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Check one frame from a kernel.

    Returns:
        Its type (``stream``, ``error``, ``display_data``, ``execute_result``, ``reply``,
        ``ready``, ``failed``), the id of the request it belongs to, and its content in the form
        that Jupyter gives it.

    Raises:
        WireError: it has another form.
    """
    kind, parent = content.get("type"), content.get("parent", "")
    if not isinstance(parent, str):
        raise WireError("a parent that is not text")
    if kind == "stream" and content.get("name") in STREAMS:
        return kind, parent, {"name": content["name"], "text": _text(content, "text")}
    if kind == "error":
        traceback = content.get("traceback")
        if not isinstance(traceback, list) or not all(isinstance(t, str) for t in traceback):
            raise WireError("a traceback that is not a list of texts")
        return (
            kind,
            parent,
            {
                "ename": _text(content, "ename"),
                "evalue": _text(content, "evalue"),
                "traceback": traceback,
            },
        )
    if kind in ("display_data", "execute_result"):
        data = content.get("data")
        if not isinstance(data, dict):
            raise WireError("display data that is not an object")
        # Rich forms may be any JSON; for a comparison their text says enough.
        try:
            data = {k: v if isinstance(v, str) else json.dumps(v) for k, v in data.items()}
        except RecursionError:  # what can just be read cannot always be written
            raise WireError("display data that is nested too deeply") from None
        known = {"data": data, "metadata": {}}
        return kind, parent, known if kind == "display_data" else {**known, "execution_count": None}
    if kind == "reply":
        return kind, parent, {}
    if kind == "ready":
        return kind, parent, {"isolation": _text(content, "isolation")}
    if kind == "failed":
        return kind, parent, {"reason": _text(content, "reason")}
    raise WireError(f"a message of type {str(kind)[:40]!r}")


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise WireError(f"{key} is not text")
    return value
