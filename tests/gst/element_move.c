/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream that goes on in another process, in the middle: the results of the two, one after the
 * other, are the bytes of one process that saw it all. The program runs itself for each process:
 *
 *     element_move --part MODEL FIRST LAST STATE-IN|- STATE-OUT|- RESULTS
 */
#include "networks.h"
#include "stream.h"
#include <glib/gstdio.h>

enum { WIDTH = 40, HEIGHT = 30, FRAMES = 30 };

/* --- one process --- */

static GBytes *
read_file(const char *path)
{
    GMappedFile *file = g_mapped_file_new(path, FALSE, NULL);
    GBytes *bytes;

    if (file == NULL)
        return NULL;
    bytes = g_mapped_file_get_bytes(file);
    g_mapped_file_unref(file);
    return bytes;
}

static gboolean
write_file(const char *path, GBytes *bytes)
{
    return bytes != NULL && g_file_set_contents(path, g_bytes_get_data(bytes, NULL),
                                                (gssize)g_bytes_get_size(bytes), NULL);
}

/* Before the caps are known, as an application does it that has just made the pipeline. */
static gboolean
set_state(Stream *stream, const char *path)
{
    g_autoptr(GBytes) state = read_file(path);
    gboolean good = FALSE;

    if (state != NULL)
        g_signal_emit_by_name(stream->element, "set-state", state, &good);
    return good;
}

static gboolean
get_state(Stream *stream, const char *path)
{
    g_autoptr(GBytes) state = NULL;

    g_signal_emit_by_name(stream->element, "get-state", &state);
    return write_file(path, state);
}

/* The step and y of each frame. */
static GBytes *
run_frames(Stream *stream, int first, int last)
{
    GByteArray *all = g_byte_array_new();

    for (int i = first; i < last; i++) {
        GstBuffer *out = stream_push(stream, stream_random_frame(stream, 70 + (guint)i, i));
        GstConvRnnTensorView view;
        GstConvRnnMetaInfo info;

        stream_result(out, &info);
        g_byte_array_append(all, (const guint8 *)&info.step, sizeof info.step);
        stream_tensor(out, "y", &view);
        g_byte_array_append(all, view.data, (guint)view.size);
        gst_buffer_unref(out);
    }
    return g_byte_array_free_to_bytes(all);
}

static char **part; /* the arguments after --part */

GST_START_TEST(test_part)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", part[0]);
    g_autoptr(GBytes) results = NULL;
    Stream stream;

    stream_init(&stream, launch);
    if (strcmp(part[3], "-") != 0)
        fail_unless(set_state(&stream, part[3]));
    stream_set_caps(&stream, "RGB", WIDTH, HEIGHT, 25);
    results = run_frames(&stream, atoi(part[1]), atoi(part[2]));
    if (strcmp(part[4], "-") != 0)
        fail_unless(get_state(&stream, part[4]));
    fail_unless(write_file(part[5], results));
    stream_clear(&stream);
}
GST_END_TEST;

/* --- the test --- */

static char *program;

static GBytes *
spawn(const char *folder, const char *model, int first, int last, const char *in, const char *out)
{
    g_autofree char *from = g_strdup_printf("%d", first), *to = g_strdup_printf("%d", last);
    g_autofree char *results = g_build_filename(folder, "results", NULL);
    const char *argv[] = {program, "--part", model, from, to, in, out, results, NULL};
    g_autoptr(GError) error = NULL;
    GBytes *bytes;
    int status;

    fail_unless(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                             &status, &error) &&
                    g_spawn_check_wait_status(status, &error),
                "frames %d to %d: %s", first, last, error ? error->message : "");
    bytes = read_file(results);
    fail_unless(bytes != NULL && g_remove(results) == 0);
    return bytes;
}

GST_START_TEST(test_move)
{
    static const int cuts[] = {0, 1, 13, 29};
    g_autofree char *folder = g_dir_make_tmp("convrnn-move-XXXXXX", NULL);
    g_autofree char *state = g_build_filename(folder, "state", NULL);
    g_autofree char *model = network_gated("gated");
    g_autoptr(GBytes) whole = spawn(folder, model, 0, FRAMES, "-", "-");
    const guint8 *want = g_bytes_get_data(whole, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(cuts); i++) {
        g_autoptr(GBytes) before = spawn(folder, model, 0, cuts[i], "-", state);
        g_autoptr(GBytes) after = spawn(folder, model, cuts[i], FRAMES, state, "-");
        gsize size = g_bytes_get_size(before);

        fail_unless_equals_int(size + g_bytes_get_size(after), g_bytes_get_size(whole));
        fail_unless(size == 0 || memcmp(want, g_bytes_get_data(before, NULL), size) == 0);
        fail_unless(memcmp(want + size, g_bytes_get_data(after, NULL), g_bytes_get_size(after)) ==
                        0,
                    "cut before frame %d: the second process differs", cuts[i]);
    }
    g_remove(state);
    g_rmdir(folder);
}
GST_END_TEST;

static Suite *
move_suite(gboolean whole)
{
    Suite *suite = suite_create("move");
    TCase *tests = tcase_create("move");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    if (whole)
        tcase_add_test(tests, test_move);
    else
        tcase_add_test(tests, test_part);
    return suite;
}

int
main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 8 && strcmp(argv[1], "--part") == 0) {
        part = argv + 2;
        argc = 1; /* GStreamer would not know the option */
    }
    gst_check_init(&argc, &argv);
    return gst_check_run_suite(move_suite(part == NULL), "move", __FILE__);
}
