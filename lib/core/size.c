/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/size.h"

bool
cr_size_of_dims(const int64_t *dims, int n, size_t unit, size_t *out)
{
    size_t product = unit; /* with 1 in place of 0: strides are such products, and must fit too */
    bool empty = false;

    for (int i = 0; i < n; i++) {
        if (dims[i] < 0)
            return false;
        empty |= dims[i] == 0;
        if (dims[i] > 1 && !cr_size_mul(product, (size_t)dims[i], &product))
            return false;
    }
    *out = empty ? 0 : product;
    return true;
}
