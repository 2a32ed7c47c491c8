/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The equations of the ONNX pages on RNN, GRU and LSTM. */
#include "ops/recurrent.h"
#include <math.h>

/* v = f(clip(v)) */
static void
activate(const CrRecurrent *r, const CrRnnActivation *f, float *dst, const float *v, size_t n)
{
    if (r->clip < INFINITY) {
        f->kernels->unary[CR_UNARY_CLIP](dst, v, n, -r->clip, r->clip);
        v = dst;
    }
    f->apply(f, dst, v, n);
}

/* h = f(sum) */
void
cr_cell_rnn(const CrRecurrent *r, int direction, float *sums, float *h)
{
    activate(r, &r->activation[direction][0], h, sums, (size_t)r->hidden);
}

static void
add_product(float *y, const float *a, const float *b, int n)
{
    for (int j = 0; j < n; j++)
        y[j] += a[j] * b[j];
}

/* i = f(sum + p·c), f likewise or 1 − i, c = f·c + i·g(sum), o = f(sum + p·c), h = o·h(c). Only
 * sums are clipped, not c: so does ONNX Runtime, where the ONNX page leaves it open. */
void
cr_cell_lstm(const CrRecurrent *r, int direction, float *sums, const float *p, float *h, float *c)
{
    const CrRnnActivation *f = r->activation[direction];
    int n = r->hidden;
    float *i = sums, *o = i + n, *forget = o + n, *candidate = forget + n;

    if (p) {
        add_product(i, p, c, n);
        add_product(forget, p + 2 * (size_t)n, c, n);
    }
    activate(r, &f[0], i, i, (size_t)n);
    if (!r->couple_input_forget)
        activate(r, &f[0], forget, forget, (size_t)n);
    activate(r, &f[1], candidate, candidate, (size_t)n);
    for (int j = 0; j < n; j++)
        c[j] = (r->couple_input_forget ? 1.0f - i[j] : forget[j]) * c[j] + i[j] * candidate[j];
    if (p)
        add_product(o, p + n, c, n);
    activate(r, &f[0], o, o, (size_t)n);
    f[2].apply(&f[2], h, c, (size_t)n);
    for (int j = 0; j < n; j++)
        h[j] *= o[j];
}

void
cr_cell_gru_gates(const CrRecurrent *r, int direction, float *zr)
{
    activate(r, &r->activation[direction][0], zr, zr, 2 * (size_t)r->hidden);
}

/* h = (1 − z)·g(sum) + z·h */
void
cr_cell_gru(const CrRecurrent *r, int direction, const float *zr, float *sums, float *h)
{
    activate(r, &r->activation[direction][1], sums, sums, (size_t)r->hidden);
    for (int j = 0; j < r->hidden; j++)
        h[j] = (1.0f - zr[j]) * sums[j] + zr[j] * h[j];
}
