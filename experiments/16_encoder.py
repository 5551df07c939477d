"""What happens if the function inside a sentence encoder is swapped, and its index is not rebuilt?

The 600 test questions of chapter 16 are embedded by all-MiniLM-L6-v2 with another function in its
six feed-forward blocks; the 1,600 documents keep the embeddings that were made with the released
one, GELU, as they do when a service is moved to other code and its index is not. A row holds for
one function the cosines of the questions' embeddings to the released ones, and the 600 places of
the right documents by cosine, ties counted against them.

The model is no part of the course: see actlab.minilm for how to install it.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch.nn import functional as F

from actlab import experiment, minilm, reranker
from actlab.evaluation import metrics

SWAPS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "relu": torch.relu,
}


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    stored = minilm.retrieval()
    where = {name: place for place, name in enumerate(stored.ids)}
    test = [where[name] for name in reranker.task(stored).test.ids][: 12 if options.quick else None]
    try:
        model = minilm.load()
    except minilm.MissingModelError as error:
        sys.exit(f"16_encoder: {error}")
    with experiment.Record(options, ["activation"], {"questions": len(test)}) as record:
        for unit in record.todo([{"activation": name} for name in SWAPS]):
            asked = model.encode([stored.questions[i] for i in test], SWAPS[unit["activation"]])
            cosine = metrics.embedding_similarity(asked, stored.question_embeddings[test])
            alike = asked.astype(np.float64) @ stored.document_embeddings.T.astype(np.float64)
            places = (alike >= alike[np.arange(len(test)), test][:, None]).sum(1)
            record.add(
                {
                    **unit,
                    "cosine": round(float(cosine.mean()), 5),
                    "smallest": round(float(cosine.min()), 5),
                    "places": " ".join(map(str, places)),
                }
            )


if __name__ == "__main__":
    main()
