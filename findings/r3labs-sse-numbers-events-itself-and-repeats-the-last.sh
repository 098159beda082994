#!/usr/bin/env bash
# The server of r3labs/sse puts numbers of its own in the place of the IDs that it is given, and
# sends the last event a second time to who comes back.
#
# With replay, which is on unless told otherwise, `Publish(&Event{ID: "7-2"})` is sent as `id: 2`:
# the index in its log of this process, so that a client which comes back after a restart
# asks from an ID that means another event, and an ID by which the record could be found elsewhere
# is lost. A client that says `Last-Event-ID: 2`, and so has that event, gets 2 and 3, and one that
# says the ID that was published gets the status 400. One would bet on the ID that was given, and on
# the events after it.
#
# Seen with r3labs/sse v2.10.0 on Go 1.26. What helps: AutoReplay = false, and one's own replay.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/r3labs/sse/v2@v2.10.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/r3labs/sse/v2"
)

func get(url, lastEventID, until string) string {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	got := []string{fmt.Sprintf("status %d:", response.StatusCode)}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if lines.Text() != "" {
			got = append(got, lines.Text())
		}
		if strings.Contains(lines.Text(), until) {
			break
		}
	}
	return strings.Join(got, " | ")
}

func main() {
	server := sse.New()
	server.CreateStream("run")
	web := httptest.NewServer(server)
	defer web.Close()
	for step := range 4 {
		event := &sse.Event{ID: fmt.Appendf(nil, "7-%d", step), Data: fmt.Appendf(nil, `{"step":%d}`, step)}
		server.Publish("run", event)
	}
	url := web.URL + "?stream=run"
	fmt.Println("published: 7-0, 7-1, 7-2, 7-3")
	fmt.Println("a new client:", get(url, "", `{"step":3}`))
	fmt.Println("after 2:", get(url, "2", `{"step":3}`))
	fmt.Println("after 7-2:", get(url, "7-2", "never"))
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
published: 7-0, 7-1, 7-2, 7-3
a new client: status 200: | id: 0 | data: {"step":0} | id: 1 | data: {"step":1} | id: 2 | data: {"step":2} | id: 3 | data: {"step":3}
after 2: status 200: | id: 2 | data: {"step":2} | id: 3 | data: {"step":3}
after 7-2: status 400: | Last-Event-ID must be a number!
EXPECTED
echo "as stated"
