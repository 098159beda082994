#!/usr/bin/env bash
# r3labs/sse comes back from a broken connection, and not from one that the server ended.
#
# It reconnects with a back-off and sends `Last-Event-ID`; but where the answer ends in
# order (as at each restart of a server, each time limit of a proxy) `Subscribe` returns nil
# after the last event, as if the stream were over. Cut the same answer before its end, and
# it comes back. The standard (HTML, section 9.2.3) has a client come back from both.
#
# Seen with github.com/r3labs/sse/v2 v2.10.0 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/r3labs/sse/v2@v2.10.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/r3labs/sse/v2"
)

func main() {
	for _, cut := range []bool{false, true} {
		asked := []string{}
		server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			asked = append(asked, request.Header.Get("Last-Event-ID"))
			answer.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(answer, fmt.Sprintf("id: %d\ndata: x\n\n", len(asked)))
			answer.(http.Flusher).Flush()
			if cut && len(asked) == 1 {
				panic(http.ErrAbortHandler)
			}
		}))
		events := 0
		within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := sse.NewClient(server.URL).SubscribeRawWithContext(within, func(*sse.Event) { events++ })
		fmt.Printf("first answer cut: %v, asked with %q, events %d, returned %v\n", cut, asked, events, err)
		cancel()
		server.Close()
	}
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
first answer cut: false, asked with [""], events 1, returned <nil>
first answer cut: true, asked with ["" "1"], events 2, returned <nil>
EXPECTED
echo "as stated"
