package api

import (
	"math"
	"time"

	"marketdata/market"
)

// backfillView is a backfill as the API shows it.
type backfillView struct {
	ID           string                `json:"id" example:"0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"`
	Status       market.BackfillStatus `json:"status" enum:"starting,running,paused,completed,completed_with_gaps,failed,canceled" example:"running" doc:"failed: some chunk failed. completed_with_gaps: all is done, but rows were quarantined."`
	Policy       market.BackfillPolicy `json:"policy" enum:"missing,all" example:"missing"`
	Interval     market.Interval       `json:"interval" example:"1m"`
	Start        time.Time             `json:"start" example:"2024-01-01T00:00:00Z"`
	End          time.Time             `json:"end" example:"2024-02-01T00:00:00Z" doc:"Not in the range."`
	Concurrency  int                   `json:"concurrency" example:"4" doc:"Chunks in flight per provider."`
	MaxFailed    int                   `json:"max_failed" example:"0" doc:"Failed chunks after which the rest is given up; 0 means no limit."`
	CreatedAt    time.Time             `json:"created_at" example:"2024-02-02T08:00:00Z"`
	FinishedAt   *time.Time            `json:"finished_at" example:"2024-02-02T08:05:00Z" doc:"null while it is not finished."`
	Schedule     string                `json:"schedule,omitempty" example:"nightly-btc" doc:"Id of the schedule that asked for it; absent where a person did."`
	WorkflowID   string                `json:"workflow_id" example:"backfill/0190f5c8-7a52-7d3e-8f62-3f6c1a2b4c5d"`
	TemporalURL  string                `json:"temporal_url" example:"http://127.0.0.1:8233/namespaces/default/workflows" doc:"Its workflows in the Temporal UI."`
	PausedReason *string               `json:"paused_reason" example:"outage of the provider" doc:"null while it is not paused."`
	Progress     backfillProgress      `json:"progress"`
	Series       []backfillSeriesView  `json:"series"`
	Failures     []backfillFailure     `json:"failures" doc:"The first 100 failed chunks."`
}

type backfillProgress struct {
	Percent    float64            `json:"percent" minimum:"0" maximum:"100" example:"37.5" doc:"Finished chunks, weighted by the bars expected of them."`
	ETASeconds *int64             `json:"eta_seconds" example:"12" doc:"null while unknown."`
	Requests   int64              `json:"requests" example:"17" doc:"Requests made of providers."`
	Chunks     market.ChunkCounts `json:"chunks"`
	Bars       market.BarCounts   `json:"bars"`
}

type backfillSeriesView struct {
	Instrument string             `json:"instrument" example:"BTCUSDT.BINANCE"`
	Provider   string             `json:"provider" example:"binance"`
	Chunks     market.ChunkCounts `json:"chunks"`
	Bars       market.BarCounts   `json:"bars"`
}

type backfillFailure struct {
	Instrument  string      `json:"instrument" example:"BTCUSDT.BINANCE"`
	Start       time.Time   `json:"start" example:"2024-01-01T00:00:00Z"`
	End         time.Time   `json:"end" example:"2024-02-01T00:00:00Z"`
	Kind        market.Kind `json:"kind" enum:"invalid,not_found,conflict,denied,malformed,rate_limited,unavailable,internal" example:"rate_limited" doc:"GET /problems/{kind} explains it."`
	Message     string      `json:"message" example:"the provider asked to wait"`
	WorkflowID  string      `json:"workflow_id" example:"backfill/0190f5c8/BTCUSDT.BINANCE-1m-20240101"`
	TemporalURL string      `json:"temporal_url" example:"http://127.0.0.1:8233/namespaces/default/workflows"`
}

type backfillList struct {
	Data       []backfillView `json:"data" doc:"Newest first."`
	Meta       listMeta       `json:"meta"`
	NextCursor *string        `json:"next_cursor" doc:"null on the last page."`
}

// viewBackfill shows a backfill as it is at now.
func (s *server) viewBackfill(b market.Backfill) backfillView {
	v := backfillView{
		ID: b.ID, Status: b.Status, Policy: b.Policy, Interval: b.Interval, Start: b.Range.Start.UTC(), End: b.Range.End.UTC(),
		Concurrency: b.Concurrency, MaxFailed: b.MaxFailed, CreatedAt: b.CreatedAt.UTC(), FinishedAt: utcOrNil(b.FinishedAt),
		Schedule: b.ScheduleID, WorkflowID: b.WorkflowID, TemporalURL: s.orchestrator.JobURL(b.ID), PausedReason: b.PausedReason,
		Progress: backfillProgress{Percent: percentOf(b), Requests: b.Requests, Chunks: b.Chunks, Bars: b.Bars},
		Series:   make([]backfillSeriesView, len(b.Series)), Failures: make([]backfillFailure, len(b.Failures)),
	}
	v.Progress.ETASeconds = etaSeconds(b, v.Progress.Percent, s.now())
	for i, series := range b.Series {
		v.Series[i] = backfillSeriesView{
			Instrument: series.Instrument.String(), Provider: series.Provider, Chunks: series.Chunks, Bars: series.Bars,
		}
	}
	for i, f := range b.Failures {
		v.Failures[i] = backfillFailure{
			Instrument: f.Instrument.String(), Start: f.Range.Start.UTC(), End: f.Range.End.UTC(), Kind: f.Kind, Message: f.Message,
			WorkflowID: f.WorkflowID, TemporalURL: s.orchestrator.WorkflowURL(f.WorkflowID),
		}
	}
	return v
}

// percentOf returns the share of finished chunks, those of each series weighted by the bars expected of it, with one
// decimal. 100 means finished.
func percentOf(b market.Backfill) float64 {
	if b.Status.IsFinished() {
		return 100
	}
	var done, all float64
	for _, series := range b.Series {
		weight := float64(max(series.Bars.Expected, 1))
		all += weight
		if series.Chunks.Total == 0 {
			done += weight
			continue
		}
		finished := series.Chunks.Done + series.Chunks.Failed + series.Chunks.Canceled
		done += weight * float64(finished) / float64(series.Chunks.Total)
	}
	if all == 0 {
		return 0
	}
	const almost = 99.9
	return min(almost, math.Round(1000*done/all)/10)
}

// etaSeconds extends the pace so far to what is left; nil where there is no pace to extend.
func etaSeconds(b market.Backfill, percent float64, now time.Time) *int64 {
	var left int64
	switch {
	case b.Status.IsFinished():
		return &left
	case b.Status != market.StatusRunning || b.StartedAt == nil || percent <= 0 || !now.After(*b.StartedAt):
		return nil
	}
	left = int64(math.Ceil(now.Sub(*b.StartedAt).Seconds() * (100 - percent) / percent))
	return &left
}

func utcOrNil(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	return &utc
}
