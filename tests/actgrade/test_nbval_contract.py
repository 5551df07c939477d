"""The parts of nbval that the grader is built on behave as it assumes."""

from __future__ import annotations

import inspect
from collections import defaultdict
from importlib import metadata
from queue import Empty

import nbformat
import pytest
from nbformat import NotebookNode
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from actgrade.nodes import QuestionCell, QuestionNotebook
from actgrade.sandbox.jupyter import JupyterKernel
from actgrade.sandbox.pipe import PipeKernel

CALLED = ("is_alive", "execute_cell_input", "await_reply", "get_message", "await_idle", "interrupt",
          "stop")  # fmt: skip


def test_the_version_is_the_one_that_was_read():
    assert metadata.version("nbval") == "0.11.0"


@pytest.mark.parametrize("method", CALLED)
def test_our_kernels_have_the_methods_that_nbval_calls(method):
    theirs = list(inspect.signature(getattr(RunningKernel, method)).parameters)
    for kernel in (PipeKernel, JupyterKernel):
        ours = list(inspect.signature(getattr(kernel, method)).parameters)
        assert ours[: len(theirs)] == theirs


def test_nothing_else_of_a_kernel_is_called():
    source = inspect.getsource(IPyNbFile) + inspect.getsource(IPyNbCell)
    used = {name for name in dir(RunningKernel) if f"kernel.{name}(" in source}
    assert used <= set(CALLED)


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (QuestionNotebook, IPyNbFile, ("setup", "teardown", "collect")),
        (
            QuestionCell,
            IPyNbCell,
            ("setup", "runtest", "compare_outputs", "sanitize", "format_output_compare"),
        ),
    ],
)
def test_what_is_overridden_is_there(ours, theirs, names):
    for name in names:
        assert name in vars(ours)
        assert name in vars(theirs)
        theirs_parameters = list(inspect.signature(getattr(theirs, name)).parameters)
        ours_parameters = list(inspect.signature(getattr(ours, name)).parameters)
        assert ours_parameters == theirs_parameters


class Scripted:
    """A kernel that answers as a test says."""

    def __init__(self, messages, reply=True):
        self.messages, self.reply, self.interrupted = list(messages), reply, False

    def is_alive(self):
        return True

    def execute_cell_input(self, cell_input, allow_stdin=None):
        return "request"

    def await_reply(self, msg_id, timeout=None):
        if not self.reply:
            raise Empty

    def get_message(self, stream, timeout=None):
        if not self.messages:
            raise Empty
        kind, content = self.messages.pop(0)
        parent = {"msg_id": "request"}
        return {"msg_type": kind, "content": content, "parent_header": parent}

    def await_idle(self, parent_id, timeout):
        self.messages.clear()

    def interrupt(self):
        self.interrupted = True

    def stop(self):
        pass


IDLE = ("status", {"execution_state": "idle"})
ERROR = ("error", {"ename": "ValueError", "evalue": "no", "traceback": ["line"]})


def stream(text, name="stdout"):
    return ("stream", {"name": name, "text": text})


@pytest.fixture
def cell(request, tmp_path):
    """A function that runs one of nbval's own cells on a scripted kernel."""
    path = tmp_path / "x.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)

    def run(messages, expected="", reply=True):
        file = IPyNbFile.from_parent(request.session, path=path)
        file.kernel = kernel = Scripted(messages, reply)
        outputs = [NotebookNode(output_type="stream", name="stdout", text=expected)]
        node = NotebookNode(source="1", outputs=outputs * bool(expected), execution_count=1)
        item = IPyNbCell.from_parent(
            file, name="c", cell_num=0, cell=node, options=defaultdict(bool, check=True)
        )
        try:
            item.runtest()
            raised = None
        except NbCellError as error:
            raised = error
        return item, kernel, raised

    return run


def test_a_cell_with_equal_outputs_passes(cell):
    assert cell([stream("a"), stream("b\n"), IDLE], "ab\n")[2] is None


def test_a_cell_with_other_outputs_fails(cell):
    item, _, raised = cell([stream("a\n"), IDLE], "b\n")
    assert raised is not None
    assert item.test_outputs[0].text == "a\n"


def test_an_exception_fails_and_is_kept(cell):
    item, _, raised = cell([ERROR, IDLE])
    assert raised is not None
    assert (item.test_outputs[0].output_type, item.test_outputs[0].ename) == ("error", "ValueError")


def test_when_time_is_up_the_kernel_is_interrupted_and_the_file_marked(cell):
    item, kernel, _ = cell([IDLE], reply=False)
    assert kernel.interrupted
    assert item.parent.timed_out


def test_values_are_compared_with_the_operators_of_the_sanitised_text(cell, monkeypatch):
    class Same(str):
        __slots__ = ()
        __hash__ = None

        def __eq__(self, other):
            return True

        def __ne__(self, other):
            return False

    monkeypatch.setattr(IPyNbCell, "sanitize", lambda self, text: Same(text))
    assert cell([stream("a"), IDLE], "b")[2] is None


def test_a_cell_that_was_never_run_is_not_compared(request, tmp_path):
    # Why QuestionNotebook gives each cell an execution count.
    source = inspect.getsource(IPyNbCell.runtest)
    assert "unrun = self.cell.execution_count is None" in source
    assert "execution_count=1" in inspect.getsource(QuestionNotebook.collect)
