/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "support/random_network.h"
#include <math.h>

typedef struct {
    GRand *rand;
    ConvRnnBuilder *b;
    struct {
        guint value;
        gint64 c, h, w;
    } pool[32]; /* what there is to build on */
    guint n;
    guint cells;
} Maker;

static gint64
pick(Maker *m, gint64 low, gint64 high)
{
    return g_rand_int_range(m->rand, (gint32)low, (gint32)high + 1);
}

ConvRnnTensor *
random_tensor(GRand *rand, const gint64 *dims, guint n_dims, double scale)
{
    gsize n = 1;
    for (guint i = 0; i < n_dims; i++)
        n *= (gsize)dims[i];
    gfloat *v = g_new(gfloat, n);
    for (gsize i = 0; i < n; i++)
        v[i] = (gfloat)g_rand_double_range(rand, -scale, scale);
    g_autoptr(GBytes) bytes = g_bytes_new_take(v, n * sizeof *v);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, bytes, NULL);
}

static void
push(Maker *m, guint value, gint64 c, gint64 h, gint64 w)
{
    g_assert_cmpuint(m->n, <, G_N_ELEMENTS(m->pool));
    m->pool[m->n].value = value;
    m->pool[m->n].c = c;
    m->pool[m->n].h = h;
    m->pool[m->n++].w = w;
}

/* The newest or, sometimes, an older tensor. */
static guint
any(Maker *m)
{
    return pick(m, 0, 2) ? m->n - 1 : (guint)pick(m, 0, m->n - 1);
}

static gint64
some_channels(Maker *m)
{
    static const gint64 sizes[] = {1, 3, 4, 7, 8, 15, 16, 17, 20, 24, 32, 33, 40};
    return sizes[pick(m, 0, G_N_ELEMENTS(sizes) - 1)];
}

static ConvRnnTensor *
weights(Maker *m, gint64 out, gint64 in, gint64 kh, gint64 kw)
{
    gint64 dims[] = {out, in, kh, kw};
    return random_tensor(m->rand, dims, 4, 1.5 / sqrt((double)(in * kh * kw)));
}

static ConvRnnTensor *
vector(Maker *m, gint64 n)
{
    return random_tensor(m->rand, &n, 1, 0.3);
}

static void
add_conv(Maker *m)
{
    guint from = any(m);
    gint64 c = m->pool[from].c, h = m->pool[from].h, w = m->pool[from].w;
    gint64 kh = pick(m, 1, 3), kw = pick(m, 0, 3) ? kh : pick(m, 1, 5);
    gint64 stride = pick(m, 0, 4) ? 1 : pick(m, 1, 3), dilation = pick(m, 0, 4) ? 1 : 2;
    gint64 kind = pick(m, 0, 5), groups = kind == 0 ? c : kind == 1 && c % 2 == 0 ? 2 : 1;
    gint64 out = groups == c ? c : groups == 2 ? 2 * pick(m, 1, 12) : some_channels(m);
    gint64 pads[4] = {pick(m, 0, 2), pick(m, 0, 2), pick(m, 0, 2), pick(m, 0, 2)};
    gint64 oh = (h + pads[0] + pads[2] - dilation * (kh - 1) - 1) / stride + 1;
    gint64 ow = (w + pads[1] + pads[3] - dilation * (kw - 1) - 1) / stride + 1;
    g_autoptr(ConvRnnTensor) weight = weights(m, out, c / groups, kh, kw);
    g_autoptr(ConvRnnTensor) bias = pick(m, 0, 3) ? vector(m, out) : NULL;

    if (h + pads[0] + pads[2] < dilation * (kh - 1) + 1 ||
        w + pads[1] + pads[3] < dilation * (kw - 1) + 1)
        return;
    guint y = convrnn_builder_conv2d(
        m->b, m->pool[from].value,
        CONVRNN_CONV2D(.weights = weight, .bias = bias, .groups = (guint)groups,
                       .stride = {(guint)stride, (guint)stride},
                       .dilation = {(guint)dilation, (guint)dilation},
                       .pads = {(guint)pads[0], (guint)pads[1], (guint)pads[2], (guint)pads[3]},
                       .activation = (ConvRnnActivation)pick(m, 0, 7)));
    push(m, y, out, oh, ow);
}

/* Up to three times as large. */
static void
add_conv_transpose(Maker *m)
{
    guint from = any(m);
    gint64 c = m->pool[from].c, h = m->pool[from].h, w = m->pool[from].w;
    gint64 k = pick(m, 1, 4), stride = pick(m, 1, 3), crop = pick(m, 0, 1);
    gint64 groups = pick(m, 0, 5) ? 1 : c, out = groups == c ? c : some_channels(m);
    gint64 oh = (h - 1) * stride + k - 2 * crop, ow = (w - 1) * stride + k - 2 * crop;

    if (h > 30 || w > 30 || oh < 1 || ow < 1)
        return;
    g_autoptr(ConvRnnTensor) weight = weights(m, c, out / groups, k, k);
    g_autoptr(ConvRnnTensor) bias = pick(m, 0, 1) ? vector(m, out) : NULL;
    guint y = convrnn_builder_conv_transpose2d(
        m->b, m->pool[from].value,
        CONVRNN_CONV_TRANSPOSE2D(.weights = weight, .bias = bias, .groups = (guint)groups,
                                 .stride = {(guint)stride, (guint)stride},
                                 .pads = {(guint)crop, (guint)crop, (guint)crop, (guint)crop},
                                 .activation = (ConvRnnActivation)pick(m, 0, 7)));
    push(m, y, out, oh, ow);
}

/* Two convolutions of one tensor, joined by arithmetic; what siblings and residuals look like. */
static void
add_gates(Maker *m)
{
    guint from = any(m), x = m->pool[from].value, y[2], z;
    gint64 c = m->pool[from].c, out = pick(m, 0, 1) ? c : some_channels(m);

    for (int i = 0; i < 2; i++) {
        g_autoptr(ConvRnnTensor) weight = weights(m, out, c, 3, 3);
        g_autoptr(ConvRnnTensor) bias = pick(m, 0, 1) ? vector(m, out) : NULL;
        y[i] = convrnn_builder_conv2d(
            m->b, x,
            CONVRNN_CONV2D(.weights = weight, .bias = bias, .padding = CONVRNN_PADDING_SAME,
                           .activation = i ? CONVRNN_ACTIVATION_TANH : CONVRNN_ACTIVATION_SIGMOID));
    }
    z = convrnn_builder_node(m->b, "Mul", y, 2, NULL);
    if (out == c)
        z = convrnn_builder_node(m->b, "Add", (guint[]){z, x}, 2, NULL);
    push(m, z, out, m->pool[from].h, m->pool[from].w);
}

/* The sum of convolutions of two tensors of one size. */
static void
add_sum(Maker *m)
{
    guint a = any(m), b = any(m), y[2];
    gint64 out = some_channels(m), size = 2 * pick(m, 0, 1) + 1, h = m->pool[a].h, w = m->pool[a].w;

    if (m->pool[b].h != h || m->pool[b].w != w)
        b = a;
    for (int i = 0; i < 2; i++) {
        guint from = i ? b : a;
        g_autoptr(ConvRnnTensor) weight = weights(m, out, m->pool[from].c, size, size);
        g_autoptr(ConvRnnTensor) bias = pick(m, 0, 1) ? vector(m, out) : NULL;
        y[i] = convrnn_builder_conv2d(
            m->b, m->pool[from].value,
            CONVRNN_CONV2D(.weights = weight, .bias = bias, .padding = CONVRNN_PADDING_SAME));
    }
    push(m, convrnn_builder_node(m->b, "Add", y, 2, NULL), out, h, w);
}

/* Channels cut by Slices, and put together again or not. */
static void
add_slices(Maker *m)
{
    guint from = any(m), part[2];
    gint64 c = m->pool[from].c, middle = pick(m, 1, MAX(c - 1, 1)), one = 1;
    if (c < 2)
        return;
    for (int i = 0; i < 2; i++) {
        const gint64 range[3] = {i ? middle : 0, i ? G_MAXINT32 : middle, 1};
        guint in[4] = {m->pool[from].value};
        for (int k = 0; k < 3; k++) {
            g_autoptr(GBytes) bytes = g_bytes_new(&range[k], sizeof range[k]);
            g_autoptr(ConvRnnTensor) tensor =
                convrnn_tensor_new(CONVRNN_DTYPE_INT64, &one, 1, bytes, NULL);
            in[1 + k] = convrnn_builder_constant(m->b, tensor);
        }
        part[i] = convrnn_builder_node(m->b, "Slice", in, 4, NULL);
    }
    push(m, part[0], middle, m->pool[from].h, m->pool[from].w);
    if (pick(m, 0, 2))
        push(m, part[1], c - middle, m->pool[from].h, m->pool[from].w);
}

/* A depthwise convolution of two tensors put together, then 1×1. */
static void
add_separable(Maker *m)
{
    guint a = any(m), b = any(m), from[2], y;
    gint64 out = some_channels(m), h = m->pool[a].h, w = m->pool[a].w;
    if (m->pool[b].h != h || m->pool[b].w != w)
        b = a;
    gint64 c = m->pool[a].c + m->pool[b].c;
    g_autoptr(ConvRnnTensor) depthwise = weights(m, c, 1, 3, 3);
    g_autoptr(ConvRnnTensor) bias = pick(m, 0, 1) ? vector(m, c) : NULL;
    g_autoptr(ConvRnnTensor) pointwise = weights(m, out, c, 1, 1);
    from[0] = m->pool[a].value;
    from[1] = m->pool[b].value;
    y = convrnn_builder_conv2d(m->b, convrnn_builder_concat(m->b, from, 2, 1),
                               CONVRNN_CONV2D(.weights = depthwise, .bias = bias,
                                              .padding = CONVRNN_PADDING_SAME, .groups = (guint)c));
    y = convrnn_builder_conv2d(m->b, y, CONVRNN_CONV2D(.weights = pointwise));
    push(m, y, out, h, w);
}

/* Squeeze and excite: a factor per channel computed from the whole map. */
static void
add_attention(Maker *m)
{
    guint from = any(m), x = m->pool[from].value;
    gint64 c = m->pool[from].c;
    g_autoptr(ConvRnnTensor) weight = weights(m, c, c, 1, 1);
    guint s = convrnn_builder_conv2d(
        m->b, convrnn_builder_global_average_pool(m->b, x),
        CONVRNN_CONV2D(.weights = weight, .activation = CONVRNN_ACTIVATION_HARD_SIGMOID));
    push(m, convrnn_builder_node(m->b, "Mul", (guint[]){s, x}, 2, NULL), c, m->pool[from].h,
         m->pool[from].w);
}

static void
add_pool(Maker *m)
{
    guint from = any(m);
    gint64 h = m->pool[from].h, w = m->pool[from].w;
    if (h < 8 || w < 8)
        return;
    gboolean average = pick(m, 0, 1) != 0;
    guint y = (average ? convrnn_builder_average_pool2d : convrnn_builder_max_pool2d)(
        m->b, m->pool[from].value,
        CONVRNN_POOL2D(.kernel = {3, 3}, .stride = {2, 2}, .pads = {1, 1, 1, 1},
                       .count_padding = pick(m, 0, 1) != 0));
    push(m, y, m->pool[from].c, (h - 1) / 2 + 1, (w - 1) / 2 + 1);
}

static void
add_resize(Maker *m)
{
    guint from = any(m);
    if (m->pool[from].h > 24 || m->pool[from].w > 24)
        return;
    gint64 dims = 4, sizes[4] = {1, m->pool[from].c, pick(m, 9, 40), pick(m, 9, 40)};
    g_autoptr(GBytes) bytes = g_bytes_new(sizes, sizeof sizes);
    g_autoptr(ConvRnnTensor) tensor =
        convrnn_tensor_new(CONVRNN_DTYPE_INT64, &dims, 1, bytes, NULL);
    GVariantDict dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "mode", "s", pick(m, 0, 2) ? "linear" : "nearest");
    g_variant_dict_insert(&dict, "coordinate_transformation_mode", "s",
                          pick(m, 0, 1) ? "half_pixel" : "asymmetric");
    guint y = convrnn_builder_node(
        m->b, "Resize",
        (guint[]){m->pool[from].value, 0, 0, convrnn_builder_constant(m->b, tensor)}, 4,
        g_variant_dict_end(&dict));
    push(m, y, sizes[1], sizes[2], sizes[3]);
}

/* Joins all tensors of the newest's size, at most four. */
static void
add_concat(Maker *m)
{
    guint last = m->n - 1, values[4], n = 0;
    gint64 c = 0;
    for (guint i = 0; i < m->n && n < 4; i++)
        if (m->pool[i].h == m->pool[last].h && m->pool[i].w == m->pool[last].w &&
            (i == last || pick(m, 0, 1))) {
            values[n++] = m->pool[i].value;
            c += m->pool[i].c;
        }
    if (n > 0 && c < 120)
        push(m, convrnn_builder_concat(m->b, values, n, 1), c, m->pool[last].h, m->pool[last].w);
}

static void
add_split(Maker *m)
{
    guint from = any(m), out[2];
    gint64 c = m->pool[from].c, two = 2, first = pick(m, 1, MAX(c - 1, 1));
    if (c < 2)
        return;
    if (c % 2 == 0 && pick(m, 0, 1))
        first = c / 2;
    gint64 sizes[2] = {first, c - first};
    g_autoptr(GBytes) bytes = g_bytes_new(sizes, sizeof sizes);
    g_autoptr(ConvRnnTensor) tensor = convrnn_tensor_new(CONVRNN_DTYPE_INT64, &two, 1, bytes, NULL);
    GVariantDict dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "axis", "x", (gint64)1);
    convrnn_builder_node_outputs(
        m->b, "Split", (guint[]){m->pool[from].value, convrnn_builder_constant(m->b, tensor)}, 2,
        g_variant_dict_end(&dict), out, 2);
    push(m, out[0], sizes[0], m->pool[from].h, m->pool[from].w);
    push(m, out[1], sizes[1], m->pool[from].h, m->pool[from].w);
}

static void
add_cell(Maker *m)
{
    static const char *const names[] = {"first", "second"};
    guint from = any(m), y, kind = (guint)pick(m, 0, 2);
    gint64 c = m->pool[from].c, hidden = some_channels(m), gates = kind == 0 ? 1 : kind + 2;
    if (m->cells == G_N_ELEMENTS(names))
        return;
    g_autoptr(ConvRnnTensor) w = weights(m, gates * hidden, c, 3, 3);
    g_autoptr(ConvRnnTensor) r = weights(m, gates * hidden, hidden, 3, 3);
    g_autoptr(ConvRnnTensor) bias = vector(m, gates * hidden);
    ConvRnnCell *(*const make[])(const ConvRnnCellParams *, GError **) = {
        convrnn_cell_new_conv_rnn, convrnn_cell_new_conv_gru, convrnn_cell_new_conv_lstm};
    g_autoptr(ConvRnnCell) cell =
        make[kind](CONVRNN_CELL(.weights = w, .recurrent = r, .bias = bias,
                                .reset_after = kind == 1 && pick(m, 0, 1)),
                   NULL);
    y = convrnn_builder_layer(m->b, names[m->cells++], cell, m->pool[from].value, CONVRNN_NO_VALUE);
    push(m, y, hidden, m->pool[from].h, m->pool[from].w);
}

ConvRnnModel *
random_network(guint32 seed)
{
    static void (*const layers[])(Maker *) = {
        add_conv,  add_conv, add_gates, add_attention, add_pool,      add_resize,        add_concat,
        add_split, add_cell, add_sum,   add_slices,    add_separable, add_conv_transpose};
    Maker m = {.rand = g_rand_new_with_seed(seed), .b = convrnn_builder_new()};
    g_autoptr(GError) error = NULL;
    gint64 dims[4] = {1, pick(&m, 1, 6), pick(&m, 9, 40), pick(&m, 9, 40)};
    guint n = (guint)pick(&m, 3, 10);

    push(&m, convrnn_builder_input(m.b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4), dims[1], dims[2],
         dims[3]);
    add_conv(&m);
    for (guint i = 0; i < n; i++)
        layers[pick(&m, 0, G_N_ELEMENTS(layers) - 1)](&m);
    convrnn_builder_output(m.b, "y", m.pool[m.n - 1].value);
    if (m.n > 3)
        convrnn_builder_output(m.b, "inner", m.pool[m.n / 2].value);
    ConvRnnModel *model = convrnn_builder_build(m.b, "random", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(m.b);
    g_rand_free(m.rand);
    return model;
}

void
random_picture(ConvRnnSession *session, guint32 seed, guint step)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_input(session, 0);
    gfloat *x = convrnn_session_get_input_data(session, 0);
    GRand *rand = g_rand_new_with_seed(seed * 1000 + step);
    gsize n = 1;
    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    for (gsize i = 0; i < n; i++)
        x[i] = (gfloat)g_rand_double(rand);
    g_rand_free(rand);
}
