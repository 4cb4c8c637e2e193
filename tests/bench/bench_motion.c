/* What watching costs: nanoseconds per pixel of each stage, beside memcpy and a plain difference of
 * two pictures, with the detector compiled in every way that this processor can run (scalar, SSE2,
 * AVX2, AVX-512, and the product, which chooses). The ways take turns, and what is printed is each
 * one's quietest turn. Asserts nothing.
 *
 *   bench_motion [pictures a turn] [turns] */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAGES_MAX = 16, NAME_SIZE = 40 };

static const char *const paths[] = {"scalar", "sse2", "avx2", "avx512", "native", "product"};
enum { PATHS = sizeof paths / sizeof *paths };

struct table {
    int stages;
    char name[STAGES_MAX][NAME_SIZE];
    double mean[STAGES_MAX][PATHS], best[STAGES_MAX][PATHS]; /* 0: not measured */
};

static void keep_least(double *kept, double value)
{
    *kept = *kept == 0 || value < *kept ? value : *kept;
}

static int find_stage(struct table *table, const char *name)
{
    for (int i = 0; i < table->stages; i++)
        if (!strcmp(table->name[i], name))
            return i;
    if (table->stages == STAGES_MAX)
        abort();
    snprintf(table->name[table->stages], NAME_SIZE, "%s", name);
    return table->stages++;
}

static void run(struct table *table, const char *folder, int path, int width, int height,
                int pictures)
{
    char command[PATH_MAX + 200], line[200], name[NAME_SIZE];
    double mean, best;
    snprintf(command, sizeof command, "'%s/motion_stages_%s'", folder, paths[path]);
    command[strlen(command) - 1] = 0;
    if (access(command + 1, X_OK)) /* not built for this processor */
        return;
    snprintf(command, sizeof command, "'%s/motion_stages_%s' %d %d %d 2>&-", folder, paths[path],
             width, height, pictures);
    FILE *pipe = popen(command, "r");
    while (pipe && fgets(line, sizeof line, pipe)) {
        if (sscanf(line, "%lf %lf %39[^\n]", &mean, &best, name) != 3)
            continue;
        int stage = find_stage(table, name);
        keep_least(&table->mean[stage][path], mean);
        keep_least(&table->best[stage][path], best);
    }
    if (pipe)
        pclose(pipe);
}

static void print(const struct table *table, int width, int height)
{
    printf("%dx%d, ns/pixel%*s", width, height,
           (int)(8 - snprintf(NULL, 0, "%dx%d", width, height)), "");
    for (int path = 0; path < PATHS; path++)
        if (table->best[0][path] > 0)
            printf("%9s", paths[path]);
    for (int stage = 0; stage < table->stages; stage++) {
        printf("\n%-18s", table->name[stage]);
        for (int path = 0; path < PATHS; path++)
            if (table->mean[stage][path] > 0)
                printf("%9.4f", table->mean[stage][path]);
            else if (table->best[stage][path] > 0)
                printf("%9.0f", table->best[stage][path]);
    }
    printf("\n\n");
}

int main(int argc, char **argv)
{
    static const int sizes[][2] = {{640, 360}, {1920, 1080}};
    int pictures = argc > 1 ? atoi(argv[1]) : 300, turns = argc > 2 ? atoi(argv[2]) : 5;
    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 1;
    const char *folder = dirname(self);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct table table = {0};
        for (int turn = 0; turn < turns; turn++)
            for (int path = 0; path < PATHS; path++)
                run(&table, folder, path, sizes[i][0], sizes[i][1], i ? pictures / 4 : pictures);
        print(&table, sizes[i][0], sizes[i][1]);
    }
    return 0;
}
