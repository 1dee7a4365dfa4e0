"""A database restored to a point in time, as docs/incidents.md tells: nothing is lost or stored twice."""

import re
import signal
from pathlib import Path
from typing import Any

import pytest

from local.postgres import MASTER

PAGE = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text(encoding="utf-8")
(BEGIN_WITH_THE_OLDEST,) = re.findall(r"^ *(UPDATE millrace\.shard_progress .*;)$", PAGE, re.MULTILINE)


def run_until(site: Any, stored: int) -> None:
    process = site.start()
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == stored)
    process.send_signal(signal.SIGTERM)
    process.wait(30)


@pytest.mark.parametrize("older_than_the_stream", [False, True])
def test_the_checkpoint_goes_back_with_the_readings(site: Any, older_than_the_stream: bool) -> None:
    # given a backup of a database with 300 readings, which then takes 300 more and is lost
    name = site.credentials.dbname
    readings = site.plant(0, 700)
    site.put(*readings[:300])
    run_until(site, 300)
    backed_up = site.query("SELECT sequence_number FROM shard_progress")
    with site.postgres.operator("postgres") as operator:
        operator.execute(f"CREATE DATABASE {name}_backup TEMPLATE {name}".encode())
    site.put(*readings[300:600])
    run_until(site, 600)

    # when the backup takes its place
    with site.postgres.operator("postgres") as operator:
        operator.execute(f"ALTER DATABASE {name} RENAME TO {name}_lost".encode())
        operator.execute(f"ALTER DATABASE {name}_backup RENAME TO {name}".encode())
    assert site.query("SELECT sequence_number FROM shard_progress") == backed_up
    if older_than_the_stream:
        with site.postgres.operator(name) as operator:
            operator.execute(f"SET SESSION AUTHORIZATION {MASTER}".encode())
            assert operator.execute(BEGIN_WITH_THE_OLDEST.encode()).rowcount == 1
    site.put(*readings[600:])
    run_until(site, 700)

    # then all that the stream still had is there, once, and counted once
    site.check_tables(700)
