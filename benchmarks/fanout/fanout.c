/* The yardstick: what the kernel alone costs when one frame goes to N sockets.
 *
 * An epoll server that answers any request with a fixed 101 and, when told so on its
 * standard input, sends one and the same WebSocket frame to every connection, RATE
 * times a second, with one send() each. It reads nothing that clients send later.
 *
 *     fanout FRAME_BYTES [RECORD]   prints its port
 *     stdin: "go RATE [COUNT]\n" | "stop\n" | "once\n" | end of file
 *
 * A RECORD is sent in place of so many bytes, COUNT times in one frame; the 19 digits
 * after its "sent_ns": say when.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

static const char accepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\n\r\n";
static int clients[MOST_FDS];
static size_t client_count;
/* Bytes of the last frame that a socket did not take; such a client misses frames. */
static size_t unsent[MOST_FDS];
static char frame[70000];
static size_t frame_bytes;
static const char *record;
/* Where the time stands in the frame; 0 for a frame without. */
static size_t times[256];
static int time_count;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void make_frame(size_t payload) {
    if (payload > sizeof frame - 4) exit(1);
    size_t header = payload < 126 ? 2 : 4;
    frame[0] = (char)0x81;
    if (header == 2) {
        frame[1] = (char)payload;
    } else {
        frame[1] = 126;
        frame[2] = (char)(payload >> 8);
        frame[3] = (char)payload;
    }
    memset(frame + header, 'x', payload);
    frame_bytes = header + payload;
}

static void make_frame_of_records(int count) {
    static const char mark[] = "\"sent_ns\":";
    size_t size = strlen(record);
    if (count < 1 || count > 256) exit(1);
    make_frame(size * (size_t)count);
    time_count = count;
    for (int i = 0; i < count; i++) {
        char *at = frame + frame_bytes - size * (size_t)(count - i);
        memcpy(at, record, size);
        char *found = memmem(at, size, mark, sizeof mark - 1);
        if (!found) exit(1);
        times[i] = (size_t)(found - frame) + sizeof mark - 1;
    }
}

static void write_times(void) {
    char digits[20];
    snprintf(digits, sizeof digits, "%019lld", (long long)now_ns());
    for (int i = 0; i < time_count; i++) memcpy(frame + times[i], digits, 19);
}

static void send_to(int fd) {
    size_t left = unsent[fd] ? unsent[fd] : frame_bytes;
    ssize_t sent = send(fd, frame + frame_bytes - left, left, MSG_NOSIGNAL);
    if (sent < 0) sent = 0;
    if ((size_t)sent == left) unsent[fd] = 0;
    else if ((size_t)sent || unsent[fd]) unsent[fd] = left - (size_t)sent;
}

static void send_to_all(void) {
    write_times();
    for (size_t i = 0; i < client_count; i++) send_to(clients[i]);
}

static void accept_all(int listener, int epoll) {
    for (;;) {
        int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return;
        if (fd >= MOST_FDS) exit(1);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void handshake(int fd, int epoll) {
    char request[4096];
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    if (recv(fd, request, sizeof request, 0) <= 0) {
        close(fd);
        return;
    }
    send(fd, accepted, sizeof accepted - 1, MSG_NOSIGNAL);
    clients[client_count++] = fd;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int epoll = epoll_create1(0);
    int64_t interval = 0, next = 0;
    if (argc != 2 && argc != 3) return 2;
    record = argc == 3 ? argv[2] : NULL;
    if (!record) make_frame((size_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096))
        return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = 0;
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        struct epoll_event events[256];
        struct timespec wait = {0, 0};
        int64_t left = interval ? next - now_ns() : 0;
        if (left > 0) {
            wait.tv_sec = left / 1000000000LL;
            wait.tv_nsec = left % 1000000000LL;
        }
        int count = epoll_pwait2(epoll, events, 256, interval ? &wait : NULL, NULL);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_all(listener, epoll);
            } else if (fd == 0) {
                char line[64] = {0};
                double rate;
                int per_frame = 1;
                if (read(0, line, sizeof line - 1) <= 0) return 0;
                if (sscanf(line, "go %lf %d", &rate, &per_frame) >= 1) {
                    if (record) make_frame_of_records(per_frame);
                    interval = (int64_t)(1e9 / rate);
                    next = now_ns() + interval;
                } else if (!strcmp(line, "once\n")) {
                    if (record) make_frame_of_records(1);
                    send_to_all();
                } else {
                    interval = 0;
                }
            } else {
                handshake(fd, epoll);
            }
        }
        if (interval && now_ns() >= next) {
            send_to_all();
            next += interval;
        }
    }
}
