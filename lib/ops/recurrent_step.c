/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One time step of RNN, LSTM, and GRU with linear_before_reset, for few rows: what a stream runs.
 *
 * No hidden unit needs another's new value, so each tile makes one panel's worth of units, all
 * gates of them, from the first product to the new state. The sums run in the order that
 * recurrent.c has. */
#include "ops/recurrent_step.h"
#include "core/size.h"
#include "ops/panels.h"
#include "ops/setup.h"
#include <string.h>

#define MAX_GATES 4

typedef struct {
    CrRecurrent r;
    const CrKernels *kernels;
    int n_slices;                                /* of the hidden units */
    CrPanels w[2][MAX_GATES], rec[2][MAX_GATES]; /* of each direction and gate */
} StepParams;

/* A tile: units first … first + n − 1 of one direction. */
typedef struct {
    const StepParams *p;
    void *const *io, *const *out;
    int n_in, n_out;
    CrRecurrent slice; /* as if there were no more units */
    int direction, panel, first, n;
} Slice;

static const float *
input(const Slice *s, int index)
{
    return index < s->n_in ? s->io[index] : NULL;
}

/* sums = bias + W · x + R · h; with GRU's linear_before_reset, the candidate's R · h + bias apart.
 */
static void
multiply(const Slice *s, const float *x, const float *h, float *sums, float *apart)
{
    const StepParams *p = s->p;
    const float *b = input(s, CR_RECURRENT_B);
    int gates = p->r.gates, size = gates * p->r.hidden;
    float bias[CR_PANEL_MAX], recurrent_bias[CR_PANEL_MAX];

    b = b ? b + (size_t)s->direction * 2 * (size_t)size : NULL;
    for (int g = 0; g < gates; g++) {
        bool separate = p->r.cell == CR_CELL_GRU && g == 2;
        memset(bias, 0, sizeof bias);
        memset(recurrent_bias, 0, sizeof recurrent_bias);
        for (int j = 0; b && j < s->n; j++) {
            float of_w = b[g * p->r.hidden + s->first + j];
            float of_r = b[size + g * p->r.hidden + s->first + j];
            bias[j] = separate ? of_w : of_w + of_r;
            recurrent_bias[j] = of_r;
        }
        cr_panels_run_one(&p->w[s->direction][g], p->kernels, s->panel, bias, x, bias);
        float *of_state = separate ? recurrent_bias : bias;
        if (h)
            cr_panels_run_one(&p->rec[s->direction][g], p->kernels, s->panel, of_state, h,
                              of_state);
        memcpy(sums + g * s->n, bias, (size_t)s->n * sizeof *sums);
        if (separate)
            memcpy(apart, recurrent_bias, (size_t)s->n * sizeof *apart);
    }
}

static void
update(const Slice *s, float *sums, const float *apart, const float *peepholes, float *h, float *c)
{
    const CrRecurrent *r = &s->slice;
    float *candidate = sums + 2 * s->n;

    switch (r->cell) {
    case CR_CELL_RNN:
        cr_cell_rnn(r, s->direction, sums, h);
        break;
    case CR_CELL_GRU:
        cr_cell_gru_gates(r, s->direction, sums);
        for (int j = 0; j < s->n; j++)
            candidate[j] += sums[s->n + j] * apart[j];
        cr_cell_gru(r, s->direction, sums, candidate, h);
        break;
    case CR_CELL_LSTM:
        cr_cell_lstm(r, s->direction, sums, peepholes, h, c);
        break;
    }
}

/* Where a row's units lie in initial_h, initial_c and all outputs: with one step, these agree. */
static size_t
row_offset(const Slice *s, int row)
{
    const CrRecurrent *r = &s->p->r;
    size_t b = (size_t)row, d = (size_t)s->direction;
    size_t place = r->batch_first ? b * (size_t)r->directions + d : d * (size_t)r->batch + b;
    return place * (size_t)r->hidden;
}

static void
run_row(const Slice *s, int row, const float *peepholes)
{
    static const float zeros[CR_PANEL_MAX];
    const float *initial_h = input(s, CR_RECURRENT_INITIAL_H);
    const float *initial_c = input(s, CR_RECURRENT_INITIAL_C);
    const float *x = (const float *)s->io[CR_RECURRENT_X] + (size_t)row * (size_t)s->p->r.inputs;
    size_t at = row_offset(s, row), mine = at + (size_t)s->first, bytes = (size_t)s->n * sizeof *x;
    float sums[MAX_GATES * CR_PANEL_MAX], apart[CR_PANEL_MAX], h[CR_PANEL_MAX], c[CR_PANEL_MAX];

    memcpy(h, initial_h ? initial_h + mine : zeros, bytes);
    memcpy(c, initial_c ? initial_c + mine : zeros, bytes);
    multiply(s, x, initial_h ? initial_h + at : NULL, sums, apart);
    update(s, sums, apart, peepholes, h, c);
    for (int i = 0; i < s->n_out; i++)
        if (s->out[i])
            memcpy((float *)s->out[i] + mine, i == CR_RECURRENT_Y_C ? c : h, bytes);
}

static void
step_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const StepParams *p = step->params;
    int panel = 4 * p->kernels->block;
    Slice s = {.p = p,
               .io = io,
               .out = io + step->n_in,
               .n_in = step->n_in,
               .n_out = step->n_out,
               .slice = p->r,
               .direction = tile / p->n_slices,
               .panel = tile % p->n_slices};
    const float *all = input(&s, CR_RECURRENT_P);
    float peepholes[3 * CR_PANEL_MAX];
    (void)scratch;

    s.first = s.panel * panel;
    s.n = MIN(panel, p->r.hidden - s.first);
    s.slice.hidden = s.n;
    for (int g = 0; all && g < 3; g++)
        memcpy(peepholes + g * s.n, all + (s.direction * 3 + g) * p->r.hidden + s.first,
               (size_t)s.n * sizeof *all);
    for (int row = 0; row < p->r.batch; row++)
        run_row(&s, row, all ? peepholes : NULL);
}

/* --- set-up --- */

static bool
is_known(const CrOpSetup *setup, int index)
{
    return setup->value[index] != NULL;
}

bool
cr_recurrent_is_step(const CrOpSetup *setup, const CrRecurrent *r)
{
    bool has_lengths = setup->n_in > CR_RECURRENT_LENGTHS &&
                       setup->in[CR_RECURRENT_LENGTHS].dtype != CONVRNN_DTYPE_UNDEFINED;

    return r->steps == 1 && r->batch > 0 && r->batch <= CR_PANELS_MAX_ROWS && !has_lengths &&
           is_known(setup, CR_RECURRENT_W) && is_known(setup, CR_RECURRENT_R) &&
           (r->cell != CR_CELL_GRU || r->linear_before_reset);
}

bool
cr_recurrent_step_prepare(CrOpSetup *setup, const CrRecurrent *r, CrStep *step, GError **error)
{
    StepParams *p = cr_op_params(setup, step, StepParams, error);
    const float *w = setup->value[CR_RECURRENT_W]->data, *rec = setup->value[CR_RECURRENT_R]->data;

    if (!p)
        return false;
    p->r = *r;
    p->kernels = setup->kernels;
    p->n_slices = cr_div_up(r->hidden, 4 * p->kernels->block);
    for (int d = 0; d < r->directions; d++)
        for (int g = 0; g < r->gates; g++) {
            size_t row = (size_t)(d * r->gates + g) * (size_t)r->hidden;
            CrPanelSource of_w = {w + row * (size_t)r->inputs, 1, r->inputs};
            CrPanelSource of_r = {rec + row * (size_t)r->hidden, 1, r->hidden};
            if (!cr_panels_pack(setup, &p->w[d][g], of_w, r->inputs, r->hidden, 1, error) ||
                !cr_panels_pack(setup, &p->rec[d][g], of_r, r->hidden, r->hidden, 1, error))
                return false;
        }
    step->n_tiles = r->directions * p->n_slices;
    step->run = step_run;
    step->kernel = cr_panels_kernel(&p->w[0][0], p->kernels);
    return true;
}
