/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ONNX's own tests, as Debian's libonnx-testdata installs them.
 *
 *     run-node-cases FOLDER EXCEPTIONS [NAME]
 *
 * A case of opset 7 or newer whose nodes are all of operators that we claim must pass, or stand in
 * EXCEPTIONS with its reason, which only a few of them may; one that stands there and passes is a
 * failure as well. Any other case, such as one of strings or of numbers with four bits, may be
 * refused by a GError, but not crash. With NAME, only that case is run, in this process (for a
 * debugger). */
#include "case_model.h"
#include "case_run.h"
#include "onnx/onnx.h"
#include "ops/op.h"

#include <convrnn/cpu.h>
#include <convrnn/tensor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_SKIP 77

/* The operators that the library must have. */
static const char listed[] =
    "Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast CausalConvWithState Ceil Celu "
    "Clip Concat Constant ConstantOfShape Conv ConvTranspose CumSum DepthToSpace DequantizeLinear "
    "Div Dropout Einsum Elu Equal Exp Expand Flatten Floor Gather GatherElements GatherND Gelu "
    "Gemm GlobalAveragePool GlobalMaxPool Greater GridSample GroupNormalization GRU HardSigmoid "
    "HardSwish Identity If InstanceNormalization LayerNormalization LeakyRelu Less Log Loop "
    "LpNormalization LpPool LRN LSTM MatMul Max MaxPool Mean Min Mish Mod Mul Neg Not Or Pad Pow "
    "PRelu QuantizeLinear Range ReduceL2 ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape "
    "Resize RNN Round Scan ScatterND Selu Shape Sigmoid Size Slice Softmax Softplus Softsign "
    "SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Unsqueeze Upsample Where";

/* Those that it has besides: its table, and what is written out while loading. */
static const char written_out[] =
    "ConvInteger MatMulInteger MeanVarianceNormalization QLinearConv QLinearMatMul Scatter Swish";

/* Of the cases that name listed operators only, so many must pass. */
#define PERCENT 97

typedef enum {
    LISTED,
    CLAIMED, /* not listed, but in the library's table */
    OTHER,
    N_KINDS,
} Kind;

typedef struct {
    GHashTable *listed, *written_out;
} Operators;

typedef struct {
    guint passed, excepted, failed, refused;
} Count;

typedef struct {
    Count of[N_KINDS];
    guint strict; /* of those that passed */
} Totals;

/* Name → reason, from lines "name reason…"; '#' begins a comment. */
static GHashTable *
read_exceptions(const char *path)
{
    char *text;
    GError *error = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        exit(EXIT_FAILURE);
    }
    GHashTable *exceptions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    char **lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        char **parts = g_strsplit(g_strstrip(*line), " ", 2);
        if (parts[0] && *parts[0] != '#' && *parts[0]) {
            if (!parts[1]) {
                fprintf(stderr, "%s: %s has no reason\n", path, parts[0]);
                exit(EXIT_FAILURE);
            }
            g_hash_table_insert(exceptions, g_strdup(parts[0]), g_strdup(g_strstrip(parts[1])));
        }
        g_strfreev(parts);
    }
    g_strfreev(lines);
    g_free(text);
    return exceptions;
}

/* The words of a list. */
static GHashTable *
read_words(const char *list)
{
    GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    char **words = g_strsplit(list, " ", -1);
    for (char **word = words; *word; word++)
        g_hash_table_add(set, *word);
    g_free(words);
    return set;
}

static Kind
kind_of_model(const CaseModel *model, const Operators *operators)
{
    Kind kind = LISTED;
    if (model->opset < CR_ONNX_OLDEST_OPSET)
        return OTHER;
    for (guint i = 0; i < model->operators->len; i++) {
        const char *op = model->operators->pdata[i];
        if (g_hash_table_contains(operators->listed, op))
            continue;
        if (!cr_op_find("", op) && !g_hash_table_contains(operators->written_out, op))
            return OTHER;
        kind = CLAIMED;
    }
    return kind;
}

static Kind
kind_of_case(const char *folder, const Operators *operators)
{
    char *path = g_build_filename(folder, "model.onnx", NULL), *data;
    gsize size;
    Kind kind = OTHER;
    if (g_file_get_contents(path, &data, &size, NULL)) {
        CaseModel model;
        if (case_model_read(&model, (const guint8 *)data, size)) {
            kind = kind_of_model(&model, operators);
            case_model_clear(&model);
        }
        g_free(data);
    }
    g_free(path);
    return kind;
}

static bool
passes(const CaseResult *r)
{
    return r->outcome == CASE_PASSED || r->outcome == CASE_PASSED_STRICT;
}

/* Refused for an element type that is none of the library's. */
static bool
lacks_type(const CaseResult *r)
{
    static const char words[] = "is a tensor of element type ";
    const char *found = r->outcome == CASE_REFUSED ? strstr(r->message, words) : NULL;

    return found && convrnn_dtype_get_size((ConvRnnDType)atoi(found + strlen(words))) == 0;
}

static void
count_claimed(Totals *totals, Count *count, const char *name, const CaseResult *r,
              const char *exception)
{
    if (passes(r) && exception) {
        printf("FAIL %s passes, and yet stands among the exceptions: %s\n", name, exception);
        count->failed++;
    } else if (passes(r)) {
        count->passed++;
        totals->strict += r->outcome == CASE_PASSED_STRICT;
        if (r->outcome == CASE_PASSED)
            printf("pass %s at ONNX's tolerance only\n", name);
    } else if (exception && r->outcome != CASE_CRASHED) {
        printf("skip %s: %s (%s)\n", name, exception, r->message);
        count->excepted++;
    } else {
        printf("FAIL %s: %s%s\n", name, r->outcome == CASE_REFUSED ? "refused: " : "", r->message);
        count->failed++;
    }
}

static void
count_other(Count *count, const char *name, const CaseResult *r, const char *exception)
{
    if (exception) {
        printf("FAIL %s needs no exception: it is not among the claimed ones\n", name);
        count->failed++;
    } else if (passes(r)) {
        count->passed++;
    } else if (r->outcome == CASE_REFUSED || r->outcome == CASE_NO_DATA) {
        count->refused++;
    } else {
        printf("FAIL %s (not claimed): %s\n", name, r->message);
        count->failed++;
    }
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the cases in a folder, sorted; NULL when there is no such folder. */
static GPtrArray *
list_cases(const char *root)
{
    GDir *dir = g_dir_open(root, 0, NULL);
    if (!dir)
        return NULL;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(dir));) {
        char *model = g_build_filename(root, name, "model.onnx", NULL);
        if (g_file_test(model, G_FILE_TEST_EXISTS))
            g_ptr_array_add(names, g_strdup(name));
        g_free(model);
    }
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

static int
run_one(const char *root, const char *name)
{
    static const char *const outcomes[] = {"passed", "passed at ONNX's tolerance", "no data",
                                           "refused", "differs"};
    char *folder = g_build_filename(root, name, NULL);
    CaseResult r = case_run(folder);
    printf("%s: %s %s\n", name, outcomes[r.outcome], r.message);
    g_free(folder);
    return passes(&r) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static Totals
run_all(const char *root, const GPtrArray *names, GHashTable *exceptions)
{
    Operators operators = {read_words(listed), read_words(written_out)};
    Totals totals = {0};

    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        const char *exception = g_hash_table_lookup(exceptions, name);
        char *folder = g_build_filename(root, name, NULL);
        CaseResult r = case_run_apart(folder);
        Kind kind = lacks_type(&r) ? OTHER : kind_of_case(folder, &operators);
        if (kind == OTHER)
            count_other(&totals.of[kind], name, &r, exception);
        else
            count_claimed(&totals, &totals.of[kind], name, &r, exception);
        g_free(folder);
    }
    g_hash_table_unref(operators.listed);
    g_hash_table_unref(operators.written_out);
    return totals;
}

/* The table at the end; false when something failed or too few passed. */
static bool
report(const Totals *totals)
{
    static const char *const names[] = {"listed operators", "others there are", "not implemented"};
    const Count *must = &totals->of[LISTED];
    guint cases = must->passed + must->excepted + must->failed, failed = 0, all = 0;

    printf("kernels: %s; %u of %u pass at rtol 1e-5, atol 1e-6\n", convrnn_cpu_get_level(),
           totals->strict, must->passed + totals->of[CLAIMED].passed);
    printf("%-18s %6s %8s %6s %8s\n", "", "passed", "excepted", "failed", "refused");
    for (int kind = 0; kind < N_KINDS; kind++) {
        const Count *count = &totals->of[kind];
        printf("%-18s %6u %8u %6u %8u\n", names[kind], count->passed, count->excepted,
               count->failed, count->refused);
        failed += count->failed;
        all += count->passed + count->excepted + count->failed + count->refused;
    }
    printf("%u cases; of those of listed operators %.1f %% pass, %d %% must\n", all,
           cases ? 100.0 * must->passed / cases : 100.0, PERCENT);
    return failed == 0 && 100 * must->passed >= PERCENT * cases;
}

int
main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: %s FOLDER EXCEPTIONS [NAME]\n", argv[0]);
        return EXIT_FAILURE;
    }
    GPtrArray *names = list_cases(argv[1]);
    if (!names || names->len == 0) {
        printf("SKIPPED: %s has no cases; install libonnx-testdata\n", argv[1]);
        return EXIT_SKIP;
    }
    if (argc == 4)
        return run_one(argv[1], argv[3]);
    GHashTable *exceptions = read_exceptions(argv[2]);
    Totals totals = run_all(argv[1], names, exceptions);
    bool ok = report(&totals);
    g_hash_table_unref(exceptions);
    g_ptr_array_unref(names);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
