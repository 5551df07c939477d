"""Spread units over the cores of this machine, or over a cluster, with joblib."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from actbase.errors import CommandError
from actgrade.classroom.work import Settings, Unit, close_launchers, grade_units, in_worker

# Units in one run of pytest: enough for its start to be cheap, few enough for a steady bar.
AT_ONCE = 8
UNITS_WORTH_A_WORKER = 24
CONNECT_SECONDS = 10

Done = Callable[[dict[str, Any]], None]


def batches(units: Iterable[Unit], size: int) -> Iterator[list[Unit]]:
    """``units`` in lists of ``size``, read as they are wanted."""
    iterator = iter(units)
    while batch := list(islice(iterator, size)):
        yield batch


def workers(count: int, jobs: int | None) -> int:
    """How many worker processes ``count`` units are worth: starting one costs as much as ten."""
    worth = jobs or max(1, count // UNITS_WORTH_A_WORKER)
    if jobs or worth == 1:
        return worth  # joblib takes longer to import than a notebook to grade
    import joblib

    return min(joblib.cpu_count(), worth)


def here(
    units: Iterable[Unit], count: int, settings: Settings, done: Done, jobs: int | None = None
) -> None:
    """Grade on this machine, in ``jobs`` processes (default: all cores, where it pays).

    Args:
        done: called in this process with each result.
    """
    jobs = workers(count, jobs)
    if jobs == 1:
        # In this process an interrupt can end a question half-way, so that only whole batches are
        # kept; a worker is shielded from it.
        settings = replace(settings, keep_in=None)
        try:
            for batch in batches(units, AT_ONCE):
                for result in grade_units(batch, settings):
                    done(result)
        finally:
            close_launchers()
        return
    import joblib
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    size = max(1, min(AT_ONCE, -(-count // jobs)))
    pool = joblib.Parallel(
        n_jobs=jobs, backend="loky", return_as="generator_unordered", batch_size=1,
        pre_dispatch="2*n_jobs",
    )  # fmt: skip
    ended = False
    try:
        for results in pool(joblib.delayed(in_worker)(b, settings) for b in batches(units, size)):
            for result in results:
                done(result)
        ended = True
    except TerminatedWorkerError:
        raise CommandError(
            "a worker process ended, perhaps for want of memory; what was graded is kept: run the "
            f"same command again, with fewer workers (--jobs {max(1, jobs // 2)})",
            1,
        ) from None
    finally:
        # The workers would wait for more work for minutes, each with a fork server.
        with contextlib.suppress(Exception):
            get_reusable_executor().shutdown(wait=True, kill_workers=not ended)


def on_cluster(units: Iterable[Unit], scheduler: str, settings: Settings, done: Done) -> None:
    """Grade on the workers of a Dask cluster, through joblib's Dask backend.

    Args:
        scheduler: its address, ``tcp://host:8786``.

    Raises:
        CommandError: Dask is not installed, nobody answers, or there are no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise CommandError(
            "--scheduler needs Dask, which is not installed: pip install 'actlab[cluster]'"
        ) from None
    import joblib

    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise CommandError(f"no scheduler answers at {scheduler} ({reason})") from None
    try:
        _wait_for_workers(client, scheduler)
        with joblib.parallel_config(backend="dask", client=client, n_jobs=-1):
            pool = joblib.Parallel(return_as="generator_unordered", batch_size=1)
            work = (joblib.delayed(grade_units)(b, settings) for b in batches(units, AT_ONCE // 2))
            for results in pool(work):
                for result in results:
                    done(result)
    finally:
        with contextlib.suppress(Exception):
            client.run(close_launchers)
        with contextlib.suppress(Exception):
            client.close(timeout=5)


def _wait_for_workers(client: Any, scheduler: str) -> None:
    end = time.monotonic() + CONNECT_SECONDS
    while not client.scheduler_info(n_workers=-1)["workers"]:
        if time.monotonic() > end:
            raise CommandError(f"the scheduler at {scheduler} has no workers")
        time.sleep(0.2)
