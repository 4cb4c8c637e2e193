/* What the threads of a camera's process send each other. */
#pragma once

#include "base/buf.h"
#include "base/mailbox.h"
#include "camera/ask.h"
#include "media/packet.h"
#include "roadwatch/event.h"
#include "store/store.h"

enum rw_post_kind {
    RW_POST_PACKET,  /* stream, packet; cause: why packets are missing before it */
    RW_POST_LOST,    /* stream: the source ended; what is held can be written */
    RW_POST_EVENT,   /* event, jpeg and thumbnail (empty: as they were) */
    RW_POST_STATE,   /* text: state, more: reason, number: since, UTC us */
    RW_POST_ACK,     /* text: event id, more: by whom */
    RW_POST_WORD,    /* text: key, number: value */
    RW_POST_ASK,     /* ask */
    RW_POST_DAMAGED, /* stream, slot, number: sequence */
};

struct rw_post {
    struct rw_mail mail; /* first: a mail is a post */
    enum rw_post_kind kind;
    enum rw_stream stream;
    struct rw_packet *packet; /* owned */
    enum rw_cause cause;
    struct rw_event *event;        /* owned: large, and most posts are packets */
    struct rw_buf jpeg, thumbnail; /* owned */
    char text[64], more[200];
    int64_t number;
    int slot;
    struct rw_ask *ask; /* the recorder's reference */
};

struct rw_post *rw_post_create(enum rw_post_kind kind, enum rw_stream stream);
/* Copies the event. */
struct rw_post *rw_post_event(const struct rw_event *event);
/* Takes the packet's reference. */
struct rw_post *rw_post_packet(enum rw_stream stream, struct rw_packet *packet,
                               enum rw_cause cause);
void rw_post_destroy(struct rw_post *post); /* takes NULL */
/* The next post, or NULL; see rw_mailbox_take(). */
struct rw_post *rw_post_take(struct rw_mailbox *box, int timeout_ms);
/* Sends, ignoring the mailbox's bound; destroys the post where the box is closed. */
void rw_post_send(struct rw_mailbox *box, struct rw_post *post);
