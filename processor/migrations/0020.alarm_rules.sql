-- What is watched for, as versions: nothing is changed or removed, so each alarm can be told by what it was raised.
-- The newest version of a rule whose time has come judges; `alarm_rule` is its name and its number.
-- depends: 0001.tables

CREATE TABLE alarm_rule_version (
    rule integer NOT NULL REFERENCES alarm_rule (id),
    version integer NOT NULL CHECK (version > 0),
    path text NOT NULL CHECK (path ~ '^[A-Za-z0-9_.*?-]{1,64}(/[A-Za-z0-9_.*?-]{1,64}){6}$'),
    definition jsonb NOT NULL,
    enabled boolean NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    applies_from timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    written_by text NOT NULL DEFAULT session_user,
    PRIMARY KEY (rule, version)
);
COMMENT ON TABLE alarm_rule_version IS 'rules of alarms; the newest version whose time has come judges';
COMMENT ON COLUMN alarm_rule_version.path IS 'which points: seven levels, * any characters of a level, ? one';
COMMENT ON COLUMN alarm_rule_version.applies_from IS 'what reaches the stream from then on is judged by it';
COMMENT ON COLUMN alarm_rule.definition IS 'not used: alarm_rule_version has each version''s';
COMMENT ON COLUMN alarm_rule.enabled IS 'not used: alarm_rule_version has each version''s';

GRANT SELECT ON alarm_rule_version TO millrace_writer;
GRANT INSERT (rule, version, path, definition, enabled, removed, applies_from) ON alarm_rule_version TO millrace_writer;
GRANT INSERT (name, definition) ON alarm_rule TO millrace_writer;
