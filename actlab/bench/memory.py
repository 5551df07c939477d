"""What a benchmark has to know about memory: free bytes, caches, and what the allocator does.

A large allocation on Linux comes fresh from the kernel by default and goes back when it is freed.
Every call of an eager function then pays for page faults, one for each 4 KiB of its output: at ten
million float32 elements that is about 9,800 faults a call, and a clone takes ten times as long as a
copy into existing memory. Training code that runs for long does not behave so; a benchmark of many
separate calls does. :func:`keep_freed_memory` tells glibc to keep what is freed, and
:func:`minor_faults` counts what is left, so that every row of a record says how many it suffered.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

# Options of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_GLIBC_DEFAULTS = {_M_MMAP_MAX: 65536, _M_TOP_PAD: 128 * 1024, _M_TRIM_THRESHOLD: 128 * 1024}
_KEEP = {_M_MMAP_MAX: 0, _M_TOP_PAD: 64 << 20, _M_TRIM_THRESHOLD: 2**31 - 1}
_ASSUMED_CACHE = 32 << 20


@contextlib.contextmanager
def keep_freed_memory() -> Iterator[bool]:
    """Let freed memory stay with the process inside the block; yields whether that worked.

    It works with glibc (Linux). Elsewhere the block runs with the allocator as it is, and the
    fault counts in the record show what that costs.
    """
    mallopt = None
    if platform.libc_ver()[0] == "glibc":
        with contextlib.suppress(AttributeError, OSError):
            mallopt = ctypes.CDLL(None).mallopt
    if mallopt is None:
        yield False
        return
    for option, value in _KEEP.items():
        mallopt(option, value)
    try:
        yield True
    finally:
        for option, value in _GLIBC_DEFAULTS.items():
            mallopt(option, value)


def touch(size: int) -> None:
    """Take ``size`` bytes, write to every page and free them again.

    Inside :func:`keep_freed_memory` the pages then belong to the process, and what is timed
    afterwards finds its memory already there.
    """
    import torch

    try:
        torch.empty(size, dtype=torch.uint8).fill_(1)
    except RuntimeError:
        return  # too much: page faults will be counted instead


def minor_faults() -> int | None:
    """Page faults without disk access that this thread (or process) has had; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    who = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
    return resource.getrusage(who).ru_minflt


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None


def free_host_bytes() -> int:
    """Memory that this process may still take, of the machine or of its container."""
    available = 2 << 30  # a cautious guess where nothing can be read
    meminfo = _read("/proc/meminfo")
    found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo or "")
    if found:
        available = int(found.group(1)) * 1024
    elif hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    limit, used = _read("/sys/fs/cgroup/memory.max"), _read("/sys/fs/cgroup/memory.current")
    if limit and used and limit.isdigit() and used.isdigit():
        available = min(available, max(0, int(limit) - int(used)))
    return available


def host_cache_bytes() -> int:
    """Size of the largest cache of CPU 0, or 32 MiB where the system does not say."""
    largest = 0
    for entry in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        found = re.fullmatch(r"(\d+)([KMG]?)", _read(str(entry)) or "")
        if found:
            largest = max(largest, int(found[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[found[2]])
    return largest or _ASSUMED_CACHE


def free_bytes(device: str) -> int:
    """Free memory of ``device`` ("cpu" or "cuda"), in bytes."""
    if device != "cuda":
        return free_host_bytes()
    import torch

    free, _ = torch.cuda.mem_get_info()
    # Blocks that PyTorch holds but does not use are free for PyTorch.
    return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def cache_bytes(device: str) -> int:
    """Size of the last cache before the memory of ``device``, in bytes."""
    if device != "cuda":
        return host_cache_bytes()
    import torch

    return int(getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 0)) or (64 << 20)
