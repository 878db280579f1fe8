-- +goose Up
ALTER TABLE provider_gate
    ADD COLUMN sync_until   timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN backfill_tat timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN provider_gate.sync_until IS 'Until then the sync lane counts as busy, and the backfill lane gets a fifth.';
COMMENT ON COLUMN provider_gate.backfill_tat IS 'When the backfill lane may begin its next request while the sync lane is busy.';

DROP FUNCTION rate_take(text, integer, interval);
-- the lane comes last and has a default, so that workers of the former version can go on
-- +goose StatementBegin
CREATE FUNCTION rate_take(provider_ text, weight_ integer, max_wait interval, lane_ text DEFAULT 'backfill',
    OUT granted boolean, OUT wait interval, OUT is_paused boolean, OUT start_at timestamptz, OUT retry_after interval)
LANGUAGE plpgsql AS $$
DECLARE
    gate provider_gate; b rate_bucket; now_ timestamptz; cost double precision;
    spacing_us double precision := 0; turn interval := interval '0';
BEGIN
    IF lane_ NOT IN ('backfill', 'sync') THEN RAISE EXCEPTION 'unknown lane %', lane_ USING ERRCODE = 'invalid_parameter_value'; END IF;
    SELECT * INTO gate FROM provider_gate WHERE provider = provider_ FOR UPDATE;  -- serialises the callers of one provider
    IF NOT FOUND THEN RAISE EXCEPTION 'no request budget for provider %', provider_ USING ERRCODE = 'no_data_found'; END IF;
    -- a booking need not survive a crash of the server, so nobody waits for the disk
    PERFORM set_config('synchronous_commit', 'off', true);
    now_ := clock_timestamp();
    start_at := greatest(gate.not_before, now_);
    is_paused := gate.paused;
    FOR b IN SELECT * FROM rate_bucket WHERE provider = provider_ LOOP
        cost := CASE b.unit WHEN 'weight' THEN weight_ ELSE 1 END;
        -- a request of this cost may begin when the bucket, less its burst, has drained far enough for it
        start_at := greatest(start_at, b.tat - make_interval(secs => greatest(b.burst - cost, 0) * b.interval_us / 1e6));
        spacing_us := greatest(spacing_us, cost * b.interval_us);
    END LOOP;
    wait := start_at - now_;
    IF gate.paused THEN
        granted := false;
        wait := greatest(wait, interval '5 seconds');
        retry_after := wait;
        RETURN;
    END IF;
    IF lane_ = 'backfill' AND gate.sync_until > now_ THEN
        -- refused rather than booked for later: what lies before its turn is for the sync lane
        turn := greatest(gate.backfill_tat, start_at) - start_at;
    END IF;
    granted := wait <= max_wait AND turn <= interval '0';
    retry_after := CASE WHEN granted THEN interval '0' ELSE greatest(wait - max_wait, turn) END;
    IF lane_ = 'sync' THEN  -- also one that is refused: it waits for its turn
        UPDATE provider_gate SET sync_until = now_ + interval '5 seconds'
            WHERE provider = provider_ AND sync_until < now_ + interval '4 seconds';
    ELSIF granted THEN
        UPDATE provider_gate SET backfill_tat = start_at + make_interval(secs => 5 * spacing_us / 1e6) WHERE provider = provider_;
    END IF;
    IF NOT granted THEN RETURN; END IF;
    UPDATE rate_bucket SET tat = greatest(tat, start_at) + make_interval(secs => CASE unit WHEN 'weight' THEN weight_ ELSE 1 END * interval_us / 1e6)
        WHERE provider = provider_;
    INSERT INTO rate_usage AS u (provider, second, requests) VALUES (provider_, date_trunc('second', start_at), 1)
        ON CONFLICT (provider, second) DO UPDATE SET requests = u.requests + 1;
    IF random() < 0.02 THEN
        DELETE FROM rate_usage WHERE provider = provider_ AND second < now_ - interval '5 minutes';
    END IF;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION rate_take IS 'Books one request of a weight for a lane if it may begin within max_wait; refuses without booking otherwise.';
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_app') THEN
        GRANT EXECUTE ON FUNCTION rate_take TO marketdata_app;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION rate_take(text, integer, interval, text);
-- +goose StatementBegin
CREATE FUNCTION rate_take(provider_ text, weight_ integer, max_wait interval, OUT granted boolean, OUT wait interval, OUT is_paused boolean)
LANGUAGE plpgsql AS $$
DECLARE
    gate provider_gate; b rate_bucket; now_ timestamptz; start_ timestamptz; cost double precision;
BEGIN
    SELECT * INTO gate FROM provider_gate WHERE provider = provider_ FOR UPDATE;  -- serialises the callers of one provider
    IF NOT FOUND THEN RAISE EXCEPTION 'no request budget for provider %', provider_ USING ERRCODE = 'no_data_found'; END IF;
    -- a booking need not survive a crash of the server, so nobody waits for the disk
    PERFORM set_config('synchronous_commit', 'off', true);
    now_ := clock_timestamp();
    start_ := greatest(gate.not_before, now_);
    is_paused := gate.paused;
    FOR b IN SELECT * FROM rate_bucket WHERE provider = provider_ LOOP
        cost := CASE b.unit WHEN 'weight' THEN weight_ ELSE 1 END;
        -- a request of this cost may begin when the bucket, less its burst, has drained far enough for it
        start_ := greatest(start_, b.tat - make_interval(secs => greatest(b.burst - cost, 0) * b.interval_us / 1e6));
    END LOOP;
    wait := start_ - now_;
    IF gate.paused THEN
        granted := false;
        wait := greatest(wait, interval '5 seconds');
        RETURN;
    END IF;
    granted := wait <= max_wait;
    IF NOT granted THEN RETURN; END IF;
    UPDATE rate_bucket SET tat = greatest(tat, start_) + make_interval(secs => CASE unit WHEN 'weight' THEN weight_ ELSE 1 END * interval_us / 1e6)
        WHERE provider = provider_;
    INSERT INTO rate_usage AS u (provider, second, requests) VALUES (provider_, date_trunc('second', start_), 1)
        ON CONFLICT (provider, second) DO UPDATE SET requests = u.requests + 1;
    IF random() < 0.02 THEN
        DELETE FROM rate_usage WHERE provider = provider_ AND second < now_ - interval '5 minutes';
    END IF;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION rate_take IS 'Books one request of a weight if it may begin within max_wait; refuses without booking otherwise.';
ALTER TABLE provider_gate DROP COLUMN sync_until, DROP COLUMN backfill_tat;
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'marketdata_app') THEN
        GRANT EXECUTE ON FUNCTION rate_take TO marketdata_app;
    END IF;
END $$;
-- +goose StatementEnd
