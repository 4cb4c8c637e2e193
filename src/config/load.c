#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/check.h"

static int check_all(const struct rw_reading *reading, const struct rw_node *root,
                     const struct rw_raw *raw, struct rw_config *out)
{
    if (rw_check_site(reading, rw_node_get(root, "site"), &raw->site, out) ||
        rw_check_storage(reading, rw_node_get(root, "storage"), &raw->storage, out) ||
        rw_check_mqtt(reading, rw_node_get(root, "mqtt"), raw->mqtt, &out->mqtt) ||
        rw_check_escalation(reading, rw_node_get(root, "escalation"), raw->escalation,
                            &out->escalation) ||
        rw_check_web(reading, rw_node_get(root, "web"), raw->web, &out->web) ||
        rw_check_hooks(reading, rw_node_get(root, "webhooks"), raw, out))
        return -1;
    return rw_check_cameras(reading, rw_node_get(root, "cameras"), raw, out);
}

/* Refuses what is no UTF-8 text; steps over the mark that some editors put first. */
static int check_bytes(const struct rw_reading *reading, const uint8_t **bytes, size_t *size)
{
    if (*size > RW_CONFIG_FILE_MAX)
        return rw_fail_on_line(reading, 1,
                               "the file is larger than 1 MiB; that is no "
                               "configuration");
    if (*size >= 2 && (!memcmp(*bytes, "\xff\xfe", 2) || !memcmp(*bytes, "\xfe\xff", 2)))
        return rw_fail_on_line(reading, 1, "the file is UTF-16; save it as UTF-8");
    if (*size >= 3 && !memcmp(*bytes, "\xef\xbb\xbf", 3)) {
        *bytes += 3;
        *size -= 3;
    }
    return 0;
}

struct rw_config *rw_config_parse(const char *path, const void *bytes, size_t size,
                                  struct rw_err *err)
{
    struct rw_reading reading = {path, err};
    struct rw_node *root = NULL;
    struct rw_raw *raw = NULL;
    struct rw_config *config = NULL;
    int status = -1;
    const uint8_t *text = bytes;
    if (check_bytes(&reading, &text, &size))
        goto out;
    root = rw_tree_parse(&reading, text, size);
    if (!root || rw_strict_check(&reading, root))
        goto out;
    raw = rw_raw_load(&reading, text, size);
    if (!raw)
        goto out;
    config = calloc(1, sizeof *config);
    if (!config)
        abort();
    config->path = rw_text_copy(path);
    status = check_all(&reading, root, raw, config);
out:
    rw_raw_free(raw);
    rw_tree_free(root);
    if (status) {
        rw_config_free(config);
        return NULL;
    }
    return config;
}

int rw_config_read(const char *path, struct rw_buf *text, struct rw_err *err)
{
    struct stat st;
    if (stat(path, &st))
        return rw_fail(err, rw_code_of_errno(errno),
                       "the configuration %s cannot be read (%s); name another with -c", path,
                       strerror(errno));
    if (!S_ISREG(st.st_mode))
        return rw_fail(err, RW_EINVAL,
                       "the configuration %s is not a file; name the YAML file itself with -c",
                       path);
    return rw_file_read(path, RW_CONFIG_FILE_MAX, text, err);
}

struct rw_config *rw_config_load(const char *path, struct rw_err *err)
{
    struct rw_config *config = NULL;
    struct rw_buf bytes = {0};
    if (!rw_config_read(path, &bytes, err))
        config = rw_config_parse(path, bytes.data, bytes.size, err);
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.capacity);
    rw_buf_finish(&bytes);
    return config;
}

static void free_stream(struct rw_stream_config *stream)
{
    free(stream->url);
    free(stream->username);
    rw_text_wipe(&stream->password);
    free(stream->ca_file);
}

static void free_zones(struct rw_zone_config *zones, int count)
{
    for (int i = 0; zones && i < count; i++) {
        free(zones[i].name);
        free(zones[i].polygon);
    }
    free(zones);
}

static void free_lines(struct rw_line_config *lines, int count)
{
    for (int i = 0; lines && i < count; i++)
        free(lines[i].name);
    free(lines);
}

static void free_camera(struct rw_camera_config *camera)
{
    free(camera->id);
    free(camera->name);
    free_stream(&camera->main);
    free_stream(&camera->sub);
    free_zones(camera->detect.zones, camera->detect.zone_count);
    free_zones(camera->detect.masks, camera->detect.mask_count);
    free_lines(camera->detect.lines, camera->detect.line_count);
    free(camera->detect.schedule);
}

static void free_mqtt(struct rw_mqtt_config *mqtt)
{
    free(mqtt->host);
    free(mqtt->username);
    rw_text_wipe(&mqtt->password);
    free(mqtt->ca_file);
    free(mqtt->cert_file);
    free(mqtt->key_file);
    free(mqtt->prefix);
}

static void free_hook(struct rw_hook_config *hook)
{
    for (int i = 0; hook->fields && i < hook->field_count; i++) {
        free(hook->fields[i].name);
        free(hook->fields[i].value);
    }
    free(hook->fields);
    free(hook->id);
    rw_text_wipe(&hook->url);
    rw_text_wipe(&hook->token);
    free(hook->host);
    free(hook->ca_file);
    free(hook->chat_id);
    free(hook->text);
    free(hook->photo);
}

void rw_config_free(struct rw_config *config)
{
    if (!config)
        return;
    for (int i = 0; i < config->camera_count; i++)
        free_camera(&config->cameras[i]);
    free(config->cameras);
    free_mqtt(&config->mqtt);
    for (int i = 0; i < config->escalation.count; i++)
        free(config->escalation.to[i]);
    free(config->escalation.to);
    for (int i = 0; config->hooks && i < config->hook_count; i++)
        free_hook(&config->hooks[i]);
    free(config->hooks);
    free(config->web.listen_host);
    free(config->web.cert_file);
    free(config->web.key_file);
    free(config->site.id);
    free(config->site.name);
    free(config->storage.path);
    free(config->path);
    free(config);
}

static void empty_secret(char *secret)
{
    explicit_bzero(secret, strlen(secret));
}

void rw_config_forget(struct rw_config *config, struct rw_secrets kept)
{
    if (!kept.broker)
        empty_secret(config->mqtt.password);
    for (int i = 0; !kept.broker && i < config->hook_count; i++) {
        empty_secret(config->hooks[i].url);
        empty_secret(config->hooks[i].token);
    }
    for (int i = 0; i < config->camera_count; i++) {
        if (kept.camera && !strcmp(config->cameras[i].id, kept.camera))
            continue;
        empty_secret(config->cameras[i].main.password);
        empty_secret(config->cameras[i].sub.password);
    }
}

const struct rw_camera_config *rw_config_camera(const struct rw_config *config, const char *id)
{
    for (int i = 0; i < config->camera_count; i++)
        if (!strcmp(config->cameras[i].id, id))
            return &config->cameras[i];
    return NULL;
}

int rw_config_slots(const struct rw_config *config, const struct rw_stream_config *stream)
{
    return (int)(stream->keep_bytes / config->storage.slot_size);
}

void rw_config_runtime_dir(const struct rw_config *config, char *out, size_t size)
{
    const char *given = getenv("RUNTIME_DIRECTORY");
    if (given && *given)
        snprintf(out, size, "%.*s", (int)strcspn(given, ":"), given); /* systemd may list several */
    else
        snprintf(out, size, "%s/run", config->storage.path);
}

void rw_config_door(const struct rw_config *config, const char *camera, char *out, size_t size)
{
    char runtime[PATH_MAX];
    rw_config_runtime_dir(config, runtime, sizeof runtime);
    snprintf(out, size, "%s/%s.sock", runtime, camera);
}
