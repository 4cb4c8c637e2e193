#include "media/rtsp/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "media/resolve.h"

enum {
    UDP_BUFFER_BYTES = 1 << 20, /* a keyframe may come as one burst of datagrams */
    UDP_TRIES = 32,
    STRAY_MAX = 10000, /* datagrams */
    SOCKET_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC,
};

_Static_assert(sizeof(((struct rw_dial_system *)0)->peer) >= sizeof(struct sockaddr_storage),
               "any address fits");

int rw_fail_connect(const struct rw_url *url, int errnum, struct rw_err *err)
{
    switch (errnum) {
    case ECONNREFUSED:
        return rw_fail(err, RW_ENET,
                       "%s refused the connection on port %s; check the port and "
                       "whether RTSP is switched on",
                       url->host, url->port);
    case EHOSTUNREACH:
    case ENETUNREACH:
        return rw_fail(err, RW_ENET, "%s cannot be reached; check its address, power and network",
                       url->host);
    case ETIMEDOUT:
        return rw_fail(err, RW_ETIMEOUT, "no answer from %s; check its address, power and network",
                       url->place);
    default:
        return 0;
    }
}

/* 0: connected; errno otherwise, ECANCELED on request. */
static int wait_connected(int fd, const struct rw_patience *patience, int64_t until_us)
{
    struct pollfd ready[2] = {{.fd = fd, .events = POLLOUT}, {.fd = -1}};
    if (patience->cancel)
        ready[1] = (struct pollfd){.fd = rw_cancel_fd(patience->cancel), .events = POLLIN};
    for (;;) {
        int64_t left_us = until_us - rw_monotonic_us();
        int count = poll(ready, 2, left_us > 0 ? (int)((left_us + 999) / 1000) : 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno;
        if (ready[1].revents)
            return ECANCELED;
        if (!ready[0].revents)
            return ETIMEDOUT;
        int result = 0;
        socklen_t size = sizeof result;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) ? errno : result;
    }
}

/* A connected socket, or -1 with errno. until_us: on CLOCK_MONOTONIC. */
static int connect_to(const struct addrinfo *to, const struct rw_patience *patience,
                      int64_t until_us)
{
    const int on = 1;
    int fd = socket(to->ai_family, SOCK_STREAM | SOCKET_FLAGS, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on); /* requests are small and waited for */
    int failed = connect(fd, to->ai_addr, to->ai_addrlen) ? errno : 0;
    if (failed == EINPROGRESS)
        failed = wait_connected(fd, patience, until_us);
    if (!failed)
        return fd;
    close(fd);
    errno = failed;
    return -1;
}

static int count_of(const struct addrinfo *list)
{
    int count = 0;
    for (; list; list = list->ai_next)
        count++;
    return count;
}

/* One address after the other; each gets its share of the time that is left. */
static int connect_any(struct rw_dial_system *system, const struct addrinfo *list,
                       const struct rw_patience *patience)
{
    int fd = -1, saved = EHOSTUNREACH;
    for (int left = count_of(list); list && fd < 0; list = list->ai_next, left--) {
        int64_t now_us = rw_monotonic_us();
        fd = connect_to(list, patience, now_us + (patience->deadline_us - now_us) / left);
        saved = errno;
        if (fd < 0 && saved == ECANCELED)
            break;
        if (fd >= 0) {
            memcpy(system->peer, list->ai_addr, list->ai_addrlen);
            system->peer_size = (unsigned)list->ai_addrlen;
        }
    }
    errno = saved;
    return fd;
}

static int dial_tcp(void *self, const struct rw_url *url, const struct rw_patience *patience,
                    struct rw_err *err)
{
    struct rw_dial_system *system = self;
    struct addrinfo *found = rw_resolve(url, patience, err);
    if (!found)
        return -1;
    int fd = connect_any(system, found, patience);
    int saved = errno;
    freeaddrinfo(found);
    if (fd >= 0)
        return fd;
    if (saved == ECANCELED)
        return rw_fail(err, RW_ECANCELED, "given up on request");
    if (rw_fail_connect(url, saved, err))
        return -1;
    return rw_fail(err, RW_ENET, "no connection to %s (%s)", url->place, strerror(saved));
}

/* The port of an address, 0 where it has none. */
static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

/* A UDP socket on this port of all the box's addresses; 0: any that is free. -1 with errno. */
static int bind_udp(int family, int port)
{
    const int size = UDP_BUFFER_BYTES;
    struct sockaddr_storage here = {.ss_family = (sa_family_t)family};
    socklen_t length =
        family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int fd = socket(family, SOCK_DGRAM | SOCKET_FLAGS, 0);
    if (fd < 0)
        return -1;
    *port_of(&here) = htons((in_port_t)port);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* or as much as the system allows */
    if (!bind(fd, (struct sockaddr *)&here, length))
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int bound_port(int fd)
{
    struct sockaddr_storage here = {0};
    socklen_t length = sizeof here;
    return getsockname(fd, (struct sockaddr *)&here, &length) ? 0 : ntohs(*port_of(&here));
}

/* Any port that is free, and the one that makes a pair of it. */
static int try_pair(int family, int fds[2])
{
    int first = bind_udp(family, 0);
    if (first < 0)
        return -1;
    int port = bound_port(first);
    int other = bind_udp(family, port ^ 1);
    if (other < 0) {
        close(first);
        return 0;
    }
    fds[port & 1] = first;
    fds[(port & 1) ^ 1] = other;
    return port & ~1;
}

static int dial_udp(void *self, const struct rw_url *url, const struct rw_patience *patience,
                    int fds[2], int *port, struct rw_err *err)
{
    const struct rw_dial_system *system = self;
    struct sockaddr_storage peer = {.ss_family = AF_INET};
    (void)url;
    (void)patience;
    memcpy(&peer, system->peer, system->peer_size);
    *port = 0;
    for (int i = 0; i < UDP_TRIES && *port == 0; i++)
        *port = try_pair(peer.ss_family, fds);
    if (*port > 0)
        return 0;
    return rw_fail(err, RW_ENET, "no pair of UDP ports is free (%s)", strerror(errno));
}

/* What strangers sent while the socket was open to all: nothing is played yet. */
static void drain(int fd)
{
    char byte;
    for (int i = 0; i < STRAY_MAX && recv(fd, &byte, 1, MSG_DONTWAIT) >= 0; i++)
        ;
}

static int dial_aim(void *self, const int fds[2], const int ports[2], struct rw_err *err)
{
    const struct rw_dial_system *system = self;
    struct sockaddr_storage peer = {0};
    memcpy(&peer, system->peer, system->peer_size);
    for (int i = 0; i < 2; i++) {
        if (ports[i] < 1 || ports[i] > 65535 || !system->peer_size)
            return rw_fail(err, RW_EFORMAT, "the camera names no UDP port to send to");
        *port_of(&peer) = htons((in_port_t)ports[i]);
        if (connect(fds[i], (struct sockaddr *)&peer, system->peer_size))
            return rw_fail(err, RW_ENET, "the camera's UDP port %d cannot be used (%s)", ports[i],
                           strerror(errno));
        drain(fds[i]);
    }
    return 0;
}

void rw_dial_system_init(struct rw_dial_system *system)
{
    *system = (struct rw_dial_system){
        .dial = {.self = system, .tcp = dial_tcp, .udp = dial_udp, .aim = dial_aim}};
}
