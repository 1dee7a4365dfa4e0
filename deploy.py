#!/usr/bin/env python3
"""Plan, apply and look after a deployment: `python deploy.py --help`."""

import os
import sys

LACKING = "deploy.py: {} lacks {}: run `.venv/bin/python deploy.py`, after `make build` if there is no .venv"
OWN = ("deployer", "parameters")


def lacking(what: str) -> int:
    """Say so in one line, but not into the line that a shell completes."""
    if "_DEPLOY_PY_COMPLETE" not in os.environ:
        print(LACKING.format(sys.executable, what), file=sys.stderr)
    return 2


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 -- whoever starts it by its name starts it with any Python
        sys.exit(lacking("Python 3.11"))
    try:
        from deployer.commands import main
    except KeyboardInterrupt:  # boto3 takes its time to load, and nothing has happened yet
        sys.exit(130)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith(OWN):
            raise
        sys.exit(lacking(missing.name))
    sys.exit(main())
