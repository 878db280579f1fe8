-- +goose Up
-- As many points as days, of 273 years: with fewer, those of more than five years stood for two days or more. Rights and comment stay.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION grafana_correlation(instruments text[], provider_ text, from_ timestamptz, to_ timestamptz)
RETURNS TABLE (a text, b text, correlation float8, returns bigint)
LANGUAGE sql STABLE AS $$
    WITH daily AS MATERIALIZED (
        SELECT c.instrument, c."time", c.close FROM grafana_closes(instruments, provider_, 'auto', from_, to_, 86400000, 100000) c WHERE c.close > 0
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

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION grafana_correlation(instruments text[], provider_ text, from_ timestamptz, to_ timestamptz)
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
