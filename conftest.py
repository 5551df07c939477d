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


#: What ``make test`` leaves to ``make test-all``, as paths below this folder: it needs a browser, a
#: built book, a cluster, a compiler for GPUs, or minutes.
FULL = (
    "tests/browser",
    "tests/bookbuild/test_forms.py",
    "tests/actgrade/classroom/test_cluster.py",
    "tests/actgrade/test_attacks.py",
    "tests/actlab/kernels",
)


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval's kernels a transport that two processes cannot both take."""
    from actgrade.kernels import patch_nbval

    patch_nbval()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say what is slow, what is left to ``make test-all``, and what runs in one process.

    With ``--dist loadgroup`` the tests of a group run one after another. A group is a file, since
    the cells of a notebook need each other and tests of a file share what they have set up, except
    where a test names its group.
    """
    root = config.rootpath
    for item in items:
        path = item.path.relative_to(root).as_posix() if item.path.is_relative_to(root) else ""
        if any(f"{path}/".startswith(f"{place}/") for place in FULL):
            item.add_marker("full")
        if config.pluginmanager.hasplugin("xdist") and not item.get_closest_marker("xdist_group"):
            name = path.removeprefix("tests/").rpartition(".")[0].replace("/", "-")
            item.add_marker(pytest.mark.xdist_group(name))
    # What takes minutes, or judges times, runs when somebody says "-m slow".
    if "slow" not in config.option.markexpr:
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
