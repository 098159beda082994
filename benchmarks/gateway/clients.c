/* The clients of the benchmark: many WebSocket connections that count what they get.
 *
 * One thread, one epoll. It parses frame headers to count frames, finds a mark that each
 * record has once to count records, and takes the time from each record to now. It takes
 * one command a line and answers each with one line of JSON:
 *
 *     open PORT PATH COUNT [TEXT]   connections; TEXT is sent on each as its first message,
 *                                   with a line's end for each tab in it
 *     reset                         begin to count anew
 *     report                        what came since
 *     wait RECORDS MS               the same, once so many came, or after so long
 *     retry MS | retry 0            make lost connections anew after MS, or leave them lost
 *     shut                          drop all connections
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_FDS 65536
/* So many connections are being made at once. */
#define WAVE 64
#define BUFFER_BYTES (256 * 1024)
/* A first message and its end; `open` is read with this width. */
#define MESSAGE_BYTES 16384
#define MARK "\"sent_ns\":"
#define MARK_BYTES (sizeof MARK - 1)
/* A mark and the digits after it fit; what is cut by the end of a read is kept. */
#define TAIL_BYTES 40
/* Latencies by powers of two of nanoseconds, each in so many parts. */
#define PARTS 64
#define BUCKETS (64 * PARTS)

enum state { FREE, CONNECTING, SHAKING, OPEN };

struct client {
    enum state state;
    /* Until the next frame's header: payload bytes, then header bytes that are there. */
    uint64_t payload_left;
    unsigned char header[10];
    int header_bytes;
    /* A ping's payload, which its pong repeats. */
    unsigned char ping[125];
    int ping_bytes;
    char tail[TAIL_BYTES];
    int tail_bytes;
    uint64_t records;
};

static struct client clients[MOST_FDS];
static int epoll, port, wanted, pending, is_open, failures;
static int64_t retry_ns, retry_at;
/* A `wait` that is not answered yet: for how many, and until when. */
static uint64_t awaited;
static int64_t awaited_until;
static char request[1024], first_message[MESSAGE_BYTES];
static size_t request_bytes;
static uint64_t frames, records, bytes, latencies[BUCKETS], latency_count;
/* Connections that had a record since the reset, and when the last of them had it. */
static int served;
static int64_t last_served_ns, last_record_ns, opening_since, opening_until;
static char buffer[TAIL_BYTES + BUFFER_BYTES];

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void note_latency(int64_t ns) {
    if (ns < PARTS) ns = PARTS;
    int power = 63 - __builtin_clzll((uint64_t)ns);
    int part = (int)((ns >> (power - 6)) & (PARTS - 1));
    latencies[power * PARTS + part]++;
    latency_count++;
}

static double quantile_ms(double share) {
    uint64_t below = 0, rank = (uint64_t)(share * (double)latency_count);
    for (int i = 0; i < BUCKETS; i++) {
        below += latencies[i];
        if (below > rank) {
            int power = i / PARTS, part = i % PARTS;
            return (double)((int64_t)(PARTS + part) << (power - 6)) / 1e6;
        }
    }
    return 0;
}

/* Masked with zeros, which leaves the payload as it is. */
static void send_masked(int fd, int opcode, const void *payload, size_t size) {
    char frame[8 + MESSAGE_BYTES] = {(char)(0x80 | opcode), (char)(0x80 | size)};
    size_t header = 2;
    if (size > 125) {
        frame[1] = (char)(0x80 | 126);
        frame[header++] = (char)(size >> 8);
        frame[header++] = (char)size;
    }
    /* A mask of zeros changes nothing. */
    header += 4;
    memcpy(frame + header, payload, size);
    send(fd, frame, header + size, MSG_NOSIGNAL);
}

static void count_frames(int fd, const unsigned char *at, size_t left) {
    struct client *c = &clients[fd];
    while (left) {
        if (c->payload_left) {
            size_t taken = left < c->payload_left ? left : c->payload_left;
            int is_ping = (c->header[0] & 0xf) == 9;
            if (is_ping && (size_t)c->ping_bytes + taken <= sizeof c->ping) {
                memcpy(c->ping + c->ping_bytes, at, taken);
                c->ping_bytes += (int)taken;
            }
            c->payload_left -= taken;
            if (is_ping && !c->payload_left)
                send_masked(fd, 10, c->ping, (size_t)c->ping_bytes);
            at += taken;
            left -= taken;
            continue;
        }
        c->header[c->header_bytes++] = *at++;
        left--;
        if (c->header_bytes < 2) continue;
        int length = c->header[1] & 0x7f;
        int needed = length == 126 ? 4 : length == 127 ? 10 : 2;
        if (c->header_bytes < needed) continue;
        uint64_t size = (uint64_t)length;
        if (needed > 2) {
            size = 0;
            for (int i = 2; i < needed; i++) size = size << 8 | c->header[i];
        }
        c->payload_left = size;
        c->header_bytes = 0;
        c->ping_bytes = 0;
        frames++;
        if ((c->header[0] & 0xf) == 9 && !size) send_masked(fd, 10, "", 0);
    }
}

/* `start` has the tail of the last read before it. */
static void count_records(struct client *c, char *start, char *end) {
    int64_t now = now_ns();
    start -= c->tail_bytes;
    memcpy(start, c->tail, (size_t)c->tail_bytes);
    for (;;) {
        char *mark = memmem(start, (size_t)(end - start), MARK, MARK_BYTES);
        if (!mark) break;
        char *digit = mark + MARK_BYTES;
        int64_t sent = 0;
        while (digit < end && *digit >= '0' && *digit <= '9')
            sent = sent * 10 + (*digit++ - '0');
        if (digit == end) {
            start = mark;
            goto keep;
        }
        if (!c->records++) {
            served++;
            last_served_ns = now;
        }
        records++;
        last_record_ns = now;
        note_latency(now - sent);
        start = digit;
    }
    if (end - start > (long)MARK_BYTES - 1) start = end - (MARK_BYTES - 1);
keep:
    c->tail_bytes = (int)(end - start);
    memcpy(c->tail, start, (size_t)c->tail_bytes);
}

static void give_up(int fd) {
    if (clients[fd].state == OPEN) is_open--;
    else pending--;
    clients[fd].state = FREE;
    close(fd);
    failures++;
    if (retry_ns) retry_at = now_ns() + retry_ns;
    else wanted--;
}

static void begin_one(void) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (fd < 0 || fd >= MOST_FDS) exit(3);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    memset(&clients[fd], 0, sizeof clients[fd]);
    clients[fd].state = CONNECTING;
    pending++;
    struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        give_up(fd);
}

static void ready(int fd) {
    struct client *c = &clients[fd];
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error || send(fd, request, request_bytes, MSG_NOSIGNAL) < 0) {
            give_up(fd);
            return;
        }
        c->state = SHAKING;
        epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
        return;
    }
    char *start = buffer + TAIL_BYTES;
    ssize_t got = recv(fd, start, BUFFER_BYTES, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        give_up(fd);
        return;
    }
    char *end = start + got;
    if (c->state == SHAKING) {
        /* The whole answer comes in one read: it is small and sent at once. */
        char *body = memmem(start, (size_t)got, "\r\n\r\n", 4);
        if (!body || memcmp(start, "HTTP/1.1 101", 12)) {
            give_up(fd);
            return;
        }
        c->state = OPEN;
        pending--;
        is_open++;
        if (is_open == wanted) opening_until = now_ns();
        if (*first_message) send_masked(fd, 1, first_message, strlen(first_message));
        start = body + 4;
        if (start == end) return;
    }
    bytes += (uint64_t)(end - start);
    count_frames(fd, (unsigned char *)start, (size_t)(end - start));
    count_records(c, start, end);
}

static void reset(void) {
    frames = records = bytes = latency_count = 0;
    served = failures = 0;
    memset(latencies, 0, sizeof latencies);
    for (int fd = 0; fd < MOST_FDS; fd++) clients[fd].records = 0;
}

static void report(void) {
    awaited = 0;
    uint64_t least = UINT64_MAX, most = 0;
    for (int fd = 0; fd < MOST_FDS; fd++) {
        if (clients[fd].state != OPEN) continue;
        if (clients[fd].records < least) least = clients[fd].records;
        if (clients[fd].records > most) most = clients[fd].records;
    }
    printf("{\"open\":%d,\"failures\":%d,\"frames\":%llu,\"records\":%llu,\"bytes\":%llu,"
           "\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f,\"least\":%llu,\"most\":%llu,"
           "\"served\":%d,\"last_served_ns\":%lld,\"last_record_ns\":%lld,"
           "\"opening_s\":%.6f}\n",
           is_open, failures, (unsigned long long)frames, (unsigned long long)records,
           (unsigned long long)bytes, quantile_ms(0.5), quantile_ms(0.99),
           quantile_ms(1.0 - 1e-9), (unsigned long long)(is_open ? least : 0),
           (unsigned long long)most, served, (long long)last_served_ns,
           (long long)last_record_ns,
           (double)(opening_until - opening_since) / 1e9);
}

static void prepare(const char *path, const char *text) {
    request_bytes = (size_t)snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:%d\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36\r\n"
        "Accept-Language: en-GB,en;q=0.9\r\nCache-Control: no-cache\r\n\r\n",
        path, port, port);
    snprintf(first_message, sizeof first_message, "%s", text);
    for (char *at = first_message; (at = strchr(at, '\t'));) *at = '\n';
}

static int obey(void) {
    char line[MESSAGE_BYTES + 512], path[256], text[MESSAGE_BYTES] = "";
    unsigned long long records_wanted;
    int count;
    if (!fgets(line, sizeof line, stdin)) return 0;
    if (sscanf(line, "open %d %255s %d %16383[^\n]", &port, path, &count, text) >= 3) {
        prepare(path, text);
        wanted = is_open + count;
        opening_since = now_ns();
        printf("{}\n");
    } else if (sscanf(line, "retry %d", &count) == 1) {
        retry_ns = count * 1000000LL;
        printf("{}\n");
    } else if (!strcmp(line, "reset\n")) {
        reset();
        printf("{}\n");
    } else if (!strcmp(line, "report\n")) {
        report();
    } else if (sscanf(line, "wait %llu %d", &records_wanted, &count) == 2) {
        awaited = records_wanted;
        awaited_until = now_ns() + count * 1000000LL;
    } else if (!strcmp(line, "shut\n")) {
        retry_ns = 0;
        for (int fd = 0; fd < MOST_FDS; fd++)
            if (clients[fd].state != FREE) give_up(fd);
        wanted = 0;
        printf("{}\n");
    } else {
        return 0;
    }
    fflush(stdout);
    return 1;
}

int main(void) {
    /* Line by line, so that epoll knows what is left to read. */
    setvbuf(stdin, NULL, _IONBF, 0);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = 0};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        struct epoll_event events[256];
        int is_due = is_open + pending < wanted && now_ns() >= retry_at;
        while (is_due && is_open + pending < wanted && pending < WAVE) {
            begin_one();
            is_due = now_ns() >= retry_at;
        }
        int is_waiting = is_open + pending < wanted && pending < WAVE;
        int count = epoll_wait(epoll, events, 256, is_waiting ? 1 : awaited ? 20 : -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd) ready(events[i].data.fd);
            else if (!obey()) return 0;
        }
        if (awaited && (records >= awaited || now_ns() > awaited_until)) {
            report();
            fflush(stdout);
        }
    }
}
