#include "camera/report.h"

#include "base/log.h"
#include "base/units.h"

/* Thinned, pictures are counted over whole GOPs, unless these are longer than this. */
#define COUNT_US (2 * RW_SECOND_US)
#define COUNT_MAX_US (10 * RW_SECOND_US)
#define SAY_AGAIN_US (600 * RW_SECOND_US)

/* Once when it begins and once when it is over; not again soon where it comes and goes. */
void rw_report_thinned(struct rw_report *report, int64_t now_us)
{
    bool on = report->thinning->on;
    bool recently = report->said_us && now_us - report->said_us < SAY_AGAIN_US;
    if (on == report->said_thinned || (on && recently))
        return;
    report->said_thinned = on;
    if (!on) {
        rw_log(RW_LOG_INFO, report->camera, "every picture is watched again");
        return;
    }
    report->said_us = now_us;
    rw_log(RW_LOG_WARNING, report->camera,
           "the processor is not enough to watch every picture; fewer are watched, all are "
           "recorded");
}

/* The detector raises the smallest thing in bad weather; what is usual is the least it ever said.
 */
static void see(struct rw_report *report, struct rw_motion_view *view)
{
    rw_motion_see(report->motion, view);
    if (view->smallest && (!report->calm_smallest || view->smallest < report->calm_smallest))
        report->calm_smallest = view->smallest;
}

void rw_report_looked(struct rw_report *report)
{
    struct rw_motion_view view;
    report->looked++;
    if (!report->calm_smallest) /* before any weather was seen */
        see(report, &view);
}

static double a_second(int count, int64_t span_us)
{
    return (double)count * RW_SECOND_US / (double)span_us;
}

static void tell(struct rw_report *report, int64_t span_us, enum rw_motion_kind kind)
{
    struct rw_motion_view view;
    see(report, &view);
    rw_board_watch(report->board, &(struct rw_watch_notice){
                                      .known = view.cols > 0,
                                      .fps = a_second(report->looked, span_us),
                                      .of = a_second(report->came, span_us),
                                      .thinned = report->thinning->on,
                                      .weather = view.weather,
                                      .smallest = view.smallest,
                                      .raised = view.smallest > report->calm_smallest,
                                      .running = rw_motion_running(report->motion),
                                      .kind = kind,
                                  });
}

void rw_report_came(struct rw_report *report, const struct rw_packet *packet,
                    enum rw_motion_kind kind)
{
    int64_t now = packet ? packet->arrival_us : rw_now(report->clock).boot_us;
    bool amid_gop = packet && !packet->keyframe && report->thinning->level;
    report->came += packet != NULL;
    int64_t span = now - report->from_us;
    if (span < (amid_gop ? COUNT_MAX_US : COUNT_US))
        return;
    tell(report, span, kind);
    report->from_us = now;
    report->came = report->looked = 0;
}
