/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cell that attends to its own last outputs; the formula is in convrnn/cell.h. */
#include "model/cell.h"

typedef struct {
    ConvRnnCell base;
    ConvRnnCell *cell;
    ConvRnnAttentionParams p; /* its tensors are ours */
    gint64 size;              /* A */
} Attention;

static const char kind[] = "attention";

static guint
join(const CrCellPlace *at, guint a, guint b)
{
    return convrnn_builder_concat(at->builder, (const guint[]){a, b}, 2, 1);
}

static guint
ints(const CrCellPlace *at, int64_t v)
{
    return cr_cell_ints(at, &v, 1);
}

/* Σ α_j m_j for the states s of the inner cell and the memory m (N, L, A). */
static guint
attend(const Attention *a, const CrCellPlace *at, const guint *s, guint m)
{
    guint n = a->cell->states->len;
    const gint64 column[2] = {a->p.key->dims[0], 1};

    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    guint state = n == 1 ? s[0] : convrnn_builder_concat(at->builder, s, n, 1);
    guint query = cr_cell_dense(at, state, a->p.query, a->p.query_bias);
    guint keys = cr_cell_op(at, "Transpose", convrnn_builder_constant(at->builder, a->p.key),
                            CONVRNN_NO_VALUE); /* folded when shapes are bound */
    guint sum = cr_cell_op(at, "Add", cr_cell_op(at, "MatMul", m, keys),
                           cr_cell_op(at, "Unsqueeze", query, ints(at, 1)));
    guint score = cr_builder_reshaped(at->builder, a->p.score, column, 2);
    guint e = cr_cell_op(at, "MatMul", cr_cell_op(at, "Tanh", sum, CONVRNN_NO_VALUE), score);
    guint weights = cr_cell_op_int(at, "Softmax", e, CONVRNN_NO_VALUE, "axis", 1);
    return cr_cell_op_int(at, "ReduceSum", cr_cell_op(at, "Mul", weights, m), ints(at, 1),
                          "keepdims", 0);
}

/* The memory without its oldest row, and with y behind it. */
static guint
remember(const Attention *a, const CrCellPlace *at, guint m, guint y)
{
    guint row = cr_cell_op(at, "Unsqueeze", y, ints(at, 1));

    if (a->p.length == 1 || at->builder->failure)
        return row;
    guint inputs[4] = {m, ints(at, 1), ints(at, G_MAXINT64), ints(at, 1)}, rest;
    g_autofree char *name = g_strconcat(at->name, "/Slice", NULL);
    CrNode node = cr_builder_start(at->builder, "Slice", name, inputs, 4, 1);
    cr_builder_add(at->builder, &node, &rest);
    return join(at, rest, row);
}

/* The memory in its full size (N, L, A). */
static guint
full_memory(const Attention *a, const CrCellPlace *at, guint m, guint like)
{
    guint shape = cr_cell_shape(at, like, 0, a->p.length, 0);

    if (shape == CONVRNN_NO_VALUE)
        return m;
    guint parts[2] = {shape, ints(at, a->size)};
    return cr_cell_broadcast(at, m, convrnn_builder_concat(at->builder, parts, 2, 0));
}

static guint
attention_step(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    const Attention *a = (const Attention *)cell;
    guint n = a->cell->states->len;

    x = cr_cell_op(at, "Flatten", x, CONVRNN_NO_VALUE);
    guint before = cr_cell_broadcast(at, in[n], cr_cell_shape(at, x, 0, a->size, 0));
    guint m = full_memory(a, at, in[n + 1], x);
    x = cr_cell_dense(at, join(at, x, before), a->p.input, a->p.input_bias);
    guint y = cr_cell_step(a->cell, at, x, in, out);
    guint found = attend(a, at, out, m);
    y = cr_cell_dense(at, join(at, y, found), a->p.output, a->p.output_bias);
    out[n] = found;
    out[n + 1] = remember(a, at, m, y);
    return y;
}

static void
attention_clear(ConvRnnCell *cell)
{
    Attention *a = (Attention *)cell;
    ConvRnnTensor *all[] = {a->p.input,      a->p.input_bias, a->p.key,    a->p.query,
                            a->p.query_bias, a->p.score,      a->p.output, a->p.output_bias};

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        convrnn_tensor_unref(all[i]);
    convrnn_cell_unref(a->cell);
}

static const CrCellClass attention_class = {kind, attention_step, NULL, NULL, attention_clear};

static bool
check(const ConvRnnCell *cell, const ConvRnnAttentionParams *p, GError **error)
{
    gint64 states = 0;

    if (!cell || cell->rank != 2)
        return cr_cell_fail(kind, CONVRNN_ERROR_UNSUPPORTED, error,
                            "the cell is %s, expected a dense one",
                            cell ? cell->class->kind : "NULL");
    if (p->length == 0 || p->length > CR_MAX_DIM)
        return cr_cell_fail(kind, CONVRNN_ERROR_LIMIT, error, "length is %u, expected 1 … %d",
                            p->length, CR_MAX_DIM);
    for (guint i = 0; i < cell->states->len; i++) {
        const ConvRnnTensorInfo *info = &cr_cell_state(cell, i)->info;
        if (info->n_dims != 2)
            return cr_cell_fail(kind, CONVRNN_ERROR_UNSUPPORTED, error,
                                "state '%s' of the cell has %u dimensions, expected 2", info->name,
                                info->n_dims);
        states += info->dims[1];
    }
    const gint64 key[2] = {-1, -1};
    if (!cr_cell_want(kind, "key", p->key, false, key, 2, error))
        return false;
    gint64 A = p->key->dims[1], V = p->key->dims[0];
    const gint64 query[2] = {V, states}, output[2] = {A, cell->channels + A}, input[2] = {-1, -1};
    if (!cr_cell_want(kind, "query", p->query, false, query, 2, error) ||
        !cr_cell_want(kind, "query_bias", p->query_bias, true, &V, 1, error) ||
        !cr_cell_want(kind, "score", p->score, false, &V, 1, error) ||
        !cr_cell_want(kind, "output", p->output, false, output, 2, error) ||
        !cr_cell_want(kind, "output_bias", p->output_bias, true, &A, 1, error) ||
        !cr_cell_want(kind, "input", p->input, false, input, 2, error) ||
        !cr_cell_want(kind, "input_bias", p->input_bias, true, (const gint64 *)p->input->dims, 1,
                      error))
        return false;
    if (p->input->dims[1] > A)
        return true;
    return cr_cell_fail(kind, CONVRNN_ERROR_SHAPE, error,
                        "input has %" G_GINT64_FORMAT
                        " columns, expected more than the attention's %" G_GINT64_FORMAT,
                        (gint64)p->input->dims[1], A);
}

ConvRnnCell *
convrnn_cell_new_attention(ConvRnnCell *cell, const ConvRnnAttentionParams *params, GError **error)
{
    if (!check(cell, params, error))
        return NULL;
    gint64 A = params->key->dims[1];
    const gint64 found[2] = {-1, A}, memory[3] = {-1, params->length, A};
    Attention *a = cr_cell_alloc(sizeof *a, &attention_class, 2, params->input->dims[1] - A, A);
    a->cell = convrnn_cell_ref(cell);
    a->p = *params;
    a->size = A;
    ConvRnnTensor *all[] = {a->p.input,      a->p.input_bias, a->p.key,    a->p.query,
                            a->p.query_bias, a->p.score,      a->p.output, a->p.output_bias};
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        if (all[i])
            convrnn_tensor_ref(all[i]);
    cr_cell_add_states(&a->base, cell, NULL);
    cr_cell_add_state(&a->base, "attention", 2, found, NULL);
    cr_cell_add_state(&a->base, "outputs", 3, memory, NULL);
    return &a->base;
}
