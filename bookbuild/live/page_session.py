"""The cells of a chapter, run as a reader asks for them: what is needed first, and only once."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bookbuild.live import cells
from bookbuild.live.interpreter import Interpreter, captured, short_traceback
from bookbuild.live.lean import lean, names_used
from bookbuild.themed_svg import follow_theme

Emit = Callable[..., None]


class PageSession:
    """What one page has run since Python was started in it.

    Args:
        emit: called with the kind of an event and its content: ``stream`` (name, text), ``value``
            (text, html or None), ``figure`` (svg), ``error`` (text).
        missing: as for :class:`bookbuild.live.interpreter.Interpreter`.
    """

    def __init__(self, emit: Emit, missing: Mapping[str, str]) -> None:
        # Figures are drawn as the book draws them, without a window.
        os.environ["MPLBACKEND"] = "agg"
        os.environ["ACTLAB_FIGURES"] = "svg"
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # "building the cache"
        if not hasattr(
            time, "thread_time"
        ):  # Python in a browser has one thread, and no such clock
            time.thread_time = time.perf_counter  # type: ignore[attr-defined]
        self._emit = emit
        self._interpreter = Interpreter(missing)
        self._ran: dict[str, str] = {}  # id -> the source it ran with
        self._labels: dict[str, str] = {}
        self._used: set[str] = set()  # what has been asked of earlier cells so far
        self._lean: dict[str, str] = {}  # id -> what of an earlier cell runs

    def order(self, page: Sequence[Mapping[str, str]], target: str) -> list[str]:
        """Ids of the cells to run for ``target``, itself last.

        An earlier cell that has run runs again when its source, or something that it needs, has
        changed since.

        Args:
            page: id and source of every code cell as they are now, in order.
            target: id of the cell the reader runs.
        """
        read = [cells.read(cell["id"], cell["source"]) for cell in page]
        known = cells.causes(read, self._interpreter.cause)
        blocked = {identifier for identifier, cause in known.items() if cause}
        index = next(i for i, cell in enumerate(page) if cell["id"] == target)
        todo: set[int] = set()
        needed = cells.needs(read, index, blocked)
        self._used |= names_used(read[index], [read[earlier] for earlier in needed])
        for earlier in needed:
            name, source = page[earlier]["id"], page[earlier]["source"]
            self._lean[name] = lean(source, self._used)
            stale = self._ran.get(name) not in (source, self._lean[name])
            if stale or todo & set(cells.needs(read, earlier, blocked)):
                todo.add(earlier)
        return [page[i]["id"] for i in sorted(todo)] + [target]

    def lean(self, identifier: str, source: str) -> str:
        """What runs of a cell that another one needs (`bookbuild.live.lean`)."""
        return self._lean.get(identifier, source)

    def run(self, identifier: str, label: str, source: str, *, quiet: bool = False) -> bool:
        """Run one cell and emit what comes of it; whether it ran to its end.

        Args:
            identifier: id of the cell.
            label: what tracebacks call it.
            source: its code.
            quiet: it runs because another one needs it: only an error is worth showing, and what
                fails for want of something that a browser does not have is passed over.
        """
        name = f"<{label}>"
        source = self.lean(identifier, source) if quiet else source
        self._labels[name] = label
        self._ran.pop(identifier, None)

        def write(stream: str, text: str) -> None:
            if not quiet:
                self._emit("stream", name=stream, text=text)

        try:
            with captured(write):
                value = self._interpreter.run(source, name, lenient=quiet)
                shown = _shown(value) if value is not None and not quiet else None
            if shown is not None:
                self._emit("value", **shown)
            self._figures(draw=not quiet)
        except BaseException as error:
            self._emit("error", text=short_traceback(error, self._labels))
            self._figures(draw=False)
            return False
        self._ran[identifier] = source
        return True

    def _figures(self, *, draw: bool) -> None:
        """Send and close the figures that are open."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        try:
            for number in pyplot.get_fignums() if draw else ():
                self._emit("figure", svg=_svg(pyplot.figure(number)))
        finally:
            pyplot.close("all")


def _shown(value: Any) -> dict[str, str | None]:
    """A value as text and, where it offers that, as HTML, which the page cleans."""
    as_html = getattr(value, "_repr_html_", None)
    return {"text": repr(value), "html": as_html() if callable(as_html) else None}


def _svg(figure: Any) -> str:
    from actlab.palette import THEMES

    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    return follow_theme(file.getvalue(), THEMES)
