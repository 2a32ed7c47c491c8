/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Constants from .npy files: y = (x + h_in)·gain + bias, with gain [1] and bias [?]. */
#include "networks.h"
#include "stream.h"
#include <string.h>

/* A file as NumPy writes it, beside the model. */
static char *
write_npy(const char *model, const char *name, const char *descr, const char *shape,
          gconstpointer data, gsize size)
{
    g_autofree char *folder = g_path_get_dirname(model);
    g_autofree char *header =
        g_strdup_printf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    g_autofree char *padded = g_strdup_printf("%-117s\n", header);
    GByteArray *file = g_byte_array_new();
    char *path = g_build_filename(folder, name, NULL);

    g_byte_array_append(file, (const guint8 *)"\x93NUMPY\x01\x00\x76\x00", 10);
    g_byte_array_append(file, (const guint8 *)padded, 118);
    g_byte_array_append(file, data, (guint)size);
    fail_unless(g_file_set_contents(path, (const char *)file->data, (gssize)file->len, NULL));
    g_byte_array_unref(file);
    return path;
}

/* One white frame with these constants; elements of y along a row of four. */
static void
expect_row(const char *model, const char *constants, const float want[4])
{
    g_autofree char *launch =
        g_strdup_printf("convrnn model=%s constants=\"%s\"", model, constants);
    GstConvRnnTensorView view;
    const float *y;
    GstBuffer *out;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    out = stream_push(&stream, stream_flat_frame(&stream, 255, 0));
    y = stream_tensor(out, "y", &view);
    for (int i = 0; i < 48; i++)
        fail_unless(y[i] == want[i % 4], "element %d is %g, not %g", i, y[i], want[i % 4]);
    gst_buffer_unref(out);
    stream_clear(&stream);
}

static void
expect_refusal(const char *model, const char *constants, const char *why)
{
    g_autofree char *launch =
        g_strdup_printf("convrnn model=%s constants=\"%s\"", model, constants);
    g_autofree char *want =
        g_strdup_printf("Cannot set up the model \"%s\": constants: %s", model, why);
    GstBus *bus;
    GstElement *element = stream_make_element(launch, &bus);
    GQuark domain;
    int code;

    fail_unless(gst_element_set_state(element, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
    g_autofree char *text = stream_take_error(bus, GST_MESSAGE_ERROR, &domain, &code);
    fail_unless(g_str_has_prefix(text, want), "\"%s\" is not \"%s…\"", text, want);
    fail_unless(domain == GST_LIBRARY_ERROR && code == GST_LIBRARY_ERROR_SETTINGS);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, NULL);
    gst_object_unref(element);
    gst_object_unref(bus);
}

GST_START_TEST(test_float32)
{
    const float bias[] = {1, 2.5f, 3, -4};
    g_autofree char *model = network_gain("gain");
    g_autofree char *file = write_npy(model, "bias.npy", "<f4", "(4,)", bias, sizeof bias);
    g_autofree char *constants = g_strdup_printf("gain=10,bias=%s", file);

    expect_row(model, constants, (const float[]){11, 12.5f, 13, 6});
}
GST_END_TEST;

GST_START_TEST(test_float64_and_open_size)
{
    const double gain = 0.5;
    const float bias = 8;
    g_autofree char *model = network_gain("gain");
    g_autofree char *one = write_npy(model, "gain.npy", "<f8", "(1,)", &gain, sizeof gain);
    g_autofree char *two = write_npy(model, "one.npy", "<f4", "(1,)", &bias, sizeof bias);
    g_autofree char *constants = g_strdup_printf("gain=%s, bias=%s", one, two);

    expect_row(model, constants, (const float[]){8.5f, 8.5f, 8.5f, 8.5f});
}
GST_END_TEST;

GST_START_TEST(test_wrong_shape)
{
    const float values[] = {1, 2, 3, 4};
    g_autofree char *model = network_gain("gain");
    g_autofree char *file = write_npy(model, "two.npy", "<f4", "(2,)", values, 8);
    g_autofree char *table = write_npy(model, "table.npy", "<f4", "(2, 2)", values, 16);
    g_autofree char *gain = g_strdup_printf("bias=0,gain=%s", file);
    g_autofree char *bias = g_strdup_printf("gain=1,bias=%s", table);
    g_autofree char *two =
        g_strdup_printf("found the array %s float32[2] for the input gain float32[1]", file);
    g_autofree char *rank =
        g_strdup_printf("found the array %s float32[2,2] for the input bias float32[?]", table);

    expect_refusal(model, gain, two);
    expect_refusal(model, bias, rank);
}
GST_END_TEST;

GST_START_TEST(test_wrong_type)
{
    const gint64 value = 3;
    g_autofree char *model = network_gain("gain");
    g_autofree char *file = write_npy(model, "int.npy", "<i8", "(1,)", &value, sizeof value);
    g_autofree char *constants = g_strdup_printf("bias=0,gain=%s", file);
    g_autofree char *why =
        g_strdup_printf("for the input \"gain\": %s: expected float32, found int64", file);

    expect_refusal(model, constants, why);
}
GST_END_TEST;

GST_START_TEST(test_bad_files)
{
    const float value = 1;
    g_autofree char *model = network_gain("gain");
    g_autofree char *file = write_npy(model, "short.npy", "<f4", "(1,)", &value, 3);
    g_autofree char *constants = g_strdup_printf("bias=0,gain=%s", file);
    g_autofree char *why = g_strdup_printf("for the input \"gain\": %s: the header says", file);

    expect_refusal(model, constants, why);
    expect_refusal(model, "bias=0,gain=/nowhere/at-all.npy", "for the input \"gain\": ");
}
GST_END_TEST;

static Suite *
constants_suite(void)
{
    Suite *suite = suite_create("constants");
    TCase *tests = tcase_create("constants");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_float32);
    tcase_add_test(tests, test_float64_and_open_size);
    tcase_add_test(tests, test_wrong_shape);
    tcase_add_test(tests, test_wrong_type);
    tcase_add_test(tests, test_bad_files);
    return suite;
}

GST_CHECK_MAIN(constants);
