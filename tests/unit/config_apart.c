/* A configuration that comes from a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "config/config.h"
#include "config/schema.h"

/* Everything that has memory of its own. */
static const char yaml[] =
    "site: {id: thon-dung, name: Thôn Dùng, location: [21.4, 105.39]}\n"
    "storage: {path: /srv/rw}\n"
    "web: {listen: \"127.0.0.1:8080\", cert_file: web.pem, key_file: web.key}\n"
    "mqtt: {host: h, username: u, password: broker-secret, ca_file: ca.pem, cert_file: c.pem,\n"
    "       key_file: k.pem, prefix: p}\n"
    "webhooks:\n"
    "- {id: a, type: multipart, url: \"https://h/url-secret\", token: hook-secret, ca_file: "
    "h.pem,\n"
    "   fields: [{name: f, value: v}, {name: g, value: w}], photo: p}\n"
    "- {id: b, type: telegram, token: bot-secret, chat_id: \"1\", text: \"{text}\"}\n"
    "cameras:\n"
    "- id: gate\n"
    "  name: Cổng\n"
    "  main: {url: \"rtsps://h/1\", username: u, password: gate-secret, ca_file: cam.pem,\n"
    "         keep: 1 GiB}\n"
    "  sub: {url: \"rtsp://h/2\", username: v, password: sub-secret, keep: 1 GiB}\n"
    "  detect:\n"
    "    zones: [{name: road, polygon: [[0,0.4],[1,0.4],[1,1]]}, {name: yard, polygon: "
    "[[0,0],[1,0],[1,1]]}]\n"
    "    masks: [{name: sky, polygon: [[0,0],[1,0],[1,0.2],[0,0.2]]}]\n"
    "    lines: [{name: l, from: [0,0], to: [1,1]}]\n"
    "    schedule: [{days: mon-sun, from: \"22:00\", to: \"05:00\"}]\n"
    "- {id: bare, main: {url: \"rtsp://w:bare-secret@h/3\", keep: 1 GiB}}\n";

static int make_file(void **state)
{
    static char path[] = "/tmp/rw-apart-XXXXXX";
    int fd = mkstemp(path);
    *state = path;
    return fd < 0 || write(fd, yaml, strlen(yaml)) != (ssize_t)strlen(yaml) || close(fd);
}

static int remove_file(void **state)
{
    return unlink(*state);
}

static struct rw_config *load(const struct rw_apart *apart)
{
    struct rw_err err = {0};
    struct rw_config *config = rw_config_load_apart(apart, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static void assert_same(const struct rw_config *a, const struct rw_config *b)
{
    char one[65], other[65];
    rw_config_alerts_digest(a, one);
    rw_config_alerts_digest(b, other);
    assert_string_equal(one, other);
    assert_int_equal(a->camera_count, b->camera_count);
    for (int i = 0; i < a->camera_count; i++) {
        rw_config_camera_digest(a, &a->cameras[i], one);
        rw_config_camera_digest(b, &b->cameras[i], other);
        assert_string_equal(one, other);
    }
    assert_string_equal(a->path, b->path);
    assert_string_equal(a->web.listen_host, b->web.listen_host);
    assert_string_equal(a->web.cert_file, b->web.cert_file);
    assert_string_equal(a->web.key_file, b->web.key_file);
}

static void it_says_what_the_file_says_but_the_secrets(void **state)
{
    static const struct rw_secrets kept[] = {{0}, {.camera = "gate"}, {.broker = true}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct rw_apart apart = {.path = *state, .text = -1, .kept = kept[i]};
        struct rw_config *config = load(&apart), *whole = rw_config_load(*state, NULL);
        assert_non_null(whole);
        bool gate = kept[i].camera != NULL;
        assert_string_equal(config->mqtt.password, kept[i].broker ? "broker-secret" : "");
        assert_string_equal(config->hooks[0].url, kept[i].broker ? "https://h/url-secret" : "");
        assert_string_equal(config->hooks[0].token, kept[i].broker ? "hook-secret" : "");
        assert_string_equal(config->hooks[1].token, kept[i].broker ? "bot-secret" : "");
        assert_string_equal(config->cameras[0].main.password, gate ? "gate-secret" : "");
        assert_string_equal(config->cameras[0].sub.password, gate ? "sub-secret" : "");
        assert_string_equal(config->cameras[1].main.password, "");
        assert_string_equal(config->mqtt.digest, "");
        rw_config_forget(whole, kept[i]);
        assert_same(config, whole);
        rw_config_free(config);
        rw_config_free(whole);
    }
}

static void digests_are_of_the_secrets_too(void **state)
{
    char digest[65];
    struct rw_apart apart = {.path = *state, .text = -1, .digests = true};
    struct rw_config *config = load(&apart), *whole = rw_config_load(*state, NULL);
    assert_non_null(whole);
    rw_config_alerts_digest(whole, digest);
    assert_string_equal(config->mqtt.digest, digest);
    for (int i = 0; i < 2; i++) {
        rw_config_camera_digest(whole, &whole->cameras[i], digest);
        assert_string_equal(config->cameras[i].digest, digest);
    }
    rw_config_free(config);
    rw_config_free(whole);
}

static void the_text_outlives_the_file(void **state)
{
    struct rw_err err = {0};
    int fd = memfd_create("text", MFD_CLOEXEC);
    struct rw_apart apart = {.path = *state, .text = fd, .fill = true};
    rw_config_free(load(&apart));
    assert_int_equal(lseek(fd, 0, SEEK_END), strlen(yaml));
    struct rw_apart again = {.path = "/nowhere/at.all", .text = fd, .kept.camera = "bare"};
    struct rw_config *config = load(&again);
    assert_string_equal(config->cameras[1].main.password, "bare-secret");
    assert_string_equal(config->path, "/nowhere/at.all");
    rw_config_free(config);
    again.text = -1;
    assert_null(rw_config_load_apart(&again, &err));
    assert_non_null(strstr(err.text, "/nowhere/at.all"));
    close(fd);
}

static void a_wrong_file_is_refused_in_the_same_words(void **state)
{
    static const char wrong[] = "site: {id: a}\ncameras: 7\n";
    struct rw_err err = {0}, same = {0};
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_int_equal(write(fd, wrong, strlen(wrong)), strlen(wrong));
    struct rw_apart apart = {.path = *state, .text = fd};
    assert_null(rw_config_load_apart(&apart, &err));
    assert_null(rw_config_parse(*state, wrong, strlen(wrong), &same));
    assert_int_equal(err.code, same.code);
    assert_string_equal(err.text, same.text);
    close(fd);
}

static void add_camera(struct rw_buf *text, int number)
{
    rw_buf_printf(text,
                  "- id: c%d\n  main: {url: \"rtsps://u:p%d@h/1\", ca_file: ca.pem, keep: 1 GiB}\n"
                  "  sub: {url: \"rtsps://h/2\", keep: 1 GiB}\n  detect:\n    zones:\n",
                  number, number);
    for (int i = 0; i < RW_CONFIG_ZONES_MAX; i++)
        rw_buf_printf(text, "    - {name: z%d, polygon: [[0,0],[1,0],[1,1],[0,1]]}\n", i);
}

static void two_hundred_and_fifty_six_cameras_come_over(void **state)
{
    struct rw_err err = {0};
    struct rw_buf text = {0};
    (void)state;
    rw_buf_printf(&text, "site: {id: a}\ncameras:\n");
    for (int i = 0; i < RW_CAMERAS_MAX; i++)
        add_camera(&text, i);
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_int_equal(write(fd, text.data, text.size), text.size);
    struct rw_apart apart = {.path = "many.yaml", .text = fd};
    struct rw_config *config = load(&apart);
    struct rw_config *whole = rw_config_parse("many.yaml", text.data, text.size, &err);
    assert_non_null(whole);
    rw_config_forget(whole, apart.kept);
    assert_same(config, whole);
    rw_config_free(config);
    rw_config_free(whole);
    rw_buf_finish(&text);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_the_file_says_but_the_secrets),
        cmocka_unit_test(digests_are_of_the_secrets_too),
        cmocka_unit_test(the_text_outlives_the_file),
        cmocka_unit_test(a_wrong_file_is_refused_in_the_same_words),
        cmocka_unit_test(two_hundred_and_fifty_six_cameras_come_over),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
