// Follow prints each record of a session once, in order, whatever restarts in between.
//
//	go run . ws://localhost:5000/ws/telemetry session_001
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

var errStop = errors.New("told to stay away")

// Tailcast's own "do not come back"; every other code, or none, means: come back.
var stop = map[int]bool{4400: true, 4401: true, 4409: true}

// A message of the server, as far as it concerns a follower.
type message struct {
	Type             string
	Cursor           string
	To               string
	Data             json.RawMessage
	Close            int
	ReconnectAfterMs *int64
	RetryAfterMs     *int64
}

// follower is what outlives a connection.
type follower struct {
	url, session string
	cursor       string // after the last record that was printed
	failures     int    // connections in a row that brought no message
	told         *int64 // how many milliseconds the server wants us to stay away
}

func main() {
	f := follower{url: os.Args[1], session: os.Args[2]}
	for {
		f.told = nil
		err := f.followOnce()
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errStop) {
			os.Exit(1)
		}
		time.Sleep(f.pause())
		f.failures++
	}
}

// followOnce is one connection, from the kept cursor to its end.
func (f *follower) followOnce() error {
	ctx := context.Background()
	// The default client asks no proxy of the environment for a loopback address.
	socket, _, err := websocket.Dial(ctx, f.url, nil)
	if err != nil {
		return err
	}
	defer socket.CloseNow()
	// A single record may be larger than the default of 32 KiB: a message is at most
	// 960 KiB.
	socket.SetReadLimit(1 << 20)
	if err := wsjson.Write(ctx, socket, f.subscription()); err != nil {
		return err
	}
	// Heartbeats come as messages, so that a silent minute means that it is gone.
	heartbeat := map[string]any{"type": "heartbeat", "everyMs": 20_000}
	if err := wsjson.Write(ctx, socket, heartbeat); err != nil {
		return err
	}
	for {
		var m message
		if err := read(ctx, socket, &m); err != nil {
			if stop[int(websocket.CloseStatus(err))] {
				return fmt.Errorf("%w: %w", errStop, err)
			}
			return err
		}
		if err := f.take(m); err != nil {
			return err
		}
	}
}

func read(ctx context.Context, socket *websocket.Conn, m *message) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return wsjson.Read(ctx, socket, m)
}

// subscription asks for what comes after the cursor, or for all there is without one.
func (f *follower) subscription() any {
	var from any = "start"
	if f.cursor != "" {
		from = map[string]string{"cursor": f.cursor}
	}
	return map[string]any{"type": "subscribe", "sessionId": f.session, "from": from}
}

// take prints what is new of a message; an error ends the connection.
func (f *follower) take(m message) error {
	f.failures = 0 // an open socket proves nothing, a message does
	switch {
	case m.Type == "telemetry":
		var records []json.RawMessage
		if err := json.Unmarshal(m.Data, &records); err != nil {
			return err
		}
		f.show(m.Cursor, records)
	case m.Type == "emergency" && m.Cursor != "":
		f.show(m.Cursor, []json.RawMessage{m.Data})
	case m.Type == "gap": // records that are gone for good
		fmt.Fprintln(os.Stderr, "gap up to", m.To)
		f.cursor = m.To
	case m.Type == "rewind": // the file began anew
		fmt.Fprintln(os.Stderr, "rewind to", m.Cursor)
		f.cursor = m.Cursor
	case m.Type == "draining":
		f.told = m.ReconnectAfterMs
	case stop[m.Close]:
		return errStop
	case m.Type == "error" && m.RetryAfterMs != nil:
		f.told = m.RetryAfterMs
		return errors.New("told to ask again later")
	}
	return nil
}

// show prints records, as they were written, unless they are a repetition.
func (f *follower) show(cursor string, records []json.RawMessage) {
	if f.cursor != "" && !isAfter(cursor, f.cursor) {
		return
	}
	for _, record := range records {
		fmt.Println(string(record))
	}
	f.cursor = cursor
}

// pause is as long as the server told, else at random, so that clients do not come
// together, and ever longer.
func (f *follower) pause() time.Duration {
	if f.told != nil {
		return time.Duration(*f.told) * time.Millisecond
	}
	limit := min(20*time.Second, time.Second<<min(f.failures, 5))
	least := 500 * time.Millisecond
	return least + rand.N(limit-least)
}

// isAfter compares what orders cursors: their first two numbers.
func isAfter(one, other string) bool {
	var generation, offset, otherGeneration, otherOffset int64
	fmt.Sscanf(one, "%d-%d-", &generation, &offset)
	fmt.Sscanf(other, "%d-%d-", &otherGeneration, &otherOffset)
	return generation > otherGeneration ||
		generation == otherGeneration && offset > otherOffset
}
