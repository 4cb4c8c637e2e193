#include "cli/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "media/source.h"

enum { OPEN_TIMEOUT_MS = 8000, READ_TIMEOUT_MS = 8000 };
#define DAY_US (86400 * RW_SECOND_US)

/* When the first and the last picture and keyframe were taken. */
struct span {
    int64_t first_us, last_us, first_key_us, last_key_us;
};

static void count(struct rw_measure *m, struct span *span, const struct rw_packet *packet)
{
    if (!m->pictures)
        span->first_us = packet->utc_us;
    if (packet->keyframe && !m->keyframes)
        span->first_key_us = packet->utc_us;
    if (packet->keyframe)
        span->last_key_us = packet->utc_us;
    span->last_us = packet->utc_us;
    m->pictures++;
    m->keyframes += packet->keyframe;
    m->bytes += (int64_t)packet->size;
    m->span_us = span->last_us - span->first_us;
    m->keys_us = span->last_key_us - span->first_key_us;
    rw_copy_text(m->codec, sizeof m->codec, rw_codec_name(packet->codec));
    m->width = rw_codec_width(packet->codec);
    m->height = rw_codec_height(packet->codec);
}

static int measure_source(struct rw_source *source, int64_t span_us, struct rw_measure *out,
                          struct rw_err *err)
{
    struct rw_heard heard = {0};
    struct span span = {0};
    struct rw_packet *packet;
    int64_t end_us = rw_now(rw_clock_system()).boot_us + span_us;
    rw_source_count(source, &heard);
    while (!out->pictures || rw_now(rw_clock_system()).boot_us < end_us) {
        packet = rw_source_read(source, err);
        if (!packet)
            return -1;
        count(out, &span, packet);
        rw_packet_unref(packet);
    }
    out->datagrams = atomic_load(&heard.datagrams);
    out->lost = atomic_load(&heard.lost);
    out->clock_told = rw_source_clock(source, &out->ahead_us);
    return 0;
}

int rw_measure_stream(const struct rw_stream_config *config, int64_t span_us,
                      struct rw_measure *out, struct rw_err *err)
{
    *out = (struct rw_measure){0};
    struct rw_source_options options = {.url = config->url,
                                        .username = config->username,
                                        .password = config->password,
                                        .udp = config->udp,
                                        .open_timeout_ms = OPEN_TIMEOUT_MS,
                                        .read_timeout_ms = READ_TIMEOUT_MS,
                                        .shown = &out->certificate,
                                        .clock = rw_clock_system()};
    if (!strncmp(config->url, "rtsps://", 8)) {
        options.tls = rw_tls_create(config->ca_file, config->check_host, err);
        if (!options.tls)
            return -1;
    }
    struct rw_source *source = rw_source_open(&options, err);
    int rc = source ? measure_source(source, span_us, out, err) : -1;
    rw_source_close(source);
    rw_tls_destroy(options.tls);
    return rc;
}

static double rate(double count, int64_t span_us)
{
    return span_us > 0 ? count * 1e6 / (double)span_us : 0;
}

double rw_measure_fps(const struct rw_measure *measure)
{
    return rate(measure->pictures - 1, measure->span_us);
}

double rw_measure_gop(const struct rw_measure *measure)
{
    return measure->keyframes > 1 ? (double)measure->keys_us / 1e6 / (measure->keyframes - 1) : 0;
}

double rw_measure_bits(const struct rw_measure *measure)
{
    return rate((double)measure->bytes * 8, measure->span_us);
}

double rw_measure_loss(const struct rw_measure *measure)
{
    double all = (double)(measure->datagrams + measure->lost);
    return all > 0 ? (double)measure->lost / all : 0;
}

void rw_measure_print(FILE *out, const char *name, const struct rw_measure *m)
{
    double gop = rw_measure_gop(m);
    fprintf(out, "%s: %s %dx%d, %.1f pictures/s, ", name, m->codec, m->width, m->height,
            rw_measure_fps(m));
    if (gop > 0)
        fprintf(out, "GOP %.1f s, ", gop);
    else
        fprintf(out, "GOP over %.0f s, ", (double)m->span_us / 1e6);
    fprintf(out, "%.2f Mbit/s, ", rw_measure_bits(m) / 1e6);
    if (m->lost)
        fprintf(out, "%.2f %% of its packets lost, ", 100 * rw_measure_loss(m));
    else
        fprintf(out, "no packet lost, ");
    if (m->clock_told)
        fprintf(out, "clock %.2f s %s\n", fabs((double)m->ahead_us / 1e6),
                m->ahead_us < 0 ? "behind" : "ahead");
    else
        fprintf(out, "clock not told\n");
}

int rw_measure_days_left(const struct rw_certificate *certificate, int64_t now_us)
{
    return (int)floor((double)(certificate->ends_us - now_us) / (double)DAY_US);
}

void rw_measure_print_certificate(FILE *out, const char *name,
                                  const struct rw_certificate *certificate)
{
    char digits[RW_FINGERPRINT_SIZE], until[RW_TIME_SIZE];
    if (!certificate->shown)
        return;
    fprintf(out, "%s: certificate SHA-256 %s, until %s\n", name,
            rw_certificate_fingerprint(certificate, digits),
            rw_format_time(certificate->ends_us, until));
}
