-- What the audit asks PostgreSQL, by name; local/audit.py loads it.

-- name: rows
-- The bytes of local/identity.py, and when each row was committed (0: too long ago for PostgreSQL to know).
-- A negative seq is no counter but the processor's hash in its place, which is what is audited.
COPY (
    SELECT
        decode(md5(
            convert_to(p.path, 'UTF8') || '/'::bytea
            || int8send((extract(epoch FROM r.ts) * 1000000)::bigint)
            || CASE WHEN r.seq >= 0 THEN int8send(r.seq) ELSE ''::bytea END
            || CASE
                WHEN r.number IS NOT NULL THEN 'n'::bytea || float8send(r.number + 0.0::double precision)
                WHEN r.flag IS NOT NULL THEN CASE WHEN r.flag THEN 't'::bytea ELSE 'f'::bytea END
                WHEN r.text IS NOT NULL THEN 's'::bytea || convert_to(r.text, 'UTF8')
                ELSE '0'::bytea END
            || convert_to(coalesce(r.extra ->> 'value', ''), 'UTF8')
            || CASE WHEN r.status IS NULL THEN ''::bytea ELSE int8send(r.status) END
            || set_byte('\x00'::bytea, 0, r.quality)
        ), 'hex'),
        coalesce(extract(epoch FROM pg_xact_commit_timestamp(r.xmin))::double precision, 0)
    FROM millrace.reading r JOIN millrace.point p ON p.id = r.point
    WHERE p.path = ANY(%(paths)s) AND r.ts BETWEEN %(first)s AND %(last)s
) TO STDOUT (FORMAT binary)

-- name: quarantined
SELECT shard, sequence_number::text, index FROM millrace.quarantine
WHERE stream = %(stream)s AND quarantined_at >= %(since)s AND sub_sequence = 0

-- name: rollup_difference
-- By how many readings the rollups differ from the rows that they sum up, over the hours that were touched.
WITH counted AS (
    SELECT point, date_trunc('minute', ts, 'UTC') AS bucket, count(*) AS n
    FROM millrace.reading
    WHERE point IN (SELECT id FROM millrace.point WHERE path = ANY(%(paths)s))
        AND ts >= %(first_hour)s AND ts < %(end_hour)s
    GROUP BY 1, 2
), summed AS (
    SELECT '1m' AS span, point, bucket, n FROM counted
    UNION ALL
    SELECT '1h', point, date_trunc('hour', bucket, 'UTC'), sum(n) FROM counted GROUP BY 2, 3
), rollups AS (
    SELECT '1m' AS span, point, bucket, n FROM millrace.rollup_1m
    UNION ALL
    SELECT '1h', point, bucket, n FROM millrace.rollup_1h
), ours AS (
    SELECT * FROM rollups
    WHERE point IN (SELECT id FROM millrace.point WHERE path = ANY(%(paths)s))
        AND bucket >= %(first_hour)s AND bucket < %(end_hour)s
)
SELECT coalesce(sum(abs(coalesce(summed.n, 0) - coalesce(ours.n, 0))), 0)::bigint
FROM summed FULL JOIN ours USING (span, point, bucket)
