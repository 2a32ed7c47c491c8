/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another model while the stream runs. It is loaded, checked and opened for the frames of the
 * stream in a thread of its own, and takes the old one's place between two frames; until then, and
 * when anything about it is wrong, the old one goes on. */
#include "element.h"
#include "model_error.h"

typedef struct {
    CrModelSettings settings;
    guint serial;
} Request;

static void
request_free(gpointer data)
{
    Request *request = data;

    cr_model_settings_clear(&request->settings);
    g_free(request);
}

/* Nobody has asked for another model since, and the element has not stopped. Under the object lock.
 */
static gboolean
is_wanted(const GstConvRnn *self, const Request *request)
{
    return self->started && self->swap_serial == request->serial;
}

static gboolean
is_wanted_now(GstConvRnn *self, const Request *request)
{
    gboolean wanted;

    GST_OBJECT_LOCK(self);
    wanted = is_wanted(self, request);
    GST_OBJECT_UNLOCK(self);
    return wanted;
}

/* Under the session lock. */
static void
drop_next(GstConvRnn *self)
{
    cr_stream_network_close(&self->next_network);
    g_clear_pointer(&self->next, cr_loaded_model_free);
}

/* --- in a thread of its own --- */

/* The property names the model that goes on, unless another has been set since. */
static gboolean
take_back(GstConvRnn *self, const Request *request, const char *old)
{
    gboolean wanted;

    GST_OBJECT_LOCK(self);
    wanted = is_wanted(self, request);
    if (wanted) {
        g_free(self->set.path);
        self->set.path = g_strdup(old);
    }
    GST_OBJECT_UNLOCK(self);
    return wanted;
}

static void
refuse(GstConvRnn *self, const Request *request, const char *what, const GError *error)
{
    g_autofree char *old = NULL, *text = NULL;

    cr_element_lock_session(self);
    old = self->loaded ? g_strdup(self->loaded->settings.path) : NULL;
    cr_element_unlock_session(self);
    if (old == NULL || !take_back(self, request, old))
        return;
    g_object_notify(G_OBJECT(self), "model");
    text = g_strdup_printf("The model \"%s\" goes on. %s \"%s\"", old, what,
                           request->settings.path ? request->settings.path : "");
    cr_model_error_post(GST_ELEMENT(self), GST_MESSAGE_WARNING, request->settings.path, text,
                        error);
}

/* What frames there are; FALSE: none yet. */
static gboolean
get_frames(GstConvRnn *self, GstVideoInfo *info)
{
    gboolean open;

    cr_element_lock_session(self);
    open = self->network.session != NULL;
    *info = self->network.info;
    cr_element_unlock_session(self);
    return open;
}

static void
hand_over(GstConvRnn *self, const Request *request, CrLoadedModel *loaded, CrStreamNetwork *network)
{
    gboolean wanted;

    cr_element_lock_session(self);
    wanted = is_wanted_now(self, request);
    if (wanted) {
        drop_next(self);
        self->next = loaded;
        self->next_network = *network;
    }
    cr_element_unlock_session(self);
    if (wanted)
        return;
    cr_stream_network_close(network);
    cr_loaded_model_free(loaded);
}

static void
load_next(GstElement *element, gpointer data)
{
    GstConvRnn *self = GST_CONVRNN(element);
    const Request *request = data;
    g_autoptr(GError) error = NULL;
    CrStreamNetwork network = {0};
    CrLoadedModel *loaded;
    const char *what;
    GstVideoInfo info;

    if (!is_wanted_now(self, request))
        return;
    loaded = cr_loaded_model_new(&request->settings, &what, &error);
    if (loaded != NULL && get_frames(self, &info) &&
        !cr_stream_network_open(&network, loaded, &info, &error)) {
        g_clear_pointer(&loaded, cr_loaded_model_free);
        what = "Cannot run the frames of the stream through the model";
    }
    if (network.session != NULL)
        cr_element_check_precision(self, request->settings.precision, &network);
    if (loaded == NULL)
        refuse(self, request, what, error);
    else
        hand_over(self, request, loaded, &network);
}

void
cr_element_request_swap(GstConvRnn *self)
{
    Request *request = NULL;

    GST_OBJECT_LOCK(self);
    if (self->started) {
        request = g_new0(Request, 1);
        request->settings = cr_model_settings_copy(&self->set);
        request->serial = ++self->swap_serial;
    }
    GST_OBJECT_UNLOCK(self);
    if (request != NULL)
        gst_element_call_async(GST_ELEMENT(self), load_next, request, request_free);
}

/* --- start and stop --- */

CrModelSettings
cr_element_start_swapping(GstConvRnn *self)
{
    CrModelSettings settings;

    GST_OBJECT_LOCK(self);
    self->started = TRUE;
    settings = cr_model_settings_copy(&self->set);
    GST_OBJECT_UNLOCK(self);
    return settings;
}

void
cr_element_stop_swapping(GstConvRnn *self)
{
    GST_OBJECT_LOCK(self);
    self->started = FALSE;
    self->swap_serial++;
    GST_OBJECT_UNLOCK(self);
    cr_element_lock_session(self);
    drop_next(self);
    cr_element_unlock_session(self);
}

/* --- between two frames --- */

static gboolean
fits_frames(const GstConvRnn *self)
{
    const CrStreamNetwork *now = &self->network, *next = &self->next_network;

    if (now->session == NULL || next->session == NULL)
        return now->session == next->session;
    return gst_video_info_is_equal(&now->info, &next->info);
}

static void
replace_network(GstConvRnn *self)
{
    gboolean kept, used;

    cr_element_reset_if_wanted(self);
    used = convrnn_session_get_step(self->network.session) > 0;
    kept = convrnn_session_adopt_state(self->next_network.session, self->network.session, NULL);
    cr_stream_network_close(&self->network);
    self->network = self->next_network;
    self->next_network = (CrStreamNetwork){0};
    if (used && !kept)
        cr_element_begin_generation(self, CR_RESET_ON_MODEL);
    GST_OBJECT_LOCK(self);
    cr_steady_latency_start(&self->stats.latency, self->network.first_step_ns);
    GST_OBJECT_UNLOCK(self);
}

gboolean
cr_element_take_swap(GstConvRnn *self)
{
    if (self->next == NULL)
        return FALSE;
    if (!fits_frames(self)) {
        /* Other frames came while it was opened. */
        drop_next(self);
        cr_element_request_swap(self);
        return FALSE;
    }
    if (self->network.session != NULL)
        replace_network(self);
    cr_loaded_model_free(self->loaded);
    self->loaded = g_steal_pointer(&self->next);
    if (self->network.session != NULL)
        cr_element_use_network(self);
    return TRUE;
}
