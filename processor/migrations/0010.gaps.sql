-- Until when a shard was read, and what the stream no longer held when it was read on.
-- depends: 0001.tables

ALTER TABLE shard_progress
    ADD COLUMN arrived_at timestamptz,
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN ended_at timestamptz;
COMMENT ON COLUMN shard_progress.arrived_at IS 'when the record at sequence_number reached the stream';
COMMENT ON COLUMN shard_progress.seen_at IS 'when the shard was last seen read to its tip; noted at most once a minute';
COMMENT ON COLUMN shard_progress.ended_at IS 'when the end of a closed shard was stored';

CREATE TABLE stream_gap (
    stream text NOT NULL,
    shard text NOT NULL,
    after_sequence_number text CHECK (after_sequence_number ~ '^[0-9]+$'),
    from_at timestamptz,
    before_sequence_number text CHECK (before_sequence_number ~ '^[0-9]+$'),
    to_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason IN ('expired', 'remade')),
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (from_at <= to_at),
    UNIQUE NULLS NOT DISTINCT (stream, shard, after_sequence_number, from_at)
);
COMMENT ON TABLE stream_gap IS
    'records that reached the stream between from_at and to_at and may have been lost; all before and after are stored';
COMMENT ON COLUMN stream_gap.after_sequence_number IS 'the last record stored before the gap; null: none of this shard';
COMMENT ON COLUMN stream_gap.from_at IS 'until then all was stored; null: a version before this table did not note it';
COMMENT ON COLUMN stream_gap.before_sequence_number IS 'the first record stored after the gap; null: none had come';
COMMENT ON COLUMN stream_gap.reason IS
    'expired: an outage longer than the stream''s retention; remade: the stream was deleted and made again';

GRANT SELECT, INSERT ON stream_gap TO millrace_writer;
