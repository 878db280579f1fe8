-- Roles and databases of the stack. It may be repeated: what is right stays as it is.
\getenv superuser PASSWORD_SUPERUSER
\getenv owner PASSWORD_OWNER
\getenv app PASSWORD_APP
\getenv temporal PASSWORD_TEMPORAL
\getenv grafana PASSWORD_GRAFANA

-- No password goes to the server's log, whatever is logged otherwise.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['marketdata', 'marketdata_app', 'marketdata_grafana', 'temporal']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE postgres PASSWORD :'superuser';
ALTER ROLE marketdata LOGIN PASSWORD :'owner';            -- owns the schema, runs migrations
ALTER ROLE marketdata_app LOGIN PASSWORD :'app';          -- reads and writes
ALTER ROLE marketdata_grafana LOGIN PASSWORD :'grafana';  -- reads, and no raw pages
ALTER ROLE temporal LOGIN PASSWORD :'temporal';           -- has databases of its own
ALTER ROLE marketdata_grafana SET statement_timeout = '30s';
ALTER ROLE marketdata_grafana SET default_transaction_read_only = on;

SELECT format('CREATE DATABASE %I OWNER %I', name, owner)
FROM (VALUES ('marketdata', 'marketdata'), ('temporal', 'temporal'), ('temporal_visibility', 'temporal')) AS wanted (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec

-- Nobody but those named here comes in.
REVOKE ALL ON DATABASE marketdata, temporal, temporal_visibility, postgres, template1 FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE marketdata TO marketdata_app;
GRANT CONNECT ON DATABASE marketdata TO marketdata_grafana;
