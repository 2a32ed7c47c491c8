/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tools/binding.h"

/* Prints what each precision loses against double precision: every convolution, matrix product and
 * recurrent layer by itself, and outputs and states over some steps of noise. Of all precisions
 * that there are here, or of the one that the options name. */
bool cr_accuracy_report(const char *path, const CrBindingOptions *options, int threads, int steps,
                        bool json, GError **error);
