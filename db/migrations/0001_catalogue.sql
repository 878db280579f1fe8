-- +goose Up
CREATE TABLE instrument (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol      text NOT NULL,
    venue       text NOT NULL,
    asset_class text NOT NULL,
    currency    text NOT NULL,
    name        text NOT NULL DEFAULT '',
    calendar    text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT instrument_symbol_venue UNIQUE (symbol, venue),
    CONSTRAINT instrument_asset_class CHECK (asset_class IN ('crypto', 'equity', 'etf', 'index', 'fx', 'fund', 'future'))
);
COMMENT ON TABLE instrument IS 'What is traded, written SYMBOL.VENUE.';
COMMENT ON COLUMN instrument.calendar IS 'Trading calendar: 24x7, or a MIC.';

CREATE TABLE instrument_alias (
    instrument_id bigint NOT NULL REFERENCES instrument ON DELETE CASCADE,
    provider      text NOT NULL,
    symbol        text NOT NULL,
    preference    integer NOT NULL,
    valid         tstzrange NOT NULL DEFAULT '(,)',
    listed_at     timestamptz,
    delisted_at   timestamptz,
    CONSTRAINT instrument_alias_pkey PRIMARY KEY (instrument_id, provider, valid),
    CONSTRAINT instrument_alias_valid CHECK (NOT isempty(valid))
);
COMMENT ON TABLE instrument_alias IS 'How a provider names an instrument, and while which stretch of time.';
COMMENT ON COLUMN instrument_alias.preference IS 'Order of preference among the instrument''s providers, 0 first.';
COMMENT ON COLUMN instrument_alias.listed_at IS 'The provider''s first bar of any interval; NULL while unknown.';

CREATE TABLE tracked_interval (
    instrument_id bigint NOT NULL REFERENCES instrument ON DELETE CASCADE,
    "interval"    text NOT NULL,
    CONSTRAINT tracked_interval_pkey PRIMARY KEY (instrument_id, "interval")
);
COMMENT ON TABLE tracked_interval IS 'Intervals of an instrument that are kept in sync.';

CREATE TABLE series (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument_id bigint NOT NULL REFERENCES instrument,
    provider      text NOT NULL,
    "interval"    text NOT NULL,
    price_basis   text NOT NULL,
    close_only    boolean NOT NULL DEFAULT false,
    generation    integer NOT NULL DEFAULT 1,
    is_current    boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT series_key UNIQUE (provider, instrument_id, "interval", generation),
    CONSTRAINT series_price_basis CHECK (price_basis IN ('raw', 'split')),
    CONSTRAINT series_interval CHECK ("interval" IN ('1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w', '1mo'))
);
CREATE UNIQUE INDEX series_current ON series (instrument_id, "interval", provider) WHERE is_current;
COMMENT ON TABLE series IS 'Provider x instrument x interval: the unit of storage, coverage and failover.';
COMMENT ON COLUMN series.generation IS 'A re-fetch on a new price basis fills the next generation; one transaction flips is_current.';

CREATE TABLE corporate_action (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instrument_id bigint NOT NULL REFERENCES instrument,
    provider      text NOT NULL,
    kind          text NOT NULL,
    ex_date       date NOT NULL,
    amount        numeric,
    numerator     numeric,
    denominator   numeric,
    observed_at   timestamptz NOT NULL,
    CONSTRAINT corporate_action_kind CHECK (kind IN ('split', 'dividend', 'capital_gain')),
    CONSTRAINT corporate_action_key UNIQUE (instrument_id, provider, kind, ex_date, observed_at)
);
COMMENT ON TABLE corporate_action IS 'Splits and dividends as sent; adjustments are computed on read.';

-- +goose Down
DROP TABLE corporate_action;
DROP TABLE series;
DROP TABLE tracked_interval;
DROP TABLE instrument_alias;
DROP TABLE instrument;
