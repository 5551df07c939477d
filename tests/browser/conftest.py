"""The built book on a port of this machine, and a browser that reaches nothing else.

Needs a book (`make book`, or its folder in the environment variable BOOK_HTML), the package
`playwright`, and a Chromium; each is a reason to skip.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from arrival import wait_for_scripts
from chosen import BOOK

from bookbuild.forms.pdf import BROWSERS

PAGES = sorted(
    path.relative_to(BOOK).as_posix()
    for path in BOOK.rglob("*.html")
    if not path.relative_to(BOOK).parts[0].startswith("_")
)
NO_BOOK = f"no built book in {BOOK}; `make book` builds one"
PACKED = (".html", ".css", ".js", ".svg", ".json", ".txt", ".xml")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``book_page`` for every page, one with ``chapter`` for chapters."""
    chapters = [name for name in PAGES if name.startswith("notebooks/")]
    for argument, names in (("book_page", PAGES), ("chapter", chapters)):
        if argument in metafunc.fixturenames:
            missing = pytest.param("", marks=pytest.mark.skip(reason=NO_BOOK))
            metafunc.parametrize(argument, names or [missing])


@functools.cache
def _packed(path: str, changed: float) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 6, mtime=0)


class Host(http.server.SimpleHTTPRequestHandler):
    """Serves files as static hosts do, with text compressed, and without a line for each."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with the compressed file, where that is of use."""
        path = Path(self.translate_path(self.path))
        accepts = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (accepts and path.is_file() and path.suffix in PACKED):
            super().do_GET()
            return
        data = _packed(str(path), path.stat().st_mtime)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The book's address on a port of this machine, without a slash at its end."""
    if not PAGES:
        pytest.skip(NO_BOOK)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Host, directory=str(BOOK))
    )
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def chromium() -> str | None:
    """The path of a Chromium that is installed here."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def book() -> Path:
    """The folder of the built book."""
    return BOOK


# Of the module, not of the session: Playwright refuses to start a second time in the same process
# while the first runs, and printing the PDF (tests/bookbuild/test_forms.py) starts its own.
@pytest.fixture(scope="module")
def browser(chromium: str | None) -> Iterator[Any]:
    """A Chromium, started once a file: the system's, or Playwright's own."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("ACTLAB_CHROMIUM") or chromium
    with api.sync_playwright() as tools:
        try:
            opened = tools.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except api.Error as error:
            pytest.skip(f"no browser starts here: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens a tab in a context of its own; its keywords are the context's."""
    contexts = []

    def make(**options: Any) -> Any:
        contexts.append(browser.new_context(**options))
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@dataclass
class Visit:
    """What happened while a page was open."""

    failed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def assert_clean(self) -> None:
        """Nothing was asked of another host, nothing was missing, nothing went wrong."""
        assert self.outside == []
        assert self.failed == []
        assert self.errors == []


class Reader:
    """A tab that reaches nothing but the book; as wide as a phone unless told otherwise."""

    def __init__(self, browser: Any, site: str, **context: Any) -> None:
        self.site = site
        context.setdefault("viewport", {"width": 390, "height": 844})
        self._has_scripts = context.get("java_script_enabled", True)
        self.context = browser.new_context(**context)
        self.tab = self.context.new_page()
        self.visit = Visit()
        self.tab.route("**/*", self._let_through)
        self.tab.on("requestfailed", self._note_failure)
        self.tab.on("pageerror", lambda error: self.visit.errors.append(str(error)))
        self.tab.on("console", self._note_message)
        self.tab.on("response", self._note_answer)

    def _let_through(self, route: Any) -> None:
        if route.request.url.startswith((self.site, "data:", "blob:")):
            route.continue_()
        else:
            self.visit.outside.append(route.request.url)
            route.abort()

    def _note_failure(self, request: Any) -> None:
        # A request that the browser gives up by itself, because the tab goes on to the next page
        # or because scripts are off ("csp"), is no fault; a missing file answers 404 instead.
        if request.failure not in ("net::ERR_ABORTED", "csp"):
            self.visit.failed.append(f"{request.failure} {request.url}")

    def _note_message(self, message: Any) -> None:
        if message.type == "error":
            self.visit.errors.append(message.text)

    def _note_answer(self, answer: Any) -> None:
        if answer.status >= 400:
            self.visit.failed.append(f"{answer.status} {answer.url}")

    def open(self, name: str) -> Visit:
        """Open a page of the book and wait until everything it asks for has come."""
        self.visit = Visit()
        self.tab.goto(f"{self.site}/{name}", wait_until="load")
        if self._has_scripts:
            wait_for_scripts(self.tab)
        return self.visit


@pytest.fixture(scope="module")
def reader(browser: Any, site: str) -> Iterator[Reader]:
    """One tab for all pages of a module."""
    opened = Reader(browser, site)
    yield opened
    opened.context.close()


@pytest.fixture
def new_reader(browser: Any, site: str) -> Iterator[Callable[..., Reader]]:
    """A function that opens a reader with settings of its own."""
    opened = []

    def make(**context: Any) -> Reader:
        opened.append(Reader(browser, site, **context))
        return opened[-1]

    yield make
    for one in opened:
        one.context.close()
