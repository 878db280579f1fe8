-- +goose Up
ALTER TABLE ingest_job ADD COLUMN request_id text;
COMMENT ON COLUMN ingest_job.request_id IS 'Id of the API request that asked for it, as in log lines; NULL when nobody did.';

CREATE INDEX quarantined_bar_open ON quarantined_bar (rule) WHERE resolved_at IS NULL;
COMMENT ON INDEX quarantined_bar_open IS 'Counts the open rows by rule for metrics.';

-- +goose Down
DROP INDEX quarantined_bar_open;
ALTER TABLE ingest_job DROP COLUMN request_id;
