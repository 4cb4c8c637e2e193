/* A hold's file: who, why, when. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store/parts.h"

enum { FILE_MAX = 65536 };

static void folder_path(const char *dir, char *out, size_t size)
{
    snprintf(out, size, "%s/holds", dir);
}

int rw_hold_write(const struct rw_disk *disk, const char *dir, const struct rw_hold *hold,
                  struct rw_err *err)
{
    char folder[600], path[700];
    folder_path(dir, folder, sizeof folder);
    if (rw_disk_make_path(disk, folder, err))
        return -1;
    json_t *json = json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:{s:i, s:i}}",
                             "format", 1, "id", hold->id, "from", (json_int_t)hold->from_us, "to",
                             (json_int_t)hold->to_us, "created", (json_int_t)hold->created_us,
                             "released", (json_int_t)hold->released_us, "by", hold->by,
                             "released_by", hold->released_by, "reason", hold->reason, "slots",
                             "main", hold->slots[RW_MAIN], "sub", hold->slots[RW_SUB]);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    json_decref(json);
    if (!text)
        return rw_fail(err, RW_EINVAL, "the reason or the name of the hold is not UTF-8");
    snprintf(path, sizeof path, "%s/%s.json", folder, hold->id);
    int failed = rw_disk_replace_file(disk, path, text, strlen(text), true, err);
    free(text);
    return failed;
}

int rw_holds_sync(const struct rw_disk *disk, const char *dir, struct rw_err *err)
{
    char folder[600];
    folder_path(dir, folder, sizeof folder);
    if (!disk->exists(disk->self, folder) || !disk->sync_dir(disk->self, folder))
        return 0;
    return rw_fail(err, rw_code_of_errno(errno), "the disk refused syncing %s (%s)", folder,
                   strerror(errno));
}

static bool parse_hold(const struct rw_buf *text, struct rw_hold *out)
{
    json_t *json = json_loadb((const char *)text->data, text->size, 0, NULL);
    const json_t *slots = json_object_get(json, "slots");
    *out = (struct rw_hold){.from_us = json_integer_value(json_object_get(json, "from")),
                            .to_us = json_integer_value(json_object_get(json, "to")),
                            .created_us = json_integer_value(json_object_get(json, "created")),
                            .released_us = json_integer_value(json_object_get(json, "released")),
                            .slots = {(int)json_integer_value(json_object_get(slots, "main")),
                                      (int)json_integer_value(json_object_get(slots, "sub"))}};
    bool good = rw_json_copy_text(json, "id", out->id, sizeof out->id) &&
                rw_json_copy_text(json, "by", out->by, sizeof out->by) &&
                rw_json_copy_text(json, "released_by", out->released_by, sizeof out->released_by) &&
                rw_json_copy_text(json, "reason", out->reason, sizeof out->reason) &&
                out->from_us < out->to_us && *out->id;
    json_decref(json);
    return good;
}

struct name_list {
    char (*names)[RW_ULID_SIZE + 5]; /* owned */
    int count;
};

static void take_name(void *arg, const char *name)
{
    struct name_list *list = arg;
    if (strlen(name) != RW_ULID_SIZE - 1 + 5 || strcmp(name + RW_ULID_SIZE - 1, ".json") != 0)
        return;
    list->names = realloc(list->names, (size_t)(list->count + 1) * sizeof *list->names);
    if (!list->names)
        abort();
    strcpy(list->names[list->count++], name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

int rw_holds_each(const struct rw_disk *disk, const char *dir,
                  int (*fn)(void *arg, const struct rw_hold *hold), void *arg, struct rw_err *err)
{
    char folder[600], path[700];
    struct name_list list = {0};
    struct rw_buf text = {0};
    folder_path(dir, folder, sizeof folder);
    int failed = 0, stop = 0;
    if (disk->list(disk->self, folder, take_name, &list) && errno != ENOENT)
        failed = rw_fail(err, rw_code_of_errno(errno), "%s cannot be read (%s)", folder,
                         strerror(errno));
    if (list.count)
        qsort(list.names, (size_t)list.count, sizeof *list.names, by_name);
    for (int i = 0; i < list.count && !failed && !stop; i++) {
        struct rw_hold hold;
        snprintf(path, sizeof path, "%s/%s", folder, list.names[i]);
        failed = rw_disk_read_file(disk, path, FILE_MAX, &text, err);
        if (!failed && !parse_hold(&text, &hold))
            failed =
                rw_fail(err, RW_EFORMAT, "%s is damaged; see what it says, then remove it", path);
        if (!failed)
            stop = fn(arg, &hold);
    }
    rw_buf_finish(&text);
    free(list.names);
    return failed;
}
