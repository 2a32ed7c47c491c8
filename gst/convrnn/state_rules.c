/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state_rules.h"

/* Assumed when neither buffer nor caps tell how long a frame lasts. */
#define USUAL_FRAME (40 * GST_MSECOND)

const char *
cr_reset_cause_get_name(guint index)
{
    static const char *const names[CR_N_RESET_CAUSES] = {
        "new-stream", "flush", "segment", "caps",          "discont", "gap",
        "signal",     "event", "window",  "state-invalid", "model"};

    return names[index];
}

static void
forget_position(CrStateRules *rules)
{
    rules->has_segment = rules->has_buffer = FALSE;
    rules->next = GST_CLOCK_TIME_NONE;
    rules->tolerance = USUAL_FRAME;
    gst_segment_init(&rules->segment, GST_FORMAT_TIME);
}

void
cr_state_rules_init(CrStateRules *rules)
{
    rules->stream_id = NULL;
    forget_position(rules);
}

void
cr_state_rules_clear(CrStateRules *rules)
{
    g_clear_pointer(&rules->stream_id, g_free);
    forget_position(rules);
}

/* Sources send their segment again, or with a stop that has grown. */
static gboolean
is_same_segment(const GstSegment *a, const GstSegment *b)
{
    return a->format == b->format && a->rate == b->rate && a->applied_rate == b->applied_rate &&
           a->base == b->base && a->offset == b->offset && a->start == b->start &&
           a->time == b->time;
}

/* Where the stream is in its own time is what counts: a new segment may put the same pictures at
 * another running time (a pause of a live source, a change of speed), and a loop or a playlist may
 * go on in running time with other pictures. */
static gboolean
is_contiguous(const CrStateRules *rules, const GstSegment *next)
{
    const GstSegment *last = &rules->segment;
    GstClockTime jump;

    if (!rules->has_segment || is_same_segment(last, next))
        return TRUE;
    if (last->format != GST_FORMAT_TIME || next->format != GST_FORMAT_TIME ||
        (last->rate < 0) != (next->rate < 0) || !GST_CLOCK_TIME_IS_VALID(rules->next) ||
        !GST_CLOCK_TIME_IS_VALID(next->time))
        return FALSE;
    jump = next->time > rules->next ? next->time - rules->next : rules->next - next->time;
    return jump <= rules->tolerance;
}

static gboolean
take_segment(CrStateRules *rules, GstEvent *event)
{
    const GstSegment *segment;
    gboolean reset;

    gst_event_parse_segment(event, &segment);
    reset = !is_contiguous(rules, segment);
    gst_segment_copy_into(segment, &rules->segment);
    rules->has_segment = TRUE;
    return reset;
}

static gboolean
take_stream_start(CrStateRules *rules, GstEvent *event)
{
    const char *id;
    gboolean reset;

    gst_event_parse_stream_start(event, &id);
    reset = rules->stream_id != NULL && g_strcmp0(id, rules->stream_id) != 0;
    g_free(rules->stream_id);
    rules->stream_id = g_strdup(id);
    return reset;
}

CrResetOn
cr_state_rules_take_event(CrStateRules *rules, GstEvent *event)
{
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START:
        return take_stream_start(rules, event) ? CR_RESET_ON_NEW_STREAM : 0;
    case GST_EVENT_SEGMENT:
        return take_segment(rules, event) ? CR_RESET_ON_SEGMENT : 0;
    case GST_EVENT_FLUSH_STOP:
        forget_position(rules);
        return CR_RESET_ON_FLUSH;
    case GST_EVENT_GAP:
        return CR_RESET_ON_GAP;
    default:
        return 0;
    }
}

CrResetOn
cr_state_rules_take_buffer(CrStateRules *rules, GstBuffer *buffer, GstClockTime frame_duration)
{
    GstClockTime pts = GST_BUFFER_PTS(buffer), duration = GST_BUFFER_DURATION(buffer);
    CrResetOn causes = 0;

    if (rules->has_buffer && GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT))
        causes |= CR_RESET_ON_DISCONT;
    if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP))
        causes |= CR_RESET_ON_GAP;
    rules->has_buffer = TRUE;
    rules->next = GST_CLOCK_TIME_NONE;
    if (!GST_CLOCK_TIME_IS_VALID(duration))
        duration = GST_CLOCK_TIME_IS_VALID(frame_duration) ? frame_duration : USUAL_FRAME;
    rules->tolerance = MAX(duration, GST_MSECOND);
    if (rules->segment.format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID(pts))
        rules->next = gst_segment_to_stream_time(&rules->segment, GST_FORMAT_TIME, pts + duration);
    return causes;
}

gboolean
cr_state_rules_is_reverse(const CrStateRules *rules)
{
    return rules->has_segment && rules->segment.rate < 0;
}
