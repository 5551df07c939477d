"""Kernels that run a learner's code: one process for each question, contained where possible.

Two sides. In the grading process: :mod:`launcher` starts kernels (:mod:`process`, :mod:`server`),
:mod:`pipe` and :mod:`jupyter` talk to them the way nbval expects, :mod:`kernel` has what the two
share, :mod:`watch` and :mod:`cgroup` bound them from outside. In the kernel's process: :mod:`child`
is its life, :mod:`confinement` closes it in, :mod:`walls` takes modules away, :mod:`shell` and
:mod:`cell_names` run cells, :mod:`guard` watches what a question does not allow and cannot be taken
away. :mod:`forkserver` is the warm process that kernels are forked from, and :mod:`wire`
the form of what passes between them.

What is protected, on Linux with Landlock and seccomp: the learner's code cannot read the course,
other submissions or the grading process; cannot write outside its own folder, change modes or
owners of files, start processes, open sockets, signal or trace other processes; and memory, time,
output and the size of one file are bounded. What is not: it can see that a file exists (``stat``),
it can fill the disk with many files of the largest size allowed until its time is up, it competes
for the processor and memory bandwidth while it runs, and a hole in the kernel's own system calls is
a hole here. Without Landlock or seccomp (macOS, Windows, old Linux) there is a process for each
question and nothing more; reports say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actgrade.sandbox.kernel import Kernel
    from actgrade.sandbox.launcher import Launcher


def make_kernel(
    launcher: Launcher, forbid: Sequence[str] = (), absent: Sequence[str] = ()
) -> Kernel:
    """A new kernel of the launcher's engine, for code that may not use ``forbid``.

    Args:
        absent: modules that are not there, for any code.
    """
    if launcher.engine == "jupyter":
        from actgrade.sandbox.jupyter import JupyterKernel

        return JupyterKernel(launcher, forbid, absent)
    from actgrade.sandbox.pipe import PipeKernel

    return PipeKernel(launcher, forbid, absent)
