/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps in a thread of their own: while it looks at a frame, the streaming thread pushes the one
 * before and takes the next. The element holds one frame at a time, so that frames, steps and
 * events keep their order; all pushing is done by the streaming thread. */
#include "element.h"

/* --- the session lock --- */

void
cr_element_lock_session(GstConvRnn *self)
{
    g_mutex_lock(&self->session_lock);
    while (self->stepping)
        g_cond_wait(&self->session_cond, &self->session_lock);
}

void
cr_element_unlock_session(GstConvRnn *self)
{
    g_mutex_unlock(&self->session_lock);
}

/* The thread has the session for itself from the moment that `stepping` is set, which is before the
 * streaming thread gives the lock back: nobody gets in between. */
static void
step_aside(GstConvRnn *self)
{
    g_mutex_unlock(&self->session_lock);
    cr_frame_run(self, &self->held);
    g_mutex_lock(&self->session_lock);
    self->stepping = FALSE;
    g_cond_broadcast(&self->session_cond);
}

static gpointer
make_steps(gpointer data)
{
    GstConvRnn *self = data;

    g_mutex_lock(&self->session_lock);
    while (self->stepping || !self->end_of_aside)
        if (self->stepping)
            step_aside(self);
        else
            g_cond_wait(&self->session_cond, &self->session_lock);
    g_mutex_unlock(&self->session_lock);
    return NULL;
}

/* --- the frame that is held --- */

static void
begin_step(GstConvRnn *self)
{
    cr_element_lock_session(self);
    cr_frame_begin(self, &self->held);
    self->stepping = TRUE;
    g_cond_broadcast(&self->session_cond);
    cr_element_unlock_session(self);
}

static void
wait_for_step(GstConvRnn *self)
{
    cr_element_lock_session(self);
    cr_element_unlock_session(self);
}

/* The frame has its result, and what there is to tell of it is told. */
static GstFlowReturn
settle(GstConvRnn *self)
{
    GstFlowReturn flow = GST_FLOW_OK;

    if (self->held.buffer == NULL || self->held_is_told)
        return GST_FLOW_OK;
    wait_for_step(self);
    if (!self->held.passes)
        flow = cr_frame_tell(self, &self->held);
    self->held_is_told = TRUE;
    if (flow != GST_FLOW_OK)
        gst_clear_buffer(&self->held.buffer);
    return flow;
}

static GstFlowReturn
push(GstConvRnn *self, GstBuffer *frame)
{
    return frame ? gst_pad_push(GST_BASE_TRANSFORM_SRC_PAD(self), frame) : GST_FLOW_OK;
}

GstFlowReturn
cr_element_push_held(GstConvRnn *self)
{
    GstFlowReturn flow = settle(self);

    return flow == GST_FLOW_OK ? push(self, g_steal_pointer(&self->held.buffer)) : flow;
}

void
cr_element_drop_held(GstConvRnn *self)
{
    settle(self);
    gst_clear_buffer(&self->held.buffer);
}

/* --- from start to stop --- */

gboolean
cr_element_start_aside(GstConvRnn *self)
{
    g_autoptr(GError) error = NULL;
    gboolean async;

    GST_OBJECT_LOCK(self);
    async = self->async;
    GST_OBJECT_UNLOCK(self);
    if (!async)
        return TRUE;
    self->end_of_aside = FALSE;
    self->aside = g_thread_try_new("convrnn-aside", make_steps, self, &error);
    if (self->aside == NULL)
        GST_ELEMENT_ERROR(self, RESOURCE, FAILED,
                          ("There is no thread for async=true: %s.", error->message), (NULL));
    return self->aside != NULL;
}

void
cr_element_stop_aside(GstConvRnn *self)
{
    if (self->aside == NULL)
        return;
    cr_element_lock_session(self);
    self->end_of_aside = TRUE;
    g_cond_broadcast(&self->session_cond);
    cr_element_unlock_session(self);
    g_thread_join(g_steal_pointer(&self->aside));
    gst_clear_buffer(&self->held.buffer);
}

/* --- what the base class calls for each frame --- */

/* It may negotiate anew and so change the network: not before the frame that is held has been
 * settled with the old one. */
GstFlowReturn
cr_element_submit_input_buffer(GstBaseTransform *trans, gboolean discont, GstBuffer *input)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    GstFlowReturn flow = settle(self);

    if (flow != GST_FLOW_OK) {
        gst_buffer_unref(input);
        return flow;
    }
    flow = cr_element_base_class->submit_input_buffer(trans, discont, input);
    if (flow != GST_FLOW_OK)
        cr_element_push_held(self);
    return flow;
}

/* The frame before goes on while the step is being made. It is pushed here since the base class
 * would give it this frame's flag DISCONT. */
GstFlowReturn
cr_element_generate_output(GstBaseTransform *trans, GstBuffer **output)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    GstBuffer *input, *before, *frame = NULL;
    GstFlowReturn flow, pushed;

    if (self->aside == NULL)
        return cr_element_base_class->generate_output(trans, output);
    *output = NULL;
    if ((input = g_steal_pointer(&trans->queued_buf)) == NULL)
        return GST_FLOW_OK;
    flow = GST_BASE_TRANSFORM_GET_CLASS(trans)->prepare_output_buffer(trans, input, &frame);
    if (frame != input)
        gst_buffer_unref(input);
    before = g_steal_pointer(&self->held.buffer);
    if (flow == GST_FLOW_OK)
        flow = cr_frame_admit(self, &self->held, frame);
    self->held_is_told = FALSE;
    if (flow != GST_FLOW_OK)
        gst_clear_buffer(&self->held.buffer);
    else if (!self->held.passes)
        begin_step(self);
    pushed = push(self, before);
    return flow != GST_FLOW_OK ? flow : pushed;
}
