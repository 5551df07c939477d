"""The instructor's key: what makes ``SEED`` unpredictable for learners and repeatable for graders.

Each held check draws its inputs from the key and the submission, so that a run that is continued,
or repeated on another machine with the same key, gives the same grades.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from actbase.errors import CommandError

_BYTES = 32


def default_path() -> Path:
    """``$XDG_CONFIG_HOME/actlab/class.key``, outside every folder that is handed out."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "actlab" / "class.key"


def load(path: Path | None = None) -> tuple[bytes, bool]:
    """The key in ``path``, made on first use, and whether it was made now.

    Args:
        path: default :func:`default_path`.

    Raises:
        CommandError: the file cannot be read or written, others may read it, or it is no key.
    """
    path = path or default_path()
    try:
        made = _make(path)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise CommandError(f"the key {path} may be read by others; run: chmod 600 {path}")
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise CommandError(f"the key {path} cannot be used: {error.strerror or error}") from None
    except UnicodeDecodeError:
        text = ""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < _BYTES:
        raise CommandError(
            f"{path} is not a key (64 hexadecimal digits); name another file with --key, or delete "
            "this one to have a new key made"
        )
    return key, made


def _make(path: Path) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # Complete under another name first: a run that is killed here must not leave half a key.
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
        os.link(temporary, path)  # unlike a rename, never replaces a key made meanwhile
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def fingerprint(key: bytes) -> str:
    """A short name of a key, which tells two keys apart and says nothing about them."""
    return hmac.new(key, b"fingerprint", hashlib.sha256).hexdigest()[:16]
