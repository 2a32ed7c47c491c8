/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rarer activations (onnx.ai/onnx/operators): Celu, Gelu, Mish, ThresholdedRelu; by libm, in
 * double. NaN stays NaN. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>
#include <string.h>

typedef void (*ActivationRun)(void *dst, const void *src, size_t n, double alpha);
/* The functions for each type; NULL: no such type. */
typedef const ActivationRun Activation[CR_N_DTYPES];

#define ROOT_HALF  0.70710678118654752440 /* √½ */
#define GELU_SCALE 0.79788456080286535588 /* √(2/π) */
#define GELU_CUBIC 0.044715

static double
celu(double x, double alpha)
{
    return x < 0 ? alpha * expm1(x / alpha) : x;
}

static double
gelu(double x, double alpha)
{
    return 0.5 * x * (1 + erf(x * ROOT_HALF));
}

static double
gelu_tanh(double x, double alpha)
{
    return 0.5 * x * (1 + tanh(GELU_SCALE * (x + GELU_CUBIC * x * x * x)));
}

static double
mish(double x, double alpha)
{
    return x * tanh(fmax(x, 0) + log1p(exp(-fabs(x))));
}

static double
thresholded_relu(double x, double alpha)
{
    return x <= alpha ? 0 : x;
}

#define RUN(NAME, T, op)                                                                           \
    static void op##_##NAME(void *dst, const void *src, size_t n, double alpha)                    \
    {                                                                                              \
        const T *x = src;                                                                          \
        T *y = dst;                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = (T)op((double)x[i], alpha);                                                     \
    }
#define ACTIVATION(op)                                                                             \
    CR_FLOAT_TYPES(RUN, op)                                                                        \
    static Activation op##s = {CR_FLOAT_TYPES(CR_TYPE_ENTRY, op)};
ACTIVATION(celu)
ACTIVATION(gelu)
ACTIVATION(gelu_tanh)
ACTIVATION(mish)
ACTIVATION(thresholded_relu)

typedef struct {
    ActivationRun run;
    double alpha;
    size_t size, total;
} ActivationParams;

static bool
infer_activation(CrOpSetup *setup, GError **error)
{
    if (!mishs[setup->in[0].dtype]) /* all have the same types */
        return cr_op_bad_dtype(setup, 0, error);
    return cr_op_like_input(setup, error);
}

static bool
infer_gelu(CrOpSetup *setup, GError **error)
{
    const char *mode = cr_node_string(setup->node, "approximate", "none");

    if (strcmp(mode, "none") != 0 && strcmp(mode, "tanh") != 0)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "approximate is '%s', must be none or tanh", mode);
    return infer_activation(setup, error);
}

static void
run_activation(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ActivationParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    p->run((char *)io[1] + begin * p->size, (const char *)io[0] + begin * p->size, end - begin,
           p->alpha);
}

static bool
prepare(CrOpSetup *setup, Activation activation, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    ActivationParams *p = cr_op_params(setup, step, ActivationParams, error);

    if (!p)
        return false;
    p->run = activation[in->dtype];
    p->alpha = (double)cr_node_float(setup->node, "alpha", 1);
    p->size = convrnn_dtype_get_size(in->dtype);
    p->total = cr_desc_elements(in);
    step->run = run_activation;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

static bool
prepare_celu(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, celus, step, error);
}

static bool
prepare_gelu(CrOpSetup *setup, CrStep *step, GError **error)
{
    bool exact = strcmp(cr_node_string(setup->node, "approximate", "none"), "none") == 0;
    return prepare(setup, exact ? gelus : gelu_tanhs, step, error);
}

static bool
prepare_mish(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, mishs, step, error);
}

static bool
prepare_thresholded_relu(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, thresholded_relus, step, error);
}

static const CrAttrSpec alpha_attr[] = {{"alpha", CR_ATTR_FLOAT}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec gelu_attrs[] = {{"approximate", CR_ATTR_STRING}, {NULL, CR_ATTR_INT}};

#define OPERATOR(symbol, onnx_name, attributes, infer_function)                                    \
    const CrOp cr_op_##symbol = {                                                                  \
        .name = onnx_name,                                                                         \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .attrs = attributes,                                                                       \
        .infer = infer_function,                                                                   \
        .prepare = prepare_##symbol,                                                               \
    };
OPERATOR(celu, "Celu", alpha_attr, infer_activation)
OPERATOR(gelu, "Gelu", gelu_attrs, infer_gelu)
OPERATOR(mish, "Mish", cr_op_no_attrs, infer_activation)
OPERATOR(thresholded_relu, "ThresholdedRelu", alpha_attr, infer_activation)
