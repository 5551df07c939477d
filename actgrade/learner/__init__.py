"""The learner's loop: where you stand, verdicts on save, hints, a way back, and the solution.

:mod:`state` keeps what is known between runs, :mod:`source_cache` reads sources quickly,
:mod:`standing` compares the notebook on disk with the last grading, :mod:`regrade` grades single
questions with a warm grader, :mod:`watch` does so on every save. The commands of
:mod:`actgrade.commands` stand on these. No verdict and no reason is made here: they come from the
grader.
"""
