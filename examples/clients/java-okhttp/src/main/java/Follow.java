import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * Prints each record of a session once, in order, whatever restarts in between.
 *
 * <pre>
 * mvn -q compile
 * java -cp 'target/classes:target/dependency/*' Follow ws://localhost:5000/ws/telemetry session_001
 * </pre>
 */
public final class Follow extends WebSocketListener {
  /** Tailcast's own "do not come back"; every other code, or none, means: come back. */
  private static final Set<Integer> STOP = Set.of(4400, 4401, 4409);

  /** Its pings find out when the other end is gone. */
  private final OkHttpClient http =
      new OkHttpClient.Builder().pingInterval(Duration.ofSeconds(20)).build();

  private final String url;
  private final String session;

  /** The cursor after the last record that was printed. */
  private String reached;

  /** Connections in a row that brought no message. */
  private int failures;

  /** How many milliseconds the server wants us to stay away, null if it did not say. */
  private Long told;

  private boolean isOver;

  /** Done when the connection has ended. */
  private CompletableFuture<Void> end;

  private Follow(String url, String session) {
    this.url = url;
    this.session = session;
  }

  public static void main(String[] arguments) throws InterruptedException {
    Follow follow = new Follow(arguments[0], arguments[1]);
    while (!follow.isOver) {
      follow.told = null;
      follow.end = new CompletableFuture<>();
      Request request = new Request.Builder().url(follow.url).build();
      WebSocket socket = follow.http.newWebSocket(request, follow);
      follow.end.join();
      socket.cancel();
      if (!follow.isOver) Thread.sleep(follow.pauseMillis());
      follow.failures++;
    }
    System.err.println("told to stay away");
    System.exit(1);
  }

  @Override
  public void onOpen(WebSocket socket, Response response) {
    socket.send(subscription());
  }

  @Override
  public void onMessage(WebSocket socket, String text) {
    if (end.isDone()) return;
    if (!take(JsonParser.parseString(text).getAsJsonObject())) end.complete(null);
  }

  /** The server closes. Without a close of our own nothing more would ever be told. */
  @Override
  public void onClosing(WebSocket socket, int code, String reason) {
    System.err.println("connection lost: " + code);
    if (STOP.contains(code)) isOver = true;
    socket.close(1000, null);
  }

  @Override
  public void onClosed(WebSocket socket, int code, String reason) {
    end.complete(null);
  }

  /** The connection was refused, or broke. */
  @Override
  public void onFailure(WebSocket socket, Throwable error, Response response) {
    System.err.println(error);
    end.complete(null);
  }

  /** Prints what is new of a message; tells whether to read on. */
  private boolean take(JsonObject message) {
    failures = 0; // an open socket proves nothing, a message does
    String cursor = message.has("cursor") ? text(message, "cursor") : null;
    switch (text(message, "type")) {
      case "telemetry" -> show(cursor, message.getAsJsonArray("data"));
      case "emergency" -> {
        JsonArray one = new JsonArray();
        one.add(message.get("data"));
        if (cursor != null) show(cursor, one);
      }
      case "gap" -> reached = text(message, "to"); // records that are gone for good
      case "rewind" -> reached = cursor; // the file began anew
      case "draining" -> told = message.get("reconnectAfterMs").getAsLong();
      case "error" -> {
        System.err.println(message);
        isOver = message.has("close") && STOP.contains(message.get("close").getAsInt());
        if (message.has("retryAfterMs")) told = message.get("retryAfterMs").getAsLong();
        return !isOver && !message.has("retryAfterMs");
      }
      default -> {}
    }
    return true;
  }

  /** Prints records, unless they are a repetition. */
  private void show(String cursor, JsonArray records) {
    if (reached != null && !isAfter(cursor, reached)) return;
    for (JsonElement record : records) System.out.println(record);
    reached = cursor;
  }

  private String subscription() {
    String from = reached == null ? "\"start\"" : "{\"cursor\":\"%s\"}".formatted(reached);
    return "{\"type\":\"subscribe\",\"sessionId\":%s,\"from\":%s}"
        .formatted(new JsonPrimitive(session), from);
  }

  /** As told, else at random, so that clients do not come together, and ever longer. */
  private long pauseMillis() {
    if (told != null) return told;
    long limit = Math.min(20_000, 1_000L << Math.min(failures, 5));
    return ThreadLocalRandom.current().nextLong(500, limit + 1);
  }

  private static String text(JsonObject message, String name) {
    return message.get(name).getAsString();
  }

  /** What orders cursors are their first two numbers. */
  private static boolean isAfter(String one, String other) {
    String[] a = one.split("-");
    String[] b = other.split("-");
    int order = Long.compare(Long.parseLong(a[0]), Long.parseLong(b[0]));
    return order > 0 || (order == 0 && Long.parseLong(a[1]) > Long.parseLong(b[1]));
  }
}
