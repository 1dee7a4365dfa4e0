"""What can stop a run on one machine through no fault of the platform.

LocalError
├── PortInUse          local/errors.py
├── StateDamaged       local/errors.py
├── ServerMissing      local/errors.py
├── ServerFailed       local/errors.py
├── ServerEnded        local/errors.py
└── DirectoryUnusable  local/errors.py
"""

from inspect import cleandoc


class LocalError(Exception):
    """The run cannot go on: {why}"""

    # A subclass's docstring is its message, remedy included, and the keywords fill it in.
    exit_code = 2

    def __init__(self, **fields: object) -> None:
        super().__init__(cleandoc(self.__doc__ or "").format(**fields))


class PortInUse(LocalError):
    """port {port} on {host} is in use: stop what listens there (`ss -ltnp 'sport = :{port}'` names it),
    choose another, or leave it out, and a free one is taken"""


class ServerMissing(LocalError):
    """there is no {server} on this machine: {remedy}"""


class ServerFailed(LocalError):
    """{server} did not start in {seconds:.0f} s; the end of {log}:
    {tail}"""

    exit_code = 1  # no input was wrong


class ServerEnded(LocalError):
    """{server} ended by itself, so the run cannot be audited; the end of {log}:
    {tail}"""

    exit_code = 1


class DirectoryUnusable(LocalError):
    """{directory} cannot hold {server}'s data: {why}"""


class StateDamaged(LocalError):
    """{file} of an earlier run {why}: give another directory to --state, or remove {directory} and begin
    anew"""
