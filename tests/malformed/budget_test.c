/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files made to cost as much memory as possible. Each is loaded in a process that cannot get more
 * than the promised 4 × size + 64 MiB, of which the file itself is there already. */
#include <convrnn/convrnn.h>
#include "support/onnx_writer.h"
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static Ow *
relu_graph(void)
{
    return ow_graph(ow_node("Relu", "x", "y"), NULL);
}

static GBytes *
nodes(void)
{
    Ow *graph = relu_graph(), *node = ow_new();
    ow_text(node, 4, "A");
    for (int i = 0; i < 99000; i++)
        ow_bytes(graph, OW_G_NODE, node->data, node->len);
    g_byte_array_unref(node);
    return ow_model(graph, 13);
}

static GBytes *
values(void)
{
    Ow *graph = relu_graph();
    for (int i = 0, v = 0; i < 200; i++) {
        Ow *node = ow_new();
        for (int k = 0; k < 4000; k++) {
            char name[12];
            g_snprintf(name, sizeof name, "%x", v++);
            ow_text(node, 2, name);
        }
        ow_text(node, 4, "A");
        ow_put(graph, OW_G_NODE, node);
    }
    return ow_model(graph, 13);
}

static GBytes *
attributes(void)
{
    Ow *graph = relu_graph(), *node = ow_new();
    ow_text(node, 4, "A");
    for (int i = 0; i < 64; i++) {
        Ow *attr = ow_new();
        char name[3] = {(char)('a' + i / 8), (char)('a' + i % 8), '\0'};
        ow_text(attr, 1, name);
        ow_int(attr, 3, 0);
        ow_put(node, 5, attr);
    }
    for (int i = 0; i < 20000; i++)
        ow_bytes(graph, OW_G_NODE, node->data, node->len);
    g_byte_array_unref(node);
    return ow_model(graph, 13);
}

static GBytes *
strings(void)
{
    Ow *graph = relu_graph(), *node = ow_new(), *attr = ow_new();
    ow_text(node, 4, "A");
    ow_text(attr, 1, "s");
    for (int i = 0; i < 60000; i++)
        ow_text(attr, 9, "");
    ow_put(node, 5, attr);
    for (int i = 0; i < 50; i++)
        ow_bytes(graph, OW_G_NODE, node->data, node->len);
    g_byte_array_unref(node);
    return ow_model(graph, 13);
}

static GBytes *
metadata(void)
{
    Ow *model = ow_model_head(8, 13);
    for (int i = 0; i < 1000000; i++) {
        char key[12];
        g_snprintf(key, sizeof key, "%x", i);
        ow_metadata(model, key, "");
    }
    return ow_finish(model, relu_graph());
}

static GBytes *
functions(void)
{
    Ow *model = ow_model_head(8, 13);
    for (int i = 0; i < 500000; i++) {
        char name[12];
        Ow *function = ow_new();
        g_snprintf(name, sizeof name, "%x", i);
        ow_text(function, 1, name);
        ow_put(model, 25, function);
    }
    return ow_finish(model, relu_graph());
}

static GBytes *
initializers(void)
{
    Ow *graph = relu_graph();
    for (int i = 0; i < 300000; i++) {
        char name[12];
        g_snprintf(name, sizeof name, "%x", i);
        ow_put(graph, OW_G_INITIALIZER, ow_tensor_head(name, OW_FLOAT, &(int64_t){0}, 1));
    }
    return ow_model(graph, 13);
}

static GBytes *
imports(void)
{
    Ow *graph = relu_graph();
    for (int i = 0; i < 50000; i++) {
        char name[12];
        g_snprintf(name, sizeof name, "%x", i);
        ow_put(graph, OW_G_NODE, ow_node("Softmax", "x", name));
    }
    return ow_model(graph, 9);
}

static GBytes *
growing_list(void)
{
    const int64_t n = 20 << 20;
    Ow *graph = relu_graph(), *tensor = ow_tensor_head("w", OW_INT64, &n, 1);
    guint8 *ones = g_malloc(n);
    memset(ones, 1, n);
    ow_bytes(tensor, 7, ones, n);
    g_free(ones);
    ow_put(graph, OW_G_INITIALIZER, tensor);
    return ow_model(graph, 13);
}

/* Weights that have to be copied, because three in four are not aligned. */
static GBytes *
unaligned(void)
{
    enum { N = 8 << 20 };
    Ow *graph = relu_graph();
    float *zeros = g_new0(float, N);
    for (int i = 0; i < 4; i++) {
        char *name = g_strnfill(i + 1, 'w'); /* one more byte shifts what follows */
        ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32(name, zeros, N / 4));
        g_free(name);
    }
    g_free(zeros);
    return ow_model(graph, 13);
}

/* Names that g_str_hash() cannot tell apart: "Ez" and "FY" have one hash, and so have all texts
 * made of them. */
static GBytes *
colliding_names(void)
{
    Ow *graph = relu_graph();
    for (int i = 0; i < 1 << 16; i++) {
        char name[33] = "";
        for (int bit = 0; bit < 16; bit++)
            memcpy(name + 2 * bit, i >> bit & 1 ? "Ez" : "FY", 2);
        ow_put(graph, OW_G_NODE, ow_node("Relu", "x", name));
    }
    return ow_model(graph, 13);
}

static const struct {
    const char *name;
    GBytes *(*make)(void);
} cases[] = {
    {"nodes", nodes},
    {"values", values},
    {"attributes", attributes},
    {"strings", strings},
    {"metadata", metadata},
    {"functions", functions},
    {"initializers", initializers},
    {"imports", imports},
    {"growing-list", growing_list},
    {"unaligned", unaligned},
    {"colliding-names", colliding_names},
};

static gsize
address_space(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");

    if (statm && fscanf(statm, "%lu", &pages) != 1)
        pages = 0;
    if (statm)
        fclose(statm);
    return pages * 4096;
}

static void
load(gsize i)
{
    GBytes *file = cases[i].make();
    struct rlimit limit;
    GError *error = NULL;

    malloc_trim(0);
    limit.rlim_cur = limit.rlim_max = address_space() + 3 * g_bytes_get_size(file) + (64 << 20);
    g_assert_cmpint(setrlimit(RLIMIT_AS, &limit), ==, 0);
    ConvRnnModel *model = convrnn_model_load_bytes(file, "a file", NULL, &error);
    if (!model)
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT);
    g_clear_error(&error);
    convrnn_model_unref(model);
    g_bytes_unref(file);
}

static void
test_case(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);

#ifdef SANITIZED
    g_test_skip("a sanitizer needs more address space than there is");
    return;
#endif
    if (g_getenv("VALGRIND") || address_space() == 0) {
        g_test_skip("no limit can be set on the memory of this process");
        return;
    }
    if (g_test_subprocess()) {
        load(i);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *path = g_strconcat("/malformed/budget/", cases[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
        g_free(path);
    }
    return g_test_run();
}
