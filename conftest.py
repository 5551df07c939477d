"""Settings for every test and for the kernels that nbval starts (they inherit the environment)."""

import os
import re
import signal
from typing import Any

import pytest

# One thread: sums come out the same on every machine, and two test processes do not fight.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# A shell starts a background job with interrupts ignored, and nohup one that outlives its terminal;
# the tests of Ctrl-C and of closed terminals would inherit both.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let no kernel inherit what the book's extensions set for theirs.

    Loading them in a test sets the variable for the rest of the process, and nbval would then find
    SVG where a notebook's stored outputs have none.
    """
    os.environ.pop("ACTLAB_FIGURES", None)


#: What ``make test`` leaves to ``make test-all``, as paths below this folder: it needs a browser, a
#: built book, a cluster, a compiler for GPUs, or minutes.
FULL = (
    "tests/browser",
    "tests/bookbuild/test_forms.py",
    "tests/actgrade/classroom/test_cluster.py",
    "tests/actgrade/test_attacks.py",
    "tests/actgrade/test_hostile_files.py",
    "tests/actlab/kernels",
)


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval's kernels a transport that two processes cannot both take."""
    from actgrade.kernels import patch_nbval

    patch_nbval()


#: Tests that grade a chapter; they share what they have set up for it.
GRADING = re.compile(r"tests/actgrade/test_(?:course|right_answers)\.py::\w+\[(\d\d_\w+)")


def group_of(nodeid: str) -> str:
    """What runs in one process, one test after another: the gradings of a chapter, or a file."""
    chapter = GRADING.match(nodeid)
    return f"grading {chapter[1]}" if chapter else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread work by :func:`group_of` where ``--dist loadfile`` is asked for.

    Right answers of all chapters stand in one file, and would keep one process busy while the other
    waits. (xdist's own ``loadgroup`` has no effect with pytest 9.2.)
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes, or judges times, runs when somebody says ``-m slow``."""
    if "slow" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run it with -m slow"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Say what is left to ``make test-all``, and how solutions are compared."""
    root = item.config.rootpath
    path = item.path.relative_to(root).as_posix() if item.path.is_relative_to(root) else ""
    if any(f"{path}/".startswith(f"{place}/") for place in FULL):
        item.add_marker("full")
    _compare_with_tolerance(item)


def _compare_with_tolerance(item: pytest.Item) -> None:
    """Compare what solutions print as the grader does: with a tolerance.

    They print all digits, and the last ones depend on the processor's instructions.
    """
    from nbval.plugin import IPyNbCell

    if isinstance(item, IPyNbCell) and item.path.parent.name == "solutions":
        from actgrade.compare import TolerantText
        from actgrade.source import Tolerance

        plain = item.sanitize
        item.sanitize = lambda text: TolerantText(plain(text), Tolerance())
