#!/usr/bin/env bash
# coder/websocket closes the connection when a message does not fit the type it is read into.
#
# `wsjson.Read` into a struct with `Loss float64` meets {"loss":"NaN"}, or a message of another
# kind: it returns the error, and it also closes the WebSocket with 1007, "invalid payload data";
# the good messages behind it are lost and the server is told of a violation. gorilla's
# `ReadJSON` returns the error and reads on. One would bet on that: the frame was in order.
#
# Seen with github.com/coder/websocket v1.8.15 and gorilla/websocket v1.5.3 on Go 1.26.
# What helps: `Read` and `json.Unmarshal`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/coder/websocket@v1.8.15 github.com/gorilla/websocket@v1.5.3 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	gorilla "github.com/gorilla/websocket"
)

type record struct{ Loss float64 }

func main() {
	told := make(chan string)
	upgrader := gorilla.Upgrader{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			panic(err)
		}
		for _, text := range []string{`{"loss":0.5}`, `{"loss":"NaN"}`, `{"loss":0.25}`} {
			connection.WriteMessage(gorilla.TextMessage, []byte(text))
		}
		_, _, err = connection.ReadMessage()
		told <- err.Error()
	}))
	url := strings.Replace(server.URL, "http", "ws", 1)

	first, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		panic(err)
	}
	for range 3 {
		var got record
		err := wsjson.Read(context.Background(), first, &got)
		fmt.Println("wsjson.Read:", got.Loss, "error:", err != nil)
	}
	fmt.Println("the server hears:", <-told)

	second, _, err := gorilla.DefaultDialer.Dial(url, nil)
	if err != nil {
		panic(err)
	}
	for range 3 {
		var got record
		err := second.ReadJSON(&got)
		fmt.Println("gorilla ReadJSON:", got.Loss, "error:", err != nil)
	}
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
wsjson.Read: 0.5 error: false
wsjson.Read: 0 error: true
wsjson.Read: 0 error: true
the server hears: websocket: close 1007 (invalid payload data): failed to unmarshal JSON
gorilla ReadJSON: 0.5 error: false
gorilla ReadJSON: 0 error: true
gorilla ReadJSON: 0.25 error: false
EXPECTED
echo "as stated"
