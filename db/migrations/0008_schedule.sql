-- +goose Up
CREATE TABLE schedule (
    id          text PRIMARY KEY,
    instruments text[] NOT NULL,
    "interval"  text NOT NULL,
    every       text,
    cron        text,
    "range"     text NOT NULL,
    policy      text NOT NULL,
    provider    text NOT NULL DEFAULT '',
    concurrency integer NOT NULL,
    max_failed  integer NOT NULL DEFAULT 0,
    source      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schedule_id CHECK (id ~ '^[a-z][a-z0-9-]{0,62}$' AND id !~ '^(sync|maintenance)-'),
    CONSTRAINT schedule_instruments CHECK (cardinality(instruments) > 0),
    CONSTRAINT schedule_every_or_cron CHECK (num_nonnulls(every, cron) = 1),
    CONSTRAINT schedule_policy CHECK (policy IN ('missing', 'all')),
    CONSTRAINT schedule_concurrency CHECK (concurrency BETWEEN 1 AND 64),
    CONSTRAINT schedule_max_failed CHECK (max_failed >= 0),
    CONSTRAINT schedule_source CHECK (source IN ('config', 'api'))
);
COMMENT ON TABLE schedule IS 'Backfills that are repeated. When they run, are paused or ran last is known to Temporal alone.';
COMMENT ON COLUMN schedule.instruments IS 'Ids as SYMBOL.VENUE.';
COMMENT ON COLUMN schedule.every IS 'How often, such as 6h, counted from 1970 UTC; or cron: five fields, UTC.';
COMMENT ON COLUMN schedule."range" IS 'How far back from the time of a run, such as 30d.';
COMMENT ON COLUMN schedule.provider IS 'Whom to ask; empty for the first of each instrument that has the interval.';
COMMENT ON COLUMN schedule.source IS 'config: it follows the configuration; api: it stays until it is deleted.';

ALTER TABLE ingest_job ADD COLUMN schedule_id text;
COMMENT ON COLUMN ingest_job.schedule_id IS 'The schedule that asked for it, which may be gone; NULL when a person did.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_grafana') THEN
        GRANT SELECT ON schedule TO marketdata_grafana;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE ingest_job DROP COLUMN schedule_id;
DROP TABLE schedule;
