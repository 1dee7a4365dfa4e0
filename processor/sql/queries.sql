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

-- name: watched_points
SELECT id, path, unit FROM point WHERE path ~ %(pattern)s ORDER BY id LIMIT %(limit)s;

-- name: past_readings
-- Of one point, in the order of the key; times in µs since 1970.
SELECT (extract(epoch FROM ts) * 1000000)::bigint, seq, coalesce(number, flag::integer)
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
SELECT (extract(epoch FROM time) * 1000000)::bigint, seq, value
FROM readings
WHERE point = %(point)s AND time >= %(since)s AND time < %(until)s AND quality <> 'bad'
    AND (time, seq) > (%(after)s, %(seq)s)
ORDER BY time, seq LIMIT %(rows)s;

-- name: readable_bounds
SELECT (extract(epoch FROM min(time)) * 1000000)::bigint, (extract(epoch FROM max(time)) * 1000000)::bigint
FROM readings WHERE point = ANY(%(points)s) AND time >= %(since)s AND time < %(until)s;

-- name: alarm_states
SELECT device, rule, version, subjects, states FROM alarm_state WHERE device = ANY(%(devices)s);

-- name: keep_alarm_states
INSERT INTO alarm_state AS s (device, rule, version, subjects, states)
SELECT * FROM unnest(%(devices)s::text[], %(rules)s::integer[], %(versions)s::integer[],
    %(subjects)s::bytea[], %(states)s::bytea[])
ON CONFLICT (device, rule, version) DO UPDATE SET subjects = excluded.subjects, states = excluded.states;

-- name: raise_alarms
INSERT INTO alarm_event (rule, version, point, started_at, raised_at, value, figure, history)
SELECT %(rule)s, %(version)s, * FROM unnest(%(point)s::integer[], %(since)s::timestamptz[], %(at)s::timestamptz[],
    %(value)s::double precision[], %(figure)s::double precision[], %(history)s::boolean[])
ON CONFLICT DO NOTHING;

-- name: clear_alarms
-- What stands and was raised before. Of one point several may be raised and cleared in one batch: each by its own.
UPDATE alarm_event AS e SET ended_at = cleared.at
FROM (
    SELECT * FROM unnest(%(point)s::integer[], %(at)s::timestamptz[], %(history)s::boolean[])
        AS cleared (point, at, history)
) AS cleared
WHERE e.rule = %(rule)s AND e.version = %(version)s AND e.point = cleared.point AND e.history = cleared.history
    AND e.ended_at IS NULL AND e.raised_at <= cleared.at
    AND NOT EXISTS (
        SELECT FROM unnest(%(point)s::integer[], %(at)s::timestamptz[], %(history)s::boolean[])
            AS earlier (point, at, history)
        WHERE earlier.point = e.point AND earlier.history = e.history
            AND earlier.at >= e.raised_at AND earlier.at < cleared.at);

-- name: alarm_versions
-- Every version that may still judge a reading, in their order; times in µs since 1970. One that is over ends
-- where the next begins, also where that one judges nothing.
SELECT rule, version, path, definition::text, enabled AND NOT removed, since, until
FROM (
    SELECT *, (extract(epoch FROM applies_from) * 1000000)::bigint AS since,
        (extract(epoch FROM lead(applies_from) OVER (PARTITION BY rule ORDER BY version)) * 1000000)::bigint AS until
    FROM alarm_rule_version
) AS versions
WHERE until IS NULL OR until > (extract(epoch FROM now() - make_interval(days => %(days)s)) * 1000000)::bigint
ORDER BY rule, version;
