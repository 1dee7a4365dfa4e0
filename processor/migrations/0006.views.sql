-- What people read: plain names, units said, one column for a value. docs/queries.md asks them.
-- The reader sees these and no table; the role is there before any migration runs (rotation/roles.py).
-- depends: 0005.retention

CREATE VIEW points AS
SELECT id AS point, path, enterprise, site, area, line, cell, device, metric, type, unit, low, high, created_at
FROM point;

CREATE VIEW readings AS
SELECT p.path, p.enterprise, p.site, p.area, p.line, p.cell, p.device, p.metric,
    r.ts AS time, coalesce(r.number, r.flag::integer) AS value, r.text,
    CASE r.quality WHEN 192 THEN 'good' WHEN 64 THEN 'uncertain' ELSE 'bad' END AS quality,
    coalesce(r.extra ->> 'unit', p.unit) AS unit, r.status, r.seq, r.ingested_at, r.extra, r.point
FROM reading AS r JOIN point AS p ON p.id = r.point;

CREATE VIEW latest_readings AS
SELECT p.path, p.enterprise, p.site, p.area, p.line, p.cell, p.device, p.metric,
    r.ts AS time, coalesce(r.number, r.flag::integer) AS value, r.text,
    CASE r.quality WHEN 192 THEN 'good' WHEN 64 THEN 'uncertain' WHEN 0 THEN 'bad' END AS quality,
    coalesce(r.extra ->> 'unit', p.unit) AS unit, now() - r.ts AS age, p.id AS point
FROM point AS p
LEFT JOIN LATERAL (
    SELECT * FROM reading WHERE reading.point = p.id ORDER BY reading.ts DESC, reading.seq DESC LIMIT 1) AS r ON true;

-- Sums are kept, so that a late reading only adds: mean and deviation are made when they are asked for. Where a
-- sum has left the range of a double, or its square would, there is no mean to be had, and no error either.
CREATE FUNCTION mean_of(n bigint, sum double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN n > 0 AND abs(sum) < 'Infinity' THEN sum / n END;

CREATE FUNCTION stddev_of(n bigint, sum double precision, sumsq double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN n > 0 AND sumsq < 'Infinity' AND abs(sum) < 1e150
    THEN sqrt(greatest(0, sumsq / n - (sum / n) * (sum / n))) END;

CREATE VIEW minutes AS
SELECT p.path, p.enterprise, p.site, p.area, p.line, p.cell, p.device, p.metric,
    r.bucket AS time, r.n, r.n_bad, mean_of(r.n - r.n_bad, r.sum) AS mean,
    stddev_of(r.n - r.n_bad, r.sum, r.sumsq) AS stddev, r.min, r.max, r.first, r.last, r.sum, p.unit, r.point
FROM rollup_1m AS r JOIN point AS p ON p.id = r.point;

CREATE VIEW hours AS
SELECT p.path, p.enterprise, p.site, p.area, p.line, p.cell, p.device, p.metric,
    r.bucket AS time, r.n, r.n_bad, mean_of(r.n - r.n_bad, r.sum) AS mean,
    stddev_of(r.n - r.n_bad, r.sum, r.sumsq) AS stddev, r.min, r.max, r.first, r.last, r.sum, p.unit, r.point
FROM rollup_1h AS r JOIN point AS p ON p.id = r.point;

CREATE VIEW refusals AS
SELECT quarantined_at AS time, reason, detail, stream, shard, sequence_number, sub_sequence, index, arrived_at,
    octet_length(payload) AS bytes
FROM quarantine;

CREATE VIEW refusals_by_reason AS
SELECT reason, count(*) AS readings, min(quarantined_at) AS first, max(quarantined_at) AS last,
    count(*) FILTER (WHERE quarantined_at > now() - interval '1 day') AS last_day,
    (array_agg(detail ORDER BY quarantined_at DESC))[1] AS latest_detail
FROM quarantine GROUP BY reason;

CREATE VIEW shards AS
SELECT stream, shard, lag_ms / 1000.0 AS lag_seconds, updated_at AS stored_at, now() - updated_at AS silent_for,
    sequence_number, epoch
FROM shard_progress;

CREATE VIEW storage_by_day AS
SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day, greatest(c.reltuples, 0)::bigint AS readings,
    pg_total_relation_size(c.oid) AS bytes
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'reading'::regclass;

COMMENT ON VIEW points IS 'every point ever seen, one row each';
COMMENT ON VIEW readings IS 'every reading; always ask for a path (or point) and a span of time, or all days are read';
COMMENT ON VIEW latest_readings IS 'each point''s newest reading; empty columns where all of its readings are past their period';
COMMENT ON VIEW minutes IS 'each point''s minutes that have readings; bad readings count in n_bad and in nothing else';
COMMENT ON VIEW hours IS 'as minutes, by the hour';
COMMENT ON VIEW refusals IS 'readings that were refused and wait in the quarantine, without what was sent';
COMMENT ON VIEW refusals_by_reason IS 'the quarantine, one row a reason';
COMMENT ON VIEW shards IS 'how far each shard of the stream is stored';
COMMENT ON VIEW storage_by_day IS 'the days of readings that are kept, and what they take';

DO $$
DECLARE
    one record;
    said text;
    meaning CONSTANT jsonb := '{
        "point": "number of the point; what the indexes begin with",
        "path": "enterprise/site/area/line/cell/device/metric",
        "enterprise": "first level of the path", "site": "second level of the path",
        "area": "third level of the path", "line": "fourth level of the path",
        "cell": "fifth level of the path", "device": "sixth level of the path",
        "metric": "last level of the path",
        "type": "number, flag, text, or unknown until the first value",
        "unit": "unit of the value as its device says it; empty where it never did",
        "low": "the plant''s own lower limit, in the unit", "high": "the plant''s own upper limit, in the unit",
        "created_at": "when the point was first seen",
        "readings.time": "when the device measured", "latest_readings.time": "when the device measured",
        "minutes.time": "when the minute begins, UTC", "hours.time": "when the hour begins, UTC",
        "refusals.time": "when the reading was refused",
        "value": "the number; 1 or 0 of a flag; empty for a text or for no value",
        "text": "the value where it is a text",
        "quality": "good, uncertain or bad",
        "status": "the raw quality code where it says more than good, uncertain, bad",
        "seq": "the device''s counter; negative where it sent none",
        "ingested_at": "when the reading was stored: after time by what it took to arrive",
        "extra": "fields beyond the contract, and what was sent where it could not be stored",
        "age": "how long ago the device measured",
        "n": "readings", "n_bad": "those of them that are bad or without a value",
        "mean": "mean of the others; empty where their sum is out of range",
        "stddev": "their standard deviation, of the whole and not of a sample",
        "min": "smallest of them", "max": "greatest of them",
        "minutes.first": "the first of them in time", "minutes.last": "the last of them in time",
        "hours.first": "the first of them in time", "hours.last": "the last of them in time",
        "sum": "sum of them; mean over several rows is sum(sum) / sum(n - n_bad)",
        "reason": "why, in one word", "detail": "the field, what was found, what is allowed",
        "stream": "name of the stream", "shard": "name of the shard",
        "refusals.sequence_number": "the record''s, in the stream",
        "shards.sequence_number": "of the last record that is stored",
        "sub_sequence": "place in an aggregated record", "index": "place in the envelope; -1 for the whole record",
        "arrived_at": "when the record reached the stream", "refusals.bytes": "length of what was sent",
        "refusals_by_reason.readings": "how many wait", "refusals_by_reason.first": "when the oldest was refused",
        "refusals_by_reason.last": "when the newest was refused", "last_day": "how many within 24 hours",
        "latest_detail": "the newest one''s detail",
        "lag_seconds": "how far behind the stream the last batch was, in seconds",
        "stored_at": "when a batch was last stored", "silent_for": "how long ago that was",
        "epoch": "raised by each new owner of the shard",
        "day": "the UTC day", "storage_by_day.readings": "about how many, as last analysed",
        "storage_by_day.bytes": "on disk, indexes and all"}';
BEGIN
    FOR one IN
        SELECT c.relname, a.attname
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'v' AND a.attnum > 0
            AND c.relname IN ('points', 'readings', 'latest_readings', 'minutes', 'hours', 'refusals',
                'refusals_by_reason', 'shards', 'storage_by_day')
    LOOP
        said := coalesce(meaning ->> (one.relname || '.' || one.attname), meaning ->> one.attname);
        IF said IS NULL THEN
            RAISE EXCEPTION 'nothing says what %.% means', one.relname, one.attname;
        END IF;
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', one.relname, one.attname, said);
    END LOOP;
END
$$;

GRANT SELECT ON points, readings, latest_readings, minutes, hours, refusals, refusals_by_reason, shards,
    storage_by_day TO millrace_reader;
