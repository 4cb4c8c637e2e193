/* What can go wrong between a camera and us, in sentences that help the person at the ladder. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/source_internal.h"

enum { TRY_MS = 1000 };

static int fail_interrupted(const struct rw_watchdog *watchdog, struct rw_err *err)
{
    if (watchdog->cancel && rw_cancel_requested(watchdog->cancel))
        return rw_fail(err, RW_ECANCELED, "given up on request");
    if (watchdog->strayed)
        return rw_fail(err, RW_ENET,
                       "the camera sends us to another address; put that address "
                       "into the url if it is right");
    return 0;
}

/* libav loses the reasons of some failed connections: one more, by ourselves, tells. 0 or errno. */
static int try_connect(const struct rw_url *url)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int result = EHOSTUNREACH, fd = -1;
    socklen_t size = sizeof result;
    if (getaddrinfo(url->host, url->port, &hints, &found) != 0)
        return EHOSTUNREACH;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || (connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)) {
        result = errno;
        goto out;
    }
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    result = ETIMEDOUT;
    if (poll(&ready, 1, TRY_MS) == 1)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size);
out:
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return result;
}

static int fail_connect(const struct rw_url *url, int rc, struct rw_err *err)
{
    switch (rc) {
    case AVERROR(ECONNREFUSED):
        return rw_fail(err, RW_ENET,
                       "%s refused the connection on port %s; check the port and "
                       "whether RTSP is switched on",
                       url->host, url->port);
    case AVERROR(EHOSTUNREACH):
    case AVERROR(ENETUNREACH):
        return rw_fail(err, RW_ENET, "%s cannot be reached; check its address, power and network",
                       url->host);
    case AVERROR(ETIMEDOUT):
        return rw_fail(err, RW_ETIMEOUT, "no answer from %s; check its address, power and network",
                       url->place);
    default:
        return 0;
    }
}

int rw_fail_open(const struct rw_source_options *options, const struct rw_url *url,
                 const struct rw_watchdog *watchdog, int rc, struct rw_err *err)
{
    bool login = options->username && *options->username;
    if (fail_interrupted(watchdog, err) < 0)
        return -1;
    if (watchdog->expired || rc == AVERROR(ETIMEDOUT))
        return rw_fail(err, RW_ETIMEOUT,
                       "no answer from %s for %g s; check its address, power and "
                       "network",
                       url->place, options->open_timeout_ms / 1000.0);
    switch (rc) {
    case AVERROR_HTTP_UNAUTHORIZED:
    case AVERROR_HTTP_FORBIDDEN:
        if (!login)
            return rw_fail(err, RW_EAUTH,
                           "the camera asks for a login; give username and password");
        return rw_fail(err, RW_EAUTH,
                       "the camera refused the login (user \"%s\"); check username "
                       "and password",
                       options->username);
    case AVERROR_HTTP_NOT_FOUND:
        return rw_fail(err, RW_EFORMAT, "the camera has no stream at %s; check the url", url->path);
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_OTHER_4XX:
    case AVERROR_HTTP_SERVER_ERROR:
        return rw_fail(err, RW_ENET,
                       "the camera refused to send %s; check the url and whether too "
                       "many others are watching",
                       url->path);
    default:
        if (fail_connect(url, rc, err) < 0 || fail_connect(url, AVERROR(try_connect(url)), err) < 0)
            return -1;
        return rw_fail(err, RW_EFORMAT, "%s answers on port %s, but not in RTSP; check the port",
                       url->host, url->port);
    }
}

int rw_fail_read(const struct rw_source *source, int rc, struct rw_err *err)
{
    if (fail_interrupted(&source->watchdog, err) < 0)
        return -1;
    if (source->watchdog.expired || rc == AVERROR(ETIMEDOUT))
        return rw_fail(err, RW_ETIMEOUT, "no picture for %g s", source->read_timeout_ms / 1000.0);
    if (rc == AVERROR_EOF)
        return rw_fail(err, RW_EEND, "the camera ended the stream");
    return rw_fail_av(err, RW_ENET, "the connection to the camera broke", rc);
}
