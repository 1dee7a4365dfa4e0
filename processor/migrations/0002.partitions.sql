-- Daily partitions of reading, made ahead and on demand. The writer may not create tables, so this runs as the owner.
-- depends: 0001.tables

-- A partition is made apart and attached: CREATE TABLE … PARTITION OF would take an ACCESS EXCLUSIVE lock on
-- reading and wait for, or deadlock with, every COPY under way; ATTACH takes SHARE UPDATE EXCLUSIVE.
CREATE FUNCTION ensure_partitions(days date[]) RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
DECLARE
    day date;
    name text;
    made integer := 0;
BEGIN
    IF EXISTS (SELECT FROM unnest(days) AS d
               WHERE d IS NULL OR d < DATE '1990-01-01' OR d > current_date + 400) THEN
        RAISE EXCEPTION 'partitions are made from 1990-01-01 to 400 days ahead' USING ERRCODE = '22023';
    END IF;
    -- One at a time: two callers that make the same day would otherwise collide.
    PERFORM pg_advisory_xact_lock(hashtextextended('millrace.partitions', 0));
    FOR day IN SELECT DISTINCT d FROM unnest(days) AS d ORDER BY d LOOP
        name := 'reading_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('millrace.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE millrace.%I (LIKE millrace.reading INCLUDING ALL)', name);
        EXECUTE format(
            'ALTER TABLE millrace.reading ATTACH PARTITION millrace.%I FOR VALUES FROM (%L) TO (%L)',
            name, day::timestamptz, (day + 1)::timestamptz);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION ensure_partitions(date[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions(date[]) TO millrace_writer;
