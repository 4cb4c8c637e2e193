/* The table, and what became of it since last time. */
#include "accuracy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 16 };

void table_head(FILE *out)
{
    fprintf(out, "%-20s %6s %7s %5s %6s %7s %6s %6s %6s %6s %5s\n", "clip", "s", "found", "mispl",
            "false", "flagged", "median", "p95", "cover", "kinds", "wrong");
}

void table_line(FILE *out, const char *name, struct score *s)
{
    char found[32], kinds[32];
    double flagged = s->quiet_pictures ? (double)s->flagged / (double)s->quiet_pictures : 0;
    double covered = s->true_s > 0 ? s->covered_s / s->true_s : 0;
    snprintf(found, sizeof found, "%d/%d", s->hits, s->intervals);
    snprintf(kinds, sizeof kinds, "%d/%d", s->kinds_seen, s->kinds_expected);
    fprintf(out, "%-20s %6.0f %7s %5d %6d %6.2f%% %6.2f %6.2f %5.1f%% %6s %5d\n", name, s->seconds,
            found, s->misplaced, s->false_alarms, 100 * flagged, (double)score_delay(s, 0.5f),
            (double)score_delay(s, 0.95f), 100 * covered, kinds, s->kinds_false);
}

/* --- the table of last time --- */

/* The line of text that begins with the same word; NULL when there is none. */
static const char *same_clip(const char *text, const char *line)
{
    size_t word = strcspn(line, " \n") + 1;
    for (; *text; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] != 0))
        if (strncmp(text, line, word) == 0)
            return text;
    return NULL;
}

static void print_changes(const char *old, const char *now)
{
    for (const char *line = now; *line; line += strcspn(line, "\n") + 1) {
        int length = (int)strcspn(line, "\n");
        const char *was = same_clip(old, line);
        int old_length = was ? (int)strcspn(was, "\n") : 0;
        if (was && old_length == length && strncmp(was, line, (size_t)length) == 0)
            continue;
        if (was)
            printf("- %.*s\n", old_length, was);
        printf("+ %.*s\n", length, line);
    }
}

struct totals {
    int hits, intervals, misplaced, alarms, seen, expected, wrong;
};

static bool read_totals(const char *table, struct totals *t)
{
    const char *line = same_clip(table, "all ");
    return line &&
           sscanf(line, "all %*f %d/%d %d %d %*f%% %*f %*f %*f%% %d/%d %d", &t->hits, &t->intervals,
                  &t->misplaced, &t->alarms, &t->seen, &t->expected, &t->wrong) == 7;
}

/* The caller's; NULL when it cannot be read. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, TEXT_MAX);
    if (file && text)
        text[fread(text, 1, TEXT_MAX - 1, file)] = 0;
    else
        fprintf(stderr, "accuracy: %s: %s\n", path, strerror(errno));
    if (file)
        fclose(file);
    return text;
}

bool table_no_worse(const char *path, const char *table)
{
    struct totals was, is;
    char *old = read_text(path);
    bool known = old && read_totals(old, &was) && read_totals(table, &is);
    if (old)
        print_changes(old, table);
    free(old);
    if (!known || was.intervals != is.intervals || was.expected != is.expected) {
        printf("the clips are not those of %s: put this table there\n", path);
        return false;
    }
    bool worse =
        is.hits < was.hits || is.alarms > was.alarms || is.seen < was.seen || is.wrong > was.wrong;
    printf("%s than %s\n", worse ? "worse" : "no worse", path);
    return !worse;
}
