/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "support/layer_case.h"
#include <math.h>
#include <string.h>

#define MAX_LIST 16

typedef struct {
    char **words;
    ConvRnnBuilder *b;
    guint x;
    GPtrArray *tensors; /* what the builder refers to */
    guint results[MAX_LIST];
    guint n_results;
} Case;

/* --- reading --- */

/* The numbers of `key`; none when it is not there. */
static guint
get(const Case *c, const char *key, gdouble *v)
{
    gsize length = strlen(key);
    guint n = 0;

    for (char **word = c->words + 1; *word; word++) {
        if (strncmp(*word, key, length) != 0 || (*word)[length] != '=')
            continue;
        for (char *text = *word + length; *text == '=' || *text == ','; n++) {
            g_assert_cmpuint(n, <, MAX_LIST);
            v[n] = g_ascii_strtod(text + 1, &text);
        }
    }
    return n;
}

static gdouble
number(const Case *c, const char *key, gdouble fallback)
{
    gdouble v[MAX_LIST];
    return get(c, key, v) ? v[0] : fallback;
}

static guint
uints(const Case *c, const char *key, guint *list)
{
    gdouble v[MAX_LIST];
    guint n = get(c, key, v);
    for (guint i = 0; i < n; i++)
        list[i] = (guint)v[i];
    return n;
}

static guint
dims_of(const Case *c, const char *key, gint64 *list)
{
    gdouble v[MAX_LIST];
    guint n = get(c, key, v);
    for (guint i = 0; i < n; i++)
        list[i] = (gint64)v[i];
    return n;
}

static void
fill(gfloat *v, gsize n, int t)
{
    for (gsize k = 0; k < n; k++) {
        double s = sin(0.37 * (double)(k + 1) + t);
        v[k] = (gfloat)(t == 5 ? 1 + s / 2 : s);
    }
}

static ConvRnnTensor *
tensor(Case *c, const char *key, int t)
{
    gint64 dims[MAX_LIST];
    guint n = dims_of(c, key, dims);

    if (n == 0)
        return NULL;
    ConvRnnTensor *made = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n, NULL, NULL);
    fill((gfloat *)convrnn_tensor_get_data(made), convrnn_tensor_get_n_elements(made), t);
    g_ptr_array_add(c->tensors, made);
    return made;
}

/* --- layers --- */

static guint
conv2d(Case *c)
{
    ConvRnnConv2dParams p = {.weights = tensor(c, "weights", 1), .bias = tensor(c, "bias", 2)};
    uints(c, "stride", p.stride);
    uints(c, "dilation", p.dilation);
    uints(c, "pads", p.pads);
    p.groups = (guint)number(c, "groups", 0);
    p.padding = (ConvRnnPadding)(int)number(c, "padding", 0);
    p.activation = (ConvRnnActivation)(int)number(c, "activation", 0);
    return convrnn_builder_conv2d(c->b, c->x, &p);
}

static guint
conv1d(Case *c)
{
    ConvRnnConv1dParams p = {.weights = tensor(c, "weights", 1), .bias = tensor(c, "bias", 2)};
    p.stride = (guint)number(c, "stride", 0);
    p.dilation = (guint)number(c, "dilation", 0);
    uints(c, "pads", p.pads);
    p.groups = (guint)number(c, "groups", 0);
    p.padding = (ConvRnnPadding)(int)number(c, "padding", 0);
    p.activation = (ConvRnnActivation)(int)number(c, "activation", 0);
    return convrnn_builder_conv1d(c->b, c->x, &p);
}

static guint
conv_transpose2d(Case *c)
{
    ConvRnnConvTranspose2dParams p = {.weights = tensor(c, "weights", 1),
                                      .bias = tensor(c, "bias", 2)};
    uints(c, "stride", p.stride);
    uints(c, "dilation", p.dilation);
    uints(c, "pads", p.pads);
    uints(c, "output_padding", p.output_padding);
    p.groups = (guint)number(c, "groups", 0);
    p.padding = (ConvRnnPadding)(int)number(c, "padding", 0);
    p.activation = (ConvRnnActivation)(int)number(c, "activation", 0);
    return convrnn_builder_conv_transpose2d(c->b, c->x, &p);
}

static ConvRnnPool2dParams
pool2d_params(Case *c)
{
    ConvRnnPool2dParams p = {.padding = (ConvRnnPadding)(int)number(c, "padding", 0),
                             .ceil_mode = (gboolean)number(c, "ceil_mode", 0),
                             .count_padding = (gboolean)number(c, "count_padding", 0)};
    uints(c, "kernel", p.kernel);
    uints(c, "stride", p.stride);
    uints(c, "dilation", p.dilation);
    uints(c, "pads", p.pads);
    return p;
}

static guint
max_pool2d(Case *c)
{
    ConvRnnPool2dParams p = pool2d_params(c);
    return convrnn_builder_max_pool2d(c->b, c->x, &p);
}

static guint
average_pool2d(Case *c)
{
    ConvRnnPool2dParams p = pool2d_params(c);
    return convrnn_builder_average_pool2d(c->b, c->x, &p);
}

static ConvRnnPool1dParams
pool1d_params(Case *c)
{
    ConvRnnPool1dParams p = {.kernel = (guint)number(c, "kernel", 0),
                             .stride = (guint)number(c, "stride", 0),
                             .dilation = (guint)number(c, "dilation", 0),
                             .padding = (ConvRnnPadding)(int)number(c, "padding", 0),
                             .ceil_mode = (gboolean)number(c, "ceil_mode", 0),
                             .count_padding = (gboolean)number(c, "count_padding", 0)};
    uints(c, "pads", p.pads);
    return p;
}

static guint
max_pool1d(Case *c)
{
    ConvRnnPool1dParams p = pool1d_params(c);
    return convrnn_builder_max_pool1d(c->b, c->x, &p);
}

static guint
average_pool1d(Case *c)
{
    ConvRnnPool1dParams p = pool1d_params(c);
    return convrnn_builder_average_pool1d(c->b, c->x, &p);
}

static guint
global_average_pool(Case *c)
{
    return convrnn_builder_global_average_pool(c->b, c->x);
}

static guint
global_max_pool(Case *c)
{
    return convrnn_builder_global_max_pool(c->b, c->x);
}

static guint
dense(Case *c)
{
    return convrnn_builder_dense(
        c->b, c->x,
        CONVRNN_DENSE(.weights = tensor(c, "weights", 1), .bias = tensor(c, "bias", 2),
                      .activation = (ConvRnnActivation)(int)number(c, "activation", 0)));
}

static ConvRnnNormParams
norm_params(Case *c)
{
    return (ConvRnnNormParams){
        .scale = tensor(c, "scale", 3),
        .bias = tensor(c, "bias", 2),
        .mean = tensor(c, "mean", 4),
        .variance = tensor(c, "variance", 5),
        .groups = (guint)number(c, "groups", 0),
        .n_dims = (guint)number(c, "n_dims", 0),
        .epsilon = (gfloat)number(c, "epsilon", 0),
    };
}

static guint
batch_norm(Case *c)
{
    ConvRnnNormParams p = norm_params(c);
    return convrnn_builder_batch_norm(c->b, c->x, &p);
}

static guint
instance_norm(Case *c)
{
    ConvRnnNormParams p = norm_params(c);
    return convrnn_builder_instance_norm(c->b, c->x, &p);
}

static guint
group_norm(Case *c)
{
    ConvRnnNormParams p = norm_params(c);
    return convrnn_builder_group_norm(c->b, c->x, &p);
}

static guint
layer_norm(Case *c)
{
    ConvRnnNormParams p = norm_params(c);
    return convrnn_builder_layer_norm(c->b, c->x, &p);
}

static guint
activation(Case *c)
{
    gdouble v[MAX_LIST];
    ConvRnnActivation which = (ConvRnnActivation)(int)number(c, "activation", 0);

    if (!get(c, "alpha", v))
        return convrnn_builder_activation(c->b, c->x, which);
    return convrnn_builder_activation_with(c->b, c->x, which, (gfloat)v[0],
                                           (gfloat)number(c, "beta", 0));
}

static guint
prelu(Case *c)
{
    return convrnn_builder_prelu(c->b, c->x, tensor(c, "slope", 6));
}

static guint
softmax(Case *c)
{
    return convrnn_builder_softmax(c->b, c->x, (gint)number(c, "axis", -1));
}

static guint
log_softmax(Case *c)
{
    return convrnn_builder_log_softmax(c->b, c->x, (gint)number(c, "axis", -1));
}

static guint
dropout(Case *c)
{
    return convrnn_builder_dropout(c->b, c->x);
}

static guint
concat(Case *c)
{
    guint both[2] = {c->x, convrnn_builder_constant(c->b, tensor(c, "x2", 7))};
    return convrnn_builder_concat(c->b, both, 2, (gint)number(c, "axis", 1));
}

static guint
split(Case *c)
{
    gint64 sizes[MAX_LIST];
    c->n_results = dims_of(c, "sizes", sizes);
    convrnn_builder_split(c->b, c->x, (gint)number(c, "axis", 1), sizes, c->n_results, c->results);
    return c->results[0];
}

static guint
slice(Case *c)
{
    gint64 end = number(c, "end", 99) == 99 ? G_MAXINT64 : (gint64)number(c, "end", 0);
    return convrnn_builder_slice(c->b, c->x, (gint)number(c, "axis", 0),
                                 (gint64)number(c, "begin", 0), end, (gint64)number(c, "step", 1));
}

static guint
pad(Case *c)
{
    gint64 before[MAX_LIST], after[MAX_LIST];
    guint n = dims_of(c, "before", before);

    g_assert_cmpuint(dims_of(c, "after", after), ==, n);
    return convrnn_builder_pad(c->b, c->x, before, after, n,
                               (ConvRnnPadMode)(int)number(c, "mode", 0),
                               (gfloat)number(c, "value", 0));
}

static guint
resize2d(Case *c)
{
    ConvRnnResize2dParams p = {.mode = (ConvRnnResizeMode)(int)number(c, "mode", 0),
                               .align_corners = (gboolean)number(c, "align_corners", 0)};
    gdouble scale[MAX_LIST];
    uints(c, "size", p.size);
    for (guint i = 0, n = get(c, "scale", scale); i < n; i++)
        p.scale[i] = (gfloat)scale[i];
    return convrnn_builder_resize2d(c->b, c->x, &p);
}

static guint
reshape(Case *c)
{
    gint64 dims[MAX_LIST];
    guint n = dims_of(c, "dims", dims);
    return convrnn_builder_reshape(c->b, c->x, dims, n);
}

static guint
transpose(Case *c)
{
    guint order[MAX_LIST] = {0};
    guint n = uints(c, "order", order);
    return convrnn_builder_transpose(c->b, c->x, order, n);
}

#define LAYER(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
static const struct {
    const char *name;
    guint (*add)(Case *c);
} layers[] = {
    LAYER(conv1d),
    LAYER(conv2d),
    LAYER(conv_transpose2d),
    LAYER(max_pool1d),
    LAYER(max_pool2d),
    LAYER(average_pool1d),
    LAYER(average_pool2d),
    LAYER(global_max_pool),
    LAYER(global_average_pool),
    LAYER(dense),
    LAYER(batch_norm),
    LAYER(instance_norm),
    LAYER(group_norm),
    LAYER(layer_norm),
    LAYER(activation),
    LAYER(prelu),
    LAYER(softmax),
    LAYER(log_softmax),
    LAYER(dropout),
    LAYER(concat),
    LAYER(split),
    LAYER(slice),
    LAYER(pad),
    LAYER(resize2d),
    LAYER(reshape),
    LAYER(transpose),
};

/* --- running --- */

static char *
run(const Case *c, ConvRnnModel *model, GError **error)
{
    ConvRnnSession *session = convrnn_session_new(model, NULL, error);
    if (!session)
        return NULL;
    const ConvRnnTensorInfo *x = convrnn_session_get_input(session, 0);
    gsize n = 1;
    for (guint i = 0; i < x->n_dims; i++)
        n *= (gsize)x->dims[i];
    gfloat *data = convrnn_session_get_input_data(session, 0);
    fill(data, n, 0);
    for (gsize i = 0; i < n; i++)
        data[i] *= (gfloat)number(c, "gain", 1);
    convrnn_session_step(session);

    GString *text = g_string_new(NULL);
    for (guint i = 0; i < convrnn_session_get_n_outputs(session); i++) {
        const ConvRnnTensorInfo *y = convrnn_session_get_output(session, i);
        const gfloat *v = convrnn_session_get_output_data(session, i);
        gsize elements = 1;
        for (guint k = 0; k < y->n_dims; k++) {
            g_string_append_printf(text, "%c%" G_GINT64_FORMAT, k ? ',' : '[', y->dims[k]);
            elements *= (gsize)y->dims[k];
        }
        g_string_append(text, y->n_dims ? "]" : "[]");
        for (gsize k = 0; k < elements; k++)
            g_string_append_printf(text, " %.9g", (double)v[k]);
        g_string_append_c(text, ' ');
    }
    convrnn_session_free(session);
    return g_string_free(text, FALSE);
}

static void
add_layer(Case *c)
{
    gint64 dims[MAX_LIST];
    guint n_dims = dims_of(c, "x", dims);

    c->x = convrnn_builder_input(c->b, "x", CONVRNN_DTYPE_FLOAT32, dims, n_dims);
    for (gsize i = 0; i < G_N_ELEMENTS(layers); i++) {
        if (strcmp(layers[i].name, c->words[0]) != 0)
            continue;
        c->n_results = 1;
        c->results[0] = layers[i].add(c);
        return;
    }
    g_error("no layer is called %s", c->words[0]);
}

char *
layer_case_run(const char *line, GError **error)
{
    Case c = {.words = g_strsplit(line, " ", -1),
              .b = convrnn_builder_new(),
              .tensors = g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref)};

    add_layer(&c);
    for (guint i = 0; i < c.n_results; i++) {
        char name[8];
        g_snprintf(name, sizeof name, "y%u", i);
        convrnn_builder_output(c.b, name, c.results[i]);
    }
    ConvRnnModel *model = convrnn_builder_build(c.b, "layer", error);
    char *text = model ? run(&c, model, error) : NULL;
    convrnn_model_unref(model);
    convrnn_builder_unref(c.b);
    g_ptr_array_unref(c.tensors);
    g_strfreev(c.words);
    return text;
}
