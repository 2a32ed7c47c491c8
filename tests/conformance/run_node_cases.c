/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ONNX's own tests, as Debian's libonnx-testdata installs them.
 *
 *     run-node-cases FOLDER EXCEPTIONS [NAME]
 *
 * A case of opset 7 or newer whose nodes are all of operators that we claim must pass, or stand in
 * EXCEPTIONS with its reason; one that stands there and passes is a failure as well. Any other case
 * may be refused by a GError, but not crash. With NAME, only that case is run, in this process (for
 * a debugger). */
#include "case_model.h"
#include "case_run.h"
#include "onnx/onnx.h"
#include "ops/op.h"

#include <convrnn/cpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_SKIP 77

/* The operators that the library must have. Any other in its table is claimed as well. */
static const char *const required[] = {"Add",
                                       "AveragePool",
                                       "BatchNormalization",
                                       "Cast",
                                       "Clip",
                                       "Concat",
                                       "Constant",
                                       "ConstantOfShape",
                                       "Conv",
                                       "Div",
                                       "Dropout",
                                       "Expand",
                                       "Flatten",
                                       "Gather",
                                       "Gemm",
                                       "GlobalAveragePool",
                                       "GRU",
                                       "HardSigmoid",
                                       "HardSwish",
                                       "Identity",
                                       "LSTM",
                                       "LeakyRelu",
                                       "MatMul",
                                       "MaxPool",
                                       "Mul",
                                       "Pad",
                                       "RNN",
                                       "ReduceMean",
                                       "Relu",
                                       "Reshape",
                                       "Resize",
                                       "Shape",
                                       "Sigmoid",
                                       "Slice",
                                       "Softmax",
                                       "Split",
                                       "Squeeze",
                                       "Sub",
                                       "Tanh",
                                       "Transpose",
                                       "Unsqueeze",
                                       "Upsample",
                                       NULL};

typedef struct {
    guint passed, strict, failed, excepted; /* of claimed operators */
    guint others_passed, others_refused;
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

static bool
all_claimed(const CaseModel *model)
{
    if (model->opset < CR_ONNX_OLDEST_OPSET)
        return false;
    for (guint i = 0; i < model->operators->len; i++) {
        const char *op = model->operators->pdata[i];
        if (!g_strv_contains(required, op) && !cr_op_find("", op))
            return false;
    }
    return true;
}

static bool
is_claimed(const char *folder)
{
    char *path = g_build_filename(folder, "model.onnx", NULL), *data;
    gsize size;
    bool claimed = false;
    if (g_file_get_contents(path, &data, &size, NULL)) {
        CaseModel model;
        if (case_model_read(&model, (const guint8 *)data, size)) {
            claimed = all_claimed(&model);
            case_model_clear(&model);
        }
        g_free(data);
    }
    g_free(path);
    return claimed;
}

static bool
passes(const CaseResult *r)
{
    return r->outcome == CASE_PASSED || r->outcome == CASE_PASSED_STRICT;
}

static void
count_claimed(Totals *totals, const char *name, const CaseResult *r, const char *exception)
{
    if (passes(r) && exception) {
        printf("FAIL %s passes, and yet stands among the exceptions: %s\n", name, exception);
        totals->failed++;
    } else if (passes(r)) {
        totals->passed++;
        totals->strict += r->outcome == CASE_PASSED_STRICT;
        if (r->outcome == CASE_PASSED)
            printf("pass %s at ONNX's tolerance only\n", name);
    } else if (exception && r->outcome != CASE_CRASHED) {
        printf("skip %s: %s (%s)\n", name, exception, r->message);
        totals->excepted++;
    } else {
        printf("FAIL %s: %s%s\n", name, r->outcome == CASE_REFUSED ? "refused: " : "", r->message);
        totals->failed++;
    }
}

static void
count_other(Totals *totals, const char *name, const CaseResult *r, const char *exception)
{
    if (exception) {
        printf("FAIL %s needs no exception: it is not among the claimed ones\n", name);
        totals->failed++;
    } else if (passes(r)) {
        totals->others_passed++;
    } else if (r->outcome == CASE_REFUSED || r->outcome == CASE_NO_DATA) {
        totals->others_refused++;
    } else {
        printf("FAIL %s (not claimed): %s\n", name, r->message);
        totals->failed++;
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
    Totals totals = {0};
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        const char *exception = g_hash_table_lookup(exceptions, name);
        char *folder = g_build_filename(root, name, NULL);
        CaseResult r = case_run_apart(folder);
        if (is_claimed(folder))
            count_claimed(&totals, name, &r, exception);
        else
            count_other(&totals, name, &r, exception);
        g_free(folder);
    }
    return totals;
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
    Totals t = run_all(argv[1], names, exceptions);
    printf("kernels: %s; %u of %u pass at rtol 1e-5, atol 1e-6\n", convrnn_cpu_get_level(),
           t.strict, t.passed);
    printf("not claimed: %u passed, %u refused\n", t.others_passed, t.others_refused);
    printf("%u passed, %u failed, %u skipped\n", t.passed, t.failed, t.excepted);
    g_hash_table_unref(exceptions);
    g_ptr_array_unref(names);
    return t.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
