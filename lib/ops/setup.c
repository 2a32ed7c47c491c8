/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/setup.h"
#include <string.h>

const CrAttrSpec cr_op_no_attrs[] = {{NULL, CR_ATTR_INT}};

bool
cr_op_bad_dtype(const CrOpSetup *setup, int index, GError **error)
{
    return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                       "input %d is %s, which this operator does not compute with; insert a Cast",
                       index, convrnn_dtype_get_name(setup->in[index].dtype));
}

bool
cr_op_bad_shapes(const CrOpSetup *setup, int a, int b, GError **error)
{
    char *shape_a = cr_desc_to_string(&setup->in[a]);
    char *shape_b = cr_desc_to_string(&setup->in[b]);

    cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                "shapes %s (input %d) and %s (input %d) do not fit together", shape_a, a, shape_b,
                b);
    g_free(shape_a);
    g_free(shape_b);
    return false;
}

bool
cr_op_same_dtype(const CrOpSetup *setup, int a, int b, GError **error)
{
    return cr_op_want_dtype(setup, b, setup->in[a].dtype, error);
}

bool
cr_op_axes(const CrOpSetup *setup, int index, int rank, bool used[CONVRNN_MAX_RANK], GError **error)
{
    int64_t *axes;
    int n, axis;
    bool ok = true;

    memset(used, 0, sizeof(bool) * CONVRNN_MAX_RANK);
    if (!cr_op_ints(setup, index, &axes, &n, error))
        return false;
    for (int i = 0; i < n && ok; i++) {
        ok = cr_op_axis(setup, axes[i], rank, &axis, error);
        if (ok && used[axis])
            ok = cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "axis %d is listed twice", axis);
        if (ok)
            used[axis] = true;
    }
    g_free(axes);
    return ok;
}

bool
cr_op_like_input(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    return cr_op_set_out(setup, 0, in->dtype, in->dims, in->n_dims, error);
}
