#include "cli/measure.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "media/source.h"

#define LOOK_US (6 * RW_SECOND_US)

struct measure {
    int pictures, keyframes;
    int64_t bytes, first_us, last_us, first_key_us, last_key_us;
};

static void count(struct measure *m, const struct rw_packet *packet)
{
    if (!m->pictures)
        m->first_us = packet->utc_us;
    if (packet->keyframe) {
        if (!m->keyframes)
            m->first_key_us = packet->utc_us;
        m->last_key_us = packet->utc_us;
        m->keyframes++;
    }
    m->last_us = packet->utc_us;
    m->bytes += (int64_t)packet->size;
    m->pictures++;
}

static void print_measure(const char *camera, const char *stream, const struct measure *m,
                          const char *codec, int width, int height)
{
    double span = (double)(m->last_us - m->first_us) / 1e6;
    double fps = span > 0 ? (m->pictures - 1) / span : 0;
    printf("%s %s: %s %dx%d, %.1f pictures/s, ", camera, stream, codec, width, height, fps);
    if (m->keyframes > 1)
        printf("GOP %.1f s, ",
               (double)(m->last_key_us - m->first_key_us) / 1e6 / (m->keyframes - 1));
    else
        printf("GOP over %.0f s (set 2 s in the camera), ", span);
    printf("%.2f Mbit/s\n", span > 0 ? (double)m->bytes * 8 / span / 1e6 : 0);
}

int rw_measure_stream(const char *camera, const char *stream, const struct rw_stream_config *config)
{
    struct rw_err err = {0};
    struct measure m = {0};
    struct rw_source_options options = {.url = config->url,
                                        .username = config->username,
                                        .password = config->password,
                                        .udp = config->udp,
                                        .open_timeout_ms = 8000,
                                        .read_timeout_ms = 8000,
                                        .clock = rw_clock_system()};
    if (!strncmp(config->url, "rtsps://", 8)) {
        options.tls = rw_tls_create(config->ca_file, config->check_host, &err);
        if (!options.tls)
            return rw_complain(1, "%s: %s stream: %s", camera, stream, err.text);
    }
    struct rw_source *source = rw_source_open(&options, &err);
    struct rw_packet *packet = NULL;
    char codec[16] = "";
    int width = 0, height = 0;
    while (source && (!m.pictures || m.last_us - m.first_us < LOOK_US) &&
           (packet = rw_source_read(source, &err))) {
        count(&m, packet);
        snprintf(codec, sizeof codec, "%s", rw_codec_name(packet->codec));
        width = rw_codec_width(packet->codec);
        height = rw_codec_height(packet->codec);
        rw_packet_unref(packet);
    }
    bool whole = source && packet;
    rw_source_close(source);
    rw_tls_destroy(options.tls);
    if (!whole)
        return rw_complain(1, "%s: %s stream: %s", camera, stream, err.text);
    print_measure(camera, stream, &m, codec, width, height);
    return 0;
}
