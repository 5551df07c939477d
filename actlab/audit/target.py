"""What is to be audited: a name of the catalogue, ``module:callable``, or an expression in x.

:func:`resolve` only reads the text; the module of a callable is imported in the child process
(:mod:`actlab.audit.worker`) by :func:`actlab.audit.subject.load`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from actlab.audit.expression import ExpressionError, parse, text
from actlab.functions import get

Kind = Literal["catalogue", "callable", "expression"]
_CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class TargetError(ValueError):
    """A text names nothing that can be audited; the message is one sentence."""


@dataclass(frozen=True)
class Target:
    """What a word on the command line means.

    Attributes:
        given: the word.
        kind: how it was read.
        name: the catalogue's key, ``module:callable``, or the expression in plain form.
        framework: ``torch`` or ``numpy``; ``auto`` lets a callable say what it takes.
        derivative: ``module:callable`` of the derivative of a NumPy function, or None.
        reference: what to judge by: a name of the catalogue or an expression; None to choose.
    """

    given: str
    kind: Kind
    name: str
    framework: str = "auto"
    derivative: str | None = None
    reference: str | None = None

    @property
    def slug(self) -> str:
        """A word for file names."""
        short = re.sub(r"[^a-z0-9]+", "-", self.given.lower()).strip("-")[:60].strip("-")
        if self.kind == "catalogue":
            return self.name
        return short or "expression"


def resolve(
    given: str,
    framework: str = "auto",
    derivative: str | None = None,
    reference: str | None = None,
) -> Target:
    """Read a word of the command line.

    Raises:
        TargetError: it is none of the three.
    """
    word = given.strip()
    if derivative is not None and not _CALLABLE.fullmatch(derivative):
        raise TargetError(f"--derivative takes module:callable, not {derivative!r}")
    if reference is not None:
        _check_reference(reference)
    if _CALLABLE.fullmatch(word):
        return Target(given, "callable", word, framework, derivative, reference)
    if derivative is not None:
        raise TargetError("--derivative belongs to a module:callable that takes NumPy arrays")
    try:
        name = get(word).name
    except ValueError as error:
        if re.fullmatch(r"\w+", word) and word != "x":
            raise TargetError(
                f"{error}; another function is given as module:callable or as an expression in x"
            ) from None
    else:
        return Target(given, "catalogue", name, framework, None, reference)
    try:
        tree = parse(word)
    except ExpressionError as error:
        raise TargetError(
            f"{given!r} is no name of the catalogue, no module:callable, and no expression in x: "
            f"{error}"
        ) from error
    return Target(given, "expression", text(tree), framework, None, reference)


def _check_reference(reference: str) -> None:
    try:
        entry = get(reference)
    except ValueError:
        try:
            parse(reference)
        except ExpressionError as error:
            raise TargetError(
                f"--reference takes a name of the catalogue or an expression in x: {error}"
            ) from error
    else:
        if entry.kind != "elementwise":
            raise TargetError(f"--reference has to be elementwise, and {entry.name} is not")
