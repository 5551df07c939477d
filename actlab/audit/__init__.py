"""``actlab audit``: what an engineer wants to know of a function before a network depends on it.

>>> from actlab.audit import audit
>>> report = audit("x / (1 + exp(-x))", quick=True)                            # doctest: +SKIP
>>> report["findings"][0]["message"]                                           # doctest: +SKIP
'gradient is NaN below −88.72 in float32'

* :mod:`.target` reads a word, :mod:`.subject` finds the function, :mod:`.reference` its truth;
* :mod:`.worker` runs it in a child process, :mod:`.stages` says in which steps;
* :mod:`.contract`, :mod:`.curve`, :mod:`.accuracy`, :mod:`.signal`, :mod:`.cancellation`,
  :mod:`.cost` and :mod:`.trial` are what is measured;
* :mod:`.findings` makes sentences of it, :mod:`.report` a page, :mod:`.command` the command.

Importing this package loads neither torch nor matplotlib.
"""

from __future__ import annotations

from typing import Any


def audit(function: str, *, quick: bool = False, trial: bool = True) -> dict[str, Any]:
    """Audit one function; the report as the JSON of ``actlab audit`` has it.

    Args:
        function: a name of the catalogue, ``module:callable``, or an expression in x.
        quick: ten seconds instead of a minute or two.
        trial: whether networks are trained with it.

    Raises:
        actlab.audit.target.TargetError: it is none of the three, or cannot be imported.
    """
    from actlab.audit.auditing import Audit, Settings
    from actlab.audit.target import resolve

    return Audit(resolve(function), Settings(quick=quick, trial=trial)).run()


__all__ = ["audit"]
