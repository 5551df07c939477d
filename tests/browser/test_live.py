"""Cells and exercises that run in a real browser.

The book is served as it was built. Pyodide comes from a local folder, which ``python -m
bookbuild.pyodide`` makes and whose files the page checks against their pinned hashes: one test
answers the CDN's own address from it; the others, where 20 MB through the debugger would take most
of the time, put the address of a second local server into the page.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from arrival import wait_for_scripts

from actgrade import source
from bookbuild.chapters import CHAPTERS
from bookbuild.live.steps import solution_steps
from bookbuild.live.written import COUNT_ENDS, first_of_each
from bookbuild.pages import livecost

ROOT = Path(__file__).resolve().parents[2]
PYODIDE = Path(os.environ.get("ACTLAB_PYODIDE", ROOT / "_build" / "pyodide"))
CDN = "https://cdn.jsdelivr.net/**"
NAME = CHAPTERS[0].name
CHAPTER, EXERCISE = f"/notebooks/{NAME}.html", f"/exercises/{NAME}.html"
FIRST_RUN = 180_000  # milliseconds: Python is started in it
LATER = 60_000


class Live:
    """A page of the book with Pyodide behind it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def cell(self, name: str) -> Any:
        return self.page.locator(f"#cell-{name}")

    def write(self, name: str, text: str) -> None:
        """Replace the code of a cell whose editor is open."""
        editor = self.cell(name).locator(".cm-content")
        editor.wait_for()
        editor.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def finish(self, name: str, timeout: int) -> None:
        self.page.wait_for_selector(f"#cell-{name}[aria-busy=false]", timeout=timeout)

    def press(self, name: str, button: str, timeout: int) -> None:
        """Press a button of a cell and wait for the end of what it starts."""
        before = self.page.evaluate(COUNT_ENDS, name)
        self.cell(name).locator(button).click()
        self.page.wait_for_function(
            "([name, before]) => window.cellEnds[name] > before",
            arg=[name, before],
            timeout=timeout,
        )

    def run(self, name: str, timeout: int = LATER) -> str:
        """Run a cell and return what it shows."""
        self.press(name, ".live-run", timeout)
        return self.cell(name).locator(".live-out").inner_text()

    def check(self, question: str, answer: str, timeout: int = LATER) -> str:
        """Write and check an answer and return the verdict."""
        name = f"answer-{question}"
        if self.cell(name).locator(".live-write").is_visible():
            self.cell(name).locator(".live-write").click()
        self.write(name, answer)
        self.press(name, ".live-check", timeout)
        return self.cell(name).locator(".live-out").inner_text()

    def say(self, name: str) -> str:
        return self.cell(name).locator(".live-say").text_content()


class _Files(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("access-control-allow-origin", "*")
        super().end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def pyodide() -> Iterator[str]:
    """Address of a second server, with the files of Pyodide."""
    if not (PYODIDE / "pyodide.asm.wasm").exists():
        pytest.skip("no local Pyodide: python -m bookbuild.pyodide")
    handler = functools.partial(_Files, directory=str(PYODIDE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def live(page: Callable[..., Any], site: str, pyodide: str) -> Iterator[Callable[..., Live]]:
    """Opens a page of the book, with the address of the CDN in it (``cdn``) or a local one."""
    opened: list[Live] = []

    def open_page(path: str, *, cdn: bool = False) -> Live:
        found = Live(page(accept_downloads=True))
        opened.append(found)

        def answer(route: Any) -> None:
            name = route.request.url.rsplit("/", 1)[1]
            found.asked.append(name)
            route.fulfill(path=PYODIDE / name, headers={"access-control-allow-origin": "*"})

        def replace(route: Any) -> None:
            text = (ROOT / "_build" / "html" / path.strip("/")).read_text(encoding="utf-8")
            address = r'"pyodide": "[^"]+"'
            route.fulfill(body=re.sub(address, f'"pyodide": "{pyodide}"', text))

        found.page.on(
            "request",
            lambda request: request.url.startswith(pyodide) and found.asked.append(request.url),
        )
        found.page.route(CDN, answer)
        if not cdn:
            found.page.route(f"**{path}", replace)
        found.page.goto(site + path)
        wait_for_scripts(found.page)
        return found

    yield open_page
    assert [error for found in opened for error in found.errors] == []


@pytest.fixture(scope="module")
def cells() -> dict[str, str]:
    """Ids of the first cell of the chapter that prints, and of the first that draws."""
    page = ROOT / "_build" / "html" / CHAPTER.strip("/")
    if not page.exists():
        pytest.skip("no built book; `make book` builds one")
    found = first_of_each(page.read_text(encoding="utf-8"))
    assert set(found) == {"prints", "draws"}
    return found


def test_a_chapter(live, cells):
    chapter = live(CHAPTER, cdn=True)
    chapter.page.wait_for_load_state("networkidle")
    assert chapter.asked == [], "nothing is fetched before somebody asks"

    # A NumPy cell, which needs earlier ones, prints what the book prints.
    prints, draws = cells["prints"], cells["draws"]
    stored = chapter.cell(prints).locator(".cell_output pre").inner_text().strip()
    written = chapter.cell(prints).locator(".cell_input pre").inner_text().strip()
    number = chapter.cell(prints).locator(".live-bar").get_attribute("data-number")
    assert chapter.run(prints, FIRST_RUN).strip() == stored
    assert "earlier cell" in chapter.say(prints)
    assert "pyodide.asm.wasm" in chapter.asked
    unused = ("scipy", "scikit", "matplotlib")
    assert not [name for name in chapter.asked if name.startswith(unused)]

    # Edited, it does what the edit says; an error names the reader's line.
    chapter.write(prints, "print('twice', 2 * 32)\nx = 1 / 0")
    shown = chapter.run(prints)
    assert "twice 64" in shown
    assert f"cell {number}, line 2" in shown
    assert "ZeroDivisionError" in shown
    chapter.cell(prints).locator(".live-reset").click()
    again = chapter.cell(prints).locator(".cm-content").inner_text()
    assert again.split() == written.split()

    # A figure, with the alt text of the book's.
    said = chapter.cell(draws).locator(".cell_output img").first.get_attribute("alt")
    chapter.run(draws)
    image = chapter.cell(draws).locator(".live-out img")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert image.get_attribute("alt") == said

    # What needs PyTorch says so.
    cannot = chapter.page.locator(".live-cannot").all_inner_texts()
    assert any("PyTorch" in text for text in cannot)


def test_an_endless_loop_is_stopped_by_the_reader(live, cells):
    chapter, name = live(CHAPTER), cells["prints"]
    chapter.run(name, FIRST_RUN)
    chapter.write(name, "while True:\n    pass")
    chapter.cell(name).locator(".live-run").click()
    stop = chapter.cell(name).locator(".live-stop")
    chapter.page.wait_for_function(
        f"document.querySelector('#cell-{name} .live-say').textContent.startsWith('Running')",
        timeout=LATER,
    )
    assert chapter.page.evaluate("1 + 1") == 2, "the page is alive"
    stop.click()
    chapter.finish(name, LATER)
    assert chapter.say(name) == "Stopped. What this cell needs runs again next time."
    chapter.write(name, "print('after')")
    assert chapter.run(name, FIRST_RUN).strip() == "after"


def test_the_editor_is_no_keyboard_trap(live):
    chapter = live(EXERCISE)
    chapter.page.locator(".live-write").first.click()
    inside = "document.activeElement.closest('.live-editor') !== null"
    chapter.page.wait_for_function(inside)
    chapter.page.keyboard.press("Tab")
    assert chapter.page.evaluate(inside), "Tab indents"
    chapter.page.keyboard.press("Escape")
    chapter.page.keyboard.press("Tab")
    assert not chapter.page.evaluate(inside)


def test_an_exercise(live, tmp_path):
    chapter = source.load(ROOT / "solutions" / f"{NAME}.ipynb")
    first, second, *_ = chapter.questions
    exercise = live(EXERCISE)

    def answer(question: source.Question) -> Any:
        return exercise.cell(f"answer-{question.id}")

    answer(first).locator(".live-check").click()
    answer(first).locator(".cm-content").wait_for()
    assert exercise.asked == [], "a stub needs no Python to be told from an answer"

    # What running costs is said, from the record.
    cost = exercise.page.locator(".live-cost").inner_text()
    assert livecost.sentence(livecost.load()) in cost

    # A known wrong answer is refused with its sentence.
    sentences = [wrong.because.rstrip(".") for wrong in first.wrongs]
    verdict = exercise.check(first.id, first.wrongs[0].source, FIRST_RUN)
    assert verdict.startswith(("Not yet", "Partly right"))
    assert any(sentence in verdict for sentence in sentences)

    # An endless one too, after the grader's ten seconds.
    verdict = exercise.check(first.id, "while True:\n    pass")
    assert "takes longer than 10 s" in verdict

    # The reference is accepted.
    for question in (first, second):
        assert exercise.check(question.id, question.answer, FIRST_RUN).startswith("Right")
    total = exercise.page.locator(".live-total")
    points = rf"{first.points + second.points:g} of \d+ points"
    assert re.match(points, total.text_content())

    # Hints come one at a time.
    hints = exercise.page.locator(f"section:has(> #cell-answer-{first.id}) details.live-hint")
    assert [hints.nth(index).is_visible() for index in range(3)] == [False] * 3
    answer(first).locator("button.live-hint").click()
    assert [hints.nth(index).is_visible() for index in range(3)] == [True, False, False]

    # Behind the last hint the solution comes statement by statement, and then it is whole.
    longer = next(q for q in chapter.questions[2:] if len(solution_steps(q.answer)) > 1)
    button = answer(longer).locator("button.live-hint")
    for _ in range(3):
        button.click()
    assert button.inner_text() == "Solution, step by step"
    button.click()
    shown = exercise.page.locator(f"section:has(> #cell-answer-{longer.id}) .live-steps pre")
    shown.wait_for()
    assert shown.inner_text().endswith("…")
    while button.is_enabled():
        button.click()
    assert shown.inner_text().split() == longer.answer.split()

    # Everything is there after a reload.
    exercise.page.reload()
    wait_for_scripts(exercise.page)
    answer(second).locator(".cm-content").wait_for()
    assert re.match(points, total.text_content())
    assert "raise NotImplementedError" not in answer(first).inner_text()

    # The exported notebook gets these points from the grader.
    with exercise.page.expect_download() as download:
        exercise.page.locator(".live-export").click()
    path = tmp_path / f"{NAME}.ipynb"
    download.value.save_as(path)
    grades = tmp_path / "grades.json"
    command = [sys.executable, "-m", "actlab", "grade", str(path), "--json", str(grades)]
    graded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert grades.exists(), graded.stdout + graded.stderr
    report = json.loads(grades.read_text(encoding="utf-8"))
    earned = {q["id"]: q["points"] for q in report["notebooks"][0]["questions"]}
    assert (earned[first.id], earned[second.id]) == (first.points, second.points)
    assert report["points"] == first.points + second.points


@pytest.mark.parametrize("how", ["abort", "wrong"])
def test_a_failed_download_leaves_the_page_and_one_sentence(page, site, cells, how):
    """No answer, or one that is not the pinned file."""
    tab = page()
    if how == "abort":
        tab.route(CDN, lambda route: route.abort())
    else:
        allowed = {"access-control-allow-origin": "*"}
        tab.route(CDN, lambda route: route.fulfill(body="alert(1)", headers=allowed))
    tab.goto(site + CHAPTER)
    wait_for_scripts(tab)
    cell = tab.locator(f"#cell-{cells['prints']}")
    written = cell.locator(".cell_input pre").inner_text()
    cell.locator(".live-run").click()
    tab.wait_for_selector(f"#cell-{cells['prints']}[aria-busy=false]", timeout=LATER)
    said = cell.locator(".live-say").text_content()
    assert said.startswith("Python could not be loaded from cdn.jsdelivr.net")
    assert said.count(". ") <= 1
    assert written.split() == cell.locator(".cm-content").inner_text().split()
    assert cell.locator(".live-run").is_enabled()


def test_without_scripts_the_page_is_complete(page, site):
    tab = page(java_script_enabled=False)
    tab.goto(site + EXERCISE)
    assert not tab.locator(".live-check").first.is_visible()
    assert not tab.locator(".live-progress").is_visible()
    hint = tab.locator("details.live-hint").first
    assert hint.is_visible()
    assert "make lab" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_from_a_file_the_page_says_what_to_do(page, site, cells):
    tab = page()
    tab.goto((ROOT / "_build" / "html" / CHAPTER.strip("/")).as_uri())
    wait_for_scripts(tab)
    cell = tab.locator(f"#cell-{cells['prints']}")
    cell.locator(".live-run").click()
    assert "python -m http.server" in cell.locator(".live-say").text_content()
