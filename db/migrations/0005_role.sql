-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    role_ text;
BEGIN
    IF NOT (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE NOTICE 'roles marketdata_app and marketdata_grafana are not created: % may not create roles', current_user;
    ELSE
        FOREACH role_ IN ARRAY ARRAY['marketdata_app', 'marketdata_grafana'] LOOP
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_) THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', role_);
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of the cluster was quicker
            END;
        END LOOP;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_app') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO marketdata_app', current_schema());
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO marketdata_app', current_schema());
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO marketdata_app', current_schema());
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO marketdata_app', current_schema());
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO marketdata_app', current_schema());
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_grafana') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO marketdata_grafana', current_schema());
        GRANT SELECT ON instrument, instrument_alias, tracked_interval, series, series_coverage, bar, bar_revision, bar_withdrawal,
            load, corporate_action, ingest_job, ingest_job_series, ingest_job_state, ingest_chunk, quarantined_bar, rate_bucket, provider_gate, rate_usage TO marketdata_grafana;
        BEGIN
            ALTER ROLE marketdata_grafana SET statement_timeout = '30s';
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'statement_timeout of marketdata_grafana is not set: % may not alter the role', current_user;
        WHEN internal_error THEN NULL;  -- another database of the cluster sets it at this moment
        END;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_app') THEN
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON TABLES FROM marketdata_app', current_schema());
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM marketdata_app, marketdata_grafana', current_schema());
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM marketdata_app', current_schema());
        EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %I FROM marketdata_app', current_schema());
        EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM marketdata_app, marketdata_grafana', current_schema());
    END IF;
END $$;
-- +goose StatementEnd
