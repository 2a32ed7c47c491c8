/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator table, and what every infer() needs: messages, axes, known inputs, output shapes. */
#include "ops/ops.h"
#include "core/size.h"
#include <stdlib.h>
#include <string.h>

#define CR_OP(symbol) &cr_op_##symbol,
static const CrOp *const operators[] = {
#include "ops/operators.def"
    NULL};
#undef CR_OP

#define N_OPERATORS (G_N_ELEMENTS(operators) - 1)

static int
compare_operators(const void *a, const void *b)
{
    return strcmp((*(const CrOp *const *)a)->name, (*(const CrOp *const *)b)->name);
}

static int
compare_name(const void *name, const void *op)
{
    return strcmp(name, (*(const CrOp *const *)op)->name);
}

const CrOp *const *
cr_op_list(void)
{
    static const CrOp *sorted[G_N_ELEMENTS(operators)];
    static gsize ready;

    if (g_once_init_enter(&ready)) {
        memcpy(sorted, operators, sizeof(operators));
        qsort(sorted, N_OPERATORS, sizeof(sorted[0]), compare_operators);
        g_once_init_leave(&ready, 1);
    }
    return sorted;
}

const CrOp *
cr_op_find(const char *domain, const char *name)
{
    const CrOp *const *found;

    if (domain && *domain && strcmp(domain, "ai.onnx") != 0)
        return NULL;
    found = bsearch(name, cr_op_list(), N_OPERATORS, sizeof(*found), compare_name);
    return found ? *found : NULL;
}

bool
cr_op_error(const CrOpSetup *setup, ConvRnnError code, GError **error, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, code, "%s node \"%s\": %s", setup->node->op,
                setup->node->name, text);
    g_free(text);
    return false;
}

bool
cr_op_needs_constant(const CrOpSetup *setup, int index, GError **error)
{
    return cr_op_error(
        setup, CONVRNN_ERROR_UNSUPPORTED, error,
        "input %d depends on the frame's values, but the shapes of this network must "
        "be known when the session starts; export it with fixed shapes, or bind the "
        "input that decides them as a constant",
        index);
}

bool
cr_op_want_dtype(const CrOpSetup *setup, int index, ConvRnnDType dtype, GError **error)
{
    if (index >= setup->n_in || setup->in[index].dtype == CONVRNN_DTYPE_UNDEFINED)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "input %d is missing", index);
    if (setup->in[index].dtype == dtype)
        return true;
    return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "input %d is %s, expected %s", index,
                       convrnn_dtype_get_name(setup->in[index].dtype),
                       convrnn_dtype_get_name(dtype));
}

char *
cr_desc_to_string(const CrDesc *desc)
{
    GString *text;

    if (desc->n_dims == 0)
        return g_strdup("scalar");
    text = g_string_new(NULL);
    for (int i = 0; i < desc->n_dims; i++) {
        g_string_append(text, i ? "×" : "");
        if (desc->dims[i] < 0)
            g_string_append_c(text, '?');
        else
            g_string_append_printf(text, "%" G_GINT64_FORMAT, (gint64)desc->dims[i]);
    }
    return g_string_free(text, FALSE);
}

bool
cr_op_axis(const CrOpSetup *setup, int64_t axis, int rank, int *out, GError **error)
{
    if (axis < -rank || axis >= rank)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "axis %" G_GINT64_FORMAT " does not exist in a tensor of rank %d",
                           (gint64)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

bool
cr_op_ints(const CrOpSetup *setup, int index, int64_t **values, int *n, GError **error)
{
    const ConvRnnTensor *tensor;

    if ((index >= setup->n_in || setup->in[index].dtype != CONVRNN_DTYPE_INT32) &&
        !cr_op_want_dtype(setup, index, CONVRNN_DTYPE_INT64, error))
        return false;
    tensor = setup->value[index];
    if (!tensor)
        return cr_op_needs_constant(setup, index, error);
    if (tensor->n_dims > 1)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "input %d has rank %d, expected a list (rank 1)", index, tensor->n_dims);
    if (tensor->n_elements > CR_MAX_NODE_IO)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "input %d lists %" G_GSIZE_FORMAT " numbers, at most %d are supported",
                           index, tensor->n_elements, CR_MAX_NODE_IO);
    *n = (int)tensor->n_elements;
    *values = g_new(int64_t, *n + 1);
    for (int i = 0; i < *n; i++)
        (*values)[i] = tensor->dtype == CONVRNN_DTYPE_INT32 ? ((const int32_t *)tensor->data)[i]
                                                            : ((const int64_t *)tensor->data)[i];
    return true;
}

bool
cr_op_set_out(CrOpSetup *setup, int index, ConvRnnDType dtype, const int64_t *dims, int n_dims,
              GError **error)
{
    CrDesc desc = {.dtype = dtype, .n_dims = n_dims};
    int64_t elements = 1; /* with 1 in place of 0: strides are products of the other dimensions */

    if (dtype == CONVRNN_DTYPE_UNDEFINED) /* taken from an input that is not there */
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "a required input is missing");
    if (n_dims > CONVRNN_MAX_RANK)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "output %d would have rank %d, at most %d is supported", index, n_dims,
                           CONVRNN_MAX_RANK);
    for (int i = 0; i < n_dims; i++) {
        if (dims[i] < 0)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "dimension %d of output %d would be %" G_GINT64_FORMAT
                               ": the input is too small",
                               i, index, (gint64)dims[i]);
        if (dims[i] <= CR_MAX_DIM)
            elements *= MAX(dims[i], 1);
        if (dims[i] > CR_MAX_DIM || elements > CR_MAX_ELEMENTS)
            return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                               "output %d would be too large at dimension %d (%" G_GINT64_FORMAT
                               "): at most %d in one dimension and %lld elements are supported",
                               index, i, (gint64)dims[i], CR_MAX_DIM, CR_MAX_ELEMENTS);
        desc.dims[i] = dims[i];
    }
    setup->out[index] = desc;
    return true;
}

bool
cr_broadcast(const CrDesc *a, const CrDesc *b, int64_t *dims, int *n_dims)
{
    int n = MAX(a->n_dims, b->n_dims);

    /* From the back, so that dims may be a's or b's own. */
    for (int i = n - 1; i >= 0; i--) {
        int ia = i - (n - a->n_dims), ib = i - (n - b->n_dims);
        int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];
        if (da != db && da != 1 && db != 1)
            return false;
        dims[i] = da == 1 ? db : da;
    }
    *n_dims = n;
    return true;
}
