#!/usr/bin/env bash
# gorilla/websocket's `ReadJSON` gives the first JSON value of a message and drops the rest.
#
# A server that puts several JSON lines into one message (a batch, to save frames) is read one
# record a message; all others, and anything else behind the first value, go without an error,
# because the decoder stops there and the next call begins at the next message. coder's
# `wsjson.Read` says "invalid character after top-level value", as json.Unmarshal does. One
# would bet on that, or on the second line at the second call.
#
# Seen with github.com/gorilla/websocket v1.5.3 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/gorilla/websocket@v1.5.3 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/websocket"
)

func main() {
	upgrader := websocket.Upgrader{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			panic(err)
		}
		messages := []string{"{\"step\":1}\n{\"step\":2}\n", "{\"step\":3} no JSON at all", "{\"step\":4}"}
		for _, text := range messages {
			connection.WriteMessage(websocket.TextMessage, []byte(text))
		}
	}))
	client, _, err := websocket.DefaultDialer.Dial(strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		panic(err)
	}
	for range 3 {
		var got map[string]int
		err := client.ReadJSON(&got)
		fmt.Println(got, err)
	}
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
map[step:1] <nil>
map[step:3] <nil>
map[step:4] <nil>
EXPECTED
echo "as stated"
