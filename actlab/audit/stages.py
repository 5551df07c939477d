"""The steps of an audit, each a function of the state in the child process.

A step returns plain data. :data:`STAGES` says which there are, in order; the parent asks for one
after the other (:mod:`actlab.audit.worker`), and each can fail without the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from actlab.audit import accuracy, cancellation, contract, cost, curve, signal, trial
from actlab.audit.reference import Reference, choose, kinks_of, recognise
from actlab.audit.subject import Subject, SubjectError, imported, load
from actlab.audit.target import Target
from actlab.properties import Floats

Progress = Callable[[str], None]


@dataclass
class State:
    """What the steps share, made when it is first asked for.

    Attributes:
        target: what is audited.
        quick: whether ten seconds have to do.
        progress: tells the parent what is going on.
    """

    target: Target
    quick: bool
    progress: Progress

    @cached_property
    def subject(self) -> Subject:
        return load(self.target)

    @cached_property
    def reference(self) -> Reference:
        return choose(self.subject)

    @cached_property
    def kinks(self) -> tuple[float, ...]:
        return kinks_of(self.reference)

    @property
    def effort(self) -> accuracy.Effort:
        return accuracy.QUICK if self.quick else accuracy.FULL


def bring(state: State, options: dict[str, Any]) -> dict[str, Any]:
    """Import the module of a callable, which may take long, and call nothing."""
    for name in (state.target.name, state.target.derivative):
        if state.target.kind == "callable" and name:
            imported(name)
    return {}


def probe(state: State, options: dict[str, Any]) -> dict[str, Any]:
    """Call the function once in each format: what hangs, hangs here."""
    subject = state.subject
    x = np.linspace(-3, 3, 301)
    works: dict[str, str | None] = {}
    codes: dict[str, str] = {}
    for dtype in subject.dtypes:
        try:
            subject.value(x, dtype)
            works[dtype] = None
        except SubjectError as error:
            works[dtype], codes[dtype] = str(error), error.code
    if subject.differentiable:
        try:
            subject.slope(x, "float32")
        except SubjectError as error:
            works["gradient"], codes["gradient"] = str(error), error.code
            subject.without_gradient = error.code == "no-gradient"
    return {
        "framework": subject.framework,
        "what": subject.what,
        "differentiable": subject.differentiable,
        "dtypes": list(subject.dtypes),
        "raises": {name: why for name, why in works.items() if why is not None},
        "codes": codes,
    }


def identify(state: State, options: dict[str, Any]) -> dict[str, Any]:
    """Choose the reference."""
    found: dict[str, Any] = {
        "kind": state.reference.kind,
        "name": state.reference.name,
        "what": state.reference.what,
        "nearly": None,
    }
    if state.target.kind == "callable" and state.reference.kind == "own":
        _, nearly, distance = recognise(state.subject)
        if nearly:
            found["nearly"] = {"name": nearly, "largest_difference": distance}
    return found


def check_contract(state: State, options: dict[str, Any]) -> dict[str, Any]:
    return contract.measure(state.subject, state.reference, state.kinks)


def measure_curve(state: State, options: dict[str, Any]) -> dict[str, Any]:
    return curve.measure(state.reference, state.kinks)


def find_regions(state: State, options: dict[str, Any]) -> dict[str, Any]:
    return curve.all_regions(state.subject)


def measure_accuracy(state: State, options: dict[str, Any]) -> dict[str, Any]:
    """The accuracy of value and derivative in every format that works."""
    found: dict[str, Any] = {}
    for dtype in state.subject.dtypes:
        found[dtype] = {}
        for which in ("value", "derivative"):
            if which == "derivative" and not state.subject.differentiable:
                continue
            state.progress(f"accuracy of the {which} in {dtype}")
            try:
                found[dtype][which] = accuracy.measure(
                    state.subject, state.reference, state.kinks, dtype,
                    derivative=which == "derivative", effort=state.effort,
                )  # fmt: skip
            except SubjectError as error:
                found[dtype][which] = {"failed": str(error)}
    return found


def estimate_exhaustive(state: State, options: dict[str, Any]) -> dict[str, Any]:
    """Seconds that every float32 will take."""
    seconds = 0.0
    for derivative in [False, True] if state.subject.differentiable else [False]:
        bench = accuracy.Bench(
            state.subject, state.reference, state.kinks, derivative, Floats.of("float32")
        )
        seconds += accuracy.estimate(bench)
    return {"seconds": seconds}


def exhaust(state: State, options: dict[str, Any]) -> dict[str, Any]:
    """The accuracy at every float32."""
    found = {}
    for which in ("value", "derivative") if state.subject.differentiable else ("value",):
        found[which] = accuracy.exhaustive(
            state.subject, state.reference, state.kinks,
            derivative=which == "derivative", progress=state.progress,
        )  # fmt: skip
    return found


def measure_signal(state: State, options: dict[str, Any]) -> dict[str, Any]:
    bends = tuple(options.get("bends", ()))
    return signal.measure(state.reference, state.kinks, bends)


def name_causes(state: State, options: dict[str, Any]) -> dict[str, Any]:
    return cancellation.measure(state.subject, state.reference, state.kinks, quick=state.quick)


def count_cost(state: State, options: dict[str, Any]) -> dict[str, Any]:
    _know_whether_it_changes(state)
    return cost.count(state.subject)


def clock_cost(state: State, options: dict[str, Any]) -> dict[str, Any]:
    _know_whether_it_changes(state)
    return cost.clock(state.subject, quick=state.quick)


def _know_whether_it_changes(state: State) -> None:
    """In a child that was started again, the contract has not been checked."""
    handle = contract.Handle(state.subject)
    try:
        untouched, _ = contract._leaves_input(handle, np.linspace(-2, 2, contract.SIZE))
        state.subject.changes_input = not untouched
    except SubjectError:
        pass


def train(state: State, options: dict[str, Any]) -> dict[str, Any]:
    """The comparison on MNIST-1D; arms of rivals that are known already are taken as they are."""
    from actlab.modules import torch_equivalent

    _know_whether_it_changes(state)
    rivals = dict(options.get("rivals", {}))
    for name in trial.RIVALS:
        if name not in rivals:
            state.progress(f"MNIST-1D: {name}")
            rivals[name] = trial.arm(torch_equivalent(name), state.progress)
    same = state.target.kind == "catalogue" and state.target.name in rivals
    same = same and state.subject.framework == "torch"
    own = (
        rivals[state.target.name]
        if same
        else trial.arm(state.subject.tensor_function(), state.progress)
    )
    others = {n: a for n, a in rivals.items() if not (same and n == state.target.name)}
    return {**trial.compare(own, others), "arms": rivals}


#: The function of each step of :data:`actlab.audit.stagenames.DOING`.
STAGES: dict[str, Callable[[State, dict[str, Any]], dict[str, Any]]] = {
    "load": bring,
    "probe": probe,
    "reference": identify,
    "contract": check_contract,
    "curve": measure_curve,
    "regions": find_regions,
    "accuracy": measure_accuracy,
    "estimate": estimate_exhaustive,
    "exhaustive": exhaust,
    "signal": measure_signal,
    "cancellation": name_causes,
    "cost": count_cost,
    "clock": clock_cost,
    "trial": train,
}
