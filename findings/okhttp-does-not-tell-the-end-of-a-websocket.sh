#!/usr/bin/env bash
# OkHttp never says that a WebSocket is closed, unless the listener closes it too.
#
# The server sends a close frame (1012) and ends its side of the connection. The listener
# hears `onClosing` and then nothing more: neither `onClosed` nor `onFailure`, and OkHttp
# sends no close frame back, though RFC 6455, section 5.5.1 asks for one. A program that
# comes back in `onClosed` and `onFailure`, the two names that sound like the end, waits
# for ever after each restart of its server. What helps: `close(1000, null)` in onClosing.
#
# Seen with OkHttp 5.3.2 (okio 3.16.4, kotlin-stdlib 2.2.21) on Java 17.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for artifact in com.squareup.okhttp3:okhttp-jvm:5.3.2 com.squareup.okio:okio-jvm:3.16.4 org.jetbrains.kotlin:kotlin-stdlib:2.2.21; do
    mvn --quiet dependency:copy -Dartifact="$artifact" -DoutputDirectory=jars >/dev/null
done

cat >Probe.java <<'PROGRAM'
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import okhttp3.*;

public class Probe {
    static final byte[] RESTART = {(byte) 0x88, 10, 0x03, (byte) 0xf4, 'd', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

    /** Accepts one WebSocket, closes it with 1012, and says what it was answered. */
    static String serve(ServerSocket listener) throws Exception {
        try (Socket socket = listener.accept()) {
            var lines = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            String key = "", line;
            while (!(line = lines.readLine()).isEmpty()) {
                if (line.toLowerCase().startsWith("sec-websocket-key:")) key = line.substring(18).trim();
            }
            byte[] sum = MessageDigest.getInstance("SHA-1")
                .digest((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes());
            var out = socket.getOutputStream();
            out.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: " + Base64.getEncoder().encodeToString(sum) + "\r\n\r\n").getBytes());
            out.write(RESTART);
            socket.shutdownOutput();
            socket.setSoTimeout(5000);
            try {
                return (socket.getInputStream().read() & 0x0f) == 8 ? "server: close frame" : "server: something else";
            } catch (SocketTimeoutException nothing) {
                return "server: no close frame in 5 s";
            }
        }
    }

    static String run(boolean closes) throws Exception {
        var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        var told = new ConcurrentLinkedQueue<String>();
        var ended = new CountDownLatch(1);
        var server = CompletableFuture.supplyAsync(() -> {
            try {
                return serve(listener);
            } catch (Exception error) {
                return "server: " + error;
            }
        });
        var request = new Request.Builder().url("http://127.0.0.1:" + listener.getLocalPort()).build();
        new OkHttpClient().newWebSocket(request, new WebSocketListener() {
            @Override public void onClosing(WebSocket socket, int code, String reason) {
                told.add("onClosing " + code);
                if (closes) socket.close(1000, null);
            }
            @Override public void onClosed(WebSocket socket, int code, String reason) {
                told.add("onClosed " + code);
                ended.countDown();
            }
        });
        String answered = server.get();
        if (closes) ended.await();
        return String.join(", ", told) + ", " + answered;
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("a listener that only listens: " + run(false));
        System.out.println("a listener that calls close() in onClosing: " + run(true));
        System.exit(0);
    }
}
PROGRAM
java -cp 'jars/*' Probe.java >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a listener that only listens: onClosing 1012, server: no close frame in 5 s
a listener that calls close() in onClosing: onClosing 1012, onClosed 1012, server: close frame
EXPECTED
echo "as stated"
