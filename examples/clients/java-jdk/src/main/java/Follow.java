import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Prints each record of a session once, in order, whatever restarts in between.
 *
 * <pre>
 * mvn -q compile
 * java -cp 'target/classes:target/dependency/*' Follow ws://localhost:5000/ws/telemetry session_001
 * </pre>
 */
public final class Follow {
  /** Tailcast's own "do not come back"; every other code, or none, means: come back. */
  private static final Set<Integer> STOP = Set.of(4400, 4401, 4409);

  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(20)).build();
  private final String url;
  private final String session;

  /** The cursor after the last record that was printed. */
  private String reached;

  /** Connections in a row that brought no message. */
  private int failures;

  /** How many milliseconds the server wants us to stay away, null if it did not say. */
  private Long told;

  private boolean isOver;

  private Follow(String url, String session) {
    this.url = url;
    this.session = session;
  }

  public static void main(String[] arguments) throws InterruptedException {
    Follow follow = new Follow(arguments[0], arguments[1]);
    while (!follow.isOver) {
      follow.told = null;
      try {
        follow.followOnce();
      } catch (CompletionException refused) {
        System.err.println(refused.getCause());
      }
      if (!follow.isOver) Thread.sleep(follow.pauseMillis());
      follow.failures++;
    }
    System.err.println("told to stay away");
    System.exit(1);
  }

  /** One connection, from the kept cursor to its end. */
  private void followOnce() throws InterruptedException {
    Inbox inbox = new Inbox();
    WebSocket socket = http.newWebSocketBuilder().buildAsync(URI.create(url), inbox).join();
    try {
      socket.sendText(subscription(), true).join();
      // Heartbeats come as messages, so that a silent minute means that it is gone.
      socket.sendText("{\"type\":\"heartbeat\",\"everyMs\":20000}", true).join();
      while (true) {
        socket.request(1); // the next piece, when this one has been dealt with
        String text = inbox.messages.poll(1, TimeUnit.MINUTES);
        if (text == null || text.isEmpty()) {
          System.err.println("connection lost: " + inbox.closeCode);
          isOver = STOP.contains(inbox.closeCode);
          return;
        }
        if (!take(JsonParser.parseString(text).getAsJsonObject())) return;
      }
    } finally {
      socket.abort();
    }
  }

  /** What comes in. A message comes in pieces of some 16 KiB, which are joined here. */
  private static final class Inbox implements WebSocket.Listener {
    /** Whole messages; an empty one says that there are no more. */
    final BlockingQueue<String> messages = new LinkedBlockingQueue<>();

    volatile int closeCode;
    private final StringBuilder pieces = new StringBuilder();

    @Override
    public void onOpen(WebSocket socket) {} // the default would ask for a piece already

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence piece, boolean last) {
      pieces.append(piece);
      if (last) {
        messages.add(pieces.toString());
        pieces.setLength(0);
      } else {
        socket.request(1);
      }
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      closeCode = code;
      messages.add("");
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      System.err.println(error);
      messages.add("");
    }
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
