/* What is said of an event, a digest or a camera, in the site's language and the box's local time.
 * Pure. All functions add to *out, which the caller owns. */
#pragma once

#include "alerts/payload.h"
#include "alerts/words.h"

/* Of every kind of event. */
struct rw_happening {
    const char *kind;
    enum rw_words words;
    bool pictured;  /* it was seen, and there is a picture of it */
    bool momentary; /* it has no end to tell of */
};

/* Index of a kind, below RW_DIGEST_KINDS; of one that is not known, motion's. */
int rw_happening_index(const char *kind);
const struct rw_happening *rw_happening_at(int index); /* static */

/* sent_us, now_us: UTC of now; times of other days than this name the day. */
void rw_sentence_event(struct rw_buf *out, const struct rw_config *config, const char *camera,
                       const struct rw_event *event, int64_t sent_us);
/* Nobody has acknowledged it: to whom it falls now. */
void rw_sentence_call(struct rw_buf *out, const struct rw_config *config, const char *camera,
                      const struct rw_event *event, const char *to, int64_t sent_us);
void rw_sentence_digest(struct rw_buf *out, const struct rw_config *config, const char *camera,
                        const struct rw_digest *digest, int64_t sent_us);
void rw_sentence_status(struct rw_buf *out, const struct rw_config *config, const char *camera,
                        const struct rw_status *status, int64_t now_us);
