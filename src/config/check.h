/* From the file's words to what the program works with, and the checks that a row cannot say. Each
 * takes the section's node for lines (NULL: the section is absent), fills *out, and fails with the
 * sentence in reading->err; what was filled until then is rw_config_free()'s. */
#pragma once

#include "config/config.h"
#include "config/schema.h"

enum { RW_CONFIG_FILE_MAX = 1 << 20 };
/* The text of a file that can be one. */
int rw_config_read(const char *path, struct rw_buf *text, struct rw_err *err);

int rw_check_site(const struct rw_reading *reading, const struct rw_node *node,
                  const struct rw_raw_site *raw, struct rw_config *out);
int rw_check_storage(const struct rw_reading *reading, const struct rw_node *node,
                     const struct rw_raw_storage *raw, struct rw_config *out);
int rw_check_mqtt(const struct rw_reading *reading, const struct rw_node *node,
                  const struct rw_raw_mqtt *raw, struct rw_mqtt_config *out);
/* A file's path, resolved against the configuration's folder, the caller's; "" for NULL. */
char *rw_path_beside(const struct rw_reading *reading, const char *path);
int rw_check_escalation(const struct rw_reading *reading, const struct rw_node *node,
                        const struct rw_raw_escalation *raw, struct rw_escalation_config *out);
int rw_check_web(const struct rw_reading *reading, const struct rw_node *node,
                 const struct rw_raw_web *raw, struct rw_web_config *out);
int rw_check_hooks(const struct rw_reading *reading, const struct rw_node *node,
                   const struct rw_raw *raw, struct rw_config *out);
int rw_check_cameras(const struct rw_reading *reading, const struct rw_node *node,
                     const struct rw_raw *raw, struct rw_config *out);
/* out->located and out->place are set already. */
int rw_check_detect(const struct rw_reading *reading, const struct rw_node *node,
                    const struct rw_raw_detect *raw, bool has_sub, struct rw_detect_config *out);
/* "mon-fri" or "mon,wed,sat-sun" and two times, of day or of the sun. located: the place is known.
 */
int rw_check_schedule(const struct rw_reading *reading, const struct rw_node *node,
                      const struct rw_raw_schedule *raw, bool located,
                      struct rw_schedule_config *out);

/* Takes a login out of the URL. *url: the rest; user name and password are "" where there are
 * none. All three are set in every case and the caller's. */
int rw_check_url(const struct rw_reading *reading, const struct rw_node *url_node,
                 const char *words, char **url, char **username, char **password);
/* Reads a section's user name and password, the latter perhaps from its file, over what *username
 * and *password hold already. */
int rw_check_login(const struct rw_reading *reading, const struct rw_node *node,
                   const struct rw_raw_login *raw, char **username, char **password);

/* The first line of the file, without its end, into *out. what: "the password". */
int rw_check_secret(const struct rw_reading *reading, const struct rw_node *node, const char *file,
                    const char *what, size_t max, char **out);

/* "host:port", "[::1]:8080". *host is the caller's. 0, or -1 without a sentence. */
int rw_parse_host_port(const char *words, char **host, int *port);

/* A word with a unit, within bounds; bounds is how a person writes them. Absent words (NULL) leave
 * *out alone. node: the section. */
struct rw_bounds {
    int64_t min, max;
    const char *words; /* "1 MiB to 1 GiB" */
};
int rw_check_size(const struct rw_reading *reading, const struct rw_node *node, const char *key,
                  const char *words, struct rw_bounds bounds, int64_t *out);
int rw_check_duration(const struct rw_reading *reading, const struct rw_node *node, const char *key,
                      const char *words, struct rw_bounds bounds, int64_t *out);
int rw_check_int(const struct rw_reading *reading, const struct rw_node *node, const char *key,
                 const int *value, int min, int max, int *out);
int rw_check_id(const struct rw_reading *reading, const struct rw_node *node, const char *id);
