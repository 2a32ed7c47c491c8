/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the element puts out is, bit for bit, what the session gives for the same pixels by hand. */
#include "networks.h"
#include "stream.h"
#include <convrnn/convrnn.h>

#define WIDTH  24
#define HEIGHT 18
#define FRAMES 12

static ConvRnnSession *
open_by_hand(const char *path)
{
    const gint64 dims[] = {1, 3, HEIGHT, WIDTH};
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_model_load(path, &error);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    ConvRnnSession *session;

    fail_unless(model != NULL, "%s", error ? error->message : "");
    convrnn_session_config_set_input_shape(config, "x", dims, 4);
    session = convrnn_session_new(model, config, &error);
    fail_unless(session != NULL, "%s", error ? error->message : "");
    return session;
}

static const float *
step_by_hand(ConvRnnSession *session, GstBuffer *frame)
{
    float *x = convrnn_session_get_input_data(session, 0);
    GstMapInfo map;

    fail_unless(gst_buffer_map(frame, &map, GST_MAP_READ));
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < WIDTH * HEIGHT; i++)
            x[c * WIDTH * HEIGHT + i] = map.data[3 * i + c] / 255.0f;
    gst_buffer_unmap(frame, &map);
    convrnn_session_step(session);
    return convrnn_session_get_output_data(session, 0);
}

GST_START_TEST(test_same_as_session)
{
    g_autofree char *path = network_gated("gated");
    g_autofree char *launch = g_strdup_printf("convrnn model=%s threads=%d", path, __i__);
    ConvRnnSession *session = open_by_hand(path);
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", WIDTH, HEIGHT, 25);
    for (int i = 0; i < FRAMES; i++) {
        GstBuffer *out = stream_push(&stream, stream_random_frame(&stream, 100 + i, i));
        const float *want = step_by_hand(session, out);
        GstConvRnnTensorView view;
        const float *got = stream_tensor(out, "y", &view);

        fail_unless_equals_int(view.size, WIDTH * HEIGHT * sizeof(float));
        fail_unless(memcmp(got, want, view.size) == 0, "frame %d differs", i);
        gst_buffer_unref(out);
    }
    convrnn_session_free(session);
    stream_clear(&stream);
}
GST_END_TEST;

/* The state is what makes the difference: with state-map=none the same frame gives the same. */
GST_START_TEST(test_stateless)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s state-map=none", path);
    GstConvRnnMetaInfo info;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    for (int i = 0; i < 3; i++)
        fail_unless(stream_push_flat(&stream, 51, i, &info) == 51 / 255.0f);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_state_map)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s state-map=h_in=h_out", path);
    GstConvRnnMetaInfo info;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    fail_unless(stream_push_flat(&stream, 255, 0, &info) == 1);
    fail_unless(stream_push_flat(&stream, 255, 1, &info) == 2);
    fail_unless(stream_push_flat(&stream, 255, 2, &info) == 3);
    stream_clear(&stream);
}
GST_END_TEST;

/* One number for gain; four for bias, whose size the file leaves open. */
GST_START_TEST(test_constants)
{
    g_autofree char *path = network_gain("gain");
    g_autofree char *launch =
        g_strdup_printf("convrnn model=%s constants=\"gain=10,bias=1:2:3:4\"", path);
    GstConvRnnTensorView view;
    GstBuffer *out;
    Stream stream;
    const float *y;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    gst_buffer_unref(stream_push(&stream, stream_flat_frame(&stream, 255, 0)));
    out = stream_push(&stream, stream_flat_frame(&stream, 255, 1));
    y = stream_tensor(out, "y", &view);
    for (int i = 0; i < 48; i++)
        fail_unless(y[i] == 20 + 1 + i % 4);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_outputs)
{
    g_autofree char *path = network_gated("gated");
    g_autofree char *launch = g_strdup_printf("convrnn model=%s outputs=h_out", path);
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    GstCustomMeta *meta;
    GstBuffer *out;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 8, 8, 25);
    out = stream_push(&stream, stream_random_frame(&stream, 1, 0));
    meta = stream_result(out, &info);
    fail_unless_equals_int(gst_convrnn_meta_get_n_tensors(meta), 1);
    fail_unless(gst_convrnn_meta_find_tensor(meta, "h_out", &view));
    fail_unless_equals_int64(view.dims[1], 4);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* Results stay valid and unchanged while later frames are computed, and after the element is gone.
 */
GST_START_TEST(test_payload_is_kept)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);
    GstBuffer *out[4];
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    for (int i = 0; i < 4; i++)
        out[i] = stream_push(&stream, stream_flat_frame(&stream, 255, i));
    stream_clear(&stream);
    for (int i = 0; i < 4; i++) {
        GstConvRnnTensorView view;

        fail_unless(*stream_tensor(out[i], "y", &view) == i + 1);
        gst_buffer_unref(out[i]);
    }
}
GST_END_TEST;

static Suite *
state_suite(void)
{
    Suite *suite = suite_create("state");
    TCase *tests = tcase_create("state");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_loop_test(tests, test_same_as_session, 0, 4);
    tcase_add_test(tests, test_stateless);
    tcase_add_test(tests, test_state_map);
    tcase_add_test(tests, test_constants);
    tcase_add_test(tests, test_outputs);
    tcase_add_test(tests, test_payload_is_kept);
    return suite;
}

GST_CHECK_MAIN(state);
