/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The metadata library: what is written is read again, copies keep it, and contradictions inside a
 * structure are refused. */
#include <gst/convrnn/gstconvrnnmeta.h>

static const GstConvRnnMetaInfo sample = {
    .model = "/models/m.onnx",
    .element = "net0",
    .step = 41,
    .generation = 3,
    .flags = GST_CONVRNN_META_DISCONT | GST_CONVRNN_META_STATE_INVALID,
    .frame_width = 640,
    .frame_height = 480,
    .model_width = 224,
    .model_height = 160,
    .scale_x = 640 / 224.0,
    .scale_y = 3,
    .offset_x = -0.5,
    .offset_y = 12,
    .pts_delta = 40000000,
};

static GBytes *
floats(guint n)
{
    g_autofree float *data = g_new(float, n);

    for (guint i = 0; i < n; i++)
        data[i] = (float)i;
    return g_bytes_new(data, n * sizeof(float));
}

static GstCustomMeta *
add_sample(GstBuffer *buffer)
{
    static const gint64 dims[] = {1, 1, 2, 3};
    g_autoptr(GBytes) mask = floats(6);
    g_autoptr(GBytes) score = g_bytes_new("\7", 1);
    GstCustomMeta *meta = gst_convrnn_meta_add(buffer, &sample);

    gst_convrnn_meta_add_tensor(meta, "mask", "float32", dims, 4, mask);
    gst_convrnn_meta_add_tensor(meta, "score", "uint8", NULL, 0, score);
    return meta;
}

static void
check_sample(GstCustomMeta *meta)
{
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;

    g_assert_nonnull(meta);
    g_assert_true(gst_convrnn_meta_get_info(meta, &info));
    g_assert_cmpstr(info.model, ==, sample.model);
    g_assert_cmpstr(info.element, ==, sample.element);
    g_assert_cmpuint(info.step, ==, sample.step);
    g_assert_cmpuint(info.generation, ==, sample.generation);
    g_assert_cmpuint(info.flags, ==, sample.flags);
    g_assert_cmpint(info.frame_width, ==, 640);
    g_assert_cmpint(info.frame_height, ==, 480);
    g_assert_cmpint(info.model_width, ==, 224);
    g_assert_cmpint(info.model_height, ==, 160);
    g_assert_cmpfloat(info.scale_x, ==, sample.scale_x);
    g_assert_cmpfloat(info.scale_y, ==, sample.scale_y);
    g_assert_cmpfloat(info.offset_x, ==, sample.offset_x);
    g_assert_cmpfloat(info.offset_y, ==, sample.offset_y);
    g_assert_cmpint(info.pts_delta, ==, sample.pts_delta);

    g_assert_cmpuint(gst_convrnn_meta_get_n_tensors(meta), ==, 2);
    g_assert_true(gst_convrnn_meta_get_tensor(meta, 0, &view));
    g_assert_cmpstr(view.name, ==, "mask");
    g_assert_cmpstr(view.dtype, ==, "float32");
    g_assert_cmpuint(view.n_dims, ==, 4);
    g_assert_cmpint(view.dims[2], ==, 2);
    g_assert_cmpint(view.dims[3], ==, 3);
    g_assert_cmpuint(view.size, ==, 24);
    g_assert_cmpuint(gst_convrnn_tensor_view_get_element_size(&view), ==, 4);
    g_assert_cmpfloat(((const float *)view.data)[5], ==, 5);
    g_assert_true(gst_convrnn_meta_find_tensor(meta, "score", &view));
    g_assert_cmpuint(view.n_dims, ==, 0);
    g_assert_cmpuint(*(const guint8 *)view.data, ==, 7);
    g_assert_false(gst_convrnn_meta_find_tensor(meta, "nothing", &view));
    g_assert_false(gst_convrnn_meta_get_tensor(meta, 2, &view));
}

static void
check_round_trip(void)
{
    g_autoptr(GstBuffer) buffer = gst_buffer_new();

    g_assert_null(gst_convrnn_meta_get(buffer, NULL));
    add_sample(buffer);
    check_sample(gst_convrnn_meta_get(buffer, NULL));
    check_sample(gst_convrnn_meta_get(buffer, "net0"));
    g_assert_null(gst_convrnn_meta_get(buffer, "net1"));
}

/* Copies share the payload. */
static void
check_copy(void)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, 16, NULL);
    GstConvRnnTensorView before, after;
    GstBuffer *copy;

    gst_convrnn_meta_get_tensor(add_sample(buffer), 0, &before);
    copy = gst_buffer_copy(buffer);
    g_assert_true(gst_convrnn_meta_get_tensor(gst_convrnn_meta_get(copy, NULL), 0, &after));
    g_assert_true(after.data == before.data);
    gst_buffer_unref(buffer);
    check_sample(gst_convrnn_meta_get(copy, NULL));
    gst_buffer_unref(copy);
}

static void
check_several_elements(void)
{
    g_autoptr(GstBuffer) buffer = gst_buffer_new();
    GstConvRnnMetaInfo second = sample, info;
    gpointer state = NULL;

    second.element = "net1";
    second.flags = GST_CONVRNN_META_RESET | GST_CONVRNN_META_SKIPPED;
    add_sample(buffer);
    gst_convrnn_meta_add(buffer, &second);
    check_sample(gst_convrnn_meta_iterate(buffer, &state));
    g_assert_true(gst_convrnn_meta_get_info(gst_convrnn_meta_iterate(buffer, &state), &info));
    g_assert_cmpstr(info.element, ==, "net1");
    g_assert_cmpuint(info.flags, ==, second.flags);
    g_assert_null(gst_convrnn_meta_iterate(buffer, &state));
    g_assert_true(gst_convrnn_meta_get_info(gst_convrnn_meta_get(buffer, "net1"), &info));
    g_assert_cmpstr(info.element, ==, "net1");
}

/* The fields that programs in other languages read: a change here breaks them. */
static void
check_field_names(void)
{
    g_autoptr(GstBuffer) buffer = gst_buffer_new();
    GstStructure *s = gst_custom_meta_get_structure(add_sample(buffer));
    static const struct {
        const char *name;
        const char *type;
    } fields[] = {
        {"version", "guint"},
        {"model", "gchararray"},
        {"element", "gchararray"},
        {"step", "guint64"},
        {"generation", "guint64"},
        {"reset", "gboolean"},
        {"skipped", "gboolean"},
        {"discont", "gboolean"},
        {"state-invalid", "gboolean"},
        {"frame-width", "gint"},
        {"frame-height", "gint"},
        {"model-width", "gint"},
        {"model-height", "gint"},
        {"scale-x", "gdouble"},
        {"scale-y", "gdouble"},
        {"offset-x", "gdouble"},
        {"offset-y", "gdouble"},
        {"pts-delta", "gint64"},
        {"n-tensors", "guint"},
        {"tensor-0-name", "gchararray"},
        {"tensor-0-dtype", "gchararray"},
        {"tensor-0-dims", "gchararray"},
        {"tensor-0-data", "GBytes"},
    };

    g_assert_cmpstr(gst_structure_get_name(s), ==, "GstConvRnnMeta");
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        g_assert_cmpstr(g_type_name(gst_structure_get_field_type(s, fields[i].name)), ==,
                        fields[i].type);
    g_assert_cmpint(gst_structure_n_fields(s), ==, G_N_ELEMENTS(fields) + 4);
    g_assert_cmpstr(gst_structure_get_string(s, "tensor-0-dims"), ==, "1,1,2,3");
    g_assert_cmpstr(gst_structure_get_string(s, "tensor-1-dims"), ==, "");
}

static void
check_contradictions(void)
{
    static const char *const bad_dims[] = {"1,1,2,4", "1,1,2,",
                                           "6,",      "-6",
                                           "x",       "1,1,1,1,1,1,1,1,6",
                                           " 6",      "1;6",
                                           "",        "4294967296,4294967296,6",
                                           "+6"};
    g_autoptr(GstBuffer) buffer = gst_buffer_new();
    GstCustomMeta *meta = add_sample(buffer);
    GstStructure *s = gst_custom_meta_get_structure(meta);
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;

    for (guint i = 0; i < G_N_ELEMENTS(bad_dims); i++) {
        gst_structure_set(s, "tensor-0-dims", G_TYPE_STRING, bad_dims[i], NULL);
        g_assert_false(gst_convrnn_meta_get_tensor(meta, 0, &view));
    }
    gst_structure_set(s, "tensor-0-dims", G_TYPE_STRING, "6", NULL);
    g_assert_true(gst_convrnn_meta_get_tensor(meta, 0, &view));
    gst_structure_set(s, "tensor-0-dtype", G_TYPE_STRING, "float", NULL);
    g_assert_false(gst_convrnn_meta_get_tensor(meta, 0, &view));
    gst_structure_set(s, "tensor-0-dtype", G_TYPE_STRING, "float32", "tensor-0-data", G_TYPE_INT, 1,
                      NULL);
    g_assert_false(gst_convrnn_meta_get_tensor(meta, 0, &view));
    gst_structure_set(s, "version", G_TYPE_UINT, GST_CONVRNN_META_VERSION + 1, NULL);
    g_assert_false(gst_convrnn_meta_get_info(meta, &info));
    gst_structure_set(s, "version", G_TYPE_UINT, GST_CONVRNN_META_VERSION, NULL);
    g_assert_true(gst_convrnn_meta_get_info(meta, &info));
    gst_structure_remove_field(s, "scale-y");
    g_assert_false(gst_convrnn_meta_get_info(meta, &info));
}

int
main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metadata/round-trip", check_round_trip);
    g_test_add_func("/metadata/copy", check_copy);
    g_test_add_func("/metadata/several-elements", check_several_elements);
    g_test_add_func("/metadata/field-names", check_field_names);
    g_test_add_func("/metadata/contradictions", check_contradictions);
    return g_test_run();
}
