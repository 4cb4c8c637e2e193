#include "motion/track.h"

#include <string.h>

enum {
    BLOCK = 16,
    PICTURE_US = 66667,        /* evidence is counted in pictures at 15 a second */
    STEP_MAX_US = 133333,      /* slower pictures do not prove more */
    LOST_US = 600000,          /* unseen for so long: gone */
    LOST_YOUNG_US = 250000,    /* of what was hardly there */
    ALIKE = 6,                 /* times as large or as small from picture to picture, and */
    ALIKE_MORE = 6,            /* blocks: still the same thing */
    REST_US = 1500000,         /* not alive for so long: it has to prove itself anew */
    MEMORY_US = 3000000,       /* time constant of where it was */
    EVIDENCE_SURE = 14 * 16,   /* a cat in the grass: eight pictures of 1.8 */
    EVIDENCE_PICTURE = 7 * 16, /* a lorry: two pictures */
    EVIDENCE_MAX = 4 * EVIDENCE_SURE,
    TRAVEL = 3 * BLOCK / 2,
    TRAVEL_CLEAR = BLOCK, /* with half as much evidence again */
    HITS = 2,
    YOUNG_HITS = 3,
    FAR = 30000, /* farther than any picture is wide; its square fits */
    PATH_FIRST_US = 100000,
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

static bool alike(const struct rw_track *track, const struct rw_blob *blob)
{
    return blob->area <= track->area * ALIKE + ALIKE_MORE &&
           track->area <= blob->area * ALIKE + ALIKE_MORE;
}

static struct rw_track *nearest(struct rw_tracks *tracks, const struct rw_blob *blob,
                                int64_t now_us, int step_us)
{
    struct rw_track *best = NULL;
    int best_distance = 0;
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        struct rw_track *track = &tracks->track[i];
        if (!track->used || track->blob >= 0 || !alike(track, blob))
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

/* A free one, else the one that has proved least and is not in this picture. */
static struct rw_track *free_track(struct rw_tracks *tracks)
{
    struct rw_track *least = NULL;
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        struct rw_track *track = &tracks->track[i];
        if (!track->used)
            return track;
        if (track->blob < 0 && !track->sure && (!least || track->evidence < least->evidence))
            least = track;
    }
    return least;
}

static void begin(struct rw_track *track, const struct rw_blob *blob, const struct rw_pace *pace)
{
    *track = (struct rw_track){
        .used = true,
        .x = blob->x,
        .y = blob->y,
        .from_x = blob->x,
        .from_y = blob->y,
        .line_x = blob->x,
        .line_y = blob->y,
        .first_area = blob->area * BLOCK,
        .area = blob->area,
        .seen_us = pace->now_us,
        .alive_us = pace->now_us,
        .start_us = pace->time_us,
    };
}

/* It has to prove itself anew. */
static void rest(struct rw_track *track)
{
    track->sure = false;
    track->evidence = track->hits = track->way = 0;
    track->from_x = track->line_x = track->x;
    track->from_y = track->line_y = track->y;
    track->first_area = track->area * BLOCK;
    track->order.count = 0;
    track->right = track->left = 0;
    track->path = (struct rw_path){0};
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
        track->way += distance(dx, dy);
    }
    track->x = blob->x;
    track->y = blob->y;
    track->area = blob->area;
    track->from_x += (int)((int64_t)(track->x - track->from_x) * step_us / MEMORY_US);
    track->from_y += (int)((int64_t)(track->y - track->from_y) * step_us / MEMORY_US);
    track->first_area +=
        (int)((int64_t)(track->area * BLOCK - track->first_area) * step_us / MEMORY_US);
    track->way -= (int)((int64_t)track->way * step_us / MEMORY_US);
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
    bool travelled = way >= far && way * 5 >= track->way * 3;
    bool grew = track->hits >= 4 && track->area * BLOCK >= 2 * track->first_area + 4 * BLOCK;
    return travelled || grew;
}

void rw_order_add(struct rw_order *order, uint32_t zones)
{
    for (int i = 0; i < order->count; i++)
        zones &= ~(UINT32_C(1) << order->zone[i]);
    for (int zone = 0; zones && zone < RW_REGIONS_MAX; zone++, zones >>= 1)
        if (zones & 1)
            order->zone[order->count++] = (uint8_t)zone;
}

static void add_to_path(struct rw_path *path, int x, int y, int64_t now_us)
{
    if (!path->count)
        path->every_us = PATH_FIRST_US;
    else if (now_us < path->next_us)
        return;
    if (path->count == RW_PATH_MAX) {
        for (int i = 0; i < RW_PATH_MAX / 2; i++)
            path->at[i] = path->at[2 * i];
        path->count = RW_PATH_MAX / 2;
        path->every_us *= 2;
    }
    path->at[path->count].x = (int16_t)x;
    path->at[path->count].y = (int16_t)y;
    path->count++;
    path->next_us = now_us + path->every_us;
}

/* On which side of the line a point is: > 0 right of it, looking along it (y grows downwards). */
static int64_t side_of(const struct rw_course *line, int x, int y)
{
    return (int64_t)(line->x1 - line->x0) * (y - line->y0) -
           (int64_t)(line->y1 - line->y0) * (x - line->x0);
}

static void cross_line(struct rw_track *track, const struct rw_course *line, int bit)
{
    struct rw_course step = {track->line_x, track->line_y, track->x, track->y};
    int64_t before = side_of(line, step.x0, step.y0), after = side_of(line, step.x1, step.y1);
    int64_t start = side_of(&step, line->x0, line->y0), end = side_of(&step, line->x1, line->y1);

    if ((start > 0) == (end > 0) || (before > 0) == (after > 0))
        return;
    if (after > 0)
        track->right = (uint8_t)(track->right | 1u << bit);
    else
        track->left = (uint8_t)(track->left | 1u << bit);
}

/* Looked at in steps of a block, so that a thing that trembles on a line crosses it once. */
static void cross_lines(struct rw_track *track, const struct rw_regions *regions)
{
    if (distance(track->x - track->line_x, track->y - track->line_y) < BLOCK)
        return;
    for (int i = 0; i < regions->line_count; i++)
        cross_line(track, &regions->lines[i], i);
    track->line_x = track->x;
    track->line_y = track->y;
}

static void weigh(struct rw_track *track, const struct rw_blob *blob, const struct rw_pace *pace)
{
    /* A thing moves at its edges; a sixteenth of a large one is enough. */
    if (blob->alive * 16 < blob->area || !blob->alive) {
        if (pace->now_us - track->alive_us > REST_US)
            rest(track);
        return;
    }
    if ((blob->soft || (blob->vast && pace->settling)) && !track->sure)
        return;
    if (!track->hits)
        track->start_us = pace->time_us;
    int step = pace->step_us < STEP_MAX_US ? pace->step_us : STEP_MAX_US;
    int strength = root(blob->area * blob->contrast * 16); /* 1/16 */
    int gain = (int)((int64_t)strength * step / PICTURE_US);
    track->evidence =
        (int16_t)(track->evidence + (gain < EVIDENCE_PICTURE ? gain : EVIDENCE_PICTURE));
    if (track->evidence > EVIDENCE_MAX)
        track->evidence = EVIDENCE_MAX;
    track->alive_us = pace->now_us;
    rw_order_add(&track->order, blob->zones);
    add_to_path(&track->path, track->x, track->y, pace->now_us);
    track->hits++;
    if (track->hits >= HITS && track->evidence >= pace->need &&
        pace->time_us - track->start_us >= pace->min_duration_us &&
        (pace->time_us - track->start_us >= pace->proof_us || blob->area > pace->proof_area) &&
        went_somewhere(track, pace->need))
        track->sure = true;
}

/* True when it came to an end as nothing. */
static bool age(struct rw_track *track, int64_t now_us, int step_us)
{
    track->evidence -= (int)((int64_t)EVIDENCE_SURE * step_us / 1000000);
    if (track->evidence < 0)
        track->evidence = 0;
    int64_t lost_us = track->hits < YOUNG_HITS ? LOST_YOUNG_US : LOST_US;
    if (now_us - track->seen_us <= lost_us)
        return false;
    track->used = false;
    return !track->sure && track->hits >= HITS;
}

int rw_tracks_need(int caution)
{
    return EVIDENCE_SURE * caution / 16;
}

void rw_tracks_follow(struct rw_tracks *tracks, const struct rw_blobs *blobs,
                      const struct rw_regions *regions, const struct rw_pace *pace)
{
    for (int i = 0; i < RW_TRACKS_MAX; i++)
        tracks->track[i].blob = -1;
    for (int i = 0; i < blobs->count; i++) {
        const struct rw_blob *blob = &blobs->blob[i];
        struct rw_track *track = nearest(tracks, blob, pace->now_us, pace->step_us);
        if (track) {
            move(track, blob, pace->now_us, pace->step_us);
            cross_lines(track, regions);
        } else {
            track = free_track(tracks);
            if (!track)
                continue;
            begin(track, blob, pace);
        }
        track->blob = (int8_t)i;
        weigh(track, blob, pace);
    }
    tracks->failed = tracks->failed_area = 0;
    for (int i = 0; i < RW_TRACKS_MAX; i++)
        if (tracks->track[i].used && tracks->track[i].blob < 0 &&
            age(&tracks->track[i], pace->now_us, pace->step_us)) {
            tracks->failed++;
            tracks->failed_area += tracks->track[i].area;
        }
}
