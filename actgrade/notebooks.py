"""Read, write, normalise and run notebooks.

The stored text is what nbval compares later. Image payloads are not stored: they differ from one
matplotlib to the next, nbval does not compare them, and the book makes its own.
"""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from actbase.errors import CommandError, first_line
from actbase.files import replace_file

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Kernels store these next to text/plain; the text says enough for a comparison.
IMAGE_TYPES = ("image/png", "image/jpeg", "image/svg+xml", "application/pdf")
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def read(path: Path) -> NotebookNode:
    """Read and validate a notebook of format 4.

    Args:
        path: an ``.ipynb`` file.

    Returns:
        The notebook.

    Raises:
        CommandError: the file is missing, is not a notebook, or is of an older format.
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise CommandError(f"no such notebook: {path}") from None
    except Exception as error:
        # nbformat raises a dozen types here; all mean that the file is not a notebook.
        reason = first_line(error)[:120] or type(error).__name__
        raise CommandError(f"{path} is not a readable notebook ({reason})") from None
    if notebook.nbformat != 4:
        raise CommandError(f"{path} has notebook format {notebook.nbformat}; format 4 is needed")
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    """Write ``notebook`` to ``path`` in one step, so that an interrupted run loses nothing."""
    import nbformat

    replace_file(path, (nbformat.writes(notebook) + "\n").encode())


def normalise(notebook: NotebookNode) -> NotebookNode:
    """A copy without what changes from run to run: images, timings, versions."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata.pop("widgets", None)
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        # nbval skips a cell that was never run, so each code cell keeps a number.
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            for kind in IMAGE_TYPES:
                output.get("data", {}).pop(kind, None)
                output.get("metadata", {}).pop(kind, None)
        cell.outputs = _join_streams(cell.outputs)
    return notebook


def _join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of one stream: where a kernel cuts its output is chance."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if (
            last is not None
            and output.output_type == last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            joined.append(output)
    return joined


def execute(notebook: NotebookNode, folder: Path, timeout: float = 120) -> NotebookNode:
    """Run every cell of a copy of ``notebook`` in a new kernel that works in ``folder``.

    Args:
        notebook: the notebook; it is not changed.
        folder: working directory of the kernel.
        timeout: seconds that one cell may take.

    Returns:
        The executed copy, normalised.

    Raises:
        CommandError: a cell raised, took too long, or the kernel died (exit code 1).
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    from actgrade.kernels import transport

    fresh = copy.deepcopy(notebook)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = NotebookClient(
        fresh,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        config=Config({"KernelManager": transport()}),
    )
    try:
        # The kernel's own chatter (ipykernel warns about TCP) is not the notebook's output.
        client.execute(stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        # Not str(error): that is the traceback, coloured for a terminal.
        message = error.evalue.strip().splitlines()
        said = f"{error.ename}: {message[0]}" if message else error.ename
        raise CommandError(f"{_failed(fresh)} failed: {said}", 1) from error
    except CellTimeoutError:
        raise CommandError(f"a cell took longer than {timeout:g} s", 1) from None
    except DeadKernelError:
        raise CommandError("the kernel died", 1) from None
    return normalise(fresh)


def _failed(notebook: NotebookNode) -> str:
    """The cell that raised, the last one with an error (earlier ones were allowed to raise)."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number in range(len(code), 0, -1):
        if any(output.output_type == "error" for output in code[number - 1].outputs):
            return f"code cell {number}"
    return "a cell"
