#!/usr/bin/env bash
# golang.org/x/net/websocket gives each fragment as a message of its own.
#
# A text in two frames (`{"step":`, then `1}`), which RFC 6455 lets every server and every
# proxy send, arrives at `Message.Receive` as two messages, neither of them JSON. And a
# close with 1012 and a reason arrives as io.EOF, like a cut cable. One would bet on the
# "x" repository of the language itself to join fragments.
#
# Seen with golang.org/x/net v0.62.0 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get golang.org/x/net@v0.62.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"

	"golang.org/x/net/websocket"
)

// A close frame with code 1012 ("service restart") and a reason.
var restart = append([]byte{0x88, 10, 0x03, 0xf4}, "draining"...)

// serve accepts one WebSocket by hand, so that each byte that it sends is ours.
func serve(talk func(net.Conn, *bufio.Reader)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		connection, _ := listener.Accept()
		reader := bufio.NewReader(connection)
		request, _ := http.ReadRequest(reader)
		sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
		talk(connection, reader)
		connection.Close()
	}()
	return "ws://" + listener.Addr().String()
}

func main() {
	url := serve(func(connection net.Conn, reader *bufio.Reader) {
		connection.Write(append([]byte{0x01, 8}, `{"step":`...))
		connection.Write(append([]byte{0x80, 2}, `1}`...))
		connection.Write(restart)
		io.Copy(io.Discard, reader)
	})
	client, err := websocket.Dial(url, "", "http://localhost")
	if err != nil {
		panic(err)
	}
	for {
		var text string
		if err := websocket.Message.Receive(client, &text); err != nil {
			fmt.Println("after a close with 1012:", err)
			return
		}
		fmt.Printf("message %q\n", text)
	}
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
message "{\"step\":"
message "1}"
after a close with 1012: EOF
EXPECTED
echo "as stated"
