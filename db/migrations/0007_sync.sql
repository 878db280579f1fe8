-- +goose Up
ALTER TABLE ingest_job ADD COLUMN provider text;
COMMENT ON COLUMN ingest_job.provider IS 'Of a sync: whose series it brings up to date. NULL for a backfill, which may ask several.';
CREATE INDEX ingest_job_open_sync ON ingest_job (provider, "interval") WHERE kind = 'sync' AND closed_at IS NULL;
CREATE INDEX ingest_job_old_sync ON ingest_job (created_at) WHERE kind = 'sync';
CREATE INDEX ingest_job_backfill ON ingest_job (created_at DESC, id DESC) WHERE kind = 'backfill';
DROP INDEX ingest_job_created;

ALTER TABLE ingest_chunk ADD COLUMN is_catchup boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ingest_chunk.is_catchup IS 'Of a sync: it fills an older stretch, beside the chunk with the newest bars.';

CREATE TABLE series_sync (
    series_id  bigint PRIMARY KEY REFERENCES series,
    failures   integer NOT NULL DEFAULT 0,
    error_kind text,
    error      text,
    retry_at   timestamptz NOT NULL DEFAULT '-infinity',
    synced_at  timestamptz,
    catchup_failures integer NOT NULL DEFAULT 0,
    catchup_at       timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
COMMENT ON TABLE series_sync IS 'How keeping a series in sync goes.';
COMMENT ON COLUMN series_sync.failures IS 'Failed syncs in a row; the error is that of the last one.';
COMMENT ON COLUMN series_sync.retry_at IS 'No sync before: after a failure that waiting alone does not mend.';
COMMENT ON COLUMN series_sync.catchup_at IS 'No older stretch is tried before; new bars are asked all the same.';
COMMENT ON COLUMN series_sync.synced_at IS 'When a sync last succeeded; NULL before the first.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_grafana') THEN
        GRANT SELECT ON series_sync TO marketdata_grafana;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
CREATE INDEX ingest_job_created ON ingest_job (created_at DESC, id DESC);
DROP TABLE series_sync;
DROP INDEX ingest_job_backfill;
DROP INDEX ingest_job_old_sync;
DROP INDEX ingest_job_open_sync;
DELETE FROM ingest_job WHERE kind = 'sync';
ALTER TABLE ingest_chunk DROP COLUMN is_catchup;
ALTER TABLE ingest_job DROP COLUMN provider;
