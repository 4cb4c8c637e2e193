#include "cli/advice.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* GOPs a little longer than wanted, and pictures that come a little late, are no matter. */
#define GOP_S 2.5
#define FPS_MOST 10.0
#define FPS_WANTED 8
#define SUB_PIXELS_MOST (800 * 600)
#define MAIN_BITS_MOST 8e6
#define LOSS_MOST 0.001
#define CLOCK_MOST_US RW_SECOND_US
enum { DAYS_NEAR = 30 };

__attribute__((format(printf, 2, 3))) static void add(struct rw_advice *advice, const char *format,
                                                      ...)
{
    va_list args;
    if (advice->count == RW_ADVICE_MAX)
        return;
    va_start(args, format);
    vsnprintf(advice->lines[advice->count++], RW_ADVICE_SIZE, format, args);
    va_end(args);
}

/* Decoding is nearly all of it, so the cost goes with the pictures. */
static const char *what_fewer_would_do(double fps)
{
    if (fps >= 21)
        return "cut the cost of watching to a third";
    if (fps >= 14)
        return "halve the cost of watching";
    return "lower the cost of watching";
}

static void advise_watched(struct rw_advice *advice, const char *name, const struct rw_measure *m)
{
    double fps = rw_measure_fps(m);
    if (fps > FPS_MOST)
        add(advice, "%s: %d pictures a second would %s (it sends %.0f)", name, FPS_WANTED,
            what_fewer_would_do(fps), fps);
    if (!strcmp(m->codec, "hevc"))
        add(advice,
            "%s: set it to H.264: H.265 costs more to watch, and not every phone plays its clips",
            name);
    if (m->width * m->height > SUB_PIXELS_MOST)
        add(advice,
            "%s: %dx%d is more than watching needs; about 640x360 is cheaper and sees as "
            "much",
            name, m->width, m->height);
}

static void advise_gop(struct rw_advice *advice, const char *name, const struct rw_measure *m)
{
    double gop = rw_measure_gop(m);
    if (gop > 0 && gop <= GOP_S)
        return;
    add(advice,
        "%s: set its I-frame interval to 2 s (%.0f pictures): clips begin, and pictures are whole "
        "again after a loss, at an I-frame only",
        name, round(2 * rw_measure_fps(m)));
}

static void advise_loss(struct rw_advice *advice, const char *name, const struct rw_measure *m,
                        bool udp)
{
    if (rw_measure_loss(m) > LOSS_MOST)
        add(advice, "%s: %.1f %% of its packets are lost; look at cable, radio link and switch%s",
            name, 100 * rw_measure_loss(m), udp ? ", or set transport to tcp" : "");
}

void rw_advise(struct rw_advice *advice, const struct rw_measure *main,
               const struct rw_measure *sub, bool udp)
{
    if (sub)
        advise_watched(advice, "sub", sub);
    else
        add(advice,
            "name a sub-stream (--sub URL), about 640x360 with %d pictures a second: watching "
            "the main stream costs many times as much",
            FPS_WANTED);
    advise_gop(advice, "main", main);
    if (sub)
        advise_gop(advice, "sub", sub);
    if (rw_measure_bits(main) > MAIN_BITS_MOST)
        add(advice, "main: %.0f Mbit/s fill %.0f GB a day; with a lower bitrate more days are kept",
            rw_measure_bits(main) / 1e6, rw_measure_bits(main) / 8 * 86400 / 1e9);
    advise_loss(advice, "main", main, udp);
    if (sub)
        advise_loss(advice, "sub", sub, udp);
    if (main->clock_told && llabs(main->ahead_us) > CLOCK_MOST_US)
        add(advice, "its clock is %.0f s %s this box's; let both take the time by NTP",
            fabs((double)main->ahead_us / 1e6), main->ahead_us < 0 ? "behind" : "ahead of");
}

void rw_advise_certificate(struct rw_advice *advice, const struct rw_certificate *certificate,
                           int64_t now_us)
{
    int days = rw_measure_days_left(certificate, now_us);
    if (!certificate->shown || days > DAYS_NEAR)
        return;
    if (days < 0)
        add(advice, "its certificate is over; give the camera a new one");
    else
        add(advice,
            "its certificate ends in %d day%s; renew it in the camera, or nothing is recorded then",
            days, days == 1 ? "" : "s");
}
