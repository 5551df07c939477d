"""The public addresses of the book, in one place, and everything that follows from them.

No page invents an address. There are four settings, all empty until somebody publishes the book:

==================  ===============  ============================================================
setting             environment      what it is
==================  ===============  ============================================================
``book_repository`` BOOK_REPOSITORY  the repository, ``https://github.com/OWNER/NAME``
``book_branch``     BOOK_BRANCH      the branch that readers edit and run; ``main`` where empty
``html_baseurl``    BOOK_URL         where the built pages are served
``book_downloads``  BOOK_DOWNLOADS   folder beside them with the PDF, the EPUB and the zip
==================  ===============  ============================================================

The environment wins, because the place that publishes knows best (.github/workflows/course.yml).

With a repository, each page gets links to edit it and to report a mistake, and each notebook
buttons for Binder and, on GitHub, Colab. With a base address, pages get canonical links and
``sitemap.xml`` (and `socialcards` their pictures). Without, there is nothing of the kind.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from docutils import nodes
from sphinx.errors import ConfigError
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

FROM_ENVIRONMENT = {
    "book_repository": "BOOK_REPOSITORY",
    "book_branch": "BOOK_BRANCH",
    "html_baseurl": "BOOK_URL",
    "book_downloads": "BOOK_DOWNLOADS",
}
HOSTS = ("github", "gitlab")
COLAB = "https://colab.research.google.com"
BINDER = "https://mybinder.org"


def checked_repository(address: str) -> str:
    """The address of a repository without a slash or ``.git`` at its end.

    Raises:
        ConfigError: it is not an https address of the form HOST/OWNER/NAME on GitHub or GitLab.
    """
    plain = address.strip().rstrip("/").removesuffix(".git")
    parts = urlsplit(plain)
    names = [name for name in parts.path.split("/") if name]
    known = any(host in (parts.hostname or "") for host in HOSTS)
    if parts.scheme != "https" or not known or len(names) != 2:
        raise ConfigError(
            f"book_repository is {address!r}; write https://github.com/OWNER/NAME "
            "(or gitlab.com), or leave it empty"
        )
    return plain


def checked_base(address: str) -> str:
    """The address of the published pages, with a slash at its end.

    Raises:
        ConfigError: it is not an http or https address.
    """
    parts = urlsplit(address.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(
            f"html_baseurl is {address!r}; write https://… as readers see it, or leave it empty"
        )
    return address.strip().rstrip("/") + "/"


def theme_options(repository: str, branch: str) -> dict[str, Any]:
    """What the theme needs to show edit, issue and launch buttons."""
    launch = {"binderhub_url": BINDER, "notebook_interface": "jupyterlab"}
    if "github" in (urlsplit(repository).hostname or ""):
        launch["colab_url"] = COLAB  # Colab opens files of GitHub only
    return {
        "repository_url": repository,
        "repository_branch": branch,
        "use_repository_button": True,
        "use_edit_page_button": True,
        "use_issues_button": True,
        "launch_buttons": launch,
    }


def read_settings(app: Sphinx, config: Config) -> None:
    """Take the three addresses from the environment or the configuration, and check them."""
    for setting, variable in FROM_ENVIRONMENT.items():
        if value := os.environ.get(variable, "").strip():
            config[setting] = value
    if config.html_baseurl:
        config.html_baseurl = checked_base(config.html_baseurl)
    if config.book_repository:
        config.book_repository = checked_repository(config.book_repository)
        config.html_theme_options = {
            **config.html_theme_options,
            **theme_options(config.book_repository, config.book_branch or "main"),
        }


class RunElsewhere(SphinxDirective):
    """``{run-elsewhere}``: how the launch buttons work, where the book has some."""

    def run(self) -> list[nodes.Node]:
        """Write a paragraph on each service and, for Colab, the cell to run first."""
        repository = self.config.book_repository
        if not repository:
            return []
        found: list[nodes.Node] = [
            _paragraph(
                "The rocket on the page of a notebook opens it on another computer, "
                "where nothing you change is kept. Binder brings everything the course "
                "needs, and takes some minutes to start."
            )
        ]
        if "github" in (urlsplit(repository).hostname or ""):
            name = repository.rsplit("/", 1)[1]
            first_cell = (
                f"!git clone --depth 1 {repository}\n%cd {name}/notebooks\n%pip install -q -e .."
            )
            found += [
                _paragraph("Colab starts at once, and needs one cell before the first:"),
                nodes.literal_block(first_cell, first_cell, language="text"),
            ]
        return found


class OtherForms(SphinxDirective):
    """``{other-forms}``: links to the book in one file, or the commands that write one."""

    def run(self) -> list[nodes.Node]:
        """Write one sentence."""
        folder = self.config.book_downloads.strip("/")
        if not folder:
            return [
                _paragraph(
                    "The whole book is also one file, for programs that read PDF or EPUB, or a "
                    "zip of these pages: make pdf, make epub and make zip write them to _build."
                )
            ]
        title = self.config.html_title
        stem = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
        up = "../" * self.env.docname.count("/")
        result = _paragraph("The whole book in one file: ")
        for form, after in (("pdf", ", "), ("epub", ", "), ("zip", " of these pages.")):
            address = f"{up}{folder}/{stem}.{form}"
            name = form.upper() if form != "zip" else form
            result += [nodes.reference("", name, refuri=address), nodes.Text(after)]
        return [result]


def _paragraph(text: str) -> nodes.paragraph:
    return nodes.paragraph("", "", nodes.Text(text))


def write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    """List the pages with their public addresses, or remove the list of an earlier build."""
    if exception is not None or app.builder.name != "html":
        return
    path = Path(app.outdir, "sitemap.xml")
    if not app.config.html_baseurl:
        path.unlink(missing_ok=True)
        return
    lines = (
        f"  <url><loc>{escape(app.config.html_baseurl + app.builder.get_target_uri(page))}"
        "</loc></url>\n"
        for page in sorted(app.env.found_docs)
    )
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{''.join(lines)}</urlset>\n",
        encoding="utf-8",
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the settings and what follows from them."""
    app.add_config_value("book_repository", "", "env", types=[str])
    app.add_config_value("book_branch", "", "html", types=[str])
    app.add_config_value("book_downloads", "", "env", types=[str])
    app.add_directive("other-forms", OtherForms)
    app.add_directive("run-elsewhere", RunElsewhere)
    app.connect("config-inited", read_settings)
    app.connect("build-finished", write_sitemap)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
