"""`python -m processor alarms`: the alarms that were raised, listed and taken on."""

import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
from psycopg import Connection, errors

from processor.alarms.handling_request import Acknowledge, List, Request
from processor.alarms.output import show
from processor.alarms.pattern import expression
from processor.alarms.terms import measured
from processor.queries import load_queries
from processor.secret import DatabaseSecret
from processor.service import AWS_CALLS, stop_on_signals
from processor.settings import Settings
from processor.storage.database import Database, Session, Stopping

_QUERIES = load_queries()


class HandlingError(ValueError):
    """It cannot be done as asked: the message says why, and what to do."""


def run(settings: Settings, request: Request) -> int:
    """Exit code 0, or 1 when it could not be done."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    client = boto3.Session(region_name=settings.region).client("secretsmanager", config=AWS_CALLS)
    secret = DatabaseSecret(client, settings.database_secret_arn)
    database = Database(secret, settings.database_ca_file, stopping)
    try:
        return done(database, request)
    finally:
        database.close()


def done(database: Database, request: Request) -> int:
    """As `run`, on a database."""

    def ask(session: Session) -> list[str]:
        return list(lines(session.connection, request))

    try:
        show(database.run(ask))
    except HandlingError as error:
        return _ended(str(error))
    except Stopping:
        return _ended("stopped; run it again")
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction) as error:
        said = str(error).splitlines()[0]
        return _ended(f"the tables are not this release's ({said}): deploy the release, then run it again")
    return 0


def lines(connection: Connection[Any], request: Request) -> Iterator[str]:
    """What is told of a request that is done. Raises HandlingError."""
    match request:
        case List():
            yield from _listed(connection, request)
        case Acknowledge():
            yield _acknowledged(connection, request)


def _listed(connection: Connection[Any], asked: List) -> Iterator[str]:
    given = {
        "standing": asked.standing,
        "pattern": None if asked.path is None else expression(asked.path),
        "name": asked.rule,
        "most": asked.most,
    }
    found = connection.execute(_QUERIES["alarm_list"], given).fetchall()
    for number, rule, path, unit, since, raised, cleared, stands, value, history, taken, by in found:
        parts = [
            "-" if number is None else str(number),
            "history" if history else "stands" if stands else "cleared",
            rule,
            path,
            f"value {measured(value, unit)}",
            f"since {_time(since)}",
            f"raised {_time(raised)}",
        ]
        if cleared is not None and not stands:
            parts.append(f"cleared {_time(cleared)}")
        if taken is not None:
            parts.append(f"taken on {_time(taken)} by {by}")
        yield "  ".join(parts)
    if not found:
        yield "no alarm stands" if asked.standing else "no alarm was raised"


def _acknowledged(connection: Connection[Any], asked: Acknowledge) -> str:
    number = asked.number if asked.number is not None else _number(connection, asked)
    try:
        said = connection.execute(
            _QUERIES["acknowledge_alarm"], {"number": number, "by": asked.by}
        ).fetchone()
    except errors.InvalidParameterValue as error:
        raise HandlingError(str(error).splitlines()[0]) from None
    if said is None:
        raise RuntimeError("acknowledge_alarm gave no row")
    return str(said[0])


def _number(connection: Connection[Any], asked: Acknowledge) -> int:
    found = connection.execute(
        _QUERIES["standing_alarm"], {"name": asked.rule, "path": asked.path}
    ).fetchone()
    if found is None:
        raise HandlingError(
            f"no alarm of rule {asked.rule!r} stands at {asked.path!r}: `alarms list --standing` shows those"
            " that do"
        )
    return int(found[0])


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _ended(why: str) -> int:
    print(f"alarms: {why}", file=sys.stderr)
    return 1
