#include "config/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

static int check_bounds(const struct rw_reading *reading, const struct rw_node *node,
                        struct rw_bounds bounds, int64_t value)
{
    char shown[48];
    if (value >= bounds.min && value <= bounds.max)
        return 0;
    return rw_fail_at(reading, node, "must be %s, not %s", bounds.words,
                      rw_node_shown(node, shown));
}

static const char *section_of(const struct rw_node *node)
{
    return node && node->key ? node->key : "";
}

int rw_check_size(const struct rw_reading *reading, const struct rw_node *node, const char *key,
                  const char *words, struct rw_bounds bounds, int64_t *out)
{
    if (!words)
        return 0;
    const struct rw_node *at = rw_node_get(node, key);
    char shown[48];
    if (rw_parse_size(words, out, NULL))
        return rw_fail_at(reading, at, "must be a size such as %s, not \"%s\"",
                          rw_schema_example_in(section_of(node), key), rw_node_shown(at, shown));
    return check_bounds(reading, at, bounds, *out);
}

int rw_check_duration(const struct rw_reading *reading, const struct rw_node *node, const char *key,
                      const char *words, struct rw_bounds bounds, int64_t *out)
{
    if (!words)
        return 0;
    const struct rw_node *at = rw_node_get(node, key);
    char shown[48];
    if (rw_parse_duration(words, out, NULL))
        return rw_fail_at(reading, at, "must be a duration such as %s, not \"%s\"",
                          rw_schema_example_in(section_of(node), key), rw_node_shown(at, shown));
    return check_bounds(reading, at, bounds, *out);
}

int rw_check_int(const struct rw_reading *reading, const struct rw_node *node, const char *key,
                 const int *value, int min, int max, int *out)
{
    if (!value)
        return 0;
    *out = *value;
    if (*value >= min && *value <= max)
        return 0;
    return rw_fail_at(reading, rw_node_get(node, key), "must be %d to %d, not %d", min, max,
                      *value);
}

int rw_check_id(const struct rw_reading *reading, const struct rw_node *node, const char *id)
{
    if (rw_id_valid(id))
        return 0;
    return rw_fail_at(reading, rw_node_get(node, "id"),
                      "must be 1 to 32 small letters a-z, digits and hyphens, for example "
                      "cong-lang; the name may be written freely");
}

int rw_check_site(const struct rw_reading *reading, const struct rw_node *node,
                  const struct rw_raw_site *raw, struct rw_config *out)
{
    if (rw_check_id(reading, node, raw->id))
        return -1;
    out->site.id = rw_text_copy(raw->id);
    out->site.name = rw_text_copy(raw->name ? raw->name : raw->id);
    out->site.vietnamese = !raw->english;
    if (!raw->location)
        return 0;
    out->site.located = true;
    out->site.place = (struct rw_place){raw->location[0], raw->location[1]};
    if (raw->location[0] < -90 || raw->location[0] > 90 || raw->location[1] < -180 ||
        raw->location[1] > 180)
        return rw_fail_at(reading, rw_node_get(node, "location"),
                          "must be latitude (-90 to 90), then longitude (-180 to 180), for "
                          "example [21.40, 105.39]");
    return 0;
}

int rw_check_storage(const struct rw_reading *reading, const struct rw_node *node,
                     const struct rw_raw_storage *raw, struct rw_config *out)
{
    static const struct rw_bounds slot = {1 << 20, 1 << 30, "1 MiB to 1 GiB"};
    static const struct rw_bounds sync = {250000, 60 * RW_SECOND_US, "250ms to 60s"};
    static const struct rw_bounds age = {RW_SECOND_US, INT64_C(36500) * 86400 * RW_SECOND_US,
                                         "1s to 36500d"};
    static const struct rw_bounds scrub = {0, INT64_C(365) * 86400 * RW_SECOND_US,
                                           "0 (never) or up to 365d"};
    out->storage.path = rw_text_beside(reading, raw->path ? raw->path : "/var/lib/roadwatch");
    out->storage.slot_size = 64 << 20;
    out->storage.sync_us = 2 * RW_SECOND_US;
    out->storage.scrub_us = INT64_C(7) * 86400 * RW_SECOND_US;
    if (rw_check_size(reading, node, "slot_size", raw->slot_size, slot, &out->storage.slot_size))
        return -1;
    if (rw_check_duration(reading, node, "sync", raw->sync, sync, &out->storage.sync_us))
        return -1;
    if (rw_check_duration(reading, node, "scrub", raw->scrub, scrub, &out->storage.scrub_us))
        return -1;
    return rw_check_duration(reading, node, "max_age", raw->max_age, age, &out->storage.max_age_us);
}

char *rw_path_beside(const struct rw_reading *reading, const char *path)
{
    return path ? rw_text_beside(reading, path) : rw_text_copy("");
}

/* A certificate and its key come together. */
static int check_pair(const struct rw_reading *reading, const struct rw_node *node,
                      const char *cert, const char *key)
{
    if (cert && !key)
        return rw_fail_at(reading, rw_node_get(node, "cert_file"),
                          "needs key_file beside it, the certificate's private key");
    if (key && !cert)
        return rw_fail_at(reading, rw_node_get(node, "key_file"),
                          "needs cert_file beside it, the certificate of that key");
    return 0;
}

static int check_prefix(const struct rw_reading *reading, const struct rw_node *node,
                        const char *prefix)
{
    size_t size = strlen(prefix);
    bool plain = true;
    for (size_t i = 0; i < size; i++)
        plain = plain && (isalnum((unsigned char)prefix[i]) || strchr("-_/", prefix[i]));
    if (plain && prefix[0] != '/' && prefix[size - 1] != '/' && !strstr(prefix, "//"))
        return 0;
    return rw_fail_at(reading, rw_node_get(node, "prefix"),
                      "must be letters, digits, - and _, with / only between them, for example "
                      "roadwatch");
}

static bool host_valid(const char *host)
{
    return *host && !strpbrk(host, " /@\\\"'");
}

int rw_check_mqtt(const struct rw_reading *reading, const struct rw_node *node,
                  const struct rw_raw_mqtt *raw, struct rw_mqtt_config *out)
{
    static const struct rw_raw_mqtt absent = {.prefix = NULL};
    out->enabled = raw != NULL;
    raw = raw ? raw : &absent;
    out->host = rw_text_copy(raw->host);
    out->port = raw->ca_file ? 8883 : 1883;
    out->username = rw_text_copy("");
    out->password = rw_text_copy("");
    out->ca_file = rw_path_beside(reading, raw->ca_file);
    out->cert_file = rw_path_beside(reading, raw->cert_file);
    out->key_file = rw_path_beside(reading, raw->key_file);
    out->prefix = rw_text_copy(raw->prefix ? raw->prefix : "roadwatch");
    out->home_assistant = raw->home_assistant;
    if (!out->enabled)
        return 0;
    if (!host_valid(out->host))
        return rw_fail_at(reading, rw_node_get(node, "host"),
                          "must be a host name or an address alone, for example localhost");
    if (rw_check_int(reading, node, "port", raw->port, 1, 65535, &out->port) ||
        check_prefix(reading, node, out->prefix) ||
        check_pair(reading, node, raw->cert_file, raw->key_file))
        return -1;
    if (raw->cert_file && !raw->ca_file)
        return rw_fail_at(reading, rw_node_get(node, "cert_file"),
                          "needs ca_file beside it, which turns TLS on");
    return rw_check_login(reading, node, &raw->login, &out->username, &out->password);
}

int rw_parse_host_port(const char *words, char **host, int *port)
{
    const char *colon = strrchr(words, ':');
    if (!colon || colon == words)
        return -1;
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits < 1 || digits > 5 || colon[1 + digits])
        return -1;
    *port = atoi(colon + 1);
    const char *from = words, *end = colon;
    bool bracketed = *from == '[' && end[-1] == ']';
    if (bracketed) {
        from++;
        end--;
    }
    size_t size = (size_t)(end - from);
    bool named = strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789.-_") >= size;
    bool v6 = strspn(from, "0123456789abcdefABCDEF:.") >= size;
    if (!size || !(bracketed ? v6 : named) || *port < 1 || *port > 65535)
        return -1;
    *host = strndup(from, size);
    if (!*host)
        abort();
    return 0;
}

int rw_check_web(const struct rw_reading *reading, const struct rw_node *node,
                 const struct rw_raw_web *raw, struct rw_web_config *out)
{
    static const struct rw_raw_web absent = {.listen = NULL};
    out->enabled = raw != NULL;
    raw = raw ? raw : &absent;
    out->cert_file = rw_path_beside(reading, raw->cert_file);
    out->key_file = rw_path_beside(reading, raw->key_file);
    if (rw_parse_host_port(raw->listen ? raw->listen : "0.0.0.0:8080", &out->listen_host,
                           &out->listen_port))
        return rw_fail_at(reading, rw_node_get(node, "listen"),
                          "must be an address, a colon and a port of 1 to 65535, for example "
                          "0.0.0.0:8080");
    return check_pair(reading, node, raw->cert_file, raw->key_file);
}

int rw_check_escalation(const struct rw_reading *reading, const struct rw_node *node,
                        const struct rw_raw_escalation *raw, struct rw_escalation_config *out)
{
    static const struct rw_bounds pause = {5 * RW_SECOND_US, 86400 * RW_SECOND_US, "5s to 24h"};
    if (!raw)
        return 0;
    out->to = calloc(raw->to_count, sizeof *out->to);
    if (!out->to)
        abort();
    for (unsigned i = 0; i < raw->to_count; i++)
        out->to[out->count++] = rw_text_copy(raw->to[i]);
    out->after_us = 180 * RW_SECOND_US;
    return rw_check_duration(reading, node, "after", raw->after, pause, &out->after_us);
}
