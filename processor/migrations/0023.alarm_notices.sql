-- Who is told of an alarm: its changes, written down with them, and the messages in which they are told.
-- depends: 0022.alarm_events
-- contracts: nothing of before: the unique index is of a table that begins here

-- A message, word for word, before it is sent: a second copy, after a kill, is the first one again.
CREATE TABLE alarm_notice (
    id uuid PRIMARY KEY,
    place bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('alarm', 'flapping', 'calm', 'flood', 'flood-over')),
    site text NOT NULL,
    rule text,
    subject text NOT NULL,
    body text NOT NULL,
    document json NOT NULL,
    composed_at timestamptz NOT NULL,
    oldest_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    tried_at timestamptz,
    refused text,
    sent_at timestamptz,
    message_id text
);
COMMENT ON TABLE alarm_notice IS 'messages to people; processor/alarms/notifier.py sends them, at least once each';
COMMENT ON COLUMN alarm_notice.id IS 'stands in the message, so that who gets it twice can tell';
COMMENT ON COLUMN alarm_notice.place IS 'the order in which they are sent';
COMMENT ON COLUMN alarm_notice.rule IS 'the rule''s name, where it is of one';
COMMENT ON COLUMN alarm_notice.document IS 'the same for machines';
COMMENT ON COLUMN alarm_notice.oldest_at IS 'when the first of the changes that it tells was written';
COMMENT ON COLUMN alarm_notice.attempts IS 'counted before each: as many copies there may be, and no more';
COMMENT ON COLUMN alarm_notice.refused IS 'what SNS found wrong with it';
COMMENT ON COLUMN alarm_notice.message_id IS 'by which SNS took it';
CREATE INDEX alarm_notice_unsent ON alarm_notice (place) WHERE sent_at IS NULL;
CREATE INDEX alarm_notice_recent ON alarm_notice (composed_at);

CREATE TABLE alarm_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule integer NOT NULL,
    point integer NOT NULL,
    started_at timestamptz NOT NULL,
    version integer NOT NULL,
    change text NOT NULL CHECK (change IN ('raised', 'acknowledged', 'cleared', 'again')),
    at timestamptz NOT NULL,
    site text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz,
    outcome text CHECK (outcome IN ('told', 'held', 'quiet', 'nobody')),
    notice uuid REFERENCES alarm_notice (id),
    UNIQUE (rule, point, started_at, version, change, at),
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE alarm_change IS 'each change of an alarm of today''s readings, until it is settled who hears of it';
COMMENT ON COLUMN alarm_change.id IS 'of `raised`: the number by which people name the alarm';
COMMENT ON COLUMN alarm_change.change IS 'again: it was cleared, and stands all the same, as it was raised anew in that moment';
COMMENT ON COLUMN alarm_change.at IS 'by the readings'' time; of an acknowledgement by the clock';
COMMENT ON COLUMN alarm_change.site IS 'enterprise/site of the point';
COMMENT ON COLUMN alarm_change.outcome IS
    'told: in a message of its own; held: counted in one of a flood; quiet: the alarm flaps; nobody: no topic was set';
COMMENT ON COLUMN alarm_change.notice IS 'the message that tells it; null while a flood''s next one is not due';
CREATE UNIQUE INDEX alarm_change_raised ON alarm_change (rule, point, started_at, version) WHERE change = 'raised';
CREATE INDEX alarm_change_unsettled ON alarm_change (id) WHERE settled_at IS NULL;
CREATE INDEX alarm_change_held ON alarm_change (site, settled_at) WHERE outcome = 'held'; -- how many of late
CREATE INDEX alarm_change_untold ON alarm_change (site) WHERE outcome = 'held' AND notice IS NULL;
CREATE INDEX alarm_change_site ON alarm_change (site); -- which sites there are

CREATE TABLE alarm_flood (
    site text PRIMARY KEY,
    since timestamptz NOT NULL,
    told_at timestamptz NOT NULL
);
COMMENT ON TABLE alarm_flood IS 'sites where so much changes that a message tells of many; told_at: when the last one did';

CREATE TABLE alarm_flapping (
    rule integer NOT NULL,
    point integer NOT NULL,
    site text NOT NULL,
    since timestamptz NOT NULL,
    raises integer NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (rule, point)
);
COMMENT ON TABLE alarm_flapping IS 'alarms that come and go; nobody is told until an hour has passed since last_at';

-- In the transaction of whoever writes an event, so a change that is stored is one that will be told.
CREATE FUNCTION note_raised() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO millrace.alarm_change (rule, point, started_at, version, change, at, site)
    SELECT n.rule, n.point, n.started_at, n.version, c.change, c.at, p.enterprise || '/' || p.site
    FROM new_event AS n JOIN millrace.point AS p ON p.id = n.point,
        LATERAL (VALUES (1, 'raised', coalesce(n.raised_at, n.started_at)), (2, 'cleared', n.ended_at)) AS c (step, change, at)
    WHERE NOT n.history AND c.at IS NOT NULL
    ORDER BY c.at, n.rule, n.point, n.started_at, n.version, c.step
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_changed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO millrace.alarm_change (rule, point, started_at, version, change, at, site)
    SELECT n.rule, n.point, n.started_at, n.version, c.change, c.at, p.enterprise || '/' || p.site
    FROM new_event AS n
    JOIN old_event AS o USING (rule, point, started_at, version)
    JOIN millrace.point AS p ON p.id = n.point,
        LATERAL (VALUES
            (1, 'raised', o.history, coalesce(n.raised_at, n.started_at)), -- what was of history is of today
            (2, 'acknowledged', o.acknowledged_at IS NULL, n.acknowledged_at),
            -- Of what has ended with its version a record that was read late changes nothing more.
            (3, 'again', n.ended_at IS NULL AND NOT o.history AND NOT o.lapsed, o.ended_at),
            (4, 'cleared', o.history OR o.ended_at IS DISTINCT FROM n.ended_at AND NOT o.lapsed, n.ended_at)
        ) AS c (step, change, news, at)
    WHERE NOT n.history AND c.news AND c.at IS NOT NULL
    ORDER BY n.rule, n.point, n.started_at, n.version, c.step
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER alarm_raised AFTER INSERT ON alarm_event
    REFERENCING NEW TABLE AS new_event FOR EACH STATEMENT EXECUTE FUNCTION note_raised();
CREATE TRIGGER alarm_changed AFTER UPDATE ON alarm_event
    REFERENCING OLD TABLE AS old_event NEW TABLE AS new_event FOR EACH STATEMENT EXECUTE FUNCTION note_changed();

-- Taking an alarm on. A person's login may be granted this and nothing else of writing; who it was is then the
-- login itself. Only the processor's own command, which has one login for everybody, may say a name.
CREATE FUNCTION acknowledge_alarm(number bigint, by text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $$
DECLARE
    who text := session_user;
    one record;
BEGIN
    -- From here on the alarm's row is held, and the batch that would clear it waits, with all of its shard: not for
    -- whoever forgets to commit. Both end with the transaction; servers before PostgreSQL 17 have only the first.
    PERFORM set_config(name, '5s', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout');
    IF by IS NOT NULL THEN
        IF NOT pg_has_role(session_user, 'millrace_writer', 'MEMBER') THEN
            RAISE EXCEPTION 'leave the name out: it is your login, %', session_user USING ERRCODE = '22023';
        END IF;
        IF by !~ '^[^[:cntrl:]]{1,64}$' OR by <> btrim(by) THEN
            RAISE EXCEPTION 'a name is 1 to 64 printable characters' USING ERRCODE = '22023';
        END IF;
        who := by;
    END IF;
    SELECT r.name, p.path, e.rule, e.point, e.started_at, e.version, e.acknowledged_at, e.acknowledged_by,
        least(e.ended_at, (
            SELECT v.applies_from FROM millrace.alarm_rule_version AS v
            WHERE v.rule = e.rule AND v.version = e.version + 1)) AS ends
    INTO one
    FROM millrace.alarm_change AS c
    JOIN millrace.alarm_event AS e USING (rule, point, started_at, version)
    JOIN millrace.alarm_rule AS r ON r.id = e.rule
    JOIN millrace.point AS p ON p.id = e.point
    WHERE c.id = number AND c.change = 'raised'
    FOR UPDATE OF e;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no alarm %: its number stands in the message that told of it, and in `alarms list`', number
            USING ERRCODE = '22023';
    END IF;
    IF one.ends <= now() THEN
        RAISE EXCEPTION 'alarm % (% at %) was cleared at %: there is nothing to take on', number, one.name, one.path,
            to_char(one.ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') USING ERRCODE = '22023';
    END IF;
    IF one.acknowledged_at IS NOT NULL THEN
        RAISE EXCEPTION 'alarm % (% at %) is acknowledged already, by % at %', number, one.name, one.path, one.acknowledged_by,
            to_char(one.acknowledged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') USING ERRCODE = '22023';
    END IF;
    UPDATE millrace.alarm_event AS e SET acknowledged_at = clock_timestamp(), acknowledged_by = who
    WHERE (e.rule, e.point, e.started_at, e.version) = (one.rule, one.point, one.started_at, one.version);
    RETURN format('alarm %s (%s at %s) is acknowledged by %s', number, one.name, one.path, who);
END
$$;
COMMENT ON FUNCTION acknowledge_alarm(bigint, text) IS 'says that you are on it; the number stands in the message';

-- The view of the alarms with what a person is told, and the number by which one is taken on. Versions of a rule
-- are numbered without a gap, so the next one is found by its key, however many alarms there are.
CREATE OR REPLACE VIEW alarms AS
SELECT r.name AS rule, e.version, p.path, p.enterprise, p.site, p.area, p.line, p.cell, p.device, p.metric,
    e.started_at AS since, e.raised_at, least(e.ended_at, next.applies_from) AS cleared_at,
    coalesce(least(e.ended_at, next.applies_from) > now(), true) AS standing,
    e.value, e.figure, e.history, e.acknowledged_at, e.acknowledged_by, e.point,
    c.id AS number, e.rule AS rule_number, p.unit, v.definition,
    coalesce(next.applies_from < coalesce(e.ended_at, 'infinity'), false) AS lapses
FROM alarm_event AS e
JOIN alarm_rule AS r ON r.id = e.rule
JOIN point AS p ON p.id = e.point
LEFT JOIN alarm_rule_version AS v ON v.rule = e.rule AND v.version = e.version
LEFT JOIN alarm_rule_version AS next ON next.rule = e.rule AND next.version = e.version + 1
LEFT JOIN alarm_change AS c
    ON c.rule = e.rule AND c.point = e.point AND c.started_at = e.started_at AND c.version = e.version
    AND c.change = 'raised';
COMMENT ON COLUMN alarms.number IS 'by which people name it, as in acknowledge_alarm; empty of history';
COMMENT ON COLUMN alarms.rule_number IS 'the rule''s number';
COMMENT ON COLUMN alarms.unit IS 'of the value';
COMMENT ON COLUMN alarms.definition IS 'what the rule''s version asks for';
COMMENT ON COLUMN alarms.lapses IS 'whether it ends with its rule''s version, and not by a reading';

CREATE VIEW notices AS
SELECT composed_at AS time, kind, site, rule, subject, body, sent_at, attempts, refused, id
FROM alarm_notice;
COMMENT ON VIEW notices IS 'what people were told of alarms';
COMMENT ON COLUMN notices.time IS 'when it was written';
COMMENT ON COLUMN notices.kind IS 'alarm: of one; flapping: one comes and goes; calm: no more; flood, flood-over: of many';
COMMENT ON COLUMN notices.site IS 'enterprise/site';
COMMENT ON COLUMN notices.rule IS 'the rule''s name, where it is of one';
COMMENT ON COLUMN notices.subject IS 'as sent';
COMMENT ON COLUMN notices.body IS 'as sent';
COMMENT ON COLUMN notices.sent_at IS 'when SNS took it; empty: not yet';
COMMENT ON COLUMN notices.attempts IS 'how often it was tried: as many copies there may be, and no more';
COMMENT ON COLUMN notices.refused IS 'what SNS found wrong with it';
COMMENT ON COLUMN notices.id IS 'stands in the message';

REVOKE ALL ON FUNCTION note_raised(), note_changed(), acknowledge_alarm(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acknowledge_alarm(bigint, text) TO millrace_writer;
GRANT SELECT, INSERT, UPDATE ON alarm_change, alarm_notice TO millrace_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON alarm_flood, alarm_flapping TO millrace_writer;
GRANT SELECT ON alarms TO millrace_writer;
GRANT SELECT ON notices TO millrace_reader;
