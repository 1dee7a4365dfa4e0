-- Adding without PostgreSQL's "value out of range: overflow", which would stop a shard for one absurd reading.
-- depends: 0001.tables

CREATE FUNCTION saturating_sum(a double precision, b double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN a IS NULL THEN b
    WHEN b IS NULL THEN a
    WHEN b > 0 AND a > 1.7976931348623157e308::double precision - b THEN 'Infinity'::double precision
    WHEN b < 0 AND a < -1.7976931348623157e308::double precision - b THEN '-Infinity'::double precision
    ELSE a + b END;
