/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RNN, GRU and LSTM: the equations of the ONNX pages, one hidden unit after the other. A tile is
 * one direction of one row of the batch. The state stays in double precision from step to step. */
#include "ops/exact.h"
#include <math.h>
#include <string.h>

typedef struct {
    const CrRecurrent *r;
    int direction, row;
    const float *w, *rec, *b, *p; /* of the direction; b and p may be NULL */
    double *x, *h, *c;            /* what enters a step; the state */
    double *in, *gates, *reset;   /* W·x + b, W·x + R·h + b, r ∘ h */
} Work;

/* An input, or NULL when it is left out. */
static const void *
input(const CrStep *step, void *const *io, int index)
{
    return index < step->n_in ? io[index] : NULL;
}

static double
dot(const float *weights, const double *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += weights[i] * v[i];
    return sum;
}

static double
activate(const Work *w, int index, double x)
{
    const CrRnnActivation *f = &w->r->activation[w->direction][index];
    double limit = w->r->clip;
    return f->exact(x < -limit ? -limit : x > limit ? limit : x, f->alpha, f->beta);
}

static void
sum_gates(const Work *w)
{
    const CrRecurrent *r = w->r;
    int n = r->gates * r->hidden;

    for (int g = 0; g < n; g++) {
        w->in[g] = dot(w->w + (size_t)g * (size_t)r->inputs, w->x, r->inputs);
        w->gates[g] = dot(w->rec + (size_t)g * (size_t)r->hidden, w->h, r->hidden);
        if (w->b) {
            w->in[g] += w->b[g];
            w->gates[g] += w->b[n + g];
        }
    }
}

static void
step_rnn(const Work *w)
{
    for (int j = 0; j < w->r->hidden; j++)
        w->h[j] = activate(w, 0, w->in[j] + w->gates[j]);
}

/* Gates z r h. */
static void
step_gru(const Work *w)
{
    int n = w->r->hidden;

    for (int j = 0; j < 2 * n; j++)
        w->gates[j] = activate(w, 0, w->in[j] + w->gates[j]);
    for (int j = 0; j < n; j++)
        w->reset[j] = w->gates[n + j] * w->h[j];
    for (int j = 0; j < n; j++) {
        double sum = w->gates[n + j] * w->gates[2 * n + j];
        if (!w->r->linear_before_reset) {
            sum = dot(w->rec + (size_t)(2 * n + j) * (size_t)n, w->reset, n);
            sum += w->b ? w->b[w->r->gates * n + 2 * n + j] : 0;
        }
        w->gates[2 * n + j] = activate(w, 1, w->in[2 * n + j] + sum);
    }
    for (int j = 0; j < n; j++)
        w->h[j] = (1 - w->gates[j]) * w->gates[2 * n + j] + w->gates[j] * w->h[j];
}

/* Gates i o f c; peepholes i o f. */
static void
step_lstm(const Work *w)
{
    int n = w->r->hidden;

    for (int j = 0; j < n; j++) {
        double sum[4];
        for (int g = 0; g < 4; g++)
            sum[g] = w->in[g * n + j] + w->gates[g * n + j];
        double i = activate(w, 0, sum[0] + (w->p ? w->p[j] * w->c[j] : 0));
        double f = activate(w, 0, sum[2] + (w->p ? w->p[2 * n + j] * w->c[j] : 0));
        f = w->r->couple_input_forget ? 1 - i : f;
        w->c[j] = f * w->c[j] + i * activate(w, 1, sum[3]);
        double o = activate(w, 0, sum[1] + (w->p ? w->p[n + j] * w->c[j] : 0));
        const CrRnnActivation *last = &w->r->activation[w->direction][2];
        w->h[j] = o * last->exact(w->c[j], last->alpha, last->beta);
    }
}

static size_t
state_offset(const Work *w)
{
    const CrRecurrent *r = w->r;
    size_t b = (size_t)w->row, d = (size_t)w->direction;
    return (r->batch_first ? b * (size_t)r->directions + d : d * (size_t)r->batch + b) *
           (size_t)r->hidden;
}

static void
start_state(const Work *w, double *state, const float *initial)
{
    for (int j = 0; j < w->r->hidden; j++)
        state[j] = initial ? initial[state_offset(w) + (size_t)j] : 0;
}

static void
round_to(float *out, const double *v, int n)
{
    for (int j = 0; out && j < n; j++)
        out[j] = (float)v[j];
}

/* Step t of the sequence; one beyond its length leaves the state and gives zeros. */
static void
run_step(const Work *w, const float *x, int t, bool running, float *y)
{
    const CrRecurrent *r = w->r;
    size_t b = (size_t)w->row, d = (size_t)w->direction, n = (size_t)r->hidden;
    size_t place =
        r->batch_first ? b * (size_t)r->steps + (size_t)t : (size_t)t * (size_t)r->batch + b;

    if (running) {
        for (int i = 0; i < r->inputs; i++)
            w->x[i] = x[place * (size_t)r->inputs + (size_t)i];
        sum_gates(w);
        (r->cell == CR_CELL_RNN ? step_rnn : r->cell == CR_CELL_GRU ? step_gru : step_lstm)(w);
    }
    if (!y)
        return;
    y += (r->batch_first ? place * (size_t)r->directions + d
                         : ((size_t)t * (size_t)r->directions + d) * (size_t)r->batch + b) *
         n;
    memset(y, 0, n * sizeof *y);
    round_to(running ? y : NULL, w->h, r->hidden);
}

static Work
start_work(const CrStep *step, void *const *io, int tile, double *scratch)
{
    const CrRecurrent *r = step->params;
    size_t gates = (size_t)(r->gates * r->hidden), n = (size_t)r->hidden;
    Work w = {.r = r, .direction = tile / r->batch, .row = tile % r->batch, .x = scratch};
    size_t d = (size_t)w.direction;

    w.h = w.x + r->inputs;
    w.c = w.h + n;
    w.reset = w.c + n;
    w.in = w.reset + n;
    w.gates = w.in + gates;
    w.w = (const float *)io[CR_RECURRENT_W] + d * gates * (size_t)r->inputs;
    w.rec = (const float *)io[CR_RECURRENT_R] + d * gates * n;
    w.b = input(step, io, CR_RECURRENT_B);
    w.b = w.b ? w.b + d * 2 * gates : NULL;
    w.p = input(step, io, CR_RECURRENT_P);
    w.p = w.p ? w.p + d * 3 * n : NULL;
    return w;
}

static void
exact_recurrent_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CrRecurrent *r = step->params;
    Work w = start_work(step, io, tile, scratch);
    const int32_t *lengths = input(step, io, CR_RECURRENT_LENGTHS);
    float *out[3] = {NULL};

    for (int i = 0; i < step->n_out; i++)
        out[i] = io[step->n_in + i];
    start_state(&w, w.h, input(step, io, CR_RECURRENT_INITIAL_H));
    start_state(&w, w.c, input(step, io, CR_RECURRENT_INITIAL_C));
    for (int i = 0; i < r->steps; i++) {
        int t = r->reverse[w.direction] ? r->steps - 1 - i : i;
        run_step(&w, io[CR_RECURRENT_X], t, !lengths || t < lengths[w.row], out[CR_RECURRENT_Y]);
    }
    for (int i = CR_RECURRENT_Y_H; i <= CR_RECURRENT_Y_C; i++)
        round_to(out[i] ? out[i] + state_offset(&w) : NULL, i == CR_RECURRENT_Y_H ? w.h : w.c,
                 r->hidden);
}

void
cr_exact_recurrent_prepare(const CrRecurrent *r, CrStep *step)
{
    step->params = r;
    step->n_tiles = r->directions * r->batch;
    step->scratch =
        ((size_t)r->inputs + 3 * (size_t)r->hidden + 2 * (size_t)r->gates * (size_t)r->hidden) *
        sizeof(double);
    step->run = exact_recurrent_run;
    step->kernel = "double";
}
