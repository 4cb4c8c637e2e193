/* What stands for {text}, {camera} and so on in a webhook's templates. Pure. */
#pragma once

#include "alerts/courier.h"

struct rw_hook_words {
    char *json;                /* the message as the broker gets it */
    char *word[RW_HOOK_WORDS]; /* never NULL */
};

/* item: an EVENT or a DIGEST. The caller's for rw_hook_words_finish(). */
void rw_hook_words_make(const struct rw_config *config, const struct rw_item *item, int64_t sent_us,
                        struct rw_hook_words *out);
void rw_hook_words_finish(struct rw_hook_words *words);
/* Adds the template, filled in. */
void rw_hook_words_fill(const struct rw_hook_words *words, const char *template,
                        struct rw_buf *out);
