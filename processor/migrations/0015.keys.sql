-- Whose record a refused reading came in, so that it is judged again by the same rule.
-- depends: 0004.arrival

ALTER TABLE quarantine ADD COLUMN partition_key text NOT NULL DEFAULT '';
COMMENT ON COLUMN quarantine.partition_key IS
    'the record''s; a device''s path there binds the readings to that device; empty where it is not known';
