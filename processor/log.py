"""One JSON object a line on standard error: what CloudWatch Logs Insights takes apart by itself."""

import json
import logging
import sys
import time
import traceback

import psycopg

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """time, level, logger, message, then what the call gave as `extra`, and the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in _PLAIN})
        if record.exc_info:
            line["exception"] = _traceback(record.exc_info[1])
        return json.dumps(line, default=str)


def _traceback(error: BaseException | None) -> str:
    """As Python writes it, but of a database's error the first line alone.

    What follows there, DETAIL and CONTEXT, shows rows and parameters: "Failing row contains (…)".
    https://www.postgresql.org/docs/18/protocol-error-fields.html
    """
    parts: list[str] = []
    while error is not None:
        said = str(error)
        if isinstance(error, psycopg.Error):
            said = f"{error.sqlstate}: {said.partition(chr(10))[0]}"
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(error).__qualname__}: {said}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nafter:\n\n".join(reversed(parts))


def start_logging(environment: str) -> None:
    """Send everything from INFO on to standard error; each line names the environment."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(_labelled(environment))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("botocore", "boto3", "urllib3", "yoyo"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _labelled(environment: str) -> "logging.Filter":
    class Labelled(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.environment = environment
            return True

    return Labelled()
