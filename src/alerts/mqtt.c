#include "alerts/mqtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAF_SIZE = 64 };

/* A phone that was off for so long has no use for them any more. */
enum { WORDS_S = 7 * 86400, PICTURES_S = 86400 };

static uint64_t publish(const struct rw_mqtt *mqtt, const struct rw_item *item, const char *leaf,
                        struct rw_message *message)
{
    char topic[40 + LEAF_SIZE];
    snprintf(topic, sizeof topic, "%s/%s", mqtt->config->cameras[item->camera].id, leaf);
    message->topic = topic;
    message->about = item->event ? item->event->id : NULL;
    bool behind = item->behind || (item->kind & (RW_ITEM_THUMBNAIL | RW_ITEM_CLIP));
    const struct rw_sink *sink = behind ? &mqtt->pictures : &mqtt->sink;
    return sink->publish(sink->self, message);
}

static uint64_t publish_text(const struct rw_mqtt *mqtt, const struct rw_item *item,
                             const char *leaf, char *owned)
{
    struct rw_message message = {
        .payload = owned, .size = strlen(owned), .type = "application/json", .expiry_s = WORDS_S};
    uint64_t ticket = publish(mqtt, item, leaf, &message);
    free(owned);
    return ticket;
}

static uint64_t publish_picture(const struct rw_mqtt *mqtt, const struct rw_item *item,
                                const char *leaf, const struct rw_buf *bytes, const char *type)
{
    bool newest = item->kind == RW_ITEM_SNAPSHOT; /* stands there until the next one */
    struct rw_message message = {.payload = bytes->data,
                                 .size = bytes->size,
                                 .retain = newest,
                                 .type = type,
                                 .expiry_s = newest ? 0 : PICTURES_S};
    return publish(mqtt, item, leaf, &message);
}

static const char *about(const char *what, const struct rw_item *item, char leaf[static LEAF_SIZE])
{
    snprintf(leaf, LEAF_SIZE, "%s/%s", what, item->event->id);
    return leaf;
}

static uint64_t send(void *self, const struct rw_item *item)
{
    const struct rw_mqtt *mqtt = self;
    const struct rw_camera_config *camera = &mqtt->config->cameras[item->camera];
    int64_t now_us = rw_now(mqtt->clock).utc_us;
    char leaf[LEAF_SIZE];
    switch (item->kind) {
    case RW_ITEM_EVENT:
        return publish_text(mqtt, item, "event",
                            rw_payload_event(mqtt->config, camera, item->event,
                                             item->thumbnail->data, item->thumbnail->size, now_us));
    case RW_ITEM_DIGEST:
        return publish_text(mqtt, item, "digest",
                            rw_payload_digest(mqtt->config, camera, item->digest, now_us));
    case RW_ITEM_SNAPSHOT:
        return publish_picture(mqtt, item, "snapshot", item->snapshot, "image/jpeg");
    case RW_ITEM_THUMBNAIL:
        return publish_picture(mqtt, item, about("thumbnail", item, leaf), item->thumbnail,
                               "image/jpeg");
    case RW_ITEM_CLIP:
        return publish_picture(mqtt, item, about("clip", item, leaf), item->clip, "video/mp4");
    }
    return 0;
}

static bool thin(void *self)
{
    const struct rw_mqtt *mqtt = self;
    return mqtt->broker && rw_broker_is_thin(mqtt->broker);
}

struct rw_courier rw_mqtt_courier(struct rw_mqtt *mqtt)
{
    return (struct rw_courier){
        .self = mqtt,
        .name = "",
        .carries =
            RW_ITEM_EVENT | RW_ITEM_DIGEST | RW_ITEM_SNAPSHOT | RW_ITEM_THUMBNAIL | RW_ITEM_CLIP,
        .send = send,
        .thin = thin,
    };
}
