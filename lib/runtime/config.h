/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "optimize/ir.h"

struct _ConvRnnSessionConfig {
    CrBinding binding;
};
