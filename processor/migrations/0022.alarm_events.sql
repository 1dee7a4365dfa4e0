-- The life of an alarm: raised, acknowledged, cleared.
-- depends: 0021.alarm_states

ALTER TABLE alarm_event
    ADD COLUMN version integer,
    ADD COLUMN raised_at timestamptz,
    ADD COLUMN figure double precision,
    ADD COLUMN history boolean NOT NULL DEFAULT false,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text;
COMMENT ON COLUMN alarm_event.version IS 'of the rule, by which it was raised';
COMMENT ON COLUMN alarm_event.started_at IS 'since when it was so, by the readings'' time';
COMMENT ON COLUMN alarm_event.raised_at IS 'when it had been so for the on-delay, by the readings'' time';
COMMENT ON COLUMN alarm_event.ended_at IS 'when it was cleared, by the readings'' time; null: it stands';
COMMENT ON COLUMN alarm_event.value IS 'of the reading with which it became known';
COMMENT ON COLUMN alarm_event.figure IS 'what the detector judged: the value, a rate an hour, seconds, or a score';
COMMENT ON COLUMN alarm_event.history IS 'raised by readings that are history: nobody is told';

CREATE INDEX alarm_event_standing ON alarm_event (rule, point) WHERE ended_at IS NULL;
