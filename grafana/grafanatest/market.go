package grafanatest

// catalogue registers instruments, their providers and the series to fill, with a load each.
const catalogue = `
DO $$
BEGIN
	PERFORM ensure_bar_partitions('2009-01-01Z', '2026-01-01Z');
	INSERT INTO instrument (symbol, venue, asset_class, currency, name, calendar, created_at) VALUES
		('BTCUSDT', 'SIM', 'crypto', 'USDT', 'Bitcoin / Tether', '24x7', '2020-12-01Z'),
		('ETHUSDT', 'SIM', 'crypto', 'USDT', 'Ether / Tether', '24x7', '2020-12-01Z'),
		('SOLUSDT', 'SIM', 'crypto', 'USDT', 'Solana / Tether', '24x7', '2020-12-01Z'),
		('LTCUSDT', 'SIM', 'crypto', 'USDT', 'Litecoin / Tether', '24x7', '2020-12-01Z'),
		('AAPL', 'SIM', 'equity', 'USD', 'Apple', 'XNYS', '2020-12-01Z'),
		('MSFT', 'SIM', 'equity', 'USD', 'Microsoft', 'XNYS', '2020-12-01Z'),
		('SPX', 'SIM', 'index', 'USD', 'Large companies', 'XNYS', '2020-12-01Z');
	INSERT INTO instrument_alias (instrument_id, provider, symbol, preference, listed_at)
		SELECT id, CASE asset_class WHEN 'crypto' THEN 'sim_binance' ELSE 'sim_yahoo' END, symbol, 0,
			CASE symbol WHEN 'LTCUSDT' THEN timestamptz '2024-01-01Z' WHEN 'ETHUSDT' THEN timestamptz '2021-01-01Z' END FROM instrument;
	INSERT INTO instrument_alias (instrument_id, provider, symbol, preference)
		SELECT id, 'sim_coinbase', 'BTC-USDT', 1 FROM instrument WHERE symbol = 'BTCUSDT';
	INSERT INTO series (instrument_id, provider, "interval", price_basis, close_only)
		SELECT i.id, s.provider, s."interval", CASE s.provider WHEN 'sim_yahoo' THEN 'split' ELSE 'raw' END, i.symbol = 'SPX'
		FROM (VALUES ('BTCUSDT', 'sim_binance', '1m'), ('BTCUSDT', 'sim_binance', '1h'), ('BTCUSDT', 'sim_binance', '1d'),
			('BTCUSDT', 'sim_coinbase', '1m'), ('BTCUSDT', 'sim_coinbase', '1d'), ('ETHUSDT', 'sim_binance', '1m'), ('ETHUSDT', 'sim_binance', '1d'),
			('SOLUSDT', 'sim_binance', '1d'), ('LTCUSDT', 'sim_binance', '1m'), ('AAPL', 'sim_yahoo', '1h'), ('AAPL', 'sim_yahoo', '1d'),
			('MSFT', 'sim_yahoo', '1d'), ('SPX', 'sim_yahoo', '1d')) AS s (symbol, provider, "interval")
		JOIN instrument i ON i.symbol = s.symbol ORDER BY i.id, s.provider, s."interval"; -- ids are part of what is computed
	-- a former generation, on another basis: nobody may see it
	INSERT INTO series (instrument_id, provider, "interval", price_basis, generation, is_current)
		SELECT id, 'sim_yahoo', '1d', 'raw', 2, false FROM instrument WHERE symbol = 'AAPL';
	INSERT INTO bar (series_id, ts, open, high, low, close, load_id)
		SELECT s.id, d, 999999, 999999, 999999, 999999, 1 FROM series s, generate_series(timestamptz '2024-12-01Z', '2024-12-31Z', interval '1 day') d
		WHERE NOT s.is_current;
	INSERT INTO series_coverage (series_id, covered, version)
		SELECT id, tstzmultirange(tstzrange('2010-01-01Z', '2025-01-01Z')), 9 FROM series WHERE NOT is_current;
	INSERT INTO tracked_interval (instrument_id, "interval", since, added_at)
		SELECT DISTINCT s.instrument_id, s."interval", timestamptz '2024-12-01Z', timestamptz '2024-12-01Z' FROM series s;
END $$`

// fill computes the bars of one series: a walk whose steps come from a mixing of integers, in the sessions of its
// calendar (early closes and holidays but for Christmas and New Year are left out of this market), with a load and coverage.
const fill = `
WITH of AS (
	SELECT s.id, i.calendar <> '24x7' AS has_sessions, s."interval" = '1h' AND i.calendar <> '24x7' AS is_offset, grafana_step(s."interval") AS step
	FROM series s JOIN instrument i ON i.id = s.instrument_id
	WHERE i.symbol = $1::text AND s.provider = $2::text AND s."interval" = $3::text AND s.is_current
), receipt AS (
	INSERT INTO load (series_id, chunk_id, run_id, attempt, observed_at, committed_at, version)
	SELECT id, 0, 'run-of-' || id, 1, '2024-12-01Z', '2024-12-01T00:00:05Z', 1 FROM of RETURNING id
), ledger AS (
	INSERT INTO series_coverage (series_id, covered, version) SELECT id, tstzmultirange(tstzrange($4::text::date, $5::text::date)), 1 FROM of
), key AS (
	SELECT row_number() OVER (ORDER BY g) AS n, g AS ts
	FROM of, generate_series($4::text::date::timestamptz + CASE WHEN is_offset THEN interval '14 hours 30 minutes' ELSE interval '0' END,
		$5::text::date::timestamptz - interval '1 microsecond', of.step) AS g
	WHERE NOT of.has_sessions OR extract(isodow FROM g AT TIME ZONE 'UTC') < 6 AND to_char(g AT TIME ZONE 'UTC', 'MMDD') NOT IN ('1225', '0101')
		AND (NOT of.is_offset OR (g AT TIME ZONE 'UTC')::time BETWEEN '14:30' AND '20:30')
), mixed AS (
	SELECT n, ts, ((n * 1664525 + $6::bigint * 1013904223) % 2147483648) AS x FROM key
), noise AS (
	SELECT n, ts, (((x # (x >> 15)) * 2246822519) % 2147483648) AS x FROM mixed
), walk AS (
	SELECT n, ts, x, $7::bigint * exp(sum(((x % 65536) / 65535.0::float8 - 0.5) * $8::float8 + $9::float8) OVER (ORDER BY n)) AS close FROM noise
), candle AS (
	SELECT ts, x, round(lag(close, 1, $7::float8) OVER (ORDER BY n))::bigint AS open, round(close)::bigint AS close FROM walk
)
INSERT INTO bar (series_id, ts, open, high, low, close, volume, load_id)
SELECT of.id, ts, open * 0.01, (greatest(open, close) + (greatest(open, close) * ((x >> 16) % 256) * $8::float8 / 1024)::bigint) * 0.01,
	(least(open, close) - (least(open, close) * ((x >> 20) % 256) * $8::float8 / 1024)::bigint) * 0.01, close * 0.01,
	CASE WHEN $10::bigint > 0 THEN ($10 / 2 + $10 * ((x >> 12) % 1024) / 1024)::numeric END, receipt.id
FROM candle, of, receipt`

// repeat copies the year from $4 on to $5 years before it, 364 days each, and covers it.
const repeat = `
WITH of AS (
	SELECT s.id FROM series s JOIN instrument i ON i.id = s.instrument_id
	WHERE i.symbol = $1::text AND s.provider = $2::text AND s."interval" = $3::text AND s.is_current
), ledger AS (
	UPDATE series_coverage c SET covered = c.covered + tstzmultirange(tstzrange(
		$4::text::date::timestamptz - interval '364 days' * $5::integer, $4::text::date::timestamptz - interval '364 days' * ($5::integer - 1)))
	FROM of WHERE c.series_id = of.id
)
INSERT INTO bar (series_id, ts, open, high, low, close, volume, load_id)
SELECT b.series_id, b.ts - interval '364 days' * $5::integer, b.open, b.high, b.low, b.close, b.volume, b.load_id
FROM of JOIN bar b ON b.series_id = of.id
WHERE b.ts >= $4::text::date AND b.ts < $4::text::date::timestamptz + interval '364 days'`
