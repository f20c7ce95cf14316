-- Who may do what in Vigil's database, where it is not the embedded one. Run by a superuser in that database, as often as
-- you like; passwords come from the environment, so that they are in no list of processes and in no history:
--
--   createdb vigil
--   VIGIL_OWNER_PASSWORD=… VIGIL_DATABASE_PASSWORD=… GRAFANA_DATABASE_PASSWORD=… psql -d vigil -f roles.sql
--
--   vigil_owner  owns the database and the schema: migrations, and TimescaleDB's refreshes. Settings: database.owner_dsn
--   vigil        archives and keeps house, and cannot change the schema. Settings: database.dsn
--   grafana      sees the views of the schema `board`, and can change nothing
--
-- None is a superuser. compose.yaml runs this when its database is made; to change a password there, put the new one into
-- .env, `docker compose up --detach`, and run it again.
\set ON_ERROR_STOP on
\getenv owner_password VIGIL_OWNER_PASSWORD
\getenv vigil_password VIGIL_DATABASE_PASSWORD
\getenv grafana_password GRAFANA_DATABASE_PASSWORD

-- The migrations use it where it is there.
SELECT 'CREATE EXTENSION IF NOT EXISTS timescaledb' FROM pg_available_extensions WHERE name = 'timescaledb' \gexec

SELECT format('CREATE ROLE %I NOLOGIN', name)
  FROM (VALUES ('vigil_owner'), ('vigil'), ('grafana'), ('vigil_writer'), ('vigil_reader')) AS wanted (name)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE vigil_owner LOGIN PASSWORD :'owner_password';
ALTER ROLE vigil LOGIN PASSWORD :'vigil_password';
ALTER ROLE grafana LOGIN PASSWORD :'grafana_password' CONNECTION LIMIT 20;

ALTER DATABASE :"DBNAME" OWNER TO vigil_owner;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"DBNAME" TO vigil;
GRANT CONNECT ON DATABASE :"DBNAME" TO grafana;

GRANT vigil_writer TO vigil;
GRANT vigil_reader TO grafana;
ALTER ROLE grafana SET default_transaction_read_only = on;
-- A panel that asks for too much must not keep the archive from writing.
ALTER ROLE grafana SET statement_timeout = '30s';
ALTER ROLE grafana SET idle_in_transaction_session_timeout = '60s';
