-- How long rows are kept, and the only ways by which they go. Who runs the migrations writes the days down
-- (processor/migrate.py); who calls these functions cannot choose them, so a stolen login of the writer
-- shortens nothing. Without a row nothing goes.
-- depends: 0001.tables 0002.partitions

CREATE TABLE retention (
    what text PRIMARY KEY CHECK (what IN ('reading', 'rollup_1m', 'rollup_1h', 'quarantine')),
    days integer NOT NULL CHECK (days BETWEEN 1 AND 36500),
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE retention IS 'days that rows are kept, as the environment''s parameters say; a table without a row keeps all';
GRANT SELECT ON retention TO millrace_writer;

CREATE FUNCTION days_kept(what text) RETURNS interval
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT make_interval(days => r.days) FROM millrace.retention AS r WHERE r.what = days_kept.what);

CREATE FUNCTION reading_days() RETURNS SETOF date
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'millrace.reading'::regclass
    ORDER BY 1
$$;
COMMENT ON FUNCTION reading_days() IS 'the UTC days that have a partition of reading';

CREATE FUNCTION expired_days() RETURNS SETOF date
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
    SELECT d FROM millrace.reading_days() AS d
    WHERE (d + 1)::timestamptz <= now() - millrace.days_kept('reading')
    ORDER BY d
$$;
COMMENT ON FUNCTION expired_days() IS 'days that may be dropped unless something was ingested into them since; none without a period';

-- One day. False when it stays: it is too young, holds what was ingested within the period, or is gone.
-- DETACH … CONCURRENTLY would wait for nobody, but "cannot be run in a transaction block", so in no function:
-- https://www.postgresql.org/docs/18/sql-altertable.html. What is left takes an ACCESS EXCLUSIVE lock on
-- reading for a moment, and gives up rather than have a COPY wait behind it: lock_timeout is less than
-- deadlock_timeout, so where a batch and this wait for each other it is this that goes.
CREATE FUNCTION drop_readings(day date) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET lock_timeout = '500ms'
AS $$
DECLARE
    name text := 'reading_' || to_char(day, 'YYYYMMDD');
    recent boolean;
BEGIN
    IF day IS NULL OR NOT EXISTS (SELECT FROM millrace.expired_days() AS d WHERE d = day) THEN
        RETURN false;
    END IF;
    -- A first look disturbs nobody, and is the only one where late history has come: that day is read once more
    -- at each run until its period is over.
    EXECUTE format('SELECT EXISTS (SELECT FROM millrace.%I WHERE ingested_at > now() - millrace.days_kept(''reading''))', name)
        INTO recent;
    IF recent THEN
        RETURN false;
    END IF;
    -- Whoever writes this day now commits first, and is then seen. Readers, and writers of other days, go on.
    EXECUTE format('LOCK TABLE millrace.%I IN SHARE ROW EXCLUSIVE MODE', name);
    EXECUTE format('SELECT EXISTS (SELECT FROM millrace.%I WHERE ingested_at > now() - millrace.days_kept(''reading''))', name)
        INTO recent;
    IF recent THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE millrace.%I', name);
    RETURN true;
END
$$;

-- Some rollups of the points first to last whose period is over, and whose day of readings is gone: never are
-- readings there without their rollups. How many; call again until it says 0.
CREATE FUNCTION drop_rollups(first integer, last integer) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET lock_timeout = '500ms'
AS $$
DECLARE
    present date[] := ARRAY(SELECT millrace.reading_days());
    gone bigint;
    total bigint := 0;
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['rollup_1m', 'rollup_1h'] LOOP
        -- Point by point: the key begins with the point, so each takes one short walk of the index.
        EXECUTE format('
            DELETE FROM millrace.%1$I AS r
            USING generate_series($1, $2) AS p, LATERAL (
                SELECT o.bucket FROM millrace.%1$I AS o
                WHERE o.point = p AND o.bucket < now() - millrace.days_kept(%1$L) - interval ''1 hour''
                    AND o.bucket::date <> ALL ($3)
                ORDER BY o.bucket LIMIT 1500) AS old
            WHERE r.point = p AND r.bucket = old.bucket', one)
            USING first, last, present;
        GET DIAGNOSTICS gone = ROW_COUNT;
        total := total + gone;
    END LOOP;
    RETURN total;
END
$$;

CREATE INDEX quarantine_at ON quarantine (quarantined_at);

-- Some refused readings whose period is over. How many; call again until it says 0.
CREATE FUNCTION drop_refused() RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '500ms'
AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM millrace.quarantine AS q
    WHERE q.ctid = ANY (ARRAY(
        SELECT o.ctid FROM millrace.quarantine AS o
        WHERE o.quarantined_at < now() - millrace.days_kept('quarantine')
        ORDER BY o.quarantined_at LIMIT 5000 FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

REVOKE ALL ON FUNCTION drop_readings(date), drop_rollups(integer, integer), drop_refused() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_readings(date), drop_rollups(integer, integer), drop_refused() TO millrace_writer;
