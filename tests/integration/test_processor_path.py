"""The whole path: what is put into the stream lies in PostgreSQL and Redis, once."""

import json
import signal
import time
from typing import Any

PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"


def reading(value: object, *, seconds: float = 0, **more: object) -> dict[str, object]:
    return {"path": PATH, "ts": int(time.time() * 1000 + seconds * 1000), "value": value, **more}


def test_readings_of_every_kind_are_stored_and_shown(site: Any) -> None:
    # Given an envelope, a bare reading, a CloudEvents document, and one bad reading among good ones
    now = int(time.time() * 1000)
    site.put(
        {"v": 1, "src": "gw-7", "readings": [reading(1.5, unit="Cel"), {**reading(2.5), "ts": now + 1}]},
        {**reading(True), "path": PATH.replace("spindle_temp", "running")},
        {**reading("idle", q=0x40920000), "path": PATH.replace("spindle_temp", "mode"), "batch": "B-7"},
        {"specversion": "1.0", "id": "1", "source": "gw", "type": "r", "data": reading(3.5, seconds=1)},
        {
            "readings": [
                reading(9, seconds=2),
                {"path": "wrong", "ts": now, "value": 1},
                reading([], seconds=3),
            ]
        },
        b'{"path":"%s","ts":%d,"value":NaN}' % (PATH.encode(), now + 5000),
        b"\xff\xfe not a document \0",
    )

    # When the processor runs
    port = site.free_port()
    process = site.start(HEALTH_PORT=port)
    site.wait(lambda: site.one("SELECT count(*) FROM quarantine") == 3)

    # Then the good ones are stored by type, the others are in the quarantine with their reason
    numbers = site.query("SELECT number FROM reading WHERE number IS NOT NULL ORDER BY number")
    assert numbers == [(1.5,), (2.5,), (3.5,), (9.0,)]
    assert site.query("SELECT flag FROM reading WHERE flag IS NOT NULL") == [(True,)]
    assert site.query("SELECT text, quality, status, extra FROM reading WHERE text IS NOT NULL") == [
        ("idle", 64, 0x40920000, {"batch": "B-7"})
    ]
    assert site.query("SELECT quality, extra FROM reading WHERE num_nulls(number, flag, text) = 3") == [
        (0, {"value": "NaN"})
    ]
    assert site.query("SELECT index, reason FROM quarantine ORDER BY sequence_number, index") == [
        (1, "path"),
        (2, "malformed"),
        (-1, "undecodable"),
    ]
    assert site.one("SELECT payload FROM quarantine WHERE index = -1") == b"\xff\xfe not a document \0"
    assert (
        site.one(
            "SELECT count(*) FROM quarantine WHERE abs(extract(epoch FROM arrived_at) * 1000 - %s) < 60000",
            now,
        )
        == 3
    )
    assert site.query("SELECT sum(n), sum(n_bad), sum(sum), min(min), max(max) FROM rollup_1h") == [
        (7, 2, 17.5, 1.0, 9.0)
    ]
    assert site.query("SELECT unit, device, type FROM point WHERE path = %s", PATH) == [
        ("Cel", "m17", "number")
    ]

    # And the newest by their own time are shown
    client = site.cache.client()
    site.wait(lambda: client.hlen("latest:acme/lon1/press/line2/cell4/m17") == 3)
    stamp, document = client.hget("latest:acme/lon1/press/line2/cell4/m17", "spindle_temp").split(b" ", 1)
    client.close()
    assert json.loads(document) == {"ts": int(stamp) // 1000, "value": None, "q": 0, "unit": None}

    # And the container's check finds it healthy
    assert site.health(HEALTH_PORT=port) == 0

    # And SIGTERM ends it in good order
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
