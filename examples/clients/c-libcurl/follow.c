// Prints each record of a session once, in order, whatever restarts in between.
//
//   make && ./follow ws://localhost:5000/ws/telemetry session_001
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  MAX_MESSAGE = 1 << 20,   // a message has at most 960 KiB
  HEARTBEAT_SECONDS = 15,  // the server waits some 40 s for a sign of life
  SILENCE_SECONDS = 60,
};

typedef enum { COME_BACK, STOP, READ_ON } Next;

static char cursor[64];             // after the last record that was printed
static int failures;                // connections in a row that brought no message
static double told_ms;              // how long the server wants us to stay away, or -1
static char text[MAX_MESSAGE + 1];  // the message that is being received
static size_t length;

// Tailcast's own "do not come back"; every other code, or none, means: come back.
static Next after_code(int code) {
  return code == 4400 || code == 4401 || code == 4409 ? STOP : COME_BACK;
}

// What orders cursors are their first two numbers.
static bool is_after(const char* one, const char* other) {
  long long generation = 0, offset = 0, other_generation = 0, other_offset = 0;
  sscanf(one, "%lld-%lld", &generation, &offset);
  sscanf(other, "%lld-%lld", &other_generation, &other_offset);
  return generation != other_generation ? generation > other_generation
                                        : offset > other_offset;
}

static const char* string(const cJSON* message, const char* name) {
  const char* value = cJSON_GetStringValue(cJSON_GetObjectItem(message, name));
  return value ? value : "";
}

static double number(const cJSON* message, const char* name, double otherwise) {
  const cJSON* value = cJSON_GetObjectItem(message, name);
  return cJSON_IsNumber(value) ? value->valuedouble : otherwise;
}

static void go_on_from(const char* place) {
  snprintf(cursor, sizeof cursor, "%s", place);
}

static void print_record(const cJSON* record) {
  char* line = cJSON_PrintUnformatted(record);
  puts(line);
  fflush(stdout);
  free(line);
}

// Prints what is new of a message, and says what to do next.
static Next take(const cJSON* message) {
  const char *type = string(message, "type"), *reached = string(message, "cursor");
  const cJSON *data = cJSON_GetObjectItem(message, "data"), *record;
  failures = 0;  // an open socket proves nothing, a message does
  if (!strcmp(type, "telemetry") || (!strcmp(type, "emergency") && *reached)) {
    if (*cursor && !is_after(reached, cursor)) return READ_ON;  // a repetition
    if (cJSON_IsArray(data)) {
      cJSON_ArrayForEach(record, data) print_record(record);
    } else {
      print_record(data);
    }
    go_on_from(reached);
  } else if (!strcmp(type, "gap")) {  // records that are gone for good
    fprintf(stderr, "gap up to %s\n", string(message, "to"));
    go_on_from(string(message, "to"));
  } else if (!strcmp(type, "rewind")) {  // the file began anew
    fprintf(stderr, "rewind to %s\n", reached);
    go_on_from(reached);
  } else if (!strcmp(type, "draining")) {
    told_ms = number(message, "reconnectAfterMs", -1);
  } else if (!strcmp(type, "error")) {
    fprintf(stderr, "error: %s\n", string(message, "message"));
    if (after_code((int)number(message, "close", 0)) == STOP) return STOP;
    told_ms = number(message, "retryAfterMs", -1);
    if (told_ms >= 0) return COME_BACK;
  }
  return READ_ON;
}

static CURLcode send_text(CURL* curl, const char* message) {
  size_t sent;
  return curl_ws_send(curl, message, strlen(message), &sent, 0, CURLWS_TEXT);
}

static CURLcode subscribe(CURL* curl, const char* session) {
  cJSON* message = cJSON_CreateObject();
  cJSON_AddStringToObject(message, "type", "subscribe");
  cJSON_AddStringToObject(message, "sessionId", session);
  if (*cursor)
    cJSON_AddStringToObject(cJSON_AddObjectToObject(message, "from"), "cursor", cursor);
  else
    cJSON_AddStringToObject(message, "from", "start");
  char* json = cJSON_PrintUnformatted(message);
  CURLcode result = send_text(curl, json);
  free(json);
  cJSON_Delete(message);
  return result;
}

// Deals with a piece of a frame: a large message comes in many.
static Next take_piece(const struct curl_ws_frame* frame) {
  if (frame->flags & CURLWS_CLOSE) {
    const unsigned char* code = (const unsigned char*)text + length - frame->len;
    return frame->len < 2 ? COME_BACK : after_code(code[0] << 8 | code[1]);
  }
  if (!(frame->flags & CURLWS_TEXT)) {
    length -= frame->len;  // a ping among the pieces
    return READ_ON;
  }
  if (frame->bytesleft > 0 || frame->flags & CURLWS_CONT) return READ_ON;
  cJSON* message = cJSON_ParseWithLength(text, length);
  length = 0;
  if (!message) return COME_BACK;
  Next next = take(message);
  cJSON_Delete(message);
  return next;
}

// Waits until there is something to read. libcurl answers no ping while nothing else
// comes, so a heartbeat tells the server that we are there; its answer tells us the
// same.
static CURLcode wait_for_more(CURL* curl, time_t last_read, time_t* last_sent) {
  curl_socket_t socket;
  curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &socket);
  struct pollfd readable = {.fd = socket, .events = POLLIN};
  poll(&readable, 1, 1000);
  time_t now = time(NULL);
  if (now - last_read > SILENCE_SECONDS) return CURLE_OPERATION_TIMEDOUT;
  if (now - *last_sent < HEARTBEAT_SECONDS) return CURLE_OK;
  *last_sent = now;
  return send_text(curl, "{\"type\":\"heartbeat\"}");
}

// Reads an open connection to its end.
static Next read_all(CURL* curl, CURLcode* result) {
  time_t last_read = time(NULL), last_sent = last_read;
  length = 0;
  while (length < MAX_MESSAGE) {
    const struct curl_ws_frame* frame;
    size_t count;
    *result = curl_ws_recv(curl, text + length, MAX_MESSAGE - length, &count, &frame);
    if (*result == CURLE_AGAIN) {
      *result = wait_for_more(curl, last_read, &last_sent);
    } else if (*result == CURLE_OK) {
      last_read = time(NULL);
      length += count;
      Next next = take_piece(frame);
      if (next != READ_ON) return next;
    }
    if (*result != CURLE_OK) return COME_BACK;
  }
  return COME_BACK;
}

// One connection, from the kept cursor to its end.
static Next follow_once(const char* url, const char* session) {
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 2L);  // a WebSocket, read by hand
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
  // No proxy of the environment stands between this machine and itself.
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  Next next = COME_BACK;
  CURLcode result = curl_easy_perform(curl);
  if (result == CURLE_OK) result = subscribe(curl, session);
  if (result == CURLE_OK) next = read_all(curl, &result);
  const char* why = result == CURLE_OK ? "closed" : curl_easy_strerror(result);
  fprintf(stderr, "connection lost: %s\n", why);
  curl_easy_cleanup(curl);
  return next;
}

// As told, else at random, so that clients do not come together, and ever longer.
static void pause_before_next(void) {
  int limit = 1000 << (failures < 5 ? failures : 5);
  if (limit > 20000) limit = 20000;
  double ms = told_ms >= 0 ? told_ms : 500 + drand48() * (limit - 500);
  poll(NULL, 0, (int)ms);
}

int main(int argc, char** argv) {
  if (argc != 3) return fprintf(stderr, "follow URL SESSION\n"), 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  srand48(now.tv_nsec);
  for (told_ms = -1; follow_once(argv[1], argv[2]) == COME_BACK; told_ms = -1) {
    pause_before_next();
    failures++;
  }
  fprintf(stderr, "told to stay away\n");
  return 1;
}
