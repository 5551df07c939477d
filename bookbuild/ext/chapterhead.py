"""The head of a chapter, from the list of chapters, and the way from chapter to chapter.

Nothing of it is in the notebook: its number goes before the title; a line below says how long the
chapter takes, and which chapters it needs and unlocks, with links to those that are written. The
page before and after a chapter is a chapter, not an exercise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

from bookbuild.chapters import BY_NAME, CHAPTERS, Chapter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

FOLDER = "notebooks/"
BESIDE = ("exercises/", "solutions/")


def chapter_of(docname: str) -> Chapter | None:
    """The chapter whose notebook a page shows."""
    return BY_NAME.get(docname.removeprefix(FOLDER)) if docname.startswith(FOLDER) else None


def add_head(app: Sphinx, doctree: nodes.document) -> None:
    """Put the number before a chapter's title, and the line below it."""
    docname = app.env.docname
    chapter = chapter_of(docname)
    title = next(iter(doctree.findall(nodes.title)), None)
    if chapter is None or title is None:
        return
    title.insert(0, nodes.inline("", f"{chapter.number}. ", classes=["chapter-number"]))
    line = nodes.paragraph("", f"About {chapter.minutes} minutes.")
    for word, names in (("Needs", chapter.needs), ("Unlocks", chapter.unlocks)):
        if names:
            line += nodes.Text(f" {word} ")
            line += _links((BY_NAME[name] for name in names), app.env, docname)
    head = nodes.container("", line, classes=["chapter-head"])
    title.parent.insert(title.parent.index(title) + 1, head)


def _links(chapters: Iterable[Chapter], env: BuildEnvironment, docname: str) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    for chapter in chapters:
        found.append(nodes.Text(", ") if found else nodes.Text(""))
        name = chapter.label.replace(". ", ".\u00a0")  # the number stays with its title
        if f"{FOLDER}{chapter.name}" in env.found_docs:
            link = addnodes.pending_xref(
                "",
                nodes.inline("", name),
                refdomain="std",
                reftype="doc",
                refdoc=docname,
                reftarget=f"/{FOLDER}{chapter.name}",
                refexplicit=True,
                refwarn=True,
            )
            found.append(link)
        else:
            found.append(nodes.Text(f"{name} "))
            found.append(nodes.emphasis("", "(planned)", classes=["planned"]))
    found.append(nodes.Text("."))
    return found


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The chapters whose heads name one that has come or gone."""
    moved = {chapter.name for chapter in map(chapter_of, added | removed) if chapter}
    return [
        f"{FOLDER}{chapter.name}"
        for chapter in CHAPTERS
        if moved & {*chapter.needs, *chapter.unlocks} and f"{FOLDER}{chapter.name}" in env.all_docs
    ]


def skip_exercises(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Let previous and next lead past exercises and solutions, except between these."""
    if doctree is None or app.builder.format != "html" or pagename.startswith(BESIDE):
        return
    pages = [page for page in _in_order(app.env) if not page.startswith(BESIDE)]
    if pagename not in pages:
        return
    at = pages.index(pagename)
    beside = {"prev": pages[at - 1] if at else None, "next": [*pages, None][at + 1]}
    for way, page in beside.items():
        link = page and {
            "link": app.builder.get_relative_uri(pagename, page),
            "title": app.builder.render_partial(app.env.titles[page])["title"],
        }
        context[way] = link or None


def _in_order(env: BuildEnvironment) -> list[str]:
    """All pages, in the order of the table of contents."""
    order: list[str] = []

    def walk(page: str) -> None:
        if page not in order:
            order.append(page)
            for child in env.toctree_includes.get(page, []):
                walk(child)

    walk(env.config.root_doc)
    return order


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the handlers."""
    app.connect("doctree-read", add_head, priority=450)
    app.connect("env-get-outdated", outdated)
    app.connect("html-page-context", skip_exercises)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
