-- +goose Up
CREATE TABLE bar (
    series_id bigint NOT NULL,
    ts        timestamptz NOT NULL,
    open      numeric NOT NULL,
    high      numeric NOT NULL,
    low       numeric NOT NULL,
    close     numeric NOT NULL,
    volume    numeric,
    vwap      numeric,
    turnover  numeric,
    trades    bigint,
    load_id   bigint NOT NULL,
    CONSTRAINT bar_pkey PRIMARY KEY (series_id, ts),
    CONSTRAINT bar_low_le_prices CHECK (low <= LEAST(open, close)),
    CONSTRAINT bar_high_ge_prices CHECK (high >= GREATEST(open, close)),
    CONSTRAINT bar_finite CHECK (low > '-Infinity' AND high < 'Infinity'),
    CONSTRAINT bar_volume_finite CHECK (volume >= 0 AND volume < 'Infinity'),
    CONSTRAINT bar_vwap_finite CHECK (vwap > '-Infinity' AND vwap < 'Infinity'),
    CONSTRAINT bar_turnover_finite CHECK (turnover > '-Infinity' AND turnover < 'Infinity'),
    CONSTRAINT bar_trades_not_negative CHECK (trades >= 0)
) PARTITION BY RANGE (ts);
COMMENT ON TABLE bar IS 'Closed bars as sent by the provider. Always filter on series_id and both bounds of ts.';
COMMENT ON COLUMN bar.ts IS 'Open of the bar in UTC; for 1d, 1w, 1mo of a market with sessions, the session date at 00:00 UTC.';
COMMENT ON COLUMN bar.load_id IS 'The load that wrote these values: the receipt.';

CREATE TABLE load (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series_id    bigint NOT NULL REFERENCES series,
    chunk_id     bigint NOT NULL,
    run_id       text NOT NULL,
    attempt      integer NOT NULL,
    observed_at  timestamptz NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    version      bigint NOT NULL,
    inserted     bigint NOT NULL DEFAULT 0,
    restated     bigint NOT NULL DEFAULT 0,
    unchanged    bigint NOT NULL DEFAULT 0,
    withdrawn    bigint NOT NULL DEFAULT 0,
    CONSTRAINT load_version UNIQUE (series_id, version)
);
CREATE INDEX load_chunk ON load (chunk_id);
COMMENT ON TABLE load IS 'One row per committed upsert: the receipt behind bar.load_id.';
COMMENT ON COLUMN load.observed_at IS 'When the oldest raw page of the load was asked for.';
COMMENT ON COLUMN load.version IS 'Counts the loads of one series.';
COMMENT ON COLUMN load.withdrawn IS 'Stored bars that this load found missing in the answer and flagged.';

CREATE TABLE bar_revision (
    series_id   bigint NOT NULL,
    ts          timestamptz NOT NULL,
    load_id     bigint NOT NULL,
    replaced_by bigint NOT NULL,
    open        numeric NOT NULL,
    high        numeric NOT NULL,
    low         numeric NOT NULL,
    close       numeric NOT NULL,
    volume      numeric,
    vwap        numeric,
    turnover    numeric,
    trades      bigint,
    CONSTRAINT bar_revision_pkey PRIMARY KEY (series_id, ts, load_id)
);
COMMENT ON TABLE bar_revision IS 'Former values of restated bars: written by load_id, replaced by replaced_by.';

CREATE TABLE bar_withdrawal (
    series_id bigint NOT NULL,
    ts        timestamptz NOT NULL,
    load_id   bigint NOT NULL,
    CONSTRAINT bar_withdrawal_pkey PRIMARY KEY (series_id, ts)
);
COMMENT ON TABLE bar_withdrawal IS 'Stored bars that the provider no longer sent when their range was asked again by load_id.';

CREATE TABLE series_coverage (
    series_id bigint PRIMARY KEY REFERENCES series,
    covered   tstzmultirange NOT NULL DEFAULT '{}',
    version   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE series_coverage IS 'The time that was asked for and answered. Missing = wanted - covered.';

-- +goose StatementBegin
CREATE FUNCTION ensure_bar_partitions(first timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET timezone TO 'UTC' AS $$
DECLARE
    year_ integer; name_ text; from_ timestamptz; to_ timestamptz; made integer := 0;
BEGIN
    FOR year_ IN greatest(2009, extract(year FROM first)::integer) .. greatest(2009, extract(year FROM until)::integer) LOOP
        IF year_ <= 2009 THEN
            name_ := 'bar_before_2010'; from_ := NULL; to_ := '2010-01-01Z';
        ELSE
            name_ := 'bar_' || year_; from_ := make_timestamptz(year_, 1, 1, 0, 0, 0, 'UTC'); to_ := make_timestamptz(year_ + 1, 1, 1, 0, 0, 0, 'UTC');
        END IF;
        CONTINUE WHEN to_regclass(name_) IS NOT NULL AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(name_));
        PERFORM set_config('lock_timeout', '5s', true);
        PERFORM pg_advisory_xact_lock(hashtextextended('bar partitions', 0));
        CONTINUE WHEN to_regclass(name_) IS NOT NULL AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(name_));
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I (LIKE bar INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name_);
        EXECUTE format('ALTER TABLE bar ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%L)', name_, coalesce(quote_literal(from_), 'MINVALUE'), to_);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION ensure_bar_partitions FROM PUBLIC; -- it runs with its owner's rights
COMMENT ON FUNCTION ensure_bar_partitions IS 'Creates the missing yearly partitions of bar for [first, until]; CREATE then ATTACH, so open readers are not waited for.';

SELECT ensure_bar_partitions('2009-01-01Z', now() + interval '2 years');

-- +goose Down
DROP FUNCTION ensure_bar_partitions;
DROP TABLE series_coverage;
DROP TABLE bar_withdrawal;
DROP TABLE bar_revision;
DROP TABLE load;
DROP TABLE bar;
