/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lateness.h"

/* No frame is later than this: events come from other code, and the sums must not overflow. */
#define LONGEST (G_MAXINT64 / 4)

void
cr_lateness_init(CrLateness *lateness)
{
    lateness->earliest = GST_CLOCK_TIME_NONE;
    lateness->proportion = 1;
}

/* A frame that was late by `diff` is followed by others: those are looked at that will come after
 * as much time again, when the backlog may be gone. */
void
cr_lateness_take_event(CrLateness *lateness, GstEvent *event)
{
    GstClockTimeDiff diff;
    GstClockTime time;
    double proportion;

    gst_event_parse_qos(event, NULL, &proportion, &diff, &time);
    lateness->proportion = proportion;
    diff = CLAMP(diff, -LONGEST, LONGEST);
    if (!GST_CLOCK_TIME_IS_VALID(time) || time > G_MAXINT64)
        lateness->earliest = GST_CLOCK_TIME_NONE;
    else if (diff > 0)
        lateness->earliest = time + 2 * (GstClockTime)diff;
    else
        lateness->earliest = (GstClockTime)-diff < time ? time - (GstClockTime)-diff : 0;
}

GstClockTimeDiff
cr_lateness_of(const CrLateness *lateness, GstClockTime time, GstClockTime now,
               GstClockTime allowed)
{
    GstClockTimeDiff by = 0;

    if (!GST_CLOCK_TIME_IS_VALID(time))
        return 0;
    if (GST_CLOCK_TIME_IS_VALID(lateness->earliest) && time < lateness->earliest)
        by = GST_CLOCK_DIFF(time, lateness->earliest);
    if (GST_CLOCK_TIME_IS_VALID(now) && GST_CLOCK_TIME_IS_VALID(allowed) && now > time &&
        now - time > allowed)
        by = MAX(by, (GstClockTimeDiff)(now - time - allowed));
    return by;
}
