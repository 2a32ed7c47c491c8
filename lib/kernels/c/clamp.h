/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/attributes.h"

/* x limited to [low, high]; NaN stays NaN. */
CR_INLINE float
cr_clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}
