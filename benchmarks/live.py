"""How long a reader waits for the first result of a cell in the page, and what it weighs.

Serves the built book and a local folder of Pyodide as a static host does (text and WebAssembly
compressed, Pyodide's files kept by the browser), opens it in Chromium, and presses buttons: a cell
that prints, a cell that draws, the check of an exercise. Each is measured *cold* (nothing in the
browser's cache), *again* (a second time on the same page) and *warm* (the page opened anew, its
files in the cache). In every round a bare start of Pyodide, which computes 1 + 1, is measured with
the same server: the ratio to it says what the book adds, on any machine. Bytes are those that the
server sent. The server is on this machine, so a slow line adds its own seconds to cold ones.

This is a measurement and not a test: nothing here fails because a number is large.

    make book; python -m bookbuild.pyodide; python benchmarks/live.py
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from actbase.files import write_json  # noqa: E402
from actgrade import source  # noqa: E402
from actlab.bench import provenance  # noqa: E402
from bookbuild.chapters import CHAPTERS  # noqa: E402
from bookbuild.forms.pdf import BROWSERS  # noqa: E402
from bookbuild.live.written import COUNT_ENDS, first_of_each  # noqa: E402

BOOK = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
PYODIDE = Path(os.environ.get("ACTLAB_PYODIDE", ROOT / "_build" / "pyodide"))
RECORD = ROOT / "benchmarks" / "pages" / "live.json"
PACKED = (".html", ".css", ".js", ".svg", ".json", ".txt", ".xml", ".wasm")
BARE = b"""<!doctype html><title>waiting</title><script src="pyodide/pyodide.js"></script>
<button onclick="go()">go</button><script>
async function go() {
  const pyodide = await loadPyodide({ indexURL: new URL("pyodide/", location).href });
  document.title = String(pyodide.runPython("1 + 1"));
}
</script>"""
PAUSE = 180_000  # milliseconds; beyond that something is wrong


@cache
def packed(path: Path) -> bytes:
    """A file as a static host sends it; pages ask this host for Pyodide and not the CDN."""
    data = path.read_bytes()
    if path.suffix == ".html":
        data = re.sub(rb'"pyodide": "[^"]+"', b'"pyodide": "/pyodide/"', data)
    return gzip.compress(data, 6, mtime=0) if path.suffix in PACKED else data


class Host(http.server.SimpleHTTPRequestHandler):
    """Serves the book, and counts the bytes of what it sends."""

    protocol_version = "HTTP/1.1"
    sent = 0
    lock = threading.Lock()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer one request."""
        name = self.path.partition("?")[0].lstrip("/")
        folder, rest = (PYODIDE, name[8:]) if name.startswith("pyodide/") else (BOOK, name)
        path = (folder / rest).resolve()
        if name == "bare.html":
            data, kind, compressed = BARE, "text/html", False
        elif name == "pyodide/pyodide-lock.json":
            pins = json.loads((ROOT / "book/web/live/pyodide.json").read_text(encoding="utf-8"))
            data, kind, compressed = json.dumps(pins["lock"]).encode(), "application/json", False
        elif path.is_file() and path.is_relative_to(folder.resolve()):
            data, kind = packed(path), self.guess_type(str(path))
            compressed = path.suffix in PACKED
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "public, max-age=86400")
        if compressed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(data)
        with Host.lock:
            Host.sent += len(data)


@contextmanager
def serving() -> Iterator[str]:
    """The address of the book on a port of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def timed(act: Callable[[], None]) -> dict[str, float]:
    """Seconds, and megabytes that the server sent meanwhile."""
    before, start = Host.sent, time.perf_counter()
    act()
    return {
        "seconds": round(time.perf_counter() - start, 3),
        "megabytes": round((Host.sent - before) / 1e6, 3),
    }


def press(tab: Any, cell: str, button: str) -> Callable[[], None]:
    """An act: press a button of a cell, and wait until the cell has come to its end."""

    def act() -> None:
        before = tab.evaluate(COUNT_ENDS, cell)
        tab.locator(f"#cell-{cell} {button}").click()
        tab.wait_for_function(
            "([name, before]) => window.cellEnds[name] > before",
            arg=[cell, before],
            timeout=PAUSE,
        )

    return act


def opened(context: Any, address: str) -> Any:
    """A tab with a page whose scripts have come."""
    tab = context.new_page()
    tab.goto(address, wait_until="networkidle")
    tab.wait_for_function("document.documentElement.dataset.scripts === 'here'")
    return tab


def first_chapter() -> tuple[str, dict[str, str]]:
    """The first chapter of the course that has cells of both kinds, and these."""
    for chapter in CHAPTERS:
        name = f"notebooks/{chapter.name}.html"
        page = BOOK / name
        if page.is_file():
            cells = first_of_each(page.read_text(encoding="utf-8"))
            if len(cells) == 2:
                return name, cells
    raise SystemExit("no chapter of the built book has a cell that prints and one that draws")


def write_answer(tab: Any, cell: str, answer: str) -> None:
    """Open the editor of a question and put an answer into it."""
    if tab.locator(f"#cell-{cell} .live-write").is_visible():
        tab.locator(f"#cell-{cell} .live-write").click()
    editor = tab.locator(f"#cell-{cell} .cm-content")
    editor.wait_for()
    editor.click()
    tab.keyboard.press("Control+A")
    tab.keyboard.insert_text(answer)


@contextmanager
def fresh(tools: Any, path: str | None) -> Iterator[Any]:
    """A browser that has seen nothing, whose cache lies on disk as a reader's does."""
    with tempfile.TemporaryDirectory() as folder:
        context = tools.chromium.launch_persistent_context(
            folder, executable_path=path, headless=True, args=["--no-sandbox"]
        )
        try:
            yield context
        finally:
            context.close()


def one_round(tools: Any, path: str | None, site: str) -> dict[str, dict[str, dict[str, float]]]:
    """Every kind of result once: kind -> cold, again, warm -> seconds and megabytes."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    with fresh(tools, path) as context:
        tab = context.new_page()
        tab.goto(f"{site}/bare.html", wait_until="networkidle")

        def start() -> None:
            tab.click("button")
            tab.wait_for_function("document.title === '2'", timeout=PAUSE)

        cold = timed(start)
    # pyodide.js came with the page; its compressed size belongs to the start.
    cold["megabytes"] = round(cold["megabytes"] + len(packed(PYODIDE / "pyodide.js")) / 1e6, 3)
    found["bare Pyodide"] = {"cold": cold}
    chapter, cells = first_chapter()
    for kind, cell in cells.items():
        with fresh(tools, path) as context:
            tab = opened(context, f"{site}/{chapter}")
            found[kind] = {"cold": timed(press(tab, cell, ".live-run"))}
            found[kind]["again"] = timed(press(tab, cell, ".live-run"))
            tab.close()
            tab = opened(context, f"{site}/{chapter}")
            found[kind]["warm"] = timed(press(tab, cell, ".live-run"))
    name = CHAPTERS[0].name
    question = source.load(ROOT / "solutions" / f"{name}.ipynb").questions[0]
    cell, address = f"answer-{question.id}", f"{site}/exercises/{name}.html"
    found["checks"] = {}
    with fresh(tools, path) as context:
        for when in ("cold", "again", "warm"):
            if when != "again":
                tab = opened(context, address)
            write_answer(tab, cell, question.answer)
            found["checks"][when] = timed(press(tab, cell, ".live-check"))
            said = tab.locator(f"#cell-{cell} .live-out").inner_text()
            if not said.startswith("Right"):
                raise SystemExit(f"the reference answer was not accepted: {said[:200]}")
            if when == "again":
                tab.close()
    return found


def summary(rounds: list[dict]) -> list[dict[str, object]]:
    """A row for each kind and state: medians, ends, and the ratio to the bare start."""
    bare = [one["bare Pyodide"]["cold"]["seconds"] for one in rounds]
    rows: list[dict[str, object]] = []
    for kind, states in rounds[0].items():
        for when in states:
            seconds = [one[kind][when]["seconds"] for one in rounds]
            ratios = [value / alone for value, alone in zip(seconds, bare, strict=True)]
            rows.append(
                {
                    "kind": kind,
                    "when": when,
                    "seconds": round(statistics.median(seconds), 2),
                    "seconds_from": round(min(seconds), 2),
                    "seconds_to": round(max(seconds), 2),
                    "megabytes": statistics.median(one[kind][when]["megabytes"] for one in rounds),
                    "over_bare": round(statistics.median(ratios), 2),
                }
            )
    return rows


def main() -> int:
    """Measure, print a table, and write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often (default: 5)")
    parser.add_argument("--out", type=Path, default=RECORD, help="where the record goes")
    options = parser.parse_args()
    for path, command in ((BOOK / "index.html", "make book"), (PYODIDE / "pyodide.js", None)):
        if not path.exists():
            print(f"{path.parent} is missing: {command or 'python -m bookbuild.pyodide'}")
            return 2
    from playwright.sync_api import sync_playwright

    browser_path = os.environ.get("ACTLAB_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    rounds, loads = [], [provenance.load_average()]
    with serving() as site, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        version = browser.version
        browser.close()
        for number in range(1, options.rounds + 1):
            print(f"round {number} of {options.rounds} …", file=sys.stderr, flush=True)
            rounds.append(one_round(tools, browser_path, site))
            loads.append(provenance.load_average())
    rows = summary(rounds)
    pins = json.loads((ROOT / "book/web/live/pyodide.json").read_text(encoding="utf-8"))
    chapter, cells = first_chapter()
    record = {
        "schema": "actlab-live",
        "created": provenance.utc_now(),
        "command": " ".join(["python", "benchmarks/live.py", *sys.argv[1:]]),
        "source": provenance.source(),
        "device": provenance.device("cpu"),
        "load_averages": loads,
        "browser": f"Chromium {version}",
        "pyodide": pins["version"],
        "pages": {
            "chapter": chapter,
            **cells,
            "checks": f"exercises/{CHAPTERS[0].name}.html",
        },
        "rounds": len(rounds),
        "rows": rows,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, record)
    for row in rows:
        print(
            f"{row['kind']:>13} {row['when']:>6}: {row['seconds']:6.2f} s "
            f"({row['seconds_from']:.2f} to {row['seconds_to']:.2f}), "
            f"{row['megabytes']:6.2f} MB, {row['over_bare']:.2f} times a bare start"
        )
    print(f"load averages {loads}; written to {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
