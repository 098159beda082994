#!/usr/bin/env bash
# VictoriaMetrics gives 0 for the losses 2.5, 1.25 and 0.75 once the loss of a later step is 1e20.
#
# A block, of up to 8192 points of one series, is kept as integers of 64 bits that share one
# exponent of ten. The largest value decides it, and what is more than some 18 digits below
# comes back as 0 or as what is left: 123.456 as 100 beside 1e20, 3e-07 as 0 beside 1e15. One value
# of a run that diverges rewrites the steps before and after it, silently, and a search for the
# least loss finds zeros. 64 is the number of significant bits that the store is asked for. One would
# bet on a float64 for each value, as Prometheus keeps them.
#
# Seen with VictoriaMetrics v1.110.0's storage, as a Go module, on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/VictoriaMetrics/VictoriaMetrics/lib/storage@v1.110.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompbmarshal"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/storage"
)

func keep(losses ...float64) {
	folder, err := os.MkdirTemp(".", "data")
	if err != nil {
		panic(err)
	}
	store := storage.MustOpenStorage(folder, 0, 0, 0)
	defer store.MustClose()

	now := time.Now()
	name := storage.MarshalMetricNameRaw(nil, []prompbmarshal.Label{{Name: "__name__", Value: "loss"}})
	var rows []storage.MetricRow
	for step, loss := range losses {
		at := now.Add(time.Duration(step-60) * time.Second).UnixMilli()
		rows = append(rows, storage.MetricRow{MetricNameRaw: name, Timestamp: at, Value: loss})
	}
	store.AddRows(rows, 64)
	store.DebugFlush()

	filters := storage.NewTagFilters()
	if err := filters.Add(nil, []byte("loss"), false, false); err != nil {
		panic(err)
	}
	during := storage.TimeRange{MinTimestamp: rows[0].Timestamp, MaxTimestamp: now.UnixMilli()}
	var search storage.Search
	deadline := uint64(now.Unix() + 60)
	search.Init(nil, store, []*storage.TagFilters{filters}, during, 10, deadline)
	defer search.MustClose()
	for search.NextMetricBlock() {
		var block storage.Block
		search.MetricBlockRef.BlockRef.MustReadBlock(&block)
		if err := block.UnmarshalData(); err != nil {
			panic(err)
		}
		_, values := block.AppendRowsWithTimeRangeFilter(nil, nil, during)
		fmt.Println(losses, "-", values)
	}
	if err := search.Error(); err != nil {
		panic(err)
	}
}

func main() {
	flag.Parse()
	keep(2.5, 1.25, 0.75, 123.456, 3)
	keep(2.5, 1.25, 0.75, 123.456, 1e20, 3)
	keep(0.5, 1e-5, 3e-7, 1e15)
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
[2.5 1.25 0.75 123.456 3] - [2.5 1.25 0.75 123.456 3]
[2.5 1.25 0.75 123.456 1e+20 3] - [0 0 0 100 1e+20 0]
[0.5 1e-05 3e-07 1e+15] - [0.5 0 0 1e+15]
EXPECTED
echo "as stated"
