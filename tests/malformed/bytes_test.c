/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every prefix of small models, and every byte of them replaced by every value: an error or a valid
 * load, nothing else. The copy that is loaded ends exactly where the file ends, so that a sanitizer
 * or valgrind sees one byte too many. */
#include <convrnn/convrnn.h>
#include "malformed/small_models.h"
#include <string.h>

static guint n_loaded, n_refused;

static void
load(const guint8 *data, gsize size)
{
    GBytes *file = g_bytes_new(data, size);
    GError *error = NULL;
    ConvRnnModel *model = convrnn_model_load_bytes(file, "a file", NULL, &error);

    if (model) {
        g_assert_no_error(error);
        g_assert_cmpuint(convrnn_model_get_n_outputs(model), >, 0);
        convrnn_model_unref(model);
        n_loaded++;
    } else {
        g_assert_nonnull(error);
        g_assert_true(error->domain == CONVRNN_ERROR);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_error_free(error);
        n_refused++;
    }
    g_bytes_unref(file);
}

static void
test_whole(gconstpointer data)
{
    const SmallModel *small = data;
    GBytes *file = small->make();
    GError *error = NULL;
    ConvRnnModel *model = convrnn_model_load_bytes(file, "a file", NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(model);
    convrnn_model_unref(model);
    g_bytes_unref(file);
}

static void
test_prefixes(gconstpointer data)
{
    const SmallModel *small = data;
    GBytes *file = small->make();
    gsize size;
    const guint8 *bytes = g_bytes_get_data(file, &size);

    n_loaded = n_refused = 0;
    for (gsize i = 0; i < size; i++)
        load(bytes, i);
    g_assert_cmpuint(n_loaded, ==, 0); /* the graph comes last in these */
    g_assert_cmpuint(n_refused, ==, size);
    g_bytes_unref(file);
}

static void
test_bytes(gconstpointer data)
{
    const SmallModel *small = data;
    GBytes *file = small->make();
    gsize size;
    guint8 *bytes = g_bytes_unref_to_data(file, &size);

    n_loaded = n_refused = 0;
    for (gsize i = 0; i < size; i++) {
        guint8 right = bytes[i];
        for (int value = 0; value < 256; value++) {
            bytes[i] = (guint8)value;
            if (value != right)
                load(bytes, size);
        }
        bytes[i] = right;
    }
    g_test_message("%u loaded, %u refused", n_loaded, n_refused);
    g_assert_cmpuint(n_loaded, >, 0);
    g_assert_cmpuint(n_refused, >, n_loaded / 100);
    g_free(bytes);
}

/* Two models one after the other in one file, as protobuf merges messages. */
static void
test_pairs(void)
{
    for (const SmallModel *a = small_models; a->name; a++) {
        for (const SmallModel *b = small_models; b->name; b++) {
            GByteArray *both = g_bytes_unref_to_array(a->make());
            GBytes *second = b->make();
            g_byte_array_append(both, g_bytes_get_data(second, NULL),
                                (guint)g_bytes_get_size(second));
            load(both->data, both->len);
            g_byte_array_unref(both);
            g_bytes_unref(second);
        }
    }
}

static void
add(const char *what, const SmallModel *small, GTestDataFunc fn)
{
    char *path = g_strconcat("/malformed/", what, "/", small->name, NULL);
    g_test_add_data_func(path, small, fn);
    g_free(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (const SmallModel *small = small_models; small->name; small++) {
        add("whole", small, test_whole);
        add("prefixes", small, test_prefixes);
        add("bytes", small, test_bytes);
    }
    g_test_add_func("/malformed/pairs", test_pairs);
    return g_test_run();
}
