/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The property precision: what is in force, that it is, and what an application hears where the
 * processor has no AMX. With the shipped network, whose convolutions are large enough for it. */
#include "networks.h"
#include "stream.h"
#include <convrnn/cpu.h>
#include <string.h>

/* The outputs of three frames; what stats says is to be freed. */
static GByteArray *
run(const char *properties, char **in_force, GstMessage **warning)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s/motion/model.onnx %s",
                                              g_getenv("CONVRNN_TEST_MODELS"), properties);
    GByteArray *all = g_byte_array_new();
    GstStructure *stats;
    Stream stream;

    stream_init(&stream, launch);
    g_object_get(stream.element, "stats", &stats, NULL);
    fail_if(gst_structure_has_field(stats, "precision"));
    gst_structure_free(stats);
    stream_set_caps(&stream, "RGB", 64, 48, 25);
    for (int i = 0; i < 3; i++) {
        GstBuffer *out = stream_push(&stream, stream_random_frame(&stream, 7 + (guint)i, i));
        GstConvRnnTensorView view;
        GstConvRnnMetaInfo info;

        fail_unless(gst_convrnn_meta_get_tensor(stream_result(out, &info), 0, &view));
        g_byte_array_append(all, view.data, (guint)view.size);
        gst_buffer_unref(out);
    }
    g_object_get(stream.element, "stats", &stats, NULL);
    *in_force = g_strdup(gst_structure_get_string(stats, "precision"));
    gst_structure_free(stats);
    *warning = stream_take_message(stream.bus, GST_MESSAGE_WARNING);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR) == NULL);
    stream_clear(&stream);
    return all;
}

/* As many bytes as `like`, and the same or not. */
static void
expect(const char *properties, const char *name, const GByteArray *like, gboolean same)
{
    g_autofree char *in_force = NULL;
    GstMessage *warning;
    GByteArray *found = run(properties, &in_force, &warning);

    fail_unless(warning == NULL);
    fail_unless_equals_string(in_force, name);
    fail_unless_equals_int(found->len, like->len);
    fail_unless((memcmp(found->data, like->data, like->len) == 0) == same, "%s", properties);
    g_byte_array_unref(found);
}

GST_START_TEST(test_in_force)
{
    gboolean amx = strcmp(convrnn_cpu_get_level(), "amx") == 0;
    const char *best = amx ? "bf16x3" : "fp32";
    g_autofree char *name = NULL;
    GstMessage *warning;
    GByteArray *plain = run("", &name, &warning);

    fail_unless(warning == NULL);
    fail_unless_equals_string(name, "fp32");
    expect("precision=fp32", "fp32", plain, TRUE);
    expect("precision=auto", best, plain, !amx);
    expect("precision=int8", "int8", plain, !amx); /* there are no dense layers */
    if (amx) {
        expect("precision=bf16x3", "bf16x3", plain, FALSE);
        expect("precision=bf16", "bf16", plain, FALSE);
    }
    g_byte_array_unref(plain);
}
GST_END_TEST;

/* Without AMX: a warning that says so, and float32. */
static void
expect_fallback(const char *precision)
{
    g_autofree char *properties = g_strdup_printf("precision=%s", precision);
    g_autofree char *begin = g_strdup_printf("precision=%s needs a processor with AMX", precision);
    g_autofree char *plain_name = NULL, *name = NULL;
    GstMessage *warning;
    GByteArray *plain, *found;
    GError *error;

    plain = run("", &plain_name, &warning);
    fail_unless(warning == NULL);
    found = run(properties, &name, &warning);
    fail_unless(warning != NULL);
    gst_message_parse_warning(warning, &error, NULL);
    fail_unless(g_str_has_prefix(error->message, begin), "%s", error->message);
    fail_unless(g_str_has_suffix(error->message, "\"c\": it computes in fp32."), "%s",
                error->message);
    fail_unless(error->domain == GST_LIBRARY_ERROR && error->code == GST_LIBRARY_ERROR_SETTINGS);
    fail_unless_equals_string(name, "fp32");
    fail_unless(found->len == plain->len && memcmp(found->data, plain->data, plain->len) == 0);
    g_error_free(error);
    gst_message_unref(warning);
    g_byte_array_unref(plain);
    g_byte_array_unref(found);
}

GST_START_TEST(test_fallback)
{
    g_autofree char *best = g_strdup(convrnn_cpu_get_level()), *name = NULL;
    GstMessage *warning;
    GByteArray *plain;

    fail_unless(convrnn_cpu_set_level("c", NULL));
    expect_fallback("bf16");
    expect_fallback("bf16x3");
    plain = run("precision=auto", &name, &warning);
    fail_unless(warning == NULL);
    fail_unless_equals_string(name, "fp32");
    g_byte_array_unref(plain);
    fail_unless(convrnn_cpu_set_level(best, NULL));
}
GST_END_TEST;

/* A model that is set while playing has the precision that is set then, and the same warning. */
GST_START_TEST(test_swap)
{
    g_autofree char *a = network_sum("a", 3, 4, 4, NULL), *b = network_sum("b", 3, 4, 4, NULL);
    g_autofree char *best = g_strdup(convrnn_cpu_get_level());
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", a);
    GstConvRnnMetaInfo info;
    GstMessage *message;
    Stream stream;

    fail_unless(convrnn_cpu_set_level("c", NULL));
    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    fail_unless(stream_push_flat(&stream, 255, 0, &info) == 1);
    gst_util_set_object_arg(G_OBJECT(stream.element), "precision", "bf16");
    fail_unless(stream_push_flat(&stream, 255, 1, &info) == 2);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_WARNING) == NULL);
    g_object_set(stream.element, "model", b, NULL);
    message = gst_bus_timed_pop_filtered(stream.bus, 30 * GST_SECOND, GST_MESSAGE_WARNING);
    fail_unless(message != NULL);
    gst_message_unref(message);
    stream_clear(&stream);
    fail_unless(convrnn_cpu_set_level(best, NULL));
}
GST_END_TEST;

static Suite *
precision_suite(void)
{
    Suite *suite = suite_create("precision");
    TCase *tests = tcase_create("precision");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_in_force);
    tcase_add_test(tests, test_fallback);
    tcase_add_test(tests, test_swap);
    return suite;
}

GST_CHECK_MAIN(precision);
