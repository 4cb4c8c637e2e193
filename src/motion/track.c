#include "motion/track.h"

#include <string.h>

enum {
    BLOCK = 16,
    PICTURE_US = 66667,        /* evidence is counted in pictures at 15 a second */
    STEP_MAX_US = 133333,      /* slower pictures do not prove more */
    LOST_US = 600000,          /* unseen for so long: gone */
    REST_US = 1500000,         /* not alive for so long: it has to prove itself anew */
    MEMORY_US = 3000000,       /* time constant of where it was */
    EVIDENCE_SURE = 14 * 16,   /* a cat in the grass: eight pictures of 1.8 */
    EVIDENCE_PICTURE = 7 * 16, /* a lorry: two pictures */
    EVIDENCE_MAX = 4 * EVIDENCE_SURE,
    TRAVEL = 3 * BLOCK / 2,
    TRAVEL_CLEAR = BLOCK, /* with half as much evidence again */
    HITS = 2,
    FAR = 30000, /* farther than any picture is wide; its square fits */
};

void rw_tracks_clear(struct rw_tracks *tracks)
{
    memset(tracks, 0, sizeof *tracks);
}

static int root(int value)
{
    int low = 0, high = 46341;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (middle * middle <= value)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int within(int value, int limit)
{
    return value < -limit ? -limit : value > limit ? limit : value;
}

static int distance(int dx, int dy)
{
    dx = within(dx, FAR);
    dy = within(dy, FAR);
    return root(dx * dx + dy * dy);
}

/* How far from where it is expected a track may be found, 1/16 block. */
static int reach(const struct rw_track *track, const struct rw_blob *blob, int step_us)
{
    int width = blob->right - blob->left, height = blob->bottom - blob->top;
    int size = (width > height ? width : height) * BLOCK;
    int late_us = step_us > PICTURE_US ? step_us : PICTURE_US;
    int unknown = track->hits < 3 ? size * 3 / 2 : size / 2;
    return 2 * BLOCK + (int)((int64_t)unknown * late_us / PICTURE_US);
}

static struct rw_track *nearest(struct rw_tracks *tracks, const struct rw_blob *blob,
                                int64_t now_us, int step_us)
{
    struct rw_track *best = NULL;
    int best_distance = 0;
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        struct rw_track *track = &tracks->track[i];
        if (!track->used || track->blob >= 0)
            continue;
        int64_t gone_us = now_us - track->seen_us;
        int x = track->x + (int)(track->vx * gone_us / 1000000);
        int y = track->y + (int)(track->vy * gone_us / 1000000);
        int far = distance(blob->x - x, blob->y - y);
        if (far > reach(track, blob, step_us))
            continue;
        if (track->sure)
            far /= 2;
        if (!best || far < best_distance) {
            best = track;
            best_distance = far;
        }
    }
    return best;
}

static struct rw_track *free_track(struct rw_tracks *tracks)
{
    for (int i = 0; i < RW_TRACKS_MAX; i++)
        if (!tracks->track[i].used)
            return &tracks->track[i];
    return NULL;
}

static void begin(struct rw_track *track, const struct rw_blob *blob, int64_t now_us,
                  int64_t time_us)
{
    *track = (struct rw_track){
        .used = true,
        .x = blob->x,
        .y = blob->y,
        .from_x = blob->x,
        .from_y = blob->y,
        .first_area = blob->area * BLOCK,
        .area = blob->area,
        .seen_us = now_us,
        .alive_us = now_us,
        .start_us = time_us,
    };
}

static void rest(struct rw_track *track)
{
    track->sure = false;
    track->evidence = track->hits = track->path = 0;
    track->from_x = track->x;
    track->from_y = track->y;
    track->first_area = track->area * BLOCK;
    track->zones = 0;
}

static void move(struct rw_track *track, const struct rw_blob *blob, int64_t now_us, int step_us)
{
    int gone_us = (int)(now_us - track->seen_us);
    if (gone_us > 0) {
        int dx = blob->x - track->x, dy = blob->y - track->y;
        int vx = (int)(dx * INT64_C(1000000) / gone_us),
            vy = (int)(dy * INT64_C(1000000) / gone_us);
        bool known = track->hits > 1;
        track->vx = known ? (track->vx + vx) / 2 : vx;
        track->vy = known ? (track->vy + vy) / 2 : vy;
        track->path += distance(dx, dy);
    }
    track->x = blob->x;
    track->y = blob->y;
    track->area = blob->area;
    track->from_x += (int)((int64_t)(track->x - track->from_x) * step_us / MEMORY_US);
    track->from_y += (int)((int64_t)(track->y - track->from_y) * step_us / MEMORY_US);
    track->first_area +=
        (int)((int64_t)(track->area * BLOCK - track->first_area) * step_us / MEMORY_US);
    track->path -= (int)((int64_t)track->path * step_us / MEMORY_US);
    track->seen_us = now_us;
}

int rw_track_travel(const struct rw_track *track)
{
    return distance(track->x - track->from_x, track->y - track->from_y);
}

static bool went_somewhere(const struct rw_track *track, int need)
{
    int way = rw_track_travel(track);
    int far = track->evidence * 2 >= need * 3 ? TRAVEL_CLEAR : TRAVEL;
    bool travelled = way >= far && way * 5 >= track->path * 3;
    bool grew = track->hits >= 4 && track->area * BLOCK >= 2 * track->first_area + 4 * BLOCK;
    return travelled || grew;
}

static void weigh(struct rw_track *track, const struct rw_blob *blob, int64_t now_us,
                  int64_t time_us, int step_us, int need)
{
    /* A thing moves at its edges; a sixteenth of a large one is enough. */
    if (blob->alive * 16 < blob->area || !blob->alive) {
        if (now_us - track->alive_us > REST_US)
            rest(track);
        return;
    }
    if (!track->hits)
        track->start_us = time_us;
    int step = step_us < STEP_MAX_US ? step_us : STEP_MAX_US;
    int strength = root(blob->area * blob->contrast * 16); /* 1/16 */
    int gain = (int)((int64_t)strength * step / PICTURE_US);
    track->evidence += gain < EVIDENCE_PICTURE ? gain : EVIDENCE_PICTURE;
    if (track->evidence > EVIDENCE_MAX)
        track->evidence = EVIDENCE_MAX;
    track->alive_us = now_us;
    track->zones |= blob->zones;
    track->hits++;
    if (track->hits >= HITS && track->evidence >= need && went_somewhere(track, need))
        track->sure = true;
}

static void age(struct rw_track *track, int64_t now_us, int step_us)
{
    track->evidence -= (int)((int64_t)EVIDENCE_SURE * step_us / 1000000);
    if (track->evidence < 0)
        track->evidence = 0;
    if (now_us - track->seen_us > LOST_US)
        track->used = false;
}

void rw_tracks_follow(struct rw_tracks *tracks, const struct rw_blobs *blobs, int64_t now_us,
                      int64_t time_us, int step_us, int caution)
{
    int need = EVIDENCE_SURE * caution / 16;
    for (int i = 0; i < RW_TRACKS_MAX; i++)
        tracks->track[i].blob = -1;
    for (int i = 0; i < blobs->count; i++) {
        const struct rw_blob *blob = &blobs->blob[i];
        struct rw_track *track = nearest(tracks, blob, now_us, step_us);
        if (track) {
            move(track, blob, now_us, step_us);
        } else {
            track = free_track(tracks);
            if (!track)
                continue;
            begin(track, blob, now_us, time_us);
        }
        track->blob = i;
        weigh(track, blob, now_us, time_us, step_us, need);
    }
    for (int i = 0; i < RW_TRACKS_MAX; i++)
        if (tracks->track[i].used && tracks->track[i].blob < 0)
            age(&tracks->track[i], now_us, step_us);
}
