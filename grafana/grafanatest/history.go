package grafanatest

// history returns what happened to the market, in order.
func history() []string {
	return []string{holes, corrections, backfills, syncs, budgets}
}

// holes makes stretches without bars, of every reason.
const holes = `
DO $$
DECLARE
	coinbase bigint := (SELECT id FROM series WHERE provider = 'sim_coinbase' AND "interval" = '1m');
	binance bigint := (SELECT s.id FROM series s JOIN instrument i ON i.id = s.instrument_id WHERE i.symbol = 'BTCUSDT' AND s.provider = 'sim_binance' AND s."interval" = '1m');
	ether bigint := (SELECT s.id FROM series s JOIN instrument i ON i.id = s.instrument_id WHERE i.symbol = 'ETHUSDT' AND s."interval" = '1m');
	apple bigint := (SELECT s.id FROM series s JOIN instrument i ON i.id = s.instrument_id WHERE i.symbol = 'AAPL' AND s."interval" = '1h');
BEGIN
	-- never asked: two days of one provider, the last hours of another
	DELETE FROM bar WHERE series_id = coinbase AND ts >= '2024-12-10Z' AND ts < '2024-12-12Z';
	UPDATE series_coverage SET covered = covered - tstzmultirange(tstzrange('2024-12-10Z', '2024-12-12Z')) WHERE series_id = coinbase;
	DELETE FROM bar WHERE series_id = ether AND ts >= '2024-12-31T18:00Z' AND ts < '2025-01-01Z';
	UPDATE series_coverage SET covered = covered - tstzmultirange(tstzrange('2024-12-31T18:00Z', '2025-01-01Z')) WHERE series_id = ether;
	-- failed: its chunks come with the backfills
	DELETE FROM bar WHERE series_id = coinbase AND ts >= '2024-12-20T06:00Z' AND ts < '2024-12-21Z';
	UPDATE series_coverage SET covered = covered - tstzmultirange(tstzrange('2024-12-20T06:00Z', '2024-12-21Z')) WHERE series_id = coinbase;
	DELETE FROM bar WHERE series_id = apple AND ts >= '2024-12-17Z' AND ts < '2024-12-18Z';
	UPDATE series_coverage SET covered = covered - tstzmultirange(tstzrange('2024-12-17Z', '2024-12-18Z')) WHERE series_id = apple;
	-- confirmed empty: half an hour of maintenance, and single minutes without a trade
	DELETE FROM bar WHERE series_id = binance AND ts >= '2024-12-15T04:00Z' AND ts < '2024-12-15T04:30Z';
	DELETE FROM bar WHERE series_id = ether AND ts >= '2024-12-01Z' AND ts < '2025-01-01Z' AND extract(epoch FROM ts)::bigint % 86400 = 11220;
	-- quarantined: rows that broke a rule, some of them answered later
	INSERT INTO quarantined_bar (series_id, chunk_id, ts, rule, value, created_at, resolved_at)
		SELECT coinbase, 3, ts, (ARRAY['high_below_prices', 'unreadable', 'conflicting_duplicate'])[1 + extract(minute FROM ts)::integer % 3],
			'["' || extract(epoch FROM ts)::bigint || '","41.2","40.9","41.0","41.1"]', '2024-12-22Z'::timestamptz + (ts - '2024-12-05T10:00Z') * 400, NULL
		FROM bar WHERE series_id = coinbase AND ts >= '2024-12-05T10:00Z' AND ts < '2024-12-05T10:25Z';
	DELETE FROM bar b USING quarantined_bar q WHERE b.series_id = coinbase AND b.series_id = q.series_id AND b.ts = q.ts AND b.ts >= '2024-12-05Z' AND b.ts < '2024-12-06Z';
	INSERT INTO quarantined_bar (series_id, chunk_id, ts, rule, value, created_at, resolved_at)
		SELECT ether, 4, ts, 'misaligned', '[' || extract(epoch FROM ts)::bigint || ']', '2024-12-24Z'::timestamptz + (ts - '2024-12-06Z') * 60, '2024-12-27Z'
		FROM bar WHERE series_id = ether AND ts >= '2024-12-06Z' AND ts < '2024-12-06T00:40Z';
END $$`

// corrections restates and withdraws bars, and has a split and dividends.
const corrections = `
DO $$
DECLARE
	day_ date; load_ bigint;
BEGIN
	FOR day_ IN SELECT generate_series(timestamptz '2024-12-23Z', '2024-12-31Z', interval '1 day')::date LOOP
		INSERT INTO load (series_id, chunk_id, run_id, attempt, observed_at, committed_at, version, restated, unchanged)
			SELECT s.id, 0, 'restated-' || day_, 1, day_ + time '00:20', day_ + time '00:20:03', 100 + extract(day FROM day_), 3 + extract(day FROM day_)::integer % 7, 1000
			FROM series s JOIN instrument i ON i.id = s.instrument_id WHERE i.symbol = 'BTCUSDT' AND s.provider = 'sim_binance' AND s."interval" = '1m'
			RETURNING id INTO load_;
		INSERT INTO bar_revision (series_id, ts, load_id, replaced_by, open, high, low, close, volume)
			SELECT b.series_id, b.ts, b.load_id, load_, b.open, b.high, b.low, b.close, b.volume
			FROM bar b JOIN load l ON l.id = load_ AND l.series_id = b.series_id
			WHERE b.ts >= day_::timestamptz - interval '1 hour' AND b.ts < day_::timestamptz - interval '1 hour' + interval '1 minute' * l.restated;
		UPDATE bar b SET load_id = load_, high = b.high + 0.5, close = b.close + 0.5
			FROM bar_revision r WHERE r.replaced_by = load_ AND b.series_id = r.series_id AND b.ts = r.ts AND b.ts >= day_::timestamptz - interval '2 hours' AND b.ts < day_::timestamptz;
	END LOOP;
	-- a bar that the provider took back
	INSERT INTO bar_withdrawal (series_id, ts, load_id)
		SELECT b.series_id, b.ts, b.load_id FROM bar b JOIN series s ON s.id = b.series_id JOIN instrument i ON i.id = s.instrument_id
		WHERE i.symbol = 'ETHUSDT' AND s."interval" = '1d' AND b.ts = '2024-12-18Z' AND s.is_current;
	INSERT INTO corporate_action (instrument_id, provider, kind, ex_date, amount, numerator, denominator, observed_at)
		SELECT id, 'sim_yahoo', 'split', DATE '2024-06-10', NULL, 4, 1, '2024-06-10Z' FROM instrument WHERE symbol = 'AAPL'
		UNION ALL SELECT id, 'sim_yahoo', 'dividend', d::date, 0.25, NULL, NULL, d FROM instrument, generate_series(timestamptz '2023-02-10Z', '2024-12-31Z', interval '91 days') d WHERE symbol = 'AAPL';
END $$`

// backfills has jobs of every state, with their chunks.
const backfills = `
DO $$
DECLARE
	n integer; job_ uuid; series_ bigint[]; of_ bigint; status_ text; created_ timestamptz; chunks_ integer; k integer;
	states text[] := ARRAY['done', 'done', 'failed', 'done', 'canceled', 'done', 'failed', 'done', 'done', 'paused', 'done', 'running'];
BEGIN
	SELECT array_agg(s.id ORDER BY s.id) INTO series_ FROM series s WHERE s.is_current;
	FOR n IN 1 .. array_length(states, 1) LOOP
		status_ := states[n];
		job_ := ('01940000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid;
		created_ := timestamptz '2024-12-20T09:00Z' + interval '23 hours' * n;
		chunks_ := 8 + n % 5 * 4;
		of_ := CASE n WHEN 3 THEN (SELECT id FROM series WHERE provider = 'sim_coinbase' AND "interval" = '1m')
			WHEN 7 THEN (SELECT s.id FROM series s JOIN instrument i ON i.id = s.instrument_id WHERE i.symbol = 'AAPL' AND s."interval" = '1h')
			ELSE series_[1 + n % array_length(series_, 1)] END;
		INSERT INTO ingest_job (id, policy, "interval", start_at, end_at, concurrency, workflow_id, created_at, started_at, paused_reason, cancel_requested_at)
			SELECT job_, 'missing', s."interval", '2024-01-01Z', '2024-12-31Z', 4, 'backfill/' || job_, created_, created_ + interval '1 second',
				CASE status_ WHEN 'paused' THEN 'maintenance' END, CASE status_ WHEN 'canceled' THEN created_ + interval '1 hour' END
			FROM series s WHERE s.id = of_;
		INSERT INTO ingest_job_series (job_id, series_id, ordinal, start_at, end_at) VALUES (job_, of_, 0, '2024-01-01Z', '2024-12-31Z');
		FOR k IN 1 .. chunks_ LOOP
			INSERT INTO ingest_chunk (job_id, series_id, seq, name, start_at, end_at, status, stage, attempt, expected, requests, received, inserted, unchanged,
					error_kind, error, workflow_id, run_id, started_at, finished_at, updated_at)
				SELECT job_, of_, k, 'chunk-' || k,
					CASE WHEN c.status = 'failed' AND n = 3 THEN timestamptz '2024-12-20T06:00Z' WHEN c.status = 'failed' THEN timestamptz '2024-12-17Z' ELSE timestamptz '2024-01-01Z' + interval '10 days' * k END,
					CASE WHEN c.status = 'failed' AND n = 3 THEN timestamptz '2024-12-21Z' WHEN c.status = 'failed' THEN timestamptz '2024-12-18Z' ELSE timestamptz '2024-01-11Z' + interval '10 days' * k END,
					c.status, CASE c.status WHEN 'running' THEN 'fetch' WHEN 'pending' THEN '' ELSE c.status END, 1, 14400, 15,
					CASE c.status WHEN 'done' THEN 14400 ELSE 0 END, CASE c.status WHEN 'done' THEN 14000 ELSE 0 END, CASE c.status WHEN 'done' THEN 400 ELSE 0 END,
					CASE WHEN c.status = 'failed' THEN (ARRAY['unavailable', 'malformed', 'denied'])[1 + k % 3] END,
					CASE WHEN c.status = 'failed' THEN (ARRAY['the provider answers 503', 'the answer is not JSON', 'the key was refused'])[1 + k % 3] END,
					'backfill/' || job_ || '/chunk-' || k, 'run-' || n || '-' || k,
					CASE WHEN c.status <> 'pending' THEN created_ + interval '40 seconds' * k END,
					CASE WHEN c.status NOT IN ('pending', 'running') THEN created_ + interval '40 seconds' * k + interval '33 seconds' END, created_ + interval '40 seconds' * k
				FROM (SELECT CASE
					WHEN status_ = 'failed' AND k > chunks_ - 3 THEN 'failed' WHEN status_ = 'canceled' AND k > 4 THEN 'canceled'
					WHEN status_ IN ('paused', 'running') AND k > 7 THEN 'pending' WHEN status_ IN ('paused', 'running') AND k > 5 THEN 'running'
					ELSE 'done' END AS status) c;
		END LOOP;
	END LOOP;
	INSERT INTO load (series_id, chunk_id, run_id, attempt, observed_at, committed_at, version, inserted, unchanged)
		SELECT k.series_id, k.id, k.run_id, 1, k.started_at, k.finished_at, 1000 + k.id, k.inserted, k.unchanged FROM ingest_chunk k WHERE k.status = 'done';
END $$`

// syncs keeps series fresh in the last days, and fails with some.
const syncs = `
DO $$
BEGIN
	INSERT INTO load (series_id, chunk_id, run_id, attempt, observed_at, committed_at, version, inserted, restated, unchanged)
		SELECT s.id, 0, 'sync', 1, g, g + make_interval(secs => 2 + (extract(epoch FROM g)::bigint / 900 + s.id) % 5), 5000 + extract(epoch FROM g)::bigint / 900 - 1900000, 15,
			((extract(epoch FROM g)::bigint / 900 + s.id) % 40 = 0)::integer, 10
		FROM series s, generate_series(timestamptz '2024-12-25Z', '2024-12-31T23:45Z', interval '15 minutes') g WHERE s."interval" = '1m' AND s.is_current;
	INSERT INTO series_sync (series_id, failures, error_kind, error, synced_at)
		SELECT s.id, CASE WHEN f.fails THEN 4 ELSE 0 END, CASE WHEN f.fails THEN 'unavailable' END, CASE WHEN f.fails THEN 'the provider answers 503' END,
			CASE WHEN f.fails THEN timestamptz '2024-12-31T18:00Z' ELSE '2024-12-31T23:59Z' END
		FROM series s JOIN instrument i ON i.id = s.instrument_id CROSS JOIN LATERAL (SELECT i.symbol = 'ETHUSDT' AND s."interval" = '1m' AS fails) f
		WHERE s.is_current;
END $$`

// budgets has requests of the last minute, by the database's own clock.
const budgets = `
DO $$
BEGIN
	INSERT INTO rate_bucket (provider, unit, per_minute, burst, interval_us) VALUES
		('sim_binance', 'request', 1200, 20, 50000), ('sim_binance', 'weight', 6000, 100, 10000), ('sim_coinbase', 'request', 600, 10, 100000), ('sim_yahoo', 'request', 60, 1, 1000000);
	INSERT INTO provider_gate (provider, paused, paused_reason) VALUES ('sim_binance', false, ''), ('sim_coinbase', true, 'maintenance until noon'), ('sim_yahoo', false, '');
END $$`

// Use notes requests of the last minute, by the database's own clock, instead of those noted before.
const Use = `
WITH gone AS (DELETE FROM rate_usage)
INSERT INTO rate_usage (provider, second, requests)
SELECT u.provider, date_trunc('second', now()) - interval '1 second' * g, u.requests
FROM (VALUES ('sim_binance', 68), ('sim_yahoo', 4)) AS u (provider, requests), generate_series(1, 10) g
ON CONFLICT (provider, second) DO UPDATE SET requests = EXCLUDED.requests`
