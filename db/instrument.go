package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"marketdata/market"
)

// instrumentRow is a row of instrument.
type instrumentRow struct {
	bun.BaseModel `bun:"table:instrument,alias:i"`

	ID         int64 `bun:",pk,autoincrement"`
	Symbol     string
	Venue      string
	AssetClass string
	Currency   string
	Name       string
	Calendar   string
	CreatedAt  time.Time `bun:",nullzero,default:now()"`

	Aliases []*aliasRow   `bun:"rel:has-many,join:id=instrument_id"`
	Tracked []*trackedRow `bun:"rel:has-many,join:id=instrument_id"`
}

// aliasRow is a row of instrument_alias; its valid range stays in SQL.
type aliasRow struct {
	bun.BaseModel `bun:"table:instrument_alias,alias:a"`

	InstrumentID int64
	Provider     string
	Symbol       string
	Preference   int
}

// trackedRow is a row of tracked_interval.
type trackedRow struct {
	bun.BaseModel `bun:"table:tracked_interval,alias:t"`

	InstrumentID int64
	Interval     string
}

func (r *instrumentRow) instrument() market.Instrument {
	i := market.Instrument{
		ID: market.InstrumentID{Symbol: r.Symbol, Venue: r.Venue}, AssetClass: market.AssetClass(r.AssetClass),
		Currency: r.Currency, Name: r.Name, Calendar: r.Calendar, CreatedAt: r.CreatedAt.UTC(),
	}
	for _, a := range r.Aliases {
		i.Providers = append(i.Providers, market.ProviderSymbol{Name: a.Provider, Symbol: a.Symbol})
	}
	for _, interval := range market.Intervals() {
		for _, t := range r.Tracked {
			if t.Interval == string(interval) {
				i.Intervals = append(i.Intervals, interval)
			}
		}
	}
	return i
}

// PutInstrument creates the instrument, or merges providers (new ones are appended) and intervals into the stored one,
// and reports whether it was created. An empty stored name is filled in. Errors: conflict when asset class, currency,
// calendar, name or a provider's symbol differ from what is stored.
func (db *DB) PutInstrument(ctx context.Context, i market.Instrument) (stored market.Instrument, isNew bool, err error) {
	return db.putInstrument(ctx, i, nil)
}

// errChecked takes back what a check has written.
var errChecked = errors.New("only checked")

// CheckInstrument returns what PutInstrument would, and writes nothing. Errors: as PutInstrument.
func (db *DB) CheckInstrument(ctx context.Context, i market.Instrument) (stored market.Instrument, isNew bool, err error) {
	stored, isNew, err = db.putInstrument(ctx, i, errChecked)
	if errors.Is(err, errChecked) {
		err = nil
	}
	return stored, isNew, err
}

// putInstrument ends its transaction with end: nil commits.
func (db *DB) putInstrument(ctx context.Context, i market.Instrument, end error) (stored market.Instrument, isNew bool, err error) {
	err = db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		row := &instrumentRow{
			Symbol: i.ID.Symbol, Venue: i.ID.Venue, AssetClass: string(i.AssetClass), Currency: i.Currency, Name: i.Name, Calendar: i.Calendar,
		}
		result, err := tx.NewInsert().Model(row).ExcludeColumn("id").On("CONFLICT (symbol, venue) DO NOTHING").Returning("NULL").Exec(ctx)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		isNew = n == 1
		found, err := instrumentByID(ctx, tx, i.ID, true)
		if err != nil {
			return err
		}
		if err := mergeInstrument(ctx, tx, found, i); err != nil {
			return err
		}
		found, err = instrumentByID(ctx, tx, i.ID, false)
		if err == nil {
			stored, err = found.instrument(), end
		}
		return err
	})
	return stored, isNew, dbError(err)
}

// mergeInstrument adds what the stored instrument lacks and refuses what contradicts it.
func mergeInstrument(ctx context.Context, tx bun.IDB, stored *instrumentRow, i market.Instrument) error {
	if err := compareInstrument(stored, i); err != nil {
		return err
	}
	if stored.Name == "" && i.Name != "" {
		if _, err := tx.NewUpdate().Model(stored).Set("name = ?", i.Name).WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	known := stored.codes()
	for _, p := range i.Providers {
		if _, isKnown := known[p.Name]; isKnown {
			continue
		}
		alias := &aliasRow{InstrumentID: stored.ID, Provider: p.Name, Symbol: p.Symbol, Preference: len(known)}
		known[p.Name] = p.Symbol
		if _, err := tx.NewInsert().Model(alias).Exec(ctx); err != nil {
			return err
		}
	}
	for _, interval := range i.Intervals {
		tracked := &trackedRow{InstrumentID: stored.ID, Interval: string(interval)}
		if _, err := tx.NewInsert().Model(tracked).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// codes returns the instrument's symbol at each of its providers.
func (r *instrumentRow) codes() map[string]string {
	codes := make(map[string]string, len(r.Aliases))
	for _, a := range r.Aliases {
		codes[a.Provider] = a.Symbol
	}
	return codes
}

// compareInstrument refuses what contradicts the stored instrument, all of it at once. Errors: conflict.
func compareInstrument(stored *instrumentRow, i market.Instrument) error {
	var differences []string
	for _, field := range []struct{ name, have, want string }{
		{"asset_class", stored.AssetClass, string(i.AssetClass)},
		{"currency", stored.Currency, i.Currency},
		{"calendar", stored.Calendar, i.Calendar},
		{"name", stored.Name, i.Name},
	} {
		isOpen := field.name == "name" && (field.have == "" || field.want == "")
		if field.have != field.want && !isOpen {
			differences = append(differences, fmt.Sprintf("%s %q, which differs from %q", field.name, field.have, field.want))
		}
	}
	known := stored.codes()
	for _, p := range i.Providers {
		if have, isKnown := known[p.Name]; isKnown && have != p.Symbol {
			differences = append(differences, fmt.Sprintf("%q at provider %s, which differs from %q", have, p.Name, p.Symbol))
		}
		known[p.Name] = p.Symbol // one that is named twice must not contradict itself
	}
	if len(differences) == 0 {
		return nil
	}
	return market.Errorf(market.KindConflict, "%s is stored with %s", i.ID, strings.Join(differences, "; with "))
}

func instrumentByID(ctx context.Context, idb bun.IDB, id market.InstrumentID, isLocked bool) (*instrumentRow, error) {
	row := new(instrumentRow)
	query := withProviders(idb.NewSelect().Model(row)).Where("i.symbol = ? AND i.venue = ?", id.Symbol, id.Venue)
	if isLocked {
		query = query.For("UPDATE")
	}
	err := query.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, market.Errorf(market.KindNotFound, "instrument %s is not known", id)
	}
	return row, err
}

func withProviders(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Relation("Aliases", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("upper_inf(a.valid)").OrderExpr("a.preference, a.provider")
	}).Relation("Tracked")
}

// Instrument returns one. Errors: not_found.
func (db *DB) Instrument(ctx context.Context, id market.InstrumentID) (market.Instrument, error) {
	row, err := instrumentByID(ctx, db.bun, id, false)
	if err != nil {
		return market.Instrument{}, dbError(err)
	}
	return row.instrument(), nil
}

// idText is an instrument's id as text, sorted byte by byte whatever the database's locale.
const idText = `(i.symbol || '.' || i.venue) COLLATE "C"`

// Instruments returns those that match, by id text ascending, after q.After, at most q.Limit. Errors: invalid for text
// that no column can hold.
func (db *DB) Instruments(ctx context.Context, q market.InstrumentQuery) ([]market.Instrument, error) {
	for _, text := range []string{q.Text, q.Venue, q.Provider, q.After} {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return nil, market.Errorf(market.KindInvalid, "text must be UTF-8 without null characters")
		}
	}
	var rows []*instrumentRow
	query := withProviders(db.bun.NewSelect().Model(&rows)).OrderExpr(idText).Limit(int64(q.Limit))
	if q.After != "" {
		query = query.Where(idText+" > ?", q.After)
	}
	if q.Text != "" {
		pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Text) + "%"
		query = query.Where("i.symbol || '.' || i.venue ILIKE ? OR i.name ILIKE ?", pattern, pattern)
	}
	if q.AssetClass != "" {
		query = query.Where("i.asset_class = ?", string(q.AssetClass))
	}
	if q.Venue != "" {
		query = query.Where("i.venue = ?", strings.ToUpper(q.Venue))
	}
	if q.Provider != "" {
		query = query.Where("EXISTS (SELECT FROM instrument_alias x WHERE x.instrument_id = i.id AND x.provider = ? AND upper_inf(x.valid))", q.Provider)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, dbError(err)
	}
	all := make([]market.Instrument, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.instrument())
	}
	return all, nil
}

// StopSync removes an interval from those kept in sync; data stay. Errors: not_found.
func (db *DB) StopSync(ctx context.Context, id market.InstrumentID, interval market.Interval) error {
	row, err := instrumentByID(ctx, db.bun, id, false)
	if err != nil {
		return dbError(err)
	}
	result, err := db.bun.NewDelete().Model((*trackedRow)(nil)).
		Where(`instrument_id = ? AND "interval" = ?`, row.ID, string(interval)).Exec(ctx)
	if err != nil {
		return dbError(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return market.Errorf(market.KindNotFound, "%s of %s is not kept in sync", interval, id)
	}
	return nil
}

// SetListing stores since (and until) when the provider has bars of the instrument; zero times change nothing.
// Errors: not_found.
func (db *DB) SetListing(ctx context.Context, id market.InstrumentID, provider string, listedAt, delistedAt time.Time) error {
	row, err := instrumentByID(ctx, db.bun, id, false)
	if err != nil {
		return dbError(err)
	}
	result, err := db.bun.NewUpdate().Model((*aliasRow)(nil)).
		Set("listed_at = coalesce(?, listed_at)", bun.NullTime{Time: listedAt}).
		Set("delisted_at = coalesce(?, delisted_at)", bun.NullTime{Time: delistedAt}).
		Where("instrument_id = ? AND provider = ?", row.ID, provider).Exec(ctx)
	if err != nil {
		return dbError(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return market.Errorf(market.KindNotFound, "%s is not listed at provider %s", id, provider)
	}
	return nil
}
