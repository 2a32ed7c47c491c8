/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The activation functions that RNN, GRU and LSTM name by string. */
#pragma once

#include "kernels/kernels.h"
#include "ops/op.h"

typedef struct CrRnnActivation CrRnnActivation;

/* dst[i] = f(x[i]) for n floats; dst may be x. */
typedef void (*CrRnnActivationFn)(const CrRnnActivation *f, float *dst, const float *x, size_t n);

struct CrRnnActivation {
    CrRnnActivationFn apply;
    double (*exact)(double x, double alpha, double beta); /* the same in double precision */
    const CrKernels *kernels;
    float alpha, beta;
};

/* Fills f[0 … n - 1] from the node's attributes activations, activation_alpha and activation_beta,
 * or from `names` where the node has none. Alphas and betas go in order to those functions that
 * have such a parameter. */
bool cr_rnn_activations(const CrOpSetup *setup, const char *const *names, CrRnnActivation *f, int n,
                        GError **error);
