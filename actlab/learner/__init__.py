"""The learner's loop: where you stand, verdicts on save, hints, a way back, and the solution.

:mod:`state` keeps what is known between runs, :mod:`chapters` reads sources quickly,
:mod:`standing` compares the notebook on disk with the last grading, :mod:`regrade` grades single
questions with a warm grader. The commands stand on these: :mod:`progress`, :mod:`watch`,
:mod:`hint`, :mod:`reset`, :mod:`solution`. No verdict and no reason is made here: they come from
:mod:`actlab.grading`.
"""
