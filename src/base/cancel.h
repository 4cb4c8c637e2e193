/* Cancelling is an object. Any thread requests; waiters wake at once. */
#pragma once

#include <stdbool.h>

struct rw_cancel;

struct rw_cancel *rw_cancel_create(void);
void rw_cancel_destroy(struct rw_cancel *cancel);
void rw_cancel_request(struct rw_cancel *cancel); /* also from a signal handler */
bool rw_cancel_requested(const struct rw_cancel *cancel);
/* Waits until requested or timeout_ms passed. True: requested. */
bool rw_cancel_wait(struct rw_cancel *cancel, int timeout_ms);
int rw_cancel_fd(const struct rw_cancel *cancel); /* readable once requested; for poll */
