"""Who may do what in the database, whole: what the rotation grants and what the migrations grant.

`rotation/grants.py` has the roles' rights on the database and the schema. Rights on what migrations make are
theirs to give, in SQL; here each of them is written down a second time, so that one too many is seen.
A migration that grants something needs its row here.
"""

from dataclasses import dataclass

from rotation.credentials import ALL_USERS
from rotation.grants import GRANTS, OWNER, READER, SCHEMA, WRITER, group_of

PUBLIC = "PUBLIC"


@dataclass(frozen=True)
class Right:
    """One privilege of one role on one thing; `thing` is TABLE, COLUMN, FUNCTION, SCHEMA or DATABASE."""

    role: str
    privilege: str
    thing: str
    name: str


# role, privileges, tables and views
ON_TABLES = (
    (WRITER, "SELECT INSERT UPDATE", "rollup_1m rollup_1h shard_progress alarm_event alarm_state"),
    (WRITER, "SELECT INSERT", "reading stream_gap"),
    (WRITER, "SELECT INSERT DELETE", "quarantine"),
    (WRITER, "SELECT", "point alarm_rule alarm_rule_version alarms retention _yoyo_migration"),
    (WRITER, "SELECT INSERT UPDATE", "alarm_change alarm_notice"),
    (WRITER, "SELECT INSERT UPDATE DELETE", "alarm_flood alarm_flapping"),
    (READER, "SELECT", "points readings latest_readings minutes hours refusals refusals_by_reason"),
    (READER, "SELECT", "shards storage_by_day alarms notices _yoyo_migration"),
)
# role, privileges, table, columns: a point keeps its number and its path for ever
ON_COLUMNS = (
    (WRITER, "INSERT", "point", "path unit type"),
    (WRITER, "UPDATE", "point", "unit type"),
    (WRITER, "INSERT", "alarm_rule", "name definition"),
    (WRITER, "INSERT", "alarm_rule_version", "rule version path definition enabled removed applies_from"),
)
# role, functions: PUBLIC's do what anybody could write, and nobody without the schema reaches them
ON_FUNCTIONS = (
    (WRITER, "ensure_partitions drop_readings drop_rollups drop_refused acknowledge_alarm"),
    (PUBLIC, "saturating_sum mean_of stddev_of days_kept reading_days expired_days"),
)
# Functions that read a table with their caller's rights, not their owner's.
READ_AS_CALLER = {"days_kept": "retention", "expired_days": "retention"}
# Nobody but the owner may do anything to these, nor to a day of readings.
THE_OWNERS = (
    "_yoyo_log _yoyo_version point_id_seq alarm_rule_id_seq alarm_change_id_seq alarm_notice_place_seq"
    " note_raised note_changed"
)

MEMBERS = {(user, group_of(user)) for user in ALL_USERS}


def rights(database: str) -> set[Right]:
    """Every right there is in the database but the owners' own."""
    place = {"DATABASE": database, "SCHEMA": SCHEMA}
    found = {Right(grant.role, grant.privilege, grant.on, place[grant.on]) for grant in GRANTS}
    for role, privileges, names in ON_TABLES:
        found |= {Right(role, one, "TABLE", name) for one in privileges.split() for name in names.split()}
    for role, privilege, table, columns in ON_COLUMNS:
        found |= {Right(role, privilege, "COLUMN", f"{table}.{column}") for column in columns.split()}
    for role, functions in ON_FUNCTIONS:
        found |= {Right(role, "EXECUTE", "FUNCTION", name) for name in functions.split()}
    return found


__all__ = [
    "MEMBERS",
    "OWNER",
    "PUBLIC",
    "READER",
    "READ_AS_CALLER",
    "THE_OWNERS",
    "WRITER",
    "Right",
    "rights",
]
