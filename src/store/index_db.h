/* What the files of the index share. */
#pragma once

#include "store/db.h"
#include "store/index.h"

struct rw_index {
    sqlite3 *db; /* owned */
};
