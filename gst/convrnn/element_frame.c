/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A frame's way through the element: is it a step, the step, its result, what there is to report.
 */
#include "element.h"

/* --- turns --- */

static gboolean
has_window_ended(GstConvRnn *self)
{
    guint window;

    GST_OBJECT_LOCK(self);
    window = self->state_window;
    GST_OBJECT_UNLOCK(self);
    return window > 0 && convrnn_session_get_step(self->network.session) >= window;
}

static GstClockTime
running_time_now(GstConvRnn *self)
{
    GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self)), now;
    g_autoptr(GstClock) clock = NULL;

    GST_OBJECT_LOCK(self);
    if (GST_STATE(self) == GST_STATE_PLAYING && GST_ELEMENT_CLOCK(self) != NULL)
        clock = gst_object_ref(GST_ELEMENT_CLOCK(self));
    GST_OBJECT_UNLOCK(self);
    if (clock == NULL)
        return GST_CLOCK_TIME_NONE;
    now = gst_clock_get_time(clock);
    return now > base ? now - base : 0;
}

static GstClockTimeDiff
lateness_of(GstConvRnn *self, GstBuffer *buffer)
{
    GstClockTime now = running_time_now(self), time;
    GstClockTimeDiff by;

    time = gst_segment_to_running_time(&GST_BASE_TRANSFORM(self)->segment, GST_FORMAT_TIME,
                                       GST_BUFFER_PTS(buffer));
    GST_OBJECT_LOCK(self);
    by = cr_lateness_of(&self->lateness, time, now, self->max_latency);
    GST_OBJECT_UNLOCK(self);
    return by;
}

static GstClockTime
frame_duration(GstConvRnn *self)
{
    const GstVideoInfo *info = &self->network.info;

    return info->fps_n > 0 ? gst_util_uint64_scale_int(GST_SECOND, info->fps_d, info->fps_n)
                           : GST_CLOCK_TIME_NONE;
}

/* The window that ended with the last step is forgotten only before the next, so that a frame which
 * is skipped in between still belongs to it. */
static CrTurn
take_turn(GstConvRnn *self, GstBuffer *buffer, CrFrameNews *news)
{
    GstClockTimeDiff late_by = 0;
    gboolean skip_late;
    CrTurnRules rules;
    CrTurn turn;

    GST_OBJECT_LOCK(self);
    rules = self->turn_rules;
    skip_late = self->skip_late;
    GST_OBJECT_UNLOCK(self);
    if (skip_late)
        late_by = lateness_of(self, buffer);
    turn = cr_turns_take(&self->turns, &rules, buffer, frame_duration(self), late_by > 0);
    if (turn == CR_TURN_LATE)
        news->late_by = late_by;
    if (turn != CR_TURN_STEP || !has_window_ended(self))
        return turn;
    cr_element_reset_state(self, CR_RESET_ON_WINDOW);
    return cr_turns_take(&self->turns, &rules, buffer, frame_duration(self), FALSE);
}

/* --- the result --- */

static void
describe_result(GstConvRnn *self, GstBuffer *buffer, GstConvRnnMetaInfo *info)
{
    const CrStreamNetwork *network = &self->network;
    GstClockTime pts = GST_BUFFER_PTS(buffer);

    GST_OBJECT_LOCK(self);
    *info = (GstConvRnnMetaInfo){.model = self->loaded->settings.path,
                                 .element = GST_OBJECT_NAME(self),
                                 .generation = self->stats.generation};
    GST_OBJECT_UNLOCK(self);
    info->step = convrnn_session_get_step(network->session);
    info->flags =
        GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) ? GST_CONVRNN_META_DISCONT : 0;
    info->frame_width = network->info.width;
    info->frame_height = network->info.height;
    info->model_width = network->width;
    info->model_height = network->height;
    info->scale_x = network->mapping.scale_x;
    info->scale_y = network->mapping.scale_y;
    info->offset_x = network->mapping.offset_x;
    info->offset_y = network->mapping.offset_y;
    info->pts_delta = GST_CLOCK_TIME_IS_VALID(pts) && GST_CLOCK_TIME_IS_VALID(self->last_pts)
                          ? GST_CLOCK_DIFF(self->last_pts, pts)
                          : -1;
}

static void
post_result(GstConvRnn *self, GstBuffer *buffer, GstCustomMeta *meta)
{
    const GstSegment *segment = &GST_BASE_TRANSFORM(self)->segment;
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    GstStructure *result;

    result = gst_structure_copy(gst_custom_meta_get_structure(meta));
    gst_structure_set_name(result, "convrnn");
    gst_structure_set(result, "pts", G_TYPE_UINT64, pts, "duration", G_TYPE_UINT64,
                      GST_BUFFER_DURATION(buffer), "stream-time", G_TYPE_UINT64,
                      gst_segment_to_stream_time(segment, GST_FORMAT_TIME, pts), "running-time",
                      G_TYPE_UINT64, gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts),
                      NULL);
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), result));
}

/* --- the step --- */

static gboolean
run_step(GstConvRnn *self, GstBuffer *buffer, GstConvRnnMetaInfo *info, CrStepTimes *times,
         CrFrameNews *news)
{
    GstClockTime begin = gst_util_get_timestamp(), converted;
    ConvRnnStepFlags flags;
    GstVideoFrame frame;

    if (!gst_video_frame_map(&frame, &self->network.info, buffer,
                             GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
        news->unmappable = TRUE;
        return FALSE;
    }
    if (info->step == 0)
        info->flags |= GST_CONVRNN_META_RESET;
    cr_stream_network_convert(&self->network, &frame);
    gst_video_frame_unmap(&frame);
    converted = gst_util_get_timestamp();
    flags = cr_stream_network_step(&self->network);
    self->last_pts = GST_BUFFER_PTS(buffer);
    times->convert = converted - begin;
    times->step = gst_util_get_timestamp() - converted;
    if (flags & CONVRNN_STEP_STATE_RESET) {
        info->flags |= GST_CONVRNN_META_STATE_INVALID;
        news->state_invalid = TRUE;
        cr_element_begin_generation(self, CR_RESET_ON_INVALID);
    }
    return TRUE;
}

/* One line for each step in the form of GstTracer's records, which programs can read: a structure.
 */
static void
log_step(GstConvRnn *self, GstBuffer *buffer, const GstConvRnnMetaInfo *info,
         const CrStepTimes *times)
{
    GST_TRACE_OBJECT(self,
                     "convrnn-step, element=(string)%s, step=(guint64)%" G_GUINT64_FORMAT
                     ", generation=(guint64)%" G_GUINT64_FORMAT
                     ", flags=(uint)%u, pts=(guint64)%" G_GUINT64_FORMAT
                     ", convert-ns=(guint64)%" G_GUINT64_FORMAT
                     ", step-ns=(guint64)%" G_GUINT64_FORMAT
                     ", attach-ns=(guint64)%" G_GUINT64_FORMAT ";",
                     info->element, info->step, info->generation, (guint)info->flags,
                     GST_BUFFER_PTS(buffer), times->convert, times->step, times->attach);
}

static GstCustomMeta *
make_step(GstConvRnn *self, GstBuffer *buffer, GstConvRnnMetaInfo *info, CrFrameNews *news)
{
    GstClockTime begin;
    GstCustomMeta *meta;
    CrStepTimes times;
    guint top_k;

    if (!run_step(self, buffer, info, &times, news))
        return NULL;
    begin = gst_util_get_timestamp();
    meta = gst_convrnn_meta_add(buffer, info);
    GST_OBJECT_LOCK(self);
    top_k = self->top_k;
    GST_OBJECT_UNLOCK(self);
    if (!cr_stream_network_add_outputs(&self->network, meta, top_k))
        news->no_memory = TRUE;
    times.attach = gst_util_get_timestamp() - begin;
    news->latency_changed |= cr_element_count_step(self, &times);
    log_step(self, buffer, info, &times);
    return meta;
}

static GstCustomMeta *
make_skip(GstConvRnn *self, GstBuffer *buffer, GstConvRnnMetaInfo *info, CrTurn turn)
{
    GstCustomMeta *meta;

    info->flags |= GST_CONVRNN_META_SKIPPED;
    cr_element_count_skip(self, turn);
    meta = gst_convrnn_meta_add(buffer, info);
    gst_structure_set(gst_custom_meta_get_structure(meta), "skip-cause", G_TYPE_STRING,
                      cr_turn_get_name(turn), NULL);
    GST_TRACE_OBJECT(
        self,
        "convrnn-skip, element=(string)%s, cause=(string)%s, step=(guint64)%" G_GUINT64_FORMAT
        ", pts=(guint64)%" G_GUINT64_FORMAT ";",
        info->element, cr_turn_get_name(turn), info->step, GST_BUFFER_PTS(buffer));
    return meta;
}

void
cr_frame_begin(GstConvRnn *self, CrFrame *frame)
{
    frame->news.latency_changed = cr_element_take_swap(self);
    cr_element_reset_if_wanted(self);
    frame->turn = take_turn(self, frame->buffer, &frame->news);
    describe_result(self, frame->buffer, &frame->info);
}

void
cr_frame_run(GstConvRnn *self, CrFrame *frame)
{
    frame->meta = frame->turn == CR_TURN_STEP
                      ? make_step(self, frame->buffer, &frame->info, &frame->news)
                      : make_skip(self, frame->buffer, &frame->info, frame->turn);
}

/* --- what there is to report --- */

static void
report_invalid_state(GstConvRnn *self, const GstConvRnnMetaInfo *info)
{
    GST_ELEMENT_WARNING(self, STREAM, FAILED,
                        ("A NaN or an infinity came up in the state of model \"%s\" in step "
                         "%" G_GUINT64_FORMAT ". The state has been reset.",
                         info->model, info->step),
                        ("frame %dx%d", info->frame_width, info->frame_height));
}

/* As the base classes do for a frame that they drop; this one goes on. */
static void
report_late(GstConvRnn *self, GstBuffer *buffer, GstClockTimeDiff by)
{
    const GstSegment *segment = &GST_BASE_TRANSFORM(self)->segment;
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    guint64 processed, skipped;
    double proportion;
    gboolean live;
    GstMessage *message;

    GST_OBJECT_LOCK(self);
    processed = self->stats.turns[CR_TURN_STEP];
    skipped = self->stats.turns[CR_TURN_LATE];
    proportion = self->lateness.proportion;
    live = self->live;
    GST_OBJECT_UNLOCK(self);
    message = gst_message_new_qos(GST_OBJECT(self), live,
                                  gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts),
                                  gst_segment_to_stream_time(segment, GST_FORMAT_TIME, pts), pts,
                                  GST_BUFFER_DURATION(buffer));
    gst_message_set_qos_values(message, by, proportion, 1000000);
    gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, processed, skipped);
    gst_element_post_message(GST_ELEMENT(self), message);
}

static GstFlowReturn
report_news(GstConvRnn *self, GstBuffer *buffer, const GstConvRnnMetaInfo *info,
            const CrFrameNews *news)
{
    if (news->unmappable)
        GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                          ("A buffer of %" G_GSIZE_FORMAT " bytes is no frame of %dx%d %s.",
                           gst_buffer_get_size(buffer), info->frame_width, info->frame_height,
                           gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&self->network.info))),
                          (NULL));
    if (news->no_memory)
        GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT,
                          ("No memory for the outputs of model \"%s\".", info->model), (NULL));
    if (news->late_by > 0)
        report_late(self, buffer, news->late_by);
    if (news->latency_changed)
        gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    /* One message for a run of such frames. */
    if (news->state_invalid && !self->invalid_reported)
        report_invalid_state(self, info);
    if (!(info->flags & GST_CONVRNN_META_SKIPPED))
        self->invalid_reported = news->state_invalid;
    return news->unmappable || news->no_memory ? GST_FLOW_ERROR : GST_FLOW_OK;
}

GstFlowReturn
cr_frame_tell(GstConvRnn *self, const CrFrame *frame)
{
    GstFlowReturn flow = report_news(self, frame->buffer, &frame->info, &frame->news);
    gboolean post;

    GST_OBJECT_LOCK(self);
    post = self->post_messages;
    GST_OBJECT_UNLOCK(self);
    if (post && flow == GST_FLOW_OK)
        post_result(self, frame->buffer, frame->meta);
    return flow;
}

/* --- frames --- */

GstFlowReturn
cr_frame_admit(GstConvRnn *self, CrFrame *frame, GstBuffer *buffer)
{
    *frame = (CrFrame){.buffer = buffer};
    if (self->network.session == NULL)
        return GST_FLOW_NOT_NEGOTIATED;
    cr_element_take_causes(self,
                           cr_state_rules_take_buffer(&self->rules, buffer, frame_duration(self)),
                           "a flag of a buffer");
    frame->passes = cr_state_rules_is_reverse(&self->rules);
    if (frame->passes && !self->reverse_reported)
        GST_ELEMENT_WARNING(self, STREAM, NOT_IMPLEMENTED,
                            ("The stream plays backwards, and a recurrent network runs forward "
                             "only. Frames pass without results until it plays forward again."),
                            ("rate %f", self->rules.segment.rate));
    self->reverse_reported |= frame->passes;
    return GST_FLOW_OK;
}

GstFlowReturn
cr_element_transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    CrFrame frame;
    GstFlowReturn flow = cr_frame_admit(self, &frame, buffer);

    if (flow != GST_FLOW_OK || frame.passes)
        return flow;
    cr_element_lock_session(self);
    cr_frame_begin(self, &frame);
    cr_frame_run(self, &frame);
    cr_element_unlock_session(self);
    return cr_frame_tell(self, &frame);
}
