-- The tables of readings, their rollups, the quarantine, progress and alarms. Run as millrace_owner with
-- search_path = millrace; the writer gets what it needs and owns nothing.

CREATE TABLE point (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path text NOT NULL UNIQUE CHECK (path ~ '^[A-Za-z0-9_.-]{1,64}(/[A-Za-z0-9_.-]{1,64}){6}$'),
    enterprise text NOT NULL GENERATED ALWAYS AS (split_part(path, '/', 1)) STORED,
    site text NOT NULL GENERATED ALWAYS AS (split_part(path, '/', 2)) STORED,
    area text NOT NULL GENERATED ALWAYS AS (split_part(path, '/', 3)) STORED,
    line text NOT NULL GENERATED ALWAYS AS (split_part(path, '/', 4)) STORED,
    cell text NOT NULL GENERATED ALWAYS AS (split_part(path, '/', 5)) STORED,
    device text NOT NULL GENERATED ALWAYS AS (split_part(path, '/', 6)) STORED,
    metric text NOT NULL GENERATED ALWAYS AS (split_part(path, '/', 7)) STORED,
    type text NOT NULL CHECK (type IN ('number', 'flag', 'text', 'unknown')),
    unit text,
    low double precision,
    high double precision,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN point.unit IS 'as first declared; a reading that says otherwise keeps its own in extra';
COMMENT ON COLUMN point.low IS 'the plant''s own limit, set by people; nothing is refused for it';

-- No foreign key to point: its check would cost more than the row. Points are never deleted.
CREATE TABLE reading (
    ts timestamptz NOT NULL,
    seq bigint NOT NULL,
    number double precision,
    ingested_at timestamptz NOT NULL,
    point integer NOT NULL,
    quality smallint NOT NULL CHECK (quality IN (192, 64, 0)),
    flag boolean,
    status bigint,
    text text,
    extra jsonb,
    PRIMARY KEY (point, ts, seq)
) PARTITION BY RANGE (ts);
COMMENT ON COLUMN reading.seq IS 'the device''s counter; negative: a hash of value and quality in its place';
COMMENT ON COLUMN reading.status IS 'the raw quality code where it says more than the class';
COMMENT ON COLUMN reading.extra IS 'fields the contract does not know, and what was sent where it could not be stored';

CREATE TABLE rollup_1m (
    point integer NOT NULL,
    bucket timestamptz NOT NULL,
    n bigint NOT NULL,
    n_bad bigint NOT NULL,
    sum double precision,
    sumsq double precision,
    min double precision,
    max double precision,
    first double precision,
    last double precision,
    first_at timestamptz,
    last_at timestamptz,
    PRIMARY KEY (point, bucket)
) WITH (fillfactor = 80); -- the newest bucket is updated at every batch: room for it on its page
COMMENT ON TABLE rollup_1m IS
    'n readings, n_bad of them bad or without a value; the rest are over the others: mean = sum / (n - n_bad)';
CREATE TABLE rollup_1h (LIKE rollup_1m INCLUDING ALL) WITH (fillfactor = 80);

CREATE TABLE quarantine (
    stream text NOT NULL,
    shard text NOT NULL,
    sequence_number text NOT NULL,
    sub_sequence bigint NOT NULL,
    index integer NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    payload bytea NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, shard, sequence_number, sub_sequence, index)
);
COMMENT ON COLUMN quarantine.index IS 'the reading''s place in its envelope; -1: the whole record';

CREATE TABLE shard_progress (
    stream text NOT NULL,
    shard text NOT NULL,
    sequence_number text CHECK (sequence_number ~ '^[0-9]+$'),
    epoch bigint NOT NULL,
    lag_ms bigint,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, shard)
) WITH (fillfactor = 50);
COMMENT ON COLUMN shard_progress.sequence_number IS 'as the stream writes it; compare it as numeric';
COMMENT ON COLUMN shard_progress.epoch IS 'raised by each new owner of the shard; an older one can no longer write';

CREATE TABLE alarm_rule (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    definition jsonb NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE alarm_event (
    rule integer NOT NULL REFERENCES alarm_rule (id),
    point integer NOT NULL REFERENCES point (id),
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    value double precision,
    detail jsonb,
    PRIMARY KEY (rule, point, started_at)
);

GRANT SELECT, INSERT, UPDATE ON point, rollup_1m, rollup_1h, shard_progress, alarm_event TO millrace_writer;
GRANT SELECT, INSERT ON reading TO millrace_writer;
GRANT SELECT, INSERT, DELETE ON quarantine TO millrace_writer;
GRANT SELECT ON alarm_rule TO millrace_writer;
