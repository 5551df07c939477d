"""Benchmarks that can be believed: count bytes, predict, measure against a copy, record.

>>> from actlab import bench
>>> print(f"{bench.predicted_ratio('relu2', 'backward'):.2f}")
3.33

Importing this package loads neither torch nor matplotlib; what needs them loads them.

=====================  ==========================================================================
:mod:`.byte_model`     counts the bytes of the operations that PyTorch dispatches
:mod:`.cases`          the ways in which each function is computed
:mod:`.correctness`    checks results against float64 before anything is timed
:mod:`.memory`         free memory, caches, page faults; :mod:`.errors`: what an exception says
:mod:`.protocol`       the clocks and the round-robin
:mod:`.plan`           what to measure; :mod:`.runner` turns it into rows with :mod:`.calls`
:mod:`.records`        rows and files; :mod:`.comparison`: what may be claimed from them
:mod:`.report`         text; :mod:`.chapter`: the figure and the short run of a chapter
:mod:`.provenance`     device, versions, commit
:mod:`.command`        ``actlab bench``
=====================  ==========================================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actlab.bench.byte_model import ByteCounter, Traffic, count, predict_seconds
    from actlab.bench.cases import all_cases, case
    from actlab.bench.chapter import chapter_benchmark, figure, gpu_benchmark
    from actlab.bench.comparison import claims, disagreements, run_to_run
    from actlab.bench.model import predicted_ratio, traffic
    from actlab.bench.plan import Plan, numpy_function
    from actlab.bench.records import (
        Record,
        RecordError,
        Row,
        latest,
        load,
        no_record_message,
        save,
    )
    from actlab.bench.report import caption, ceilings, headline, prediction, summary, table
    from actlab.bench.runner import Runner

_HOME = {
    "byte_model": ("ByteCounter", "Traffic", "count", "predict_seconds"),
    "cases": ("all_cases", "case"),
    "chapter": ("chapter_benchmark", "figure", "gpu_benchmark"),
    "comparison": ("claims", "disagreements", "run_to_run"),
    "model": ("predicted_ratio", "traffic"),
    "records": (*("Record", "RecordError", "Row", "latest", "load", "no_record_message", "save"),),
    "report": ("caption", "ceilings", "headline", "prediction", "summary", "table"),
    "plan": ("Plan", "numpy_function"),
    "runner": ("Runner",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "ByteCounter",
    "Plan",
    "Record",
    "RecordError",
    "Row",
    "Runner",
    "Traffic",
    "all_cases",
    "caption",
    "case",
    "ceilings",
    "chapter_benchmark",
    "claims",
    "count",
    "disagreements",
    "figure",
    "gpu_benchmark",
    "headline",
    "latest",
    "load",
    "no_record_message",
    "numpy_function",
    "predict_seconds",
    "predicted_ratio",
    "prediction",
    "run_to_run",
    "save",
    "summary",
    "table",
    "traffic",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'actlab.bench' has no attribute {name!r}")
    return getattr(importlib.import_module(f"actlab.bench.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
