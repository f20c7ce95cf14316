-- Two roles to be granted to logins, and what they may do. Run by the owner after every migration; it may be run again.
--   vigil_writer: what the archive and the upkeep need. It cannot change the schema.
--   vigil_reader: the views of `board` and nothing else, which is what Grafana is to have.
-- Roles belong to the whole server: databases on one server share them, and each grants its own rights.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['vigil_writer', 'vigil_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server has just made it
            END;
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA vigil TO vigil_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vigil TO vigil_writer;
REVOKE INSERT, UPDATE, DELETE ON vigil.schema_migrations FROM vigil_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA vigil TO vigil_writer;

REVOKE ALL ON ALL TABLES IN SCHEMA vigil FROM vigil_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA vigil FROM vigil_reader;
REVOKE ALL ON SCHEMA vigil FROM vigil_reader;
GRANT USAGE ON SCHEMA board TO vigil_reader, vigil_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA board TO vigil_reader, vigil_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA board TO vigil_reader, vigil_writer;
