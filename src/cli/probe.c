/* probe: the streams of one camera, measured for ten seconds, and what to write in the file. */
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/advice.h"
#include "cli/cli.h"
#include "cli/propose.h"
#include "cli/secret.h"
#include "media/source.h"

enum { DAYS = 14, DAYS_MOST = 3650 };
#define SPAN_US (10 * RW_SECOND_US)

/* One of the camera's streams, and what came of measuring it. */
struct stream {
    const char *name;
    struct rw_stream_config config; /* strings borrowed; url NULL: not asked for */
    struct rw_measure measure;
    struct rw_err err;
    int failed;
    pthread_t thread;
};

struct probe {
    struct stream main, sub;
    int days;
    char password[RW_SECRET_SIZE];
    char ca_file[PATH_MAX];
    struct rw_advice advice;
};

/* --- what is asked --- */

static int take_url(struct stream *stream, const char *url)
{
    struct rw_url parts;
    struct rw_err err;
    if (!rw_url_parse(url, &parts, &err)) {
        stream->config.url = (char *)url;
        return 0;
    }
    if (memchr(url, '@', strcspn(url, "?#")))
        return rw_complain(2,
                           "%s: a login in the url can be read by everybody who lists "
                           "processes; give --username, and the password when it is asked for",
                           stream->name);
    return rw_complain(2, "%s: %s", stream->name, err.text);
}

static int take_transport(struct probe *probe, const char *transport)
{
    if (transport && strcmp(transport, "tcp") && strcmp(transport, "udp"))
        return rw_complain(2, "--transport is tcp or udp, not \"%s\"", transport);
    probe->main.config.udp = probe->sub.config.udp = transport && !strcmp(transport, "udp");
    return 0;
}

/* The path as it must stand in a file that is in another folder. */
static int take_ca_file(struct probe *probe, const char *ca_file)
{
    if (ca_file && !realpath(ca_file, probe->ca_file))
        return rw_complain(2, "--ca-file %s cannot be found", ca_file);
    return 0;
}

static int take_days(struct probe *probe, const char *text)
{
    char *end;
    long days = text ? strtol(text, &end, 10) : DAYS;
    if (text && (end == text || *end || days < 1 || days > DAYS_MOST))
        return rw_complain(2, "--days is a number from 1 to %d, not \"%s\"", DAYS_MOST, text);
    probe->days = (int)days;
    return 0;
}

/* A file takes nothing else. */
static int refuse_other_than_utf8(const struct rw_arguments *a)
{
    const char *texts[] = {a->operand, a->sub, a->username, a->ca_file};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *text = json_string(texts[i]); /* NULL of NULL */
        if (texts[i] && !text)
            return rw_complain(2, "the url, the name or the file is not UTF-8");
        json_decref(text);
    }
    return 0;
}

static int take_arguments(struct probe *probe, const struct rw_arguments *a)
{
    const char *username = a->username ? a->username : "";
    int status = refuse_other_than_utf8(a);
    if (!status)
        status = take_url(&probe->main, a->operand);
    if (!status && a->sub)
        status = take_url(&probe->sub, a->sub);
    if (!status)
        status = take_transport(probe, a->transport);
    if (!status)
        status = take_ca_file(probe, a->ca_file);
    if (!status)
        status = take_days(probe, a->days);
    if (!status && *username)
        status = rw_secret_read(username, probe->password);
    struct stream *streams[] = {&probe->main, &probe->sub};
    for (int i = 0; i < 2; i++) {
        streams[i]->config.username = (char *)username;
        streams[i]->config.password = probe->password;
        streams[i]->config.ca_file = probe->ca_file;
        streams[i]->config.check_host = !a->any_host;
    }
    return status;
}

/* --- looking --- */

static void *look(void *arg)
{
    struct stream *stream = arg;
    stream->failed = rw_measure_stream(&stream->config, SPAN_US, &stream->measure, &stream->err);
    return NULL;
}

/* Both at once, as they will be recorded. */
static int look_at_streams(struct probe *probe)
{
    struct stream *sub = probe->sub.config.url ? &probe->sub : NULL;
    bool apart = sub && !pthread_create(&sub->thread, NULL, look, sub);
    look(&probe->main);
    if (apart)
        pthread_join(sub->thread, NULL);
    else if (sub)
        look(sub);
    return probe->main.failed || (sub && sub->failed) ? -1 : 0;
}

static const struct stream *sub_of(const struct probe *probe)
{
    return probe->sub.config.url ? &probe->sub : NULL;
}

static void advise(struct probe *probe)
{
    const struct stream *main = &probe->main, *sub = sub_of(probe);
    rw_advise(&probe->advice, &main->measure, sub ? &sub->measure : NULL, main->config.udp);
    rw_advise_certificate(&probe->advice, &main->measure.certificate,
                          rw_now(rw_clock_system()).utc_us);
}

static void propose(const struct probe *probe, struct rw_buf *out)
{
    const struct stream *sub = sub_of(probe);
    struct rw_proposal proposal = {.main = &probe->main.config,
                                   .main_measure = &probe->main.measure,
                                   .sub = sub ? &sub->config : NULL,
                                   .sub_measure = sub ? &sub->measure : NULL,
                                   .days = probe->days};
    rw_propose_camera(&proposal, out);
}

/* --- telling it: all but the proposal are YAML's comments, so that the whole is a piece of a
 * configuration --- */

static void print_stream(const struct stream *stream)
{
    char name[8];
    snprintf(name, sizeof name, "# %s", stream->name);
    rw_measure_print(stdout, name, &stream->measure);
    rw_measure_print_certificate(stdout, name, &stream->measure.certificate);
}

static void print_words(const struct probe *probe)
{
    struct rw_buf yaml = {0};
    print_stream(&probe->main);
    if (sub_of(probe))
        print_stream(&probe->sub);
    for (int i = 0; i < probe->advice.count; i++)
        printf("# advice: %s\n", probe->advice.lines[i]);
    propose(probe, &yaml);
    fwrite(yaml.data, 1, yaml.size, stdout);
    rw_buf_finish(&yaml);
}

static json_t *json_of_certificate(const struct rw_certificate *certificate)
{
    char digits[RW_FINGERPRINT_SIZE], ends[RW_TIME_SIZE];
    if (!certificate->shown)
        return json_null();
    return json_pack("{s:s, s:s}", "sha256", rw_certificate_fingerprint(certificate, digits),
                     "ends", rw_format_time(certificate->ends_us, ends));
}

static json_t *json_of_stream(const struct stream *stream)
{
    const struct rw_measure *m = &stream->measure;
    double gop = rw_measure_gop(m);
    return json_pack("{s:s, s:i, s:i, s:f, s:o, s:I, s:I, s:I, s:o, s:o}", "codec", m->codec,
                     "width", m->width, "height", m->height, "fps", rw_measure_fps(m), "gop_s",
                     gop > 0 ? json_real(gop) : json_null(), "bitrate",
                     (json_int_t)rw_measure_bits(m), "packets", (json_int_t)m->datagrams, "lost",
                     (json_int_t)m->lost, "clock_ahead_s",
                     m->clock_told ? json_real((double)m->ahead_us / 1e6) : json_null(),
                     "certificate", json_of_certificate(&m->certificate));
}

static void print_json(const struct probe *probe)
{
    struct rw_buf yaml = {0};
    json_t *advice = json_array();
    for (int i = 0; i < probe->advice.count; i++)
        json_array_append_new(advice, json_string(probe->advice.lines[i]));
    propose(probe, &yaml);
    json_t *all = json_pack("{s:o, s:o, s:o, s:s%}", "main", json_of_stream(&probe->main), "sub",
                            sub_of(probe) ? json_of_stream(&probe->sub) : json_null(), "advice",
                            advice, "yaml", (const char *)yaml.data, yaml.size);
    json_dumpf(all, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
    rw_buf_finish(&yaml);
}

/* A certificate that was refused is shown: the installer may compare it. */
static int complain(const struct probe *probe)
{
    const struct stream *streams[] = {&probe->main, &probe->sub};
    for (int i = 0; i < 2; i++) {
        if (!streams[i]->failed)
            continue;
        rw_complain(1, "%s: %s", streams[i]->name, streams[i]->err.text);
        rw_measure_print_certificate(stderr, streams[i]->name, &streams[i]->measure.certificate);
    }
    return 1;
}

int rw_command_probe(const struct rw_arguments *arguments)
{
    struct probe probe = {.main = {.name = "main"}, .sub = {.name = "sub"}};
    int status = take_arguments(&probe, arguments);
    if (!status && look_at_streams(&probe))
        status = complain(&probe);
    if (!status) {
        advise(&probe);
        arguments->json ? print_json(&probe) : print_words(&probe);
    }
    explicit_bzero(probe.password, sizeof probe.password);
    return status;
}
