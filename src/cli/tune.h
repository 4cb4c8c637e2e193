/* Tune on yesterday: the ring's own footage through the detector as it is configured, and once more
 * as it might be. */
#pragma once

#include "cli/cli.h"
#include "motion/motion.h"

int rw_tune(const struct rw_arguments *arguments); /* the exit status */

/* Another sensitivity for the camera. Zones that have one of their own keep it; so do masks.
 * config: what the options were made of, or NULL. */
void rw_tune_sensitivity(struct rw_motion_options *options, const struct rw_detect_config *config,
                         int sensitivity);
