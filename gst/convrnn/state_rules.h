/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events end what a recurrent state is about. Knows no network: it watches the events and the
 * times of the buffers, and says when the state has to start afresh. One streaming thread. */
#pragma once

#include <gst/gst.h>

typedef struct {
    char *stream_id;
    gboolean has_segment;
    GstSegment segment;
    GstClockTime next;      /* stream time at which the last buffer ended; NONE when unknown */
    GstClockTime tolerance; /* what a following segment may be off by: one frame */
} CrStateRules;

void cr_state_rules_init(CrStateRules *rules);
void cr_state_rules_clear(CrStateRules *rules);

/* TRUE when the state must be reset: a stream with another id, the end of a flush, a segment that
 * does not go on where the last buffer ended. */
gboolean cr_state_rules_take_event(CrStateRules *rules, GstEvent *event);

/* Remembers where the stream is; frame_duration is used when the buffer does not say its own. */
void cr_state_rules_take_buffer(CrStateRules *rules, GstBuffer *buffer,
                                GstClockTime frame_duration);

/* The stream runs backwards. */
gboolean cr_state_rules_is_reverse(const CrStateRules *rules);
