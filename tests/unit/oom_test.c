/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of load, session and two steps fails once, and from then on: a GError each time,
 * and no leak (which the sanitizer build sees). Only memory whose size a model decides is meant;
 * GLib's own small pieces end the process, as everywhere with GLib. */
#include "core/memory.h"
#include "support/random_network.h"
#include <string.h>

static GBytes *file;

/* TRUE when it went through. */
static gboolean
load_and_step(GError **error)
{
    g_autoptr(ConvRnnModel) model = convrnn_model_load_bytes(file, "model.onnx", NULL, error);
    g_autoptr(ConvRnnSession) session = model ? convrnn_session_new(model, NULL, error) : NULL;
    if (!session)
        return FALSE;
    for (guint step = 0; step < 2; step++) {
        random_picture(session, 1, step);
        convrnn_session_step(session);
    }
    g_autoptr(GBytes) snapshot = convrnn_session_save_state(session, error);
    return snapshot && convrnn_session_restore_state(session, snapshot, error);
}

static void
test_every_allocation(gconstpointer for_good)
{
    GError *error = NULL;

    cr_mem_fail_at(0, false);
    g_assert_true(load_and_step(&error));
    unsigned n = cr_mem_fail_at(0, false);
    g_assert_cmpuint(n, >, 50);
    for (unsigned i = 1; i <= n; i++) {
        cr_mem_fail_at(i, for_good != NULL);
        gboolean through = load_and_step(&error);
        cr_mem_fail_at(0, false);
        if (through)
            g_test_message("allocation %u is not missed", i);
        g_assert_false(through);
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
        g_clear_error(&error);
    }
    g_assert_true(load_and_step(&error)); /* nothing was left half done */
}

/* A step takes no memory of ours at all. */
static void
test_steps_allocate_nothing(void)
{
    g_autoptr(ConvRnnModel) model = convrnn_model_load_bytes(file, "model.onnx", NULL, NULL);
    g_autoptr(ConvRnnSession) session = convrnn_session_new(model, NULL, NULL);
    cr_mem_fail_at(0, false);
    for (guint step = 0; step < 10; step++)
        convrnn_session_step(session);
    convrnn_session_reset(session);
    g_assert_cmpuint(cr_mem_fail_at(0, false), ==, 0);
}

int
main(int argc, char **argv)
{
    const char *path = g_getenv("CONVRNN_TEST_MODEL");
    gchar *data;
    gsize size;

    g_test_init(&argc, &argv, NULL);
    g_assert_nonnull(path);
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    file = g_bytes_new_take(data, size);
    g_test_add_data_func("/oom/once", NULL, test_every_allocation);
    g_test_add_data_func("/oom/for-good", "for good", test_every_allocation);
    g_test_add_func("/oom/steps-allocate-nothing", test_steps_allocate_nothing);
    int result = g_test_run();
    g_bytes_unref(file);
    return result;
}
