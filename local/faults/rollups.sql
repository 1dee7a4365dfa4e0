-- Each bucket that is not what its readings make it: {table} and {unit} are the rollup's.
WITH usable AS (
    SELECT r.*, p.path, CASE WHEN quality <> 0 THEN coalesce(number, flag::int) END AS value
    FROM millrace.reading AS r JOIN millrace.point AS p ON p.id = r.point
    WHERE p.path LIKE %(paths)s
), expected AS (
    SELECT point, date_trunc('{unit}', ts, 'UTC') AS bucket, count(*) AS n, count(*) - count(value) AS n_bad,
        sum(value), sum(value * value) AS sumsq, min(value), max(value),
        (array_agg(value ORDER BY ts, value) FILTER (WHERE value IS NOT NULL))[1] AS first,
        (array_agg(value ORDER BY ts DESC, value DESC) FILTER (WHERE value IS NOT NULL))[1] AS last,
        min(ts) FILTER (WHERE value IS NOT NULL) AS first_at, max(ts) FILTER (WHERE value IS NOT NULL) AS last_at
    FROM usable GROUP BY 1, 2
), kept AS (
    SELECT r.* FROM millrace.{table} AS r JOIN millrace.point AS p ON p.id = r.point WHERE p.path LIKE %(paths)s
)
SELECT path, bucket
FROM expected AS e FULL JOIN kept AS r USING (point, bucket) JOIN millrace.point AS p ON p.id = point
WHERE (e.n, e.n_bad, e.sum, e.sumsq, e.min, e.max, e.first, e.last, e.first_at, e.last_at)
    IS DISTINCT FROM (r.n, r.n_bad, r.sum, r.sumsq, r.min, r.max, r.first, r.last, r.first_at, r.last_at);
