/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "case_run.h"
#include "case_model.h"
#include "onnx/onnx.h"
#include "core/half.h"

#include <convrnn/session.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What ONNX's own backend test allows, and what we ask of ourselves. */
#define ONNX_RTOL   1e-3
#define ONNX_ATOL   1e-7
#define STRICT_RTOL 1e-5
#define STRICT_ATOL 1e-6

#define TIMEOUT_SECONDS 60

#define BFLOAT16 16 /* TensorProto.DataType */

/* Which inputs are bound as constants. Shapes, axes and the like must be; a test that binds all
 * only tests constant folding, so it comes last. */
typedef enum {
    BIND_NONE,
    BIND_ALL_BUT_FIRST,
    BIND_ALL,
} Binding;

typedef struct {
    ConvRnnModel *model;
    GPtrArray *inputs, *expected; /* ConvRnnTensor */
} DataSet;

static CaseResult result(CaseOutcome outcome, const char *format, ...) G_GNUC_PRINTF(2, 3);

static CaseResult
result(CaseOutcome outcome, const char *format, ...)
{
    CaseResult r = {.outcome = outcome};
    va_list args;
    va_start(args, format);
    g_vsnprintf(r.message, sizeof r.message, format, args);
    va_end(args);
    return r;
}

static CaseResult
refused(GError *error)
{
    CaseResult r = result(CASE_REFUSED, "%s", error->message);
    g_error_free(error);
    return r;
}

/* The data of bfloat16 are written as uint16, for NumPy has no such type. */
static ConvRnnTensor *
from_bfloat16(ConvRnnTensor *bits)
{
    guint n_dims;
    const gint64 *dims = convrnn_tensor_get_dims(bits, &n_dims);
    gsize n = convrnn_tensor_get_n_elements(bits);
    float *values = g_new(float, n + 1);
    for (gsize i = 0; i < n; i++)
        values[i] = cr_bfloat16_to_float(((const uint16_t *)convrnn_tensor_get_data(bits))[i]);
    GBytes *bytes = g_bytes_new_take(values, n * sizeof *values);
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, bytes, NULL);
    g_bytes_unref(bytes);
    convrnn_tensor_unref(bits);
    return tensor;
}

/* The tensors prefix_0.pb, prefix_1.pb…, of the types that the model declares; false when one is no
 * tensor that we know. */
static bool
read_tensors(const char *folder, const char *prefix, const GArray *types, GPtrArray *tensors)
{
    for (guint i = 0;; i++) {
        char *path = g_strdup_printf("%s/%s_%u.pb", folder, prefix, i), *data;
        gsize size;
        bool there = g_file_get_contents(path, &data, &size, NULL);
        g_free(path);
        if (!there)
            return true;
        GBytes *bytes = g_bytes_new_take(data, size);
        ConvRnnTensor *tensor = cr_onnx_read_tensor(bytes, NULL, NULL);
        g_bytes_unref(bytes);
        if (!tensor)
            return false;
        if (i < types->len && g_array_index(types, guint64, i) == BFLOAT16 &&
            convrnn_tensor_get_dtype(tensor) == CONVRNN_DTYPE_UINT16)
            tensor = from_bfloat16(tensor);
        g_ptr_array_add(tensors, tensor);
    }
}

static bool
has_no_elements(ConvRnnTensor *tensor)
{
    return convrnn_tensor_get_n_elements(tensor) == 0;
}

/* Whether a tensor has the shape that the model declares. (A few cases have data of another for
 * inputs of which only the type matters; they get zeros.) */
static bool
fits(const ConvRnnTensorInfo *declared, const ConvRnnTensor *tensor)
{
    guint n_dims;
    const gint64 *dims = convrnn_tensor_get_dims(tensor, &n_dims);
    bool fit = n_dims == declared->n_dims;
    for (guint i = 0; fit && i < n_dims; i++)
        fit = declared->dims[i] < 0 || declared->dims[i] == dims[i];
    return fit || declared->n_dims == 0;
}

static ConvRnnSession *
make_session(const DataSet *set, Binding binding, GError **error)
{
    ConvRnnSessionConfig *config = convrnn_session_config_new();
    guint n_outputs = convrnn_model_get_n_outputs(set->model);
    const gchar **outputs = g_new0(const gchar *, n_outputs + 1);
    for (guint i = 0; i < n_outputs; i++)
        outputs[i] = convrnn_model_get_output(set->model, i)->name;
    convrnn_session_config_set_outputs(config, outputs);
    convrnn_session_config_set_threads(config, 1);
    for (guint i = 0; i < set->inputs->len; i++) {
        const char *name = convrnn_model_get_input(set->model, i)->name;
        ConvRnnTensor *tensor = set->inputs->pdata[i];
        guint n_dims;
        const gint64 *dims = convrnn_tensor_get_dims(tensor, &n_dims);
        if (binding == BIND_ALL || (binding == BIND_ALL_BUT_FIRST && i > 0) ||
            has_no_elements(tensor))
            convrnn_session_config_set_constant(config, name, tensor);
        else if (fits(convrnn_model_get_input(set->model, i), tensor))
            convrnn_session_config_set_input_shape(config, name, dims, n_dims);
    }
    ConvRnnSession *session = convrnn_session_new(set->model, config, error);
    g_free(outputs);
    convrnn_session_config_free(config);
    return session;
}

/* False when the session wants an input that the data set lacks, or of another type. */
static bool
fill_inputs(ConvRnnSession *session, const DataSet *set)
{
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_input(session, i);
        const ConvRnnTensor *tensor = NULL;
        for (guint k = 0; k < set->inputs->len; k++)
            if (strcmp(convrnn_model_get_input(set->model, k)->name, info->name) == 0)
                tensor = set->inputs->pdata[k];
        if (!tensor || convrnn_tensor_get_dtype(tensor) != info->dtype)
            return false;
        if (!fits(info, tensor))
            continue;
        memcpy(convrnn_session_get_input_data(session, i), convrnn_tensor_get_data(tensor),
               convrnn_tensor_get_n_elements(tensor) * convrnn_dtype_get_size(info->dtype));
    }
    return true;
}

static double
get_float(ConvRnnDType dtype, const void *data, size_t i)
{
    if (dtype == CONVRNN_DTYPE_FLOAT64)
        return ((const double *)data)[i];
    if (dtype == CONVRNN_DTYPE_FLOAT16)
        return cr_half_to_double(((const uint16_t *)data)[i]);
    return ((const float *)data)[i];
}

static bool
is_close(double a, double expected, double rtol, double atol)
{
    return a == expected || (isnan(a) && isnan(expected)) ||
           fabs(a - expected) <= atol + rtol * fabs(expected);
}

static CaseResult
compare_floats(const ConvRnnTensorInfo *info, const void *data, const ConvRnnTensor *expected)
{
    const void *reference = convrnn_tensor_get_data(expected);
    bool strict = true;
    for (size_t i = 0; i < convrnn_tensor_get_n_elements(expected); i++) {
        double a = get_float(info->dtype, data, i), b = get_float(info->dtype, reference, i);
        if (!is_close(a, b, ONNX_RTOL, ONNX_ATOL))
            return result(CASE_DIFFERS,
                          "output \"%s\", element %" G_GSIZE_FORMAT ": expected %.9g, found %.9g",
                          info->name, i, b, a);
        strict = strict && is_close(a, b, STRICT_RTOL, STRICT_ATOL);
    }
    return result(strict ? CASE_PASSED_STRICT : CASE_PASSED, " ");
}

static CaseResult
compare_output(const ConvRnnTensorInfo *info, const void *data, const ConvRnnTensor *expected)
{
    guint n_dims;
    const gint64 *dims = convrnn_tensor_get_dims(expected, &n_dims);
    ConvRnnDType dtype = convrnn_tensor_get_dtype(expected);
    if (dtype != info->dtype)
        return result(CASE_DIFFERS, "output \"%s\": expected %s, found %s", info->name,
                      convrnn_dtype_get_name(dtype), convrnn_dtype_get_name(info->dtype));
    if (n_dims != info->n_dims || (n_dims && memcmp(dims, info->dims, n_dims * sizeof *dims) != 0))
        return result(CASE_DIFFERS, "output \"%s\" has the wrong shape", info->name);
    if (dtype == CONVRNN_DTYPE_FLOAT32 || dtype == CONVRNN_DTYPE_FLOAT64 ||
        dtype == CONVRNN_DTYPE_FLOAT16)
        return compare_floats(info, data, expected);
    size_t size = convrnn_tensor_get_n_elements(expected) * convrnn_dtype_get_size(dtype);
    if (size > 0 && memcmp(data, convrnn_tensor_get_data(expected), size) != 0)
        return result(CASE_DIFFERS, "output \"%s\" has other elements", info->name);
    return result(CASE_PASSED_STRICT, " ");
}

/* Two steps, and the outputs of the second. */
static CaseResult
run_session(ConvRnnSession *session, const DataSet *set)
{
    if (!fill_inputs(session, set))
        return result(CASE_DIFFERS, "the session's inputs are not those of the data set");
    if (convrnn_session_get_n_outputs(session) < set->expected->len)
        return result(CASE_DIFFERS, "the session has too few outputs");
    convrnn_session_step(session);
    convrnn_session_step(session);
    CaseResult worst = result(CASE_PASSED_STRICT, " ");
    for (guint i = 0; i < set->expected->len; i++) {
        CaseResult r =
            compare_output(convrnn_session_get_output(session, i),
                           convrnn_session_get_output_data(session, i), set->expected->pdata[i]);
        if (r.outcome == CASE_DIFFERS)
            return r;
        if (r.outcome == CASE_PASSED)
            worst = r;
    }
    return worst;
}

/* Binds as few inputs as constants as the operator lets us. */
static CaseResult
run_data_set(const DataSet *set)
{
    GError *error = NULL;
    ConvRnnSession *session = NULL;
    if (set->inputs->len > convrnn_model_get_n_inputs(set->model))
        return result(CASE_DIFFERS, "the model has fewer inputs than the data set");
    for (Binding binding = BIND_NONE; !session && binding <= BIND_ALL; binding++) {
        if (error && !g_error_matches(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED))
            break;
        g_clear_error(&error);
        session = make_session(set, binding, &error);
    }
    if (!session)
        return refused(error);
    CaseResult r = run_session(session, set);
    convrnn_session_free(session);
    return r;
}

static CaseResult
read_and_run(ConvRnnModel *model, const CaseModel *declared, const char *folder)
{
    DataSet set = {.model = model};
    set.inputs = g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref);
    set.expected = g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref);
    CaseResult r;
    if (read_tensors(folder, "input", declared->inputs, set.inputs) &&
        read_tensors(folder, "output", declared->outputs, set.expected))
        r = run_data_set(&set);
    else
        r = result(CASE_NO_DATA, "%s has something else than tensors of plain types", folder);
    g_ptr_array_unref(set.inputs);
    g_ptr_array_unref(set.expected);
    return r;
}

static bool
read_declared(const char *path, CaseModel *declared)
{
    char *data;
    gsize size;
    bool ok = g_file_get_contents(path, &data, &size, NULL);
    if (!ok)
        return false;
    ok = case_model_read(declared, (const guint8 *)data, size);
    g_free(data);
    return ok;
}

CaseResult
case_run(const char *folder)
{
    GError *error = NULL;
    char *path = g_build_filename(folder, "model.onnx", NULL);
    ConvRnnModel *model = convrnn_model_load(path, &error);
    CaseModel declared;
    bool known = model && read_declared(path, &declared);
    g_free(path);
    if (!model)
        return refused(error);
    if (!known) {
        convrnn_model_unref(model);
        return result(CASE_NO_DATA, "the model cannot be read again");
    }
    CaseResult worst = result(CASE_NO_DATA, "no data set");
    for (int i = 0;; i++) {
        char *set = g_strdup_printf("%s/test_data_set_%d", folder, i);
        bool there = g_file_test(set, G_FILE_TEST_IS_DIR);
        CaseResult r = there ? read_and_run(model, &declared, set) : worst;
        g_free(set);
        if (!there)
            break;
        if (i == 0 || r.outcome > worst.outcome)
            worst = r;
    }
    case_model_clear(&declared);
    convrnn_model_unref(model);
    return worst;
}

CaseResult
case_run_apart(const char *folder)
{
    int ends[2], status = 0;
    CaseResult r = {0};
    if (pipe(ends) != 0)
        return result(CASE_CRASHED, "pipe() failed");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(TIMEOUT_SECONDS);
        r = case_run(folder);
        /* Ends by exit(), so that sanitizers look for leaks. */
        exit(write(ends[1], &r, sizeof r) == sizeof r ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], &r, sizeof r);
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return result(CASE_CRASHED, "no process could be started");
    if (n == sizeof r && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return r;
    if (WIFSIGNALED(status))
        return result(CASE_CRASHED, "ended by signal %d", WTERMSIG(status));
    return result(CASE_CRASHED, "exit code %d", WEXITSTATUS(status));
}
