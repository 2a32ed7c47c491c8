/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processor can do, from feature bits and never from a model number. */
#pragma once

#include <stdbool.h>

typedef enum {
    CR_CPU_C = 0,
    CR_CPU_NEON = 1,
    CR_CPU_AVX2 = 2,   /* AVX2 + FMA */
    CR_CPU_AVX512 = 3, /* F + BW + DQ + VL */
    CR_CPU_AMX = 4,    /* that, and tiles of bfloat16 */
} CrCpuLevel;

/* The best level of this processor and operating system. */
CrCpuLevel cr_cpu_detect(void);
/* The level in force: detected, limited by CONVRNN_CPU or convrnn_cpu_set_level(). */
CrCpuLevel cr_cpu_level(void);
/* Asks the operating system for the tile registers, which a process must do once before it uses
 * them; false when it refuses or there are none. */
bool cr_cpu_allow_tiles(void);
const char *cr_cpu_level_name(CrCpuLevel level);
