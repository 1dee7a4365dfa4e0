-- What judging a refused reading again needs, and no more rights on the points than the writer uses.
-- depends: 0001.tables

ALTER TABLE quarantine ADD COLUMN arrived_at timestamptz;
COMMENT ON COLUMN quarantine.arrived_at IS
    'when the record reached the stream: the age of a reading is measured from here, whenever it is judged';

-- A point keeps its number and its path for ever, and its limits are set by people.
REVOKE INSERT, UPDATE ON point FROM millrace_writer;
GRANT INSERT (path, unit, type), UPDATE (unit, type) ON point TO millrace_writer;
