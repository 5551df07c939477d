"""Close the current process in: resource limits, Landlock, seccomp. There is no way back out.

Landlock and seccomp come from two small pure-Python packages, ``landlockpy`` and ``seccompy``; this
module holds the policy. :mod:`actgrade.sandbox` says in words what it amounts to and where it
ends. The functions run in the kernel's process, before any code of a learner.
"""

from __future__ import annotations

import errno
import functools
import importlib.util
import math
import os
import site
import socket
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import actbase
import actgrade
from actgrade.sandbox.limits import Limits

if TYPE_CHECKING:
    from seccompy import ArgCmp, Filter

ISOLATED = "landlock+seccomp+rlimits"

# Files below these are what an interpreter and its libraries read after they have started.
SYSTEM_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64")
SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "/usr/share/zoneinfo",
)

# Not one of these is needed to compute and print. Landlock leaves several of them open (changing
# modes, owners, times and attributes of files; sockets that are not TCP), the others are a second
# lock, or the first one on a kernel whose Landlock is old.
DENIED = (
    # other processes
    *("fork", "vfork", "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp", "process_madvise"),
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpgid", "setsid", "setpriority", "ioprio_set"),
    *("sched_setattr", "sched_setparam", "sched_setaffinity"),
    # a way around the rules on files and sockets
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at"),
    *("name_to_handle_at", "userfaultfd", "bpf", "perf_event_open", "memfd_create"),
    # metadata of files anywhere
    *("chown", "lchown", "fchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr"),
    *("setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
    *("file_setattr", "mknod", "mknodat"),
    # memory and messages shared with other processes
    *("shmget", "shmat", "msgget", "semget", "mq_open", "add_key", "request_key", "keyctl"),
    # a descriptor on its way in a message is nobody's, and what it holds is not counted
    *("sendmsg", "sendmmsg"),
    # the machine
    *("mount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fspick"),
    *("pivot_root", "chroot", "unshare", "setns", "personality", "acct", "quotactl", "swapon"),
    *("swapoff", "reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module"),
    *("delete_module", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
    *("sethostname", "setdomainname", "iopl", "ioperm", "syslog", "vhangup", "fanotify_init"),
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups"),
    *("setfsuid", "setfsgid", "capset", "setrlimit"),
)
# These do nothing and say that they succeeded: copying a file in the scratch folder ends with them.
IGNORED = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "utimensat"),
)
CLONE_THREAD = 0x00010000
SHARED_ANONYMOUS = 0x01 | 0x20  # MAP_SHARED | MAP_ANONYMOUS
X32_BIT = 0x40000000
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
REQUESTS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
TRUNCATION = 3  # the version of Landlock from which on it has a say in emptying files


def missing() -> str | None:
    """Why this machine cannot isolate a kernel, or None when it can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no Landlock and seccomp"
    try:
        import landlockpy
        import seccompy
    except ImportError as error:
        return f"the package {error.name} is not installed"
    try:
        landlockpy.abi_version()
    except OSError:
        return "this Linux kernel has no Landlock"
    if not seccompy.supported():
        return "this Linux kernel has no seccomp filters for this processor"
    return None


def landlock_version() -> int:
    """The version of this kernel's Landlock, from 1."""
    import landlockpy

    return landlockpy.abi_version()


def require() -> None:
    """Refuse to go on where this machine cannot isolate a kernel.

    Raises:
        CommandError: with the reason.
    """
    reason = missing()
    if reason is not None:
        refuse(reason)


def refuse(reason: str) -> NoReturn:
    """Grade nothing, for answers are to be isolated and cannot be.

    Raises:
        CommandError: with the reason; exit code 2.
    """
    # Not in the kernel process, which loads this module too.
    from actbase.errors import CommandError

    raise CommandError(f"nothing was graded, because answers cannot be isolated: {reason}")


def limit_resources(limits: Limits) -> None:
    """Bound memory, time, files and core dumps of this process; nothing on Windows."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_CORE": 0,
        # Wall-clock time is kept by the grading process; this is for the case that it is gone.
        "RLIMIT_CPU": math.ceil(limits.question_seconds) + 10,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_DATA": limits.memory_bytes,
    }
    for name, value in wanted.items():
        which = getattr(resource, name, None)
        if which is None:
            continue
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (OSError, ValueError):
            continue  # macOS refuses RLIMIT_DATA below what is in use


def isolate(scratch: Path, preload: Iterable[str], *, unix_sockets: bool = False) -> None:
    """Apply Landlock, then seccomp, to this single-threaded process.

    Args:
        scratch: the only folder that can be written to.
        preload: modules whose packages can be read, wherever they lie.
        unix_sockets: keep local stream sockets, which a Jupyter kernel listens on. It still cannot
            connect to anything.

    Raises:
        OSError: the kernel refused; the process must not run a learner's code.
    """
    _restrict_files(scratch, preload)
    _restrict_calls(unix_sockets)


@functools.cache
def readable_folders() -> list[Path]:
    """The interpreter's and its libraries' folders, and nothing of the course."""
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update([*site.getsitepackages(), site.getusersitepackages()])
    folders.update(SYSTEM_FOLDERS)
    # Extension modules find their shared libraries beside the interpreter.
    folders.update(str(Path(prefix) / "lib") for prefix in (sys.base_prefix, sys.prefix))
    return sorted(Path(folder) for folder in folders if Path(folder).is_dir())


def package_folders(preload: Iterable[str]) -> list[Path]:
    """The folders of packages that lie beside the solutions in a clone, and of nothing else there.

    They are the grader's own, and those of the preloaded packages that are not installed where
    libraries are.
    """
    folders = {Path(place).resolve() for module in (actbase, actgrade) for place in module.__path__}
    tops = sorted({name.partition(".")[0] for name in preload})
    folders.update(folder for top in tops if (folder := course_folder(top)) is not None)
    return sorted(folder for folder in folders if folder.is_dir())


def course_folder(top: str) -> Path | None:
    """Where the package ``top`` lies if it comes with the course, and is no installed library."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place).resolve()
        if not any(folder.is_relative_to(library) for library in readable_folders()):
            return folder
    return None


def wall_off(absent: Iterable[str], preload: Iterable[str], work: Path) -> None:
    """Let nothing be read of the modules ``absent``, in this process and all that it forks.

    This is the outer one of two layers: it says nothing about writing, which :func:`isolate` does.

    Args:
        absent: dotted names of modules that are not loaded.
        preload: as for :func:`isolate`.
        work: the folder that the processes work in.

    Raises:
        OSError: the kernel refused.
    """
    from landlockpy import AccessFS, Ruleset

    from actgrade.sandbox.places import files_of_module, module_folders, without

    roots = {path.resolve() for path in (*readable_folders(), *package_folders(preload))}
    roots.update(Path(name).resolve() for name in SYSTEM_FILES if Path(name).exists())
    folders = module_folders(roots)
    closed = {path for name in absent for path in files_of_module(name, folders)}
    # Without REFER no file could be moved from one folder of the scratch space to another.
    with Ruleset(handled_fs=AccessFS.READ_FILE | AccessFS.REFER) as rules:
        for root in sorted(roots):
            if not any(root.is_relative_to(other) for other in roots - {root}):
                for path in without(root, closed):
                    rules.allow_path(path, AccessFS.READ_FILE)
        rules.allow_path("/dev/null", AccessFS.READ_FILE)
        rules.allow_path(work, AccessFS.READ_FILE | AccessFS.REFER)
        rules.restrict()


def _restrict_files(scratch: Path, preload: Iterable[str]) -> None:
    from landlockpy import AccessFS, Ruleset, Scope

    read = AccessFS.READ_FILE | AccessFS.READ_DIR
    # Loading a shared library maps it executable, which needs no right; running a program would.
    write = (
        read
        | AccessFS.WRITE_FILE
        | AccessFS.TRUNCATE
        | AccessFS.MAKE_REG
        | AccessFS.MAKE_DIR
        | AccessFS.MAKE_SOCK
        | AccessFS.REMOVE_FILE
        | AccessFS.REMOVE_DIR
        | AccessFS.REFER
    )
    with Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL) as rules:
        for place, is_folder in _readable(tuple(preload)):
            rules.allow_path(place, read if is_folder else AccessFS.READ_FILE)
        rules.allow_path("/dev/null", AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        rules.allow_path(scratch, write)
        rules.restrict()


@functools.cache
def _readable(preload: tuple[str, ...]) -> list[tuple[Path, bool]]:
    """What a kernel may read, and whether each is a folder."""
    system = [Path(name) for name in SYSTEM_FILES if Path(name).exists()]
    places = {p.resolve() for p in (*readable_folders(), *package_folders(preload), *system)}
    # A rule for a folder is one for all below it, and a rule takes time in every kernel.
    tops = [p for p in sorted(places) if not any(p.is_relative_to(q) for q in places - {p})]
    return [(place, place.is_dir()) for place in tops]


def prepare(preload: Iterable[str], *, unix_sockets: bool) -> None:
    """Work out what :func:`isolate` needs, in the fork server, so that its children need not."""
    if missing() is None:
        _readable(tuple(preload))
        _call_filter(unix_sockets).program  # noqa: B018  (compiles it)


def _restrict_calls(unix_sockets: bool) -> None:
    from seccompy import ArgCmp, CmpOp, Filter

    _call_filter(unix_sockets).load()
    # Signals only to itself; a second filter, for this is all that differs between two processes.
    own = Filter()
    for name in ("kill", "tgkill"):
        _deny(own, name, args=[ArgCmp(0, CmpOp.NE, os.getpid())])
    own.load()


@functools.cache
def _call_filter(unix_sockets: bool) -> Filter:
    """The filter on system calls, compiled but not loaded."""
    from seccompy import ArgCmp, CmpOp, Filter

    rules = Filter()
    for name in DENIED:
        _deny(rules, name)
    for name in IGNORED:
        _deny(rules, name, 0)
    # The C library falls back to clone, whose flags a filter can read, when clone3 is missing.
    _deny(rules, "clone3", errno.ENOSYS)
    _deny(rules, "clone", args=[ArgCmp(0, CmpOp.MASKED_EQ, 0, CLONE_THREAD)])
    # No real-time scheduling. libzmq asks its threads to be ordinary, which they are.
    _deny(rules, "sched_setscheduler", args=[ArgCmp(1, CmpOp.NE, 0)])
    # Shared memory is no data segment, which is what RLIMIT_DATA bounds.
    _deny(rules, "mmap", args=[ArgCmp(3, CmpOp.MASKED_EQ, SHARED_ANONYMOUS, SHARED_ANONYMOUS)])
    if landlock_version() < TRUNCATION:
        # Landlock of that age lets code empty a file that it may not write to.
        _deny(rules, "truncate")
        _deny(rules, "openat2", errno.ENOSYS)
        emptied = os.O_TRUNC | os.O_RDONLY
        for name, place in (("open", 1), ("openat", 2)):
            flags = ArgCmp(place, CmpOp.MASKED_EQ, emptied, os.O_TRUNC | os.O_ACCMODE)
            _deny(rules, name, args=[flags])
    # Ask a file or a terminal, and how descriptors are passed on; nothing of a file system, which
    # would let a file refuse to be deleted.
    _deny(rules, "ioctl", args=[ArgCmp(1, CmpOp.NE, request) for request in REQUESTS])
    # prlimit only to ask.
    _deny(rules, "prlimit64", args=[ArgCmp(2, CmpOp.NE, 0)])
    _deny(rules, "tkill")
    _deny(rules, "connect")
    if unix_sockets:
        # This error libzmq takes for a machine without network interfaces, where EPERM aborts it.
        _deny(rules, "socket", errno.EOPNOTSUPP, [ArgCmp(0, CmpOp.NE, socket.AF_UNIX)])
    else:
        for name in ("socket", "bind", "listen", "accept", "accept4"):
            _deny(rules, name)
    return rules


def _deny(
    rules: Filter, name: str, error: int = errno.EPERM, args: list[ArgCmp] | None = None
) -> None:
    from seccompy.syscalls import syscall_nr

    try:
        number = syscall_nr(name)
    except (KeyError, ValueError, OSError):
        return  # aarch64 never had fork, utime and the like
    rules.errno(number, error, args=args)
    if os.uname().machine == "x86_64":
        # The x32 calls have the same numbers with one bit set, and pass as the same machine.
        rules.errno(number | X32_BIT, error, args=args)
