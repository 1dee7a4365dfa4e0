"""Sessions renewed under load: who reads goes on reading, and the next one logs in as the secret says."""

import json
import time
from typing import Any

from processor.secret import Credentials
from rotation import roles
from rotation.credentials import Credentials as RotationCredentials
from rotation.database import session, transaction
from tests.integration.turns import load

TAKEN = "SELECT max(epoch) FROM shard_progress"
STORED = "SELECT count(*) FROM reading"
LOGINS = (
    "SELECT usename, pid FROM pg_stat_activity"
    " WHERE application_name = 'millrace-processor' AND datname = current_database()"
)
HELD = (
    "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
)
OFTEN = "0.02"  # minutes


def test_the_turn_stays_with_who_has_it_while_its_sessions_come_and_go(site: Any) -> None:
    # Given a reader and a standby whose sessions live for a second
    ports = [site.free_port(), site.free_port()]
    site.start(HEALTH_PORT=ports[0], SESSION_MINUTES=OFTEN)
    site.wait(lambda: site.one(TAKEN) == 1)
    site.start(HEALTH_PORT=ports[1], SESSION_MINUTES=OFTEN)
    site.wait(lambda: site.state(ports[1]).get("state") == "standby")

    # When readings flow
    holders, logins = set[int](), set[int]()
    with load(site, 20_000):
        while len(holders) < 4:
            holders |= {pid for (pid,) in site.query(HELD)}
            logins |= {pid for _, pid in site.query(LOGINS)}
            time.sleep(0.05)

    # Then the turn was handed from session to session of one process, and the standby had new ones too
    site.wait(lambda: site.one(STORED) == 20_000, 60)
    site.check_tables(20_000)
    assert site.one(TAKEN) == 1
    assert [site.state(port)["state"] for port in ports] == ["reader", "standby"]
    assert len(logins - holders) >= 2
    assert "trying again" not in site.log.read_text()


def test_a_new_session_logs_in_as_who_is_current_by_then(site: Any) -> None:
    # Given a reader that logged in as the first user
    site.start(SESSION_MINUTES=OFTEN)
    site.put(*site.plant(0, 100))
    site.wait(lambda: site.one(STORED) == 100)
    assert {user for user, _ in site.query(LOGINS)} == {"millrace_app"}

    # When the other user of the pair becomes current
    held = site.credentials
    master = RotationCredentials("localhost", held.port, held.dbname, "millrace_master", "the-master's-own")
    with session(master, site.postgres.ca_file) as opened, transaction(opened):
        roles.ensure(opened, {"millrace_app_clone": "next"})
    following = Credentials(held.host, held.port, held.dbname, "millrace_app_clone", "next")
    told = {name: getattr(following, name) for name in following.__struct_fields__}
    site.secrets.put_secret_value(SecretId=site.secret_arn, SecretString=json.dumps(told))

    # Then its sessions are that user's, without an outage, and nothing is left of the first
    site.wait(lambda: {user for user, _ in site.query(LOGINS)} == {"millrace_app_clone"})
    site.put(*site.plant(100, 100))
    site.wait(lambda: site.one(STORED) == 200)
    site.check_tables(200)
    assert "trying again" not in site.log.read_text()
