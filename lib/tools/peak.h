/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The most that a processor can multiply and add: a loop of independent fused multiply-adds in
 * registers, at the vector width of a kernel level. */
#pragma once

/* Multiply-accumulate operations per second of one thread, the best of several tries (about 0.1 s).
 * level: as convrnn_cpu_get_level() gives it; it must be available on this processor. */
double cr_peak_measure(const char *level);
