-- +goose Up
CREATE TABLE ingest_job (
    id                  uuid PRIMARY KEY,
    kind                text NOT NULL DEFAULT 'backfill',
    policy              text NOT NULL,
    "interval"          text NOT NULL,
    start_at            timestamptz NOT NULL,
    end_at              timestamptz NOT NULL,
    concurrency         integer NOT NULL,
    max_failed          integer NOT NULL DEFAULT 0,
    idempotency_key     text,
    request_hash        text NOT NULL DEFAULT '',
    workflow_id         text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    started_at          timestamptz,
    reopened_at         timestamptz,
    paused_reason       text,
    cancel_requested_at timestamptz,
    closed_at           timestamptz,
    CONSTRAINT ingest_job_idempotency_key UNIQUE (idempotency_key),
    CONSTRAINT ingest_job_kind CHECK (kind IN ('backfill', 'sync')),
    CONSTRAINT ingest_job_policy CHECK (policy IN ('missing', 'all')),
    CONSTRAINT ingest_job_concurrency CHECK (concurrency BETWEEN 1 AND 64),
    CONSTRAINT ingest_job_range CHECK (start_at < end_at)
);
CREATE INDEX ingest_job_created ON ingest_job (created_at DESC, id DESC);
COMMENT ON TABLE ingest_job IS 'A request to fill a range. Its status is derived from its chunks, never stored.';
COMMENT ON COLUMN ingest_job.started_at IS 'When its workflow first reported; NULL while starting.';
COMMENT ON COLUMN ingest_job.reopened_at IS 'Set by a retry until its run begins; the run before is not heard any more.';
COMMENT ON COLUMN ingest_job.closed_at IS 'When its workflow ended or was found ended.';

CREATE TABLE ingest_job_series (
    job_id    uuid NOT NULL REFERENCES ingest_job ON DELETE CASCADE,
    series_id bigint NOT NULL REFERENCES series,
    ordinal   integer NOT NULL,
    start_at  timestamptz NOT NULL,
    end_at    timestamptz NOT NULL,
    CONSTRAINT ingest_job_series_pkey PRIMARY KEY (job_id, series_id)
);
CREATE INDEX ingest_job_series_series ON ingest_job_series (series_id);
COMMENT ON COLUMN ingest_job_series.start_at IS 'What was wanted of the series: the job''s range clipped to listing and to the last closed bar.';

CREATE TABLE ingest_chunk (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        uuid NOT NULL REFERENCES ingest_job ON DELETE CASCADE,
    series_id     bigint NOT NULL REFERENCES series,
    seq           integer NOT NULL,
    name          text NOT NULL,
    start_at      timestamptz NOT NULL,
    end_at        timestamptz NOT NULL,
    todo          tstzmultirange,
    status        text NOT NULL DEFAULT 'pending',
    stage         text NOT NULL DEFAULT '',
    attempt_token text NOT NULL DEFAULT '',
    attempt       integer NOT NULL DEFAULT 0,
    expected      bigint NOT NULL DEFAULT 0,
    requests      integer NOT NULL DEFAULT 0,
    received      bigint NOT NULL DEFAULT 0,
    dropped       jsonb NOT NULL DEFAULT '{}',
    quarantined   bigint NOT NULL DEFAULT 0,
    inserted      bigint NOT NULL DEFAULT 0,
    restated      bigint NOT NULL DEFAULT 0,
    unchanged     bigint NOT NULL DEFAULT 0,
    error_kind    text,
    error         text,
    workflow_id   text NOT NULL,
    run_id        text NOT NULL DEFAULT '',
    started_at    timestamptz,
    finished_at   timestamptz,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ingest_chunk_seq UNIQUE (job_id, seq),
    CONSTRAINT ingest_chunk_name UNIQUE (job_id, name),
    CONSTRAINT ingest_chunk_status CHECK (status IN ('pending', 'running', 'done', 'failed', 'canceled')),
    CONSTRAINT ingest_chunk_range CHECK (start_at < end_at)
);
CREATE INDEX ingest_chunk_series ON ingest_chunk (series_id, start_at);
CREATE INDEX ingest_chunk_open ON ingest_chunk (status, job_id) WHERE status IN ('pending', 'running', 'failed');
COMMENT ON TABLE ingest_chunk IS 'The unit of ingestion: one series, one calendar cell; what an operator sees and retries.';
COMMENT ON COLUMN ingest_chunk.todo IS 'What is asked of the provider: its range minus what was covered when fetching began; NULL until then.';
COMMENT ON COLUMN ingest_chunk.attempt_token IS 'Fencing token of the attempt that may write; a late attempt holds an old one.';
COMMENT ON COLUMN ingest_chunk.dropped IS 'Rows dropped by reason, e.g. {"out_of_range": 3, "duplicate": 1, "forming": 1}.';

CREATE TABLE raw_page (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    chunk_id     bigint NOT NULL,
    page         integer NOT NULL,
    attempt      integer NOT NULL,
    start_at     timestamptz NOT NULL,
    end_at       timestamptz NOT NULL,
    cursor       text NOT NULL DEFAULT '',
    next_cursor  text NOT NULL DEFAULT '',
    is_confirm   boolean NOT NULL DEFAULT false,
    is_ok        boolean NOT NULL,
    rows         integer NOT NULL DEFAULT 0,
    first_at     timestamptz,
    last_at      timestamptz,
    url          text NOT NULL,
    status       integer NOT NULL,
    requested_at timestamptz NOT NULL,
    sha256       bytea NOT NULL,
    bytes        integer NOT NULL,
    body         bytea,
    CONSTRAINT raw_page_pkey PRIMARY KEY (id, requested_at)
) PARTITION BY RANGE (requested_at);
CREATE INDEX raw_page_chunk ON raw_page (chunk_id, page);
CREATE INDEX raw_page_kept ON raw_page (requested_at) WHERE body IS NOT NULL;
ALTER TABLE raw_page ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON TABLE raw_page IS 'Provider answers as received: zstd body, redacted URL, when they were asked for.';
COMMENT ON COLUMN raw_page.is_confirm IS 'A second request over a stretch that came back empty.';
COMMENT ON COLUMN raw_page.is_ok IS 'False for an answer that could not be read; kept as evidence, never normalised.';
COMMENT ON COLUMN raw_page.bytes IS 'Size of the body before compression; the body itself is dropped after the retention time.';

-- +goose StatementBegin
CREATE FUNCTION ensure_raw_page_partitions(first timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET timezone TO 'UTC' AS $$
DECLARE
    month_ timestamptz := date_trunc('month', first); name_ text; made integer := 0;
BEGIN
    WHILE month_ <= until LOOP
        name_ := 'raw_page_' || to_char(month_, 'YYYYMM');
        IF to_regclass(name_) IS NULL OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(name_)) THEN
            PERFORM set_config('lock_timeout', '5s', true);
            PERFORM pg_advisory_xact_lock(hashtextextended('raw_page partitions', 0));
            IF to_regclass(name_) IS NULL OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(name_)) THEN
                EXECUTE format('CREATE TABLE IF NOT EXISTS %I (LIKE raw_page INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', name_);
                EXECUTE format('ALTER TABLE raw_page ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name_, month_, month_ + interval '1 month');
                made := made + 1;
            END IF;
        END IF;
        month_ := month_ + interval '1 month';
    END LOOP;
    RETURN made;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION ensure_raw_page_partitions FROM PUBLIC; -- it runs with its owner's rights
SELECT ensure_raw_page_partitions(now(), now() + interval '2 months');

CREATE TABLE normal_page (
    chunk_id    bigint PRIMARY KEY,
    series_id   bigint NOT NULL,
    rows        bigint NOT NULL,
    first_at    timestamptz,
    last_at     timestamptz,
    covered     tstzmultirange NOT NULL,
    observed_at timestamptz NOT NULL,
    body        bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE normal_page ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON TABLE normal_page IS 'A chunk''s validated rows between normalize and upsert: one zstd blob of COPY text (ts, open, high, low, close, volume, vwap, turnover, trades).';
COMMENT ON COLUMN normal_page.first_at IS 'Key of the first row, last_at of the last one; NULL without rows.';

CREATE TABLE quarantined_bar (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series_id   bigint NOT NULL REFERENCES series,
    chunk_id    bigint NOT NULL,
    ts          timestamptz,
    rule        text NOT NULL,
    value       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
CREATE INDEX quarantined_bar_series ON quarantined_bar (series_id, ts);
CREATE INDEX quarantined_bar_chunk ON quarantined_bar (chunk_id);
COMMENT ON TABLE quarantined_bar IS 'Rows that broke a rule, as sent, with the rule; ts is NULL where it could not be read.';
COMMENT ON COLUMN quarantined_bar.resolved_at IS 'When a later load answered the same stretch.';

CREATE VIEW ingest_job_state AS
SELECT j.id, k.total, k.pending, k.running, k.done, k.failed, k.canceled,
    k.requests, k.expected, k.inserted, k.restated, k.unchanged, k.quarantined,
    CASE
        WHEN k.pending + k.running > 0 AND j.paused_reason IS NOT NULL THEN 'paused'
        WHEN k.pending + k.running > 0 AND (j.started_at IS NOT NULL OR k.pending < k.total) THEN 'running'
        WHEN k.pending + k.running > 0 THEN 'starting'
        WHEN k.canceled > 0 AND j.cancel_requested_at IS NOT NULL THEN 'canceled'
        WHEN k.failed > 0 THEN 'failed'
        WHEN k.canceled > 0 THEN 'canceled'
        WHEN k.quarantined > 0 THEN 'completed_with_gaps'
        ELSE 'completed'
    END AS status,
    CASE WHEN k.pending + k.running = 0 THEN coalesce(k.finished_at, j.created_at) END AS finished_at
FROM ingest_job j
CROSS JOIN LATERAL (
    SELECT count(*) AS total,
        count(*) FILTER (WHERE status = 'pending') AS pending, count(*) FILTER (WHERE status = 'running') AS running,
        count(*) FILTER (WHERE status = 'done') AS done, count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'canceled') AS canceled,
        coalesce(sum(requests), 0)::bigint AS requests, coalesce(sum(expected), 0)::bigint AS expected,
        coalesce(sum(inserted), 0)::bigint AS inserted, coalesce(sum(restated), 0)::bigint AS restated,
        coalesce(sum(unchanged), 0)::bigint AS unchanged, coalesce(sum(quarantined), 0)::bigint AS quarantined,
        max(finished_at) AS finished_at
    FROM ingest_chunk WHERE job_id = j.id
) k;
COMMENT ON VIEW ingest_job_state IS 'What each job came to, counted from its chunks: its status is nowhere stored.';

-- +goose Down
DROP VIEW ingest_job_state;
DROP TABLE quarantined_bar;
DROP TABLE normal_page;
DROP FUNCTION ensure_raw_page_partitions;
DROP TABLE raw_page;
DROP TABLE ingest_chunk;
DROP TABLE ingest_job_series;
DROP TABLE ingest_job;
