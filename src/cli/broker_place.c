#include "cli/broker_place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

enum { FILE_MAX = 1024 * 1024 };

int rw_broker_find(struct rw_broker_place *place, const struct rw_arguments *arguments)
{
    const char *dir = arguments->dir ? arguments->dir : "/etc/mosquitto";
    if (*dir != '/' || strlen(dir) >= sizeof place->dir || strpbrk(dir, " \t\r\n"))
        return rw_complain(2,
                           "--dir is a folder's whole path, beginning with / and without spaces");
    if (access(dir, F_OK))
        return rw_complain(1, "%s is not there; install mosquitto, or give its folder with --dir",
                           dir);
    strcpy(place->dir, dir);
    snprintf(place->folder, sizeof place->folder, "%s/roadwatch", dir);
    return 0;
}

const char *rw_broker_path(const struct rw_broker_place *place, const char *name,
                           char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s", place->folder, name);
    return out;
}

int rw_broker_load(const struct rw_broker_place *place, const char *name, struct rw_buf *out,
                   struct rw_err *err)
{
    char path[PATH_MAX];
    return rw_file_read(rw_broker_path(place, name, path), FILE_MAX, out, err);
}

const char *rw_broker_host(const struct rw_broker_place *place, char out[RW_HOSTS_SIZE])
{
    snprintf(out, RW_HOSTS_SIZE, "%.*s", (int)strcspn(place->hosts, ","), place->hosts);
    return out;
}

int rw_broker_read(struct rw_broker_place *place, struct rw_err *err)
{
    char path[PATH_MAX];
    if (access(rw_broker_path(place, "setup.json", path), F_OK))
        return rw_fail(err, RW_ENOTFOUND,
                       "%s is not there: no broker was set up; \"roadwatch broker setup\" does it",
                       path);
    json_error_t why;
    json_t *json = json_load_file(path, 0, &why);
    bool good = rw_json_copy_text(json, "prefix", place->prefix, sizeof place->prefix) &&
                rw_json_copy_text(json, "site", place->site, sizeof place->site) &&
                rw_json_copy_text(json, "hosts", place->hosts, sizeof place->hosts);
    place->port = (int)json_integer_value(json_object_get(json, "port"));
    place->websockets = (int)json_integer_value(json_object_get(json, "websockets"));
    json_decref(json);
    return good ? 0
                : rw_fail(err, RW_EFORMAT,
                          "%s cannot be understood; \"roadwatch broker setup --replace\" makes it "
                          "anew and keeps the logins",
                          path);
}

int rw_broker_keep(const struct rw_broker_place *place, struct rw_err *err)
{
    char path[PATH_MAX];
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:i, s:i}", "prefix", place->prefix, "site", place->site,
                  "hosts", place->hosts, "port", place->port, "websockets", place->websockets);
    char *text = json_dumps(json, JSON_INDENT(2));
    struct rw_buf buf = {0};
    rw_buf_printf(&buf, "%s\n", text);
    int status = rw_broker_write(rw_broker_path(place, "setup.json", path), &buf, RW_FOR_ALL, err);
    rw_buf_finish(&buf);
    free(text);
    json_decref(json);
    return status;
}

/* --- writing --- */

/* Whom the system does not know keeps the right to what is root's. */
static int hand_over(int fd, enum rw_readable who)
{
    const struct group *broker = who == RW_FOR_BROKER ? getgrnam("mosquitto") : NULL;
    const struct passwd *service = who == RW_FOR_SERVICE ? getpwnam("roadwatch") : NULL;
    if (broker && fchown(fd, (uid_t)-1, broker->gr_gid))
        return -1;
    if (service && fchown(fd, service->pw_uid, service->pw_gid))
        return -1;
    static const mode_t modes[] = {
        [RW_FOR_ALL] = 0644, [RW_FOR_BROKER] = 0640, [RW_FOR_SERVICE] = 0400, [RW_FOR_ROOT] = 0600};
    return fchmod(fd, modes[who]);
}

static int write_all(int fd, const struct rw_buf *text)
{
    for (size_t done = 0; done < text->size;) {
        ssize_t wrote = write(fd, text->data + done, text->size - done);
        if (wrote < 0)
            return -1;
        done += (size_t)wrote;
    }
    return fsync(fd);
}

/* The folder of a file, where mosquitto may look into it. */
static int make_folder(const char *path, struct rw_err *err)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    if (!*folder || !access(folder, F_OK))
        return 0;
    if (rw_make_path(folder, err))
        return -1;
    if (chmod(folder, 0755))
        return rw_fail(err, rw_code_of_errno(errno), "%s: %s", folder, strerror(errno));
    return 0;
}

int rw_broker_write(const char *path, const struct rw_buf *text, enum rw_readable who,
                    struct rw_err *err)
{
    char fresh[PATH_MAX + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    if (make_folder(path, err))
        return -1;
    unlink(fresh); /* of an attempt that was cut off */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && !hand_over(fd, who) && !write_all(fd, text) && !rename(fresh, path);
    if (!good)
        rw_fail(err, rw_code_of_errno(errno),
                "%s cannot be written (%s); nothing was changed there", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (!good)
        unlink(fresh);
    return good ? 0 : -1;
}
