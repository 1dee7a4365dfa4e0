"""Unix sockets need short paths: 107 bytes on Linux, 103 on macOS, and a state directory may lie deep."""

import tempfile
from pathlib import Path


def directory() -> Path:
    """Make a directory of one's own (0700) with a short path. Whoever asks for it removes it."""
    short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 ($TMPDIR may be 60 bytes and more)
    return Path(tempfile.mkdtemp(prefix="millrace-", dir=short))
