/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cpu.h"
#include <convrnn/cpu.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Which registers the operating system saves. */
#define XCR0_AVX    0x06u /* XMM, YMM */
#define XCR0_AVX512 0xe6u /* and the masks, the upper halves, ZMM16…31 */
#define XCR0_TILES  0x60000u

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_TILEDATA   18

static unsigned
read_xcr0(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static CrCpuLevel
detect(void)
{
    const unsigned leaf7_512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    const unsigned leaf7_tiles = 1u << 24 | 1u << 22; /* edx: AMX-TILE, AMX-BF16 */
    const unsigned leaf7_vnni = 1u << 11;             /* ecx: AVX512_VNNI */
    unsigned a, b, c, d, xcr0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA) || !(c & bit_AVX))
        return CR_CPU_C;
    xcr0 = read_xcr0();
    if ((xcr0 & XCR0_AVX) != XCR0_AVX || !__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
        !(b & bit_AVX2))
        return CR_CPU_C;
    if ((xcr0 & XCR0_AVX512) != XCR0_AVX512 || (b & leaf7_512) != leaf7_512)
        return CR_CPU_AVX2;
    if ((xcr0 & XCR0_TILES) != XCR0_TILES || (d & leaf7_tiles) != leaf7_tiles ||
        !(c & leaf7_vnni) || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & bit_AVX512BF16))
        return CR_CPU_AVX512;
    return CR_CPU_AMX;
}

bool
cr_cpu_allow_tiles(void)
{
    static gint known; /* 1 refused, 2 granted */
    gint answer = g_atomic_int_get(&known);

    if (answer == 0) {
        answer = cr_cpu_detect() == CR_CPU_AMX &&
                         syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILEDATA) == 0
                     ? 2
                     : 1;
        g_atomic_int_set(&known, answer);
    }
    return answer == 2;
}
#else
static CrCpuLevel
detect(void)
{
#if defined(__aarch64__)
    return CR_CPU_NEON; /* part of the architecture */
#else
    return CR_CPU_C;
#endif
}

bool
cr_cpu_allow_tiles(void)
{
    return false;
}
#endif

static const char *const names[] = {
    [CR_CPU_C] = "c",           [CR_CPU_NEON] = "neon", [CR_CPU_AVX2] = "avx2",
    [CR_CPU_AVX512] = "avx512", [CR_CPU_AMX] = "amx",
};

CrCpuLevel
cr_cpu_detect(void)
{
    static gint known; /* level + 1 */
    gint level = g_atomic_int_get(&known);

    if (level == 0) {
        level = (gint)detect() + 1;
        g_atomic_int_set(&known, level);
    }
    return (CrCpuLevel)(level - 1);
}

const char *
cr_cpu_level_name(CrCpuLevel level)
{
    return names[level];
}

/* Each architecture has its own levels below the best one. */
static bool
available(CrCpuLevel level)
{
    const CrCpuLevel best = cr_cpu_detect();
    return level <= best && (level != CR_CPU_NEON || best == CR_CPU_NEON);
}

static bool
find(const char *name, CrCpuLevel *level)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(name, names[i]) == 0 && available((CrCpuLevel)i)) {
            *level = (CrCpuLevel)i;
            return true;
        }
    }
    return false;
}

static char *
list_available(void)
{
    GString *list = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (available((CrCpuLevel)i))
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", names[i]);
    }
    return g_string_free(list, FALSE);
}

static CrCpuLevel
level_from_environment(void)
{
    const char *name = g_getenv("CONVRNN_CPU");
    CrCpuLevel level = cr_cpu_detect();
    char *list;

    if (!name || !*name || find(name, &level))
        return level;
    list = list_available();
    g_log_structured("convrnn", G_LOG_LEVEL_WARNING, "MESSAGE",
                     "CONVRNN_CPU=%s: no such instruction set on this processor (it has: %s); "
                     "using %s",
                     name, list, names[level]);
    g_free(list);
    return level;
}

static gint forced = -1; /* convrnn_cpu_set_level(): a level; -1 = never called or NULL */

CrCpuLevel
cr_cpu_level(void)
{
    static gsize once;
    gint level = g_atomic_int_get(&forced);

    if (level >= 0)
        return (CrCpuLevel)level;
    if (g_once_init_enter(&once))
        g_once_init_leave(&once, (gsize)level_from_environment() + 1);
    return (CrCpuLevel)(once - 1);
}

const gchar *
convrnn_cpu_get_level(void)
{
    return cr_cpu_level_name(cr_cpu_level());
}

gboolean
convrnn_cpu_set_level(const gchar *level, GError **error)
{
    CrCpuLevel found;
    char *list;

    if (!level || find(level, &found)) {
        g_atomic_int_set(&forced, level ? (gint)found : -1);
        return TRUE;
    }
    list = list_available();
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_CPU,
                "instruction set \"%s\" is not available: this processor and build have %s", level,
                list);
    g_free(list);
    return FALSE;
}
