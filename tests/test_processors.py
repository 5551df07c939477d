"""Chapters print the same on other processors: with fewer instructions, and with more threads.

PyTorch, its libraries MKL and oneDNN, and NumPy's OpenBLAS choose their loops by the processor's
instruction set, and all can be told to take simpler ones. Each run is nbval on one notebook in a
process of its own::

    python -m pytest -m slow tests/test_processors.py -k 01_linear_collapse
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from bookbuild.chapters import CHAPTERS
from bookbuild.paths import ROOT

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
#: Name of an instruction set -> what each of the four calls it.
INSTRUCTIONS: dict[str, tuple[str, ...]] = {
    "plain x86-64": ("default", "SSE4_2", "SSE41", "Prescott"),
    "AVX2": ("avx2", "AVX2", "AVX2", "Haswell"),
    "the processor's own": (),
}
WRITTEN = [chapter.name for chapter in CHAPTERS if chapter.written()]
LEVELS = ("DEFAULT", "AVX2", "AVX512")


def environment(instructions: str, threads: int) -> dict[str, str]:
    """The variables of a run; those of this process are not inherited."""
    found = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    found |= dict(zip(VARIABLES, INSTRUCTIONS[instructions], strict=False))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        found[name] = str(threads)
    return found


def capability(variables: dict[str, str]) -> str:
    """What PyTorch says that it uses."""
    said = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    run = [sys.executable, "-c", said]
    return subprocess.run(run, env=variables, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
def test_the_variables_choose_the_instructions():
    assert capability(environment("plain x86-64", 1)) == "DEFAULT"
    own = capability(environment("the processor's own", 1))
    if own in LEVELS[1:]:
        assert capability(environment("AVX2", 1)) == "AVX2"


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("instructions", INSTRUCTIONS)
@pytest.mark.parametrize("name", WRITTEN)
def test_a_chapter_prints_what_is_stored(name, instructions, threads):
    own = torch.backends.cpu.get_cpu_capability()
    if instructions == "AVX2" and own not in LEVELS[1:]:
        pytest.skip(f"this processor has {own} only")
    run = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--nbval"]
    done = subprocess.run(
        [*run, f"notebooks/{name}.ipynb"],
        cwd=ROOT,
        env=environment(instructions, threads),
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
