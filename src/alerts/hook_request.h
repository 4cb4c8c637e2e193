/* From an item to the request that a webhook gets, and from the answer to what it means. Pure. */
#pragma once

#include "alerts/courier.h"

struct rw_hook_request {
    bool put;           /* else POST */
    bool pictured;      /* a picture is in it */
    struct rw_buf url;  /* text; a secret */
    struct rw_buf head; /* "Name: value\n" for each, text; holds a secret */
    struct rw_buf body;
};

/* out begins as {0}, and is the caller's for rw_hook_request_finish() in every case. item: an EVENT
 * or a DIGEST. with_picture: where the item has one and the service takes it. */
void rw_hook_request_make(const struct rw_config *config, const struct rw_hook_config *hook,
                          const struct rw_item *item, bool with_picture, int64_t sent_us,
                          struct rw_hook_request *out);
void rw_hook_request_finish(struct rw_hook_request *request);

enum rw_hook_verdict {
    RW_HOOK_DELIVERED,
    RW_HOOK_REFUSED,  /* for good: the same request will not do later either */
    RW_HOOK_UNWANTED, /* the picture, it seems, is what it would not have */
    RW_HOOK_NOT_NOW,
};

struct rw_hook_answer {
    int status;       /* of HTTP */
    int retry_s;      /* Retry-After; 0: none */
    const void *body; /* hostile; what was kept of it */
    size_t size;
};

/* why: one sentence's end, "404 Not Found: chat not found"; never with a secret in it.
 * *wait_s: it asks for so much patience; 0: it does not. */
enum rw_hook_verdict rw_hook_judge(const struct rw_hook_config *hook,
                                   const struct rw_hook_answer *answer, bool pictured, char *why,
                                   size_t why_size, int *wait_s);
