-- +goose Up
ALTER TABLE tracked_interval ADD COLUMN since timestamptz NOT NULL DEFAULT date_trunc('day', now(), 'UTC');
COMMENT ON COLUMN tracked_interval.since IS 'Midnight UTC of the day from which the interval is kept in sync: holes after it are healed.';

-- +goose Down
ALTER TABLE tracked_interval DROP COLUMN since;
