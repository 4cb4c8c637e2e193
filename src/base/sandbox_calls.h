/* The second lock, seccomp: which system calls. Of sandbox.c only. */
#pragma once

#include <stdbool.h>

bool rw_calls_there(void); /* this kernel has it */
/* For all threads, for good. 0, or -1 with errno; may: enum rw_power. */
int rw_calls_restrict(unsigned may);
