/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RNN, GRU and LSTM on plain tensors.
 *
 * A tile is one direction of some rows of the batch, from the first step to the last. The products
 * with the input are made for several steps at once, those with the state step by step; constant
 * weights are packed into panels where the rows are few. */
#include "ops/recurrent.h"
#include "core/size.h"
#include "ops/exact.h"
#include "ops/ops.h"
#include "ops/panels.h"
#include "ops/recurrent_step.h"
#include "ops/setup.h"
#include <string.h>

#define SLICE_ROWS 16 /* rows of the batch in one tile, at most */
#define CHUNK_ROWS 64 /* rows of the input that are multiplied at once, about */
#define MAX_PARTS  2

/* The gates that are multiplied together: all of them, but GRU's candidate waits for r. */
typedef struct {
    int first, rows;     /* among the rows of the weights */
    int at, width;       /* in a row of sums: padded to whole panels */
    CrPanels w[2], r[2]; /* of each direction; no weights when not packed */
} Part;

typedef struct {
    CrRecurrent r;
    const CrKernels *kernels;
    int n_parts;
    Part part[MAX_PARTS];
    int sums;  /* floats of a row of sums */
    int state; /* floats of a row of state, padded */
    int slice, n_slices, chunk;
} RecurrentParams;

/* One tile at work. */
typedef struct {
    const RecurrentParams *p;
    void *const *io;
    void *const *out;
    int direction;
    int first, rows; /* of the batch */
    float *bias,
        *recurrent_bias;  /* [sums], [state]: the second is GRU's with linear_before_reset */
    float *inputs;        /* [chunk][rows][sums]: bias + W · x */
    float *gates;         /* [rows][sums] */
    float *h, *c, *reset; /* [rows][state] */
} Work;

static size_t
scratch_floats(const RecurrentParams *p)
{
    size_t rows = (size_t)p->slice;
    return (size_t)p->sums * (1 + rows * (size_t)p->chunk + rows) +
           (size_t)p->state * (1 + 3 * rows);
}

static Work
start_work(const CrStep *step, void *const *io, int tile, float *scratch)
{
    const RecurrentParams *p = step->params;
    Work w = {.p = p, .io = io, .out = io + step->n_in};
    size_t rows = (size_t)p->slice;

    w.direction = tile / p->n_slices;
    w.first = tile % p->n_slices * p->slice;
    w.rows = MIN(p->slice, p->r.batch - w.first);
    w.bias = scratch;
    w.inputs = w.bias + p->sums;
    w.gates = w.inputs + rows * (size_t)p->chunk * (size_t)p->sums;
    w.h = w.gates + rows * (size_t)p->sums;
    w.c = w.h + rows * (size_t)p->state;
    w.reset = w.c + rows * (size_t)p->state;
    w.recurrent_bias = w.reset + rows * (size_t)p->state;
    return w;
}

/* An input, or NULL when it is left out. */
static const float *
input(const Work *w, const CrStep *step, int index)
{
    return index < step->n_in ? w->io[index] : NULL;
}

static bool
keeps_recurrent_bias(const CrRecurrent *r)
{
    return r->cell == CR_CELL_GRU && r->linear_before_reset;
}

static void
start_bias(const Work *w, const float *b)
{
    const RecurrentParams *p = w->p;
    int gh = p->r.gates * p->r.hidden;

    memset(w->bias, 0, (size_t)p->sums * sizeof(float));
    memset(w->recurrent_bias, 0, (size_t)p->state * sizeof(float));
    if (!b)
        return;
    b += (size_t)w->direction * 2 * (size_t)gh;
    for (int i = 0; i < p->n_parts; i++) {
        const Part *part = &p->part[i];
        bool apart = keeps_recurrent_bias(&p->r) && i == 1;
        for (int j = 0; j < part->rows; j++) {
            float of_w = b[part->first + j], of_r = b[gh + part->first + j];
            w->bias[part->at + j] = apart ? of_w : of_w + of_r;
            if (apart)
                w->recurrent_bias[j] = of_r;
        }
    }
}

/* Where row `row` of a tile lies in initial_h, initial_c, y_h and y_c. */
static size_t
state_offset(const Work *w, int row)
{
    const CrRecurrent *r = &w->p->r;
    size_t b = (size_t)(w->first + row), d = (size_t)w->direction;
    size_t place = r->batch_first ? b * (size_t)r->directions + d : d * (size_t)r->batch + b;
    return place * (size_t)r->hidden;
}

static void
start_state(const Work *w, float *state, const float *initial)
{
    const RecurrentParams *p = w->p;
    memset(state, 0, (size_t)w->rows * (size_t)p->state * sizeof(float));
    for (int row = 0; initial && row < w->rows; row++)
        memcpy(state + (size_t)row * (size_t)p->state, initial + state_offset(w, row),
               (size_t)p->r.hidden * sizeof(float));
}

static void
finish_state(const Work *w, const float *state, float *out)
{
    for (int row = 0; out && row < w->rows; row++)
        memcpy(out + state_offset(w, row), state + (size_t)row * (size_t)w->p->state,
               (size_t)w->p->r.hidden * sizeof(float));
}

/* Rows of floats, `stride` apart; 0 repeats one. */
typedef struct {
    float *at;
    ptrdiff_t stride;
} Rows;

/* y = add + x · weightsᵀ for n rows: the rows of one part, of one direction. */
static void
multiply(const RecurrentParams *p, const Part *part, const CrPanels *packed, const float *weights,
         int k, int n, Rows x, Rows add, Rows y)
{
    if (cr_panels_are_packed(packed)) {
        for (int i = 0; i < n; i++)
            cr_panels_run(packed, p->kernels, add.at + i * add.stride, x.at + i * x.stride,
                          y.at + i * y.stride);
        return;
    }
    for (int i = 0; i < n; i++)
        memcpy(y.at + i * y.stride, add.at + i * add.stride, (size_t)part->width * sizeof(float));
    if (n > 0 && k > 0)
        cr_gemm(0, 1, n, part->rows, k, 1.0f, x.at, (int)x.stride, weights, k, 1.0f, y.at,
                (int)y.stride);
}

/* inputs = bias + W · x for n rows of x, whose sums lie `stride` apart. */
static void
multiply_input(const Work *w, const float *x, int n, float *sums, ptrdiff_t stride)
{
    const RecurrentParams *p = w->p;
    int k = p->r.inputs;
    const float *weights = w->io[CR_RECURRENT_W];

    weights += (size_t)w->direction * (size_t)(p->r.gates * p->r.hidden) * (size_t)k;
    for (int i = 0; i < p->n_parts; i++) {
        const Part *part = &p->part[i];
        multiply(p, part, &part->w[w->direction], weights + (size_t)part->first * (size_t)k, k, n,
                 (Rows){(float *)x, k}, (Rows){w->bias + part->at, 0},
                 (Rows){sums + part->at, stride});
    }
}

/* The input's part of the sums for the steps t … t + n - 1. */
static void
multiply_inputs(const Work *w, int t, int n)
{
    const RecurrentParams *p = w->p;
    const CrRecurrent *r = &p->r;
    const float *x = w->io[CR_RECURRENT_X];
    size_t rows = (size_t)w->rows, k = (size_t)r->inputs;

    if (r->batch_first) {
        for (int row = 0; row < w->rows; row++) {
            size_t place = (size_t)(w->first + row) * (size_t)r->steps + (size_t)t;
            multiply_input(w, x + place * k, n, w->inputs + row * p->sums,
                           (ptrdiff_t)rows * p->sums);
        }
    } else if (w->rows == r->batch) {
        multiply_input(w, x + (size_t)t * rows * k, n * w->rows, w->inputs, p->sums);
    } else {
        for (int i = 0; i < n; i++) {
            size_t place = (size_t)(t + i) * (size_t)r->batch + (size_t)w->first;
            multiply_input(w, x + place * k, w->rows, w->inputs + (size_t)i * rows * p->sums,
                           p->sums);
        }
    }
}

/* gates = add + R · state for one part. */
static void
multiply_state(const Work *w, int index, float *state, Rows add)
{
    const RecurrentParams *p = w->p;
    const Part *part = &p->part[index];
    int k = p->r.hidden;
    const float *weights = w->io[CR_RECURRENT_R];

    weights +=
        ((size_t)w->direction * (size_t)p->r.gates * (size_t)k + (size_t)part->first) * (size_t)k;
    multiply(p, part, &part->r[w->direction], weights, k, w->rows, (Rows){state, p->state}, add,
             (Rows){w->gates + part->at, p->sums});
}

/* GRU's candidate: sums + R · (r ∘ h), or sums + r ∘ (R · h + b). */
static void
multiply_candidate(const Work *w, float *sums)
{
    const RecurrentParams *p = w->p;
    int n = p->r.hidden, at = p->part[1].at;
    bool before = p->r.linear_before_reset;

    for (int row = 0; row < w->rows; row++) {
        float *zr = w->gates + row * p->sums, *reset = w->reset + row * p->state;
        const float *h = w->h + row * p->state;
        cr_cell_gru_gates(&p->r, w->direction, zr);
        for (int j = 0; !before && j < n; j++)
            reset[j] = zr[n + j] * h[j];
    }
    if (!before) {
        multiply_state(w, 1, w->reset, (Rows){sums + at, p->sums});
        return;
    }
    multiply_state(w, 1, w->h, (Rows){w->recurrent_bias, 0});
    for (int row = 0; row < w->rows; row++) {
        float *gates = w->gates + row * p->sums, *candidate = gates + at;
        const float *in = sums + row * p->sums + at;
        for (int j = 0; j < n; j++)
            candidate[j] = in[j] + gates[n + j] * candidate[j];
    }
}

/* State and output of one row at step t. A row whose sequence has ended keeps its state. */
static void
update_row(const Work *w, int row, int t, bool running, const float *peepholes)
{
    const RecurrentParams *p = w->p;
    const CrRecurrent *r = &p->r;
    float *gates = w->gates + row * p->sums, *h = w->h + row * p->state;
    float *y = w->out[CR_RECURRENT_Y];
    size_t b = (size_t)(w->first + row), d = (size_t)w->direction;
    size_t place = r->batch_first ? (b * (size_t)r->steps + (size_t)t) * (size_t)r->directions + d
                                  : ((size_t)t * (size_t)r->directions + d) * (size_t)r->batch + b;

    if (running && r->cell == CR_CELL_RNN)
        cr_cell_rnn(r, w->direction, gates, h);
    else if (running && r->cell == CR_CELL_GRU)
        cr_cell_gru(r, w->direction, gates, gates + p->part[1].at, h);
    else if (running)
        cr_cell_lstm(r, w->direction, gates, peepholes, h, w->c + row * p->state);
    if (y && running)
        memcpy(y + place * (size_t)r->hidden, h, (size_t)r->hidden * sizeof(float));
    else if (y)
        memset(y + place * (size_t)r->hidden, 0, (size_t)r->hidden * sizeof(float));
}

static void
run_step(const Work *w, int t, float *sums, const int32_t *lengths, const float *peepholes)
{
    multiply_state(w, 0, w->h, (Rows){sums, w->p->sums});
    if (w->p->r.cell == CR_CELL_GRU)
        multiply_candidate(w, sums);
    for (int row = 0; row < w->rows; row++)
        update_row(w, row, t, !lengths || t < lengths[w->first + row], peepholes);
}

static void
recurrent_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const RecurrentParams *p = step->params;
    Work w = start_work(step, io, tile, scratch);
    const int32_t *lengths = (const void *)input(&w, step, CR_RECURRENT_LENGTHS);
    const float *peepholes = input(&w, step, CR_RECURRENT_P);
    bool reverse = p->r.reverse[w.direction];

    if (peepholes)
        peepholes += (size_t)w.direction * 3 * (size_t)p->r.hidden;
    start_bias(&w, input(&w, step, CR_RECURRENT_B));
    start_state(&w, w.h, input(&w, step, CR_RECURRENT_INITIAL_H));
    start_state(&w, w.c, input(&w, step, CR_RECURRENT_INITIAL_C));
    for (int done = 0; done < p->r.steps; done += p->chunk) {
        int n = MIN(p->chunk, p->r.steps - done);
        int from = reverse ? p->r.steps - done - n : done;
        multiply_inputs(&w, from, n);
        for (int i = 0; i < n; i++) {
            int at = reverse ? n - 1 - i : i;
            run_step(&w, from + at, w.inputs + (size_t)at * (size_t)w.rows * (size_t)p->sums,
                     lengths, peepholes);
        }
    }
    if (step->n_out > CR_RECURRENT_Y_H)
        finish_state(&w, w.h, w.out[CR_RECURRENT_Y_H]);
    if (step->n_out > CR_RECURRENT_Y_C)
        finish_state(&w, w.c, w.out[CR_RECURRENT_Y_C]);
}

/* --- set-up --- */

static bool
recurrent_infer(CrOpSetup *setup, GError **error)
{
    CrRecurrent r;

    if (!cr_recurrent_parse(setup, &r, error))
        return false;
    int64_t t = r.steps, d = r.directions, b = r.batch, h = r.hidden;
    int64_t y[] = {r.batch_first ? b : t, r.batch_first ? t : d, r.batch_first ? d : b, h};
    int64_t state[] = {r.batch_first ? b : d, r.batch_first ? d : b, h};
    for (int i = 0; i < setup->n_out; i++)
        if (cr_op_has_output(setup, i) &&
            !cr_op_set_out(setup, i, CONVRNN_DTYPE_FLOAT32, i == CR_RECURRENT_Y ? y : state,
                           i == CR_RECURRENT_Y ? 4 : 3, error))
            return false;
    return true;
}

static void
lay_out_sums(RecurrentParams *p)
{
    int h = p->r.hidden;
    bool gru = p->r.cell == CR_CELL_GRU;

    p->n_parts = gru ? 2 : 1;
    p->part[0].rows = gru ? 2 * h : p->r.gates * h;
    p->part[1].first = 2 * h;
    p->part[1].rows = h;
    for (int i = 0; i < p->n_parts; i++) {
        p->part[i].at = p->sums;
        p->part[i].width = cr_panels_width(p->kernels, p->part[i].rows);
        p->sums += p->part[i].width;
    }
    p->state = cr_panels_width(p->kernels, h);
}

static void
cut_batch(RecurrentParams *p)
{
    p->slice = MAX(1, MIN(p->r.batch, SLICE_ROWS));
    p->n_slices = cr_div_up(p->r.batch, p->slice);
    p->chunk = MAX(1, MIN(p->r.steps, CHUNK_ROWS / p->slice));
}

/* How many rows one product with the input has. */
static int
input_rows(const RecurrentParams *p)
{
    if (p->r.batch_first)
        return p->chunk;
    return p->slice == p->r.batch ? p->slice * p->chunk : p->slice;
}

/* Packs W (inputs columns) or R (hidden columns) of every direction and part. */
static bool
pack_weights(CrOpSetup *setup, RecurrentParams *p, int index, GError **error)
{
    bool is_w = index == CR_RECURRENT_W;
    int k = is_w ? p->r.inputs : p->r.hidden;
    const float *weights = setup->value[index]->data;

    for (int d = 0; d < p->r.directions; d++) {
        for (int i = 0; i < p->n_parts; i++) {
            Part *part = &p->part[i];
            size_t row = (size_t)d * (size_t)(p->r.gates * p->r.hidden) + (size_t)part->first;
            CrPanelSource source = {weights + row * (size_t)k, 1, k};
            if (!cr_panels_pack(setup, is_w ? &part->w[d] : &part->r[d], source, k, part->rows,
                                1.0f, error))
                return false;
        }
    }
    return true;
}

static bool
recurrent_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    RecurrentParams *p = cr_op_params(setup, step, RecurrentParams, error);

    if (!p || !cr_recurrent_parse(setup, &p->r, error))
        return false;
    step->macs = (uint64_t)p->r.directions * (uint64_t)p->r.steps * (uint64_t)p->r.batch *
                 (uint64_t)(p->r.gates * p->r.hidden) * (uint64_t)(p->r.inputs + p->r.hidden);
    if (setup->exact) {
        cr_exact_recurrent_prepare(&p->r, step);
        return true;
    }
    if (cr_recurrent_is_step(setup, &p->r))
        return cr_recurrent_step_prepare(setup, &p->r, step, error);
    p->kernels = setup->kernels;
    lay_out_sums(p);
    cut_batch(p);
    if (setup->value[CR_RECURRENT_W] && input_rows(p) <= CR_PANELS_MAX_ROWS &&
        !pack_weights(setup, p, CR_RECURRENT_W, error))
        return false;
    if (setup->value[CR_RECURRENT_R] && p->slice <= CR_PANELS_MAX_ROWS &&
        !pack_weights(setup, p, CR_RECURRENT_R, error))
        return false;
    step->n_tiles = p->r.directions * p->n_slices;
    step->scratch = scratch_floats(p) * sizeof(float);
    step->run = recurrent_run;
    step->kernel = cr_panels_are_packed(&p->part[0].r[0])
                       ? cr_panels_kernel(&p->part[0].r[0], p->kernels)
                       : "plain";
    return true;
}

static const CrAttrSpec rnn_attrs[] = {
    {"activation_alpha", CR_ATTR_FLOATS},
    {"activation_beta", CR_ATTR_FLOATS},
    {"activations", CR_ATTR_STRINGS},
    {"clip", CR_ATTR_FLOAT},
    {"direction", CR_ATTR_STRING},
    {"hidden_size", CR_ATTR_INT},
    {"layout", CR_ATTR_INT},
    {NULL, CR_ATTR_INT},
};

static const CrAttrSpec gru_attrs[] = {
    {"activation_alpha", CR_ATTR_FLOATS},
    {"activation_beta", CR_ATTR_FLOATS},
    {"activations", CR_ATTR_STRINGS},
    {"clip", CR_ATTR_FLOAT},
    {"direction", CR_ATTR_STRING},
    {"hidden_size", CR_ATTR_INT},
    {"layout", CR_ATTR_INT},
    {"linear_before_reset", CR_ATTR_INT},
    {NULL, CR_ATTR_INT},
};

static const CrAttrSpec lstm_attrs[] = {
    {"activation_alpha", CR_ATTR_FLOATS},
    {"activation_beta", CR_ATTR_FLOATS},
    {"activations", CR_ATTR_STRINGS},
    {"clip", CR_ATTR_FLOAT},
    {"direction", CR_ATTR_STRING},
    {"hidden_size", CR_ATTR_INT},
    {"input_forget", CR_ATTR_INT},
    {"layout", CR_ATTR_INT},
    {NULL, CR_ATTR_INT},
};

const CrOp cr_op_rnn = {
    .name = "RNN",
    .min_in = 3,
    .max_in = 6,
    .min_out = 0,
    .max_out = 2,
    .attrs = rnn_attrs,
    .infer = recurrent_infer,
    .prepare = recurrent_prepare,
};

const CrOp cr_op_gru = {
    .name = "GRU",
    .min_in = 3,
    .max_in = 6,
    .min_out = 0,
    .max_out = 2,
    .attrs = gru_attrs,
    .infer = recurrent_infer,
    .prepare = recurrent_prepare,
};

const CrOp cr_op_lstm = {
    .name = "LSTM",
    .min_in = 3,
    .max_in = 8,
    .min_out = 0,
    .max_out = 3,
    .attrs = lstm_attrs,
    .infer = recurrent_infer,
    .prepare = recurrent_prepare,
};
