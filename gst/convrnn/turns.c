/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turns.h"

/* A stream whose every frame is late has a step this often nevertheless, as sinks show a late frame
 * from time to time: a state that never moves on is of no use. */
#define LONGEST_LATE_TIME GST_SECOND

const char *
cr_turn_get_name(CrTurn turn)
{
    static const char *const names[CR_N_TURNS] = {"step", "interval", "gap", "framerate", "late"};

    return names[turn];
}

void
cr_turns_begin(CrTurns *turns)
{
    *turns = (CrTurns){0, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE};
}

/* Time since the first step is cut into slots of one step each, and a frame belongs to the one of
 * the nearest edge: frames of a camera come a little early or late. Nothing but the times of the
 * frames decides, so that every run has the same steps. */
static guint64
slot_of(const CrTurns *turns, const CrTurnRules *rules, GstClockTime pts, GstClockTime tolerance)
{
    return gst_util_uint64_scale(pts - turns->first + tolerance, (guint64)rules->fps_n,
                                 (guint64)rules->fps_d * GST_SECOND);
}

static gboolean
is_too_soon(const CrTurns *turns, const CrTurnRules *rules, GstBuffer *frame,
            GstClockTime frame_duration)
{
    GstClockTime pts = GST_BUFFER_PTS(frame), duration = GST_BUFFER_DURATION(frame), tolerance;

    if (rules->fps_n <= 0 || !GST_CLOCK_TIME_IS_VALID(pts) ||
        !GST_CLOCK_TIME_IS_VALID(turns->last) || pts < turns->last)
        return FALSE;
    if (!GST_CLOCK_TIME_IS_VALID(duration))
        duration = GST_CLOCK_TIME_IS_VALID(frame_duration) ? frame_duration : 0;
    tolerance = gst_util_uint64_scale(GST_SECOND, (guint64)rules->fps_d, (guint64)rules->fps_n * 2);
    tolerance = MIN(duration / 2, tolerance);
    return slot_of(turns, rules, pts, tolerance) <= slot_of(turns, rules, turns->last, tolerance);
}

static gboolean
is_overdue(const CrTurns *turns, GstBuffer *frame)
{
    GstClockTime pts = GST_BUFFER_PTS(frame);

    return !GST_CLOCK_TIME_IS_VALID(pts) || !GST_CLOCK_TIME_IS_VALID(turns->last) ||
           pts < turns->last || pts - turns->last >= LONGEST_LATE_TIME;
}

static void
take_step(CrTurns *turns, const CrTurnRules *rules, GstBuffer *frame)
{
    GstClockTime pts = GST_BUFFER_PTS(frame);

    turns->until_step = rules->interval - 1;
    if (!GST_CLOCK_TIME_IS_VALID(turns->last) || !GST_CLOCK_TIME_IS_VALID(pts) || pts < turns->last)
        turns->first = pts;
    turns->last = pts;
}

CrTurn
cr_turns_take(CrTurns *turns, const CrTurnRules *rules, GstBuffer *frame,
              GstClockTime frame_duration, gboolean late)
{
    turns->until_step = MIN(turns->until_step, rules->interval - 1);
    if (turns->until_step > 0) {
        turns->until_step--;
        return CR_TURN_INTERVAL;
    }
    if (GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_GAP))
        return CR_TURN_GAP;
    if (is_too_soon(turns, rules, frame, frame_duration))
        return CR_TURN_FRAMERATE;
    if (late && !is_overdue(turns, frame))
        return CR_TURN_LATE;
    take_step(turns, rules, frame);
    return CR_TURN_STEP;
}
