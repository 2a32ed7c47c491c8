/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong at the start is an error message that says what, where, expected, found, and what
 * to do. Where the library's own message is part of it, the test asks the library for that. */
#include "networks.h"
#include "stream.h"
#include <convrnn/convrnn.h>

#define ADVICE_MISSING                                                                             \
    "Set the property \"model\" to an ONNX file; a relative path starts at the working directory " \
    "of the process."
#define ADVICE_UNREADABLE "Check that it is a regular file which this user may read."
#define ADVICE_BROKEN                                                                              \
    "Check that it is a complete ONNX file: compare its size with the original, or export it "     \
    "again."
#define ADVICE_UNSUPPORTED "The command \"convrnn inspect\" lists what a model needs."

/* The element refuses to start, with just this message. */
static void
expect_refusal(const char *description, GQuark want_domain, int want_code, const char *want)
{
    GstBus *bus;
    GstElement *element = stream_make_element(description, &bus);
    GQuark domain;
    int code;

    fail_unless(gst_element_set_state(element, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
    g_autofree char *text = stream_take_error(bus, GST_MESSAGE_ERROR, &domain, &code);
    fail_unless_equals_string(text, want);
    fail_unless_equals_string(g_quark_to_string(domain), g_quark_to_string(want_domain));
    fail_unless_equals_int(code, want_code);
    fail_unless(stream_take_message(bus, GST_MESSAGE_ERROR) == NULL);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, NULL);
    gst_object_unref(element);
    gst_object_unref(bus);
}

/* A model that cannot be loaded. */
static void
expect_load_error(const char *path, ConvRnnError library_code, GQuark domain, int code,
                  const char *advice)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=\"%s\"", path);
    g_autoptr(GError) error = NULL;
    g_autofree char *want = NULL;

    fail_unless(convrnn_model_load(path, &error) == NULL);
    fail_unless_equals_int(error->code, library_code);
    want = g_strdup_printf("Cannot load the model \"%s\": %s. %s", path, error->message, advice);
    expect_refusal(launch, domain, code, want);
}

GST_START_TEST(test_no_model)
{
    expect_refusal("convrnn", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                   "No model is set. Set the property \"model\" to an ONNX file.");
}
GST_END_TEST;

GST_START_TEST(test_missing_file)
{
    expect_load_error("/no/such/folder/model.onnx", CONVRNN_ERROR_IO, GST_RESOURCE_ERROR,
                      GST_RESOURCE_ERROR_NOT_FOUND, ADVICE_MISSING);
}
GST_END_TEST;

GST_START_TEST(test_directory)
{
    expect_load_error("/", CONVRNN_ERROR_IO, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
                      ADVICE_UNREADABLE);
}
GST_END_TEST;

GST_START_TEST(test_text_file)
{
    const char text[] = "This is a letter and no network.\n";
    g_autofree char *path = network_write("letter", text, sizeof text - 1, NULL);

    expect_load_error(path, CONVRNN_ERROR_FORMAT, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
                      ADVICE_BROKEN);
}
GST_END_TEST;

GST_START_TEST(test_truncated)
{
    g_autofree char *whole = network_gated("whole");
    g_autofree char *data = NULL, *path = NULL;
    gsize size;

    fail_unless(g_file_get_contents(whole, &data, &size, NULL));
    path = network_write("truncated", data, size / 2, NULL);
    expect_load_error(path, CONVRNN_ERROR_FORMAT, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
                      ADVICE_BROKEN);
}
GST_END_TEST;

GST_START_TEST(test_unknown_operator)
{
    g_autofree char *path = network_unknown_operator("unknown");

    expect_load_error(path, CONVRNN_ERROR_UNSUPPORTED, GST_STREAM_ERROR,
                      GST_STREAM_ERROR_NOT_IMPLEMENTED, ADVICE_UNSUPPORTED);
}
GST_END_TEST;

/* --- properties --- */

static void
expect_settings_error(const char *path, const char *properties, const char *message)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);
    g_autofree char *want = g_strdup_printf("Cannot set up the model \"%s\": %s.", path, message);

    expect_refusal(launch, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, want);
}

GST_START_TEST(test_state_map)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *input =
        g_strdup_printf("state-map: model \"%s\" has no input \"h\". Its inputs are: x "
                        "float32[1,3,4,4], h_in float32[1,3,4,4]",
                        path);
    g_autofree char *output =
        g_strdup_printf("state-map: model \"%s\" has no output \"h\". Its outputs are: y "
                        "float32[1,3,4,4], h_out float32[1,3,4,4]",
                        path);

    expect_settings_error(path, "state-map=h=h_out", input);
    expect_settings_error(path, "state-map=h_in=h", output);
    expect_settings_error(path, "state-map=\"h_in=h_out,c_in\"",
                          "state-map: found \"c_in\", expected INPUT=OUTPUT pairs separated by "
                          "commas, such as \"h_in=h_out,c_in=c_out\", or \"none\"");
}
GST_END_TEST;

GST_START_TEST(test_constants)
{
    g_autofree char *path = network_gain("gain");
    g_autofree char *missing =
        g_strdup_printf("constants: model \"%s\" has no input \"loss\". Its inputs are: x "
                        "float32[1,3,4,4], h_in float32[1,3,4,4], gain float32[1], bias "
                        "float32[?]",
                        path);

    expect_settings_error(path, "constants=loss=1", missing);
    expect_settings_error(path, "constants=gain",
                          "constants: found \"gain\", expected INPUT=NUMBER pairs separated by "
                          "commas, such as \"downsample_ratio=0.4\", with ':' between the numbers "
                          "of a list, or INPUT=FILE.npy");
    expect_settings_error(path, "constants=gain=much",
                          "constants: found \"much\" for the input \"gain\", expected a number of "
                          "type float32");
    expect_settings_error(path, "constants=gain=1:2",
                          "constants: 2 numbers found for the input gain float32[1], expected one "
                          "for all its elements or one for each, with ':' between them");
}
GST_END_TEST;

GST_START_TEST(test_outputs)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *message =
        g_strdup_printf("outputs: model \"%s\" has no output \"z\". Its outputs are: y "
                        "float32[1,3,4,4], h_out float32[1,3,4,4]",
                        path);

    expect_settings_error(path, "outputs=\"y,z\"", message);
}
GST_END_TEST;

/* --- caps --- */

/* The element starts, but does not take these caps: one message, however often they are tried. */
static void
expect_caps_refusal(const char *path, const char *properties, const char *caps, GQuark want_domain,
                    int want_code, const char *message)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);
    g_autofree char *want =
        g_strdup_printf("Cannot run frames of 8x6 through the model \"%s\": %s.", path, message);
    GstBuffer *frame;
    GQuark domain;
    Stream stream;
    int code;

    stream_init(&stream, launch);
    gst_harness_set_src_caps(stream.harness, gst_caps_from_string(caps));
    frame = gst_buffer_new_allocate(NULL, 8 * 6 * 4, NULL);
    fail_unless(gst_harness_push(stream.harness, frame) == GST_FLOW_NOT_NEGOTIATED);
    g_autofree char *text = stream_take_error(stream.bus, GST_MESSAGE_ERROR, &domain, &code);
    fail_unless_equals_string(text, want);
    fail_unless_equals_string(g_quark_to_string(domain), g_quark_to_string(want_domain));
    fail_unless_equals_int(code, want_code);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_ERROR) == NULL);
    stream_clear(&stream);
}

#define CAPS "video/x-raw,format=RGBx,width=8,height=6,framerate=25/1"

GST_START_TEST(test_region)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);

    expect_caps_refusal(path, "region=\"0,0,9,1\"", CAPS, GST_LIBRARY_ERROR,
                        GST_LIBRARY_ERROR_SETTINGS,
                        "region: found \"0,0,9,1\", expected a part of frames of 8x6 that is not "
                        "empty");
    expect_caps_refusal(path, "region=\"0,0,0,1\"", CAPS, GST_LIBRARY_ERROR,
                        GST_LIBRARY_ERROR_SETTINGS,
                        "region: found \"0,0,0,1\", expected a part of frames of 8x6 that is not "
                        "empty");
    expect_caps_refusal(path, "region=\"1,1,-1\"", CAPS, GST_LIBRARY_ERROR,
                        GST_LIBRARY_ERROR_SETTINGS,
                        "region: found \"1,1,-1\", expected X,Y,WIDTH,HEIGHT in pixels of the "
                        "frame");
}
GST_END_TEST;

GST_START_TEST(test_interlaced)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);

    expect_caps_refusal(path, "", CAPS ",interlace-mode=interleaved", GST_STREAM_ERROR,
                        GST_STREAM_ERROR_WRONG_TYPE,
                        "The video is interlaced (interlace-mode=interleaved), and a network needs "
                        "whole frames. Put the element deinterlace before convrnn");
}
GST_END_TEST;

GST_START_TEST(test_no_picture)
{
    g_autofree char *path = network_no_picture("no-picture");

    expect_caps_refusal(
        path, "", CAPS, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
        "No input of the model can be a picture. Expected float32 or uint8 of shape "
        "[1,C,H,W] or [1,H,W,C] with C = 1 or 3, found: x float32[1,2,4,5]");
}
GST_END_TEST;

GST_START_TEST(test_two_pictures)
{
    g_autofree char *path = network_two_pictures("two-pictures", NULL);

    expect_caps_refusal(path, "", CAPS, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "Several inputs of the model can be the picture, among: a "
                        "float32[1,3,4,4], b float32[1,3,4,4]. Write role=image under the one that "
                        "is, such as [a], in the .modelinfo beside the model, or bind the others "
                        "with the properties constants and state-map");
}
GST_END_TEST;

GST_START_TEST(test_unbound_input)
{
    g_autofree char *path = network_gain("gain");

    expect_caps_refusal(path, "constants=bias=1", CAPS, GST_LIBRARY_ERROR,
                        GST_LIBRARY_ERROR_SETTINGS,
                        "The input gain float32[1] is neither the picture (that is \"x\"), nor a "
                        "state, nor a constant. Give it a value with constants=gain=NUMBER, or "
                        "make it a state with state-map=gain=OUTPUT");
}
GST_END_TEST;

GST_START_TEST(test_normalisation)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);

    expect_caps_refusal(path, "mean=\"1,2\"", CAPS, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "mean: found \"1,2\", expected one number, or 3 separated by commas");
    expect_caps_refusal(path, "std=0", CAPS, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "std: found 0, expected numbers to divide by");
    expect_caps_refusal(path, "range=\"1,1\"", CAPS, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                        "range: found \"1,1\", expected LOW,HIGH, the numbers for black and white, "
                        "or one such pair for each channel with ';' between them");
}
GST_END_TEST;

/* A buffer that is too small for its caps. */
GST_START_TEST(test_short_buffer)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);
    GQuark domain;
    Stream stream;
    int code;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGBx", 8, 6, 25);
    fail_unless(gst_harness_push(stream.harness, gst_buffer_new_allocate(NULL, 100, NULL)) ==
                GST_FLOW_ERROR);
    g_autofree char *text = stream_take_error(stream.bus, GST_MESSAGE_ERROR, &domain, &code);
    fail_unless_equals_string(text, "A buffer of 100 bytes is no frame of 8x6 RGBx.");
    stream_clear(&stream);
}
GST_END_TEST;

static Suite *
errors_suite(void)
{
    Suite *suite = suite_create("errors");
    TCase *tests = tcase_create("errors");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_no_model);
    tcase_add_test(tests, test_missing_file);
    tcase_add_test(tests, test_directory);
    tcase_add_test(tests, test_text_file);
    tcase_add_test(tests, test_truncated);
    tcase_add_test(tests, test_unknown_operator);
    tcase_add_test(tests, test_state_map);
    tcase_add_test(tests, test_constants);
    tcase_add_test(tests, test_outputs);
    tcase_add_test(tests, test_region);
    tcase_add_test(tests, test_interlaced);
    tcase_add_test(tests, test_no_picture);
    tcase_add_test(tests, test_two_pictures);
    tcase_add_test(tests, test_unbound_input);
    tcase_add_test(tests, test_normalisation);
    tcase_add_test(tests, test_short_buffer);
    return suite;
}

GST_CHECK_MAIN(errors);
