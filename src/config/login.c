/* Logins: in the URL, beside it, or in a file. No sentence here quotes a URL or a password. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "config/check.h"

enum { SECRET_FILE_MAX = 4096, SECRET_MAX = 256 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 section 2.1. *out is the caller's. -1: a % without two hex digits, or a control
 * character behind it. */
static int decode_percent(const char *from, size_t size, char **out)
{
    char *to = calloc(1, size + 1);
    if (!to)
        abort();
    *out = to;
    for (const char *end = from + size; from < end; to++) {
        *to = *from++;
        if (*to != '%')
            continue;
        int high = end - from >= 2 ? hex_digit(from[0]) : -1;
        int low = high >= 0 ? hex_digit(from[1]) : -1;
        if (low < 0 || high * 16 + low < 0x20 || high * 16 + low == 0x7f) {
            rw_text_wipe(out);
            return -1;
        }
        *to = (char)(high * 16 + low);
        from += 2;
    }
    return 0;
}

/* user[:password], size bytes. */
static int split_login(const struct rw_reading *reading, const struct rw_node *node,
                       const char *login, size_t size, char **username, char **password)
{
    const char *colon = memchr(login, ':', size);
    size_t user_size = colon ? (size_t)(colon - login) : size;
    char *user = NULL, *secret = NULL;
    if (decode_percent(login, user_size, &user) ||
        (colon && decode_percent(colon + 1, size - user_size - 1, &secret))) {
        rw_text_wipe(&user);
        return rw_fail_at(reading, node,
                          "has a %% sign in its login that is not followed by two "
                          "hex digits; write username and password_file instead");
    }
    rw_text_wipe(username);
    *username = user;
    if (secret) {
        rw_text_wipe(password);
        *password = secret;
    }
    return 0;
}

/* host[:port], size bytes. */
static bool authority_valid(const char *authority, size_t size)
{
    struct rw_buf words = {0};
    rw_buf_printf(&words, "%.*s", (int)size, authority);
    const char *bracket = strrchr((char *)words.data, ']');
    if (!strchr(bracket ? bracket : (char *)words.data, ':'))
        rw_buf_printf(&words, ":554");
    char *host = NULL;
    int port;
    bool valid = !rw_parse_host_port((char *)words.data, &host, &port);
    rw_buf_finish(&words);
    free(host);
    return valid;
}

/* What follows the prefix, in whatever case it is written; NULL: the text has another. */
static const char *after_prefix(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncasecmp(text, prefix, size) ? NULL : text + size;
}

int rw_check_url(const struct rw_reading *reading, const struct rw_node *url_node,
                 const char *words, char **url, char **username, char **password)
{
    *url = rw_text_copy("");
    *username = rw_text_copy("");
    *password = rw_text_copy("");
    const char *plain = after_prefix(words, "rtsp://"), *tls = after_prefix(words, "rtsps://");
    if (!plain && !tls)
        return rw_fail_at(reading, url_node, "must begin with rtsp:// or rtsps://, for example %s",
                          rw_schema_example("url"));
    const char *authority = tls ? tls : plain;
    size_t size = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', size);
    const char *host = at ? at + 1 : authority;
    size_t host_size = size - (size_t)(host - authority);
    if (strchr(words, ' ') || !authority_valid(host, host_size))
        return rw_fail_at(reading, url_node,
                          "must name a host and perhaps a port, without spaces, for example %s; a "
                          "login is best written as username and password_file",
                          rw_schema_example("url"));
    struct rw_buf rest = {0};
    rw_buf_printf(&rest, "%s%s", tls ? "rtsps://" : "rtsp://", host);
    rw_text_wipe(url);
    *url = rw_text_copy((char *)rest.data);
    rw_buf_finish(&rest);
    if (!at)
        return 0;
    return split_login(reading, url_node, authority, (size_t)(at - authority), username, password);
}

int rw_check_secret(const struct rw_reading *reading, const struct rw_node *node, const char *file,
                    const char *what, size_t max, char **out)
{
    struct rw_buf bytes = {0};
    struct rw_err why;
    char *path = rw_text_beside(reading, file);
    int status = -1;
    if (rw_file_read(path, SECRET_FILE_MAX, &bytes, &why)) {
        rw_fail_at(reading, node, "cannot be used: %s", why.text);
        goto out;
    }
    char *text = (char *)bytes.data;
    if (!strncmp(text, "\xef\xbb\xbf", 3))
        text += 3;
    size_t size = strcspn(text, "\r\n");
    if (!size || size > max) {
        rw_fail_at(reading, node, "names %s, whose first line must be %s, 1 to %zu bytes", path,
                   what, max);
        goto out;
    }
    text[size] = 0;
    rw_text_wipe(out);
    *out = rw_text_copy(text);
    status = 0;
out:
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.capacity);
    rw_buf_finish(&bytes);
    free(path);
    return status;
}

int rw_check_login(const struct rw_reading *reading, const struct rw_node *node,
                   const struct rw_raw_login *raw, char **username, char **password)
{
    const struct rw_node *file = rw_node_get(node, "password_file");
    const struct rw_node *secret = raw->password ? rw_node_get(node, "password") : file;
    if (raw->username && **username)
        return rw_fail_at(reading, rw_node_get(node, "username"),
                          "stands in the url too; keep one of them");
    if (raw->password && raw->password_file)
        return rw_fail_at(reading, file, "stands beside password; keep one of them");
    if (secret && **password)
        return rw_fail_at(reading, secret,
                          "is given although the url has a password; keep one "
                          "of them");
    if (raw->username) {
        rw_text_wipe(username);
        *username = rw_text_copy(raw->username);
    }
    if (raw->password) {
        rw_text_wipe(password);
        *password = rw_text_copy(raw->password);
    }
    if (raw->password_file &&
        rw_check_secret(reading, file, raw->password_file, "the password", SECRET_MAX, password))
        return -1;
    if (**password && !**username)
        return rw_fail_at(reading, secret ? secret : node, "needs username beside it");
    return 0;
}
