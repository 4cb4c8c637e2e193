/* Challenges as they are read; the answer to one is in message.h. */
#pragma once

#include "base/err.h"
#include "media/rtsp/message.h"
#include "media/rtsp/text.h"

/* Reads the value of one WWW-Authenticate, which may hold several challenges. *best becomes the
 * strongest of them if that is stronger than *best. -1 with *err (RW_EFORMAT, or RW_EHOSTILE where
 * no honest camera errs so): a text in one that could be used is larger than its field. */
int rw_rtsp_challenges_read(struct rw_span value, struct rw_rtsp_challenge *best,
                            struct rw_err *err);
