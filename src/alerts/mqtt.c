#include "alerts/mqtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAF_SIZE = 64 };

static uint64_t publish(const struct rw_mqtt *mqtt, const struct rw_item *item, const char *leaf,
                        struct rw_message *message)
{
    char topic[40 + LEAF_SIZE];
    snprintf(topic, sizeof topic, "%s/%s", mqtt->config->cameras[item->camera].id, leaf);
    message->topic = topic;
    return mqtt->sink.publish(mqtt->sink.self, message);
}

static uint64_t publish_text(const struct rw_mqtt *mqtt, const struct rw_item *item,
                             const char *leaf, char *owned)
{
    struct rw_message message = {.payload = owned, .size = strlen(owned)};
    uint64_t ticket = publish(mqtt, item, leaf, &message);
    free(owned);
    return ticket;
}

static uint64_t publish_picture(const struct rw_mqtt *mqtt, const struct rw_item *item,
                                const char *leaf, const struct rw_buf *bytes, bool retain)
{
    struct rw_message message = {.payload = bytes->data, .size = bytes->size, .retain = retain};
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
        return publish_picture(mqtt, item, "snapshot", item->snapshot, true);
    case RW_ITEM_THUMBNAIL:
        return publish_picture(mqtt, item, about("thumbnail", item, leaf), item->thumbnail, false);
    case RW_ITEM_CLIP:
        return publish_picture(mqtt, item, about("clip", item, leaf), item->clip, false);
    }
    return 0;
}

struct rw_courier rw_mqtt_courier(struct rw_mqtt *mqtt)
{
    return (struct rw_courier){
        .self = mqtt,
        .name = "",
        .carries =
            RW_ITEM_EVENT | RW_ITEM_DIGEST | RW_ITEM_SNAPSHOT | RW_ITEM_THUMBNAIL | RW_ITEM_CLIP,
        .send = send,
    };
}
