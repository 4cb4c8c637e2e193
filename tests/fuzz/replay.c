/* Runs the fuzz entry over every file of the folders given: what fuzzing has found once is tried at
 * every build, with any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16 << 20 };

/* In memory of its very size, so that a byte read beyond it is seen. */
static int replay_file(const char *path)
{
    struct rw_buf bytes = {0};
    struct rw_err err;
    if (rw_file_read(path, INPUT_MAX, &bytes, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
    if (!copy)
        abort();
    for (size_t i = 0; i < bytes.size; i++)
        copy[i] = bytes.data[i];
    fprintf(stderr, "%s\n", path); /* the last line tells which one it was */
    LLVMFuzzerTestOneInput(copy, bytes.size);
    free(copy);
    rw_buf_finish(&bytes);
    return 0;
}

/* How many files were replayed, -1 when one could not be. */
static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;
    if (!dir) {
        perror(folder);
        return -1;
    }
    for (struct dirent *entry; count >= 0 && (entry = readdir(dir));) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count = replay_file(path) ? -1 : count + 1;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d inputs replayed\n", total);
    return total > 0 ? 0 : 1;
}
