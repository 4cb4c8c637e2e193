#include "store/fsck.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/cli.h"

struct speaker {
    const char *camera;
    json_t *problems; /* NULL: print */
};

static void say(void *arg, const char *sentence)
{
    const struct speaker *speaker = arg;
    if (speaker->problems)
        json_array_append_new(speaker->problems, json_string(sentence));
    else
        printf("%s: %s\n", speaker->camera, sentence);
}

static void print_report(const struct rw_arguments *arguments, const char *camera,
                         const struct rw_fsck_report *report, json_t *problems)
{
    char size[RW_TIME_SIZE];
    if (!arguments->json) {
        if (report->damaged)
            printf("%s: %d records are damaged, known and marked\n", camera, report->damaged);
        printf("%s: %d slots, %d records, %d events, %s hashed: %s%s\n", camera, report->slots,
               report->records, report->events, rw_format_size(report->bytes, size),
               report->problems ? "PROBLEMS" : "clean", report->rebuilt ? ", index rebuilt" : "");
        return;
    }
    json_t *json =
        json_pack("{s:s, s:b, s:i, s:i, s:i, s:i, s:I, s:b, s:O}", "camera", camera, "ok",
                  report->problems == 0, "damaged", report->damaged, "slots", report->slots,
                  "records", report->records, "events", report->events, "bytes",
                  (json_int_t)report->bytes, "rebuilt", (int)report->rebuilt, "problems", problems);
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

static int check_camera(const struct rw_arguments *arguments, const struct rw_config *config,
                        const char *camera)
{
    char dir[PATH_MAX];
    struct rw_err err;
    struct rw_fsck_report report;
    struct speaker speaker = {camera, arguments->json ? json_array() : NULL};
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, camera);
    if (access(dir, F_OK)) {
        if (!arguments->json)
            printf("%s: nothing has been recorded yet\n", camera);
        json_decref(speaker.problems);
        return 0;
    }
    int status = rw_fsck(dir, rw_disk_system(), arguments->rebuild, say, &speaker, &report, &err)
                     ? rw_complain(1, "%s: %s", camera, err.text)
                     : 0;
    if (!status) {
        print_report(arguments, camera, &report, speaker.problems);
        status = report.problems ? 1 : 0;
    }
    json_decref(speaker.problems);
    return status;
}

int rw_command_fsck(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    const struct rw_camera_config **list = calloc((size_t)config->camera_count, sizeof *list);
    int count = list ? rw_arguments_cameras(arguments, config, list) : -1;
    int status = count < 0;
    for (int i = 0; i < count; i++)
        status |= check_camera(arguments, config, list[i]->id);
    free(list);
    rw_config_free(config);
    return status;
}
