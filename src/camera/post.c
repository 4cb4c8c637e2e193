#include "camera/post.h"

#include <stdlib.h>

struct rw_post *rw_post_create(enum rw_post_kind kind, enum rw_stream stream)
{
    struct rw_post *post = calloc(1, sizeof *post);
    if (!post)
        abort();
    post->kind = kind;
    post->stream = stream;
    return post;
}

struct rw_post *rw_post_event(const struct rw_event *event)
{
    struct rw_post *post = rw_post_create(RW_POST_EVENT, RW_MAIN);
    post->event = malloc(sizeof *post->event);
    if (!post->event)
        abort();
    *post->event = *event;
    return post;
}

struct rw_post *rw_post_packet(enum rw_stream stream, struct rw_packet *packet, enum rw_cause cause)
{
    struct rw_post *post = rw_post_create(RW_POST_PACKET, stream);
    post->packet = packet;
    post->cause = cause;
    post->mail.bytes = packet->size + sizeof *post;
    return post;
}

void rw_post_destroy(struct rw_post *post)
{
    if (!post)
        return;
    rw_packet_unref(post->packet);
    rw_buf_finish(&post->jpeg);
    rw_buf_finish(&post->thumbnail);
    rw_ask_unref(post->ask);
    free(post->event);
    free(post);
}

struct rw_post *rw_post_take(struct rw_mailbox *box, int timeout_ms)
{
    return (struct rw_post *)rw_mailbox_take(box, timeout_ms);
}

void rw_post_send(struct rw_mailbox *box, struct rw_post *post)
{
    if (rw_mailbox_force(box, &post->mail))
        rw_post_destroy(post);
}
