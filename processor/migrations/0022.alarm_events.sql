-- The life of an alarm: raised, acknowledged, cleared.
-- depends: 0021.alarm_states
-- contracts: the key of alarm_event of 0001, which has been empty until now: no release before this wrote to it

ALTER TABLE alarm_event
    ADD COLUMN version integer NOT NULL,
    ADD COLUMN raised_at timestamptz,
    ADD COLUMN figure double precision,
    ADD COLUMN history boolean NOT NULL DEFAULT false,
    ADD COLUMN lapsed boolean NOT NULL DEFAULT false,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text,
    DROP CONSTRAINT alarm_event_pkey,
    -- A version begins anew, so the next one may raise what the one before did, since the same moment.
    ADD PRIMARY KEY (rule, point, started_at, version);
COMMENT ON COLUMN alarm_event.version IS 'of the rule, by which it was raised';
COMMENT ON COLUMN alarm_event.started_at IS 'since when it was so, by the readings'' time';
COMMENT ON COLUMN alarm_event.raised_at IS 'when it had been so for the on-delay, by the readings'' time';
COMMENT ON COLUMN alarm_event.ended_at IS 'when it was cleared, by the readings'' time; null: it stands';
COMMENT ON COLUMN alarm_event.value IS 'of the reading with which it became known';
COMMENT ON COLUMN alarm_event.figure IS 'what the detector judged: the value, a rate an hour, seconds, or a score';
COMMENT ON COLUMN alarm_event.history IS 'raised by readings that are history: nobody is told';
COMMENT ON COLUMN alarm_event.lapsed IS 'it stood when its rule was changed, and who is told has been told that it ended so';

CREATE INDEX alarm_event_standing ON alarm_event (rule, point) WHERE ended_at IS NULL; -- what a reading clears
-- What stands for people. History that ends hot, and what has ended with its version, is never cleared by a
-- reading, and would be read for ever by whoever looks.
CREATE INDEX alarm_event_present ON alarm_event (rule, version) WHERE ended_at IS NULL AND NOT history AND NOT lapsed;

-- What people read. A version of a rule ends where the next begins, and with it what it raised: that is known
-- from the versions, so nobody can forget to write it down. `lapsed` comes later, and this does not look at it.
CREATE VIEW alarms AS
SELECT r.name AS rule, e.version, p.path, p.enterprise, p.site, p.area, p.line, p.cell, p.device, p.metric,
    e.started_at AS since, e.raised_at, least(e.ended_at, v.until) AS cleared_at,
    coalesce(least(e.ended_at, v.until) > now(), true) AS standing,
    e.value, e.figure, e.history, e.acknowledged_at, e.acknowledged_by, e.point
FROM alarm_event AS e
JOIN alarm_rule AS r ON r.id = e.rule
JOIN point AS p ON p.id = e.point
LEFT JOIN (
    SELECT rule, version, lead(applies_from) OVER (PARTITION BY rule ORDER BY version) AS until
    FROM alarm_rule_version
) AS v ON v.rule = e.rule AND v.version = e.version;
COMMENT ON VIEW alarms IS 'each alarm that a rule has raised, and whether it stands';
COMMENT ON COLUMN alarms.rule IS 'the rule''s name';
COMMENT ON COLUMN alarms.version IS 'of the rule, by which it was raised';
COMMENT ON COLUMN alarms.path IS 'the point, its seven levels in one';
COMMENT ON COLUMN alarms.enterprise IS 'first level of the path';
COMMENT ON COLUMN alarms.site IS 'second level';
COMMENT ON COLUMN alarms.area IS 'third level';
COMMENT ON COLUMN alarms.line IS 'fourth level';
COMMENT ON COLUMN alarms.cell IS 'fifth level';
COMMENT ON COLUMN alarms.device IS 'sixth level';
COMMENT ON COLUMN alarms.metric IS 'seventh level';
COMMENT ON COLUMN alarms.since IS 'since when it was so, by the readings'' time';
COMMENT ON COLUMN alarms.raised_at IS 'when it had been so for the on-delay';
COMMENT ON COLUMN alarms.cleared_at IS 'when it was well again for the off-delay, or the rule was changed';
COMMENT ON COLUMN alarms.standing IS 'whether it is not cleared';
COMMENT ON COLUMN alarms.value IS 'of the reading with which it became known';
COMMENT ON COLUMN alarms.figure IS 'what was judged: the value, a rate an hour, seconds, or how many widths away';
COMMENT ON COLUMN alarms.history IS 'raised by readings that are history';
COMMENT ON COLUMN alarms.acknowledged_at IS 'when somebody took it on';
COMMENT ON COLUMN alarms.acknowledged_by IS 'who';
COMMENT ON COLUMN alarms.point IS 'the point''s number';

GRANT SELECT ON alarms TO millrace_reader;
