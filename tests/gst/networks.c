/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "networks.h"
#include "support/onnx_writer.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

static char *folder;

char *
network_write(const char *name, gconstpointer data, gsize size, const char *modelinfo)
{
    g_autofree char *model = g_strconcat(name, ".onnx", NULL);
    g_autofree char *info = g_strconcat(name, ".modelinfo", NULL);
    char *path;

    if (folder == NULL)
        folder = g_dir_make_tmp("convrnn-networks-XXXXXX", NULL);
    path = g_build_filename(folder, model, NULL);
    g_assert_true(g_file_set_contents(path, data, size, NULL));
    if (modelinfo != NULL) {
        g_autofree char *info_path = g_build_filename(folder, info, NULL);

        g_assert_true(g_file_set_contents(info_path, modelinfo, -1, NULL));
    }
    return path;
}

void
networks_remove(void)
{
    g_autoptr(GDir) dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        g_remove(path);
    }
    if (folder != NULL)
        g_rmdir(folder);
    g_clear_pointer(&folder, g_free);
}

static char *
finish(const char *name, Ow *graph, const char *modelinfo)
{
    g_autoptr(GBytes) bytes = ow_model(graph, 13);

    return network_write(name, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), modelinfo);
}

static void
add_port(Ow *graph, unsigned field, const char *name, int64_t c, int64_t h, int64_t w)
{
    int64_t dims[] = {1, c, h, w};

    ow_put(graph, field, ow_value(name, OW_FLOAT, dims, 4));
}

static void
add_node(Ow *graph, const char *op, const char *inputs, const char *outputs)
{
    ow_put(graph, OW_G_NODE, ow_node(op, inputs, outputs));
}

char *
network_sum(const char *name, int channels, int height, int width, const char *modelinfo)
{
    Ow *graph = ow_new();

    add_node(graph, "Add", "x,h_in", "h_out");
    add_node(graph, "Identity", "h_out", "y");
    add_port(graph, OW_G_INPUT, "x", channels, height, width);
    add_port(graph, OW_G_INPUT, "h_in", channels, height, width);
    add_port(graph, OW_G_OUTPUT, "y", channels, height, width);
    add_port(graph, OW_G_OUTPUT, "h_out", channels, height, width);
    return finish(name, graph, modelinfo);
}

static void
add_conv(Ow *graph, const char *input, const char *output, int in_channels, int seed)
{
    enum { OUT = 4, TAPS = 9 };
    g_autofree char *weights = g_strconcat("w_", output, NULL);
    g_autofree char *inputs = g_strconcat(input, ",", weights, NULL);
    const int64_t dims[] = {OUT, in_channels, 3, 3}, pads[] = {1, 1, 1, 1};
    gsize n = (gsize)OUT * in_channels * TAPS;
    g_autofree float *w = g_new(float, n);
    GRand *random = g_rand_new_with_seed(seed);
    Ow *node = ow_node("Conv", inputs, output);

    for (gsize i = 0; i < n; i++)
        w[i] = (float)g_rand_double_range(random, -0.4, 0.4);
    g_rand_free(random);
    ow_attr_ints(node, "pads", pads, 4);
    ow_put(graph, OW_G_NODE, node);
    ow_put(graph, OW_G_INITIALIZER, ow_tensor(weights, OW_FLOAT, dims, 4, w, n * sizeof *w));
}

char *
network_gated(const char *name)
{
    const int64_t axes[] = {1};
    Ow *graph = ow_new(), *mean = ow_node("ReduceMean", "h_out", "y");

    add_conv(graph, "x", "z_x", 3, 1);
    add_conv(graph, "h_in", "z_h", 4, 2);
    add_node(graph, "Add", "z_x,z_h", "z_sum");
    add_node(graph, "Sigmoid", "z_sum", "z");
    add_conv(graph, "x", "n_x", 3, 3);
    add_node(graph, "Tanh", "n_x", "n");
    add_node(graph, "Sub", "n,h_in", "step");
    add_node(graph, "Mul", "z,step", "gated");
    add_node(graph, "Add", "h_in,gated", "h_out");
    ow_attr_ints(mean, "axes", axes, 1);
    ow_put(graph, OW_G_NODE, mean);
    add_port(graph, OW_G_INPUT, "x", 3, -1, -1);
    add_port(graph, OW_G_INPUT, "h_in", 4, -1, -1);
    add_port(graph, OW_G_OUTPUT, "y", 1, -1, -1);
    add_port(graph, OW_G_OUTPUT, "h_out", 4, -1, -1);
    return finish(name, graph, NULL);
}

char *
network_log(const char *name)
{
    Ow *graph = ow_new();

    add_node(graph, "Log", "x", "log");
    add_node(graph, "Add", "h_in,log", "h_out");
    add_node(graph, "Identity", "x", "y");
    add_port(graph, OW_G_INPUT, "x", 3, -1, -1);
    add_port(graph, OW_G_INPUT, "h_in", 3, -1, -1);
    add_port(graph, OW_G_OUTPUT, "y", 3, -1, -1);
    add_port(graph, OW_G_OUTPUT, "h_out", 3, -1, -1);
    return finish(name, graph, NULL);
}

char *
network_gain(const char *name)
{
    const int64_t one[] = {1}, open[] = {-1};
    Ow *graph = ow_new();

    add_node(graph, "Add", "x,h_in", "h_out");
    add_node(graph, "Mul", "h_out,gain", "scaled");
    add_node(graph, "Add", "scaled,bias", "y");
    add_port(graph, OW_G_INPUT, "x", 3, 4, 4);
    add_port(graph, OW_G_INPUT, "h_in", 3, 4, 4);
    ow_put(graph, OW_G_INPUT, ow_value("gain", OW_FLOAT, one, 1));
    ow_put(graph, OW_G_INPUT, ow_value("bias", OW_FLOAT, open, 1));
    add_port(graph, OW_G_OUTPUT, "y", 3, 4, 4);
    add_port(graph, OW_G_OUTPUT, "h_out", 3, 4, 4);
    return finish(name, graph, NULL);
}

char *
network_two_pictures(const char *name, const char *modelinfo)
{
    Ow *graph = ow_new();

    add_node(graph, "Add", "a,b", "y");
    add_port(graph, OW_G_INPUT, "a", 3, 4, 4);
    add_port(graph, OW_G_INPUT, "b", 3, 4, 4);
    add_port(graph, OW_G_OUTPUT, "y", 3, 4, 4);
    return finish(name, graph, modelinfo);
}

char *
network_no_picture(const char *name)
{
    Ow *graph = ow_new();

    add_node(graph, "Relu", "x", "y");
    add_port(graph, OW_G_INPUT, "x", 2, 4, 5);
    add_port(graph, OW_G_OUTPUT, "y", 2, 4, 5);
    return finish(name, graph, NULL);
}

char *
network_unknown_operator(const char *name)
{
    Ow *graph = ow_new();

    add_node(graph, "Levitate", "x", "y");
    add_port(graph, OW_G_INPUT, "x", 3, -1, -1);
    add_port(graph, OW_G_OUTPUT, "y", 3, -1, -1);
    return finish(name, graph, NULL);
}
