/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shapes and attributes of RNN, GRU and LSTM. */
#include "ops/recurrent.h"
#include "ops/setup.h"
#include <math.h>
#include <string.h>

static const struct {
    const char *op;
    CrCell cell;
    int gates;
    int n_activations;
    const char *activations[6]; /* defaults, of both directions */
} cells[] = {
    {"RNN", CR_CELL_RNN, 1, 1, {"Tanh", "Tanh"}},
    {"GRU", CR_CELL_GRU, 3, 2, {"Sigmoid", "Tanh", "Sigmoid", "Tanh"}},
    {"LSTM", CR_CELL_LSTM, 4, 3, {"Sigmoid", "Tanh", "Tanh", "Sigmoid", "Tanh", "Tanh"}},
};

/* Input `index` is left out, or has this type and shape. */
static bool
check_input(const CrOpSetup *setup, int index, const char *name, ConvRnnDType dtype,
            const int64_t *dims, int n_dims, GError **error)
{
    CrDesc want = {.n_dims = n_dims};

    if (!cr_op_has_input(setup, index))
        return true;
    if (!cr_op_want_dtype(setup, index, dtype, error))
        return false;
    memcpy(want.dims, dims, sizeof(int64_t) * (size_t)n_dims);
    if (cr_desc_same_shape(&setup->in[index], &want))
        return true;
    g_autofree char *found = cr_desc_to_string(&setup->in[index]);
    g_autofree char *expected = cr_desc_to_string(&want);
    return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "%s must be %s, it is %s", name, expected,
                       found);
}

static bool
check_shapes(const CrOpSetup *setup, const CrRecurrent *r, GError **error)
{
    const ConvRnnDType f32 = CONVRNN_DTYPE_FLOAT32;
    int64_t d = r->directions, h = r->hidden, gh = r->gates * h;
    int64_t state[] = {r->batch_first ? r->batch : d, r->batch_first ? d : r->batch, h};

    return check_input(setup, CR_RECURRENT_W, "W", f32, (int64_t[]){d, gh, r->inputs}, 3, error) &&
           check_input(setup, CR_RECURRENT_R, "R", f32, (int64_t[]){d, gh, h}, 3, error) &&
           check_input(setup, CR_RECURRENT_B, "B", f32, (int64_t[]){d, 2 * gh}, 2, error) &&
           check_input(setup, CR_RECURRENT_LENGTHS, "sequence_lens", CONVRNN_DTYPE_INT32,
                       (int64_t[]){r->batch}, 1, error) &&
           check_input(setup, CR_RECURRENT_INITIAL_H, "initial_h", f32, state, 3, error) &&
           check_input(setup, CR_RECURRENT_INITIAL_C, "initial_c", f32, state, 3, error) &&
           check_input(setup, CR_RECURRENT_P, "P", f32, (int64_t[]){d, 3 * h}, 2, error);
}

/* Reads the sizes from X and R, which everything else is checked against. */
static bool
read_sizes(const CrOpSetup *setup, CrRecurrent *r, GError **error)
{
    const CrDesc *x = &setup->in[CR_RECURRENT_X], *w = &setup->in[CR_RECURRENT_R];

    for (int i = CR_RECURRENT_X; i <= CR_RECURRENT_R; i++) {
        if (!cr_op_want_dtype(setup, i, CONVRNN_DTYPE_FLOAT32, error))
            return false;
        if (setup->in[i].n_dims != 3)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "input %d must have 3 dimensions, it has %d", i,
                               setup->in[i].n_dims);
    }
    int64_t hidden = cr_node_int(setup->node, "hidden_size", w->dims[2]);
    if (hidden != w->dims[2])
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "hidden_size is %" G_GINT64_FORMAT
                           ", but the recurrence weight R has %" G_GINT64_FORMAT " columns",
                           hidden, w->dims[2]);
    if (hidden < 1)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "the hidden state is empty");
    r->hidden = (int)hidden;
    r->steps = (int)x->dims[r->batch_first ? 1 : 0];
    r->batch = (int)x->dims[r->batch_first ? 0 : 1];
    r->inputs = (int)x->dims[2];
    return true;
}

static bool
read_direction(const CrOpSetup *setup, CrRecurrent *r, GError **error)
{
    const char *text = cr_node_string(setup->node, "direction", "forward");

    if (strcmp(text, "forward") != 0 && strcmp(text, "reverse") != 0 &&
        strcmp(text, "bidirectional") != 0)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "direction is '%s', must be forward, reverse or bidirectional", text);
    r->directions = *text == 'b' ? 2 : 1;
    r->reverse[0] = *text == 'r';
    r->reverse[1] = true;
    return true;
}

static bool
read_attributes(const CrOpSetup *setup, CrRecurrent *r, GError **error)
{
    float clip = cr_node_float(setup->node, "clip", INFINITY);
    int64_t layout = cr_node_int(setup->node, "layout", 0);

    if (layout != 0 && layout != 1)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "layout is %" G_GINT64_FORMAT ", must be 0 or 1", layout);
    if (!(clip > 0))
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error, "clip is %g, must be greater than 0",
                           (double)clip);
    r->batch_first = layout == 1;
    r->clip = clip;
    r->couple_input_forget = cr_node_int(setup->node, "input_forget", 0) != 0;
    r->linear_before_reset = cr_node_int(setup->node, "linear_before_reset", 0) != 0;
    return read_direction(setup, r, error);
}

bool
cr_recurrent_parse(const CrOpSetup *setup, CrRecurrent *r, GError **error)
{
    CrRnnActivation activations[6];
    size_t i = 0;

    while (i + 1 < G_N_ELEMENTS(cells) && strcmp(cells[i].op, setup->node->op) != 0)
        i++;
    *r = (CrRecurrent){.cell = cells[i].cell, .gates = cells[i].gates};
    if (!read_attributes(setup, r, error) || !read_sizes(setup, r, error) ||
        !check_shapes(setup, r, error))
        return false;

    int n = cells[i].n_activations;
    if (!cr_rnn_activations(setup, cells[i].activations, activations, n * r->directions, error))
        return false;
    for (int d = 0; d < r->directions; d++)
        memcpy(r->activation[d], activations + n * d, sizeof *activations * (size_t)n);
    return true;
}
