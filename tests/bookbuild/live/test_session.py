"""The cells of a page, run in plain Python."""

from __future__ import annotations

from typing import Any

import pytest

from bookbuild.live.interpreter import MOST_CHARACTERS
from bookbuild.live.page_session import PageSession

MISSING = {"torch": "torch", "no_such_framework": "torch", "actlab.training": "torch"}


class Log:
    """What a session emits."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, **content: Any) -> None:
        self.events.append((kind, content))

    def text(self, kind: str) -> str:
        return "".join(content["text"] for name, content in self.events if name == kind)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def session(log) -> PageSession:
    return PageSession(log, MISSING)


def test_what_is_printed_and_the_last_value_arrive(session, log):
    assert session.run("a", "cell 1", "print('hello')\nx = 2\nx + 1")
    assert log.text("stream") == "hello\n"
    assert log.text("value") == "3"


def test_a_traceback_names_the_readers_lines_and_no_others(session, log):
    session.run("a", "cell 1", "import json\ndef f(x):\n    return json.loads(x)\n")
    assert not session.run("b", "cell 2", "y = 1\nf('{')")
    text = log.text("error")
    assert "cell 2, line 2\n    f('{')" in text
    assert "cell 1, line 3, in f" in text
    assert "json/decoder" not in text
    assert "execute.py" not in text
    assert text.splitlines()[-1].startswith("JSONDecodeError: ")


def test_a_syntax_error_has_its_line(session, log):
    assert not session.run("a", "cell 1", "x = 1\ny = (")
    assert "cell 1, line 2" in log.text("error")
    assert "SyntaxError: " in log.text("error")


def test_the_use_of_a_missing_module_is_one_sentence(session, log):
    source = "import no_such_framework as framework\nprint('on')\nframework.ones(3)"
    assert not session.run("a", "cell 1", source)
    assert log.text("stream") == "on\n"
    assert log.text("error").splitlines()[-1] == (
        "This needs PyTorch, which does not run in a browser; run it on your computer with "
        "“make lab”."
    )


def test_a_needed_cell_passes_over_what_is_missing(session, log):
    first = (
        "import no_such_framework\nno_such_framework.seed(1)\n"
        "tensor = no_such_framework.ones(3)\nnumber = 4"
    )
    assert session.run("a", "cell 1", first, quiet=True)
    assert session.run("b", "cell 2", "number + 1")
    assert log.text("value") == "5"
    assert not session.run("c", "cell 3", "tensor + 1")
    assert "PyTorch" in log.text("error")


def test_a_mistyped_import_is_an_ordinary_error(session, log):
    assert not session.run("a", "cell 1", "import nmupy")
    assert "ModuleNotFoundError: No module named 'nmupy'" in log.text("error")


def test_output_without_end_is_cut(session, log):
    assert not session.run("a", "cell 1", "while True:\n    print('x' * 1000)")
    assert len(log.text("stream")) <= MOST_CHARACTERS
    assert "prints more than" in log.text("error")


def test_figures_are_drawn_and_follow_the_theme(session, log):
    source = (
        "import matplotlib.pyplot as plt\nfrom actlab import plotting\nplotting.use_style()\n"
        "figure, ax = plt.subplots()\nax.plot([0, 1]);"
    )
    assert session.run("a", "cell 1", source), log.text("error")
    (svg,) = [content["svg"] for kind, content in log.events if kind == "figure"]
    assert "light-dark(" in svg
    assert session.run("b", "cell 2", "1")
    assert len([kind for kind, _ in log.events if kind == "figure"]) == 1, (
        "closed after it is shown"
    )


def test_only_what_changed_runs_again(session):
    page = [
        {"id": "a", "source": "x = 1"},
        {"id": "b", "source": "y = x + 1"},
        {"id": "c", "source": "print(y)"},
    ]

    def run() -> list[str]:
        order = session.order(page, "c")
        for name in order:
            source = next(cell["source"] for cell in page if cell["id"] == name)
            session.run(name, name, source, quiet=name != "c")
        return order

    assert run() == ["a", "b", "c"]
    assert run() == ["c"]
    page[0]["source"] = "x = 5"
    assert run() == ["a", "b", "c"]
    page[1]["source"] = "y = x + 7"
    assert run() == ["b", "c"]


def test_a_dataclass_and_its_source_can_be_looked_at(session, log):
    source = (
        "import inspect\nfrom dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n"
        "def f():\n    return Point(3)\nprint(inspect.getsource(f))\nf()"
    )
    assert session.run("a", "cell 1", source), log.text("error")
    assert "return Point(3)" in log.text("stream")
    assert log.text("value") == "Point(x=3)"
