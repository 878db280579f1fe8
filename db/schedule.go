package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"marketdata/market"
)

// lockSchedules lets one process at a time change schedules, here and in Temporal.
const lockSchedules = "SELECT pg_advisory_xact_lock(hashtextextended('schedules', 0))"

// LockSchedules runs f while no other process changes schedules; it waits for its turn until ctx ends.
func (db *DB) LockSchedules(ctx context.Context, f func(ctx context.Context) error) error {
	return db.withSchedules(ctx, func(pgx.Tx) error { return f(ctx) })
}

func (db *DB) withSchedules(ctx context.Context, f func(pgx.Tx) error) error {
	return dbError(db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSchedules); err != nil {
			return err
		}
		return f(tx)
	}))
}

// scheduleRow is a row of schedule.
type scheduleRow struct {
	ID          string
	Instruments []string
	Interval    market.Interval
	Every       *string
	Cron        *string
	Range       string
	Policy      string
	Provider    string
	Concurrency int
	MaxFailed   int
	Source      market.ScheduleSource
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

const selectSchedules = `
	SELECT id, instruments, "interval", every, cron, "range", policy, provider, concurrency, max_failed, source, created_at, updated_at FROM schedule `

func (r scheduleRow) schedule() market.Schedule {
	text := market.ScheduleText{
		ID: r.ID, Instruments: r.Instruments, Interval: string(r.Interval), Range: r.Range, Policy: r.Policy, Provider: r.Provider,
		Concurrency: r.Concurrency, MaxFailed: r.MaxFailed,
	}
	if r.Every != nil {
		text.Every = *r.Every
	}
	if r.Cron != nil {
		text.Cron = *r.Cron
	}
	s, faults := market.ParseSchedule(text)
	s.ID = r.ID
	if len(faults) > 0 { // the others go on
		s.Fault = faults[0].Field + ": " + faults[0].Message
	}
	s.Source, s.CreatedAt, s.UpdatedAt = r.Source, r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return s
}

func scanSchedule(row pgx.CollectableRow) (market.Schedule, error) {
	r, err := pgx.RowToStructByPos[scheduleRow](row)
	if err != nil {
		return market.Schedule{}, err
	}
	return r.schedule(), nil
}

// Schedules returns every stored schedule by id.
func (db *DB) Schedules(ctx context.Context) ([]market.Schedule, error) {
	rows, err := db.Pool.Query(ctx, selectSchedules+"ORDER BY id")
	if err != nil {
		return nil, dbError(err)
	}
	all, err := pgx.CollectRows(rows, scanSchedule)
	return all, dbError(err)
}

// Schedule returns one. Errors: not_found.
func (db *DB) Schedule(ctx context.Context, id string) (market.Schedule, error) {
	rows, err := db.Pool.Query(ctx, selectSchedules+"WHERE id = $1", storable(id))
	if err != nil {
		return market.Schedule{}, dbError(err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanSchedule)
	if isNoRows(err) {
		return s, noSchedule()
	}
	return s, dbError(err)
}

func noSchedule() error { return market.Errorf(market.KindNotFound, "there is no such schedule") }

const insertSchedule = `
	INSERT INTO schedule AS s (id, instruments, "interval", every, cron, "range", policy, provider, concurrency, max_failed, source)
	VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''), $6, $7, $8, $9, $10, $11) `

func scheduleValues(s market.Schedule) []any {
	instruments := make([]string, len(s.Instruments))
	for i, id := range s.Instruments {
		instruments[i] = id.String()
	}
	return []any{s.ID, instruments, s.Interval, s.Every, s.Cron, s.Range.String(), s.Policy, s.Provider, s.Concurrency, s.MaxFailed, s.Source}
}

// CreateSchedule stores the schedule if then succeeds, which runs while no other process changes schedules; it returns
// then's error as it is. Errors: conflict when the id is taken.
func (db *DB) CreateSchedule(ctx context.Context, s market.Schedule, then func(ctx context.Context) error) error {
	return db.withSchedules(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertSchedule+"ON CONFLICT (id) DO NOTHING", scheduleValues(s)...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return market.Errorf(market.KindConflict, "there is a schedule %s already", s.ID)
		}
		return then(ctx)
	})
}

// DeleteSchedule removes a schedule that came through the API if then succeeds, which runs while no other process
// changes schedules; it returns then's error as it is. Errors: not_found; conflict when the configuration defines it.
func (db *DB) DeleteSchedule(ctx context.Context, id string, then func(ctx context.Context) error) error {
	return db.withSchedules(ctx, func(tx pgx.Tx) error {
		var source market.ScheduleSource
		err := tx.QueryRow(ctx, "DELETE FROM schedule WHERE id = $1 RETURNING source", storable(id)).Scan(&source)
		switch {
		case isNoRows(err):
			return noSchedule()
		case err != nil:
			return err
		case source == market.SourceConfig:
			return market.Errorf(market.KindConflict, "the configuration defines this schedule: remove schedules.%s there and restart, or pause it", id)
		}
		return then(ctx)
	})
}

// PutConfigSchedules makes the schedules of source config those given: it adds and changes them and removes the others.
// Schedules that came through the API stay; taken lists the ids that they hold.
func (db *DB) PutConfigSchedules(ctx context.Context, schedules []market.Schedule) (taken []string, err error) {
	const update = `
		ON CONFLICT (id) DO UPDATE SET instruments = excluded.instruments, "interval" = excluded."interval", every = excluded.every,
			cron = excluded.cron, "range" = excluded."range", policy = excluded.policy, provider = excluded.provider,
			concurrency = excluded.concurrency, max_failed = excluded.max_failed, updated_at = now()
		WHERE s.source = 'config' AND (s.instruments, s."interval", s.every, s.cron, s."range", s.policy, s.provider, s.concurrency, s.max_failed)
			IS DISTINCT FROM (excluded.instruments, excluded."interval", excluded.every, excluded.cron, excluded."range", excluded.policy,
				excluded.provider, excluded.concurrency, excluded.max_failed)`
	err = db.withSchedules(ctx, func(tx pgx.Tx) error {
		ids := make([]string, len(schedules))
		for i, s := range schedules {
			ids[i], s.Source = s.ID, market.SourceConfig
			if _, err := tx.Exec(ctx, insertSchedule+update, scheduleValues(s)...); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM schedule WHERE source = 'config' AND id <> ALL($1)", ids); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT id FROM schedule WHERE source <> 'config' AND id = ANY($1) ORDER BY id", ids)
		if err != nil {
			return err
		}
		taken, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return taken, err
}
