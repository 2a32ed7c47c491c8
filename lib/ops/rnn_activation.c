/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/rnn_activation.h"
#include <math.h>

#define BY_KERNEL(name, kernel, a, b)                                                              \
    static void name(const CrRnnActivation *f, float *dst, const float *x, size_t n)               \
    {                                                                                              \
        f->kernels->unary[kernel](dst, x, n, a, b);                                                \
    }

BY_KERNEL(sigmoid, CR_UNARY_SIGMOID, 0, 0)
BY_KERNEL(hyperbolic_tangent, CR_UNARY_TANH, 0, 0)
BY_KERNEL(relu, CR_UNARY_CLIP, 0, INFINITY)
BY_KERNEL(leaky_relu, CR_UNARY_LEAKY_RELU, f->alpha, 0)
BY_KERNEL(hard_sigmoid, CR_UNARY_HARD_SIGMOID, f->alpha, f->beta)
BY_KERNEL(affine, CR_UNARY_AFFINE, f->alpha, f->beta)

#define BY_FORMULA(name, formula)                                                                  \
    static void name(const CrRnnActivation *f, float *dst, const float *px, size_t n)              \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            float x = px[i];                                                                       \
            dst[i] = formula;                                                                      \
        }                                                                                          \
    }

BY_FORMULA(thresholded_relu, x >= f->alpha ? x : 0.0f)
BY_FORMULA(scaled_tanh, f->alpha *tanhf(f->beta *x))
BY_FORMULA(elu, x >= 0.0f ? x : f->alpha * expm1f(x))
BY_FORMULA(softsign, x / (1.0f + fabsf(x)))
/* log(1 + e^x) without overflow. */
BY_FORMULA(softplus, fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))))

#define EXACT(name, formula)                                                                       \
    static double exact_##name(double x, double alpha, double beta)                                \
    {                                                                                              \
        return formula;                                                                            \
    }

EXACT(sigmoid, 1 / (1 + exp(-x)))
EXACT(tanh, tanh(x))
EXACT(relu, fmax(x, 0))
EXACT(leaky_relu, x < 0 ? alpha * x : x)
EXACT(thresholded_relu, x >= alpha ? x : 0)
EXACT(hard_sigmoid, fmin(fmax(alpha *x + beta, 0), 1))
EXACT(affine, alpha *x + beta)
EXACT(scaled_tanh, alpha *tanh(beta *x))
EXACT(elu, x >= 0 ? x : alpha * expm1(x))
EXACT(softsign, x / (1 + fabs(x)))
EXACT(softplus, fmax(x, 0) + log1p(exp(-fabs(x))))

typedef struct {
    const char *name;
    CrRnnActivationFn apply;
    double (*exact)(double x, double alpha, double beta);
    bool has_alpha, has_beta;
    float alpha, beta; /* defaults */
} Known;

static const Known known[] = {
    {"Sigmoid", sigmoid, exact_sigmoid, false, false, 0, 0},
    {"Tanh", hyperbolic_tangent, exact_tanh, false, false, 0, 0},
    {"Relu", relu, exact_relu, false, false, 0, 0},
    {"HardSigmoid", hard_sigmoid, exact_hard_sigmoid, true, true, 0.2f, 0.5f},
    {"Affine", affine, exact_affine, true, true, 1.0f, 0.0f},
    {"LeakyRelu", leaky_relu, exact_leaky_relu, true, false, 0.01f, 0},
    {"ThresholdedRelu", thresholded_relu, exact_thresholded_relu, true, false, 1.0f, 0},
    {"ScaledTanh", scaled_tanh, exact_scaled_tanh, true, true, 1.0f, 1.0f},
    {"Elu", elu, exact_elu, true, false, 1.0f, 0},
    {"Softsign", softsign, exact_softsign, false, false, 0, 0},
    {"Softplus", softplus, exact_softplus, false, false, 0, 0},
};

static const Known *
find(const CrOpSetup *setup, const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_ascii_strcasecmp(known[i].name, name) == 0)
            return &known[i];
    cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error, "activation '%s' is not known", name);
    return NULL;
}

/* The next number of a list, or the default when the list has ended. */
static float
take(const CrAttr *numbers, int *taken, float fallback)
{
    if (!numbers || *taken >= numbers->n)
        return fallback;
    return numbers->floats[(*taken)++];
}

static const CrAttr *
list(const CrOpSetup *setup, const char *name, CrAttrType type)
{
    const CrAttr *attr = cr_node_attr(setup->node, name);
    return attr && attr->type == type ? attr : NULL;
}

bool
cr_rnn_activations(const CrOpSetup *setup, const char *const *names, CrRnnActivation *f, int n,
                   GError **error)
{
    const CrAttr *own = list(setup, "activations", CR_ATTR_STRINGS);
    const CrAttr *alphas = list(setup, "activation_alpha", CR_ATTR_FLOATS);
    const CrAttr *betas = list(setup, "activation_beta", CR_ATTR_FLOATS);
    int n_alphas = 0, n_betas = 0;

    if (own && own->n < n)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "activations lists %d functions, it must list %d", own->n, n);
    for (int i = 0; i < n; i++) {
        const Known *function = find(setup, own ? own->strings[i] : names[i], error);
        if (!function)
            return false;
        f[i] = (CrRnnActivation){
            .apply = function->apply, .exact = function->exact, .kernels = setup->kernels};
        if (function->has_alpha)
            f[i].alpha = take(alphas, &n_alphas, function->alpha);
        if (function->has_beta)
            f[i].beta = take(betas, &n_betas, function->beta);
    }
    return true;
}
