package market

import "time"

// Chunk is the unit of ingestion: one series over one calendar cell, or the part of it that is wanted.
type Chunk struct {
	ID             int64
	JobID          string
	Seq            int
	Name           string // unique in the job: SYMBOL.VENUE-interval-yyyymmdd[-n]
	SeriesID       int64
	Provider       string // instance
	ProviderSymbol string
	Instrument     InstrumentID
	Calendar       string
	Interval       Interval
	Range          Range
	Policy         BackfillPolicy
	IsSync         bool // of a sync, not of a backfill
}

// Attempt identifies who works on a chunk. Token fences: a later claim of the chunk replaces it, and every write of an
// attempt whose token is no longer the chunk's is refused with conflict.
type Attempt struct {
	ChunkID    int64
	Token      string // run id and activity attempt
	WorkflowID string
	RunID      string
	Number     int
}

// ChunkClaim is the answer to a claim.
type ChunkClaim struct {
	Chunk  Chunk
	IsDone bool
	Todo   []Range // ascending, disjoint
}

// RawPage is one answer of a provider as it came, or the record of one that could not be read.
type RawPage struct {
	ID          int64
	Page        int   // 0, 1, 2, … within the chunk
	Range       Range // what was asked for
	Cursor      string
	NextCursor  string // "" when the provider has no further page
	IsConfirm   bool   // second request over a stretch that came back empty
	IsOK        bool
	Rows        int
	FirstAt     time.Time // key of the earliest row that is a bar asked for; zero without one
	LastAt      time.Time // key of the latest such row; zero without one
	URL         string    // without keys
	Status      int
	RequestedAt time.Time
	Body        []byte // uncompressed; nil where not loaded or past retention
}

// Quarantined is a row that broke a rule, kept as sent.
type Quarantined struct {
	Time  time.Time // zero where it could not be read
	Rule  Rule
	Value string // the provider's row, at most 4096 bytes
}

// NormalPage is a chunk's validated rows.
type NormalPage struct {
	Bars        []Bar          // ascending by Time, unique, on the grid, inside the chunk, closed
	Covered     []Range        // asked for and answered; ascending, disjoint
	ObservedAt  time.Time      // when the oldest raw page was asked for
	Dropped     map[string]int // rows dropped by reason: duplicate, out_of_range, forming
	Quarantined []Quarantined
}

// LoadResult counts what one committed upsert did.
type LoadResult struct {
	Inserted  int64
	Restated  int64
	Unchanged int64
	Withdrawn int64
	Version   int64
	IsRepeat  bool // an earlier call committed it; this one only tells the result again
}
