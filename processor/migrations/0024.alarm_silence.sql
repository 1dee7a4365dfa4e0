-- Who is to be told as silent while it is: whoever has a shard must find those that it never hears of.
-- depends: 0022.alarm_events

ALTER TABLE alarm_state
    ADD COLUMN stream text,
    ADD COLUMN shard text,
    ADD COLUMN due bigint;
COMMENT ON COLUMN alarm_state.stream IS 'whose the shard is: shards of all streams are named alike';
COMMENT ON COLUMN alarm_state.shard IS 'in which the device spoke last: who has it tells of the silence; null: the version is over, and all is told';
COMMENT ON COLUMN alarm_state.due IS
    'when the first of its points becomes silent if nothing comes, by arrival, in µs since 1970; null: none will';

-- None of these columns moves with a batch, so its updates stay on their page; `due` does, and is looked at there.
CREATE INDEX alarm_state_shard ON alarm_state (stream, shard, rule, version);
