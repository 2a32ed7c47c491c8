/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convrnn_model_load(): files that are none, the cache, the .modelinfo beside the model, and real
 * networks where there are any. */
#include <convrnn/convrnn.h>
#include "core/memory.h"
#include "malformed/small_models.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static char *
path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static char *
write_file(const char *name, const void *data, gsize size)
{
    char *path = path_of(name);
    g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
    return path;
}

static char *
write_model(const char *name)
{
    GBytes *file = small_models[0].make();
    char *path = write_file(name, g_bytes_get_data(file, NULL), g_bytes_get_size(file));
    g_bytes_unref(file);
    return path;
}

static ConvRnnModel *
load(const char *path)
{
    GError *error = NULL;
    ConvRnnModel *model = convrnn_model_load(path, &error);

    g_assert_no_error(error);
    g_assert_nonnull(model);
    return model;
}

/* Takes path over. */
static void
expect_error(char *path, ConvRnnError code, const char *part)
{
    GError *error = NULL;

    g_assert_null(convrnn_model_load(path, &error));
    g_assert_error(error, CONVRNN_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, path));
    if (!strstr(error->message, part))
        g_error("'%s' is not in: %s", part, error->message);
    g_error_free(error);
    g_free(path);
}

static void
test_no_file(void)
{
    char *fifo = path_of("fifo.onnx");

    expect_error(path_of("missing.onnx"), CONVRNN_ERROR_IO, "");
    expect_error(g_strdup(folder), CONVRNN_ERROR_IO, "directory");
    expect_error(g_strdup("/dev/null"), CONVRNN_ERROR_IO, "regular file");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0); /* a plain open() would wait for a writer */
    expect_error(fifo, CONVRNN_ERROR_IO, "regular file");
    expect_error(write_file("empty.onnx", "", 0), CONVRNN_ERROR_FORMAT, "empty");
    expect_error(write_file("text.onnx", "hello\n", 6), CONVRNN_ERROR_FORMAT, "byte");
}

static void
test_cache(void)
{
    char *path = write_model("cached.onnx"), *link = path_of("link.onnx");
    g_assert_cmpint(symlink(path, link), ==, 0);
    ConvRnnModel *a = load(path), *b = load(path), *c = load(link);

    g_assert_true(a == b && a == c);
    convrnn_model_unref(b);
    convrnn_model_unref(c);

    /* another file in its place: another model, and the old one goes on */
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_free(write_file("other", "", 0)); /* so that the inode is not used again */
    g_free(write_model("cached.onnx"));
    b = load(path);
    g_assert_true(a != b);
    g_assert_cmpuint(convrnn_model_get_n_inputs(a), ==, 1);
    convrnn_model_unref(a);
    convrnn_model_unref(b);

    /* a description that comes later is seen */
    a = load(path);
    g_assert_null(convrnn_model_get_property(a, "x", "mean"));
    g_free(write_file("cached.modelinfo", "[modelinfo]\nversion=1.0\n[x]\nmean=0.5\n", 37));
    b = load(path);
    g_assert_true(a != b);
    g_assert_cmpstr(convrnn_model_get_property(b, "x", "mean"), ==, "0.5");
    convrnn_model_unref(a);
    convrnn_model_unref(b);
    g_free(path);
    g_free(link);
}

static void
test_modelinfo(void)
{
    const char *text = "[modelinfo]\nversion=1.0\n[x]\nmean=%d\n";
    char *path = write_model("net.v1.onnx");
    char *one = g_strdup_printf(text, 1), *two = g_strdup_printf(text, 2);

    g_free(write_file("net.v1.modelinfo", one, strlen(one)));
    ConvRnnModel *model = load(path);
    g_assert_cmpstr(convrnn_model_get_property(model, "x", "mean"), ==, "1");
    convrnn_model_unref(model);

    /* the longer name first, as GStreamer looks for it */
    g_free(write_file("net.v1.onnx.modelinfo", two, strlen(two)));
    model = load(path);
    g_assert_cmpstr(convrnn_model_get_property(model, "x", "mean"), ==, "2");
    convrnn_model_unref(model);

    GError *error = NULL;
    g_free(write_file("net.v1.onnx.modelinfo", "", 0));
    g_assert_null(convrnn_model_load(path, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "net.v1.onnx.modelinfo"));
    g_error_free(error);
    g_free(one);
    g_free(two);
    g_free(path);

    /* a name without an extension in a folder with one */
    char *dotted = path_of("folder.d");
    g_assert_cmpint(g_mkdir(dotted, 0700), ==, 0);
    path = write_model("folder.d/net");
    model = load(path);
    convrnn_model_unref(model);
    g_free(path);
    g_free(dotted);
}

static gpointer
load_often(gpointer path)
{
    for (int i = 0; i < 200; i++)
        convrnn_model_unref(load(path));
    return NULL;
}

static void
test_threads(void)
{
    char *path = write_model("threads.onnx");
    GThread *threads[4];

    for (int i = 0; i < 4; i++)
        threads[i] = g_thread_new("load", load_often, path);
    for (int i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    g_free(path);
}

/* Every allocation that may fail does, in turn, once and for good. */
static void
test_no_memory(void)
{
    for (int for_good = 0; for_good < 2; for_good++) {
        for (const SmallModel *small = small_models; small->name; small++) {
            GBytes *file = small->make();
            ConvRnnModel *model = NULL;
            for (unsigned n = 1; !model; n++) {
                GError *error = NULL;
                cr_mem_fail_at(n, for_good);
                model = convrnn_model_load_bytes(file, "a file", NULL, &error);
                cr_mem_fail_at(0, false);
                if (!model)
                    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
                g_clear_error(&error);
            }
            convrnn_model_unref(model);
            g_bytes_unref(file);
        }
    }
}

static void
test_bytes(void)
{
    GBytes *a = small_models[0].make(), *b = small_models[1].make();
    ConvRnnModel *x = convrnn_model_load_bytes(a, "x", NULL, NULL);
    ConvRnnModel *y = convrnn_model_load_bytes(b, "y", "[modelinfo]\nversion=1.0\n", NULL);

    g_assert_cmpstr(convrnn_model_get_name(x), ==, "x");
    g_assert_cmpuint(convrnn_model_get_n_inputs(y), ==, 2);
    convrnn_model_unref(x);
    convrnn_model_unref(y);
    g_bytes_unref(a);
    g_bytes_unref(b);
}

static void
test_network(gconstpointer data)
{
    const char *path = data;
    GError *error = NULL;
    ConvRnnModel *model = convrnn_model_load(path, &error);

    if (strstr(path, "customops")) { /* has operators of its own domain */
        g_assert_null(model);
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, "com.microsoft.extensions"));
        g_assert_nonnull(strstr(error->message, "DecodeImage"));
        g_error_free(error);
        return;
    }
    g_assert_no_error(error);
    g_assert_cmpuint(convrnn_model_get_n_inputs(model), >, 0);
    convrnn_model_unref(model);
}

static void
test_no_networks(void)
{
    g_test_skip("NO REAL NETWORKS HERE: set CONVRNN_TEST_DATA to the folder that has them");
}

static guint
add_networks(const char *root)
{
    GDir *dir = root ? g_dir_open(root, 0, NULL) : NULL;
    const char *name;
    guint n = 0;

    while (dir && (name = g_dir_read_name(dir))) {
        char *path = g_build_filename(root, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            n += add_networks(path);
        } else if (g_str_has_suffix(name, ".onnx")) {
            char *test = g_strconcat("/load/network/", name, NULL);
            g_test_add_data_func_full(test, g_strdup(path), test_network, g_free);
            g_free(test);
            n++;
        }
        g_free(path);
    }
    g_clear_pointer(&dir, g_dir_close);
    return n;
}

static void
remove_all(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        char *inner = g_build_filename(path, name, NULL);
        remove_all(inner);
        g_free(inner);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_remove(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("convrnn-load-XXXXXX", NULL);
    g_assert_nonnull(folder);
    g_test_add_func("/load/no-file", test_no_file);
    g_test_add_func("/load/cache", test_cache);
    g_test_add_func("/load/modelinfo", test_modelinfo);
    g_test_add_func("/load/threads", test_threads);
    g_test_add_func("/load/no-memory", test_no_memory);
    g_test_add_func("/load/bytes", test_bytes);
    if (add_networks(g_getenv("CONVRNN_TEST_DATA")) == 0)
        g_test_add_func("/load/network", test_no_networks);
    int status = g_test_run();
    remove_all(folder);
    g_free(folder);
    return status;
}
