"""Was it worth it? Two runs of a system on the same rows, compared row by row, and a gate.

A *run* (:mod:`~actlab.evaluation.runs`) is what one version of a system answered to a fixed set of
rows: row ids, cohorts, scores of candidates, relevant candidates, and a version that is a hash of
weights and activation. :mod:`~actlab.evaluation.metrics` has the metrics with ties broken both
ways, :mod:`~actlab.evaluation.compare` the rows that were fixed and broken with their exact tests,
:mod:`~actlab.evaluation.gate` the decision, :mod:`~actlab.evaluation.report` what is written down,
and :mod:`~actlab.evaluation.latency` the times of requests.
``actlab gate BEFORE AFTER`` does all of it (:mod:`~actlab.evaluation.command`).

Whose code: NDCG is scikit-learn's, the exact binomial test SciPy's, Holm's correction that of
:mod:`actlab.comparison`. Recall and reciprocal rank are a line each and written here, because no
library reports them with ties broken for *and* against the system: trec_eval and what builds on it
(ranx, ir-measures) break a tie by the name of the document, scikit-learn's ``top_k_accuracy_score``
by its position, and both would hide what a ReLU on a score does.
"""

from actlab.evaluation.compare import Change, compare
from actlab.evaluation.gate import Finding, Policy, Verdict, decide
from actlab.evaluation.latency import latencies
from actlab.evaluation.runs import Row, Run, RunError, load, save, version

__all__ = [
    "Change",
    "Finding",
    "Policy",
    "Row",
    "Run",
    "RunError",
    "Verdict",
    "compare",
    "decide",
    "latencies",
    "load",
    "save",
    "version",
]
