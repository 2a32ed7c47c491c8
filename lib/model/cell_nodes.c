/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes and tensors that steps of cells are made of. */
#include "core/memory.h"
#include "model/cell.h"
#include <string.h>

static CrNode
start(const CrCellPlace *at, const char *op, const guint *inputs, guint n_inputs, guint n_outputs)
{
    g_autofree char *name = g_strdup_printf("%s/%s", at->name, op);
    return cr_builder_start(at->builder, op, name, inputs, n_inputs, n_outputs);
}

guint
cr_cell_op(const CrCellPlace *at, const char *op, guint a, guint b)
{
    guint inputs[2] = {a, b}, output;

    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = start(at, op, inputs, 2, 1);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

guint
cr_cell_op_int(const CrCellPlace *at, const char *op, guint a, guint b, const char *attr, int64_t v)
{
    guint inputs[2] = {a, b}, output;

    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = start(at, op, inputs, 2, 1);
    cr_node_set_int(&node, attr, v);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

guint
cr_cell_scalar(const CrCellPlace *at, float v)
{
    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    return (guint)cr_graph_add_constant_f32(at->builder->graph, "number", &v, 1, true) + 1;
}

guint
cr_cell_ints(const CrCellPlace *at, const int64_t *v, int n)
{
    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    return (guint)cr_graph_add_constant_i64(at->builder->graph, "numbers", v, n) + 1;
}

void
cr_cell_split(const CrCellPlace *at, guint value, const gint64 *sizes, int n, guint *parts)
{
    if (n == 1 || at->builder->failure) {
        for (int i = 0; i < n; i++)
            parts[i] = at->builder->failure ? CONVRNN_NO_VALUE : value;
        return;
    }
    guint inputs[2] = {value, cr_cell_ints(at, (const int64_t *)sizes, n)};
    CrNode node = start(at, "Split", inputs, 2, (guint)n);
    cr_node_set_int(&node, "axis", 1);
    cr_builder_add(at->builder, &node, parts);
}

guint
cr_cell_clip(const CrCellPlace *at, guint x, float limit)
{
    if (limit == 0 || at->builder->failure)
        return x;
    guint inputs[3] = {x, cr_cell_scalar(at, -limit), cr_cell_scalar(at, limit)}, output;
    CrNode node = start(at, "Clip", inputs, 3, 1);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

static guint
shape_part(const CrCellPlace *at, guint value, int64_t first, int64_t end)
{
    guint output;

    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = start(at, "Shape", &value, 1, 1);
    cr_node_set_int(&node, "start", first);
    if (end > first)
        cr_node_set_int(&node, "end", end);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

guint
cr_cell_shape(const CrCellPlace *at, guint like, int batch, gint64 channels, int space)
{
    guint output;

    if (!at->broadcast || at->builder->failure)
        return CONVRNN_NO_VALUE;
    guint parts[3] = {shape_part(at, like, batch, batch + 1),
                      cr_cell_ints(at, (const int64_t *)&channels, 1),
                      space ? shape_part(at, like, space, 0) : CONVRNN_NO_VALUE};
    CrNode node = start(at, "Concat", parts, 3, 1);
    cr_node_set_int(&node, "axis", 0);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

guint
cr_cell_broadcast(const CrCellPlace *at, guint value, guint shape)
{
    return shape == CONVRNN_NO_VALUE ? value : cr_cell_op(at, "Expand", value, shape);
}

guint
cr_cell_dense(const CrCellPlace *at, guint x, ConvRnnTensor *weights, ConvRnnTensor *bias)
{
    guint output;

    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    guint inputs[3] = {x, convrnn_builder_constant(at->builder, weights),
                       bias ? convrnn_builder_constant(at->builder, bias) : CONVRNN_NO_VALUE};
    CrNode node = start(at, "Gemm", inputs, 3, 1);
    cr_node_set_int(&node, "transB", 1);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

/* --- tensors --- */

/* Whether the ranges are one stretch of memory; then *first is where it begins. */
static bool
is_stretch(int axis, const CrCellRange *ranges, int n_ranges, gint64 *first)
{
    gint64 next = ranges[0].first;

    for (int i = 0; i < n_ranges; i++) {
        if (ranges[i].first != next)
            return false;
        next += ranges[i].n;
    }
    *first = ranges[0].first;
    return axis == 0;
}

/* outer × (all of the axis) × inner bytes, range by range. */
static void
copy_ranges(char *to, const char *from, size_t outer, size_t whole, size_t inner,
            const CrCellRange *ranges, int n_ranges)
{
    for (size_t o = 0; o < outer; o++, from += whole * inner) {
        for (int i = 0; i < n_ranges; i++) {
            size_t n = (size_t)ranges[i].n * inner;
            memcpy(to, from + (size_t)ranges[i].first * inner, n);
            to += n;
        }
    }
}

ConvRnnTensor *
cr_cell_take(ConvRnnTensor *tensor, int axis, const CrCellRange *ranges, int n_ranges,
             GError **error)
{
    gint64 dims[CONVRNN_MAX_RANK], first, n = 0;
    size_t outer = 1, inner = convrnn_dtype_get_size(CONVRNN_DTYPE_FLOAT32), size;
    g_autoptr(GBytes) bytes = NULL;

    if (!tensor)
        return NULL;
    for (int i = 0; i < n_ranges; i++)
        n += ranges[i].n;
    for (int i = 0; i < tensor->n_dims; i++) {
        dims[i] = i == axis ? n : tensor->dims[i];
        if (i < axis)
            outer *= (size_t)dims[i];
        else if (i > axis)
            inner *= (size_t)dims[i];
    }
    size = outer * (size_t)n * inner; /* no more than the tensor has */
    if (is_stretch(axis, ranges, n_ranges, &first)) {
        if (n == tensor->dims[0])
            return convrnn_tensor_ref(tensor);
        bytes = g_bytes_new_from_bytes(tensor->bytes, (size_t)first * inner, size);
    } else {
        char *memory = cr_mem_alloc(size, 1, "weights of a cell", error);
        if (!memory)
            return NULL;
        copy_ranges(memory, tensor->data, outer, (size_t)tensor->dims[axis], inner, ranges,
                    n_ranges);
        bytes = g_bytes_new_with_free_func(memory, size, cr_mem_free, memory);
    }
    return convrnn_tensor_new(tensor->dtype, dims, (guint)tensor->n_dims, bytes, error);
}
