"""Where do the inputs of GELU lie in a released sentence model?

The packaged MiniLM (see actlab.minilm) embeds every eighth question of the retrieval set, 200 in
all. For each of its six blocks the preactivations of all tokens are counted in bins of 0.05; a row
is a bin that is not empty, with its left edge and its count. The chapter turns these into outputs,
ranges, steps and the share of the valley. Needs the packaged model; about 5 seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import experiment, minilm

EVERY, BIN = 8, 0.05


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    if reason := minilm.missing():
        sys.exit(f"14_layers: {reason}")
    texts = minilm.retrieval().questions[::EVERY][: 4 if options.quick else None]
    counts: list[dict[int, int]] = [{} for _ in range(minilm.LAYERS)]
    ends = [[0.0, 0.0] for _ in counts]

    def watch(block: int) -> Callable[[Tensor], Tensor]:
        def act(x: Tensor) -> Tensor:
            real = x[kept[0]]  # no padding
            bins, numbers = torch.floor(real / BIN).int().unique(return_counts=True)
            for at, number in zip(bins.tolist(), numbers.tolist(), strict=True):
                counts[block][at] = counts[block].get(at, 0) + number
            ends[block] = [
                min(ends[block][0], real.min().item()),
                max(ends[block][1], real.max().item()),
            ]
            return F.gelu(x)

        return act

    kept: list[Tensor] = []
    with experiment.Record(options, ["block"], {"texts": len(texts), "bin": BIN}) as record:
        if (
            blocks := list(record.todo([{"block": block} for block in range(minilm.LAYERS)]))
        ) == []:
            return
        model = minilm.load()
        with torch.no_grad():
            for start in range(0, len(texts), 32):
                ids, mask = model.tokens(texts[start : start + 32])
                kept[:] = [mask]
                model.states(ids, mask, [watch(block) for block in range(minilm.LAYERS)])
        for unit in blocks:
            block = int(unit["block"])
            record.add(
                {
                    "block": block,
                    "left": f"{at * BIN:.2f}",
                    "count": number,
                    "least": f"{ends[block][0]:.4f}",
                    "largest": f"{ends[block][1]:.4f}",
                }
                for at, number in sorted(counts[block].items())
            )


if __name__ == "__main__":
    main()
