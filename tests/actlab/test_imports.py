"""What runs in a browser must not pull in what does not."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

HEAVY = ("torch", "matplotlib", "scipy", "sklearn", "mpmath")


@pytest.mark.parametrize("module", ["actlab", "actlab.functions", "actlab.functions.special"])
def test_import_is_light(module):
    """In a fresh interpreter, since this one has imported torch already."""
    check = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"


def test_properties_load_torch_only_when_it_is_needed():
    check = (
        "import sys; from actlab.properties import measure;"
        "assert 'torch' not in sys.modules; measure('relu', torch=False);"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize("module", ["actlab.functions", "actlab.modules", "actlab.properties"])
def test_examples_in_docstrings_hold(module):
    results = doctest.testmod(importlib.import_module(module))
    assert results.attempted > 0
    assert results.failed == 0
