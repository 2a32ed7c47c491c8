/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Outputs that are scores of classes. The network hands on the three colours of one pixel, so that
 * range= decides the scores. Expected: softmax of 0, ln 2, ln 3 is 1/6, 2/6, 3/6. */
#include "networks.h"
#include "stream.h"

#define INFO(keys) "[modelinfo]\nversion=1.0\n\n[y]\n" keys

static void
open_classes(Stream *stream, const char *info, const char *properties)
{
    g_autofree char *path = network_sum("classes", 3, 1, 1, info);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);

    stream_init(stream, launch);
    stream_set_caps(stream, "RGB", 4, 4, 25);
}

static void
expect_class(const GstStructure *fields, int rank, const char *label, guint index, double score)
{
    g_autofree char *prefix = g_strdup_printf("tensor-0-top-%d", rank);
    g_autofree char *label_field = g_strconcat(prefix, "-label", NULL);
    g_autofree char *index_field = g_strconcat(prefix, "-index", NULL);
    g_autofree char *score_field = g_strconcat(prefix, "-score", NULL);
    guint found_index = 99;
    double found = 99;

    fail_unless_equals_string(gst_structure_get_string(fields, label_field), label);
    fail_unless(gst_structure_get_uint(fields, index_field, &found_index));
    fail_unless_equals_int(found_index, index);
    fail_unless(gst_structure_get_double(fields, score_field, &found));
    fail_unless(ABS(found - score) < 1e-6, "%s: %g, not %g", label, found, score);
}

static guint
get_count(const GstStructure *fields)
{
    guint n = 99;

    return gst_structure_get_uint(fields, "tensor-0-top", &n) ? n : 99;
}

#define LOGITS "range=\"-1,0;-1,0.693147181;-1,1.098612289\""

GST_START_TEST(test_logits)
{
    const GstStructure *fields;
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    GstBuffer *out;
    Stream stream;

    open_classes(&stream, INFO("labels=cat; dog;bird;\nscores=logits\n"), LOGITS);
    out = stream_push(&stream, stream_flat_frame(&stream, 255, 0));
    fields = gst_custom_meta_get_structure(stream_result(out, &info));
    fail_unless_equals_int(get_count(fields), 3);
    expect_class(fields, 0, "bird", 2, 3 / 6.0);
    expect_class(fields, 1, "dog", 1, 2 / 6.0);
    expect_class(fields, 2, "cat", 0, 1 / 6.0);
    /* The tensor itself stays as it is. */
    fail_unless(ABS(stream_tensor(out, "y", &view)[2] - 1.0986123f) < 1e-6f);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* As they are, the first of equals first, and no more than asked for. */
GST_START_TEST(test_probabilities)
{
    const GstStructure *fields;
    GstConvRnnMetaInfo info;
    GstBuffer *out;
    Stream stream;

    open_classes(&stream, INFO("labels=cat;dog;bird\n"), "range=\"0,0.25;0,0.25;0,0.5\" top-k=2");
    out = stream_push(&stream, stream_flat_frame(&stream, 255, 0));
    fields = gst_custom_meta_get_structure(stream_result(out, &info));
    fail_unless_equals_int(get_count(fields), 2);
    expect_class(fields, 0, "bird", 2, 0.5);
    expect_class(fields, 1, "cat", 0, 0.25);
    fail_if(gst_structure_has_field(fields, "tensor-0-top-2-label"));
    gst_buffer_unref(out);
    g_object_set(stream.element, "top-k", 0, NULL);
    out = stream_push(&stream, stream_flat_frame(&stream, 255, 1));
    fail_unless_equals_int(get_count(gst_custom_meta_get_structure(stream_result(out, &info))), 99);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* −∞ and NaN are no reason to fall over: log 0 and 0·∞ come from networks. Huge ones neither. */
GST_START_TEST(test_large)
{
    const GstStructure *fields;
    GstConvRnnMetaInfo info;
    GstBuffer *out;
    Stream stream;

    open_classes(&stream, INFO("labels=cat;dog;bird\nscores=logits\n"),
                 "range=\"0,-1e30;0,1e30;0,1e30\"");
    out = stream_push(&stream, stream_flat_frame(&stream, 255, 0));
    fields = gst_custom_meta_get_structure(stream_result(out, &info));
    expect_class(fields, 0, "dog", 1, 0.5);
    expect_class(fields, 1, "bird", 2, 0.5);
    expect_class(fields, 2, "cat", 0, 0);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

static void
expect_refusal(const char *info, const char *words)
{
    GQuark domain;
    Stream stream;
    int code;

    open_classes(&stream, info, "");
    fail_unless(gst_harness_push(stream.harness, stream_flat_frame(&stream, 0, 0)) ==
                GST_FLOW_NOT_NEGOTIATED);
    g_autofree char *text = stream_take_error(stream.bus, GST_MESSAGE_ERROR, &domain, &code);
    fail_unless(domain == GST_LIBRARY_ERROR && code == GST_LIBRARY_ERROR_SETTINGS);
    fail_unless(g_str_has_suffix(text, words), "%s", text);
    stream_clear(&stream);
}

GST_START_TEST(test_refused)
{
    expect_refusal(INFO("labels=cat;dog\n"),
                   "Output \"y\" in the .modelinfo: found labels= of 2 classes, expected one for "
                   "each of its 3 elements, with ';' between them.");
    expect_refusal(INFO("labels=cat;dog;bird\nscores=votes\n"),
                   "Output \"y\" in the .modelinfo: found scores=votes, expected "
                   "scores=probabilities or scores=logits.");
}
GST_END_TEST;

static Suite *
classes_suite(void)
{
    Suite *suite = suite_create("classes");
    TCase *tests = tcase_create("classes");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_logits);
    tcase_add_test(tests, test_probabilities);
    tcase_add_test(tests, test_large);
    tcase_add_test(tests, test_refused);
    return suite;
}

GST_CHECK_MAIN(classes);
