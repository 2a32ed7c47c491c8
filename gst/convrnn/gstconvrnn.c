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
#include "element.h"

GST_DEBUG_CATEGORY(cr_element_debug);
GstBaseTransformClass *cr_element_base_class;

G_DEFINE_TYPE_WITH_CODE(GstConvRnn, gst_convrnn, GST_TYPE_BASE_TRANSFORM,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, NULL);
                        GST_DEBUG_CATEGORY_INIT(cr_element_debug, "convrnn", 0,
                                                "recurrent networks on video"))
GST_ELEMENT_REGISTER_DEFINE(convrnn, "convrnn", GST_RANK_NONE, GST_TYPE_CONVRNN)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(CR_FRAME_FORMATS)));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(CR_FRAME_FORMATS)));

/* --- events and queries --- */

static void
forget_lateness(GstConvRnn *self)
{
    GST_OBJECT_LOCK(self);
    cr_lateness_init(&self->lateness);
    GST_OBJECT_UNLOCK(self);
}

/* A custom event "convrnn-reset", from an application upstream or downstream of here. With a field
 * "element" it is for the element of that name only; it goes on in any case, to others. */
static void
take_reset_event(GstConvRnn *self, GstEvent *event)
{
    const GstStructure *fields = gst_event_get_structure(event);
    g_autofree char *name = NULL;
    const char *meant;

    if (fields == NULL || !gst_structure_has_name(fields, "convrnn-reset"))
        return;
    name = gst_object_get_name(GST_OBJECT(self));
    meant = gst_structure_get_string(fields, "element");
    if (meant == NULL || g_strcmp0(meant, name) == 0)
        cr_element_want_reset(self, CR_RESET_ON_EVENT);
}

static gboolean
gst_convrnn_sink_event(GstBaseTransform *trans, GstEvent *event)
{
    GstConvRnn *self = GST_CONVRNN(trans);

    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
        cr_element_drop_held(self);
        forget_lateness(self);
    } else if (GST_EVENT_IS_SERIALIZED(event)) {
        cr_element_push_held(self);
    }
    take_reset_event(self, event);
    cr_element_take_causes(self, cr_state_rules_take_event(&self->rules, event),
                           GST_EVENT_TYPE_NAME(event));
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT && !cr_state_rules_is_reverse(&self->rules))
        self->reverse_reported = FALSE;
    return cr_element_base_class->sink_event(trans, event);
}

/* The base class would drop late frames here once its property qos is set; here it is for
 * late-policy to say what they are. Upstream learns of the event in any case. */
static gboolean
gst_convrnn_src_event(GstBaseTransform *trans, GstEvent *event)
{
    GstConvRnn *self = GST_CONVRNN(trans);

    if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
        GST_OBJECT_LOCK(self);
        cr_lateness_take_event(&self->lateness, event);
        GST_OBJECT_UNLOCK(self);
        return gst_pad_push_event(GST_BASE_TRANSFORM_SINK_PAD(trans), event);
    }
    take_reset_event(self, event);
    return cr_element_base_class->src_event(trans, event);
}

static gboolean
query_latency(GstConvRnn *self, GstQuery *query)
{
    GstClockTime min, max, own;
    gboolean live;

    if (!gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(self), query))
        return FALSE;
    GST_OBJECT_LOCK(self);
    own = self->stats.latency.ns + self->frame_delay;
    GST_OBJECT_UNLOCK(self);
    gst_query_parse_latency(query, &live, &min, &max);
    GST_OBJECT_LOCK(self);
    self->live = live;
    GST_OBJECT_UNLOCK(self);
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
    /* ALLOCATION and DRAIN: upstream wants its buffers back. */
    if (GST_QUERY_IS_SERIALIZED(query) && direction == GST_PAD_SINK)
        cr_element_push_held(GST_CONVRNN(trans));
    return cr_element_base_class->query(trans, direction, query);
}

/* One more buffer than downstream needs, since one is held here. */
static void
ask_for_one_more(GstQuery *query)
{
    for (guint i = 0; i < gst_query_get_n_allocation_pools(query); i++) {
        g_autoptr(GstBufferPool) pool = NULL;
        guint size, min, max;

        gst_query_parse_nth_allocation_pool(query, i, &pool, &size, &min, &max);
        if (min < G_MAXUINT && (max == 0 || min < max))
            gst_query_set_nth_allocation_pool(query, i, pool, size, min + 1, max);
    }
}

/* Downstream's answer is passed on, since the same buffers go there; but a crop rectangle would
 * hide from the network what the caps promise. */
static gboolean
gst_convrnn_propose_allocation(GstBaseTransform *trans, GstQuery *decide, GstQuery *query)
{
    guint index;

    if (!cr_element_base_class->propose_allocation(trans, decide, query))
        return FALSE;
    while (gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, &index))
        gst_query_remove_nth_allocation_meta(query, index);
    if (GST_CONVRNN(trans)->aside != NULL)
        ask_for_one_more(query);
    return TRUE;
}

/* --- the class --- */

static void
gst_convrnn_finalize(GObject *object)
{
    GstConvRnn *self = GST_CONVRNN(object);

    cr_element_clear_properties(self);
    cr_element_set_next_state(self, NULL, NULL);
    g_mutex_clear(&self->session_lock);
    g_cond_clear(&self->session_cond);
    cr_state_rules_clear(&self->rules);
    G_OBJECT_CLASS(gst_convrnn_parent_class)->finalize(object);
}

static void
gst_convrnn_init(GstConvRnn *self)
{
    cr_element_init_properties(self);
    g_mutex_init(&self->session_lock);
    g_cond_init(&self->session_cond);
    cr_state_rules_init(&self->rules);
    gst_base_transform_set_prefer_passthrough(GST_BASE_TRANSFORM(self), FALSE);
    /* GAP buffers keep their flag: they are passed on as they are. */
    gst_base_transform_set_gap_aware(GST_BASE_TRANSFORM(self), TRUE);
}

static void
gst_convrnn_class_init(GstConvRnnClass *klass)
{
    GObjectClass *object = G_OBJECT_CLASS(klass);
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *transform = GST_BASE_TRANSFORM_CLASS(klass);

    cr_element_base_class = GST_BASE_TRANSFORM_CLASS(gst_convrnn_parent_class);
    object->finalize = gst_convrnn_finalize;
    cr_element_install_properties(object);
    cr_element_install_signals();

    gst_element_class_set_static_metadata(
        element, "Recurrent network", "Filter/Analyzer/Video",
        "Runs a recurrent neural network on every frame and carries its state from frame to frame",
        "The gst-convrnn authors");
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);

    transform->start = cr_element_start;
    transform->stop = cr_element_stop;
    transform->set_caps = cr_element_set_caps;
    transform->transform_ip = cr_element_transform_ip;
    transform->submit_input_buffer = cr_element_submit_input_buffer;
    transform->generate_output = cr_element_generate_output;
    transform->sink_event = gst_convrnn_sink_event;
    transform->src_event = gst_convrnn_src_event;
    transform->query = gst_convrnn_query;
    transform->propose_allocation = gst_convrnn_propose_allocation;
}
