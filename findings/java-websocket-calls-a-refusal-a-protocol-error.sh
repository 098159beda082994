#!/usr/bin/env bash
# Java-WebSocket tells a handshake refused with 503 as a close with 1002, "protocol error".
#
# The same for 401, 404 and a redirect: `onClose(1002, ...)`, `onError` is not called, and the
# status stands in the English text of the reason alone; `Retry-After` is nowhere. A client
# that takes 1002 for a fault of its own, as RFC 6455, section 7.4.1 has it, and gives up, is
# gone after a restart of its server. One would bet on an exception that bears the status.
#
# Seen with Java-WebSocket 1.6.0 on Java 17.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for artifact in org.java-websocket:Java-WebSocket:1.6.0 org.slf4j:slf4j-api:2.0.17; do
    mvn --quiet dependency:copy -Dartifact="$artifact" -DoutputDirectory=jars >/dev/null
done

cat >Probe.java <<'PROGRAM'
import java.io.*;
import java.net.*;
import java.util.concurrent.*;
import org.java_websocket.client.WebSocketClient;
import org.java_websocket.handshake.ServerHandshake;

public class Probe {
    /** Refuses one handshake with a status. */
    static void refuse(ServerSocket listener, String status) {
        try (Socket socket = listener.accept()) {
            var lines = new BufferedReader(new InputStreamReader(socket.getInputStream()));
            while (!lines.readLine().isEmpty()) { }
            String answer = "HTTP/1.1 " + status + "\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n";
            socket.getOutputStream().write(answer.getBytes());
            socket.shutdownOutput();
            while (socket.getInputStream().read() >= 0) { }
        } catch (IOException ended) {
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (String status : new String[] {"401 Unauthorized", "404 Not Found", "503 Service Unavailable"}) {
            var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
            CompletableFuture.runAsync(() -> refuse(listener, status));
            var told = new LinkedBlockingQueue<String>();
            new WebSocketClient(new URI("ws://127.0.0.1:" + listener.getLocalPort())) {
                @Override public void onOpen(ServerHandshake handshake) { told.add("onOpen"); }
                @Override public void onMessage(String message) { told.add("onMessage"); }
                @Override public void onError(Exception error) { told.add("onError"); }
                @Override public void onClose(int code, String reason, boolean remote) {
                    told.add("onClose " + code + ", the server's: " + remote + ", " + reason);
                }
            }.connect();
            System.out.println(status + ": " + told.poll(10, TimeUnit.SECONDS));
        }
        System.exit(0);
    }
}
PROGRAM
java -cp 'jars/*' Probe.java >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
401 Unauthorized: onClose 1002, the server's: false, Invalid status code received: 401 Status line: HTTP/1.1 401 Unauthorized
404 Not Found: onClose 1002, the server's: false, Invalid status code received: 404 Status line: HTTP/1.1 404 Not Found
503 Service Unavailable: onClose 1002, the server's: false, Invalid status code received: 503 Status line: HTTP/1.1 503 Service Unavailable
EXPECTED
echo "as stated"
