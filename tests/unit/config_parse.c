#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"
#include "config/config.h"
#include "config/schema.h"

/* A folder of its own for each test, with password files; *state is its path. */
static void write_file(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(rw_file_replace(path, text, strlen(text), 0, NULL), 0);
}

static void remove_file(const char *dir, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

static const char *const files[][2] = {
    {"gate.pw", "p@ss:wörd\r\nsecond line\r\n"},
    {"cho.pw", "cho-secret"},
    {"mqtt.pw", "mqtt-secret\n"},
    {"mqtt.url", "https://hooks.example/secret\n"},
    {"empty.pw", "\nnot the first line\n"},
};

static int make_folder(void **state)
{
    char template[] = "/tmp/rw-config-XXXXXX";
    char *dir = mkdtemp(template);
    if (!dir)
        return -1;
    *state = strdup(dir);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        write_file(dir, files[i][0], files[i][1]);
    return 0;
}

static int remove_folder(void **state)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove_file(*state, files[i][0]);
    remove_file(*state, "r.yaml");
    int status = rmdir(*state);
    free(*state);
    return status;
}

static struct rw_config *parse_bytes(const char *dir, const void *bytes, size_t size,
                                     struct rw_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/r.yaml", dir);
    *err = (struct rw_err){.code = RW_OK};
    return rw_config_parse(path, bytes, size, err);
}

static struct rw_config *parse(const char *dir, const char *yaml)
{
    struct rw_err err;
    struct rw_config *config = parse_bytes(dir, yaml, strlen(yaml), &err);
    if (!config)
        fail_msg("refused: %s", err.text);
    return config;
}

static void assert_refused(const char *dir, const char *yaml, size_t size, const char *expected)
{
    struct rw_err err;
    struct rw_config *config = parse_bytes(dir, yaml, size, &err);
    if (config)
        fail_msg("taken, but should say \"%s\":\n%s", expected, yaml);
    size_t path = strlen(dir) + strlen("/r.yaml:");
    assert_int_equal(err.code, RW_EINVAL);
    assert_true(strlen(err.text) > path);
    if (strncmp(err.text + path, expected, strlen(expected)))
        fail_msg("says \"%s\" instead of \"%s\":\n%s", err.text + path, expected, yaml);
}

/* The contract's example, all keys. */
static const char full[] =
    "site:\n"
    "  id: thon-dung\n"
    "  name: Thôn Dùng\n"
    "  language: vi                  # vi | en\n"
    "  location: [21.40, 105.39]     # optional\n"
    "storage:\n"
    "  path: /var/lib/roadwatch\n"
    "  slot_size: 64 MiB             # 1 MiB .. 1 GiB\n"
    "  sync: 2s\n"
    "  max_age: 30d                  # optional\n"
    "mqtt:\n"
    "  host: localhost\n"
    "  port: 1883\n"
    "  username: roadwatch\n"
    "  password_file: mqtt.pw\n"
    "  ca_file: /etc/roadwatch/ca.pem\n"
    "  prefix: roadwatch\n"
    "  home_assistant: true\n"
    "escalation: {after: 4m, to: [Hà, \"Anh Dũng\"]}\n"
    "web:\n"
    "  listen: 0.0.0.0:8080\n"
    "cameras:\n"
    "  - id: gate\n"
    "    name: Cổng làng\n"
    "    main: {url: \"rtsp://10.0.0.11/stream1\", username: viewer, password_file: gate.pw,\n"
    "           transport: tcp, keep: 200 GiB}\n"
    "    sub:  {url: \"rtsp://10.0.0.11/stream2\", keep: 20 GiB}\n"
    "    detect:\n"
    "      stream: sub\n"
    "      sensitivity: 50\n"
    "      zones: [{name: road, polygon: [[0,0.4],[1,0.4],[1,1],[0,1]], sensitivity: 70}]\n"
    "      masks: [{name: sky, polygon: [[0,0],[1,0],[1,0.2],[0,0.2]]},\n"
    "              {name: cây, polygon: [[0,0],[0.2,0],[0.2,1]], sensitivity: 20}]\n"
    "      lines: [{name: cổng, from: [0.3,1], to: [0.7,0.6]}]\n"
    "      min_duration: 1500ms\n"
    "      schedule: [{days: mon-sun, from: \"22:00\", to: \"05:00\"}]\n"
    "    alert: {pre: 5s, post: 5s, cooldown: 10s, max: 5m, "
    "clip: {seconds: 5, max: 300 KB}, rate: 12}\n";

#define SITE "site: {id: a}\n"
#define CAMERA(rest) SITE "cameras:\n- id: gate\n  main: {url: \"rtsp://h/s\", keep: 1 GiB}\n" rest

static void takes_every_key_of_the_contract(void **state)
{
    struct rw_config *config = parse(*state, full);
    assert_string_equal(config->site.id, "thon-dung");
    assert_string_equal(config->site.name, "Thôn Dùng");
    assert_true(config->site.vietnamese && config->site.located);
    assert_float_equal(config->site.place.latitude, 21.40, 1e-9);
    assert_float_equal(config->site.place.longitude, 105.39, 1e-9);
    assert_string_equal(config->storage.path, "/var/lib/roadwatch");
    assert_int_equal(config->storage.slot_size, 64 << 20);
    assert_int_equal(config->storage.sync_us, 2000000);
    assert_int_equal(config->storage.max_age_us, INT64_C(30) * 86400 * 1000000);
    assert_true(config->mqtt.enabled && config->mqtt.home_assistant);
    assert_string_equal(config->mqtt.host, "localhost");
    assert_int_equal(config->mqtt.port, 1883);
    assert_string_equal(config->mqtt.username, "roadwatch");
    assert_string_equal(config->mqtt.password, "mqtt-secret");
    assert_string_equal(config->mqtt.ca_file, "/etc/roadwatch/ca.pem");
    assert_string_equal(config->mqtt.cert_file, "");
    assert_string_equal(config->mqtt.prefix, "roadwatch");
    assert_int_equal(config->escalation.count, 2);
    assert_string_equal(config->escalation.to[0], "Hà");
    assert_string_equal(config->escalation.to[1], "Anh Dũng");
    assert_int_equal(config->escalation.after_us, 240 * RW_SECOND_US);
    assert_true(config->web.enabled);
    assert_string_equal(config->web.listen_host, "0.0.0.0");
    assert_int_equal(config->web.listen_port, 8080);
    assert_string_equal(config->web.cert_file, "");
    assert_int_equal(config->camera_count, 1);
    rw_config_free(config);
}

static void takes_every_camera_key_of_the_contract(void **state)
{
    struct rw_config *config = parse(*state, full);
    const struct rw_camera_config *gate = rw_config_camera(config, "gate");
    assert_non_null(gate);
    assert_null(rw_config_camera(config, "gat"));
    assert_string_equal(gate->name, "Cổng làng");
    assert_int_equal(gate->line, 23);
    assert_string_equal(gate->main.url, "rtsp://10.0.0.11/stream1");
    assert_string_equal(gate->main.username, "viewer");
    assert_string_equal(gate->main.password, "p@ss:wörd");
    assert_false(gate->main.udp);
    assert_int_equal(gate->main.keep_bytes, INT64_C(200) << 30);
    assert_int_equal(rw_config_slots(config, &gate->main), 3200);
    assert_int_equal(rw_config_slots(config, &gate->sub), 320);
    assert_string_equal(gate->sub.username, "viewer");
    assert_string_equal(gate->sub.password, "p@ss:wörd");
    assert_true(gate->detect.enabled);
    assert_false(gate->detect.on_main);
    assert_int_equal(gate->detect.zone_count, 1);
    assert_string_equal(gate->detect.zones[0].name, "road");
    assert_int_equal(gate->detect.zones[0].points, 4);
    assert_float_equal(gate->detect.zones[0].polygon[1].x, 1, 1e-6);
    assert_float_equal(gate->detect.zones[0].polygon[1].y, 0.4, 1e-6);
    assert_int_equal(gate->detect.zones[0].sensitivity, 70);
    assert_string_equal(gate->detect.masks[0].name, "sky");
    assert_float_equal(gate->detect.masks[0].polygon[2].y, 0.2, 1e-6);
    assert_int_equal(gate->detect.masks[0].sensitivity, 0);
    assert_int_equal(gate->detect.masks[1].sensitivity, 20);
    assert_int_equal(gate->detect.line_count, 1);
    assert_string_equal(gate->detect.lines[0].name, "cổng");
    assert_float_equal(gate->detect.lines[0].from.x, 0.3, 1e-6);
    assert_float_equal(gate->detect.lines[0].from.y, 1, 1e-6);
    assert_float_equal(gate->detect.lines[0].to.x, 0.7, 1e-6);
    assert_float_equal(gate->detect.lines[0].to.y, 0.6, 1e-6);
    assert_int_equal(gate->detect.min_duration_us, 1500000);
    assert_int_equal(gate->detect.schedule_count, 1);
    assert_int_equal(gate->detect.schedule[0].days, 0x7f);
    assert_int_equal(gate->alert.pre_us, 5000000);
    assert_int_equal(gate->alert.max_us, 300000000);
    assert_int_equal(gate->alert.clip_us, 5000000);
    assert_int_equal(gate->alert.clip_bytes, 300000);
    assert_int_equal(gate->alert.rate, 12);
    rw_config_free(config);
}

static void fills_in_what_is_not_written(void **state)
{
    struct rw_config *config = parse(*state, CAMERA("  detect: {zones: [{name: z, polygon: "
                                                    "[[0,0],[1,0],[1,1]]}], sensitivity: 33}\n"));
    const struct rw_camera_config *gate = &config->cameras[0];
    assert_string_equal(config->site.name, "a");
    assert_true(config->site.vietnamese);
    assert_false(config->site.located || config->mqtt.enabled || config->web.enabled);
    assert_string_equal(config->storage.path, "/var/lib/roadwatch");
    assert_int_equal(config->storage.slot_size, 64 << 20);
    assert_int_equal(config->storage.sync_us, 2000000);
    assert_int_equal(config->storage.max_age_us, 0);
    assert_string_equal(config->mqtt.prefix, "roadwatch");
    assert_string_equal(config->web.cert_file, "");
    assert_int_equal(config->escalation.count, 0);
    assert_string_equal(gate->name, "gate");
    assert_string_equal(gate->main.username, "");
    assert_string_equal(gate->main.password, "");
    assert_string_equal(gate->sub.url, "");
    assert_true(gate->detect.enabled && gate->detect.on_main);
    assert_int_equal(gate->detect.zones[0].sensitivity, 33);
    assert_int_equal(gate->detect.line_count, 0);
    assert_int_equal(gate->detect.min_duration_us, 0);
    assert_int_equal(gate->alert.pre_us, 5000000);
    assert_int_equal(gate->alert.post_us, 5000000);
    assert_int_equal(gate->alert.cooldown_us, 10000000);
    assert_int_equal(gate->alert.clip_us, 10000000);
    assert_int_equal(gate->alert.clip_bytes, 600000);
    assert_int_equal(gate->alert.rate, 30);
    assert_int_equal(gate->alert.max_us, 300000000);
    rw_config_free(config);
}

static void chooses_the_brokers_port_by_tls(void **state)
{
    struct rw_config *plain = parse(*state, CAMERA("mqtt: {host: h}\n"));
    struct rw_config *tls = parse(*state, CAMERA("mqtt: {host: h, ca_file: sub/ca.pem}\n"));
    struct rw_config *own = parse(*state, CAMERA("mqtt: {host: h, ca_file: c, port: 1}\n"));
    char ca[PATH_MAX];
    snprintf(ca, sizeof ca, "%s/sub/ca.pem", (char *)*state);
    assert_int_equal(plain->mqtt.port, 1883);
    assert_int_equal(tls->mqtt.port, 8883);
    assert_int_equal(own->mqtt.port, 1);
    assert_string_equal(tls->mqtt.ca_file, ca);
    rw_config_free(plain);
    rw_config_free(tls);
    rw_config_free(own);
}

static void moves_a_login_out_of_the_url(void **state)
{
    struct rw_config *config =
        parse(*state, SITE "cameras:\n- id: gate\n"
                           "  main: {url: \"RTSP://us%65r:p%40s%3as@10.0.0.1:8554/a?b=c\", "
                           "keep: 1 GiB, transport: udp}\n"
                           "  sub: {url: \"rtsps://[fe80::1]/x\", keep: 1 GiB}\n"
                           "- id: two\n"
                           "  main: {url: \"rtsp://admin@h\", password: 123456, keep: 1 GiB}\n"
                           "  sub: {url: \"rtsp://h/2\", username: other, keep: 1 GiB}\n");
    const struct rw_camera_config *gate = &config->cameras[0], *two = &config->cameras[1];
    assert_string_equal(gate->main.url, "rtsp://10.0.0.1:8554/a?b=c");
    assert_string_equal(gate->main.username, "user");
    assert_string_equal(gate->main.password, "p@s:s");
    assert_true(gate->main.udp);
    assert_string_equal(gate->sub.url, "rtsps://[fe80::1]/x");
    assert_string_equal(gate->sub.password, "p@s:s");
    assert_string_equal(two->main.url, "rtsp://h");
    assert_string_equal(two->main.username, "admin");
    assert_string_equal(two->main.password, "123456");
    assert_string_equal(two->sub.username, "other");
    assert_string_equal(two->sub.password, "");
    rw_config_free(config);
}

struct refusal {
    const char *yaml, *expected; /* "line: beginning of the sentence" */
};

static void assert_all_refused(const char *dir, const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(dir, rows[i].yaml, strlen(rows[i].yaml), rows[i].expected);
}

#define ASSERT_ALL_REFUSED(rows) assert_all_refused(*state, rows, sizeof(rows) / sizeof *(rows))

static void refuses_an_unknown_key_with_its_line(void **state)
{
    static const struct refusal rows[] = {
        {CAMERA("colour: red\n"), "5: colour is not a known key; known here are site, storage, "
                                  "mqtt, escalation, web, webhooks, cameras"},
        {CAMERA("storage:\n  sync: 2s\n  slots: 3\n"),
         "7: storage.slots is not a known key; known here are path, slot_size, sync, max_age, "
         "scrub"},
        {CAMERA("  colour: red\n"), "5: cameras[gate].colour is not a known key; known here are "
                                    "id, name, main, sub, detect, alert"},
        {CAMERA("  sub:\n    url: rtsp://h\n    kep: 1 GiB\n"),
         "7: cameras[gate].sub.kep is not a known key; known here are url, username, password, "
         "password_file, transport, ca_file, check_host, keep"},
        {CAMERA("  detect: {zones: [{name: z, polygn: 1}]}\n"),
         "5: cameras[gate].detect.zones[z].polygn is not a known key; known here are name, "
         "polygon, sensitivity"},
        {CAMERA("  detect: {masks: [{colour: 3}]}\n"),
         "5: cameras[gate].detect.masks[1].colour is not a known key; known here are name, "
         "polygon, sensitivity"},
        {CAMERA("  detect: {lines: [{name: l, form: [0,0]}]}\n"),
         "5: cameras[gate].detect.lines[l].form is not a known key; known here are name, from, to"},
        {CAMERA("<<: {id: b}\n"), "5: ? is not a known key"},
        {SITE "cameras: [{id: a, main: {url: x, keep:5}}]\n",
         "2: cameras[a].main.keep must be followed by a colon and a space"},
        {SITE "site: {id: b}\n", "2: site stands here a second time (first in line 1)"},
    };
    ASSERT_ALL_REFUSED(rows);
}

static void refuses_a_wrong_type_with_its_line(void **state)
{
    static const struct refusal rows[] = {
        {"hello\n", "1: the file must be sections"},
        {"- a\n- b\n", "1: the file must be sections"},
        {"\nsite: a\n", "2: site must be a group of keys; write for example site: {id:"},
        {SITE "cameras: {gate: {}}\n", "2: cameras must be a list; write for example cameras: [{"},
        {CAMERA("mqtt:\n"), "5: mqtt has no value; write for example mqtt: {host: localhost}"},
        {CAMERA("mqtt: {host: h, port: \"1883\"}\n"), "5: mqtt.port must be a whole number"},
        {CAMERA("mqtt: {host: h, port: 1e3}\n"), "5: mqtt.port must be a whole number"},
        {CAMERA("mqtt: {host: [h]}\n"), "5: mqtt.host must be a single value"},
        {CAMERA("mqtt: {host: h, home_assistant: maybe}\n"),
         "5: mqtt.home_assistant must be true or false, not \"maybe\""},
        {CAMERA("  name:\n"), "5: cameras[gate].name has no value; write for example name: C"},
        {CAMERA("  name: \"\"\n"), "5: cameras[gate].name is empty"},
        {CAMERA("  detect: {enabled: 1}\n"), "5: cameras[gate].detect.enabled must be true or"},
        {CAMERA("  detect: {zones: [[0, 0]]}\n"),
         "5: cameras[gate].detect.zones[1] must be a group"},
        {CAMERA("  detect: {zones: [{name: z, polygon: [[0,x],[1,1],[0,1]]}]}\n"),
         "5: cameras[gate].detect.zones[z].polygon[1][2] must be a number"},
        {CAMERA("  detect: {zones: [{name: z, polygon: [[0,1e999],[1,1],[0,1]]}]}\n"),
         "5: cameras[gate].detect.zones[z].polygon[1][2] must be a number"},
        {"site: {id: a, language: fr}\n", "1: site.language must be vi or en, not \"fr\""},
        {"site: {id: a, location: [1]}\n", "1: site.location has 1 entries and needs 2"},
        {"site: {id: a, location: 21.4}\n", "1: site.location must be a list; write for example "
                                            "location: [21.40, 105.39]"},
    };
    ASSERT_ALL_REFUSED(rows);
}

static void refuses_what_is_missing(void **state)
{
    static const struct refusal rows[] = {
        {"cameras: []\n", "1: cameras has 0 entries and needs 1 or more"},
        {SITE, "1: the file needs the key cameras, for example cameras: [{id: gate"},
        {"storage: {sync: 2s}\n", "1: the file needs the key site, for example site: {id:"},
        {"site:\n  name: x\n", "1: site needs the key id, for example id: gate"},
        {SITE "cameras:\n- id: gate\n  name: x\n", "3: cameras[gate] needs the key main"},
        {SITE "cameras:\n- id: gate\n  main:\n    url: rtsp://h\n",
         "4: cameras[gate].main needs the key keep, for example keep: 200 GiB"},
        {SITE "cameras:\n- name: x\n  main: {keep: 1 GiB}\n",
         "4: cameras[x].main needs the key url"},
        {CAMERA("mqtt: {port: 1}\n"), "5: mqtt needs the key host"},
        {CAMERA("mqtt: {host: h, cert_file: c, ca_file: d}\n"), "5: mqtt.cert_file needs key_file"},
        {CAMERA("mqtt: {host: h, cert_file: c, key_file: k}\n"), "5: mqtt.cert_file needs ca_file"},
        {CAMERA("web: {key_file: k}\n"), "5: web.key_file needs cert_file"},
        {CAMERA("  detect: {stream: sub}\n"),
         "5: cameras[gate].detect.stream is sub, but this camera has no sub"},
        {CAMERA("  detect: {schedule: [{days: mon}]}\n"),
         "5: cameras[gate].detect.schedule[1] needs the key from, for example from: \"22:00\""},
    };
    ASSERT_ALL_REFUSED(rows);
}

static void refuses_what_is_out_of_range(void **state)
{
    static const struct refusal rows[] = {
        {CAMERA("storage: {slot_size: 1023 KiB}\n"),
         "5: storage.slot_size must be 1 MiB to 1 GiB, not 1023 KiB"},
        {CAMERA("storage: {slot_size: lots}\n"),
         "5: storage.slot_size must be a size such as 64 MiB, not \"lots\""},
        {CAMERA("storage: {sync: 2}\n"), "5: storage.sync must be a duration such as 2s, not "},
        {CAMERA("storage: {sync: 249ms}\n"), "5: storage.sync must be 250ms to 60s, not 249ms"},
        {CAMERA("storage: {sync: 61s}\n"), "5: storage.sync must be 250ms to 60s, not 61s"},
        {CAMERA("storage: {max_age: 0}\n"), "5: storage.max_age must be 1s to 36500d, not 0"},
        {CAMERA("mqtt: {host: h, port: 0}\n"), "5: mqtt.port must be 1 to 65535, not 0"},
        {CAMERA("mqtt: {host: h, port: 65536}\n"), "5: mqtt.port must be 1 to 65535, not 65536"},
        {CAMERA("mqtt: {host: h, prefix: a/#}\n"), "5: mqtt.prefix must be letters"},
        {CAMERA("mqtt: {host: \"mqtt://h\"}\n"), "5: mqtt.host must be a host name"},
        {CAMERA("escalation: {after: 1s, to: [a]}\n"),
         "5: escalation.after must be 5s to 24h, not 1s"},
        {CAMERA("escalation: {after: 3m}\n"),
         "5: escalation needs the key to, for example to: [Hà"},
        {CAMERA("escalation: {to: []}\n"), "5: escalation.to "},
        {CAMERA("web: {listen: \"8080\"}\n"), "5: web.listen must be an address, a colon"},
        {CAMERA("web: {listen: \"::1:8080\"}\n"), "5: web.listen must be an address, a colon"},
        {CAMERA("web: {listen: \"h:0\"}\n"), "5: web.listen must be an address, a colon"},
        {CAMERA("  detect: {sensitivity: 0}\n"),
         "5: cameras[gate].detect.sensitivity must be 1 to 100, not 0"},
        {CAMERA("  detect: {sensitivity: 101}\n"),
         "5: cameras[gate].detect.sensitivity must be 1 to 100, not 101"},
        {CAMERA("  alert:\n    pre: 5s\n    post: 5h\n"),
         "7: cameras[gate].alert.post must be 0 to 5m, not 5h"},
        {CAMERA("  alert: {max: 0}\n"), "5: cameras[gate].alert.max must be 1s to 24h, not 0"},
        {CAMERA("  alert: {clip: {seconds: 61}}\n"),
         "5: cameras[gate].alert.clip.seconds must be 0 to 60, not 61"},
        {CAMERA("  alert: {clip: {max: 5m}}\n"),
         "5: cameras[gate].alert.clip.max must be a size such as 600 kB, not \"5m\""},
        {CAMERA("  alert: {clip: {max: 1 kB}}\n"),
         "5: cameras[gate].alert.clip.max must be 50 kB to 8 MB, not 1 kB"},
        {CAMERA("  alert: {rate: 61}\n"), "5: cameras[gate].alert.rate must be 0 to 60, not 61"},
        {CAMERA("  alert: {cooldown: -1s}\n"), "5: cameras[gate].alert.cooldown must be a "
                                               "duration such as 10s, not \"-1s\""},
        {"site: {id: a, location: [105.39, 21.4]}\n" SITE, "2: site stands here a second time"},
        {"site: {id: a, location: [105.39, 21.4]}\ncameras: [{id: b, main: {url: rtsp://h, keep: 1 "
         "GiB}}]\n",
         "1: site.location must be latitude"},
        {"site: {id: Thôn}\ncameras: [{id: b, main: {url: rtsp://h, keep: 1 GiB}}]\n",
         "1: site.id must be 1 to 32 small letters"},
    };
    ASSERT_ALL_REFUSED(rows);
}

#define STREAM(words) SITE "cameras:\n- id: gate\n  main:\n    keep: 1 GiB\n" words

static void refuses_a_bad_camera(void **state)
{
    static const struct refusal rows[] = {
        {CAMERA("- id: gate\n  main: {url: rtsp://h, keep: 1 GiB}\n"),
         "5: cameras[gate].id is the id of the camera in line 3 already"},
        {CAMERA("- id: Gate\n  main: {url: rtsp://h, keep: 1 GiB}\n"),
         "5: cameras[Gate].id must be 1 to 32 small letters"},
        {CAMERA("- id: alerts\n  main: {url: rtsp://h, keep: 1 GiB}\n"),
         "5: cameras[alerts].id is a name that the program uses itself"},
        {SITE "cameras: [{id: b, main: {url: rtsp://h, keep: 191 MiB}}]\n",
         "2: cameras[b].main.keep must be 192 MiB or more: a ring has at least 3 slots of 64 MiB"},
        {SITE "storage: {slot_size: 1 MiB}\ncameras: [{id: b, main: {url: rtsp://h, keep: 1 TiB}}]"
              "\n",
         "3: cameras[b].main.keep needs more than 99999 slots of 1 MiB"},
        {STREAM("    url: http://h/s\n"),
         "6: cameras[gate].main.url must begin with rtsp:// or rtsps://"},
        {STREAM("    url: rtsp://h/s\n    ca_file: ca.pem\n"),
         "7: cameras[gate].main.ca_file is for a url that begins with rtsps://"},
        {STREAM("    url: rtsp:///s\n"), "6: cameras[gate].main.url must name a host"},
        {STREAM("    url: rtsp://h:99999/s\n"), "6: cameras[gate].main.url must name a host"},
        {STREAM("    url: rtsp://u:p@/s\n"), "6: cameras[gate].main.url must name a host"},
        {STREAM("    url: rtsp://u:p%zz@h/s\n"), "6: cameras[gate].main.url has a % sign"},
        {STREAM("    url: rtsp://u:p%00@h/s\n"), "6: cameras[gate].main.url has a % sign"},
        {STREAM("    url: rtsp://u@h/s\n    username: v\n"),
         "7: cameras[gate].main.username stands in the url too"},
        {STREAM("    url: rtsp://u:p@h/s\n    password: q\n"),
         "7: cameras[gate].main.password is given although the url has a password"},
        {STREAM("    url: rtsp://h/s\n    password: q\n"),
         "7: cameras[gate].main.password needs username beside it"},
        {STREAM("    url: rtsp://h/s\n    username: u\n    password: q\n    password_file: q\n"),
         "9: cameras[gate].main.password_file stands beside password; keep one"},
        {STREAM("    url: rtsp://h/s\n    transport: http\n"),
         "7: cameras[gate].main.transport must be tcp or udp, not \"http\""},
    };
    ASSERT_ALL_REFUSED(rows);
}

static void assert_many_refused(const char *dir, const char *begin, const char *each, int count,
                                const char *end, const char *expected)
{
    struct rw_buf yaml = {0};
    rw_buf_printf(&yaml, "%s", begin);
    for (int i = 0; i < count; i++)
        rw_buf_printf(&yaml, "%s", each);
    rw_buf_printf(&yaml, "%s", end);
    assert_refused(dir, (char *)yaml.data, yaml.size, expected);
    rw_buf_finish(&yaml);
}

#define HOOK(words) CAMERA("webhooks:\n- " words "\n")

static void takes_every_key_of_a_webhook(void **state)
{
    struct rw_config *config =
        parse(*state, CAMERA("webhooks:\n"
                             "- {id: z, type: zalo, token_file: cho.pw, chat_id: \"7\"}\n"
                             "- {id: n, type: ntfy, url: \"http://[::1]:81/t\", updates: true}\n"
                             "- {id: m, type: multipart, url: \"https://h/x?k=1\", photo: file,\n"
                             "   ca_file: ca.pem, fields: [{name: a, value: \"{text} {\"}]}\n"
                             "- {id: j, type: json, url_file: mqtt.url}\n"));
    assert_int_equal(config->hook_count, 4);
    const struct rw_hook_config *hook = config->hooks;
    assert_string_equal(hook[0].url, "https://bot-api.zaloplatforms.com");
    assert_string_equal(hook[0].host, "bot-api.zaloplatforms.com");
    assert_int_equal(hook[0].port, 443);
    assert_string_equal(hook[0].token, "cho-secret");
    assert_string_equal(hook[0].chat_id, "7");
    assert_string_equal(hook[0].text, "{text}");
    assert_false(hook[0].updates);
    assert_string_equal(hook[1].host, "::1");
    assert_int_equal(hook[1].port, 81);
    assert_true(hook[1].updates);
    assert_int_equal(hook[2].type, RW_HOOK_MULTIPART);
    assert_string_equal(hook[2].photo, "file");
    assert_string_equal(hook[2].ca_file + strlen(*state), "/ca.pem");
    assert_int_equal(hook[2].field_count, 1);
    assert_string_equal(hook[2].fields[0].value, "{text} {");
    assert_string_equal(hook[3].url, "https://hooks.example/secret");
    assert_true(hook[3].updates);
    rw_config_free(config);
}

static void refuses_a_bad_webhook(void **state)
{
    static const struct refusal rows[] = {
        {HOOK("{id: a, type: json}"), "6: webhooks[a] needs url or url_file, for example"},
        {HOOK("{id: a, url: \"https://h\"}"), "6: webhooks[a] needs the key type"},
        {HOOK("{id: a, type: slack, url: \"https://h\"}"),
         "6: webhooks[a].type must be zalo or telegram or ntfy or json or form or multipart"},
        {HOOK("{id: a, type: json, url: \"ftp://h\"}"), "6: webhooks[a].url must be https://"},
        {HOOK("{id: a, type: json, url: \"https://u:secret@h\"}"),
         "6: webhooks[a].url must be https:// (or http://), a host and perhaps a port and a path, "
         "without spaces and without a login"},
        {HOOK("{id: a, type: json, url: \"https://h:99999/\"}"), "6: webhooks[a].url must be"},
        {HOOK("{id: a, type: json, url: \"https://h\", url_file: cho.pw}"),
         "6: webhooks[a].url_file stands beside url; keep one of them"},
        {HOOK("{id: a, type: json, url_file: empty.pw}"), "6: webhooks[a].url_file names"},
        {HOOK("{id: a, type: zalo, chat_id: \"1\"}"), "6: webhooks[a] needs token_file"},
        {HOOK("{id: a, type: zalo, chat_id: \"1\", token: \"a/b\"}"),
         "6: webhooks[a].token must be the token alone"},
        {HOOK("{id: a, type: telegram, token: t}"), "6: webhooks[a] needs chat_id"},
        {HOOK("{id: a, type: json, url: \"https://h\", chat_id: \"1\"}"),
         "6: webhooks[a].chat_id is a key of the type zalo and telegram only"},
        {HOOK("{id: a, type: ntfy, url: \"https://h\", text: \"{txt}\"}"),
         "6: webhooks[a].text has {txt} in it; known are {text} {camera}"},
        {HOOK("{id: a, type: form, url: \"https://h\"}"), "6: webhooks[a] needs fields"},
        {HOOK("{id: a, type: form, url: \"https://h\", fields: [{name: b, value: \"{x}\"}]}"),
         "6: webhooks[a].fields[b].value has {x} in it"},
        {HOOK("{id: a, type: json, url: \"https://h\"}\n- {id: a, type: json, url: \"https://h\"}"),
         "7: webhooks[a].id is the id of the webhook in line 6 already"},
        {HOOK("{id: A, type: json, url: \"https://h\"}"), "6: webhooks[A].id must be 1 to 32"},
        {SITE "cameras:\n- id: webhooks\n  main: {url: \"rtsp://h/s\", keep: 1 GiB}\n",
         "3: cameras[webhooks].id is a name that the program uses itself"},
    };
    ASSERT_ALL_REFUSED(rows);
    assert_many_refused(*state, CAMERA("webhooks: ["), "{id: a, type: json, url: \"https://h\"},",
                        9, "]\n", "5: webhooks has 9 entries; at most 8 are allowed");
}

static void alerts_digest_changes_with_a_webhook(void **state)
{
    static const char *const files_of[] = {
        CAMERA(""),
        HOOK("{id: a, type: json, url: \"https://h\"}"),
        HOOK("{id: a, type: json, url: \"https://i\"}"),
        HOOK("{id: a, type: json, url: \"https://h\", token: t}"),
        HOOK("{id: a, type: json, url: \"https://h\", updates: false}"),
        HOOK("{id: a, type: json, url: \"https://h\", fields: [{name: n, value: v}]}"),
    };
    enum { COUNT = sizeof files_of / sizeof *files_of };
    char seen[COUNT][65];
    for (int i = 0; i < COUNT; i++) {
        struct rw_config *config = parse(*state, files_of[i]);
        rw_config_alerts_digest(config, seen[i]);
        rw_config_free(config);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(seen[k], seen[i]);
    }
}

static void refuses_a_bad_zone(void **state)
{
#define ZONES(words) CAMERA("  detect:\n    zones:\n" words)
    static const struct refusal rows[] = {
        {ZONES("    - {name: z, polygon: [[0,0],[1,1]]}\n"),
         "7: cameras[gate].detect.zones[z].polygon has 2 entries and needs 3 or more"},
        {ZONES("    - {name: z, polygon: [[0,0],[1,1],[0,1.01]]}\n"),
         "7: cameras[gate].detect.zones[z].polygon[3] must be [x, y] as fractions"},
        {ZONES("    - {name: z, polygon: [[-0.1,0],[1,1],[0,1]]}\n"),
         "7: cameras[gate].detect.zones[z].polygon[1] must be [x, y] as fractions"},
        {ZONES("    - {name: z, polygon: [[0,0,0],[1,1],[0,1]]}\n"),
         "7: cameras[gate].detect.zones[z].polygon[1] has 3 entries and needs 2"},
        {ZONES("    - {name: z, polygon: [[0,0],[1,1],[0,1]]}\n"
               "    - {name: z, polygon: [[0,0],[1,1],[0,1]]}\n"),
         "8: cameras[gate].detect.zones[z].name is another zone's name already"},
        {ZONES("    - {name: z, polygon: [[0,0],[1,1],[0,1]], sensitivity: 0}\n"),
         "7: cameras[gate].detect.zones[z].sensitivity must be 1 to 100"},
        {ZONES("    - name: 12345678901234567890123456789012345678901234567890123456789012345\n"
               "      polygon: [[0,0],[1,1],[0,1]]\n"),
         "7: cameras[gate].detect.zones[1234567890123456789012345678901234567890…].name is longer "
         "than 64 bytes"},
    };
    ASSERT_ALL_REFUSED(rows);
}

static void refuses_a_bad_mask(void **state)
{
    static const struct refusal rows[] = {
        {CAMERA("  detect: {masks: [{name: m, polygon: [[0,0],[1,1],[0,1]], sensitivity: 0}]}\n"),
         "5: cameras[gate].detect.masks[m].sensitivity must be 1 to 100, not 0"},
        {CAMERA("  detect: {masks: [{polygon: [[0,0],[1,1],[0,1]], sensitivity: 101}]}\n"),
         "5: cameras[gate].detect.masks[1].sensitivity must be 1 to 100, not 101"},
    };
    ASSERT_ALL_REFUSED(rows);
}

static void refuses_a_bad_line(void **state)
{
#define LINES(words) CAMERA("  detect:\n    lines:\n" words)
    static const struct refusal rows[] = {
        {LINES("    - {name: l, from: [0,0]}\n"),
         "7: cameras[gate].detect.lines[l] needs the key to, for example to: [0.7, 0.6]"},
        {LINES("    - {from: [0,0], to: [1,1]}\n"),
         "7: cameras[gate].detect.lines[1] needs the key name, for example name: gate"},
        {LINES("    - {name: l, from: \"22:00\", to: [1,1]}\n"),
         "7: cameras[gate].detect.lines[l].from must be a list; write for example from: [0.3, 1]"},
        {LINES("    - {name: l, from: [0], to: [1,1]}\n"),
         "7: cameras[gate].detect.lines[l].from has 1 entries and needs 2, for example from: [0.3"},
        {LINES("    - {name: l, from: [0,x], to: [1,1]}\n"),
         "7: cameras[gate].detect.lines[l].from[2] must be a number"},
        {LINES("    - {name: l, from: [0,0], to: [1,1.01]}\n"),
         "7: cameras[gate].detect.lines[l].to must be [x, y] as fractions of the picture"},
        {LINES("    - {name: l, from: [0.25,1], to: [0.25,1]}\n"),
         "7: cameras[gate].detect.lines[l].to is the same point as from"},
        {LINES("    - {name: l, from: [0,0], to: [1,1]}\n"
               "    - {name: l, from: [0,1], to: [1,0]}\n"),
         "8: cameras[gate].detect.lines[l].name is another line's name already"},
        {CAMERA("  detect: {min_duration: 61s}\n"),
         "5: cameras[gate].detect.min_duration must be 0 to 60s, not 61s"},
        {CAMERA("  detect: {min_duration: soon}\n"),
         "5: cameras[gate].detect.min_duration must be a duration such as 1s, not \"soon\""},
        {CAMERA("  detect: {schedule: [{to: \"05:00\"}]}\n"), /* not a line's from */
         "5: cameras[gate].detect.schedule[1] needs the key from, for example from: \"22:00\""},
    };
    ASSERT_ALL_REFUSED(rows);
}

static void takes_lines_zones_and_masks_up_to_their_limits(void **state)
{
    struct rw_buf yaml = {0};
    rw_buf_printf(&yaml, "%s", CAMERA("  detect:\n    min_duration: 60s\n    lines:\n"));
    for (int i = 0; i < RW_CONFIG_LINES_MAX; i++)
        rw_buf_printf(&yaml, "    - {name: l%d, from: [0, 0.%d], to: [1, 1]}\n", i, i);
    for (int masks = 0; masks < 2; masks++) {
        rw_buf_printf(&yaml, "    %s:\n", masks ? "masks" : "zones");
        for (int i = 0; i < RW_CONFIG_ZONES_MAX; i++) {
            rw_buf_printf(&yaml, "    - {name: n%d, polygon: [", i);
            for (int k = 0; k < RW_CONFIG_POLYGON_MAX; k++)
                rw_buf_printf(&yaml, "[0.%d,0.5],", k);
            rw_buf_printf(&yaml, "]}\n");
        }
    }
    struct rw_config *config = parse(*state, (char *)yaml.data);
    const struct rw_detect_config *detect = &config->cameras[0].detect;
    assert_int_equal(detect->line_count, RW_CONFIG_LINES_MAX);
    assert_string_equal(detect->lines[7].name, "l7");
    assert_float_equal(detect->lines[7].from.y, 0.7, 1e-6);
    assert_int_equal(detect->zone_count, RW_CONFIG_ZONES_MAX);
    assert_int_equal(detect->masks[15].points, RW_CONFIG_POLYGON_MAX);
    assert_int_equal(detect->min_duration_us, 60000000);
    rw_config_free(config);
    rw_buf_finish(&yaml);
}

/* Camera text, then `count` times `each`, then `end`. */
static void refuses_too_many_of_anything(void **state)
{
    assert_many_refused(*state, CAMERA("  detect: {masks: ["), "{polygon: [[0,0],[1,1],[0,1]]},",
                        17, "]}\n",
                        "5: cameras[gate].detect.masks has 17 entries; at most 16 are allowed");
    assert_many_refused(*state, CAMERA("  detect: {zones: ["),
                        "{name: z, polygon: [[0,0],[1,1],[0,1]]},", 17, "]}\n",
                        "5: cameras[gate].detect.zones has 17 entries; at most 16 are allowed");
    assert_many_refused(*state, CAMERA("  detect: {lines: ["), "{name: l, from: [0,0], to: [1,1]},",
                        9, "]}\n",
                        "5: cameras[gate].detect.lines has 9 entries; at most 8 are allowed");
    assert_many_refused(*state, CAMERA("  detect: {zones: [{name: z, polygon: ["), "[0,0],", 33,
                        "]}]}\n",
                        "5: cameras[gate].detect.zones[z].polygon has 33 entries; at most 32");
    assert_many_refused(*state, CAMERA(""), "- {id: b}\n", 2000, "", "1028: a list ends at 1024");
    assert_many_refused(*state, SITE "x: ", "[", 2000, "\n",
                        "2: brackets or indentation go deeper");
    assert_many_refused(*state, SITE "x: {", "k: 1, ", 1, "k: 2}\n", "2: x.k stands here a second");
    assert_many_refused(*state, SITE, "# comment to fill the file\n", 40000, "",
                        "1: the file is larger than 1 MiB");
}

static void refuses_what_is_not_plain_yaml(void **state)
{
    static const struct refusal rows[] = {
        {"", "1: the file is empty"},
        {"# only words\n\n", "1: the file is empty"},
        {"site:\n\tid: a\n", "2: a tab indents this line; use spaces"},
        {"site: {id: a\ncameras: []\n", "2: this is not YAML ("},
        {"site: {id: \"a}\ncameras: []\n", "1: this is not YAML ("},
        {"site: &s {id: a}\ncameras: *s\n", "1: anchors (&) and aliases (*) are not known"},
        {SITE "cameras: *s\n", "2: anchors (&) and aliases (*) are not known"},
        {"site: !!map {id: a}\n", "1: tags (!) are not known"},
        {"? [a]\n: b\n", "1: a key must be a word"},
        {"site: {id: \"a\\nb\"}\n", "1: a value must be one line of plain text"},
        {"site:\n  id: |\n    a\n", "2: a value must be one line of plain text"},
        {SITE "---\n" SITE, "2: a second document begins here"},
        {"site: {id: a, name: Th\xf4n}\n", "1: this is not plain UTF-8 text"},
        {"\xff\xfes\0i\0", "1: the file is UTF-16; save it as UTF-8"},
    };
    ASSERT_ALL_REFUSED(rows);
    assert_refused(*state, "site:\n\0", 7, "2: this is not plain UTF-8 text");
}

static void takes_what_windows_editors_write(void **state)
{
    struct rw_config *config =
        parse(*state, "\xef\xbb\xbfsite: {id: a}\r\ncameras:\r\n  - id: gate\r\n"
                      "    main: {url: rtsp://h/s, keep: 1 GiB}\r\n");
    assert_string_equal(config->cameras[0].main.url, "rtsp://h/s");
    assert_int_equal(config->cameras[0].main.keep_bytes, INT64_C(1) << 30);
    rw_config_free(config);
}

static void names_the_password_file_that_cannot_be_read(void **state)
{
    static const struct refusal rows[] = {
        {STREAM("    url: rtsp://h/s\n    username: u\n    password_file: none.pw\n"),
         "8: cameras[gate].main.password_file cannot be used: "},
        {STREAM("    url: rtsp://h/s\n    username: u\n    password_file: .\n"),
         "8: cameras[gate].main.password_file cannot be used: "},
        {STREAM("    url: rtsp://h/s\n    username: u\n    password_file: empty.pw\n"),
         "8: cameras[gate].main.password_file names "},
    };
    ASSERT_ALL_REFUSED(rows);
    struct rw_err err;
    assert_null(parse_bytes(*state, rows[0].yaml, strlen(rows[0].yaml), &err));
    assert_non_null(strstr(err.text, "/none.pw cannot be read (No such file or directory)"));
}

static void load_says_what_is_wrong_with_the_file_itself(void **state)
{
    struct rw_err err;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/r.yaml", (char *)*state);
    assert_null(rw_config_load(path, &err));
    assert_int_equal(err.code, RW_ENOTFOUND);
    assert_non_null(strstr(err.text, "cannot be read (No such file or directory)"));
    assert_null(rw_config_load(*state, &err));
    assert_non_null(strstr(err.text, "is not a file"));
    write_file(*state, "r.yaml", full);
    struct rw_config *config = rw_config_load(path, &err);
    assert_non_null(config);
    assert_string_equal(config->path, path);
    assert_string_equal(config->cameras[0].main.password, "p@ss:wörd");
    rw_config_free(config);
}

static const char secrets[] =
    "site: {id: a}\n"
    "mqtt:\n  host: h\n  username: u\n  password: hunter2\n"
    "cameras:\n"
    "- id: gate\n"
    "  main: {url: \"rtsp://u:hunter2@h/s\", keep: 1 GiB}\n"
    "  sub: {url: rtsp://h/s, username: u, password: hunter2, keep: 1 GiB}\n"
    "- id: two\n"
    "  main: {url: 'rtsp://h/s', username: u, password: \"hunter2\", keep: 1 GiB}\n";

/* Every one-byte mistake: left out, put twice, or another character. */
static void no_refusal_quotes_a_secret(void **state)
{
    static const char wrong[] = " :=\n\t,{}[]\"'#&*!%@x0";
    size_t size = sizeof secrets - 1;
    int refused = 0;
    char text[sizeof secrets];
    for (size_t at = 0; at < size; at++) {
        for (size_t k = 0; k < sizeof wrong; k++) {
            memcpy(text, secrets, size + 1);
            size_t used = size;
            if (wrong[k])
                text[at] = wrong[k];
            else
                memmove(text + at, text + at + 1, used-- - at);
            struct rw_err err;
            struct rw_config *config = parse_bytes(*state, text, used, &err);
            if (!config && strstr(err.text, "hunter"))
                fail_msg("%s\n%s", err.text, text);
            refused += !config;
            rw_config_free(config);
        }
    }
    assert_true(refused > 1000);
}

static void assert_rows_have_examples(const cyaml_schema_value_t *value)
{
    if (value->type == CYAML_SEQUENCE)
        assert_rows_have_examples(value->sequence.entry);
    if (value->type != CYAML_MAPPING)
        return;
    for (const cyaml_schema_field_t *row = value->mapping.fields; row->key; row++) {
        if (!rw_schema_example(row->key))
            fail_msg("no example for %s", row->key);
        assert_rows_have_examples(&row->value);
    }
}

static void every_key_has_an_example(void **state)
{
    (void)state;
    assert_rows_have_examples(&rw_schema);
    assert_null(rw_schema_example("colour"));
}

static void the_commented_example_is_accepted(void **state)
{
    char path[PATH_MAX];
    const char *here = __FILE__;
    const char *slash = strrchr(here, '/');
    assert_non_null(slash);
    snprintf(path, sizeof path, "%.*s/../../config/roadwatch.example.yaml", (int)(slash - here),
             here);
    struct rw_buf bytes = {0};
    struct rw_err err;
    assert_int_equal(rw_file_read(path, 1 << 20, &bytes, &err), 0);
    struct rw_config *config = parse(*state, (char *)bytes.data);
    assert_int_equal(config->camera_count, 2);
    assert_string_equal(config->cameras[1].main.password, "cho-secret");
    rw_config_free(config);
    rw_buf_finish(&bytes);
}

static void digest_of_camera(const char *dir, const char *yaml, const char *id, char out[65])
{
    struct rw_config *config = parse(dir, yaml);
    rw_config_camera_digest(config, rw_config_camera(config, id), out);
    rw_config_free(config);
}

static void camera_digest_changes_with_what_the_camera_needs(void **state)
{
    static const char two[] = "- id: two\n  main: {url: rtsp://h/2, keep: 1 GiB}\n";
    static const char *const others[] = {
        "site: {id: b}\ncameras: [{id: gate, main: {url: rtsp://h/s, keep: 1 GiB}}]\n",
        SITE "cameras: [{id: gate, main: {url: rtsp://h/t, keep: 1 GiB}}]\n",
        SITE "cameras: [{id: gate, main: {url: rtsp://h/s, keep: 2 GiB}}]\n",
        SITE "cameras: [{id: gate, main: {url: rtsp://u:p@h/s, keep: 1 GiB}}]\n",
        SITE "cameras: [{id: gate, main: {url: rtsp://u:q@h/s, keep: 1 GiB}}]\n",
        CAMERA("storage: {max_age: 30d}\n"),
        CAMERA("  detect: {sensitivity: 51}\n"),
        CAMERA("  detect: {min_duration: 1s}\n"),
        CAMERA("  detect: {lines: [{name: l, from: [0,0], to: [1,1]}]}\n"),
        CAMERA("  detect: {lines: [{name: k, from: [0,0], to: [1,1]}]}\n"),
        CAMERA("  detect: {lines: [{name: l, from: [1,1], to: [0,0]}]}\n"),
        CAMERA("  detect: {masks: [{polygon: [[0,0],[1,1],[0,1]]}]}\n"),
        CAMERA("  detect: {masks: [{polygon: [[0,0],[1,1],[0,1]], sensitivity: 50}]}\n"),
        CAMERA("  alert: {pre: 6s}\n"),
    };
    char base[65], other[65], seen[sizeof others / sizeof *others][65];
    digest_of_camera(*state, CAMERA(""), "gate", base);
    assert_int_equal(strspn(base, "0123456789abcdef"), 64);
    digest_of_camera(*state, "# shifted\n\n" CAMERA("mqtt: {host: h}\n"), "gate", other);
    assert_string_equal(base, other);
    char with_two[1024];
    snprintf(with_two, sizeof with_two, "%s%s", CAMERA(""), two);
    digest_of_camera(*state, with_two, "gate", other);
    assert_string_equal(base, other);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        digest_of_camera(*state, others[i], "gate", seen[i]);
        assert_string_not_equal(base, seen[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(seen[k], seen[i]);
    }
}

static void alerts_digest_changes_with_the_brokers_password(void **state)
{
    struct rw_config *a = parse(*state, CAMERA("mqtt: {host: h, username: u, password: p}\n"));
    struct rw_config *b = parse(*state, CAMERA("mqtt: {host: h, username: u, password: q}\n"));
    struct rw_config *c = parse(*state, CAMERA("mqtt: {host: h, username: u, password: p}\nweb: {}"
                                               "\n"));
    char da[65], db[65], dc[65];
    rw_config_alerts_digest(a, da);
    rw_config_alerts_digest(b, db);
    rw_config_alerts_digest(c, dc);
    assert_string_not_equal(da, db);
    assert_string_equal(da, dc);
    rw_config_free(a);
    rw_config_free(b);
    rw_config_free(c);
}

static void runtime_folder_is_systemds_or_in_the_storage(void **state)
{
    struct rw_config *config = parse(*state, CAMERA("storage: {path: data}\n"));
    char expected[PATH_MAX], dir[PATH_MAX];
    unsetenv("RUNTIME_DIRECTORY");
    rw_config_runtime_dir(config, dir, sizeof dir);
    snprintf(expected, sizeof expected, "%s/data/run", (char *)*state);
    assert_string_equal(dir, expected);
    setenv("RUNTIME_DIRECTORY", "/run/roadwatch:/run/other", 1);
    rw_config_runtime_dir(config, dir, sizeof dir);
    assert_string_equal(dir, "/run/roadwatch");
    unsetenv("RUNTIME_DIRECTORY");
    rw_config_free(config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_every_key_of_the_contract),
        TEST(takes_every_camera_key_of_the_contract),
        TEST(fills_in_what_is_not_written),
        TEST(chooses_the_brokers_port_by_tls),
        TEST(moves_a_login_out_of_the_url),
        TEST(refuses_an_unknown_key_with_its_line),
        TEST(takes_every_key_of_a_webhook),
        TEST(refuses_a_bad_webhook),
        TEST(alerts_digest_changes_with_a_webhook),
        TEST(refuses_a_wrong_type_with_its_line),
        TEST(refuses_what_is_missing),
        TEST(refuses_what_is_out_of_range),
        TEST(refuses_a_bad_camera),
        TEST(refuses_a_bad_zone),
        TEST(refuses_a_bad_mask),
        TEST(refuses_a_bad_line),
        TEST(takes_lines_zones_and_masks_up_to_their_limits),
        TEST(refuses_too_many_of_anything),
        TEST(refuses_what_is_not_plain_yaml),
        TEST(takes_what_windows_editors_write),
        TEST(names_the_password_file_that_cannot_be_read),
        TEST(load_says_what_is_wrong_with_the_file_itself),
        TEST(no_refusal_quotes_a_secret),
        TEST(every_key_has_an_example),
        TEST(the_commented_example_is_accepted),
        TEST(camera_digest_changes_with_what_the_camera_needs),
        TEST(alerts_digest_changes_with_the_brokers_password),
        TEST(runtime_folder_is_systemds_or_in_the_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
