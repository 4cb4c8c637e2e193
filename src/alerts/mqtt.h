/* The courier to the broker: which topic an item goes to, and as what. Main thread only. */
#pragma once

#include "alerts/broker.h"
#include "alerts/courier.h"
#include "base/clock.h"

/* Caller's memory; borrows all of it. */
struct rw_mqtt {
    const struct rw_config *config;
    const struct rw_clock *clock;
    struct rw_sink sink;
    struct rw_sink pictures;        /* what goes behind words: owed pictures and films */
    const struct rw_broker *broker; /* behind sink; NULL: a test, on a wide line */
};

struct rw_courier rw_mqtt_courier(struct rw_mqtt *mqtt);
