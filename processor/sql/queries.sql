-- Every statement of the processor, by name; processor/queries.py loads them.

-- name: take_turn
-- Whether this session has, or has just got, the right to read the stream. The server frees it with the session.
SELECT pg_try_advisory_lock(hashtextextended('millrace.turn ' || %(stream)s::text, 0));

-- name: take_shard
-- The next epoch of a shard for a new owner, and the position to go on from.
INSERT INTO shard_progress (stream, shard, epoch) VALUES (%(stream)s, %(shard)s, 1)
ON CONFLICT (stream, shard) DO UPDATE SET epoch = shard_progress.epoch + 1, updated_at = clock_timestamp()
RETURNING epoch, sequence_number;

-- name: advance_shard
-- The fence, compared as numbers (as text, 9 would follow 10): no row when a later owner has raised the epoch, or when this position is already reached.
UPDATE shard_progress
SET sequence_number = %(sequence_number)s::text, lag_ms = %(lag_ms)s, updated_at = clock_timestamp(),
    arrived_at = to_timestamp(%(arrived)s::double precision)
WHERE stream = %(stream)s AND shard = %(shard)s AND epoch = %(epoch)s
    AND (sequence_number IS NULL OR sequence_number::numeric < %(sequence_number)s::text::numeric);

-- name: shard_position
SELECT epoch, sequence_number FROM shard_progress
WHERE stream = %(stream)s AND shard = %(shard)s;

-- name: add_points
-- In the order of their paths, so that two writers that meet wait for one another and never for each other.
-- Both ways to write a point with two units end in one row: the first.
INSERT INTO point (path, unit, type)
SELECT DISTINCT ON (path) path, unit, type
FROM unnest(%(paths)s::text[], %(units)s::text[], %(types)s::text[]) AS new (path, unit, type)
WHERE NOT EXISTS (SELECT FROM point WHERE point.path = new.path)
ORDER BY path, unit
ON CONFLICT (path) DO NOTHING;

-- name: describe_points
UPDATE point
SET unit = coalesce(point.unit, new.unit), type = CASE point.type WHEN 'unknown' THEN new.type ELSE point.type END
FROM (
    SELECT DISTINCT ON (path) path, unit, type
    FROM unnest(%(paths)s::text[], %(units)s::text[], %(types)s::text[]) AS given (path, unit, type)
    ORDER BY path, unit
) AS new
WHERE point.path = new.path
    AND (point.unit IS NULL AND new.unit IS NOT NULL OR point.type = 'unknown' AND new.type <> 'unknown');

-- name: find_points
SELECT path, id, unit FROM point WHERE path = ANY(%(paths)s);

-- name: ensure_partitions
SELECT ensure_partitions(%(days)s::date[]);

-- name: insert_readings
-- The ordinals of the rows that were really inserted; the others stood there already.
WITH given AS (
    SELECT * FROM unnest(
        %(point)s::integer[], %(ts)s::timestamptz[], %(seq)s::bigint[], %(number)s::double precision[],
        %(quality)s::smallint[], %(kind)s::smallint[], %(status)s::bigint[], %(text)s::text[], %(extra)s::text[]
    ) WITH ORDINALITY AS given (point, ts, seq, number, quality, kind, status, text, extra, place)
), inserted AS (
    INSERT INTO reading (point, ts, seq, number, flag, text, quality, status, extra, ingested_at)
    SELECT point, ts, seq, CASE WHEN kind = 0 THEN number END, CASE WHEN kind = 1 THEN number <> 0 END,
        text, quality, nullif(status, -1), extra::jsonb, clock_timestamp()
    FROM given
    ON CONFLICT (point, ts, seq) DO NOTHING
    RETURNING point, ts, seq
)
SELECT coalesce(array_agg(given.place), '{}') FROM inserted JOIN given USING (point, ts, seq);

-- name: add_rollups
-- Sums saturate: PostgreSQL would raise an error where two finite doubles add up to infinity, and block the shard.
INSERT INTO {table} AS r (point, bucket, n, n_bad, sum, sumsq, min, max, first, last, first_at, last_at)
SELECT point, bucket, n, n_bad, nullif(sum, 'NaN'), CASE WHEN n > n_bad THEN sumsq END, nullif(min, 'NaN'), nullif(max, 'NaN'),
    nullif(first, 'NaN'), nullif(last, 'NaN'), CASE WHEN n > n_bad THEN first_at END, CASE WHEN n > n_bad THEN last_at END
FROM unnest(
    %(point)s::integer[], %(bucket)s::timestamptz[], %(n)s::bigint[], %(n_bad)s::bigint[],
    %(sum)s::double precision[], %(sumsq)s::double precision[], %(min)s::double precision[],
    %(max)s::double precision[], %(first)s::double precision[], %(last)s::double precision[],
    %(first_at)s::timestamptz[], %(last_at)s::timestamptz[]
) AS new (point, bucket, n, n_bad, sum, sumsq, min, max, first, last, first_at, last_at)
ON CONFLICT (point, bucket) DO UPDATE SET
    n = r.n + excluded.n,
    n_bad = r.n_bad + excluded.n_bad,
    sum = saturating_sum(r.sum, excluded.sum),
    sumsq = saturating_sum(r.sumsq, excluded.sumsq),
    min = least(r.min, excluded.min),
    max = greatest(r.max, excluded.max),
    -- Of two readings at the first (last) timestamp, the smaller (greater) value: independent of their order.
    first = CASE
        WHEN excluded.first_at < r.first_at OR r.first_at IS NULL THEN excluded.first
        WHEN excluded.first_at = r.first_at THEN least(r.first, excluded.first)
        ELSE r.first END,
    last = CASE
        WHEN excluded.last_at > r.last_at OR r.last_at IS NULL THEN excluded.last
        WHEN excluded.last_at = r.last_at THEN greatest(r.last, excluded.last)
        ELSE r.last END,
    first_at = least(r.first_at, excluded.first_at),
    last_at = greatest(r.last_at, excluded.last_at);

-- name: add_refused
INSERT INTO quarantine
    (stream, shard, sequence_number, sub_sequence, index, reason, detail, payload, arrived_at, partition_key)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, to_timestamp(%s), %s)
ON CONFLICT DO NOTHING;

-- name: known_shards
-- What is known of every shard of a stream; times in seconds since 1970.
SELECT shard, sequence_number, extract(epoch FROM arrived_at)::double precision,
    extract(epoch FROM seen_at)::double precision, ended_at IS NOT NULL
FROM shard_progress WHERE stream = %(stream)s;

-- name: note_progress
-- No row when a later owner has raised the epoch.
UPDATE shard_progress
SET seen_at = greatest(seen_at, to_timestamp(%(seen_at)s::double precision)),
    ended_at = CASE WHEN %(ended)s THEN coalesce(ended_at, clock_timestamp()) ELSE ended_at END,
    updated_at = clock_timestamp()
WHERE stream = %(stream)s AND shard = %(shard)s AND epoch = %(epoch)s;

-- name: add_gap
-- Once, however often the transaction is tried.
INSERT INTO stream_gap (stream, shard, after_sequence_number, from_at, before_sequence_number, to_at, reason)
VALUES (%(stream)s, %(shard)s, %(after)s, to_timestamp(%(from_at)s::double precision),
    %(before)s, to_timestamp(%(to_at)s::double precision), %(reason)s)
ON CONFLICT DO NOTHING;

-- name: leave_position
-- The record at the position is no more. Of a stream that is no more, what comes now is not compared with it.
UPDATE shard_progress
SET sequence_number = CASE WHEN NOT %(remade)s THEN sequence_number END, arrived_at = NULL, ended_at = NULL
WHERE stream = %(stream)s AND shard = %(shard)s AND epoch = %(epoch)s;

-- name: quarantined
-- The next rows of a replay, as many as some bytes hold and one at least; a payload that is not among them is not read.
SELECT shard, sequence_number, sub_sequence, index, reason, detail, payload,
    extract(epoch FROM arrived)::double precision, partition_key
FROM (
    SELECT *, sum(octet_length(payload)) OVER (ORDER BY shard, sequence_number, sub_sequence, index)
        - octet_length(payload) AS before
    FROM (
        SELECT *, coalesce(arrived_at, quarantined_at) AS arrived
        FROM quarantine
        WHERE stream = %(stream)s AND quarantined_at < %(began)s
            AND (shard, sequence_number, sub_sequence, index)
                > (%(shard)s, %(sequence_number)s, %(sub_sequence)s, %(index)s)
            AND (%(reasons)s::text[] IS NULL OR reason = ANY(%(reasons)s))
            AND (%(only)s::text IS NULL OR shard = %(only)s)
            AND coalesce(arrived_at, quarantined_at) >= coalesce(%(since)s::timestamptz, '-infinity')
            AND coalesce(arrived_at, quarantined_at) < coalesce(%(until)s::timestamptz, 'infinity')
        ORDER BY shard, sequence_number, sub_sequence, index
        LIMIT %(rows)s
    ) AS page
) AS sized
WHERE before < %(bytes)s
ORDER BY shard, sequence_number, sub_sequence, index;

-- name: forget_refused
DELETE FROM quarantine USING unnest(
    %(shards)s::text[], %(sequence_numbers)s::text[], %(sub_sequences)s::bigint[], %(indexes)s::integer[]
) AS settled (shard, sequence_number, sub_sequence, index)
WHERE quarantine.stream = %(stream)s AND quarantine.shard = settled.shard
    AND quarantine.sequence_number = settled.sequence_number
    AND quarantine.sub_sequence = settled.sub_sequence AND quarantine.index = settled.index;

-- name: count_missing
-- How many readings of one day a replay would insert. The bounds name the partition: the others are not locked.
SELECT count(*) FROM (
    SELECT DISTINCT path, ts, seq
    FROM unnest(%(paths)s::text[], %(ts)s::timestamptz[], %(seq)s::bigint[]) AS given (path, ts, seq)
) AS given
WHERE NOT EXISTS (
    SELECT FROM point JOIN reading ON reading.point = point.id
    WHERE point.path = given.path AND reading.ts = given.ts AND reading.seq = given.seq
        AND reading.ts >= %(first)s::timestamptz AND reading.ts < %(next)s::timestamptz);

-- name: positions
SELECT shard, sequence_number FROM shard_progress WHERE stream = %(stream)s AND sequence_number IS NOT NULL;

-- name: moment
SELECT clock_timestamp();

-- name: seconds
-- Since 1970.
SELECT extract(epoch FROM clock_timestamp())::double precision;

-- Retention (processor/retention.py). The functions are the owner's, and know the days themselves.

-- name: take_retention
-- One process at a time; the server frees it with the session.
SELECT pg_try_advisory_lock(hashtextextended('millrace.retention', 0));

-- name: free_retention
SELECT pg_advisory_unlock(hashtextextended('millrace.retention', 0));

-- name: expired_days
SELECT expired_days();

-- name: drop_readings
SELECT drop_readings(%(day)s);

-- name: last_point
SELECT coalesce(max(id), 0) FROM point;

-- name: drop_rollups
SELECT drop_rollups(%(first)s, %(last)s);

-- name: drop_refused
SELECT drop_refused();

-- Migrations (processor/migrate.py). By their full names: the migrator's login has the same search_path, a person's may not.

-- name: applied_migrations
SELECT migration_id FROM millrace._yoyo_migration;

-- name: days_kept
SELECT what, days FROM millrace.retention;

-- name: keep_days
INSERT INTO millrace.retention AS r (what, days) VALUES (%(what)s, %(days)s)
ON CONFLICT (what) DO UPDATE SET days = excluded.days, changed_at = now() WHERE r.days <> excluded.days;

-- The engine's child (processor/engine/past.py).

-- name: take_past
-- One process at a time reads the rest of a closed shard; the server frees it with the session.
SELECT pg_try_advisory_lock(hashtextextended('millrace.past ' || %(stream)s::text || ' ' || %(shard)s::text, 0));

-- name: free_past
SELECT pg_advisory_unlock(hashtextextended('millrace.past ' || %(stream)s::text || ' ' || %(shard)s::text, 0));

-- A turn that goes from one session of a process to the next (processor/turn.py).

-- name: await_turn
-- Ends with lock_timeout when nobody frees it.
SELECT pg_advisory_lock(hashtextextended('millrace.turn ' || %(stream)s::text, 0));

-- name: queues_for_turn
SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %(pid)s AND locktype = 'advisory' AND NOT granted);

-- Rules of alarms (processor/alarms/rules.py).

-- name: alarm_rules
-- The newest version of each that is not removed.
SELECT id, name, version, path, newest.definition::text, newest.enabled, applies_from
FROM alarm_rule JOIN (
    SELECT DISTINCT ON (rule) * FROM alarm_rule_version ORDER BY rule, version DESC
) AS newest ON newest.rule = alarm_rule.id
WHERE NOT newest.removed
ORDER BY name;

-- name: alarm_rule
-- Its number and newest version, removed or not.
SELECT id, coalesce(max(v.version), 0)
FROM alarm_rule LEFT JOIN alarm_rule_version AS v ON v.rule = id
WHERE name = %(name)s GROUP BY id;

-- name: name_alarm_rule
INSERT INTO alarm_rule (name, definition) VALUES (%(name)s, '{}') ON CONFLICT (name) DO NOTHING;

-- name: write_alarm_rule
-- No row when somebody else has written the same version meanwhile.
INSERT INTO alarm_rule_version (rule, version, path, definition, enabled, removed, applies_from)
VALUES (%(rule)s, %(version)s, %(path)s, %(definition)s::text::jsonb, %(enabled)s, %(removed)s,
    clock_timestamp() + make_interval(secs => %(ahead)s))
ON CONFLICT DO NOTHING
RETURNING applies_from;

-- name: hold_shards
-- Until the end of the transaction nobody begins with one.
LOCK TABLE shard_progress IN SHARE MODE;

-- name: a_shard
SELECT FROM shard_progress LIMIT 1;

-- name: watched_points
SELECT id, path, unit FROM point WHERE path ~ %(pattern)s ORDER BY id LIMIT %(limit)s;

-- name: past_readings
-- Of one point, in the order of the key; times in µs since 1970. When a reading reached the stream is not kept:
-- it was stored some moments later.
SELECT (extract(epoch FROM ts) * 1000000)::bigint, seq, coalesce(number, flag::integer),
    (extract(epoch FROM ingested_at) * 1000000)::bigint
FROM reading
WHERE point = %(point)s AND ts >= %(since)s AND ts < %(until)s AND quality <> 0
    AND (ts, seq) > (%(after)s, %(seq)s)
ORDER BY ts, seq LIMIT %(rows)s;

-- name: past_bounds
SELECT (extract(epoch FROM min(ts)) * 1000000)::bigint, (extract(epoch FROM max(ts)) * 1000000)::bigint
FROM reading WHERE point = ANY(%(points)s) AND ts >= %(since)s AND ts < %(until)s;

-- name: readable_points
-- These three: the same of the views, for a login that may read them and nothing else.
SELECT point, path, unit FROM points WHERE path ~ %(pattern)s ORDER BY point LIMIT %(limit)s;

-- name: readable_readings
SELECT (extract(epoch FROM time) * 1000000)::bigint, seq, value, (extract(epoch FROM ingested_at) * 1000000)::bigint
FROM readings
WHERE point = %(point)s AND time >= %(since)s AND time < %(until)s AND quality <> 'bad'
    AND (time, seq) > (%(after)s, %(seq)s)
ORDER BY time, seq LIMIT %(rows)s;

-- name: readable_bounds
SELECT (extract(epoch FROM min(time)) * 1000000)::bigint, (extract(epoch FROM max(time)) * 1000000)::bigint
FROM readings WHERE point = ANY(%(points)s) AND time >= %(since)s AND time < %(until)s;

-- name: alarm_states
SELECT device, rule, version, subjects, states FROM alarm_state
WHERE device = ANY(%(devices)s)
    AND (rule, version) IN (SELECT * FROM unnest(%(rules)s::integer[], %(versions)s::integer[]));

-- name: take_alarm_states
-- Those that spoke in another shard before: its owner can write them no more, and finds them by asking anew.
WITH moved AS (
    SELECT device, rule, version FROM alarm_state
    WHERE device = ANY(%(devices)s) AND (stream <> %(stream)s OR shard <> %(shard)s)
    ORDER BY device, rule, version FOR UPDATE
)
UPDATE alarm_state AS s SET stream = %(stream)s, shard = %(shard)s FROM moved
WHERE s.device = moved.device AND s.rule = moved.rule AND s.version = moved.version;

-- name: keep_alarm_states
-- None that another shard has taken meanwhile: what was judged did not know what that one wrote.
-- In the order in which those who tell silences lock the rows, or the two might wait for one another.
INSERT INTO alarm_state AS s (stream, shard, device, rule, version, subjects, states, due)
SELECT %(stream)s::text, %(shard)s::text, given.*
FROM unnest(%(devices)s::text[], %(rules)s::integer[], %(versions)s::integer[],
    %(subjects)s::bytea[], %(states)s::bytea[], %(due)s::bigint[]
) AS given (device, rule, version, subjects, states, due)
ORDER BY device, rule, version
ON CONFLICT (device, rule, version) DO UPDATE
SET stream = excluded.stream, shard = excluded.shard, subjects = excluded.subjects, states = excluded.states,
    due = excluded.due
WHERE s.shard IS NULL OR s.stream = excluded.stream AND s.shard = excluded.shard;

-- name: raise_alarms
-- What is raised anew within one moment is one alarm, which stands again. An alarm of the present is never
-- taken for one of history that was raised by the same readings.
INSERT INTO alarm_event AS e (rule, version, point, started_at, raised_at, ended_at, value, figure, history)
SELECT DISTINCT ON (rule, point, since, version)
    rule, version, point, since, at, CASE WHEN NOT stands THEN ended END, value, figure, history
FROM unnest(
    %(rule)s::integer[], %(version)s::integer[], %(point)s::integer[], %(since)s::timestamptz[],
    %(at)s::timestamptz[], %(ended)s::timestamptz[], %(stands)s::boolean[], %(value)s::double precision[],
    %(figure)s::double precision[], %(history)s::boolean[]
) AS given (rule, version, point, since, at, ended, stands, value, figure, history)
ORDER BY rule, point, since, version, history
ON CONFLICT (rule, point, started_at, version) DO UPDATE SET
    raised_at = CASE WHEN e.history = excluded.history THEN e.raised_at ELSE excluded.raised_at END,
    value = CASE WHEN e.history = excluded.history THEN e.value ELSE excluded.value END,
    figure = CASE WHEN e.history = excluded.history THEN e.figure ELSE excluded.figure END,
    ended_at = excluded.ended_at,
    history = excluded.history
WHERE e.history >= excluded.history;

-- name: clear_alarms
-- What stands; of one version and point it is one.
UPDATE alarm_event AS e SET ended_at = cleared.at
FROM unnest(
    %(rule)s::integer[], %(version)s::integer[], %(point)s::integer[], %(at)s::timestamptz[], %(history)s::boolean[]
) AS cleared (rule, version, point, at, history)
WHERE e.rule = cleared.rule AND e.version = cleared.version AND e.point = cleared.point
    AND e.history = cleared.history AND e.ended_at IS NULL;

-- name: hold_shard
-- No row when a later owner has raised the epoch; none raises it before the transaction has ended.
SELECT FROM shard_progress
WHERE stream = %(stream)s AND shard = %(shard)s AND epoch = %(epoch)s FOR NO KEY UPDATE;

-- name: silence_versions
-- Each version of a rule that looks for silence, and when it ends, where the next begins; in µs since 1970. Not
-- one that was over before any record was put which a stream still has.
SELECT rule, version, definition::text, coalesce(until, %(last)s)
FROM (
    SELECT *, (extract(epoch FROM lead(applies_from) OVER (PARTITION BY rule ORDER BY version)) * 1000000)::bigint AS until
    FROM alarm_rule_version
) AS versions
WHERE definition ->> 'kind' = 'silence'
    AND (until IS NULL OR until > (extract(epoch FROM now() - make_interval(days => %(days)s)) * 1000000)::bigint);

-- name: shards_left
-- Those that are over, and in which some device spoke last.
SELECT shard FROM shard_progress AS p
WHERE stream = %(stream)s AND ended_at IS NOT NULL
    -- In the index's order: else the whole table is read to find that there is none.
    AND (
        SELECT s.rule FROM alarm_state AS s WHERE s.stream = p.stream AND s.shard = p.shard
        ORDER BY s.stream, s.shard, s.rule, s.version LIMIT 1
    ) IS NOT NULL;

-- name: lapsed_states
-- What becomes silent by then, of devices that spoke last in these shards, and all of versions that are over by
-- then: looked at once more. Times in µs since 1970. Locked in the order in which batches write, or the two might
-- wait for one another.
SELECT s.device, s.rule, s.version, s.subjects, s.states, seen.seen
FROM unnest(%(shards)s::text[], %(seen)s::bigint[]) AS seen (shard, seen)
CROSS JOIN unnest(%(rules)s::integer[], %(versions)s::integer[], %(until)s::bigint[]) AS v (rule, version, until)
JOIN alarm_state AS s
    ON s.stream = %(stream)s AND s.shard = seen.shard AND s.rule = v.rule AND s.version = v.version
WHERE s.shard = ANY(%(shards)s::text[]) -- once more: for the index
    AND (s.due <= seen.seen AND s.due < v.until OR v.until <= seen.seen)
ORDER BY s.device, s.rule, s.version
LIMIT %(most)s
FOR UPDATE OF s;

-- name: a_lapsed_state
-- Whether there is one; nothing is locked.
SELECT
FROM unnest(%(shards)s::text[], %(seen)s::bigint[]) AS seen (shard, seen)
CROSS JOIN unnest(%(rules)s::integer[], %(versions)s::integer[], %(until)s::bigint[]) AS v (rule, version, until)
JOIN alarm_state AS s
    ON s.stream = %(stream)s AND s.shard = seen.shard AND s.rule = v.rule AND s.version = v.version
WHERE s.shard = ANY(%(shards)s::text[]) -- once more: for the index
    AND (s.due <= seen.seen AND s.due < v.until OR v.until <= seen.seen)
LIMIT 1;

-- name: keep_lapsed_states
-- What nobody needs to look at again is in no shard: `over`.
UPDATE alarm_state AS s
SET states = new.states, due = new.due, shard = CASE WHEN NOT new.over THEN s.shard END
FROM unnest(%(devices)s::text[], %(rules)s::integer[], %(versions)s::integer[],
    %(states)s::bytea[], %(due)s::bigint[], %(over)s::boolean[]
) AS new (device, rule, version, states, due, over)
WHERE s.device = new.device AND s.rule = new.rule AND s.version = new.version;

-- name: alarm_versions
-- Every version that may judge what arrived since then, in their order; times in µs since 1970. One that is over ends
-- where the next begins, also where that one judges nothing.
SELECT rule, version, path, definition::text, enabled AND NOT removed, since, until
FROM (
    SELECT *, (extract(epoch FROM applies_from) * 1000000)::bigint AS since,
        (extract(epoch FROM lead(applies_from) OVER (PARTITION BY rule ORDER BY version)) * 1000000)::bigint AS until
    FROM alarm_rule_version
) AS versions
WHERE until IS NULL OR until > %(reached)s
ORDER BY rule, version;

-- Who is told of alarms (processor/alarms/outbox.py), by one notifier at a time.

-- name: take_notices
-- The server frees it with the session.
SELECT pg_try_advisory_lock(hashtextextended('millrace.notices', 0));

-- name: free_notices
SELECT pg_advisory_unlock(hashtextextended('millrace.notices', 0));

-- name: end_with_rules
-- What a version of a rule raised ends where the next begins; once an alarm. What a batch or a person holds is
-- for the next time, so this waits for nobody.
WITH lapsing AS (
    SELECT e.rule, e.point, e.started_at, e.version, next.applies_from
    FROM alarm_event AS e
    JOIN alarm_rule_version AS next ON next.rule = e.rule AND next.version = e.version + 1
    WHERE e.ended_at IS NULL AND NOT e.history AND NOT e.lapsed AND next.applies_from <= %(now)s
    FOR NO KEY UPDATE OF e SKIP LOCKED
), lapsed AS (
    UPDATE alarm_event AS e SET lapsed = true FROM lapsing AS l
    WHERE (e.rule, e.point, e.started_at, e.version) = (l.rule, l.point, l.started_at, l.version)
    RETURNING e.rule, e.point, e.started_at, e.version, l.applies_from
)
INSERT INTO alarm_change (rule, point, started_at, version, change, at, site)
SELECT e.rule, e.point, e.started_at, e.version, 'cleared', e.applies_from, p.enterprise || '/' || p.site
FROM lapsed AS e JOIN point AS p ON p.id = e.point
ON CONFLICT DO NOTHING;

-- name: unsettled_changes
-- The oldest, each with its alarm as it stands now; `raises`: of the same rule and point within an hour before.
SELECT c.id, c.change, c.at, c.written_at, raises.at,
    a.number, a.rule_number, a.rule, a.version, a.definition::text, a.point, a.path, a.unit, a.since,
    coalesce(a.raised_at, a.since), a.cleared_at, a.lapses, a.value, a.figure, a.acknowledged_at, a.acknowledged_by
FROM (SELECT * FROM alarm_change WHERE settled_at IS NULL ORDER BY id LIMIT %(most)s) AS c
JOIN alarms AS a ON (a.rule_number, a.point, a.since, a.version) = (c.rule, c.point, c.started_at, c.version)
LEFT JOIN LATERAL (
    SELECT array_agg(h.at ORDER BY h.at) AS at FROM alarm_change AS h
    WHERE c.change = 'raised' AND h.rule = c.rule AND h.point = c.point AND h.change = 'raised'
        AND h.at > c.at - %(hour)s::interval AND h.at <= c.at
) AS raises ON true
ORDER BY c.id;

-- name: flapping_alarms
SELECT rule, point, last_at FROM alarm_flapping;

-- name: calm_alarms
-- That flapped, and were not raised since `until`; each as its last alarm stands now.
SELECT f.since, f.raises,
    a.number, a.rule_number, a.rule, a.version, a.definition::text, a.point, a.path, a.unit, a.since,
    coalesce(a.raised_at, a.since), a.cleared_at, a.lapses, a.value, a.figure, a.acknowledged_at, a.acknowledged_by
FROM alarm_flapping AS f
JOIN LATERAL (
    SELECT started_at, version FROM alarm_event AS o WHERE o.rule = f.rule AND o.point = f.point AND NOT o.history
    ORDER BY o.started_at DESC, o.version DESC LIMIT 1
) AS last ON true
JOIN alarms AS a ON (a.rule_number, a.point, a.since, a.version) = (f.rule, f.point, last.started_at, last.version)
WHERE f.last_at <= %(until)s
ORDER BY f.last_at;

-- name: told_by_site
-- Messages of single alarms since then.
SELECT site, count(*) FROM alarm_notice
WHERE composed_at > %(since)s AND kind IN ('alarm', 'flapping', 'calm') GROUP BY site;

-- name: floods
SELECT site, since, told_at FROM alarm_flood;

-- name: settle_changes
UPDATE alarm_change SET settled_at = %(now)s, outcome = %(outcome)s, notice = %(notice)s
WHERE id = ANY(%(ids)s) AND settled_at IS NULL;

-- name: settle_all_changes
UPDATE alarm_change SET settled_at = %(now)s, outcome = %(outcome)s WHERE settled_at IS NULL;

-- name: note_flapping
INSERT INTO alarm_flapping AS f (rule, point, site, since, raises, last_at)
VALUES (%(rule)s, %(point)s, %(site)s, %(since)s, %(raises)s, %(last_at)s)
ON CONFLICT (rule, point) DO UPDATE
SET raises = f.raises + excluded.raises, last_at = greatest(f.last_at, excluded.last_at);

-- name: forget_flapping
DELETE FROM alarm_flapping WHERE rule = %(rule)s AND point = %(point)s;

-- name: note_flood
INSERT INTO alarm_flood (site, since, told_at) VALUES (%(site)s, %(since)s, %(told_at)s)
ON CONFLICT (site) DO UPDATE SET told_at = excluded.told_at;

-- name: forget_flood
DELETE FROM alarm_flood WHERE site = %(site)s;

-- name: held_of_site
-- By rule and device, what no message of the flood has told yet; the most raised first.
SELECT r.name, p.area || '/' || p.line || '/' || p.cell || '/' || p.device,
    count(*) FILTER (WHERE c.change = 'raised'), count(*) FILTER (WHERE c.change = 'cleared'),
    count(*) FILTER (WHERE c.change = 'acknowledged'), min(c.written_at)
FROM alarm_change AS c JOIN alarm_rule AS r ON r.id = c.rule JOIN point AS p ON p.id = c.point
WHERE c.site = %(site)s AND c.outcome = 'held' AND c.notice IS NULL
GROUP BY 1, 2 ORDER BY 3 DESC, 4 DESC, 1, 2;

-- name: count_held
SELECT count(*) FROM alarm_change WHERE site = %(site)s AND outcome = 'held' AND settled_at > %(since)s;

-- name: tell_held
UPDATE alarm_change SET notice = %(notice)s WHERE site = %(site)s AND outcome = 'held' AND notice IS NULL;

-- name: add_notice
INSERT INTO alarm_notice (id, kind, site, rule, subject, body, document, composed_at, oldest_at)
VALUES (%(id)s, %(kind)s, %(site)s, %(rule)s, %(subject)s, %(body)s, %(document)s::json, %(now)s, %(oldest_at)s);

-- name: unsent_notices
-- In their order. One that SNS would not have is tried again every few minutes, and keeps none that follows.
SELECT id, kind, site, rule, subject, body, document::text FROM alarm_notice
WHERE sent_at IS NULL AND (refused IS NULL OR tried_at < %(now)s::timestamptz - %(rest)s::interval)
ORDER BY place LIMIT 100;

-- name: claim_notice
-- Counted before it is sent. No row: another notifier has sent it.
UPDATE alarm_notice SET attempts = attempts + 1, tried_at = clock_timestamp()
WHERE id = %(id)s AND sent_at IS NULL RETURNING attempts;

-- name: mark_notice_sent
UPDATE alarm_notice SET sent_at = clock_timestamp(), message_id = %(message)s, refused = NULL
WHERE id = %(id)s AND sent_at IS NULL;

-- name: mark_notice_refused
UPDATE alarm_notice SET refused = %(why)s WHERE id = %(id)s AND sent_at IS NULL;

-- name: oldest_untold
SELECT extract(epoch FROM clock_timestamp() - least(
    (SELECT min(written_at) FROM alarm_change WHERE settled_at IS NULL),
    (SELECT min(oldest_at) FROM alarm_notice WHERE sent_at IS NULL)))::double precision;

-- name: standing_alarms
-- Of all sites that ever had one (or of one), the newest first; where none stands there is a row without an alarm.
WITH RECURSIVE sites AS (
    (SELECT site FROM alarm_change ORDER BY site LIMIT 1)
    UNION ALL
    SELECT (SELECT c.site FROM alarm_change AS c WHERE c.site > s.site ORDER BY c.site LIMIT 1)
    FROM sites AS s WHERE s.site IS NOT NULL
), standing AS (
    SELECT c.site, c.id, r.name, p.path, p.unit, e.started_at, coalesce(e.raised_at, e.started_at) AS raised_at,
        e.value, e.figure, e.acknowledged_at, e.acknowledged_by
    FROM alarm_event AS e
    JOIN alarm_rule AS r ON r.id = e.rule
    JOIN point AS p ON p.id = e.point
    JOIN alarm_change AS c
        ON (c.rule, c.point, c.started_at, c.version, c.change) = (e.rule, e.point, e.started_at, e.version, 'raised')
    WHERE e.ended_at IS NULL AND NOT e.history AND NOT e.lapsed AND NOT EXISTS (
        SELECT FROM alarm_rule_version AS v
        WHERE v.rule = e.rule AND v.version = e.version + 1 AND v.applies_from <= %(now)s)
        AND (%(site)s::text IS NULL OR c.site = %(site)s::text)
    ORDER BY e.raised_at DESC LIMIT %(most)s
)
SELECT sites.site, id, name, path, unit, started_at, raised_at, value, figure, acknowledged_at, acknowledged_by
FROM sites LEFT JOIN standing USING (site)
WHERE sites.site IS NOT NULL
ORDER BY sites.site, raised_at DESC;

-- name: count_standing
SELECT count(*) FROM alarm_event AS e JOIN point AS p ON p.id = e.point
WHERE e.ended_at IS NULL AND NOT e.history AND NOT e.lapsed AND NOT EXISTS (
    SELECT FROM alarm_rule_version AS v
    WHERE v.rule = e.rule AND v.version = e.version + 1 AND v.applies_from <= %(now)s)
    AND (%(site)s::text IS NULL OR p.enterprise || '/' || p.site = %(site)s::text);

-- name: alarm_list
-- The newest first; times of the readings.
SELECT number, rule, path, unit, since, coalesce(raised_at, since), cleared_at, standing, value, history,
    acknowledged_at, acknowledged_by
FROM alarms
WHERE (NOT %(standing)s OR standing AND NOT history)
    AND (%(pattern)s::text IS NULL OR path ~ %(pattern)s::text)
    AND (%(name)s::text IS NULL OR rule = %(name)s::text)
ORDER BY since DESC, rule, path LIMIT %(most)s;

-- name: standing_alarm
-- The number of the one that stands of this rule and point.
SELECT c.id
FROM alarm_event AS e
JOIN alarm_rule AS r ON r.id = e.rule
JOIN point AS p ON p.id = e.point
JOIN alarm_change AS c
    ON (c.rule, c.point, c.started_at, c.version, c.change) = (e.rule, e.point, e.started_at, e.version, 'raised')
WHERE r.name = %(name)s AND p.path = %(path)s AND e.ended_at IS NULL AND NOT e.history AND NOT e.lapsed
ORDER BY e.version DESC, e.started_at DESC LIMIT 1;

-- name: acknowledge_alarm
SELECT acknowledge_alarm(%(number)s, %(by)s);
