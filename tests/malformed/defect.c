/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "malformed/defect.h"
#include <string.h>

static void
assert_error(const GError *error, const Defect *expected)
{
    g_assert_error(error, CONVRNN_ERROR, (int)expected->code);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    if (!strstr(error->message, expected->part))
        g_error("'%s' is not in: %s", expected->part, error->message);
    g_test_message("%s", error->message);
}

void
defect_test_loaded(gconstpointer data)
{
    const Defect *defect = data;
    g_autoptr(GBytes) file = defect->make();
    g_autoptr(GError) error = NULL;

    g_assert_null(convrnn_model_load_bytes(file, "a file", NULL, &error));
    g_assert_true(g_str_has_prefix(error->message, "a file: "));
    assert_error(error, defect);
}

void
defect_test_bound(gconstpointer data)
{
    const Defect *defect = data;
    g_autoptr(GBytes) file = defect->make();
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_model_load_bytes(file, "a file", NULL, &error);

    g_assert_no_error(error);
    g_assert_null(convrnn_session_new(model, NULL, &error));
    assert_error(error, defect);
}

void
defect_add(const char *prefix, const Defect *defect, GTestDataFunc test)
{
    g_autofree char *path = g_strconcat(prefix, defect->name, NULL);
    g_test_add_data_func(path, defect, test);
}
