/* How long a call may wait, and for whom. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "media/rtsp/dial.h"

/* Waits for events (of poll(2)) on fd (-1: none) as long as the patience lasts and at most
 * timeout_ms (-1: no other limit). 1: there, 0: timeout_ms passed, -1 with *err: RW_ETIMEOUT or
 * RW_ECANCELED. */
int rw_patience_wait(const struct rw_patience *patience, int fd, short events, int timeout_ms,
                     struct rw_err *err);
int64_t rw_patience_left_us(const struct rw_patience *patience); /* at least 0 */
