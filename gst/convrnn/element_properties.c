/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties. */
#include "element.h"

enum {
    PROP_MODEL = 1,
    PROP_STATE_MAP,
    PROP_CARRY_RNN_STATE,
    PROP_CONSTANTS,
    PROP_OUTPUTS,
    PROP_THREADS,
    PROP_PRECISION,
    PROP_FIT,
    PROP_REGION,
    PROP_DOWNSCALE,
    PROP_SIZE_MULTIPLE,
    PROP_RANGE,
    PROP_MEAN,
    PROP_STD,
    PROP_CHANNEL_ORDER,
    PROP_RESET_ON,
    PROP_STATE_WINDOW,
    PROP_INTERVAL,
    PROP_TARGET_FRAMERATE,
    PROP_LATE_POLICY,
    PROP_MAX_LATENCY,
    PROP_STATE_FILE,
    PROP_TOP_K,
    PROP_POST_MESSAGES,
    PROP_ASYNC,
    PROP_STATS,
};

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

#define TYPE_PRECISION (precision_get_type())
static GType
precision_get_type(void)
{
    static gsize type;
    static const GEnumValue values[] = {
        {CONVRNN_PRECISION_FP32, "float32", "fp32"},
        {CONVRNN_PRECISION_BF16X3, "Factors in two parts of bfloat16: the grade of float32",
         "bf16x3"},
        {CONVRNN_PRECISION_BF16, "Factors rounded to bfloat16", "bf16"},
        {CONVRNN_PRECISION_AUTO, "The fastest of the grade of float32", "auto"},
        {CONVRNN_PRECISION_INT8, "Weights of dense layers in 8 bits", "int8"},
        {0, NULL, NULL},
    };

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("GstConvRnnPrecision", values));
    return type;
}

const char *
cr_element_get_precision_name(ConvRnnPrecision precision)
{
    GEnumClass *klass = g_type_class_ref(TYPE_PRECISION);
    const char *name = g_enum_get_value(klass, precision)->value_nick;

    g_type_class_unref(klass);
    return name;
}

#define TYPE_LATE_POLICY (late_policy_get_type())
static GType
late_policy_get_type(void)
{
    static gsize type;
    static const GEnumValue values[] = {
        {FALSE, "Every frame is a step, however late", "process"},
        {TRUE, "A late frame passes without a step, and the state is held", "skip"},
        {0, NULL, NULL},
    };

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("GstConvRnnLatePolicy", values));
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

/* --- values --- */

/* Where the text of a text property is kept; NULL for other properties. */
static char **
text_property(GstConvRnn *self, guint id)
{
    switch (id) {
    case PROP_MODEL:
        return &self->set.path;
    case PROP_STATE_MAP:
        return &self->set.state_map;
    case PROP_CONSTANTS:
        return &self->set.constants;
    case PROP_OUTPUTS:
        return &self->set.outputs;
    case PROP_REGION:
        return &self->set.region;
    case PROP_RANGE:
        return &self->set.range;
    case PROP_MEAN:
        return &self->set.mean;
    case PROP_STD:
        return &self->set.std;
    case PROP_STATE_FILE:
        return &self->state_file;
    default:
        return NULL;
    }
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    GstConvRnn *self = GST_CONVRNN(object);
    char **text = text_property(self, id);

    GST_OBJECT_LOCK(self);
    if (text != NULL) {
        g_free(*text);
        *text = g_value_dup_string(value);
    } else if (id == PROP_CARRY_RNN_STATE) {
        self->set.carry_rnn_state = g_value_get_boolean(value);
    } else if (id == PROP_THREADS) {
        self->set.threads = g_value_get_uint(value);
    } else if (id == PROP_PRECISION) {
        self->set.precision = g_value_get_enum(value);
    } else if (id == PROP_FIT) {
        self->set.fit = g_value_get_enum(value);
    } else if (id == PROP_DOWNSCALE) {
        self->set.downscale = g_value_get_uint(value);
    } else if (id == PROP_SIZE_MULTIPLE) {
        self->set.size_multiple = g_value_get_uint(value);
    } else if (id == PROP_CHANNEL_ORDER) {
        self->set.bgr = g_value_get_enum(value);
    } else if (id == PROP_RESET_ON) {
        self->reset_on = g_value_get_flags(value);
    } else if (id == PROP_STATE_WINDOW) {
        self->state_window = g_value_get_uint(value);
    } else if (id == PROP_INTERVAL) {
        self->turn_rules.interval = g_value_get_uint(value);
    } else if (id == PROP_TARGET_FRAMERATE) {
        self->turn_rules.fps_n = gst_value_get_fraction_numerator(value);
        self->turn_rules.fps_d = gst_value_get_fraction_denominator(value);
    } else if (id == PROP_LATE_POLICY) {
        self->skip_late = g_value_get_enum(value);
    } else if (id == PROP_MAX_LATENCY) {
        self->max_latency = g_value_get_uint64(value);
    } else if (id == PROP_TOP_K) {
        self->top_k = g_value_get_uint(value);
    } else if (id == PROP_POST_MESSAGES) {
        self->post_messages = g_value_get_boolean(value);
    } else if (id == PROP_ASYNC) {
        self->async = g_value_get_boolean(value);
    } else {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
    GST_OBJECT_UNLOCK(self);
    if (id == PROP_MODEL)
        cr_element_request_swap(self);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstConvRnn *self = GST_CONVRNN(object);
    char **text = text_property(self, id);

    GST_OBJECT_LOCK(self);
    if (text != NULL)
        g_value_set_string(value, *text);
    else if (id == PROP_CARRY_RNN_STATE)
        g_value_set_boolean(value, self->set.carry_rnn_state);
    else if (id == PROP_THREADS)
        g_value_set_uint(value, self->set.threads);
    else if (id == PROP_PRECISION)
        g_value_set_enum(value, self->set.precision);
    else if (id == PROP_FIT)
        g_value_set_enum(value, self->set.fit);
    else if (id == PROP_DOWNSCALE)
        g_value_set_uint(value, self->set.downscale);
    else if (id == PROP_SIZE_MULTIPLE)
        g_value_set_uint(value, self->set.size_multiple);
    else if (id == PROP_CHANNEL_ORDER)
        g_value_set_enum(value, self->set.bgr);
    else if (id == PROP_RESET_ON)
        g_value_set_flags(value, self->reset_on);
    else if (id == PROP_STATE_WINDOW)
        g_value_set_uint(value, self->state_window);
    else if (id == PROP_INTERVAL)
        g_value_set_uint(value, self->turn_rules.interval);
    else if (id == PROP_TARGET_FRAMERATE)
        gst_value_set_fraction(value, self->turn_rules.fps_n, self->turn_rules.fps_d);
    else if (id == PROP_LATE_POLICY)
        g_value_set_enum(value, self->skip_late);
    else if (id == PROP_MAX_LATENCY)
        g_value_set_uint64(value, self->max_latency);
    else if (id == PROP_TOP_K)
        g_value_set_uint(value, self->top_k);
    else if (id == PROP_POST_MESSAGES)
        g_value_set_boolean(value, self->post_messages);
    else if (id == PROP_ASYNC)
        g_value_set_boolean(value, self->async);
    else if (id == PROP_STATS)
        g_value_take_boxed(value, cr_element_make_stats(self));
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    GST_OBJECT_UNLOCK(self);
}

/* --- installing --- */

#define READY_FLAGS   (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING_FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static void
install_text(GObjectClass *object, guint id, const char *name, const char *nick, const char *blurb)
{
    GParamFlags flags = id == PROP_MODEL ? PLAYING_FLAGS : READY_FLAGS;

    g_object_class_install_property(object, id,
                                    g_param_spec_string(name, nick, blurb, NULL, flags));
}

static void
install_model_properties(GObjectClass *object)
{
    install_text(
        object, PROP_MODEL, "model", "Model",
        "ONNX file to run (opset 7 or newer); the .modelinfo beside it is read too. Set while "
        "playing, it is loaded aside and takes the old one's place between two frames");
    install_text(
        object, PROP_STATE_MAP, "state-map", "State map",
        "Which output is which input of the next step: \"h_in=h_out,c_in=c_out\". \"none\": "
        "the state stays at its initial value. Unset: from the .modelinfo, the file's "
        "metadata, or the names");
    g_object_class_install_property(
        object, PROP_CARRY_RNN_STATE,
        g_param_spec_boolean("carry-rnn-state", "Carry RNN state",
                             "Carry the state of RNN, GRU and LSTM nodes that read one step and "
                             "start from a constant in the file. The .modelinfo can switch it on, "
                             "too",
                             FALSE, READY_FLAGS));
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
    g_object_class_install_property(
        object, PROP_PRECISION,
        g_param_spec_enum("precision", "Precision",
                          "What convolutions compute with. The bf16 kinds need a processor with "
                          "AMX; without it, a warning is posted and it is float32",
                          TYPE_PRECISION, CONVRNN_PRECISION_FP32, READY_FLAGS));
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
    install_text(object, PROP_REGION, "region", "Region",
                 "What the network sees of the frame, \"X,Y,WIDTH,HEIGHT\" in pixels, before fit. "
                 "Unset: all of it");
    g_object_class_install_property(
        object, PROP_DOWNSCALE,
        g_param_spec_uint("downscale", "Downscale",
                          "Where the model takes any size: the picture's is that of the frame, or "
                          "region, divided by this",
                          1, 64, 1, READY_FLAGS));
    g_object_class_install_property(
        object, PROP_SIZE_MULTIPLE,
        g_param_spec_uint("size-multiple", "Size multiple",
                          "Where the model takes any size: the picture's is then rounded to a "
                          "multiple of this",
                          1, 1024, 1, READY_FLAGS));
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
    install_text(object, PROP_STATE_FILE, "state-file", "State file",
                 "The state begins with the snapshot in this file, when there is one, and is saved "
                 "there at the end");
}

static void
install_time_properties(GObjectClass *object)
{
    g_object_class_install_property(
        object, PROP_INTERVAL,
        g_param_spec_uint("inference-interval", "Inference interval",
                          "Every so many frames there is a step; the others pass with the result "
                          "\"skipped\" and without tensors, and the state is held",
                          1, G_MAXUINT, 1, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_TARGET_FRAMERATE,
        gst_param_spec_fraction("target-framerate", "Target frame rate",
                                "Steps per second of stream, at most, by the times of the frames; "
                                "the other frames pass as with inference-interval. 0/1: any number",
                                0, 1, 1000, 1, 0, 1, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_LATE_POLICY,
        g_param_spec_enum("late-policy", "Late policy",
                          "What a frame is that comes too late, by the sink's QoS events or by "
                          "max-latency. It is passed on in any case",
                          TYPE_LATE_POLICY, FALSE, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_MAX_LATENCY,
        g_param_spec_uint64("max-latency", "Maximum latency",
                            "With late-policy=skip: a frame that arrives more nanoseconds than "
                            "this after its time on the pipeline's clock is late. 2^64-1: the QoS "
                            "events of the sink alone decide",
                            0, G_MAXUINT64, G_MAXUINT64, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_ASYNC,
        g_param_spec_boolean(
            "async", "Asynchronous",
            "Hold each frame until the next one comes, and make its step meanwhile, "
            "beside the rest of the pipeline. The results are the same",
            FALSE, READY_FLAGS));
}

static void
install_output_properties(GObjectClass *object)
{
    g_object_class_install_property(
        object, PROP_TOP_K,
        g_param_spec_uint("top-k", "Top k",
                          "Of an output whose classes the .modelinfo names (labels=), so many best "
                          "ones are put into the metadata by name",
                          0, 1000, 5, PLAYING_FLAGS));
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
            "Steps made, frames skipped and resets, by cause; wall time of conversion, step and "
            "attaching; steps per second, bytes of state, latency reported",
            GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
cr_element_install_properties(GObjectClass *object)
{
    object->set_property = set_property;
    object->get_property = get_property;
    install_model_properties(object);
    install_picture_properties(object);
    install_state_properties(object);
    install_time_properties(object);
    install_output_properties(object);
    gst_type_mark_as_plugin_api(TYPE_LATE_POLICY, 0);
    gst_type_mark_as_plugin_api(TYPE_FIT, 0);
    gst_type_mark_as_plugin_api(TYPE_PRECISION, 0);
    gst_type_mark_as_plugin_api(TYPE_CHANNEL_ORDER, 0);
    gst_type_mark_as_plugin_api(TYPE_RESET_ON, 0);
}

void
cr_element_init_properties(GstConvRnn *self)
{
    self->set.bgr = -1;
    self->top_k = 5;
    self->set.downscale = self->set.size_multiple = 1;
    self->turn_rules = (CrTurnRules){.interval = 1, .fps_n = 0, .fps_d = 1};
    self->max_latency = GST_CLOCK_TIME_NONE;
    self->reset_on = CR_RESET_ON_DEFAULT;
}

void
cr_element_clear_properties(GstConvRnn *self)
{
    cr_model_settings_clear(&self->set);
    g_free(self->state_file);
}
