#include "media/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/source.h"

void rw_url_redact(const char *url, char *out)
{
    const char *body = strstr(url, "://");
    body = body ? body + 3 : url;
    size_t scheme = (size_t)(body - url);
    size_t length = strcspn(body, "?#");
    for (size_t i = length; i > 0; i--) {
        if (body[i - 1] == '@') {
            body += i;
            length -= i;
            break;
        }
    }
    memmove(out, url, scheme);
    memmove(out + scheme, body, length);
    out[scheme + length] = '\0';
}

static int parse_port(const char *text, size_t length, struct rw_url *url, struct rw_err *err)
{
    if (length == 0 || length > 5 || strspn(text, "0123456789") < length || atoi(text) < 1 ||
        atoi(text) > 65535)
        return rw_fail(err, RW_EINVAL, "the url's port is not a number from 1 to 65535");
    snprintf(url->port, sizeof url->port, "%.*s", (int)length, text);
    return 0;
}

static int parse_host(const char *text, size_t length, struct rw_url *url, struct rw_err *err)
{
    size_t host = strcspn(text, ":");
    const char *name = text;
    if (*text == '[') {
        name = text + 1;
        host = strcspn(name, "]");
    }
    if (host > length)
        host = length;
    const char *rest = name + host + (*text == '[');
    const char *end = text + length;
    if (host == 0 || host >= RW_HOST_SIZE || rest > end || (rest < end && *rest != ':'))
        return rw_fail(err, RW_EINVAL, "the url names no host; write rtsp://host/path");
    snprintf(url->host, sizeof url->host, "%.*s", (int)host, name);
    snprintf(url->port, sizeof url->port, "%s", url->tls ? "322" : "554");
    if (rest < end && parse_port(rest + 1, (size_t)(end - rest - 1), url, err) < 0)
        return -1;
    snprintf(url->place, sizeof url->place, "%.*s", (int)length, text);
    return 0;
}

int rw_url_parse(const char *text, struct rw_url *url, struct rw_err *err)
{
    memset(url, 0, sizeof *url);
    url->tls = strncmp(text, "rtsps://", 8) == 0;
    if (!url->tls && strncmp(text, "rtsp://", 7) != 0)
        return rw_fail(err, RW_EINVAL, "the url does not begin with rtsp:// or rtsps://");
    for (const char *c = text; *c; c++) {
        if (!isgraph((unsigned char)*c))
            return rw_fail(err, RW_EINVAL,
                           "the url has a character in it that must be written "
                           "as %%XX");
    }
    const char *authority = text + (url->tls ? 8 : 7);
    size_t length = strcspn(authority, "/?#");
    if (memchr(authority, '@', length))
        return rw_fail(err, RW_EINVAL,
                       "the url has a login in it; write it as username and "
                       "password instead");
    const char *path = authority + length;
    snprintf(url->path, sizeof url->path, "%.*s", (int)strcspn(path, "?#"), path);
    if (!*url->path)
        snprintf(url->path, sizeof url->path, "/");
    return parse_host(authority, length, url, err);
}
