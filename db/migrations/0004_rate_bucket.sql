-- +goose Up
CREATE TABLE rate_bucket (
    provider      text NOT NULL,
    unit          text NOT NULL,
    per_minute    integer NOT NULL,
    burst         double precision NOT NULL,
    interval_us   double precision NOT NULL,
    tat           timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT rate_bucket_pkey PRIMARY KEY (provider, unit),
    CONSTRAINT rate_bucket_unit CHECK (unit IN ('request', 'weight')),
    CONSTRAINT rate_bucket_per_minute CHECK (per_minute > 0)
);
COMMENT ON TABLE rate_bucket IS 'The request budget of a provider instance, shared by every worker (GCRA).';
COMMENT ON COLUMN rate_bucket.tat IS 'Theoretical arrival time: when the bucket will be empty again.';

CREATE TABLE provider_gate (
    provider      text PRIMARY KEY,
    not_before    timestamptz NOT NULL DEFAULT '-infinity',
    paused        boolean NOT NULL DEFAULT false,
    paused_reason text NOT NULL DEFAULT ''
);
COMMENT ON TABLE provider_gate IS 'Holds every worker of a provider: until not_before after a 429, or while paused.';

CREATE TABLE rate_usage (
    provider text NOT NULL,
    second   timestamptz NOT NULL,
    requests integer NOT NULL,
    CONSTRAINT rate_usage_pkey PRIMARY KEY (provider, second)
);
COMMENT ON TABLE rate_usage IS 'Requests granted per second, kept for a few minutes: what used_last_minute counts.';

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

-- +goose Down
DROP FUNCTION rate_take;
DROP TABLE rate_usage;
DROP TABLE provider_gate;
DROP TABLE rate_bucket;
