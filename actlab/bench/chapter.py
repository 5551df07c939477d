"""What a chapter needs: a short live run, and a figure that holds its numbers."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actbase.errors import first_line
from actlab.bench.cases import Implementation
from actlab.bench.plan import Plan
from actlab.bench.protocol import QUICK, Effort
from actlab.bench.records import Record, Row, latest
from actlab.bench.report import headline, mode_words, ratio_text, size_text
from actlab.bench.runner import Runner

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _short_run(**given: Any) -> Record:
    """Run a plan with as little around the rows as they need; arguments as for :class:`Plan`."""
    # The timed size is checked; tests do the odd ones.
    plan = Plan(**given, check_odd_sizes=False, caches=2, all_ceilings=False)
    plan.validate()
    runner = Runner(plan)
    return runner.run(runner.new_record(), lambda record, rows: None)


def chapter_benchmark(
    functions: Sequence[str],
    n: int = 1_000_000,
    modes: Sequence[str] = ("forward", "backward"),
    implementations: Sequence[str] = ("builtin", "composed"),
    dtype: str = "float32",
    extra: Mapping[str, Mapping[str, Callable | Implementation]] | None = None,
    effort: Effort = QUICK,
) -> Record:
    """Time a few functions on this CPU: one thread, some seconds, nothing printed.

    Args:
        functions: catalogue names.
        n: elements of the output.
        modes: of "forward", "forward_grad", "backward" and "both".
        implementations: see :mod:`actlab.bench.cases`.
        dtype: "float32", "bfloat16", "float16" or "float64".
        extra: your own versions: function -> label -> callable on torch tensors, or
            :func:`actlab.bench.numpy_function` around NumPy functions. They are checked against the
            catalogue like the others, and one that is wrong gets no time.
        effort: how long to measure each row.

    Returns:
        A record that was not saved; iterate over it for its rows.

    Raises:
        ValueError: an unknown name; the message says what there is.
    """
    return _short_run(
        functions=tuple(functions),
        sizes=(n,),
        dtypes=(dtype,),
        modes=tuple(modes),
        implementations=tuple(implementations),
        effort=effort,
        extra=extra or {},
    )


def gpu_benchmark(
    functions: Sequence[str], n: int = 1 << 26, modes: Sequence[str] = ("forward", "backward")
) -> Record | None:
    """The same functions on a GPU: measured now where there is one, and as recorded elsewhere.

    Args:
        functions: catalogue names.
        n: elements of the output, in bfloat16. The default is 128 MiB a tensor, beyond the caches
            of today's GPUs; the memory decides how many sets of buffers are rotated.
        modes: of "forward", "forward_grad", "backward" and "both".

    Returns:
        A fresh record that was not saved; or, without a GPU or if it fails, which a warning then
        says, the project's own record; or None if there is none yet.
    """
    import torch

    from actlab import kernels

    if not torch.cuda.is_available():
        return latest("cuda")
    fused = ("triton",) if kernels.available()[0] else ()
    try:
        measured = _short_run(
            functions=tuple(functions),
            sizes=(n,),
            dtypes=("bfloat16",),
            modes=tuple(modes),
            implementations=("builtin", "composed", *fused),
            device="cuda",
            effort=QUICK,
        )
        if any(row.status == "ok" and row.implementation != "copy" for row in measured):
            return measured
        why = "no row could be measured"
    except RuntimeError as error:  # no memory, a driver that does not fit, a device that broke
        why = first_line(error) or type(error).__name__
    warnings.warn(f"the GPU was not measured ({why}): a record is shown instead", stacklevel=2)
    return latest("cuda")


def figure(
    rows: Record,
    record: Record | None = None,
    record_dtype: str = "bfloat16",
    record_elements: int | None = None,
) -> Figure:
    """Measured time as a bar and predicted time as a tick, both in units of a same-size copy.

    Args:
        rows: a live run, from :func:`chapter_benchmark`.
        record: a run to show below it, from :func:`gpu_benchmark` or a file, or None.
        record_dtype: which of its dtypes; the first it has when it lacks this one.
        record_elements: which of its sizes; None for the largest that it has for these functions.

    Returns:
        A figure with one panel, or two, one below the other.
    """
    import matplotlib.pyplot as plt

    panels = [(rows, [row for row in rows if row.implementation != "copy"])]
    if record is not None:
        recorded = headline(
            record,
            [row.function for row in panels[0][1]],
            {row.mode for row in rows},
            record_dtype,
            record_elements,
        )
        if recorded:
            panels.append((record, recorded))
    # One below the other: the two runs rarely have the same rows, and a page may be narrow.
    heights = [_heights(chosen) for _, chosen in panels]
    lengths = [max(each.values()) + 1 for each in heights]
    drawn, axes = plt.subplots(
        len(panels),
        1,
        figsize=(7.2, 0.45 + 0.5 * len(panels) + 0.26 * sum(lengths)),
        height_ratios=lengths,
        squeeze=False,
        layout="constrained",
    )
    for ax, (source, chosen), places in zip(axes[:, 0], panels, heights, strict=True):
        _panel(ax, source, chosen, places, first=source is rows)
    axes[-1, 0].set_xlabel("time ÷ time of a same-size copy")
    handles, names = axes[0, 0].get_legend_handles_labels()
    drawn.legend(handles, names, loc="outside lower right", ncols=2)
    return drawn


def _label(row: Row) -> str:
    return f"{row.function} {row.implementation}, {mode_words(row.mode)}"


def _heights(rows: Sequence[Row]) -> dict[str, float]:
    """Where each label's bar stands: bars that answer one question together, the others apart."""
    groups = [list(bars) for _, bars in itertools.groupby(rows, key=lambda row: row.group)]
    gap = 0.4 if any(len(bars) > 1 for bars in groups) else 0.0
    places: dict[str, float] = {}
    for number, bars in enumerate(groups):
        for row in bars:
            places[_label(row)] = len(places) + gap * number
    return places


def _panel(
    ax: Axes, source: Record, rows: Sequence[Row], heights: dict[str, float], first: bool
) -> None:
    from actlab.plotting import BLUE, INK, MUTED, ORANGE, SHADE_BLUE, SHADE_ORANGE

    timed = [row for row in rows if row.times_copy is not None]
    ax.barh(
        [heights[_label(row)] for row in timed],
        [row.times_copy for row in timed],
        height=0.62,
        color=SHADE_BLUE if first else SHADE_ORANGE,  # pale, so that the tick stands out on it
        edgecolor=BLUE if first else ORANGE,
        linewidth=1.2,
        label="measured",
    )
    predicted = [row for row in rows if row.predicted_times_copy is not None]
    ax.plot(
        [row.predicted_times_copy for row in predicted],
        [heights[_label(row)] for row in predicted],
        linestyle="none",
        marker="|",
        markersize=13,
        markeredgewidth=2.2,
        color=INK,
        label="predicted from bytes",
    )
    longest = max(
        [row.times_copy for row in timed] + [row.predicted_times_copy for row in predicted]
    )
    for row in rows:
        ends = [value for value in (row.times_copy, row.predicted_times_copy) if value is not None]
        text = ratio_text(row.times_copy) if row.status == "ok" else row.status
        ax.annotate(
            text,
            (max(ends, default=0), heights[_label(row)]),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=INK,
        )
    ax.axvline(1, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    ax.set_yticks(list(heights.values()), list(heights))
    ax.set_ylim(max(heights.values()) + 0.6, -0.6)
    ax.set_xlim(0, 1.16 * longest)
    ax.grid(axis="y", visible=False)
    # Only what the command line measured has a command to repeat it with; the rest ran just now.
    when = f"recorded {source.utc[:10]}" if source.command else "now"
    name = "This CPU" if first and source.kind == "cpu" else source.device["name"]
    size = f"{rows[0].dtype}, n = {size_text(rows[0].elements)}"
    ax.set_title(f"{name}, {when}: {size}", loc="left")
