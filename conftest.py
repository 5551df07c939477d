"""Settings for every test and for the kernels that nbval starts (they inherit the environment)."""

import os
import signal

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes, or judges times, runs when somebody says ``-m slow``."""
    if "slow" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run it with -m slow"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Compare what solutions print as the grader does: with a tolerance.

    They print all digits, and the last ones depend on the processor's instructions.
    """
    from nbval.plugin import IPyNbCell

    if isinstance(item, IPyNbCell) and item.path.parent.name == "solutions":
        from actgrade.compare import TolerantText
        from actgrade.source import Tolerance

        plain = item.sanitize
        item.sanitize = lambda text: TolerantText(plain(text), Tolerance())
