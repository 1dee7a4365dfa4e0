-- What the detectors remember, with the readings that taught them: written in the transaction of each batch.
-- depends: 0020.alarm_rules

CREATE TABLE alarm_state (
    device text NOT NULL,
    rule integer NOT NULL,
    version integer NOT NULL,
    subjects bytea NOT NULL,
    states bytea NOT NULL,
    PRIMARY KEY (device, rule, version)
) WITH (fillfactor = 50); -- updated at every batch: room for it on its page
ALTER TABLE alarm_state ALTER subjects SET STORAGE MAIN, ALTER states SET STORAGE MAIN;
COMMENT ON TABLE alarm_state IS 'of all points of a device under one version of a rule; processor/alarms/memory.py packs it';
COMMENT ON COLUMN alarm_state.subjects IS 'eight bytes each: twice the point''s number, and one more where it is history';
COMMENT ON COLUMN alarm_state.states IS 'of each subject, as many bytes as the kind of rule takes';

GRANT SELECT, INSERT, UPDATE ON alarm_state TO millrace_writer;
