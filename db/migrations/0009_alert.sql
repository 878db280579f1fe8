-- +goose Up
CREATE TABLE alert (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,
    key         text NOT NULL,
    occurred_at timestamptz NOT NULL,
    weight      integer NOT NULL,
    backfill_id text NOT NULL DEFAULT '',
    instrument  text NOT NULL DEFAULT '',
    provider    text NOT NULL DEFAULT '',
    "interval"  text NOT NULL DEFAULT '',
    title       text NOT NULL,
    message     text NOT NULL,
    details     jsonb NOT NULL DEFAULT '{}',
    raised_at   timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    CONSTRAINT alert_kind CHECK (kind IN ('backfill_failed', 'series_stale', 'provider_paused', 'provider_refused', 'test'))
);
CREATE UNIQUE INDEX alert_open ON alert (kind, key) WHERE resolved_at IS NULL;
CREATE INDEX alert_key ON alert (kind, key, occurred_at);
CREATE INDEX alert_raised ON alert (raised_at DESC, id DESC);
COMMENT ON TABLE alert IS 'What was the matter, from when it was noticed until it was over. One is open per kind and key.';
COMMENT ON COLUMN alert.occurred_at IS 'When it came to be so: of a backfill, when the run began that failed.';
COMMENT ON COLUMN alert.weight IS 'How much it was about when it was raised, such as the number of stale series.';

CREATE TABLE alert_delivery (
    alert_id     uuid NOT NULL REFERENCES alert ON DELETE CASCADE,
    event        text NOT NULL,
    webhook      text NOT NULL,
    status       text NOT NULL DEFAULT 'pending',
    attempts     integer NOT NULL DEFAULT 0,
    last_error   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    looked_at    timestamptz,
    delivered_at timestamptz,
    CONSTRAINT alert_delivery_pkey PRIMARY KEY (alert_id, event, webhook),
    CONSTRAINT alert_delivery_event CHECK (event IN ('raised', 'resolved')),
    CONSTRAINT alert_delivery_status CHECK (status IN ('pending', 'delivered', 'failed'))
);
CREATE INDEX alert_delivery_pending ON alert_delivery (looked_at NULLS FIRST) WHERE status = 'pending';
COMMENT ON TABLE alert_delivery IS 'What webhooks are told, written with the alert itself: nothing is lost between the two. Webhooks stand by name, never by URL.';
COMMENT ON COLUMN alert_delivery.looked_at IS 'When its workflow was last started or seen at work.';

ALTER TABLE tracked_interval ADD COLUMN added_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN tracked_interval.added_at IS 'The instant it was added: no series is late for longer than that.';

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_grafana') THEN
        GRANT SELECT ON alert, alert_delivery TO marketdata_grafana;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE tracked_interval DROP COLUMN added_at;
DROP TABLE alert_delivery;
DROP TABLE alert;
