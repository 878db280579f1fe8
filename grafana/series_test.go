package grafana_test

import (
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// sampleAt is a value as an engine of Prometheus reads it.
type sampleAt struct {
	at    int64 // in milliseconds
	value float64
}

var _ chunks.Sample = sampleAt{}

func (s sampleAt) T() int64                      { return s.at }
func (s sampleAt) ST() int64                     { return 0 }
func (s sampleAt) F() float64                    { return s.value }
func (s sampleAt) H() *histogram.Histogram       { return nil }
func (s sampleAt) FH() *histogram.FloatHistogram { return nil }
func (s sampleAt) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sampleAt) Copy() chunks.Sample           { return s }

// foundSeries is a list of series as an engine reads it.
type foundSeries struct {
	all []storage.Series
	at  int
}

func (s *foundSeries) Next() bool                        { s.at++; return s.at < len(s.all) }
func (s *foundSeries) At() storage.Series                { return s.all[s.at] }
func (s *foundSeries) Err() error                        { return nil }
func (s *foundSeries) Warnings() annotations.Annotations { return nil }
