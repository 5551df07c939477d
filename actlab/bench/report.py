"""Records and byte counts as text: what a terminal shows and what a chapter prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from actlab.bench.comparison import Doubt, run_to_run
from actlab.bench.names import IMPLEMENTATIONS, MODES
from actlab.bench.records import COPY_BOUND, Record, Row

_MODE_WORDS = {
    "forward": "forward",
    "forward_grad": "forward, recording",
    "backward": "backward",
    "both": "forward + backward",
}


def _columns(header: Sequence[str], lines: Iterable[Sequence[str]], left: int) -> str:
    """Lines under a header, the first ``left`` columns to the left and the others to the right."""
    lines = [tuple(header), *lines]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def size_text(elements: int) -> str:
    """2^20 for a power of two from 1024 on, otherwise the number with separators."""
    if elements >= 1024 and elements & (elements - 1) == 0:
        return f"2^{elements.bit_length() - 1}"
    return f"{elements:,}"


def time_text(microseconds: float | None) -> str:
    """A time with three significant digits and its unit."""
    if microseconds is None:
        return "-"
    for limit, scale, unit in ((1e3, 1, "µs"), (1e6, 1e3, "ms"), (float("inf"), 1e6, "s")):
        if microseconds < limit:
            return f"{microseconds / scale:#.3g}".rstrip(".") + f" {unit}"
    return "-"


def ratio_text(ratio: float | None) -> str:
    """A ratio with two decimals, one from 10 on."""
    if ratio is None:
        return "-"
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}"


def caption(record: Record) -> str:
    """Where the numbers come from, in two or three lines."""
    device, software, source = record.device, record.software, record.source
    start = record.clocks.get("start", {})
    where = device["name"]
    if record.kind == "cuda":
        where += f" (driver {start.get('driver_version')}, SM clock {start.get('clocks.sm')})"
        clock = "device events"
    else:
        threads = device.get("threads", 1)
        where += f", {threads} thread{'' if threads == 1 else 's'} of {device.get('cores')} cores"
        where += f", load {start.get('load_average')}"
        clock = "CPU time of the thread" if threads == 1 else "wall time"
    commit = f"commit {source['commit'][:10]}" if source.get("commit") else "no commit known"
    if source.get("dirty"):
        commit += " with changes"
    versions = ", ".join(
        f"{name} {software[name]}" for name in ("torch", "triton", "numpy") if software.get(name)
    )
    lines = [
        f"{where}; {versions}; {record.utc[:10]}, {commit}.",
        f"Median {clock}; x copy: time over that of a same-size copy in the same round-robin.",
    ]
    if any(row.pass_difference is not None for row in record.rows):
        lines.append(
            f"Everything was measured twice; 95 % of the ratios moved by less than "
            f"{100 * run_to_run(record):.0f} %. Differences below the last column are not claimed."
        )
    if record.note:
        lines.append(record.note)
    return "\n".join(lines + warnings(record))


def warnings(record: Record) -> list[str]:
    """What a reader of the record has to know before believing it; usually nothing."""
    found = []
    if not record.finished:
        found.append("This run was stopped before its end: rows are missing.")
    if record.unsteady:
        worst = max(record.unsteady, key=lambda ceiling: ceiling.change)
        found.append(
            f"The copy of {size_text(worst.elements)} {worst.dtype} changed by "
            f"{100 * worst.change:.0f} % between start and end of the run, more than the "
            f"{100 * COPY_BOUND[record.kind]:.0f} % allowed: no difference is claimed."
        )
    cached = [row for row in record.rows if row.cache == "within"]
    if cached:
        sizes = ", ".join(size_text(n) for n in sorted({row.elements for row in cached}))
        found.append(
            f"{len(cached)} of {len(record.rows)} rows (n = {sizes}) fit the cache with all their "
            "buffers: they and their copies measure the cache, not the memory."
        )
    faulty = [row for row in record.rows if (row.faults_per_call or 0) > 5]
    if faulty:
        found.append(
            f"{len(faulty)} of {len(record.rows)} rows had page faults (up to "
            f"{max(row.faults_per_call for row in faulty):,.0f} a call): their times include them."
        )
    return found


def table(
    record: Record,
    functions: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    implementations: Sequence[str] | None = None,
) -> str:
    """The rows of a record as plain text, with their provenance below.

    Args:
        record: what to show.
        functions: only these, in the record's order; None for all. So for the other arguments.

    Columns: the median time, its 20 % and 80 % quantiles, the time over a copy's, the same as
    predicted from the bytes, the share of the copy's bandwidth counting the fewest bytes possible,
    and the relative difference below which nothing is claimed.
    """
    wanted = {
        "function": functions,
        "mode": modes,
        "dtype": dtypes,
        "elements": sizes,
        "implementation": implementations,
    }
    rows = record.select(**{name: tuple(value) for name, value in wanted.items() if value})
    header = [
        *("function", "implementation", "mode", "dtype", "n"),
        *("median", "p20", "p80", "x copy", "predicted", "% of copy", "±"),
    ]
    lines, remarks, doubt = [], [], Doubt(record)
    for row in rows:
        if row.implementation == "copy":
            continue
        lines.append(_line(row, doubt))
        if row.reason:
            remarks.append(
                f"{row.function} {row.implementation} {row.mode} {row.dtype} "
                f"{size_text(row.elements)}: {row.status}: {row.reason}"
            )
    if not lines:
        return "No rows match.\n" + caption(record)
    parts = [_columns(header, lines, left=4), *dict.fromkeys(remarks), caption(record)]
    return "\n".join(parts)


def _line(row: Row, doubt: Doubt) -> tuple[str, ...]:
    start = (row.function, row.implementation, row.mode, row.dtype, size_text(row.elements))
    predicted = ratio_text(row.predicted_times_copy)
    if row.status != "ok":
        return (*start, row.status, "", "", "", predicted, "", "")
    share = row.percent_of_copy
    return (
        *start,
        time_text(row.p50_us),
        time_text(row.p20_us),
        time_text(row.p80_us),
        ratio_text(row.times_copy),
        predicted,
        "-" if share is None else f"{share:.0f} %",
        _doubt_text(doubt(row)),
    )


def _doubt_text(doubt: float) -> str:
    return f"{100 * doubt:.0f} %" if doubt < 1 else "> 100 %"


def headline(
    record: Record,
    functions: Iterable[str],
    modes: Iterable[str] = ("forward", "backward"),
    dtype: str = "bfloat16",
    elements: int | None = None,
) -> list[Row]:
    """The rows of a record that a page shows: one dtype and one size, the copies left out.

    Args:
        record: where they come from.
        functions: names; the rows come in this order, then by mode, then by implementation.
        modes: of forward, forward_grad, backward and both.
        dtype: the first that the record has when it lacks this one.
        elements: which size; None for the largest with a measured row.
    """
    order = {name: place for place, name in enumerate(dict.fromkeys(functions))}
    found = record.select(function=tuple(order), mode=tuple(modes))
    found = [row for row in found if row.implementation != "copy"]
    dtypes = {row.dtype for row in found}
    if dtype not in dtypes:
        dtype = min(dtypes, default=dtype)
    found = [row for row in found if row.dtype == dtype]
    if elements is None:
        elements = max((row.elements for row in found if row.status == "ok"), default=0)

    rank = {name: place for place, name in enumerate(IMPLEMENTATIONS)}

    def place(row: Row) -> tuple[int, int, int]:
        last = rank.get(row.implementation, len(rank))
        return order[row.function], MODES.index(row.mode), last

    return sorted((row for row in found if row.elements == elements), key=place)


def summary(record: Record, functions: Sequence[str], dtype: str = "bfloat16") -> str:
    """Forward and backward of a few functions side by side, narrow enough for a page.

    Columns: the time over that of a same-size copy and the same as predicted from the bytes, for
    each pass; and the relative difference below which nothing is claimed, of the less certain pass.
    """
    rows = headline(record, functions, dtype=dtype)
    pairs: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        pairs.setdefault((row.function, row.implementation), {})[row.mode] = row
    doubt, lines = Doubt(record), []
    for (function, implementation), modes in pairs.items():
        cells: list[str] = []
        for mode in ("forward", "backward"):
            row = modes.get(mode)
            if row is None:
                cells += ["-", "-"]
                continue
            measured = ratio_text(row.times_copy) if row.status == "ok" else row.status
            cells += [measured, ratio_text(row.predicted_times_copy)]
        doubts = [doubt(row) for row in modes.values() if row.status == "ok"]
        cells.append(_doubt_text(max(doubts)) if doubts else "")
        lines.append((function, implementation, *cells))
    if not lines:
        return "No rows match.\n" + caption(record)
    header = ("x copy", "", "forward", "predicted", "backward", "predicted", "±")
    what = f"{rows[0].dtype}, {size_text(rows[0].elements)} elements, on {caption(record)}"
    reasons = dict.fromkeys(
        f"{row.function} {row.implementation}: {row.reason}" for row in rows if row.reason
    )
    below = [*reasons, *what.splitlines()]
    return "\n".join(
        [
            _columns(header, lines, left=2),
            *(textwrap.fill(t, 88, break_on_hyphens=False) for t in below),
        ]
    )


def prediction(
    functions: Sequence[str],
    implementations: Sequence[str] = ("builtin", "composed", "fused"),
    dtype: str = "float32",
) -> str:
    """What each implementation moves, counted and not timed: the same text on every machine.

    Columns: whole tensors read or written per call, in units of the output (a copy is 2), by pass;
    the ratio to a fused operator, which is the speed-up that fusion promises while memory is the
    limit; and bytes per element kept for the backward pass.
    """
    from actlab.bench.model import traffic

    header = [
        *("function", "implementation", "forward", "backward", "both"),
        *("fwd / fused", "bwd / fused", "both / fused", "kept B/el"),
    ]
    lines = []
    for function in functions:
        least = traffic(function, "fused", dtype)
        for implementation in implementations:
            counted = traffic(function, implementation, dtype)
            if counted is None:
                continue
            amounts = [counted.per_element(mode) for mode in ("forward", "backward", "both")]
            ratios = [
                counted.physical(mode) / least.physical(mode)
                for mode in ("forward", "backward", "both")
            ]
            lines.append(
                (
                    function,
                    implementation,
                    *(f"{amount:.4g}" for amount in amounts),
                    *(f"{ratio:.2f}" for ratio in ratios),
                    f"{counted.saved / counted.elements:.3g}",
                )
            )
    return _columns(header, lines, left=2)


def ceilings(record: Record) -> str:
    """The limits measured at the start and at the end of the run."""
    header = ("limit", "dtype", "n", "start", "end", "rate")
    lines = []
    for item in record.ceilings:
        rate = f"{item.rate / 1e12:.3g} " + ("TFLOP/s" if item.kind == "matmul" else "TB/s")
        if item.kind != "matmul" and item.rate < 1e11:
            rate = f"{item.rate / 1e9:.3g} GB/s"
        lines.append(
            (
                item.kind,
                item.dtype,
                size_text(item.elements),
                time_text(item.start_us),
                time_text(item.end_us),
                rate,
            )
        )
    return _columns(header, lines, left=2)


def mode_words(mode: str) -> str:
    """How a figure or a sentence names a mode."""
    return _MODE_WORDS[mode]
