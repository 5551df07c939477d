"""Chapters and exercises that run in the reader's browser, without PyTorch and without a server.

While the book is built: :mod:`browser` finds what can be imported there, :mod:`cells` which cells
can run and which earlier ones they need, :mod:`pack` makes the archive that the page loads. In the
page, in Pyodide: :mod:`page` is what the worker's JavaScript calls, :mod:`interpreter` runs code
statement by statement, :mod:`page_session` runs the cells of a chapter, :mod:`judge` an answer,
with the grader's own comparison and reasons. The JavaScript is in ``book/web/live``.

Nothing here needs a browser: the tests run all of it in plain Python.
"""
