"""Cells of chapters and answers of exercises that run in the reader's browser.

While a page is read, its cells are looked at (:mod:`bookbuild.live.cells`); each gets a bar below
its code: buttons where it can run without PyTorch, a folded sentence where it cannot. The bars are
in the HTML, so nothing moves when the script comes, and the style sheet shows the buttons only
where scripts run. ``_static/live`` holds the script, the worker, the archive of actlab and, for
each exercise, the file that its checks come from. Nothing of Pyodide is requested before a reader
asks.

Configuration: ``live_pyodide_url``, the folder of Pyodide: an address, or a path relative to the
root of the book. The environment variable ``ACTLAB_PYODIDE_URL`` overrides it.
"""

from __future__ import annotations

import ast
import hashlib
import html
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging

from actbase.errors import CommandError
from actbase.imports import module_imports
from actgrade import source
from actgrade.source import HINT_NAMES
from bookbuild.ext.webpart import BUILDERS
from bookbuild.live import cells, pack
from bookbuild.live.browser import Browser
from bookbuild.live.interpreter import sentence_for
from bookbuild.live.judge import chapter_as_dict
from bookbuild.live.lean import lean, names_used
from bookbuild.pages import livecost
from bookbuild.paths import ROOT, WEB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

PINS = WEB / "live" / "pyodide.json"
CHAPTERS, EXERCISES = "notebooks/", "exercises/"


class live_bar(nodes.Element):
    """The buttons below a cell. ``kind`` is run, answer or cannot."""


class live_progress(nodes.Element):
    """The points on the page of an exercise."""


# --- what can run ---------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def browser() -> Browser:
    """What Pyodide can import, from the pins."""
    return Browser(packages())


@lru_cache(maxsize=1)
def packages() -> dict[str, str]:
    """Import name -> package."""
    lock = json.loads(PINS.read_text(encoding="utf-8"))["lock"]["packages"]
    return {name: key for key, entry in lock.items() for name in entry["imports"]}


def notebook_of(app: Sphinx, docname: str) -> dict[str, Any]:
    """The notebook behind a page."""
    return json.loads(Path(app.env.doc2path(docname)).read_text(encoding="utf-8"))


def text_of(cell: dict[str, Any]) -> str:
    """The source of a cell."""
    return "".join(cell["source"])


def first_packages(notebook: dict[str, Any]) -> set[str]:
    """What the first code cell imports: nearly always needed, so fetched with Python itself."""
    code = [text_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return browser().packages(code[0]) if code else set()


def packages_of(
    code: list[dict[str, Any]],
    read: list[cells.Cell],
    causes: dict[str, str | None],
    index: int,
) -> list[str]:
    """What a browser has to load to run a cell, of those that Pyodide brings."""
    blocked = {identifier for identifier, cause in causes.items() if cause}
    needed = cells.needs(read, index, blocked)
    used = names_used(read[index], [read[earlier] for earlier in needed])
    sources = [lean(text_of(code[earlier]), used) for earlier in needed] + [text_of(code[index])]
    return sorted(set().union(*map(browser().packages, sources)))


def question_causes(chapter: source.Assignment) -> dict[str, str | None]:
    """For each question, what a check of it needs that a browser does not have."""
    found: dict[str, str | None] = {}
    for question in chapter.questions:
        texts = list(chapter.setup)
        texts += [chapter.question(name).answer for name in question.needs]
        shared = len(texts)
        texts += [question.answer]
        texts += [check.source for check in question.checks]
        texts += [held.source for held in question.helds]
        read = [cells.read(str(number), text) for number, text in enumerate(texts)]
        causes = cells.causes(read, browser().cause)
        own = [cause for number, cause in causes.items() if cause and int(number) >= shared]
        found[question.id] = own[0] if own else None
    return found


# --- while pages are read -------------------------------------------------------------------------


def fold_hints(app: Sphinx, docname: str, text: list[str]) -> None:
    """Add the hints of an exercise to its page, each folded, after the checks of its question."""
    chapter = chapter_of(app, docname)
    if chapter is None:
        return
    notebook = json.loads(text[0])
    last = {}
    for index, cell in enumerate(notebook["cells"]):
        if (identifier := source.question_of(cell)) is not None:
            last[identifier] = index
    for question in reversed(chapter.questions):
        added = []
        for number, hint in enumerate(question.hints, start=1):
            title = (
                f"Hint {number}: {HINT_NAMES[number - 1]}" if number <= len(HINT_NAMES) else "Hint"
            )
            fence = "`" * 6
            body = f"{fence}{{dropdown}} {title}\n:class-container: live-hint\n\n{hint}\n{fence}"
            added.append(
                {
                    "cell_type": "markdown",
                    "metadata": {},
                    "id": f"hint-{question.id}-{number}",
                    "source": body,
                }
            )
        at = last.get(question.id, len(notebook["cells"]) - 1) + 1
        notebook["cells"][at:at] = added
    text[0] = json.dumps(notebook)


def chapter_of(app: Sphinx, docname: str) -> source.Assignment | None:
    """The source of the exercise on a page, or None."""
    if not docname.startswith(EXERCISES):
        return None
    path = Path(app.srcdir, "solutions", docname.removeprefix(EXERCISES) + ".ipynb")
    app.env.note_dependency(str(path))
    try:
        return source.load(path)
    except CommandError as error:
        app.env.note_reread()
        logger.warning("%s", error, location=docname, type="live")
        return None


def add_bars(app: Sphinx, doctree: nodes.document) -> None:
    """Put a bar below each code cell of a chapter or an exercise."""
    docname = app.env.docname
    if not docname.startswith((CHAPTERS, EXERCISES)):
        return
    notebook = notebook_of(app, docname)
    chapter = chapter_of(app, docname)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    read = [cells.read(cell["id"], text_of(cell)) for cell in code]
    causes = cells.causes(read, browser().cause)
    of_questions = question_causes(chapter) if chapter else {}
    containers = [
        node for node in doctree.findall(nodes.container) if node.get("nb_element") == "cell_code"
    ]
    if len(containers) != len(code):
        logger.warning("%d cells, %d on the page", len(code), len(containers), location=docname)
        return
    for number, (container, cell) in enumerate(zip(containers, code, strict=True), start=1):
        role, question = source.role_of(cell), source.question_of(cell)
        container["ids"] = [*container["ids"], f"cell-{cell['id']}"]
        if chapter and role not in ("answer", "check"):
            continue
        cause = of_questions.get(question) if question else causes[cell["id"]]
        kind = "cannot" if cause else "answer" if role == "answer" else "run"
        if kind == "cannot" and role == "check":
            continue  # said at the answer
        bar = live_bar(
            kind=kind, cell=cell["id"], number=number, cause=cause or "", question=question or ""
        )
        if kind == "run" and not chapter:
            bar["packages"] = " ".join(packages_of(code, read, causes, number - 1))
        sources = [
            child for child in container.children if "cell_input" in child.get("classes", [])
        ]
        at = container.index(sources[0]) + 1 if sources else 0
        container.insert(at, bar)
    if chapter is None:
        say_once(doctree)
    if chapter:
        title = next(iter(doctree.findall(nodes.title)), None)
        if title is not None:
            points = [
                {"id": q.id, "title": q.title, "points": q.points, "runs": not of_questions[q.id]}
                for q in chapter.questions
            ]
            record = livecost.load(Path(app.srcdir))
            app.env.note_dependency(str(Path(app.srcdir, livecost.RECORD)))
            node = live_progress(name=chapter.name, questions=points)
            node["cost"], node["measured"] = livecost.sentence(record), livecost.details(record)
            title.parent.insert(title.parent.index(title) + 1, node)


def say_once(doctree: nodes.document) -> None:
    """Of the cells of a section that need the same thing, let the first speak for all."""
    groups: dict[tuple[int, str], list[live_bar]] = {}
    for bar in doctree.findall(live_bar):
        if bar["kind"] == "cannot":
            groups.setdefault((id(_section_of(bar)), bar["cause"]), []).append(bar)
    for first, *others in groups.values():
        first["cells"] = 1 + len(others)
        for bar in others:
            bar.parent.remove(bar)


def _section_of(node: nodes.Node) -> nodes.Node:
    """The section of the second level that a node stands in, or the page."""
    found: list[nodes.Node] = []
    while node.parent is not None:
        if isinstance(node, nodes.section):
            found.append(node)
        node = node.parent
    return found[-2] if len(found) > 1 else node


# --- while pages are written ----------------------------------------------------------------------


def visit_bar(translator: HTML5Translator, node: live_bar) -> None:
    """Write the bar of a cell."""
    if translator.builder.name in BUILDERS:
        translator.body.append(bar_html(node))
    raise nodes.SkipNode


def bar_html(node: live_bar) -> str:
    """The HTML of a bar."""
    if node["kind"] == "cannot":
        name = "PyTorch" if node["cause"] == "torch" else node["cause"]
        what = "question" if node["question"] else "cell"
        if node["cause"] == cells.NOT_PYTHON:
            said = "This cell uses commands of IPython, which the page does not know."
        else:
            said = f"This {what} needs {sentence_for(node['cause'])}."
        need = "needs"
        if (count := node.get("cells", 1)) > 1:
            need = f"{count} cells of this section need"
            said = said.replace("This cell needs", "These cells need")
        return (
            f'<details class="live-cannot"><summary>Not in the page: {need} '
            f"{html.escape(name)}</summary><p>{html.escape(said)}</p></details>\n"
        )
    cell, number = html.escape(node["cell"]), node["number"]
    buttons = [("run", "Run in the page", f"cell {number}")]
    if node["kind"] == "answer":
        what = f"question {html.escape(node['question'])}"
        buttons = [
            ("write", "Write your answer", what),
            ("check", "Check", what),
            ("hint", "Hint", what),
        ]
    written = "".join(_button(*button) for button in buttons)
    written += _button("stop", "Stop", "", hidden=True)
    written += _button("reset", "Reset", f"cell {number}", hidden=True)
    packages = f' data-packages="{html.escape(node["packages"])}"' if "packages" in node else ""
    points = '<span class="live-points"></span>' if node["kind"] == "answer" else ""
    return (
        f'<div class="live-bar" data-live="{node["kind"]}" data-cell="{cell}" '
        f'data-number="{number}" data-question="{html.escape(node["question"])}"{packages}>'
        f'{written}{points}<span class="live-say" role="status"></span></div>\n'
        '<div class="live-out" role="status"></div>\n'
    )


def _button(name: str, text: str, of: str, *, hidden: bool = False) -> str:
    label = f' aria-label="{text}: {of}"' if of else ""
    return (
        f'<button type="button" class="live-button live-{name}"{label}'
        f"{' hidden' * hidden}>{text}</button>"
    )


def visit_progress(translator: HTML5Translator, node: live_progress) -> None:
    """Write the points of an exercise, and what can be done with its answers."""
    if translator.builder.name in BUILDERS:
        total = sum(question["points"] for question in node["questions"])
        translator.body.append(
            '<div class="live-progress"><p><strong class="live-total" role="status">'
            f"0 of {total:g} points</strong> in this browser. You can write and check answers "
            "here, by the rules of the grader; what you see is feedback and not a grade. "
            'Your answers stay in this browser.</p><p class="live-actions">'
            + _button("export", "Export notebook", "")
            + _button("import", "Import answers", "")
            + _button("forget", "Forget my answers", "")
            + '<span class="live-say" role="status"></span></p>'
            f'<p class="live-cost">{html.escape(node["cost"])} '
            f"<small>{html.escape(node['measured'])}</small></p></div>\n"
        )
    raise nodes.SkipNode


def skip(translator: Any, node: nodes.Element) -> None:
    """A page on paper has no buttons."""
    raise nodes.SkipNode


def describe_page(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Link script and styles where a page has bars, and say where everything is."""
    if doctree is None or app.builder.name not in BUILDERS:
        return
    progress = next(iter(doctree.findall(live_progress)), None)
    if progress is None and next(iter(doctree.findall(live_bar)), None) is None:
        return
    app.add_css_file("css/live.css")
    app.add_js_file("live/live.js", loading_method="defer")

    def path(name: str) -> str:
        return context["pathto"](f"_static/live/{name}", resource=True)

    url = app.config.live_pyodide_url
    if "://" not in url:
        url = context["pathto"](url.strip("/") + "/", resource=True)
    content: dict[str, Any] = {
        "pyodide": url,
        "pins": path(f"pyodide.json?v={_short(PINS.read_bytes())}"),
        "archive": path(f"actlab.zip?v={_short(archive(app))}"),
        "worker": path(f"worker.js?v={_short((WEB / 'live' / 'worker.js').read_bytes())}"),
        "editor": context["pathto"]("_static/vendor/codemirror/editor.min.js", resource=True),
        "chapter": Path(pagename).name,
        "packages": sorted(first_packages(notebook_of(app, pagename))),
    }
    if progress is not None:
        content["questions"] = progress["questions"]
        content["source"] = path(f"{progress['name']}.json")
        content["notebook"] = context["pathto"](
            f"_sources/{EXERCISES}{progress['name']}.ipynb", resource=True
        )
        content["solutions"] = f"solutions/{progress['name']}"
        app.add_js_file("live/exercise.js", loading_method="defer")
    # Sorted and without "</", which would end the element.
    text = json.dumps(content, sort_keys=True).replace("</", "<\\/")
    context["body"] += f'<script type="application/json" id="live-page">{text}</script>'


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:10]


@lru_cache(maxsize=2)
def archive(app: Sphinx) -> bytes:
    """The archive of actlab that the pages load."""
    root = Path(app.srcdir)
    also: set[str] = set()
    for path in [*root.glob("notebooks/*.ipynb"), *root.glob("solutions/*.ipynb")]:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                also |= set(_imports(text_of(cell)))
    return pack.archive(packages(), browser(), sorted(also))


def _imports(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return
    yield from module_imports(tree, all_of_them=True)


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """Write the archive and the source of each exercise beside the scripts."""
    if exception is not None or app.builder.name not in BUILDERS:
        return
    folder = Path(app.outdir, "_static", "live")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "actlab.zip").write_bytes(archive(app))
    for path in sorted(Path(app.srcdir, "solutions").glob("*.ipynb")):
        if f"{EXERCISES}{path.stem}" in app.env.all_docs:
            text = json.dumps(chapter_as_dict(source.load(path)), ensure_ascii=False)
            (folder / f"{path.stem}.json").write_text(text, encoding="utf-8")


def take_address(app: Sphinx, config: Config) -> None:
    """Let the environment say where Pyodide is."""
    address = os.environ.get("ACTLAB_PYODIDE_URL", "").strip()
    if address:
        config.live_pyodide_url = address
    if "://" in config.live_pyodide_url and not config.live_pyodide_url.endswith("/"):
        config.live_pyodide_url += "/"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the nodes and connect the handlers."""
    version = json.loads(PINS.read_text(encoding="utf-8"))["version"]
    app.add_config_value(
        "live_pyodide_url", f"https://cdn.jsdelivr.net/pyodide/v{version}/full/", "html"
    )
    skipped = (skip, None)
    for node, visit in ((live_bar, visit_bar), (live_progress, visit_progress)):
        # Not for "epub": that would keep the other extensions' html visitors from it.
        app.add_node(node, html=(visit, None), latex=skipped, text=skipped, man=skipped)
    app.connect("config-inited", take_address)
    app.connect("source-read", fold_hints)
    app.connect("doctree-read", add_bars)
    app.connect("html-page-context", describe_page)
    app.connect("build-finished", write_files)
    # Pages that an older version has looked at are looked at again.
    files = [
        Path(__file__),
        PINS,
        Path(livecost.__file__),
        *sorted((ROOT / "bookbuild" / "live").glob("*.py")),
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).digest()
    return {
        "version": "1",
        "env_version": 1 + int.from_bytes(digest[:3], "big"),
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
