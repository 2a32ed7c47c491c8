/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events end what a recurrent state is about. Knows no network: it watches the events and the
 * times of the buffers, and says when the state has to start afresh. One streaming thread. */
#pragma once

#include <gst/gst.h>

/* Causes to start afresh. Those up to GAP can be chosen with the property reset-on; the others
 * reset in any case, and are not seen here. */
typedef enum {
    CR_RESET_ON_NEW_STREAM = 1 << 0,
    CR_RESET_ON_FLUSH = 1 << 1,
    CR_RESET_ON_SEGMENT = 1 << 2,
    CR_RESET_ON_CAPS = 1 << 3, /* not seen here: who opens the session knows */
    CR_RESET_ON_DISCONT = 1 << 4,
    CR_RESET_ON_GAP = 1 << 5,
    CR_RESET_ON_SIGNAL = 1 << 6,
    CR_RESET_ON_EVENT = 1 << 7,
    CR_RESET_ON_WINDOW = 1 << 8,
    CR_RESET_ON_INVALID = 1 << 9,
    CR_RESET_ON_MODEL = 1 << 10,
} CrResetOn;

#define CR_N_RESET_CAUSES 11

/* The cause whose bit is 1 << index: "new-stream" and so on. */
const char *cr_reset_cause_get_name(guint index);

#define CR_RESET_ON_DEFAULT                                                                        \
    (CR_RESET_ON_NEW_STREAM | CR_RESET_ON_FLUSH | CR_RESET_ON_SEGMENT | CR_RESET_ON_CAPS)

typedef struct {
    char *stream_id;
    gboolean has_segment, has_buffer;
    GstSegment segment;
    GstClockTime next;      /* stream time at which the last buffer ended; NONE when unknown */
    GstClockTime tolerance; /* what a following segment may be off by: one frame */
} CrStateRules;

void cr_state_rules_init(CrStateRules *rules);
void cr_state_rules_clear(CrStateRules *rules);

/* The cause that the event is, 0 for none: a stream with another id, the end of a flush, a segment
 * that does not go on where the last buffer ended (the one after a flush belongs to it), a gap. */
CrResetOn cr_state_rules_take_event(CrStateRules *rules, GstEvent *event);

/* Remembers where the stream is; frame_duration is used when the buffer does not say its own. The
 * causes that the buffer's flags are: GAP, and DISCONT unless it is the first buffer, or the first
 * after a flush, before which nothing can be missing. */
CrResetOn cr_state_rules_take_buffer(CrStateRules *rules, GstBuffer *buffer,
                                     GstClockTime frame_duration);

/* The stream runs backwards. */
gboolean cr_state_rules_is_reverse(const CrStateRules *rules);
