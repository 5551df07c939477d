"""Put text that a learner's code produced into a report, harmlessly."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", re.DOTALL)


def plain(text: str) -> str:
    """``text`` without terminal escape sequences (colours, cursor moves, links)."""
    return _ANSI.sub("", text)


def quote(text: str, limit: int = 120) -> str:
    """``text`` as one short line of visible characters.

    Control characters become visible escapes, runs of white space one blank, and what is longer
    than ``limit`` characters is cut in the middle.
    """
    text = plain(text[: 4 * limit + 400])
    text = " ".join(text.split())
    # Control characters, the marks that reorder or hide text around them, and what has no sign.
    text = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
    if len(text) > limit:
        keep = limit - 5
        text = f"{text[: keep * 2 // 3]} ... {text[-(keep // 3) :]}"
    return text


def sentence(text: str) -> str:
    """``text`` with a sign at its end, and with one only."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", "…", ".)", ".”")) else f"{text}."


def clean(text: str) -> str:
    """``text`` that can be written as UTF-8: lone surrogates become visible escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
