/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a frame comes too late to be worth a step: by what the sink says in QoS events, and by
 * the pipeline's clock. All times are running times. */
#pragma once

#include <gst/gst.h>

typedef struct {
    GstClockTime earliest; /* frames up to here will be late at the sink; NONE: none */
    double proportion;     /* as in the last QoS event; 1 before the first */
} CrLateness;

/* Nothing is known. */
void cr_lateness_init(CrLateness *lateness);

/* A QoS event from downstream. */
void cr_lateness_take_event(CrLateness *lateness, GstEvent *event);

/* By how much the frame at `time` is too late; 0 or less: it is not. `now` is the clock's time, and
 * `allowed` how long after its time a frame may arrive; either may be NONE. */
GstClockTimeDiff cr_lateness_of(const CrLateness *lateness, GstClockTime time, GstClockTime now,
                                GstClockTime allowed);
