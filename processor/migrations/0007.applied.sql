-- Whether the tables are as new as the code: asked by processors, which may not migrate, and by people.
-- depends: 0006.views

GRANT SELECT ON _yoyo_migration TO millrace_writer, millrace_reader;
