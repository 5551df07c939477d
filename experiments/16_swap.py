"""What does another activation in a reranker change, beside another seed?

Heads 9-32-1 over frozen sentence embeddings (actlab.reranker): 800 questions to train, 200 to
validate, 600 to test. Four arms (no activation, ReLU, GELU, SiLU). Six seeds of their own choose
each arm's learning rate of four by the reciprocal rank on the validation questions after 300
steps; 20 other seeds then train at that rate and are looked at after 100, 300 and 1000 steps.

A row holds for one seed the mean reciprocal rank on the validation questions, and the places of the
600 right documents, ties counted against them, 51 where the cosine did not fetch it. After 300
steps heads of ReLU and GELU are also changed without training: to the other function, GELU to its
tanh form, and both to 8 bits.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch.nn import functional as F

from actlab import experiment, reranker

ARMS = {
    "identity": lambda x: x,
    "relu": torch.relu,
    "gelu": F.gelu,
    "silu": F.silu,
}
RATES = (0.0001, 0.0003, 0.001, 0.003)
STEPS = (100, 300, 1000)
CHOSEN = 300  # steps after which the rate is chosen and heads are swapped
TUNING = range(900, 906)
SEEDS = range(20)
BLOCK = 10  # seeds that train together


def gelu_tanh(x: torch.Tensor) -> torch.Tensor:
    """GELU's tanh form."""
    return F.gelu(x, approximate="tanh")


SWAPS = {"relu": {"gelu": F.gelu}, "gelu": {"relu": torch.relu, "gelu_tanh": gelu_tanh}}


def train(task: reranker.Task, arm: str, rate: float, seeds: range, steps: tuple[int, ...]) -> list:
    """Rows of one arm at one rate."""
    heads = reranker.build(ARMS[arm], seeds)
    found: list[dict] = []

    @torch.no_grad()
    def measure(heads: reranker.Stack) -> None:
        stop = steps[len({row["steps"] for row in found})]
        valid = reranker.places(reranker.scores(heads, task.validation), task.validation)
        mrr = (1 / valid).mean(-1).round(5)

        def add(variant: str, places: np.ndarray) -> None:
            unit = {"arm": arm, "rate": rate, "steps": stop, "variant": variant}
            found.extend(
                {**unit, "seed": seed, "validation": score, "places": " ".join(map(str, own))}
                for seed, score, own in zip(seeds, mrr, places, strict=True)
            )

        add("", reranker.places(reranker.scores(heads, task.test), task.test))
        if stop != min(CHOSEN, steps[-1]) or arm not in SWAPS:
            return
        for name, function in SWAPS[arm].items():
            swapped = reranker.Stack(heads.weights, heads.biases, function)
            add(name, reranker.places(reranker.scores(swapped, task.test), task.test))
        eight = [
            reranker.quantised(heads, seed, task.test, task.train) for seed in range(len(seeds))
        ]
        add("int8", reranker.places(np.stack(eight), task.test))

    reranker.fit(heads, task.train, seeds, steps, rate, measure)
    return found


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, metavar="N", help="stop after so many units of work")
    options = experiment.options(__file__, __doc__, argv, parser)
    quick = options.quick
    tuning, seeds = (TUNING[:2], SEEDS[:2]) if quick else (TUNING, SEEDS)
    steps, chosen = ((2, 4), 4) if quick else (STEPS, CHOSEN)
    settings = {"tuning": len(tuning), "seeds": len(seeds), "steps": list(steps)}
    task = reranker.task()
    done = 0

    def todo(record: experiment.Record, units: Iterable[dict]) -> Iterator[dict]:
        nonlocal done
        for unit in record.todo(units):
            if done == options.units:
                raise SystemExit(f"16_swap: stopped after {done} units; run it again to go on")
            yield unit
            done += 1

    with experiment.Record(options, ["arm", "phase", "rate", "block"], settings) as record:

        def run(unit: dict, seeds: range, steps: tuple[int, ...]) -> None:
            found = train(task, unit["arm"], unit["rate"], seeds, steps)
            record.add({**row, "phase": unit["phase"], "block": unit["block"]} for row in found)

        tried = itertools.product(ARMS, RATES)
        units = [{"arm": a, "phase": "tuning", "rate": r, "block": 0} for a, r in tried]
        for unit in todo(record, units):
            run(unit, tuning, (chosen,))
        scores: dict[tuple[str, float], list[float]] = {}
        for row in record.rows():
            if row["phase"] == "tuning" and not row["variant"]:
                at = row["arm"], float(row["rate"])
                scores.setdefault(at, []).append(float(row["validation"]))
        for block in range(0, len(seeds), BLOCK):
            units = [
                {
                    "arm": arm,
                    "phase": "main",
                    "rate": max(RATES, key=lambda rate, arm=arm: np.mean(scores[arm, rate])),
                    "block": block,
                }
                for arm in ARMS
            ]
            for unit in todo(record, units):
                run(unit, seeds[block : block + BLOCK], steps)


if __name__ == "__main__":
    main()
