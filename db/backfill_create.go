package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"marketdata/market"
	"marketdata/market/calendar"
)

// CreateBackfill stores the job and its chunks in one transaction: of each series' range what is not covered (policy
// missing) or all of it, cut on the interval's chunk grid. isReplay: the idempotency key was used before with the same
// request; the stored backfill is returned. Errors: invalid (same key, other request; a series twice), *market.ConflictError with the id
// of an unfinished backfill of one of the series with the same interval and range, not_found.
func (db *DB) CreateBackfill(ctx context.Context, r market.BackfillRequest) (b market.Backfill, isReplay bool, err error) {
	if err := uuid.Validate(r.ID); err != nil {
		return b, false, market.Errorf(market.KindInternal, "backfill id %q is not a UUID", r.ID)
	}
	if err := refuseRepeated(r.Series); err != nil {
		return b, false, err
	}
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		id := r.ID
		if r.IdempotencyKey != "" {
			stored, err := replay(ctx, tx, r)
			if err != nil {
				return err
			}
			if isReplay = stored != ""; isReplay {
				id = stored
			}
		}
		if !isReplay {
			if err := createJob(ctx, tx, r); err != nil {
				return err
			}
		}
		b, err = backfillByID(ctx, tx, id)
		return err
	})
	return b, isReplay, dbError(err)
}

// refuseRepeated returns invalid when a series is asked for twice.
func refuseRepeated(targets []market.BackfillTarget) error {
	type key struct {
		id       market.InstrumentID
		provider string
	}
	seen := make(map[key]bool, len(targets))
	for _, t := range targets {
		k := key{t.Instrument, t.Provider}
		if seen[k] {
			return market.Errorf(market.KindInvalid, "%s of provider %s is asked for twice", t.Instrument, t.Provider)
		}
		seen[k] = true
	}
	return nil
}

// replay returns the id of the job that the idempotency key made, "" when it is new. Users of one key queue up.
func replay(ctx context.Context, tx pgx.Tx, r market.BackfillRequest) (string, error) {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('idempotency ' || $1, 0))", r.IdempotencyKey); err != nil {
		return "", err
	}
	var id, hash string
	err := tx.QueryRow(ctx, "SELECT id::text, request_hash FROM ingest_job WHERE idempotency_key = $1", r.IdempotencyKey).Scan(&id, &hash)
	if isNoRows(err) {
		return "", nil
	}
	if err == nil && hash != r.RequestHash {
		return "", market.Errorf(market.KindInvalid, "this Idempotency-Key was used for another request, backfill %s", id)
	}
	return id, err
}

// wantedSeries is one series of the request with its row's id.
type wantedSeries struct {
	id     int64
	grid   market.Grid
	target market.BackfillTarget
}

func createJob(ctx context.Context, tx pgx.Tx, r market.BackfillRequest) error {
	wanted, err := ensureAllSeries(ctx, tx, r)
	if err != nil {
		return err
	}
	if err := lockSeries(ctx, tx, wanted); err != nil {
		return err
	}
	if err := refuseRunning(ctx, tx, r, wanted); err != nil {
		return err
	}
	const insert = `
		INSERT INTO ingest_job (id, policy, "interval", start_at, end_at, concurrency, max_failed, idempotency_key, request_hash, workflow_id, request_id, schedule_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, ''), $9, $10, nullif($11, ''), nullif($12, ''))`
	_, err = tx.Exec(ctx, insert, r.ID, r.Policy, r.Interval, r.Range.Start, r.Range.End, r.Concurrency, r.MaxFailed,
		r.IdempotencyKey, r.RequestHash, market.BackfillWorkflowID(r.ID), r.RequestID, r.ScheduleID)
	if err != nil {
		return err
	}
	return planJob(ctx, tx, r, wanted)
}

// ensureAllSeries finds or makes the series of the request and returns them in its order. They are made in an order that
// all requests share, because a new row makes others who want it wait. Errors: not_found.
func ensureAllSeries(ctx context.Context, tx pgx.Tx, r market.BackfillRequest) ([]wantedSeries, error) {
	order := make([]int, len(r.Series))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := r.Series[a], r.Series[b]
		return cmp.Or(cmp.Compare(x.Instrument.String(), y.Instrument.String()), cmp.Compare(x.Provider, y.Provider))
	})
	wanted := make([]wantedSeries, len(r.Series))
	for _, i := range order {
		var err error
		if wanted[i], err = ensureSeries(ctx, tx, r.Interval, r.Series[i]); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// ensureSeries finds or makes the series and its coverage row. Errors: not_found.
func ensureSeries(ctx context.Context, tx pgx.Tx, interval market.Interval, target market.BackfillTarget) (wantedSeries, error) {
	const find = `
		SELECT i.id, i.calendar, s.id
		FROM instrument i
		JOIN instrument_alias a ON a.instrument_id = i.id AND a.provider = $3 AND upper_inf(a.valid)
		LEFT JOIN series s ON s.instrument_id = i.id AND s.provider = a.provider AND s."interval" = $4 AND s.is_current
		WHERE i.symbol = $1 AND i.venue = $2`
	w := wantedSeries{target: target}
	var instrumentID int64
	var calendarName string
	var seriesID *int64
	id := target.Instrument
	err := tx.QueryRow(ctx, find, id.Symbol, id.Venue, target.Provider, interval).Scan(&instrumentID, &calendarName, &seriesID)
	if isNoRows(err) {
		return w, market.Errorf(market.KindNotFound, "%s is not known at provider %s", id, target.Provider)
	}
	if err != nil {
		return w, err
	}
	if w.grid, err = calendar.GridOf(interval, calendarName); err != nil {
		return w, err
	}
	if seriesID != nil {
		w.id = *seriesID
		return w, nil
	}
	const insert = `
		INSERT INTO series AS s (instrument_id, provider, "interval", price_basis) VALUES ($1, $2, $3, $4)
		ON CONFLICT (provider, instrument_id, "interval", generation) DO UPDATE SET provider = s.provider
		RETURNING id`
	if err := tx.QueryRow(ctx, insert, instrumentID, target.Provider, interval, target.PriceBasis).Scan(&w.id); err != nil {
		return w, err
	}
	_, err = tx.Exec(ctx, "INSERT INTO series_coverage (series_id) VALUES ($1) ON CONFLICT DO NOTHING", w.id)
	return w, err
}

// lockSeries makes two requests for the same series queue up, in ascending order so that they cannot deadlock.
func lockSeries(ctx context.Context, tx pgx.Tx, wanted []wantedSeries) error {
	const query = `
		SELECT pg_advisory_xact_lock(hashtextextended('backfill of series ' || id, 0))
		FROM (SELECT id FROM unnest($1::bigint[]) AS id ORDER BY id) AS ordered`
	_, err := tx.Exec(ctx, query, seriesIDs(wanted))
	return err
}

func seriesIDs(wanted []wantedSeries) []int64 {
	ids := make([]int64, 0, len(wanted))
	for _, w := range wanted {
		ids = append(ids, w.id)
	}
	return ids
}

// refuseRunning returns a ConflictError when an unfinished backfill has one of the series with the same range.
func refuseRunning(ctx context.Context, tx pgx.Tx, r market.BackfillRequest, wanted []wantedSeries) error {
	const query = `
		SELECT j.id::text FROM ingest_job j JOIN ingest_job_series js ON js.job_id = j.id
		WHERE js.series_id = ANY($1) AND j."interval" = $2 AND j.start_at = $3 AND j.end_at = $4
		AND EXISTS (SELECT FROM ingest_chunk k WHERE k.job_id = j.id AND k.status IN ('pending', 'running'))
		ORDER BY j.created_at LIMIT 1`
	var id string
	err := tx.QueryRow(ctx, query, seriesIDs(wanted), r.Interval, r.Range.Start, r.Range.End).Scan(&id)
	if isNoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return &market.ConflictError{BackfillID: id}
}

// planJob cuts what is wanted and not covered into chunks and stores them all with one COPY each.
func planJob(ctx context.Context, tx pgx.Tx, r market.BackfillRequest, wanted []wantedSeries) error {
	var series, chunks [][]any
	providers := map[string]int{}
	for _, t := range r.Series {
		providers[t.Instrument.String()]++
	}
	for ordinal, w := range wanted {
		series = append(series, []any{r.ID, w.id, ordinal, w.target.Range.Start, w.target.Range.End})
		todo, err := missing(ctx, tx, w, r.Policy)
		if err != nil {
			return err
		}
		label := w.target.Instrument.String()
		if providers[label] > 1 {
			label += "-" + w.target.Provider
		}
		names := map[string]int{}
		for _, stretch := range todo {
			for _, piece := range stretch.Split(r.Interval.ChunkStep) {
				expected := w.grid.Count(piece)
				if expected == 0 {
					continue
				}
				name := fmt.Sprintf("%s-%s-%s", label, r.Interval, piece.Start.Format("20060102"))
				if names[name]++; names[name] > 1 {
					name = fmt.Sprintf("%s-%d", name, names[name])
				}
				chunks = append(chunks, []any{r.ID, w.id, len(chunks) + 1, name, piece.Start, piece.End, expected, market.ChunkWorkflowID(r.ID, name)})
			}
		}
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"ingest_job_series"}, []string{"job_id", "series_id", "ordinal", "start_at", "end_at"}, pgx.CopyFromRows(series)); err != nil {
		return err
	}
	columns := []string{"job_id", "series_id", "seq", "name", "start_at", "end_at", "expected", "workflow_id"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"ingest_chunk"}, columns, pgx.CopyFromRows(chunks))
	return err
}

// missing returns what of the wanted range is to be asked: wanted minus covered, or all of it.
func missing(ctx context.Context, tx pgx.Tx, w wantedSeries, policy market.BackfillPolicy) ([]market.Range, error) {
	if policy == market.PolicyAll {
		return []market.Range{w.target.Range}, nil
	}
	var todo multirange
	const query = "SELECT tstzmultirange(tstzrange($2, $3)) - coalesce((SELECT covered FROM series_coverage WHERE series_id = $1), '{}')"
	err := tx.QueryRow(ctx, query, w.id, w.target.Range.Start, w.target.Range.End).Scan(&todo)
	return fromMultirange(todo), err
}
