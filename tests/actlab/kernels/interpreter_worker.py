"""What the second process of conftest.py runs: one test function, by file and name."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any


def call(path: Path, function: str, arguments: dict[str, Any]) -> str | None:
    """Run a test; None when it passed, else its traceback."""
    assert os.environ.get("TRITON_INTERPRET") == "1", "started without the interpreter"
    # NumPy, in which the interpreter computes, warns of overflows that are meant to happen.
    warnings.simplefilter("ignore")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        getattr(importlib.import_module(path.stem), function)(**arguments)
    except BaseException:  # pytest's own failures are not Exceptions
        return traceback.format_exc()
    return None
