"""What the worker of a page calls: JSON in, JSON out, events through one function."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bookbuild.live.browser import Browser
from bookbuild.live.pack import read_manifest
from bookbuild.live.page_session import PageSession


class Page:
    """Python's side of one page.

    Args:
        post: takes the JSON text of one event.
    """

    def __init__(self, post: Callable[[str], None]) -> None:
        manifest = read_manifest()
        self._post = post
        self._missing: Mapping[str, str] = manifest["missing"]
        self._browser = Browser(manifest["packages"])
        self._session = PageSession(self._emit, self._missing)

    def _emit(self, kind: str, **content: Any) -> None:
        self._post(json.dumps({"kind": kind, **content}))

    def packages(self, sources: str) -> str:
        """The packages that some code imports: a list of sources in, a list of names out."""
        found: set[str] = set()
        for source in json.loads(sources):
            found |= self._browser.packages(source)
        return json.dumps(sorted(found))

    def order(self, request: str) -> str:
        """Ids of the cells to run: ``{"cells": [{"id", "source"}], "target"}`` in, a list out."""
        content = json.loads(request)
        return json.dumps(self._session.order(content["cells"], content["target"]))

    def lean(self, request: str) -> str:
        """What will run of the cells of an order: ``[{"id", "source"}]`` in, a list of sources out.

        The last is the one that the reader runs, as it is.
        """
        *earlier, target = json.loads(request)
        sources = [self._session.lean(cell["id"], cell["source"]) for cell in earlier]
        return json.dumps([*sources, target["source"]])

    def run(self, request: str) -> bool:
        """Run one cell: ``{"id", "label", "source", "quiet"}``; whether it ran to its end."""
        content = json.loads(request)
        return self._session.run(
            content["id"], content["label"], content["source"], quiet=content["quiet"]
        )

    def check(self, request: str) -> None:
        """Check an answer; emits ``deadline`` (seconds, result) and at the end ``result``.

        The request is ``{"chapter", "question", "answer", "others"}``: the last are the sources of
        the cells that are no answers.
        """
        from actgrade.submission import defined_names
        from bookbuild.live.judge import chapter_from_dict, check

        content = json.loads(request)
        chapter = chapter_from_dict(content["chapter"])
        result = check(
            chapter,
            chapter.question(content["question"]),
            content["answer"],
            self._missing,
            other_names=frozenset().union(*map(defined_names, content["others"])),
            deadline=lambda seconds, late: self._emit(
                "deadline", seconds=seconds, result=late.as_dict()
            ),
        )
        self._emit("result", result=result.as_dict())
