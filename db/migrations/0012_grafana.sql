-- +goose Up
CREATE INDEX load_committed ON load USING brin (committed_at) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON INDEX load_committed IS 'Loads of a stretch of time; they are written in its order.';
CREATE INDEX bar_revision_replaced_by ON bar_revision (replaced_by);
COMMENT ON INDEX bar_revision_replaced_by IS 'What a load restated.';

-- Everything below is for dashboards: it reads with the rights of who asks, and it alone turns NUMERIC into float8. What
-- counts in days does so in UTC, whatever the zone of the session.

CREATE FUNCTION grafana_step(interval_ text) RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE interval_
    WHEN '1m' THEN interval '1 minute' WHEN '5m' THEN interval '5 minutes' WHEN '15m' THEN interval '15 minutes' WHEN '30m' THEN interval '30 minutes'
    WHEN '1h' THEN interval '1 hour' WHEN '4h' THEN interval '4 hours' WHEN '1d' THEN interval '1 day' WHEN '1w' THEN interval '7 days' WHEN '1mo' THEN interval '1 month'
END;
COMMENT ON FUNCTION grafana_step IS 'The length of an interval, for widths and sorting; a month has one of its own.';

-- The providers that list an instrument come as the API takes them: those with coverage first, then by preference.
CREATE VIEW grafana_series WITH (security_invoker = true) AS
SELECT s.id AS series_id, i.symbol, i.venue, i.symbol || '.' || i.venue AS instrument, i.name, i.asset_class, i.currency, i.calendar,
    s.provider, s."interval", grafana_step(s."interval") AS step, s.price_basis, a.listed_at, a.delisted_at,
    c.covered, lower(c.covered) AS covered_from, upper(c.covered) AS covered_until,
    t.since, t.instrument_id IS NOT NULL AS is_tracked,
    row_number() OVER (PARTITION BY i.symbol, i.venue, s."interval" ORDER BY coalesce(isempty(c.covered), true), a.preference) = 1 AS is_default
FROM series s
JOIN instrument i ON i.id = s.instrument_id
JOIN instrument_alias a ON a.instrument_id = s.instrument_id AND a.provider = s.provider AND upper_inf(a.valid)
LEFT JOIN series_coverage c ON c.series_id = s.id
LEFT JOIN tracked_interval t ON t.instrument_id = s.instrument_id AND t."interval" = s."interval"
WHERE s.is_current;
COMMENT ON VIEW grafana_series IS 'Series that the API serves: the current generation, of providers that list the instrument. is_default is the one it takes when none is named.';

-- +goose StatementBegin
CREATE FUNCTION grafana_width(from_ timestamptz, to_ timestamptz, step interval, interval_ms bigint, max_rows integer) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN coalesce(min(w.seconds), ceil(k.least_seconds)) <= extract(epoch FROM step) THEN step
        ELSE make_interval(secs => coalesce(min(w.seconds), ceil(k.least_seconds))::float8) END
    FROM (SELECT greatest(interval_ms / 1000.0, extract(epoch FROM to_ - from_) / greatest(max_rows - 2, 1), extract(epoch FROM step)) AS least_seconds) k
    LEFT JOIN unnest(ARRAY[60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000]::numeric[])
        AS w (seconds) ON w.seconds >= k.least_seconds
    GROUP BY k.least_seconds
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_width IS 'The round width of a point: at least a bar and the panel''s interval, and so wide that the range has no more than max_rows.';

-- +goose StatementBegin
CREATE FUNCTION grafana_pick(instrument_ text, provider_ text, interval_ text, from_ timestamptz, to_ timestamptz, width_ms bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT p.series_id FROM (
        SELECT s.series_id, extract(epoch FROM s.step) AS seconds,
            k.covered >= 0.95 * max(k.covered) OVER () AS is_full
        FROM grafana_series s
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0) AS covered FROM unnest(s.covered * tstzmultirange(tstzrange(from_, to_))) AS r
        ) k
        WHERE s.symbol = substring(instrument_ FROM '^(.*)\.[^.]*$') AND s.venue = substring(instrument_ FROM '[^.]*$')
            AND CASE WHEN provider_ IN ('', 'default', 'all') THEN s.is_default ELSE s.provider = provider_ END
            AND (interval_ IN ('', 'auto', 'all') OR s."interval" = interval_)
    ) p
    ORDER BY p.is_full DESC, p.seconds * 1000 <= width_ms DESC,
        CASE WHEN p.seconds * 1000 <= width_ms THEN -p.seconds ELSE p.seconds END
    LIMIT 1
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_pick IS 'One series of an instrument: of the provider, default for the API''s choice; of the interval, auto for the longest that fits the width and covers the range.';

-- The bars that the API serves: the newest values, and also what a provider sends no longer (bar_withdrawal).
-- +goose StatementBegin
CREATE FUNCTION grafana_bars(series_ bigint, from_ timestamptz, to_ timestamptz, width interval)
RETURNS TABLE ("time" timestamptz, open float8, high float8, low float8, close float8, volume float8, bars bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    IF width <= (SELECT grafana_step(s."interval") FROM series s WHERE s.id = series_) THEN
        RETURN QUERY
            SELECT b.ts, b.open::float8, b.high::float8, b.low::float8, b.close::float8, b.volume::float8, 1::bigint
            FROM bar b
            WHERE b.series_id = series_ AND b.ts >= from_ AND b.ts < to_
            ORDER BY b.ts;
        RETURN;
    END IF;
    RETURN QUERY
        WITH bin AS MATERIALIZED (
            SELECT date_bin(width, b.ts, '2001-01-01Z') AS at, min(b.ts) AS first_at, max(b.ts) AS last_at,
                max(b.high) AS high, min(b.low) AS low, sum(b.volume) AS volume, count(*) AS bars
            FROM bar b
            WHERE b.series_id = series_ AND b.ts >= from_ AND b.ts < to_
            GROUP BY 1
        )
        SELECT greatest(n.at, from_), f.open::float8, n.high::float8, n.low::float8, l.close::float8, n.volume::float8, n.bars
        FROM bin n
        JOIN LATERAL (SELECT b.open FROM bar b WHERE b.series_id = series_ AND b.ts = n.first_at AND b.ts >= from_ AND b.ts < to_ LIMIT 1) f ON true
        JOIN LATERAL (SELECT b.close FROM bar b WHERE b.series_id = series_ AND b.ts = n.last_at AND b.ts >= from_ AND b.ts < to_ LIMIT 1) l ON true
        ORDER BY n.at;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_bars IS 'Bars of a series with ts in [from_, to_), as stored or gathered into bins of the width, which begin on Mondays at midnight UTC.';

-- +goose StatementBegin
CREATE FUNCTION grafana_candles(instrument_ text, provider_ text, interval_ text, from_ timestamptz, to_ timestamptz, interval_ms bigint,
    short integer, long integer, max_rows integer)
RETURNS TABLE ("time" timestamptz, open float8, high float8, low float8, close float8, volume float8, sma_short float8, sma_long float8)
LANGUAGE plpgsql STABLE SET timezone TO 'UTC' AS $$
#variable_conflict use_column
DECLARE
    series_ bigint; width interval; step_ interval; lead_in interval; is_continuous boolean;
BEGIN
    series_ := grafana_pick(instrument_, provider_, interval_, from_, to_, greatest(interval_ms, (extract(epoch FROM to_ - from_) * 1000 / max_rows)::bigint));
    SELECT s.step, s.calendar = '24x7' INTO step_, is_continuous FROM grafana_series s WHERE s.series_id = series_;
    width := grafana_width(from_, to_, step_, interval_ms, max_rows);
    -- so much earlier that the averages are whole at the first point, also over nights and weekends
    lead_in := width * long * CASE WHEN is_continuous THEN 1.1 WHEN step_ < interval '1 day' THEN 7 ELSE 1.7 END;
    RETURN QUERY
        SELECT * FROM (
            SELECT b."time", b.open, b.high, b.low, b.close, b.volume,
                CASE WHEN count(*) OVER s >= short THEN avg(b.close) OVER s END,
                CASE WHEN count(*) OVER l >= long THEN avg(b.close) OVER l END
            FROM grafana_bars(series_, from_ - lead_in, to_, width) b
            WINDOW s AS (ORDER BY b."time" ROWS BETWEEN short - 1 PRECEDING AND CURRENT ROW), l AS (ORDER BY b."time" ROWS BETWEEN long - 1 PRECEDING AND CURRENT ROW)
        ) c
        WHERE c."time" >= from_ ORDER BY c."time";
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_candles IS 'Candles of one series with two moving averages of the close, at most max_rows; the averages look back before from_.';

-- +goose StatementBegin
CREATE FUNCTION grafana_closes(instruments text[], provider_ text, interval_ text, from_ timestamptz, to_ timestamptz, interval_ms bigint, max_rows integer)
RETURNS TABLE (instrument text, provider text, "interval" text, "time" timestamptz, close float8, volume float8)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT s.instrument, s.provider, s."interval", b."time", b.close, b.volume
        FROM unnest(instruments) AS wanted (instrument)
        JOIN LATERAL grafana_pick(wanted.instrument, provider_, interval_, from_, to_,
            greatest(interval_ms, (extract(epoch FROM to_ - from_) * 1000 / max_rows)::bigint)) AS picked (id) ON true
        JOIN grafana_series s ON s.series_id = picked.id
        JOIN LATERAL grafana_bars(picked.id, from_, to_, grafana_width(from_, to_, s.step, interval_ms, max_rows)) b ON true;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_closes IS 'Closes and volumes of several instruments, of one series each, at most max_rows points an instrument.';

-- +goose StatementBegin
CREATE FUNCTION grafana_correlation(instruments text[], provider_ text, from_ timestamptz, to_ timestamptz)
RETURNS TABLE (a text, b text, correlation float8, returns bigint)
LANGUAGE sql STABLE AS $$
    WITH daily AS MATERIALIZED (
        SELECT c.instrument, c."time", c.close FROM grafana_closes(instruments, provider_, 'auto', from_, to_, 86400000, 2000) c WHERE c.close > 0
    ), pair AS (
        -- returns between the days that both have, so that a weekend of one is no day of the other
        SELECT x.instrument AS a, y.instrument AS b, ln(x.close / lag(x.close) OVER w) AS ra, ln(y.close / lag(y.close) OVER w) AS rb
        FROM daily x JOIN daily y ON y."time" = x."time" AND y.instrument >= x.instrument
        WINDOW w AS (PARTITION BY x.instrument, y.instrument ORDER BY x."time")
    ), pairs AS (
        SELECT p.a, p.b, CASE WHEN p.a = p.b THEN 1 ELSE corr(p.ra, p.rb) END AS correlation, count(p.ra) AS returns FROM pair p GROUP BY p.a, p.b
    )
    SELECT p.a, p.b, p.correlation, p.returns FROM pairs p
    UNION ALL SELECT p.b, p.a, p.correlation, p.returns FROM pairs p WHERE p.a <> p.b
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_correlation IS 'Correlation of the logarithmic daily returns of each pair, over the days that both have.';

-- +goose StatementBegin
CREATE FUNCTION grafana_kpi(instruments text[], provider_ text, at timestamptz)
RETURNS TABLE (instrument text, provider text, currency text, last_at timestamptz, close float8, change_1d float8, change_7d float8, change_30d float8,
    change_90d float8, change_ytd float8, change_1y float8, volatility_30d float8, volume_1d float8, volume_30d float8, value_30d float8, high_1y float8, low_1y float8)
LANGUAGE sql STABLE SET timezone TO 'UTC' AS $$
    WITH daily AS (
        SELECT c.instrument, c.provider, c."time", c.close, c.volume, lag(c.close) OVER w AS previous,
            max(c."time") OVER (PARTITION BY c.instrument) AS last_at
        FROM grafana_closes(instruments, provider_, 'auto', at - interval '400 days', at, 86400000, 2000) c
        WINDOW w AS (PARTITION BY c.instrument ORDER BY c."time")
    ), base AS (
        SELECT d.instrument, min(d.provider) AS provider, min(d.last_at) AS last_at,
            max(d.close) FILTER (WHERE d."time" = d.last_at) AS close,
            max(d.previous) FILTER (WHERE d."time" = d.last_at) AS previous,
            (array_agg(d.close ORDER BY d."time" DESC) FILTER (WHERE d."time" <= d.last_at - interval '7 days'))[1] AS d7,
            (array_agg(d.close ORDER BY d."time" DESC) FILTER (WHERE d."time" <= d.last_at - interval '30 days'))[1] AS d30,
            (array_agg(d.close ORDER BY d."time" DESC) FILTER (WHERE d."time" <= d.last_at - interval '90 days'))[1] AS d90,
            (array_agg(d.close ORDER BY d."time" DESC) FILTER (WHERE d."time" < date_trunc('year', d.last_at, 'UTC')))[1] AS ytd,
            (array_agg(d.close ORDER BY d."time" DESC) FILTER (WHERE d."time" <= d.last_at - interval '365 days'))[1] AS d365,
            stddev_samp(ln(d.close / d.previous)) FILTER (WHERE d.close > 0 AND d.previous > 0 AND d."time" > d.last_at - interval '30 days') AS deviation,
            max(d.volume) FILTER (WHERE d."time" = d.last_at) AS volume_1d,
            avg(d.volume) FILTER (WHERE d."time" > d.last_at - interval '30 days') AS volume_30d,
            avg(d.volume * d.close) FILTER (WHERE d."time" > d.last_at - interval '30 days') AS value_30d,
            max(d.close) FILTER (WHERE d."time" > d.last_at - interval '365 days') AS high_1y,
            min(d.close) FILTER (WHERE d."time" > d.last_at - interval '365 days') AS low_1y
        FROM daily d GROUP BY d.instrument
    )
    SELECT k.instrument, k.provider, i.currency, k.last_at, k.close,
        k.close / nullif(k.previous, 0) - 1, k.close / nullif(k.d7, 0) - 1, k.close / nullif(k.d30, 0) - 1, k.close / nullif(k.d90, 0) - 1,
        k.close / nullif(k.ytd, 0) - 1, k.close / nullif(k.d365, 0) - 1,
        k.deviation * sqrt(CASE i.calendar WHEN '24x7' THEN 365 ELSE 252 END),
        k.volume_1d, k.volume_30d, k.value_30d, k.high_1y, k.low_1y
    FROM base k JOIN instrument i ON i.symbol = substring(k.instrument FROM '^(.*)\.[^.]*$') AND i.venue = substring(k.instrument FROM '[^.]*$')
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_kpi IS 'Figures of each instrument as of an instant, from daily closes; changes are shares, volatility is that of a year (365 days, or 252 sessions).';

-- +goose StatementBegin
CREATE FUNCTION grafana_volatility(instruments text[], provider_ text, from_ timestamptz, to_ timestamptz, days integer, max_rows integer)
RETURNS TABLE (instrument text, "time" timestamptz, volatility float8)
LANGUAGE sql STABLE SET timezone TO 'UTC' AS $$
    WITH r AS (
        SELECT c.instrument, c."time", ln(c.close / lag(c.close) OVER (PARTITION BY c.instrument ORDER BY c."time")) AS r
        FROM grafana_closes(instruments, provider_, 'auto', from_ - make_interval(days => days * 3 / 2 + 5), to_, 86400000, 20000) c WHERE c.close > 0
    ), v AS (
        SELECT r.instrument, r."time", count(r.r) OVER w AS n, stddev_samp(r.r) OVER w AS deviation, row_number() OVER (PARTITION BY r.instrument ORDER BY r."time" DESC) AS back FROM r
        WINDOW w AS (PARTITION BY r.instrument ORDER BY r."time" RANGE BETWEEN make_interval(days => days) PRECEDING AND CURRENT ROW)
    )
    SELECT v.instrument, v."time", v.deviation * sqrt(CASE i.calendar WHEN '24x7' THEN 365 ELSE 252 END)
    FROM v JOIN instrument i ON i.symbol = substring(v.instrument FROM '^(.*)\.[^.]*$') AND i.venue = substring(v.instrument FROM '[^.]*$')
    WHERE v."time" >= from_ AND v.n >= days / 2 AND (v.back - 1) % greatest(ceil(extract(epoch FROM to_ - from_) / 86400 / max_rows), 1) = 0
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_volatility IS 'Volatility of a year from daily returns of the days before each day, of every so many days that there are at most max_rows.';

-- +goose StatementBegin
CREATE FUNCTION grafana_selected(instruments text[], provider_ text, interval_ text)
RETURNS SETOF grafana_series LANGUAGE sql STABLE AS $$
    SELECT s.* FROM grafana_series s
    WHERE s.instrument = ANY (instruments) AND CASE WHEN provider_ IN ('', 'all') THEN true WHEN provider_ = 'default' THEN s.is_default ELSE s.provider = provider_ END
        AND (interval_ IN ('', 'all', 'auto') OR s."interval" = interval_)
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_selected IS 'Series of instruments; all, or default, for the provider and all for the interval take several.';

-- +goose StatementBegin
CREATE FUNCTION grafana_coverage(instruments text[], provider_ text, interval_ text, from_ timestamptz, to_ timestamptz, max_rows integer)
RETURNS TABLE ("time" timestamptz, instrument text, provider text, "interval" text, covered float8)
LANGUAGE sql STABLE SET timezone TO 'UTC' AS $$
    SELECT lower(d.day), s.instrument, s.provider, s."interval",
        CASE WHEN NOT isempty(d.day) AND d.seconds > 0 THEN coalesce(k.seconds, 0) / d.seconds END::float8
    FROM (SELECT q.*, count(*) OVER () AS series FROM grafana_selected(instruments, provider_, interval_) q) s
    CROSS JOIN LATERAL (SELECT grafana_width(from_, to_, interval '1 day', 0, greatest(least(100, max_rows / s.series), 3)::integer) AS width) w
    CROSS JOIN LATERAL generate_series(date_bin(w.width, from_, '2001-01-01Z'), to_ - interval '1 microsecond', w.width) AS g (at)
    CROSS JOIN LATERAL (SELECT tstzrange(g.at, g.at + w.width) AS day,
        -- of the day, what can be known: after the listing, and closed
        extract(epoch FROM least(g.at + w.width, to_, now(), s.delisted_at) - greatest(g.at, from_, s.listed_at)) AS seconds) d
    CROSS JOIN LATERAL (
        SELECT sum(extract(epoch FROM upper(r) - lower(r))) AS seconds
        FROM unnest(s.covered * tstzmultirange(d.day * tstzrange(greatest(from_, s.listed_at), greatest(least(to_, now(), s.delisted_at), from_, s.listed_at)))) AS r
    ) k
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_coverage IS 'The share of each day that was asked for and answered; NULL before the listing. Of longer stretches, where there would be more than 100 of a series or max_rows of all.';

-- +goose StatementBegin
CREATE FUNCTION grafana_gaps(instruments text[], provider_ text, interval_ text, from_ timestamptz, to_ timestamptz)
RETURNS TABLE (instrument text, provider text, "interval" text, start_at timestamptz, end_at timestamptz, reason text)
LANGUAGE sql STABLE SET timezone TO 'UTC' AS $$
    WITH one AS MATERIALIZED (
        SELECT s.series_id, s.instrument, s.provider, s."interval", s.step, s.calendar, coalesce(s.covered, '{}') AS covered,
            greatest(from_, s.listed_at) AS first_at, least(to_, now(), s.delisted_at) AS until, s.listed_at, s.delisted_at,
            sum(extract(epoch FROM least(to_, now()) - from_) / extract(epoch FROM s.step)) OVER (ORDER BY s.step DESC, s.series_id) AS keys
        FROM grafana_selected(instruments, provider_, interval_) s
    ), asked AS (
        SELECT o.*, tstzmultirange(tstzrange(o.first_at, o.until)) - o.covered AS missing, coalesce((
            SELECT range_agg(tstzrange(greatest(k.start_at, from_), least(k.end_at, to_)))
            FROM ingest_chunk k WHERE k.series_id = o.series_id AND k.status = 'failed' AND k.start_at < to_ AND k.end_at > from_), '{}') AS failed
        FROM one o WHERE o.first_at < o.until
    ), bars AS (
        SELECT o.series_id, b.ts, lead(b.ts, 1, o.until) OVER (PARTITION BY o.series_id ORDER BY b.ts) AS next_at
        FROM one o JOIN bar b ON b.series_id = o.series_id AND b.ts >= from_ AND b.ts < to_
        -- a market that never closes lacks what is not there; so many keys are looked at, long intervals first
        WHERE o.calendar = '24x7' AND o.keys <= 2000000 AND o.first_at < o.until
    ), gap AS (
        SELECT a.series_id, r.hole, 'failed' AS reason FROM asked a CROSS JOIN LATERAL unnest(a.missing * a.failed) AS r (hole)
        UNION ALL
        SELECT a.series_id, r.hole, CASE WHEN upper(r.hole) = a.until AND upper(r.hole) - lower(r.hole) <= a.step * 2 THEN 'forming' ELSE 'never_asked' END
        FROM asked a CROSS JOIN LATERAL unnest(a.missing - a.failed) AS r (hole)
        -- nothing is missed of a weekend
        WHERE a.calendar = '24x7' OR upper(r.hole) > date_trunc('week', lower(r.hole), 'UTC') + interval '7 days'
            OR lower(r.hole) < date_trunc('week', lower(r.hole), 'UTC') + interval '5 days'
        UNION ALL
        SELECT o.series_id, tstzrange(from_, least(o.listed_at, to_)), 'before_listing' FROM one o WHERE o.listed_at > from_
        UNION ALL
        SELECT o.series_id, tstzrange(greatest(o.delisted_at, from_), to_), 'after_delisting' FROM one o WHERE o.delisted_at < to_
        UNION ALL
        SELECT q.series_id, r.hole, 'quarantined' FROM (
            SELECT o.series_id, range_agg(tstzrange(q.ts, q.ts + o.step)) AS holes
            FROM one o JOIN quarantined_bar q ON q.series_id = o.series_id AND q.ts >= from_ AND q.ts < to_ AND q.resolved_at IS NULL
            WHERE NOT EXISTS (SELECT FROM bar b WHERE b.series_id = q.series_id AND b.ts = q.ts AND b.ts >= from_ AND b.ts < to_)
            GROUP BY o.series_id
        ) q CROSS JOIN LATERAL unnest(q.holes) AS r (hole)
        UNION ALL
        SELECT o.series_id, r.hole, 'confirmed_empty'
        FROM bars b JOIN one o ON o.series_id = b.series_id
        CROSS JOIN LATERAL unnest(tstzmultirange(tstzrange(b.ts + o.step, b.next_at)) * o.covered - coalesce((
            SELECT range_agg(tstzrange(q.ts, q.ts + o.step)) FROM quarantined_bar q
            WHERE q.series_id = o.series_id AND q.ts > b.ts AND q.ts < b.next_at AND q.resolved_at IS NULL), '{}')) AS r (hole)
        WHERE b.next_at > b.ts + o.step AND upper(r.hole) - lower(r.hole) >= o.step
    )
    SELECT o.instrument, o.provider, o."interval", lower(g.hole), upper(g.hole), g.reason FROM gap g JOIN one o ON o.series_id = g.series_id
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION grafana_gaps IS 'Stretches without bars, with the reason. The calendars are known to the API alone: confirmed_empty comes for markets that never close, and holidays may show where nobody asked.';

CREATE VIEW grafana_staleness WITH (security_invoker = true) AS
SELECT s.series_id, s.instrument, s.provider, s."interval", s.calendar, s.covered_until,
    lower(tstzmultirange(tstzrange(least(s.since, s.covered_until), NULL)) - s.covered) AS complete_until,
    (SELECT max(b.ts) FROM bar b WHERE b.series_id = s.series_id AND b.ts >= s.covered_until - greatest(s.step * 400, interval '10 days') AND b.ts < s.covered_until) AS last_bar_at,
    extract(epoch FROM s.step)::float8 AS step_seconds,
    y.synced_at, coalesce(y.failures, 0) AS failures, coalesce(y.error_kind, '') AS error_kind, coalesce(y.error, '') AS error
FROM grafana_series s LEFT JOIN series_sync y ON y.series_id = s.series_id
WHERE s.is_tracked AND s.is_default;
COMMENT ON VIEW grafana_staleness IS 'How far series reach that are kept in sync. complete_until is where the first hole since tracking began starts.';

CREATE VIEW grafana_quarantine WITH (security_invoker = true) AS
SELECT q.created_at, s.instrument, s.provider, s."interval", q.ts, q.rule, q.value, q.resolved_at, q.chunk_id
FROM quarantined_bar q JOIN grafana_series s ON s.series_id = q.series_id;
COMMENT ON VIEW grafana_quarantine IS 'Rows that broke a rule, as sent.';

CREATE VIEW grafana_restatement WITH (security_invoker = true) AS
SELECT l.committed_at, s.instrument, s.provider, s."interval", r.ts,
    r.close::float8 AS former_close, coalesce(b.close, n.close)::float8 AS close, r.volume::float8 AS former_volume, coalesce(b.volume, n.volume)::float8 AS volume, l.run_id
FROM load l
JOIN bar_revision r ON r.replaced_by = l.id
JOIN grafana_series s ON s.series_id = r.series_id
LEFT JOIN bar b ON b.series_id = r.series_id AND b.ts = r.ts AND b.load_id = l.id
LEFT JOIN bar_revision n ON n.series_id = r.series_id AND n.ts = r.ts AND n.load_id = l.id;
COMMENT ON VIEW grafana_restatement IS 'Bars that a load changed: what stood there and what the load wrote. Ask with both bounds of committed_at.';

CREATE VIEW grafana_load WITH (security_invoker = true) AS
SELECT l.committed_at, l.observed_at, s.instrument, s.provider, s."interval", l.inserted, l.restated, l.unchanged, l.withdrawn
FROM load l JOIN grafana_series s ON s.series_id = l.series_id;
COMMENT ON VIEW grafana_load IS 'Committed loads. Ask with both bounds of committed_at.';

CREATE VIEW grafana_backfill WITH (security_invoker = true) AS
SELECT j.id::text AS id, t.status, j.created_at, t.finished_at, j."interval", j.start_at, j.end_at, j.policy, coalesce(j.schedule_id, '') AS schedule,
    (SELECT string_agg(i.symbol || '.' || i.venue, ', ' ORDER BY k.ordinal) FROM ingest_job_series k
        JOIN series s ON s.id = k.series_id JOIN instrument i ON i.id = s.instrument_id WHERE k.job_id = j.id AND k.ordinal < 5) AS instruments,
    ARRAY(SELECT i.symbol || '.' || i.venue FROM ingest_job_series k
        JOIN series s ON s.id = k.series_id JOIN instrument i ON i.id = s.instrument_id WHERE k.job_id = j.id) AS every_instrument,
    (SELECT count(*) FROM ingest_job_series k WHERE k.job_id = j.id) AS series,
    t.total AS chunks, t.done, t.failed, t.pending + t.running AS open, CASE WHEN t.total > 0 THEN t.done::float8 / t.total ELSE 1 END AS progress,
    t.requests, t.inserted, t.restated, t.unchanged, t.quarantined
FROM ingest_job j JOIN ingest_job_state t ON t.id = j.id
WHERE j.kind = 'backfill';
COMMENT ON VIEW grafana_backfill IS 'Backfills with what their chunks came to. instruments names the first five, every_instrument has all.';

CREATE VIEW grafana_failure WITH (security_invoker = true) AS
SELECT k.finished_at, s.instrument, s.provider, s."interval", k.start_at, k.end_at, k.stage, k.attempt, coalesce(k.error_kind, 'internal') AS kind, coalesce(k.error, '') AS error,
    k.workflow_id, j.kind AS caused_by, k.job_id::text AS job_id
FROM ingest_chunk k JOIN grafana_series s ON s.series_id = k.series_id JOIN ingest_job j ON j.id = k.job_id
WHERE k.status = 'failed';
COMMENT ON VIEW grafana_failure IS 'Chunks that failed and were not loaded since.';

CREATE VIEW grafana_budget WITH (security_invoker = true) AS
SELECT g.provider,
    (SELECT b.per_minute FROM rate_bucket b WHERE b.provider = g.provider AND b.unit = 'request') AS requests_per_minute,
    (SELECT b.per_minute FROM rate_bucket b WHERE b.provider = g.provider AND b.unit = 'weight') AS weight_per_minute,
    coalesce((SELECT sum(u.requests) FROM rate_usage u WHERE u.provider = g.provider AND u.second > now() - interval '60 seconds' AND u.second <= now()), 0)::float8 AS used_last_minute,
    CASE WHEN g.not_before > now() THEN extract(epoch FROM g.not_before - now()) ELSE 0 END::float8 AS held_seconds,
    g.paused, g.paused_reason
FROM provider_gate g;
COMMENT ON VIEW grafana_budget IS 'Request budgets of the providers, over all workers, at this moment.';

-- +goose StatementBegin
DO $$
DECLARE
    role_ text; name_ text;
BEGIN
    FOR name_ IN SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'grafana\_%' LOOP
        EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || name_ || ' FROM PUBLIC';
        FOREACH role_ IN ARRAY ARRAY['marketdata_app', 'marketdata_grafana'] LOOP
            CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', name_, role_);
        END LOOP;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_grafana') THEN
        GRANT SELECT ON grafana_series, grafana_staleness, grafana_quarantine, grafana_restatement, grafana_load, grafana_backfill, grafana_failure,
            grafana_budget TO marketdata_grafana;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW grafana_budget, grafana_failure, grafana_backfill, grafana_load, grafana_restatement, grafana_quarantine, grafana_staleness;
DROP FUNCTION grafana_gaps;
DROP FUNCTION grafana_coverage;
DROP FUNCTION grafana_selected;
DROP FUNCTION grafana_volatility;
DROP FUNCTION grafana_kpi;
DROP FUNCTION grafana_correlation;
DROP FUNCTION grafana_closes;
DROP FUNCTION grafana_candles;
DROP FUNCTION grafana_bars;
DROP FUNCTION grafana_pick;
DROP FUNCTION grafana_width;
DROP VIEW grafana_series;
DROP FUNCTION grafana_step;
DROP INDEX bar_revision_replaced_by;
DROP INDEX load_committed;
