"""What may be claimed from a record, and whether two records contradict each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from actlab.bench.records import Record, Row

# Two runs differ by more than the samples of one run do: buffers land elsewhere, the clock settles
# elsewhere, a neighbour on the same core slows arithmetic but not memory. A run of two passes
# measures that; a run of one pass has to assume the first number. The second is the least used.
ASSUMED_RUN_TO_RUN = {"cpu": 0.25, "cuda": 0.03}
LEAST_RUN_TO_RUN = {"cpu": 0.05, "cuda": 0.01}
_SHARE = 0.95


@dataclass(frozen=True)
class Claim:
    """One implementation is faster than another by a ratio that the noise does not explain.

    Attributes:
        group: function, mode, dtype, elements.
        faster, slower: implementations; "copy" stands for the same-size copy.
        ratio: time of the slower over time of the faster.
        low, high: bounds that the bounds of another run of the same code should overlap.
    """

    group: tuple
    faster: str
    slower: str
    ratio: float
    low: float
    high: float


def run_to_run(record: Record) -> float:
    """How far two measurements of one ratio lie apart when they are made minutes apart.

    It is the difference that 95 % of the rows stay below between the two passes of the run. A run
    of one pass knows nothing about it and gets a cautious number for its kind of device.
    """
    differences = sorted(
        row.pass_difference
        for row in record.rows
        if row.pass_difference is not None and row.implementation != "copy"
    )
    if not differences:
        return ASSUMED_RUN_TO_RUN[record.kind]
    place = math.ceil(_SHARE * len(differences)) - 1
    return max(differences[place], LEAST_RUN_TO_RUN[record.kind])


class Doubt:
    """Relative differences below which nothing is claimed, for the rows of one record."""

    def __init__(self, record: Record) -> None:
        self.everywhere = run_to_run(record)
        self.copies = {row.group: row for row in record.rows if row.implementation == "copy"}

    def __call__(self, row: Row) -> float:
        """The largest of what separates two runs, what this row's own passes differ by, and twice
        the spread of its samples and of its copy's.
        """
        spreads = [each.spread for each in (row, self.copies.get(row.group, row))]
        spread = max((value for value in spreads if value is not None), default=math.inf)
        return max(self.everywhere, 2 * spread, row.pass_difference or 0.0)


Times = dict[tuple, dict[str, tuple[float, float]]]


def _times(record: Record) -> Times:
    """group -> implementation -> (median time, doubt), the copy included."""
    doubt = Doubt(record)
    found: Times = {}
    for row in record.rows:
        if row.status == "ok" and row.p50_us:
            found.setdefault(row.group, {})[row.implementation] = (row.p50_us, doubt(row))
    return found


def _pairs(times: Times) -> Iterator[Claim]:
    """Every pair of a group, the faster first, with its ratio and bounds."""
    for group, measured in times.items():
        ordered = sorted(measured.items(), key=lambda item: item[1][0])
        for index, (fast, (fast_time, fast_doubt)) in enumerate(ordered):
            for slow, (slow_time, slow_doubt) in ordered[index + 1 :]:
                ratio, doubt = slow_time / fast_time, 1 + max(fast_doubt, slow_doubt)
                yield Claim(group, fast, slow, ratio, ratio / doubt, ratio * doubt)


def claims(record: Record) -> list[Claim]:
    """Every ordering that a record supports; none at all if its copies disagree."""
    if record.unsteady:
        return []
    return [pair for pair in _pairs(_times(record)) if pair.low > 1]


def disagreements(first: Record, second: Record) -> list[str]:
    """One sentence for each ratio that one record claims and the other contradicts.

    A claim is contradicted when its bounds and the bounds of the same ratio in the other record do
    not overlap. What only one of the records measured is not compared, nor is a record whose copies
    disagree.
    """
    if first.unsteady or second.unsteady:
        return []
    found: dict[tuple, str] = {}
    for one, other in ((first, second), (second, first)):
        times = _times(other)
        for claim in claims(one):
            measured = times.get(claim.group, {})
            if claim.faster not in measured or claim.slower not in measured:
                continue
            (fast, fast_doubt), (slow, slow_doubt) = measured[claim.faster], measured[claim.slower]
            ratio, doubt = slow / fast, 1 + max(fast_doubt, slow_doubt)
            if ratio * doubt < claim.low or ratio / doubt > claim.high:
                key = (claim.group, frozenset((claim.faster, claim.slower)))
                found.setdefault(key, _contradiction(claim, ratio))
    return list(found.values())


def _contradiction(claim: Claim, other: float) -> str:
    function, mode, dtype, elements = claim.group
    return (
        f"{function} {mode} {dtype} at {elements:,}: {claim.slower} over {claim.faster} is "
        f"{claim.ratio:.2f} ({claim.low:.2f} to {claim.high:.2f}) in one run and {other:.2f} in "
        "the other."
    )
