#include "cli/propose.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "media/url.h"

enum { ID_MAX = 32 };
#define GIB (INT64_C(1) << 30)

/* "cam-10-0-0-11" */
static void make_id(const char *host, char out[ID_MAX + 1])
{
    size_t size = strlen("cam-");
    memcpy(out, "cam-", size);
    for (; *host && size < ID_MAX; host++) {
        bool fits = isalnum((unsigned char)*host) && *host > 0;
        if (fits || out[size - 1] != '-')
            out[size++] = fits ? (char)tolower((unsigned char)*host) : '-';
    }
    while (out[size - 1] == '-')
        size--;
    out[size] = '\0';
}

/* JSON's strings are YAML's. */
static void add_text(struct rw_buf *out, const char *key, const char *text)
{
    json_t *value = json_string(text);
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    if (!quoted)
        abort();
    rw_buf_printf(out, "      %s: %s\n", key, quoted);
    free(quoted);
    json_decref(value);
}

static void add_keep(struct rw_buf *out, const struct rw_measure *measure, int days)
{
    double bits = rw_measure_bits(measure);
    int64_t gib = (int64_t)(bits / 8 * 86400 * days / (double)GIB) + 1;
    rw_buf_printf(out, "      keep: %lld GiB # %d day%s at %.2f Mbit/s\n", (long long)gib, days,
                  days == 1 ? "" : "s", bits / 1e6);
}

static void add_stream(struct rw_buf *out, const char *name, const struct rw_stream_config *stream,
                       const struct rw_measure *measure, int days, const char *login_id)
{
    rw_buf_printf(out, "    %s:\n", name);
    add_text(out, "url", stream->url);
    if (login_id && *stream->username) {
        add_text(out, "username", stream->username);
        rw_buf_printf(out,
                      "      password_file: %s.pw # beside this file: the password, one line\n",
                      login_id);
    }
    if (stream->udp)
        rw_buf_printf(out, "      transport: udp\n");
    if (measure->certificate.shown && *stream->ca_file)
        add_text(out, "ca_file", stream->ca_file);
    if (measure->certificate.shown && !stream->check_host)
        rw_buf_printf(out, "      check_host: false\n");
    add_keep(out, measure, days);
}

void rw_propose_camera(const struct rw_proposal *proposal, struct rw_buf *out)
{
    struct rw_url url;
    char id[ID_MAX + 1];
    if (rw_url_parse(proposal->main->url, &url, NULL))
        return;
    make_id(url.host, id);
    rw_buf_printf(out, "cameras:\n  - id: %s\n    name: \"%s\"\n", id, url.host);
    add_stream(out, "main", proposal->main, proposal->main_measure, proposal->days, id);
    if (proposal->sub) /* it takes main's login */
        add_stream(out, "sub", proposal->sub, proposal->sub_measure, proposal->days, NULL);
}
