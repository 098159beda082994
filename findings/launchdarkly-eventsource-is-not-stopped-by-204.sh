#!/usr/bin/env bash
# LaunchDarkly's eventsource for Go asks on and on after a 204, at the pace of `retry`.
#
# By the standard (HTML, section 9.2.3) "204 No Content" is how a server tells a client to
# stop: browsers, Node's `eventsource` and others do. This client takes it for an error and
# asks again after the server's `retry`, without any back-off: a run that is over is asked
# for 20 times a second by each reader, until somebody closes the reader. One would bet
# on an end.
#
# Seen with github.com/launchdarkly/eventsource v1.11.0 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/launchdarkly/eventsource@v1.11.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/launchdarkly/eventsource"
)

func main() {
	asked := make(chan bool, 1000)
	first := true
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		if !first {
			answer.WriteHeader(http.StatusNoContent)
			asked <- true
			return
		}
		first = false
		answer.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(answer, "retry: 50\ndata: the last event\n\n")
	}))
	stream, err := eventsource.Subscribe(server.URL, "")
	if err != nil {
		panic(err)
	}
	go func() {
		for err := range stream.Errors {
			_ = err
		}
	}()
	fmt.Println((<-stream.Events).Data())
	began := time.Now()
	for range 20 {
		<-asked
	}
	fmt.Println("answered 20 times with 204 within 3 s:", time.Since(began) < 3*time.Second)
	stream.Close()
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
the last event
answered 20 times with 204 within 3 s: true
EXPECTED
echo "as stated"
