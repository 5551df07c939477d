"""Where no kernel can run: imports work, and asking gives one sentence."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WITHOUT = """
import importlib.util, sys
absent = {absent!r}
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in absent else find(name, *rest)
for name in absent:
    sys.modules[name] = None
"""


def run(code: str, absent: tuple[str, ...] = (), **environment: str) -> str:
    """Run code in a fresh interpreter that cannot import ``absent``."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent) + code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**{k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}, **environment},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_loads_neither_torch_nor_triton():
    code = (
        "from actlab import kernels; kernels.names(); import actlab.kernels.sass\n"
        "import actlab.kernels.selftest, actlab.kernels.tune\n"
        "print([name for name in ('torch', 'triton') if name in sys.modules])"
    )
    assert run(code).strip() == "[]"


@pytest.mark.parametrize(
    ("absent", "words"),
    [(("triton",), "need triton, which is not installed"), (("torch", "triton"), "need torch")],
)
def test_a_machine_without_triton_or_torch(absent, words):
    code = """
from actlab import kernels
possible, reason = kernels.available()
assert not possible
try:
    kernels.apply("relu", object())
except kernels.KernelUnavailable as error:
    assert str(error) == reason
    print(reason)
"""
    reason = run(code, absent)
    assert words in reason
    assert reason.count("\n") == 1


def test_a_machine_without_a_gpu_and_a_tensor_on_the_cpu():
    torch = pytest.importorskip("torch")
    pytest.importorskip("triton")
    code = """
import torch
from actlab import kernels
try:
    kernels.softmax(torch.zeros(3))
except kernels.KernelUnavailable as error:
    print(error)
"""
    wanted = "move it with .cuda()" if torch.cuda.is_available() else "need an NVIDIA GPU"
    assert wanted in run(code)


def test_the_interpreter_asked_for_too_late():
    pytest.importorskip("triton")
    code = """
import os, triton
os.environ["TRITON_INTERPRET"] = "1"
from actlab import kernels
print(kernels.available())
"""
    assert "set it before Python starts" in run(code)


@pytest.mark.parametrize("command", ["selftest", "sass", "tune"])
def test_commands_say_so_and_leave_with_2(command):
    code = f"""
from actlab.kernels import {command}
code = {command}.main([])
print("exit", code)
"""
    assert "exit 2" in run(code, ("triton",))


@pytest.mark.parametrize("command", ["selftest", "sass", "tune"])
def test_commands_have_help_with_an_example(command):
    result = subprocess.run(
        [sys.executable, "-m", f"actlab.kernels.{command}", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Example: python -m actlab.kernels." in result.stdout
