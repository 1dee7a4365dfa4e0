"""An AWS account in a child process: ministack, and what `local/` adds to it.

`EmbeddedAws` starts, awaits and stops it. Everything that is patched into ministack is listed in
`additions.py`, one noun a file, each with a contract test that fails once upstream has it.
"""

from local.aws.embedded import CacheServer, DatabaseServer, EmbeddedAws, EmbeddedAwsError, PortInUse

__all__ = ["CacheServer", "DatabaseServer", "EmbeddedAws", "EmbeddedAwsError", "PortInUse"]
