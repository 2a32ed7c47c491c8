/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-convrnn
 * @title: convrnn
 *
 * Runs a recurrent (or plain) network on every frame: frame n is time step n, and the network's
 * state goes from frame to frame. The frames pass through unchanged; what the network gives is in
 * their metadata (docs/metadata.md). docs/element.md says which event does what to the state.
 *
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! convrnn model=rvm.onnx constants=downsample_ratio=0.4 !
 *     convrnnvideo tensor=pha mode=alpha ! videoconvert ! autovideosink
 * ]|
 */
#include "gstconvrnn.h"
#include "model_error.h"
#include "settings.h"
#include "state_file.h"
#include "state_rules.h"
#include "step_clock.h"
#include "stream_network.h"

GST_DEBUG_CATEGORY_STATIC(convrnn_debug);
#define GST_CAT_DEFAULT convrnn_debug

struct _GstConvRnn {
    GstBaseTransform parent;

    /* The properties; under the object lock. */
    char *model_path, *state_map, *constants, *outputs, *range, *mean, *std, *state_file;
    guint threads, state_window, interval;
    gboolean post_messages;
    CrResetOn reset_on;
    CrFit fit;
    int bgr; /* −1: as the model says */

    /* From start to stop. */
    ConvRnnModel *model;
    ConvRnnSessionConfig *config;
    GHashTable *constant_names; /* a set of char * */

    /* Changed by the streaming thread, and the state by the signals, too: under the session lock,
     * which is held over a step. No message is posted under it. */
    GMutex session_lock;
    CrStreamNetwork network;
    GstClockTime last_pts;
    guint until_step;         /* frames to pass before the next step */
    GBytes *next_state;       /* to begin with once there is a session */
    char *next_state_file;    /* where it is from; NULL: from the signal set-state */
    gboolean keep_state_file; /* what is in it has not been understood */

    /* The streaming thread's. */
    CrStateRules rules;
    gboolean reverse_reported, invalid_reported;
    gboolean caps_refused; /* and said so: negotiation may try the same caps many times */

    int reset_wanted; /* atomic: by events, and by the signal from any thread */

    /* Read from other threads; under the object lock. */
    guint64 generation, skipped;
    CrStepClock clock;
};

enum {
    PROP_MODEL = 1,
    PROP_STATE_MAP,
    PROP_CONSTANTS,
    PROP_OUTPUTS,
    PROP_THREADS,
    PROP_FIT,
    PROP_RANGE,
    PROP_MEAN,
    PROP_STD,
    PROP_CHANNEL_ORDER,
    PROP_RESET_ON,
    PROP_STATE_WINDOW,
    PROP_INTERVAL,
    PROP_STATE_FILE,
    PROP_POST_MESSAGES,
    PROP_STATS,
};

static guint reset_state_signal, get_state_signal, set_state_signal;

G_DEFINE_TYPE_WITH_CODE(GstConvRnn, gst_convrnn, GST_TYPE_BASE_TRANSFORM,
                        GST_DEBUG_CATEGORY_INIT(convrnn_debug, "convrnn", 0,
                                                "recurrent networks on video"))
GST_ELEMENT_REGISTER_DEFINE(convrnn, "convrnn", GST_RANK_NONE, GST_TYPE_CONVRNN)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(CR_FRAME_FORMATS)));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(CR_FRAME_FORMATS)));

/* --- enumerations of the properties --- */

#define TYPE_FIT (fit_get_type())
static GType
fit_get_type(void)
{
    static gsize type;
    static const GEnumValue values[] = {
        {CR_FIT_STRETCH, "The whole frame fills the whole picture", "stretch"},
        {CR_FIT_LETTERBOX, "The whole frame with its shape kept, on black", "letterbox"},
        {CR_FIT_CROP, "The middle of the frame, its shape kept, fills the picture", "crop"},
        {0, NULL, NULL},
    };

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("GstConvRnnFit", values));
    return type;
}

#define TYPE_CHANNEL_ORDER (channel_order_get_type())
static GType
channel_order_get_type(void)
{
    static gsize type;
    static const GEnumValue values[] = {
        {-1, "As channel-order= in the .modelinfo says, else red first", "auto"},
        {0, "Red, green, blue", "rgb"},
        {1, "Blue, green, red", "bgr"},
        {0, NULL, NULL},
    };

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("GstConvRnnChannelOrder", values));
    return type;
}

#define TYPE_RESET_ON (reset_on_get_type())
static GType
reset_on_get_type(void)
{
    static gsize type;
    static const GFlagsValue values[] = {
        {CR_RESET_ON_NEW_STREAM, "STREAM_START with another id", "new-stream"},
        {CR_RESET_ON_FLUSH, "FLUSH_STOP, as of a flushing seek", "flush"},
        {CR_RESET_ON_SEGMENT, "SEGMENT that does not go on where the last buffer ended", "segment"},
        {CR_RESET_ON_CAPS, "The network sees frames of another size, or another part", "caps"},
        {CR_RESET_ON_DISCONT, "Buffer flagged DISCONT: frames are missing before it", "discont"},
        {CR_RESET_ON_GAP, "GAP event, or buffer flagged GAP", "gap"},
        {0, NULL, NULL},
    };

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_flags_register_static("GstConvRnnResetOn", values));
    return type;
}

/* --- the state: forgotten, saved, restored --- */

/* The state starts afresh with the next step. Counted only when there is something to forget. Under
 * the session lock. */
static void
begin_generation(GstConvRnn *self)
{
    GST_OBJECT_LOCK(self);
    self->generation++;
    GST_OBJECT_UNLOCK(self);
    self->last_pts = GST_CLOCK_TIME_NONE;
    self->until_step = 0;
}

static void
reset_state(GstConvRnn *self)
{
    self->last_pts = GST_CLOCK_TIME_NONE;
    if (convrnn_session_get_step(self->network.session) == 0)
        return;
    convrnn_session_reset(self->network.session);
    begin_generation(self);
    GST_DEBUG_OBJECT(self, "state reset, generation %" G_GUINT64_FORMAT, self->generation);
}

/* Under the session lock. */
static void
reset_if_wanted(GstConvRnn *self)
{
    if (g_atomic_int_compare_and_exchange(&self->reset_wanted, TRUE, FALSE))
        reset_state(self);
}

/* Under the session lock. */
static gboolean
restore_state(GstConvRnn *self, GBytes *state, GError **error)
{
    if (!convrnn_session_restore_state(self->network.session, state, error))
        return FALSE;
    self->last_pts = GST_CLOCK_TIME_NONE;
    g_atomic_int_set(&self->reset_wanted, FALSE);
    self->until_step = 0;
    return TRUE;
}

static GBytes *
save_state(GstConvRnn *self, GError **error)
{
    GBytes *state = NULL;

    g_mutex_lock(&self->session_lock);
    if (self->network.session != NULL) {
        reset_if_wanted(self);
        state = convrnn_session_save_state(self->network.session, error);
    } else if (self->next_state != NULL) {
        state = g_bytes_ref(self->next_state);
    }
    g_mutex_unlock(&self->session_lock);
    return state;
}

/* A state to begin with, or none; under the session lock. */
static void
set_next_state(GstConvRnn *self, GBytes *state, const char *file)
{
    g_clear_pointer(&self->next_state, g_bytes_unref);
    g_clear_pointer(&self->next_state_file, g_free);
    self->next_state = state ? g_bytes_ref(state) : NULL;
    self->next_state_file = state ? g_strdup(file) : NULL;
}

static void
warn_about_file(GstConvRnn *self, const char *path, const GError *error)
{
    GST_ELEMENT_WARNING(self, RESOURCE, READ,
                        ("Cannot go on from the state file \"%s\": %s. The state starts afresh; "
                         "when a new one is saved, the file becomes \"%s.refused\".",
                         path, error->message, path),
                        (NULL));
}

static void
warn_about_snapshot(GstConvRnn *self, const char *reason)
{
    GST_ELEMENT_WARNING(self, LIBRARY, SETTINGS,
                        ("set-state: the snapshot is refused and the state unchanged: %s.", reason),
                        (NULL));
}

/* With the session just opened. */
static void
take_next_state(GstConvRnn *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = NULL;

    g_mutex_lock(&self->session_lock);
    if (self->next_state != NULL && !restore_state(self, self->next_state, &error)) {
        file = g_strdup(self->next_state_file);
        self->keep_state_file = file != NULL;
    }
    set_next_state(self, NULL, NULL);
    g_mutex_unlock(&self->session_lock);
    if (error != NULL && file != NULL)
        warn_about_file(self, file, error);
    else if (error != NULL)
        warn_about_snapshot(self, error->message);
}

static char *
dup_state_file(GstConvRnn *self)
{
    char *path;

    GST_OBJECT_LOCK(self);
    path = self->state_file && *self->state_file ? g_strdup(self->state_file) : NULL;
    GST_OBJECT_UNLOCK(self);
    return path;
}

/* What the signal set-state gave before goes before the file. */
static void
load_state_file(GstConvRnn *self)
{
    g_autofree char *path = dup_state_file(self);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) state = path ? cr_state_file_read(path, &error) : NULL;

    g_mutex_lock(&self->session_lock);
    self->keep_state_file = error != NULL;
    if (state != NULL && self->next_state == NULL)
        set_next_state(self, state, path);
    g_mutex_unlock(&self->session_lock);
    if (error != NULL)
        warn_about_file(self, path, error);
}

/* Nothing is written when no session has been: the file keeps what it has. */
static void
write_state_file(GstConvRnn *self)
{
    g_autofree char *path = dup_state_file(self);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) state = NULL;

    if (path == NULL || self->network.session == NULL)
        return;
    state = save_state(self, &error);
    if (state == NULL || !cr_state_file_write(path, state, self->keep_state_file, &error))
        GST_ELEMENT_WARNING(self, RESOURCE, WRITE,
                            ("Cannot save the state in the file \"%s\": %s.", path, error->message),
                            (NULL));
}

/* --- start and stop --- */

static gboolean
configure(GstConvRnn *self, GError **error)
{
    g_autofree char *state_map = NULL, *constants = NULL, *outputs = NULL;
    guint threads;

    GST_OBJECT_LOCK(self);
    state_map = g_strdup(self->state_map);
    constants = g_strdup(self->constants);
    outputs = g_strdup(self->outputs);
    threads = self->threads;
    GST_OBJECT_UNLOCK(self);

    self->config = convrnn_session_config_new();
    self->constant_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    convrnn_session_config_set_threads(self->config, threads);
    return cr_settings_apply_state_map(self->config, self->model, state_map, error) &&
           cr_settings_apply_constants(self->config, self->model, constants, self->constant_names,
                                       error) &&
           cr_settings_apply_outputs(self->config, self->model, outputs, error);
}

static void
post_error(GstConvRnn *self, const char *what, const GError *error)
{
    g_autofree char *path = NULL, *text = NULL;

    GST_OBJECT_LOCK(self);
    path = g_strdup(self->model_path);
    GST_OBJECT_UNLOCK(self);
    text = g_strdup_printf("%s \"%s\"", what, path);
    cr_model_error_post(GST_ELEMENT(self), path, text, error);
}

static gboolean
gst_convrnn_stop(GstBaseTransform *trans)
{
    GstConvRnn *self = GST_CONVRNN(trans);

    write_state_file(self);
    g_mutex_lock(&self->session_lock);
    cr_stream_network_close(&self->network);
    set_next_state(self, NULL, NULL);
    g_mutex_unlock(&self->session_lock);
    g_clear_pointer(&self->config, convrnn_session_config_free);
    g_clear_pointer(&self->constant_names, g_hash_table_unref);
    g_clear_pointer(&self->model, convrnn_model_unref);
    cr_state_rules_clear(&self->rules);
    return TRUE;
}

static gboolean
gst_convrnn_start(GstBaseTransform *trans)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;

    GST_OBJECT_LOCK(self);
    path = g_strdup(self->model_path);
    self->generation = self->skipped = 0;
    self->clock = (CrStepClock){0};
    GST_OBJECT_UNLOCK(self);
    self->last_pts = GST_CLOCK_TIME_NONE;
    self->until_step = 0;
    self->reverse_reported = self->invalid_reported = self->caps_refused = FALSE;
    g_atomic_int_set(&self->reset_wanted, FALSE);

    if (path == NULL || *path == '\0') {
        GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND,
                          ("No model is set. Set the property \"model\" to an ONNX file."), (NULL));
        return FALSE;
    }
    if ((self->model = convrnn_model_load(path, &error)) == NULL) {
        post_error(self, "Cannot load the model", error);
        return FALSE;
    }
    if (!configure(self, &error)) {
        post_error(self, "Cannot set up the model", error);
        gst_convrnn_stop(trans);
        return FALSE;
    }
    load_state_file(self);
    return TRUE;
}

/* --- caps --- */

/* Asks for a reset before the next frame, when reset-on holds one of the causes. */
static void
take_causes(GstConvRnn *self, CrResetOn causes, const char *what)
{
    gboolean wanted;

    GST_OBJECT_LOCK(self);
    wanted = (self->reset_on & causes) != 0;
    GST_OBJECT_UNLOCK(self);
    if (!wanted)
        return;
    GST_DEBUG_OBJECT(self, "%s resets the state", what);
    g_atomic_int_set(&self->reset_wanted, TRUE);
}

static void
close_network(GstConvRnn *self)
{
    g_mutex_lock(&self->session_lock);
    if (self->network.session != NULL && convrnn_session_get_step(self->network.session) > 0)
        begin_generation(self);
    cr_stream_network_close(&self->network);
    g_mutex_unlock(&self->session_lock);
}

static gboolean
open_network(GstConvRnn *self, const CrImageSettings *settings, const GstVideoInfo *info,
             GError **error)
{
    gboolean opened;

    close_network(self);
    g_mutex_lock(&self->session_lock);
    opened = cr_stream_network_open(&self->network, self->model, self->config, self->constant_names,
                                    settings, info, error);
    g_mutex_unlock(&self->session_lock);
    if (!opened)
        return FALSE;
    take_next_state(self);
    GST_OBJECT_LOCK(self);
    if (self->clock.latency_ns == 0)
        cr_step_clock_start(&self->clock, self->network.first_step_ns);
    GST_OBJECT_UNLOCK(self);
    GST_INFO_OBJECT(self,
                    "session for %dx%d: input \"%s\", %u states, first step %" GST_TIME_FORMAT,
                    self->network.width, self->network.height, self->network.image.info->name,
                    convrnn_session_get_n_states(self->network.session),
                    GST_TIME_ARGS(self->network.first_step_ns));
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    return TRUE;
}

static gboolean
set_up_network(GstConvRnn *self, const GstVideoInfo *info, GError **error)
{
    g_autofree char *range = NULL, *mean = NULL, *std = NULL;
    g_autoptr(GError) adapt_error = NULL;
    CrImageSettings settings;
    gboolean same = TRUE, adapted;

    GST_OBJECT_LOCK(self);
    range = g_strdup(self->range);
    mean = g_strdup(self->mean);
    std = g_strdup(self->std);
    settings = (CrImageSettings){range, mean, std, self->bgr, self->fit};
    GST_OBJECT_UNLOCK(self);

    g_mutex_lock(&self->session_lock);
    adapted =
        cr_stream_network_adapt(&self->network, &settings, self->model, info, &same, &adapt_error);
    g_mutex_unlock(&self->session_lock);
    if (adapted) {
        if (!same)
            take_causes(self, CR_RESET_ON_CAPS, "another frame geometry");
        return TRUE;
    }
    if (adapt_error != NULL) {
        g_propagate_error(error, g_steal_pointer(&adapt_error));
        return FALSE;
    }
    return open_network(self, &settings, info, error);
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

static gboolean
gst_convrnn_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    g_autoptr(GError) error = NULL;
    GstVideoInfo info;

    gst_video_info_init(&info);
    if (check_caps(self, in, &info, &error) && set_up_network(self, &info, &error)) {
        self->caps_refused = FALSE;
        return TRUE;
    }
    close_network(self);
    if (!self->caps_refused) {
        g_autofree char *what = g_strdup_printf("Cannot run frames of %dx%d through the model",
                                                info.width, info.height);

        post_error(self, what, error);
    }
    self->caps_refused = TRUE;
    return FALSE;
}

/* --- buffers --- */

/* Before a step: the window that ended with the last one is forgotten only now, so that a frame
 * which is skipped in between still belongs to it. */
static void
reset_after_window(GstConvRnn *self)
{
    guint window;

    GST_OBJECT_LOCK(self);
    window = self->state_window;
    GST_OBJECT_UNLOCK(self);
    if (window == 0 || convrnn_session_get_step(self->network.session) < window)
        return;
    GST_DEBUG_OBJECT(self, "a window of %u steps has ended", window);
    reset_state(self);
}

static void
describe_result(GstConvRnn *self, GstBuffer *buffer, char **model, GstConvRnnMetaInfo *info)
{
    const CrStreamNetwork *network = &self->network;
    GstClockTime pts = GST_BUFFER_PTS(buffer);

    GST_OBJECT_LOCK(self);
    *model = g_strdup(self->model_path);
    *info = (GstConvRnnMetaInfo){
        .model = *model, .element = GST_OBJECT_NAME(self), .generation = self->generation};
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

/* What has to be told once the session lock is given back. */
typedef struct {
    gboolean unmappable, no_memory, latency_changed, state_invalid;
} News;

static void
count_step(GstConvRnn *self, GstClockTime elapsed, News *news)
{
    GST_OBJECT_LOCK(self);
    news->latency_changed = cr_step_clock_add(&self->clock, elapsed);
    GST_OBJECT_UNLOCK(self);
}

static void
run_step(GstConvRnn *self, GstBuffer *buffer, GstConvRnnMetaInfo *info, News *news)
{
    GstClockTime begin = gst_util_get_timestamp();
    ConvRnnStepFlags flags;
    GstVideoFrame frame;

    if (!gst_video_frame_map(&frame, &self->network.info, buffer,
                             GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
        news->unmappable = TRUE;
        return;
    }
    if (info->step == 0)
        info->flags |= GST_CONVRNN_META_RESET;
    flags = cr_stream_network_step(&self->network, &frame);
    gst_video_frame_unmap(&frame);
    self->last_pts = GST_BUFFER_PTS(buffer);
    count_step(self, gst_util_get_timestamp() - begin, news);
    if (flags & CONVRNN_STEP_STATE_RESET) {
        info->flags |= GST_CONVRNN_META_STATE_INVALID;
        news->state_invalid = TRUE;
        begin_generation(self);
    }
}

static void
hold_state(GstConvRnn *self, GstConvRnnMetaInfo *info)
{
    info->flags |= GST_CONVRNN_META_SKIPPED;
    GST_OBJECT_LOCK(self);
    self->skipped++;
    GST_OBJECT_UNLOCK(self);
}

/* Whether this frame is a step, and what there is to do before one. The first after a reset is;
 * after that, every interval-th; and where that one is a gap, the next that is none. */
static gboolean
take_turn(GstConvRnn *self, GstBuffer *buffer)
{
    guint interval;

    GST_OBJECT_LOCK(self);
    interval = self->interval;
    GST_OBJECT_UNLOCK(self);
    self->until_step = MIN(self->until_step, interval - 1);
    if (self->until_step > 0) {
        self->until_step--;
        return FALSE;
    }
    if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP))
        return FALSE;
    reset_after_window(self);
    self->until_step = interval - 1;
    return TRUE;
}

/* The frame's result; under the session lock. *model is the memory of info->model. */
static GstCustomMeta *
make_result(GstConvRnn *self, GstBuffer *buffer, char **model, GstConvRnnMetaInfo *info, News *news)
{
    GstCustomMeta *meta;
    gboolean step;

    reset_if_wanted(self);
    step = take_turn(self, buffer);
    describe_result(self, buffer, model, info);
    if (step)
        run_step(self, buffer, info, news);
    else
        hold_state(self, info);
    if (news->unmappable)
        return NULL;
    meta = gst_convrnn_meta_add(buffer, info);
    if (step && !cr_stream_network_add_outputs(&self->network, meta))
        news->no_memory = TRUE;
    return meta;
}

static void
report_invalid_state(GstConvRnn *self, const GstConvRnnMetaInfo *info)
{
    GST_ELEMENT_WARNING(self, STREAM, FAILED,
                        ("A NaN or an infinity came up in the state of model \"%s\" in step "
                         "%" G_GUINT64_FORMAT ". The state has been reset.",
                         info->model, info->step),
                        ("frame %dx%d", info->frame_width, info->frame_height));
}

static GstFlowReturn
report_news(GstConvRnn *self, GstBuffer *buffer, const GstConvRnnMetaInfo *info, const News *news)
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
    if (news->latency_changed)
        gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    /* One message for a run of such frames. */
    if (news->state_invalid && !self->invalid_reported)
        report_invalid_state(self, info);
    if (!(info->flags & GST_CONVRNN_META_SKIPPED))
        self->invalid_reported = news->state_invalid;
    return news->unmappable || news->no_memory ? GST_FLOW_ERROR : GST_FLOW_OK;
}

static GstFlowReturn
process(GstConvRnn *self, GstBuffer *buffer)
{
    g_autofree char *model = NULL;
    GstConvRnnMetaInfo info;
    News news = {0};
    GstCustomMeta *meta;
    GstFlowReturn flow;
    gboolean post;

    g_mutex_lock(&self->session_lock);
    meta = make_result(self, buffer, &model, &info, &news);
    g_mutex_unlock(&self->session_lock);
    flow = report_news(self, buffer, &info, &news);
    GST_OBJECT_LOCK(self);
    post = self->post_messages;
    GST_OBJECT_UNLOCK(self);
    if (post && flow == GST_FLOW_OK)
        post_result(self, buffer, meta);
    return flow;
}

static GstFlowReturn
gst_convrnn_transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
    GstConvRnn *self = GST_CONVRNN(trans);
    const GstVideoInfo *info = &self->network.info;
    GstClockTime frame_duration =
        info->fps_n > 0 ? gst_util_uint64_scale_int(GST_SECOND, info->fps_d, info->fps_n)
                        : GST_CLOCK_TIME_NONE;

    if (self->network.session == NULL)
        return GST_FLOW_NOT_NEGOTIATED;
    take_causes(self, cr_state_rules_take_buffer(&self->rules, buffer, frame_duration),
                "a flag of a buffer");
    if (!cr_state_rules_is_reverse(&self->rules))
        return process(self, buffer);
    if (!self->reverse_reported)
        GST_ELEMENT_WARNING(self, STREAM, NOT_IMPLEMENTED,
                            ("The stream plays backwards, and a recurrent network runs forward "
                             "only. Frames pass without results until it plays forward again."),
                            ("rate %f", self->rules.segment.rate));
    self->reverse_reported = TRUE;
    return GST_FLOW_OK;
}

/* --- events and queries --- */

static gboolean
gst_convrnn_sink_event(GstBaseTransform *trans, GstEvent *event)
{
    GstConvRnn *self = GST_CONVRNN(trans);

    take_causes(self, cr_state_rules_take_event(&self->rules, event), GST_EVENT_TYPE_NAME(event));
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT && !cr_state_rules_is_reverse(&self->rules))
        self->reverse_reported = FALSE;
    return GST_BASE_TRANSFORM_CLASS(gst_convrnn_parent_class)->sink_event(trans, event);
}

/* The base class would drop late frames here once its property qos is set; then the state would
 * depend on the machine's load. Upstream still learns of the event. */
static gboolean
gst_convrnn_src_event(GstBaseTransform *trans, GstEvent *event)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_QOS)
        return gst_pad_push_event(GST_BASE_TRANSFORM_SINK_PAD(trans), event);
    return GST_BASE_TRANSFORM_CLASS(gst_convrnn_parent_class)->src_event(trans, event);
}

static gboolean
query_latency(GstConvRnn *self, GstQuery *query)
{
    GstClockTime min, max, own;
    gboolean live;

    if (!gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(self), query))
        return FALSE;
    GST_OBJECT_LOCK(self);
    own = self->clock.latency_ns;
    GST_OBJECT_UNLOCK(self);
    gst_query_parse_latency(query, &live, &min, &max);
    if (GST_CLOCK_TIME_IS_VALID(max))
        max += own;
    gst_query_set_latency(query, live, min + own, max);
    GST_DEBUG_OBJECT(self, "own latency %" GST_TIME_FORMAT, GST_TIME_ARGS(own));
    return TRUE;
}

static gboolean
gst_convrnn_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC)
        return query_latency(GST_CONVRNN(trans), query);
    return GST_BASE_TRANSFORM_CLASS(gst_convrnn_parent_class)->query(trans, direction, query);
}

/* Downstream's answer is passed on, since the same buffers go there; but a crop rectangle would
 * hide from the network what the caps promise. */
static gboolean
gst_convrnn_propose_allocation(GstBaseTransform *trans, GstQuery *decide, GstQuery *query)
{
    guint index;

    if (!GST_BASE_TRANSFORM_CLASS(gst_convrnn_parent_class)
             ->propose_allocation(trans, decide, query))
        return FALSE;
    while (gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, &index))
        gst_query_remove_nth_allocation_meta(query, index);
    return TRUE;
}

static void
gst_convrnn_reset_state(GstConvRnn *self)
{
    g_atomic_int_set(&self->reset_wanted, TRUE);
}

static GBytes *
gst_convrnn_get_state(GstConvRnn *self)
{
    g_autoptr(GError) error = NULL;
    GBytes *state = save_state(self, &error);

    if (error != NULL)
        GST_ELEMENT_WARNING(self, RESOURCE, NO_SPACE_LEFT, ("get-state: %s.", error->message),
                            (NULL));
    return state;
}

static gboolean
gst_convrnn_set_state(GstConvRnn *self, GBytes *state)
{
    g_autoptr(GError) error = NULL;
    gboolean good = TRUE;

    if (state == NULL) {
        warn_about_snapshot(self, "it is NULL");
        return FALSE;
    }
    g_mutex_lock(&self->session_lock);
    if (self->network.session != NULL) {
        good = restore_state(self, state, &error);
    } else {
        set_next_state(self, state, NULL);
        g_atomic_int_set(&self->reset_wanted, FALSE);
    }
    g_mutex_unlock(&self->session_lock);
    if (!good)
        warn_about_snapshot(self, error->message);
    return good;
}

/* --- properties --- */

static GstStructure *
make_stats(GstConvRnn *self)
{
    return gst_structure_new("convrnn-stats", "steps", G_TYPE_UINT64, self->clock.steps, "skipped",
                             G_TYPE_UINT64, self->skipped, "resets", G_TYPE_UINT64,
                             self->generation, "last-ns", G_TYPE_UINT64, self->clock.last_ns,
                             "mean-ns", G_TYPE_UINT64, cr_step_clock_mean(&self->clock),
                             "latency-ns", G_TYPE_UINT64, self->clock.latency_ns, NULL);
}

/* Where the text of a text property is kept; NULL for other properties. */
static char **
text_property(GstConvRnn *self, guint id)
{
    switch (id) {
    case PROP_MODEL:
        return &self->model_path;
    case PROP_STATE_MAP:
        return &self->state_map;
    case PROP_CONSTANTS:
        return &self->constants;
    case PROP_OUTPUTS:
        return &self->outputs;
    case PROP_RANGE:
        return &self->range;
    case PROP_MEAN:
        return &self->mean;
    case PROP_STD:
        return &self->std;
    case PROP_STATE_FILE:
        return &self->state_file;
    default:
        return NULL;
    }
}

static void
gst_convrnn_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    GstConvRnn *self = GST_CONVRNN(object);
    char **text = text_property(self, id);

    GST_OBJECT_LOCK(self);
    if (text != NULL) {
        g_free(*text);
        *text = g_value_dup_string(value);
    } else if (id == PROP_THREADS) {
        self->threads = g_value_get_uint(value);
    } else if (id == PROP_FIT) {
        self->fit = g_value_get_enum(value);
    } else if (id == PROP_CHANNEL_ORDER) {
        self->bgr = g_value_get_enum(value);
    } else if (id == PROP_RESET_ON) {
        self->reset_on = g_value_get_flags(value);
    } else if (id == PROP_STATE_WINDOW) {
        self->state_window = g_value_get_uint(value);
    } else if (id == PROP_INTERVAL) {
        self->interval = g_value_get_uint(value);
    } else if (id == PROP_POST_MESSAGES) {
        self->post_messages = g_value_get_boolean(value);
    } else {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void
gst_convrnn_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstConvRnn *self = GST_CONVRNN(object);
    char **text = text_property(self, id);

    GST_OBJECT_LOCK(self);
    if (text != NULL)
        g_value_set_string(value, *text);
    else if (id == PROP_THREADS)
        g_value_set_uint(value, self->threads);
    else if (id == PROP_FIT)
        g_value_set_enum(value, self->fit);
    else if (id == PROP_CHANNEL_ORDER)
        g_value_set_enum(value, self->bgr);
    else if (id == PROP_RESET_ON)
        g_value_set_flags(value, self->reset_on);
    else if (id == PROP_STATE_WINDOW)
        g_value_set_uint(value, self->state_window);
    else if (id == PROP_INTERVAL)
        g_value_set_uint(value, self->interval);
    else if (id == PROP_POST_MESSAGES)
        g_value_set_boolean(value, self->post_messages);
    else if (id == PROP_STATS)
        g_value_take_boxed(value, make_stats(self));
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    GST_OBJECT_UNLOCK(self);
}

static void
gst_convrnn_finalize(GObject *object)
{
    GstConvRnn *self = GST_CONVRNN(object);

    for (guint id = PROP_MODEL; id <= PROP_STATS; id++)
        if (text_property(self, id) != NULL)
            g_free(*text_property(self, id));
    set_next_state(self, NULL, NULL);
    g_mutex_clear(&self->session_lock);
    cr_state_rules_clear(&self->rules);
    G_OBJECT_CLASS(gst_convrnn_parent_class)->finalize(object);
}

static void
gst_convrnn_init(GstConvRnn *self)
{
    self->bgr = -1;
    self->interval = 1;
    self->reset_on = CR_RESET_ON_DEFAULT;
    g_mutex_init(&self->session_lock);
    cr_state_rules_init(&self->rules);
    gst_base_transform_set_prefer_passthrough(GST_BASE_TRANSFORM(self), FALSE);
    /* GAP buffers keep their flag: they are passed on as they are. */
    gst_base_transform_set_gap_aware(GST_BASE_TRANSFORM(self), TRUE);
}

#define READY_FLAGS   (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING_FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static void
install_text(GObjectClass *object, guint id, const char *name, const char *nick, const char *blurb)
{
    g_object_class_install_property(object, id,
                                    g_param_spec_string(name, nick, blurb, NULL, READY_FLAGS));
}

static void
install_model_properties(GObjectClass *object)
{
    install_text(object, PROP_MODEL, "model", "Model",
                 "ONNX file to run (opset 7 or newer); the .modelinfo beside it is read too");
    install_text(
        object, PROP_STATE_MAP, "state-map", "State map",
        "Which output is which input of the next step: \"h_in=h_out,c_in=c_out\". \"none\": "
        "the state stays at its initial value. Unset: from the .modelinfo, the file's "
        "metadata, or the names");
    install_text(
        object, PROP_CONSTANTS, "constants", "Constants",
        "Inputs with one value for the whole stream: \"downsample_ratio=0.4,size=224:224\"; "
        "one number fills a tensor, ':' separates the numbers of a list; \"mask=mask.npy\" reads a "
        "NumPy file");
    install_text(object, PROP_OUTPUTS, "outputs", "Outputs",
                 "Outputs to put into the metadata, separated by commas; what only others need is "
                 "not computed. Unset: every output that is not a state");
    g_object_class_install_property(
        object, PROP_THREADS,
        g_param_spec_uint("threads", "Threads",
                          "Threads of one step; 0: as many as the process may use processors. "
                          "Results do not depend on it",
                          0, 64, 0, READY_FLAGS));
}

static void
install_picture_properties(GObjectClass *object)
{
    g_object_class_install_property(
        object, PROP_FIT,
        g_param_spec_enum("fit", "Fit",
                          "How a frame becomes a picture of the model's size, when the model has "
                          "one; otherwise the picture is the frame",
                          TYPE_FIT, CR_FIT_STRETCH, READY_FLAGS));
    install_text(object, PROP_RANGE, "range", "Range",
                 "Numbers for black and white, \"LOW,HIGH\", or one such pair for each channel "
                 "with ';' between them. Unset: ranges= in the .modelinfo, else \"0,1\" (\"0,255\" "
                 "for a uint8 input)");
    install_text(object, PROP_MEAN, "mean", "Mean",
                 "Subtracted after the range has been applied: one number, or one for each channel "
                 "separated by commas. Unset: mean= in the .modelinfo, else 0");
    install_text(object, PROP_STD, "std", "Standard deviation",
                 "Divided by after the mean has been subtracted: one number, or one for each "
                 "channel separated by commas. Unset: std= in the .modelinfo, else 1");
    g_object_class_install_property(object, PROP_CHANNEL_ORDER,
                                    g_param_spec_enum("channel-order", "Channel order",
                                                      "Order of the picture's channels",
                                                      TYPE_CHANNEL_ORDER, -1, READY_FLAGS));
}

static void
install_state_properties(GObjectClass *object)
{
    g_object_class_install_property(
        object, PROP_RESET_ON,
        g_param_spec_flags("reset-on", "Reset on",
                           "What puts the state back to its initial value before the next frame; "
                           "the signal reset-state and a NaN in the state always do",
                           TYPE_RESET_ON, CR_RESET_ON_DEFAULT, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_STATE_WINDOW,
        g_param_spec_uint("state-window", "State window",
                          "The state starts afresh after this many steps; 0: never", 0, G_MAXUINT,
                          0, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_INTERVAL,
        g_param_spec_uint("inference-interval", "Inference interval",
                          "Every so many frames there is a step; the others pass with the result "
                          "\"skipped\" and without tensors, and the state is held",
                          1, G_MAXUINT, 1, PLAYING_FLAGS));
    install_text(object, PROP_STATE_FILE, "state-file", "State file",
                 "The state begins with the snapshot in this file, when there is one, and is saved "
                 "there at the end");
}

static void
install_output_properties(GObjectClass *object)
{
    g_object_class_install_property(
        object, PROP_POST_MESSAGES,
        g_param_spec_boolean("post-messages", "Post messages",
                             "Post each frame's result as an element message \"convrnn\" on the "
                             "bus, too; it must be taken from there",
                             FALSE, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_STATS,
        g_param_spec_boxed(
            "stats", "Statistics",
            "Steps made, frames skipped, resets; wall time of the last step and mean "
            "of all, and the latency reported, in nanoseconds",
            GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
install_signals(void)
{
    /**
     * GstConvRnn::reset-state:
     *
     * The state is put back to its initial value before the next frame. From any thread, in any
     * element state.
     */
    reset_state_signal = g_signal_new_class_handler(
        "reset-state", GST_TYPE_CONVRNN, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
        G_CALLBACK(gst_convrnn_reset_state), NULL, NULL, NULL, G_TYPE_NONE, 0);
    /**
     * GstConvRnn::get-state:
     *
     * A snapshot of the state, as the last step left it, for set-state of another element, process
     * or machine. Waits for a step that is being made. From any thread.
     *
     * Returns: (transfer full) (nullable): the snapshot; %NULL before the caps are known
     */
    get_state_signal = g_signal_new_class_handler(
        "get-state", GST_TYPE_CONVRNN, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
        G_CALLBACK(gst_convrnn_get_state), NULL, NULL, NULL, G_TYPE_BYTES, 0);
    /**
     * GstConvRnn::set-state:
     * @state: a snapshot from an element with the same model and picture size
     *
     * The next step goes on from @state. Before the caps are known the snapshot is kept until they
     * are, and checked then. Waits for a step that is being made. From any thread.
     *
     * Returns: %FALSE when the snapshot is refused; then the state is unchanged, and a warning
     *   message says why
     */
    set_state_signal = g_signal_new_class_handler(
        "set-state", GST_TYPE_CONVRNN, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
        G_CALLBACK(gst_convrnn_set_state), NULL, NULL, NULL, G_TYPE_BOOLEAN, 1, G_TYPE_BYTES);
}

static void
gst_convrnn_class_init(GstConvRnnClass *klass)
{
    GObjectClass *object = G_OBJECT_CLASS(klass);
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *transform = GST_BASE_TRANSFORM_CLASS(klass);

    object->set_property = gst_convrnn_set_property;
    object->get_property = gst_convrnn_get_property;
    object->finalize = gst_convrnn_finalize;
    install_model_properties(object);
    install_picture_properties(object);
    install_state_properties(object);
    install_output_properties(object);
    install_signals();
    gst_type_mark_as_plugin_api(TYPE_FIT, 0);
    gst_type_mark_as_plugin_api(TYPE_CHANNEL_ORDER, 0);
    gst_type_mark_as_plugin_api(TYPE_RESET_ON, 0);

    gst_element_class_set_static_metadata(
        element, "Recurrent network", "Filter/Analyzer/Video",
        "Runs a recurrent neural network on every frame and carries its state from frame to frame",
        "The gst-convrnn authors");
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);

    transform->start = gst_convrnn_start;
    transform->stop = gst_convrnn_stop;
    transform->set_caps = gst_convrnn_set_caps;
    transform->transform_ip = gst_convrnn_transform_ip;
    transform->sink_event = gst_convrnn_sink_event;
    transform->src_event = gst_convrnn_src_event;
    transform->query = gst_convrnn_query;
    transform->propose_allocation = gst_convrnn_propose_allocation;
}
