#include "media/rtsp/auth.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX_SIZE = 2 * EVP_MAX_MD_SIZE + 1 };

/* The challenge that is being read. */
struct reading {
    struct rw_rtsp_challenge now;
    bool useless; /* an algorithm or a quality of protection that is not known */
};

static void end_challenge(struct reading *reading, struct rw_rtsp_challenge *best)
{
    bool digest = reading->now.scheme >= RW_RTSP_DIGEST_MD5;
    if (reading->useless || (digest && !*reading->now.nonce))
        return;
    if (reading->now.scheme > best->scheme)
        *best = reading->now;
}

static void begin_challenge(struct reading *reading, struct rw_span scheme)
{
    memset(reading, 0, sizeof *reading);
    if (rw_span_is(scheme, "Digest"))
        reading->now.scheme = RW_RTSP_DIGEST_MD5;
    else if (rw_span_is(scheme, "Basic"))
        reading->now.scheme = RW_RTSP_BASIC;
}

static void read_algorithm(struct reading *reading, struct rw_span value)
{
    if (rw_span_is(value, "SHA-256"))
        reading->now.scheme = RW_RTSP_DIGEST_SHA256;
    else if (value.size > 0 && !rw_span_is(value, "MD5"))
        reading->useless = true;
}

static void read_qop(struct reading *reading, struct rw_span value)
{
    bool any = false;
    while (value.size > 0) {
        struct rw_span one = rw_span_take(&value, ", ");
        any |= one.size > 0;
        reading->now.qop_auth |= rw_span_is(one, "auth");
    }
    reading->useless |= any && !reading->now.qop_auth;
}

/* A text of the challenge without the backslashes of its quotes (RFC 9110, 5.6.4). */
static int read_text(struct rw_span value, bool quoted, char out[RW_RTSP_WORD_SIZE],
                     struct rw_err *err)
{
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (quoted && value.at[i] == '\\' && i + 1 < value.size)
            i++;
        if (size + 1 == RW_RTSP_WORD_SIZE)
            return rw_fail(err, RW_EHOSTILE, "the camera asks for a login in more words than fit");
        out[size++] = value.at[i];
    }
    out[size] = '\0';
    return 0;
}

static int read_parameter(struct reading *reading, struct rw_span name, struct rw_span value,
                          bool quoted, struct rw_err *err)
{
    struct rw_rtsp_challenge *now = &reading->now;
    if (now->scheme == RW_RTSP_NO_LOGIN)
        return 0;
    if (rw_span_is(name, "realm"))
        return read_text(value, quoted, now->realm, err);
    if (now->scheme == RW_RTSP_BASIC)
        return 0;
    if (rw_span_is(name, "nonce"))
        return read_text(value, quoted, now->nonce, err);
    if (rw_span_is(name, "opaque"))
        return read_text(value, quoted, now->opaque, err);
    if (rw_span_is(name, "algorithm"))
        read_algorithm(reading, value);
    else if (rw_span_is(name, "qop"))
        read_qop(reading, value);
    else if (rw_span_is(name, "stale"))
        now->stale = rw_span_is(value, "true");
    return 0;
}

/* What stands between the quote that *rest begins with and the next without a backslash. */
static struct rw_span take_quoted(struct rw_span *rest)
{
    size_t end = 1;
    while (end < rest->size && rest->at[end] != '"')
        end += rest->at[end] == '\\' ? 2 : 1;
    end = end < rest->size ? end : rest->size;
    struct rw_span inside = {rest->at + 1, end - 1};
    size_t behind = end < rest->size ? end + 1 : end;
    *rest = (struct rw_span){rest->at + behind, rest->size - behind};
    return inside;
}

/* The word at the front of *rest, up to any of ' ' ',' '"' and, if at_equals, '='. */
static struct rw_span take_word(struct rw_span *rest, bool at_equals)
{
    size_t size = 0;
    while (size < rest->size && !strchr(at_equals ? " ,;\"=" : " ,;\"", rest->at[size]))
        size++;
    struct rw_span word = {rest->at, size};
    *rest = (struct rw_span){rest->at + size, rest->size - size};
    return word;
}

/* A word with a value behind it belongs to the challenge, one without begins the next: so commas,
 * which stand between both, need not be right. */
int rw_rtsp_challenges_read(struct rw_span rest, struct rw_rtsp_challenge *best, struct rw_err *err)
{
    struct reading reading = {0};
    for (rest = rw_span_trim(rest); rest.size > 0; rest = rw_span_trim(rest)) {
        struct rw_span word = take_word(&rest, true);
        rest = rw_span_trim(rest);
        if (word.size == 0) { /* what no word begins with */
            if (*rest.at == '"')
                (void)take_quoted(&rest);
            else
                rest = (struct rw_span){rest.at + 1, rest.size - 1};
            continue;
        }
        if (rest.size == 0 || *rest.at != '=') {
            end_challenge(&reading, best);
            begin_challenge(&reading, word);
            continue;
        }
        rest = rw_span_trim((struct rw_span){rest.at + 1, rest.size - 1});
        bool quoted = rest.size > 0 && *rest.at == '"';
        struct rw_span value = quoted ? take_quoted(&rest) : take_word(&rest, false);
        if (read_parameter(&reading, word, value, quoted, err) < 0)
            return -1;
    }
    end_challenge(&reading, best);
    return 0;
}

/* Lowercase hex of the hash of parts with colons between them. False: this libcrypto does not have
 * the hash (MD5, where it may do only what governments approve of). */
static bool hash_joined(const EVP_MD *kind, const char *const parts[], int count,
                        char hex[HEX_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        abort();
    bool good = EVP_DigestInit_ex(context, kind, NULL);
    for (int i = 0; i < count && good; i++)
        good = (i == 0 || EVP_DigestUpdate(context, ":", 1)) &&
               EVP_DigestUpdate(context, parts[i], strlen(parts[i]));
    good = good && EVP_DigestFinal_ex(context, hash, &size);
    EVP_MD_CTX_free(context); /* wipes it */
    for (unsigned i = 0; i < size; i++) {
        hex[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    hex[2 * size] = '\0';
    explicit_bzero(hash, sizeof hash);
    return good;
}

/* name="text", with a backslash before what would end it. A control character would end the line:
 * it is left out, and the login fails. */
static void add_quoted(struct rw_buf *out, const char *name, const char *text)
{
    rw_buf_printf(out, "%s=\"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            rw_buf_add(out, "\\", 1);
        if ((unsigned char)*text >= ' ' && *text != 0x7f)
            rw_buf_add(out, text, 1);
    }
    rw_buf_add(out, "\"", 1);
}

/* RFC 7616, 3.4. */
static void answer_digest(const struct rw_rtsp_challenge *challenge, const char *username,
                          const char *password, const char *method, const char *uri, unsigned count,
                          const char *cnonce, struct rw_buf *out)
{
    bool sha256 = challenge->scheme == RW_RTSP_DIGEST_SHA256;
    const EVP_MD *kind = sha256 ? EVP_sha256() : EVP_md5();
    char secret[HEX_SIZE], request[HEX_SIZE], response[HEX_SIZE], nc[16];
    snprintf(nc, sizeof nc, "%08x", count);
    const char *const who[] = {username, challenge->realm, password};
    const char *const what[] = {method, uri};
    const char *const plain[] = {secret, challenge->nonce, request};
    const char *const with_qop[] = {secret, challenge->nonce, nc, cnonce, "auth", request};
    if (!hash_joined(kind, who, 3, secret) || !hash_joined(kind, what, 2, request) ||
        !hash_joined(kind, challenge->qop_auth ? with_qop : plain, challenge->qop_auth ? 6 : 3,
                     response))
        goto out;
    add_quoted(out, "Authorization: Digest username", username);
    add_quoted(out, ", realm", challenge->realm);
    add_quoted(out, ", nonce", challenge->nonce);
    add_quoted(out, ", uri", uri);
    add_quoted(out, ", response", response);
    if (sha256) /* cameras that never heard of another do not expect to be told MD5 */
        rw_buf_printf(out, ", algorithm=SHA-256");
    if (*challenge->opaque)
        add_quoted(out, ", opaque", challenge->opaque);
    if (challenge->qop_auth) {
        rw_buf_printf(out, ", qop=auth, nc=%s", nc);
        add_quoted(out, ", cnonce", cnonce);
    }
    rw_buf_add(out, "\r\n", 2);
out:
    explicit_bzero(secret, sizeof secret);
}

/* RFC 7617, 2. */
static void answer_basic(const char *username, const char *password, struct rw_buf *out)
{
    size_t name_size = strlen(username), size = name_size + 1 + strlen(password);
    struct rw_buf login = {0};
    uint8_t *at = rw_buf_grow(&login, size); /* at once: what is moved leaves a copy behind */
    memcpy(at, username, name_size);
    at[name_size] = ':';
    memcpy(at + name_size + 1, password, size - name_size - 1);
    rw_buf_printf(out, "Authorization: Basic ");
    size_t letters = (size + 2) / 3 * 4;
    EVP_EncodeBlock(rw_buf_grow(out, letters + 2), login.data, (int)size);
    memcpy(out->data + out->size - 2, "\r\n", 2);
    explicit_bzero(login.data, size);
    rw_buf_finish(&login);
}

void rw_rtsp_authorize(const struct rw_rtsp_challenge *challenge, const char *username,
                       const char *password, const char *method, const char *uri, unsigned count,
                       const char *cnonce, struct rw_buf *out)
{
    switch (challenge->scheme) {
    case RW_RTSP_NO_LOGIN:
        return;
    case RW_RTSP_BASIC:
        answer_basic(username, password, out);
        return;
    case RW_RTSP_DIGEST_MD5:
    case RW_RTSP_DIGEST_SHA256:
        answer_digest(challenge, username, password, method, uri, count, cnonce, out);
    }
}
