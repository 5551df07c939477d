"""Audits for the tests, each made once: quick, without training and without a clock."""

from __future__ import annotations

import functools
from typing import Any

from actlab.audit.auditing import Audit, Settings
from actlab.audit.target import resolve

QUICK = {"quick": True, "seconds": 5.0, "trial": False, "clock": False}


def fresh(word: str, **more: Any) -> dict[str, Any]:
    """An audit that is made now; what a bad function does to a signal is left out."""
    skip = ("signal", "cost") if word.startswith("bad_functions:") else ()
    return Audit(resolve(word, **more), Settings(**QUICK, skip=skip)).run()


@functools.cache
def audited(word: str) -> dict[str, Any]:
    """An audit that is made once for all tests."""
    return fresh(word)


def codes(report: dict[str, Any]) -> dict[str, str]:
    """code -> the highest level at which it occurs; findings come worst first."""
    found: dict[str, str] = {}
    for finding in report["findings"]:
        found.setdefault(finding["code"], finding["level"])
    return found
