"""One audit from end to end: the steps in order, what each may take, and the report they make."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from actlab.audit.findings import Finding, collect
from actlab.audit.stagenames import DOING
from actlab.audit.target import Target
from actlab.audit.worker import StageError, Worker

SCHEMA = "actlab-audit"
SCHEMA_VERSION = 1

#: Seconds that a step may take: of importing, of the first call, of the others.
IMPORT_SECONDS = 60.0
STEP_SECONDS = 300.0
QUICK_STEP_SECONDS = 180.0

Progress = Callable[[str], None]


@dataclass
class Settings:
    """How thorough an audit is.

    Attributes:
        quick: ten seconds instead of two minutes.
        seconds: what the first call of the function may take.
        exhaustive: every float32, which takes hours.
        trial: whether networks are trained.
        clock: whether it is timed.
        skip: further steps to leave out.
    """

    quick: bool = False
    seconds: float = 10.0
    exhaustive: bool = False
    trial: bool = True
    clock: bool = True
    skip: tuple[str, ...] = ()


@dataclass
class Audit:
    """The steps of one audit as they are done.

    Attributes:
        report: plain data, without findings until :meth:`run` is through.
        rivals: trained arms of ReLU and GELU, which several audits share.
    """

    target: Target
    settings: Settings
    progress: Progress = lambda text: None
    confirm: Callable[[float], None] = lambda seconds: None
    rivals: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Do everything; returns the report.

        Raises:
            TargetError: what was named cannot be imported.
        """
        settings = self.settings
        self.report = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "target": {
                "given": self.target.given,
                "kind": self.target.kind,
                "name": self.target.name,
                "derivative": self.target.derivative,
            },
            "settings": {
                "quick": settings.quick,
                "exhaustive": settings.exhaustive,
                "trial": settings.trial and not settings.quick,
                "first_call_seconds": settings.seconds,
            },
            "failures": [],
            "timings": {"seconds": {}, "cpu_seconds": {}, "clock": None, "made_with": _versions()},
        }
        worker = Worker(self.target, quick=settings.quick)
        try:
            self._steps(worker)
        finally:
            worker.close()
        # What the function does is judged as it will be read: as JSON.
        self.report = plain(self.report)
        self.findings = collect(self.report)
        self.report["findings"] = [finding.plain() for finding in self.findings]
        return self.report

    def _steps(self, worker: Worker) -> None:
        settings, report = self.settings, self.report
        self._step(worker, "load", IMPORT_SECONDS)
        if report["failures"]:
            return
        probe = self._step(worker, "probe", settings.seconds)
        if probe is None or "float32" in probe["raises"]:
            return  # nothing that could be measured
        for stage in ("reference", "contract", "curve", "regions", "accuracy"):
            self._step(worker, stage)
        if settings.exhaustive:
            estimate = self._step(worker, "estimate")
            if estimate is not None:
                self.confirm(estimate["seconds"])
                self._step(worker, "exhaustive", max(3600.0, 5 * estimate["seconds"]))
            report.pop("estimate", None)
        curve = report.get("curve") or {}
        self._step(worker, "signal", options={"bends": curve.get("bends", ())})
        self._step(worker, "cancellation")
        # What raises or has no gradient cannot be trained or timed backwards.
        if probe["raises"].get("gradient"):
            return
        self._step(worker, "cost")
        if settings.clock:
            report["timings"]["clock"] = self._step(worker, "clock")
            report.pop("clock", None)
        if settings.trial and not settings.quick:
            trial = self._step(worker, "trial", options={"rivals": self.rivals})
            if trial is not None:
                self.rivals.update(trial.pop("arms"))

    def _step(
        self,
        worker: Worker,
        stage: str,
        seconds: float | None = None,
        options: dict[str, Any] | None = None,
    ) -> Any:
        if stage in self.settings.skip:
            return None
        self.progress(DOING[stage])
        if seconds is None:
            seconds = QUICK_STEP_SECONDS if self.settings.quick else STEP_SECONDS
        start, timings = time.perf_counter(), self.report["timings"]
        try:
            result = worker.ask(stage, seconds, options, self.progress)
            timings["cpu_seconds"][stage] = round(worker.cpu_seconds, 3)
        except StageError as error:
            failure = {"stage": stage, "doing": DOING[stage], "code": error.code}
            self.report["failures"].append(failure | {"message": str(error)})
            result = None
        timings["seconds"][stage] = round(time.perf_counter() - start, 3)
        if stage != "load":
            self.report[stage] = result
        return result


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("actlab", "numpy", "scipy", "torch", "mpmath"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """As strict JSON can hold it: NaN and the infinities become the words nan, inf and -inf."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "item"):
        return plain(value.item())
    number = float(value)
    if math.isfinite(number):
        return number
    return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"


def deterministic(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report without what differs from run to run and from machine to machine."""
    return {key: value for key, value in report.items() if key != "timings"}
