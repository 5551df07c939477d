"""Run the chapters that Sphinx is about to run, several at a time, before it starts.

Sphinx reads one page after another, and Jupyter Book runs a notebook when its page is read and the
cache does not have its outputs. Before the first page is read, this extension runs those notebooks
side by side and puts what they print into the same cache, under the same key; Jupyter Book then
finds it there. A chapter that fails is left to Jupyter Book, which says so in its own words.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

from bookbuild.ext.freshness import FOLDER, with_digest

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

#: A kernel with PyTorch takes about half a gigabyte.
MOST = 4


def executed(text: str, folder: str, timeout: int) -> tuple[str, float] | None:
    """Run a notebook as Jupyter Book does; called in a process of its own.

    Args:
        text: the notebook as Jupyter Book reads it.
        folder: where its kernel works.
        timeout: seconds that a cell may take.

    Returns:
        The notebook with its outputs and the seconds it took, or None where a cell failed.
    """
    import nbformat
    from jupyter_cache.executors.utils import single_nb_execution
    from traitlets.config import Config

    from actgrade.kernels import transport

    # As when a chapter's stored outputs were made; and kernels side by side do not fight for cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    result = single_nb_execution(
        nbformat.reads(text, as_version=4),
        cwd=folder,
        timeout=timeout,
        allow_errors=False,
        config=Config({"KernelManager": transport()}),
    )
    return None if result.err is not None else (nbformat.writes(result.nb), result.time)


def missing(app: Sphinx, docnames: list[str], cache: Any) -> dict[str, str]:
    """The chapters to be read whose outputs the cache does not have: page name to text."""
    import nbformat

    found = {}
    for docname in docnames:
        if docname.startswith(FOLDER):
            path = Path(app.srcdir) / f"{docname}.ipynb"
            text, _ = with_digest(Path(app.srcdir), docname, path.read_text(encoding="utf-8"))
            try:
                cache.match_cache_notebook(nbformat.reads(text, as_version=4))
            except KeyError:
                found[docname] = text
            except Exception:  # no notebook: Jupyter Book will say what is wrong with it
                continue
    return found


def run_ahead(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Fill the cache; one chapter alone gains nothing and is left to Jupyter Book."""
    settings = getattr(env, "mystnb_config", None) or app.env.mystnb_config
    if settings.execution_mode != "cache":
        return
    import nbformat
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    cache = get_cache(settings.execution_cache_path)
    waiting = missing(app, docnames, cache)
    workers = min(len(waiting), os.cpu_count() or 1, MOST)
    if workers < 2:
        return
    logger.info("running %d chapters, %d at a time", len(waiting), workers)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        jobs = {
            pool.submit(
                executed, text, str(Path(app.srcdir) / FOLDER), settings.execution_timeout
            ): docname
            for docname, text in waiting.items()
        }
        for job in as_completed(jobs):
            docname = jobs[job]
            try:
                result = job.result()
            except Exception as error:  # a worker that died; the chapter is run again below
                logger.info("%s did not run ahead: %s", docname, error)
                continue
            if result is None:
                continue
            text, seconds = result
            uri = str(Path(app.srcdir) / f"{docname}.ipynb")
            bundle = CacheBundleIn(
                nbformat.reads(text, as_version=4), uri, data={"execution_seconds": seconds}
            )
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            logger.info("%s ran in %.0f s", docname, seconds)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the handler."""
    app.connect("env-before-read-docs", run_ahead)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
