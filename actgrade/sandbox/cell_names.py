"""Name the code of each cell by its role, so that a traceback and a guard can tell whose it is."""

from __future__ import annotations

import re
from typing import Any

NESTED = "nested"
_FILE = re.compile(r"<cell ([a-z]+)>")


def file_name(role: str) -> str:
    """The file name under which a cell of this role is compiled."""
    return f"<cell {role}>"


def role_of_file(name: str) -> str | None:
    """The role of the cell that was compiled under ``name``, or None for other code."""
    match = _FILE.fullmatch(name)
    return match[1] if match else None


class CellNames:
    """Give each cell's code the name of its role.

    A role that is announced counts for the next cell only. Cells that code runs from within another
    one (``get_ipython().run_cell``) are ``nested``: whoever writes an answer cannot pass its code
    off as the course's.
    """

    def __init__(self, shell: Any) -> None:
        self._next: str | None = None
        shell.compile.get_code_name = self._code_name
        # Or a Jupyter traceback says "Cell In[3]", which tells nobody whose cell that is.
        shell.compile.format_code_name = lambda name: None

    def announce(self, role: str) -> None:
        """The next cell to be compiled has this role."""
        self._next = role

    def _code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        role, self._next = self._next or NESTED, None
        return file_name(role)
