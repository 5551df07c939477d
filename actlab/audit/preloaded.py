# ruff: noqa: E402
"""What every child process of an audit needs, imported once in the process that they come from."""

import contextlib
import os

# Before anything starts threads: a fork with threads is a lottery, and one thread gives the same
# sums on every machine.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

with contextlib.suppress(ImportError):
    import torch

    # PyTorch imports it with the first backward pass, for a second and more.
    import torch.fx.experimental.symbolic_shapes  # noqa: F401

import scipy.optimize
import scipy.special
import scipy.stats  # noqa: F401

import actlab.audit.stages  # noqa: F401
