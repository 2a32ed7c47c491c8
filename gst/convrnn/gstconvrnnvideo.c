/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-convrnnvideo
 * @title: convrnnvideo
 *
 * Makes an output of convrnn visible: as a grey picture, as a heat map over the frame, as the
 * frame's alpha channel, or, when the network puts out a picture, as the frame itself. The tensor
 * is scaled to the frame's size.
 *
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! convrnn model=detector.onnx !
 *     convrnnvideo tensor=heatmap mode=heatmap ! videoconvert ! autovideosink
 * ]|
 */
#include "gstconvrnnvideo.h"
#include "result_tensor.h"

GST_DEBUG_CATEGORY_STATIC(convrnnvideo_debug);
#define GST_CAT_DEFAULT convrnnvideo_debug

typedef enum { MODE_GRAY, MODE_HEATMAP, MODE_ALPHA, MODE_REPLACE } Mode;

/* What one frame is drawn with: the properties, read once. */
typedef struct {
    Mode mode;
    guint channel;
    double minimum, maximum, opacity;
    gboolean auto_range;
} Drawing;

struct _GstConvRnnVideo {
    GstBaseTransform parent;

    /* The properties; under the object lock. */
    char *tensor, *element;
    Drawing drawing;

    /* The streaming thread's. */
    GstVideoInfo in, out;
    CrFrameToTensor *colors; /* the frame as bytes R, G, B */
    CrTensorScaler *scaler;
    CrResultTensor result;
    gboolean missing_reported;
    guint8 heat[256][3];
};

enum {
    PROP_TENSOR = 1,
    PROP_ELEMENT,
    PROP_MODE,
    PROP_CHANNEL,
    PROP_MINIMUM,
    PROP_MAXIMUM,
    PROP_AUTO_RANGE,
    PROP_OPACITY,
};

G_DEFINE_TYPE_WITH_CODE(GstConvRnnVideo, gst_convrnn_video, GST_TYPE_BASE_TRANSFORM,
                        GST_DEBUG_CATEGORY_INIT(convrnnvideo_debug, "convrnnvideo", 0,
                                                "network outputs as pictures"))
GST_ELEMENT_REGISTER_DEFINE(convrnnvideo, "convrnnvideo", GST_RANK_NONE, GST_TYPE_CONVRNN_VIDEO)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(CR_FRAME_FORMATS)));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA, GRAY8 }")));

#define TYPE_MODE (mode_get_type())
static GType
mode_get_type(void)
{
    static gsize type;
    static const GEnumValue values[] = {
        {MODE_GRAY, "The tensor as a grey picture (GRAY8)", "gray"},
        {MODE_HEATMAP, "The tensor in colours, blended over the frame (RGB)", "heatmap"},
        {MODE_ALPHA, "The frame, with the tensor as its alpha channel (RGBA)", "alpha"},
        {MODE_REPLACE, "The tensor's three channels as the frame (RGB)", "replace"},
        {0, NULL, NULL},
    };

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("GstConvRnnVideoMode", values));
    return type;
}

/* Black, blue, cyan, yellow, red, white: brightness grows all the way. */
static void
fill_heat(guint8 heat[256][3])
{
    static const guint8 stops[][3] = {{0, 0, 0},     {0, 0, 160},  {0, 176, 176},
                                      {232, 232, 0}, {255, 64, 0}, {255, 255, 255}};
    const int spans = G_N_ELEMENTS(stops) - 1;

    for (int i = 0; i < 256; i++) {
        double p = i * spans / 255.0;
        int stop = MIN((int)p, spans - 1);

        for (int c = 0; c < 3; c++)
            heat[i][c] =
                (guint8)(stops[stop][c] + (stops[stop + 1][c] - stops[stop][c]) * (p - stop) + 0.5);
    }
}

/* --- drawing --- */

/* 0…255 for a value from low to high; NaN is 0. */
static inline guint8
to_byte(float value, float low, float scale)
{
    float v = (value - low) * scale;

    return v >= 255 ? 255 : v > 0 ? (guint8)(v + 0.5f) : 0;
}

typedef struct {
    guint8 *data;
    int stride, width, height;
} Canvas;

static void
draw_colors(GstConvRnnVideo *self, const GstVideoFrame *in, const Canvas *canvas, int step)
{
    CrFrameSink sink = {canvas->data, 1, canvas->stride, step};

    cr_frame_to_tensor_run(self->colors, in, &sink);
}

static void
get_scale(GstConvRnnVideo *self, const Drawing *drawing, int channel, float *low, float *scale)
{
    float high = (float)drawing->maximum;

    *low = (float)drawing->minimum;
    if (drawing->auto_range)
        cr_tensor_picture_get_range(&self->result.picture, channel, low, &high);
    *scale = high > *low ? 255 / (high - *low) : 0;
}

/* Writes a channel of the tensor into every step-th byte. */
static void
draw_channel(GstConvRnnVideo *self, const Drawing *drawing, int channel, const Canvas *canvas,
             int first, int step)
{
    float low, scale;

    get_scale(self, drawing, channel, &low, &scale);
    for (int y = 0; y < canvas->height; y++) {
        const float *row =
            cr_tensor_scaler_get_row(self->scaler, &self->result.picture, channel, y);
        guint8 *out = canvas->data + (gsize)y * canvas->stride + first;

        for (int x = 0; x < canvas->width; x++)
            out[x * step] = to_byte(row[x], low, scale);
    }
}

static void
draw_heat(GstConvRnnVideo *self, const Drawing *drawing, int channel, const Canvas *canvas)
{
    float opacity = (float)drawing->opacity;
    float low, scale;

    get_scale(self, drawing, channel, &low, &scale);
    for (int y = 0; y < canvas->height; y++) {
        const float *row =
            cr_tensor_scaler_get_row(self->scaler, &self->result.picture, channel, y);
        guint8 *out = canvas->data + (gsize)y * canvas->stride;

        for (int x = 0; x < canvas->width; x++) {
            const guint8 *heat = self->heat[to_byte(row[x], low, scale)];

            for (int c = 0; c < 3; c++)
                out[3 * x + c] =
                    (guint8)(out[3 * x + c] + (heat[c] - out[3 * x + c]) * opacity + 0.5f);
        }
    }
}

static void
draw_tensor(GstConvRnnVideo *self, const Drawing *drawing, const GstVideoFrame *in,
            const Canvas *canvas)
{
    int channels = self->result.picture.channels;
    int channel = MIN((int)drawing->channel, channels - 1);

    switch (drawing->mode) {
    case MODE_GRAY:
        draw_channel(self, drawing, channel, canvas, 0, 1);
        break;
    case MODE_HEATMAP:
        draw_colors(self, in, canvas, 3);
        draw_heat(self, drawing, channel, canvas);
        break;
    case MODE_ALPHA:
        draw_colors(self, in, canvas, 4);
        draw_channel(self, drawing, channel, canvas, 3, 4);
        break;
    case MODE_REPLACE:
        for (int c = 0; c < 3; c++)
            draw_channel(self, drawing, channels >= 3 ? c : channel, canvas, c, 3);
        break;
    }
}

/* Without a tensor: black, or the frame as it is. */
static void
draw_nothing(GstConvRnnVideo *self, const Drawing *drawing, const GstVideoFrame *in,
             const Canvas *canvas)
{
    switch (drawing->mode) {
    case MODE_GRAY:
        for (int y = 0; y < canvas->height; y++)
            memset(canvas->data + (gsize)y * canvas->stride, 0, canvas->width);
        break;
    case MODE_ALPHA:
        draw_colors(self, in, canvas, 4);
        for (int y = 0; y < canvas->height; y++)
            for (int x = 0; x < canvas->width; x++)
                canvas->data[(gsize)y * canvas->stride + 4 * x + 3] = 255;
        break;
    case MODE_HEATMAP:
    case MODE_REPLACE:
        draw_colors(self, in, canvas, 3);
        break;
    }
}

/* --- buffers --- */

static gboolean
prepare_scaler(GstConvRnnVideo *self, const Canvas *canvas)
{
    const CrResultTensor *result = &self->result;

    if (self->scaler != NULL && cr_tensor_scaler_fits(self->scaler, &result->picture, &result->info,
                                                      canvas->width, canvas->height))
        return TRUE;
    cr_tensor_scaler_free(self->scaler);
    self->scaler =
        cr_tensor_scaler_new(&result->picture, &result->info, canvas->width, canvas->height);
    if (self->scaler == NULL)
        GST_ELEMENT_ERROR(
            self, RESOURCE, NO_SPACE_LEFT,
            ("No memory to scale a tensor to frames of %dx%d.", canvas->width, canvas->height),
            (NULL));
    return self->scaler != NULL;
}

static CrResultStatus
find_result(GstConvRnnVideo *self, GstBuffer *in, Drawing *drawing)
{
    g_autofree char *tensor = NULL, *element = NULL, *why = NULL;
    CrResultStatus status;

    GST_OBJECT_LOCK(self);
    tensor = g_strdup(self->tensor);
    element = g_strdup(self->element);
    *drawing = self->drawing;
    GST_OBJECT_UNLOCK(self);
    status = cr_result_tensor_find(&self->result, in, element, tensor,
                                   drawing->mode == MODE_REPLACE ? 3 : 1, &why);
    if (status == CR_RESULT_MISSING && !self->missing_reported) {
        GST_ELEMENT_WARNING(
            self, STREAM, FAILED, ("%s.", why),
            ("shown instead: %s", drawing->mode == MODE_GRAY ? "black" : "the frame"));
        self->missing_reported = TRUE;
    }
    return status;
}

static GstFlowReturn
draw(GstConvRnnVideo *self, GstBuffer *buffer, const GstVideoFrame *in, GstVideoFrame *out)
{
    Canvas canvas = {GST_VIDEO_FRAME_PLANE_DATA(out, 0), GST_VIDEO_FRAME_PLANE_STRIDE(out, 0),
                     GST_VIDEO_FRAME_WIDTH(out), GST_VIDEO_FRAME_HEIGHT(out)};
    Drawing drawing;

    if (find_result(self, buffer, &drawing) != CR_RESULT_FOUND) {
        draw_nothing(self, &drawing, in, &canvas);
        return GST_FLOW_OK;
    }
    if (!prepare_scaler(self, &canvas))
        return GST_FLOW_ERROR;
    draw_tensor(self, &drawing, in, &canvas);
    return GST_FLOW_OK;
}

static GstFlowReturn
gst_convrnn_video_transform(GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(trans);
    GstVideoFrame in_frame, out_frame;
    GstFlowReturn flow;

    if (!gst_video_frame_map(&in_frame, &self->in, in,
                             GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                          ("A buffer of %" G_GSIZE_FORMAT " bytes is no frame of %dx%d %s.",
                           gst_buffer_get_size(in), self->in.width, self->in.height,
                           gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&self->in))),
                          (NULL));
        return GST_FLOW_ERROR;
    }
    if (!gst_video_frame_map(&out_frame, &self->out, out,
                             GST_MAP_WRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
        gst_video_frame_unmap(&in_frame);
        GST_ELEMENT_ERROR(self, RESOURCE, WRITE, ("Cannot write an output buffer."), (NULL));
        return GST_FLOW_ERROR;
    }
    flow = draw(self, in, &in_frame, &out_frame);
    gst_video_frame_unmap(&out_frame);
    gst_video_frame_unmap(&in_frame);
    return flow;
}

/* --- caps --- */

static const char *
output_format(Mode mode)
{
    switch (mode) {
    case MODE_GRAY:
        return "GRAY8";
    case MODE_ALPHA:
        return "RGBA";
    default:
        return "RGB";
    }
}

static GstCaps *
gst_convrnn_video_transform_caps(GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps,
                                 GstCaps *filter)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(trans);
    GstPad *other = direction == GST_PAD_SINK ? GST_BASE_TRANSFORM_SRC_PAD(trans)
                                              : GST_BASE_TRANSFORM_SINK_PAD(trans);
    g_autoptr(GstCaps) template = gst_pad_get_pad_template_caps(other);
    g_autoptr(GstCaps) any = gst_caps_copy(caps);
    GstCaps *result;
    Mode mode;

    GST_OBJECT_LOCK(self);
    mode = self->drawing.mode;
    GST_OBJECT_UNLOCK(self);
    for (guint i = 0; i < gst_caps_get_size(any); i++) {
        GstStructure *s = gst_caps_get_structure(any, i);

        gst_structure_remove_fields(s, "format", "colorimetry", "chroma-site", NULL);
        if (direction == GST_PAD_SINK)
            gst_structure_set(s, "format", G_TYPE_STRING, output_format(mode), NULL);
    }
    result = gst_caps_intersect(any, template);
    if (filter != NULL) {
        GstCaps *filtered = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);

        gst_caps_unref(result);
        result = filtered;
    }
    return result;
}

static gboolean
gst_convrnn_video_get_unit_size(GstBaseTransform *trans, GstCaps *caps, gsize *size)
{
    GstVideoInfo info;

    if (!gst_video_info_from_caps(&info, caps))
        return FALSE;
    *size = GST_VIDEO_INFO_SIZE(&info);
    return TRUE;
}

static gboolean
gst_convrnn_video_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(trans);
    g_autoptr(GError) error = NULL;
    CrFrameTarget target;

    if (!gst_video_info_from_caps(&self->in, in) || !gst_video_info_from_caps(&self->out, out)) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                          ("Cannot understand the video caps. Put videoconvert before "
                           "convrnnvideo."),
                          ("%" GST_PTR_FORMAT, in));
        return FALSE;
    }
    target = (CrFrameTarget){.width = self->in.width,
                             .height = self->in.height,
                             .channels = 3,
                             .dtype = CONVRNN_DTYPE_UINT8,
                             .divisor = {1, 1, 1}};
    g_clear_pointer(&self->colors, cr_frame_to_tensor_free);
    self->colors = cr_frame_to_tensor_new(&self->in, &target, &error);
    if (self->colors == NULL)
        GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT, ("%s.", error->message), (NULL));
    cr_result_tensor_clear(&self->result);
    return self->colors != NULL;
}

static gboolean
gst_convrnn_video_sink_event(GstBaseTransform *trans, GstEvent *event)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(trans);

    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP ||
        GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START)
        cr_result_tensor_clear(&self->result);
    return GST_BASE_TRANSFORM_CLASS(gst_convrnn_video_parent_class)->sink_event(trans, event);
}

static gboolean
gst_convrnn_video_stop(GstBaseTransform *trans)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(trans);

    g_clear_pointer(&self->colors, cr_frame_to_tensor_free);
    g_clear_pointer(&self->scaler, cr_tensor_scaler_free);
    cr_result_tensor_clear(&self->result);
    self->missing_reported = FALSE;
    return TRUE;
}

/* --- properties --- */

static void
set_text(char **text, const GValue *value)
{
    const char *given = g_value_get_string(value);

    g_free(*text);
    *text = given != NULL && *given != '\0' ? g_strdup(given) : NULL;
}

static void
gst_convrnn_video_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(object);

    GST_OBJECT_LOCK(self);
    switch (id) {
    case PROP_TENSOR:
        set_text(&self->tensor, value);
        break;
    case PROP_ELEMENT:
        set_text(&self->element, value);
        break;
    case PROP_MODE:
        self->drawing.mode = g_value_get_enum(value);
        break;
    case PROP_CHANNEL:
        self->drawing.channel = g_value_get_uint(value);
        break;
    case PROP_MINIMUM:
        self->drawing.minimum = g_value_get_double(value);
        break;
    case PROP_MAXIMUM:
        self->drawing.maximum = g_value_get_double(value);
        break;
    case PROP_AUTO_RANGE:
        self->drawing.auto_range = g_value_get_boolean(value);
        break;
    case PROP_OPACITY:
        self->drawing.opacity = g_value_get_double(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void
gst_convrnn_video_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(object);

    GST_OBJECT_LOCK(self);
    switch (id) {
    case PROP_TENSOR:
        g_value_set_string(value, self->tensor);
        break;
    case PROP_ELEMENT:
        g_value_set_string(value, self->element);
        break;
    case PROP_MODE:
        g_value_set_enum(value, self->drawing.mode);
        break;
    case PROP_CHANNEL:
        g_value_set_uint(value, self->drawing.channel);
        break;
    case PROP_MINIMUM:
        g_value_set_double(value, self->drawing.minimum);
        break;
    case PROP_MAXIMUM:
        g_value_set_double(value, self->drawing.maximum);
        break;
    case PROP_AUTO_RANGE:
        g_value_set_boolean(value, self->drawing.auto_range);
        break;
    case PROP_OPACITY:
        g_value_set_double(value, self->drawing.opacity);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void
gst_convrnn_video_finalize(GObject *object)
{
    GstConvRnnVideo *self = GST_CONVRNN_VIDEO(object);

    g_free(self->tensor);
    g_free(self->element);
    G_OBJECT_CLASS(gst_convrnn_video_parent_class)->finalize(object);
}

static void
gst_convrnn_video_init(GstConvRnnVideo *self)
{
    self->drawing = (Drawing){.mode = MODE_GRAY, .maximum = 1, .opacity = 0.5};
    fill_heat(self->heat);
    gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), FALSE);
}

#define READY_FLAGS   (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING_FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static void
install_choice(GObjectClass *object)
{
    g_object_class_install_property(
        object, PROP_TENSOR,
        g_param_spec_string("tensor", "Tensor",
                            "The output to show. Unset: the first with one channel (three in mode "
                            "replace), else the first that can be a picture",
                            NULL, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_ELEMENT,
        g_param_spec_string("element", "Element",
                            "Name of the convrnn element whose result to show, when a buffer "
                            "carries several. Unset: the first that has the tensor",
                            NULL, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_MODE,
        g_param_spec_enum("mode", "Mode",
                          "What to make of the tensor; it decides the output format", TYPE_MODE,
                          MODE_GRAY, READY_FLAGS));
    g_object_class_install_property(
        object, PROP_CHANNEL,
        g_param_spec_uint("channel", "Channel",
                          "Which channel of a tensor with several; the last one when there are "
                          "fewer. Mode replace shows the first three",
                          0, G_MAXINT16, 0, PLAYING_FLAGS));
}

static void
install_range(GObjectClass *object)
{
    g_object_class_install_property(
        object, PROP_MINIMUM,
        g_param_spec_double("minimum", "Minimum",
                            "The value that is black, cold or transparent; what lies below is cut",
                            -G_MAXFLOAT, G_MAXFLOAT, 0, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_MAXIMUM,
        g_param_spec_double("maximum", "Maximum",
                            "The value that is white, hot or opaque; what lies above is cut",
                            -G_MAXFLOAT, G_MAXFLOAT, 1, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_AUTO_RANGE,
        g_param_spec_boolean("auto-range", "Automatic range",
                             "Take each frame's own smallest and largest value for minimum and "
                             "maximum",
                             FALSE, PLAYING_FLAGS));
    g_object_class_install_property(
        object, PROP_OPACITY,
        g_param_spec_double("opacity", "Opacity",
                            "Mode heatmap: share of the colours in the picture; 0 is the frame "
                            "alone, 1 the colours alone",
                            0, 1, 0.5, PLAYING_FLAGS));
}

static void
gst_convrnn_video_class_init(GstConvRnnVideoClass *klass)
{
    GObjectClass *object = G_OBJECT_CLASS(klass);
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *transform = GST_BASE_TRANSFORM_CLASS(klass);

    object->set_property = gst_convrnn_video_set_property;
    object->get_property = gst_convrnn_video_get_property;
    object->finalize = gst_convrnn_video_finalize;
    install_choice(object);
    install_range(object);
    gst_type_mark_as_plugin_api(TYPE_MODE, 0);

    gst_element_class_set_static_metadata(
        element, "Network output to video", "Filter/Converter/Video",
        "Shows an output of convrnn: as grey picture, heat map, alpha channel or frame",
        "The gst-convrnn authors");
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);

    transform->transform_caps = gst_convrnn_video_transform_caps;
    transform->get_unit_size = gst_convrnn_video_get_unit_size;
    transform->set_caps = gst_convrnn_video_set_caps;
    transform->transform = gst_convrnn_video_transform;
    transform->sink_event = gst_convrnn_video_sink_event;
    transform->stop = gst_convrnn_video_stop;
    transform->passthrough_on_same_caps = FALSE;
}
