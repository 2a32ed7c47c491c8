/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which frames are steps of the network, and why the others are not. Knows no network. One
 * streaming thread.
 *
 * The first frame after a reset is a step, however late. After that a frame is one when every rule
 * lets it: where the frame whose turn it is may not be a step, the next that may takes its place.
 */
#pragma once

#include <gst/gst.h>

typedef enum {
    CR_TURN_STEP,
    CR_TURN_INTERVAL,  /* between two steps of inference-interval */
    CR_TURN_GAP,       /* flagged GAP: there is no picture */
    CR_TURN_FRAMERATE, /* between two steps of target-framerate */
    CR_TURN_LATE,      /* and late frames are skipped */
    CR_N_TURNS,
} CrTurn;

/* "interval" and so on. */
const char *cr_turn_get_name(CrTurn turn);

typedef struct {
    guint interval;   /* every so many frames; ≥ 1 */
    int fps_n, fps_d; /* at most so many steps per second; 0/1 for any number */
} CrTurnRules;

typedef struct {
    guint until_step;         /* frames to pass before the next step */
    GstClockTime first, last; /* PTS of the first step after a reset, and of the last; NONE */
} CrTurns;

/* The state starts afresh: so do the rules. */
void cr_turns_begin(CrTurns *turns);

/* What the frame is, and takes note of it. `frame_duration` is used when the buffer does not say
 * its own; it may be NONE. */
CrTurn cr_turns_take(CrTurns *turns, const CrTurnRules *rules, GstBuffer *frame,
                     GstClockTime frame_duration, gboolean late);
