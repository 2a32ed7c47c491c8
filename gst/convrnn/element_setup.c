/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the properties and the caps to a session: start, stop, and another kind of frames. */
#include "element.h"
#include "model_error.h"
#include <convrnn/cpu.h>

static void
post_error(GstConvRnn *self, const char *path, const char *what, const GError *error)
{
    g_autofree char *text = g_strdup_printf("%s \"%s\"", what, path);

    cr_model_error_post(GST_ELEMENT(self), GST_MESSAGE_ERROR, path, text, error);
}

/* --- start and stop --- */

gboolean
cr_element_stop(GstBaseTransform *trans)
{
    GstConvRnn *self = GST_CONVRNN(trans);

    cr_element_stop_aside(self);
    cr_element_write_state_file(self);
    cr_element_stop_swapping(self);
    cr_element_lock_session(self);
    cr_stream_network_close(&self->network);
    cr_element_set_next_state(self, NULL, NULL);
    g_clear_pointer(&self->loaded, cr_loaded_model_free);
    cr_element_unlock_session(self);
    cr_state_rules_clear(&self->rules);
    return TRUE;
}

static void
begin(GstConvRnn *self)
{
    GST_OBJECT_LOCK(self);
    self->stats = (CrElementStats){0};
    self->frame_delay = 0;
    cr_lateness_init(&self->lateness);
    GST_OBJECT_UNLOCK(self);
    cr_turns_begin(&self->turns);
    self->last_pts = GST_CLOCK_TIME_NONE;
    self->reverse_reported = self->invalid_reported = self->caps_refused = FALSE;
    g_atomic_int_set(&self->reset_wanted, 0);
}

gboolean
cr_element_start(GstBaseTransform *trans)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    g_autoptr(GError) error = NULL;
    CrModelSettings settings;
    const char *what;

    begin(self);
    settings = cr_element_start_swapping(self);
    if (settings.path == NULL || *settings.path == '\0')
        GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND,
                          ("No model is set. Set the property \"model\" to an ONNX file."), (NULL));
    else if ((self->loaded = cr_loaded_model_new(&settings, &what, &error)) == NULL)
        post_error(self, settings.path, what, error);
    else
        cr_element_load_state_file(self);
    cr_model_settings_clear(&settings);
    if (self->loaded != NULL && cr_element_start_aside(self))
        return TRUE;
    cr_element_stop_swapping(self);
    g_clear_pointer(&self->loaded, cr_loaded_model_free);
    return FALSE;
}

/* --- caps --- */

void
cr_element_use_network(GstConvRnn *self)
{
    ConvRnnSessionStats sizes;

    convrnn_session_get_stats(self->network.session, &sizes);
    GST_OBJECT_LOCK(self);
    self->stats.state_bytes = sizes.state_bytes;
    self->stats.precision = cr_element_get_precision_name(sizes.precision);
    GST_OBJECT_UNLOCK(self);
    GST_INFO_OBJECT(
        self, "model %s for %dx%d: input \"%s\", %u states, first step %" GST_TIME_FORMAT,
        self->loaded->settings.path, self->network.width, self->network.height,
        self->network.image.info->name, convrnn_session_get_n_states(self->network.session),
        GST_TIME_ARGS(self->network.first_step_ns));
}

void
cr_element_check_precision(GstConvRnn *self, ConvRnnPrecision wanted,
                           const CrStreamNetwork *network)
{
    ConvRnnSessionStats stats;

    convrnn_session_get_stats(network->session, &stats);
    if (wanted != CONVRNN_PRECISION_AUTO && stats.precision != wanted)
        GST_ELEMENT_WARNING(self, LIBRARY, SETTINGS,
                            ("precision=%s needs a processor with AMX, and the network runs on the "
                             "instruction set \"%s\": it computes in %s.",
                             cr_element_get_precision_name(wanted), convrnn_cpu_get_level(),
                             cr_element_get_precision_name(stats.precision)),
                            (NULL));
}

static void
close_network(GstConvRnn *self)
{
    cr_element_lock_session(self);
    if (self->network.session != NULL && convrnn_session_get_step(self->network.session) > 0)
        cr_element_begin_generation(self, CR_RESET_ON_CAPS);
    cr_stream_network_close(&self->network);
    cr_element_unlock_session(self);
}

static gboolean
open_network(GstConvRnn *self, const GstVideoInfo *info, GError **error)
{
    gboolean opened;

    close_network(self);
    cr_element_lock_session(self);
    opened = cr_stream_network_open(&self->network, self->loaded, info, error);
    cr_element_unlock_session(self);
    if (!opened)
        return FALSE;
    cr_element_take_next_state(self);
    cr_element_use_network(self);
    cr_element_check_precision(self, self->loaded->settings.precision, &self->network);
    GST_OBJECT_LOCK(self);
    if (self->stats.latency.ns == 0)
        cr_steady_latency_start(&self->stats.latency, self->network.first_step_ns);
    GST_OBJECT_UNLOCK(self);
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    return TRUE;
}

static gboolean
set_up_network(GstConvRnn *self, const GstVideoInfo *info, GError **error)
{
    g_autoptr(GError) adapt_error = NULL;
    gboolean same = TRUE, adapted;

    cr_element_lock_session(self);
    adapted = cr_stream_network_adapt(&self->network, self->loaded, info, &same, &adapt_error);
    cr_element_unlock_session(self);
    if (adapted) {
        if (!same)
            cr_element_take_causes(self, CR_RESET_ON_CAPS, "another frame geometry");
        return TRUE;
    }
    if (adapt_error != NULL) {
        g_propagate_error(error, g_steal_pointer(&adapt_error));
        return FALSE;
    }
    return open_network(self, info, error);
}

static gboolean
check_caps(GstConvRnn *self, GstCaps *caps, GstVideoInfo *info, GError **error)
{
    if (!gst_video_info_from_caps(info, caps)) {
        g_set_error(error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                    "The caps are not understood. Put the element videoconvert before convrnn");
        return FALSE;
    }
    if (GST_VIDEO_INFO_IS_INTERLACED(info)) {
        g_set_error(error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
                    "The video is interlaced (interlace-mode=%s), and a network needs whole "
                    "frames. Put the element deinterlace before convrnn",
                    gst_video_interlace_mode_to_string(GST_VIDEO_INFO_INTERLACE_MODE(info)));
        return FALSE;
    }
    return TRUE;
}

/* With async, a frame waits for the next. TRUE when that changes how long. */
static gboolean
take_frame_rate(GstConvRnn *self, const GstVideoInfo *info)
{
    GstClockTime delay = 0, before;

    if (self->aside != NULL && info->fps_n > 0)
        delay = gst_util_uint64_scale_int(GST_SECOND, info->fps_d, info->fps_n);
    GST_OBJECT_LOCK(self);
    before = self->frame_delay;
    self->frame_delay = delay;
    GST_OBJECT_UNLOCK(self);
    return delay != before;
}

gboolean
cr_element_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    g_autoptr(GError) error = NULL;
    gboolean swapped, delayed;
    GstVideoInfo info;

    cr_element_lock_session(self);
    swapped = cr_element_take_swap(self);
    cr_element_unlock_session(self);
    if (swapped)
        gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    gst_video_info_init(&info);
    if (check_caps(self, in, &info, &error)) {
        delayed = take_frame_rate(self, &info);
        if (set_up_network(self, &info, &error)) {
            self->caps_refused = FALSE;
            if (delayed)
                gst_element_post_message(GST_ELEMENT(self),
                                         gst_message_new_latency(GST_OBJECT(self)));
            return TRUE;
        }
    }
    close_network(self);
    if (!self->caps_refused) {
        g_autofree char *what = g_strdup_printf("Cannot run frames of %dx%d through the model",
                                                info.width, info.height);

        post_error(self, self->loaded->settings.path, what, error);
    }
    self->caps_refused = TRUE;
    return FALSE;
}
