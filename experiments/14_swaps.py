"""What happens to a released sentence model whose activation is swapped or rounded?

The packaged MiniLM (see actlab.minilm) has the exact GELU in its six blocks. Each variant embeds
the 1,600 questions of the retrieval set again, without any training, and looks for each question's
function among the 1,600 stored documents, which the original model embedded: the index stays, the
model moves. "relu, both sides" embeds the documents again as well. Variants:

- other functions: tanh and sigmoid form of GELU, SiLU, LeakyReLU 0.01, ReLU, ELU;
- the outputs of GELU on int8 grids, one for each block's tensor, or one for each of its 1,536
  channels; their ends are the largest values on every eighth question, which a fair comparison
  leaves out (column "calibration"); once clipped at the 99.99th percentile; and the valley (all
  outputs below 0) replaced by 0;
- the weights of all 36 linear layers on int8 grids; both; and all in bfloat16.

A row holds the place of the right document and the cosine between the new and the old embedding of
the question. Needs the packaged model. About 5 minutes of one core.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import experiment, minilm, quantize

EVERY = 8  # of the questions, one in so many calibrates
CLIP = 0.9999
FUNCTIONS: dict[str, minilm.Activation] = {
    "gelu": F.gelu,
    "gelu_tanh": functools.partial(F.gelu, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": F.silu,
    "leaky_relu": F.leaky_relu,
    "relu": torch.relu,
    "elu": F.elu,
}
VARIANTS = [
    *FUNCTIONS,
    "relu, both sides",
    "outputs symmetric",
    "outputs affine",
    "outputs symmetric, per channel",
    "outputs symmetric, clipped",
    "no valley",
    "weights per tensor",
    "weights per output",
    "weights per output, outputs affine",
    "bfloat16",
]


class Seen:
    """What a block's GELU puts out on the calibration questions: ends, per tensor and channel."""

    def __init__(self) -> None:
        self.low, self.high = torch.tensor(0.0), torch.tensor(0.0)
        self.channel = torch.zeros(minilm.HIDDEN)
        self.tail: Tensor = torch.zeros(0)
        self.number = 0

    def __call__(self, x: Tensor) -> Tensor:
        y = F.gelu(x)
        self.low, self.high = torch.minimum(self.low, y.min()), torch.maximum(self.high, y.max())
        self.channel = torch.maximum(self.channel, y.abs().amax((0, 1)))
        self.number += y.numel()
        # Enough of the largest to find the percentile in the end.
        self.tail = torch.cat([self.tail, y.flatten().topk(min(4000, y.numel())).values])
        return y

    def percentile(self) -> float:
        """The value that a share ``CLIP`` of all outputs stays below."""
        above = max(1, round((1 - CLIP) * self.number))
        return float(self.tail.topk(min(above, len(self.tail))).values[-1])


@functools.cache
def calibrated(number: int) -> tuple[Seen, ...]:
    """The six blocks' outputs on every eighth question."""
    seen = tuple(Seen() for _ in range(minilm.LAYERS))
    model().encode(data().questions[:number:EVERY], seen)
    return seen


@functools.cache
def model() -> minilm.MiniLM:
    return minilm.load()


@functools.cache
def data() -> minilm.Retrieval:
    return minilm.retrieval()


def rounding(grid: quantize.Grid) -> minilm.Activation:
    """GELU, then the grid."""
    return lambda x: grid(F.gelu(x))


def with_weights(per: str) -> minilm.MiniLM:
    """The model with the weights of its 36 linear layers on symmetric int8 grids."""
    weights = dict(model().weights)
    for name, weight in weights.items():
        if name.startswith("encoder.") and weight.ndim == 2:
            largest = weight.abs().amax() if per == "tensor" else weight.abs().amax(1, True)
            weights[name] = quantize.symmetric(largest)(weight)
    return minilm.MiniLM(weights, model().tokenizer)


def variant(name: str, number: int) -> tuple[minilm.MiniLM, object]:
    """The model and the activation, or six of them, of a variant."""
    if name.split(",")[0] in FUNCTIONS:
        return model(), FUNCTIONS[name.split(",")[0]]
    if name == "no valley":
        return model(), lambda x: F.gelu(x).clamp(min=0)
    if name == "bfloat16":
        weights = {
            k: v.bfloat16() if v.is_floating_point() else v for k, v in model().weights.items()
        }
        return minilm.MiniLM(weights, model().tokenizer), F.gelu
    makers: dict[str, Callable[[Seen], quantize.Grid]] = {
        "outputs symmetric": lambda s: quantize.symmetric(s.high.item()),
        "outputs affine": lambda s: quantize.affine(s.low.item(), s.high.item()),
        # A channel that calibration never saw away from 0 still needs a step.
        "outputs symmetric, per channel": lambda s: quantize.symmetric(s.channel.clamp(min=1e-3)),
        "outputs symmetric, clipped": lambda s: quantize.symmetric(s.percentile()),
    }
    if name in makers:
        return model(), [rounding(makers[name](seen)) for seen in calibrated(number)]
    if name == "weights per output, outputs affine":
        grids = [makers["outputs affine"](seen) for seen in calibrated(number)]
        return with_weights("output"), [rounding(grid) for grid in grids]
    return with_weights(name.removeprefix("weights per ")), F.gelu


def work(unit: Mapping[str, object]) -> Iterator[dict]:
    """Embed the questions with one variant; a row for each question."""
    name, number = str(unit["variant"]), int(str(unit["questions"]))
    stored = data()
    changed, activation = variant(name, number)
    new = changed.encode(stored.questions[:number], activation)
    old, documents = stored.question_embeddings[:number], stored.document_embeddings[:number]
    if name.endswith("both sides"):
        documents = changed.encode(stored.documents[:number], activation)
    places, cosines = minilm.ranks(new, documents), (new * old).sum(1)
    for row in range(number):
        yield {
            "variant": name,
            "row": row,
            "calibration": int(row % EVERY == 0),
            "rank": places[row],
            "cosine": f"{cosines[row]:.6f}",
        }


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    if reason := minilm.missing():
        sys.exit(f"14_swaps: {reason}")
    number = 16 if options.quick else len(data().ids)
    units = [{"variant": name, "questions": number} for name in VARIANTS]
    settings = {"questions": number, "package": f"{minilm.PACKAGE} {minilm.VERSION}"}
    with experiment.Record(options, ["variant"], settings) as record:
        record.run(units, work)


if __name__ == "__main__":
    main()
