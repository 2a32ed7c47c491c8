/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One session in double precision is the reference. It makes readable what enters and leaves each
 * layer; a model of that layer alone, in each precision, then gets the same inputs. */
#include "tools/accuracy.h"
#include "tools/json_writer.h"
#include "tools/noise.h"

#include <convrnn/builder.h>
#include <convrnn/cpu.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_PRECISIONS 3

/* Of one tensor over some steps. */
typedef struct {
    double largest, rms; /* rms of the worst step */
    double low, high;    /* of the reference */
} Error;

typedef struct {
    const char *name, *op;
    guint node;
    Error error[MAX_PRECISIONS];
    char *kernel[MAX_PRECISIONS];
} Layer;

typedef struct {
    const char *name;
    bool is_state;
    Error error[MAX_PRECISIONS];
} Result;

typedef struct {
    ConvRnnModel *model;
    const CrBindingOptions *options;
    guint threads;
    int steps;
    int n_precisions;
    ConvRnnPrecision precision[MAX_PRECISIONS];
    ConvRnnSession *exact;
    GHashTable *outputs; /* name → its number among exact's outputs, + 1 */
    GArray *layers;      /* Layer */
    GArray *results;     /* Result */
} Report;

static gsize
count_elements(const ConvRnnTensorInfo *info)
{
    gsize n = 1;
    for (guint d = 0; d < info->n_dims; d++)
        n *= (gsize)info->dims[d];
    return n;
}

/* --- errors --- */

static void
error_add(Error *error, const float *found, const float *exact, gsize n)
{
    double squares = 0;
    for (gsize i = 0; i < n; i++) {
        double apart = fabs((double)found[i] - (double)exact[i]);
        error->largest = MAX(error->largest, apart);
        squares += apart * apart;
        error->low = MIN(error->low, (double)exact[i]);
        error->high = MAX(error->high, (double)exact[i]);
    }
    error->rms = MAX(error->rms, n ? sqrt(squares / (double)n) : 0);
}

/* What errors are relative to. A tensor that never changes has the range of its size. */
static double
range(const Error *error)
{
    double span = error->high - error->low;
    if (!(span > 0))
        span = fabs(error->high);
    return span > 0 && isfinite(span) ? span : 1;
}

static double
largest(const Error *error)
{
    return error->largest / range(error);
}

static const Error no_error = {.low = INFINITY, .high = -INFINITY};

static double
worst(const Layer *layer)
{
    double most = 0;
    for (int p = 0; p < MAX_PRECISIONS; p++)
        most = MAX(most, largest(&layer->error[p]));
    return most;
}

static int
compare_layers(const void *a, const void *b)
{
    double x = worst(a), y = worst(b);
    return (x < y) - (x > y);
}

/* --- sessions --- */

static ConvRnnSession *
make_session(const Report *report, ConvRnnPrecision precision, const GPtrArray *outputs,
             GError **error)
{
    ConvRnnSessionConfig *config = convrnn_session_config_new();
    ConvRnnSession *session = NULL;
    convrnn_session_config_set_threads(config, report->threads);
    if (cr_binding_apply(report->options, config, report->model, error)) {
        convrnn_session_config_set_precision(config, precision);
        convrnn_session_config_set_outputs(config, (const gchar *const *)outputs->pdata);
        session = convrnn_session_new(report->model, config, error);
    }
    convrnn_session_config_free(config);
    return session;
}

/* Those that this processor has: without it, a precision would be float32 under another name. */
static bool
choose_precisions(Report *report, GError **error)
{
    ConvRnnSessionStats stats;
    GPtrArray *outputs = g_ptr_array_new();
    g_ptr_array_add(outputs, (gpointer)convrnn_model_get_output(report->model, 0)->name);
    g_ptr_array_add(outputs, NULL);
    ConvRnnSession *best = make_session(report, CONVRNN_PRECISION_AUTO, outputs, error);
    g_ptr_array_unref(outputs);
    if (!best)
        return false;
    convrnn_session_get_stats(best, &stats);
    convrnn_session_free(best);
    bool all = stats.precision == CONVRNN_PRECISION_BF16X3;
    if (!report->options->precision) {
        for (int p = CONVRNN_PRECISION_FP32; p <= (all ? CONVRNN_PRECISION_BF16 : 0); p++)
            report->precision[report->n_precisions++] = (ConvRnnPrecision)p;
        return true;
    }
    ConvRnnPrecision *wanted = &report->precision[report->n_precisions++];
    if (!cr_binding_parse_precision(report->options->precision, wanted, error))
        return false;
    if (*wanted == CONVRNN_PRECISION_AUTO)
        *wanted = stats.precision;
    if (*wanted == CONVRNN_PRECISION_FP32 || *wanted == CONVRNN_PRECISION_INT8 ||
        (all && *wanted != CONVRNN_PRECISION_DOUBLE))
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_CPU,
                "--accuracy --precision %s: expected fp32%s", report->options->precision,
                all ? ", bf16x3, bf16 or int8"
                    : " or int8; bf16x3 and bf16 need a processor with AMX");
    return false;
}

/* --- layers --- */

static bool
is_layer(const char *op)
{
    static const char *const ops[] = {"Conv", "ConvTranspose", "Gemm", "MatMul",
                                      "GRU",  "LSTM",          "RNN"};
    for (guint i = 0; i < G_N_ELEMENTS(ops); i++)
        if (strcmp(op, ops[i]) == 0)
            return true;
    return false;
}

/* The layers, and in `moving` the names of all tensors that inputs of the model have a part in. */
static void
find_layers(Report *report, GHashTable *moving)
{
    const ConvRnnModel *model = report->model;
    for (guint i = 0; i < convrnn_model_get_n_inputs(model); i++)
        g_hash_table_add(moving, (gpointer)convrnn_model_get_input(model, i)->name);
    for (guint i = 0; i < convrnn_model_get_n_nodes(model); i++) {
        Layer layer = {.node = i};
        guint n_in, n_out;
        bool moves = false;
        layer.name = convrnn_model_get_node(model, i, &layer.op, &n_in, &n_out);
        for (guint k = 0; k < n_in; k++) {
            const char *name = convrnn_model_get_node_input(model, i, k, NULL);
            moves = moves || (name && g_hash_table_contains(moving, name));
        }
        for (guint k = 0; moves && k < n_out; k++) {
            const char *name = convrnn_model_get_node_output(model, i, k);
            if (name)
                g_hash_table_add(moving, (gpointer)name);
        }
        for (int p = 0; p < MAX_PRECISIONS; p++)
            layer.error[p] = no_error;
        if (moves && is_layer(layer.op))
            g_array_append_val(report->layers, layer);
    }
}

/* A layer cut out: names of what enters it and leaves it. */
typedef struct {
    GPtrArray *inputs, *outputs;
} Ports;

static void
add_once(GPtrArray *names, const char *name)
{
    if (name && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, (gpointer)name);
}

static Ports
layer_ports(const Report *report, const Layer *layer, GHashTable *moving)
{
    Ports ports = {g_ptr_array_new(), g_ptr_array_new()};
    guint n_in, n_out;
    convrnn_model_get_node(report->model, layer->node, NULL, &n_in, &n_out);
    for (guint k = 0; k < n_in; k++) {
        const char *name = convrnn_model_get_node_input(report->model, layer->node, k, NULL);
        if (name && g_hash_table_contains(moving, name))
            add_once(ports.inputs, name);
    }
    for (guint k = 0; k < n_out; k++)
        add_once(ports.outputs, convrnn_model_get_node_output(report->model, layer->node, k));
    return ports;
}

static void
ports_clear(Ports *ports)
{
    g_ptr_array_unref(ports->inputs);
    g_ptr_array_unref(ports->outputs);
}

/* A tensor of the reference. */
static const ConvRnnTensorInfo *
exact_tensor(const Report *report, const char *name, gconstpointer *data)
{
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(report->outputs, name)) - 1;
    *data = convrnn_session_get_output_data(report->exact, index);
    return convrnn_session_get_output(report->exact, index);
}

/* The model of one layer. Its inputs and outputs are those of ports, in order. */
static ConvRnnModel *
cut_layer(const Report *report, const Layer *layer, const Ports *ports, GError **error)
{
    ConvRnnBuilder *builder = convrnn_builder_new();
    guint n_in = ports->inputs->len, n_out = ports->outputs->len;
    guint *values = g_new0(guint, n_in + n_out + 1), *results = values + n_in;
    for (guint i = 0; i < n_in; i++) {
        gconstpointer data;
        const ConvRnnTensorInfo *info = exact_tensor(report, ports->inputs->pdata[i], &data);
        char *name = g_strdup_printf("what enters the layer, %u", i);
        values[i] = convrnn_builder_input(builder, name, info->dtype, info->dims, info->n_dims);
        g_free(name);
    }
    convrnn_builder_model(builder, report->model, (const gchar *const *)ports->inputs->pdata,
                          values, n_in, (const gchar *const *)ports->outputs->pdata, n_out,
                          results);
    for (guint i = 0; i < n_out; i++) {
        char *name = g_strdup_printf("what leaves the layer, %u", i);
        convrnn_builder_output(builder, name, results[i]);
        g_free(name);
    }
    ConvRnnModel *model = convrnn_builder_build(builder, layer->name, error);
    convrnn_builder_unref(builder);
    g_free(values);
    return model;
}

/* The kernel of the node that does most of the work. */
static char *
find_kernel(const ConvRnnSession *session)
{
    ConvRnnNodeStats best = {0};
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats node;
        convrnn_session_get_node(session, i, &node);
        if (i == 0 || node.macs > best.macs)
            best = node;
    }
    return g_strdup(best.kernel);
}

static bool
measure_layer(const Report *report, Layer *layer, const Ports *ports, GError **error)
{
    ConvRnnModel *model = cut_layer(report, layer, ports, error);
    bool good = model != NULL;
    for (int p = 0; good && p < report->n_precisions; p++) {
        ConvRnnSessionConfig *config = convrnn_session_config_new();
        convrnn_session_config_set_precision(config, report->precision[p]);
        convrnn_session_config_set_threads(config, report->threads);
        ConvRnnSession *session = convrnn_session_new(model, config, error);
        convrnn_session_config_free(config);
        good = session != NULL;
        if (!good)
            break;
        for (guint i = 0; i < ports->inputs->len; i++) {
            gconstpointer data;
            const ConvRnnTensorInfo *info = exact_tensor(report, ports->inputs->pdata[i], &data);
            memcpy(convrnn_session_get_input_data(session, i), data,
                   count_elements(info) * convrnn_dtype_get_size(info->dtype));
        }
        convrnn_session_step(session);
        for (guint i = 0; i < ports->outputs->len; i++) {
            gconstpointer exact;
            const ConvRnnTensorInfo *info = exact_tensor(report, ports->outputs->pdata[i], &exact);
            error_add(&layer->error[p], convrnn_session_get_output_data(session, i), exact,
                      count_elements(info));
        }
        layer->kernel[p] = find_kernel(session);
        convrnn_session_free(session);
    }
    convrnn_model_unref(model);
    return good;
}

/* --- steps --- */

static bool
step_all(const Report *report, ConvRnnSession *const *sessions, int step, GError **error)
{
    for (int p = -1; p < report->n_precisions; p++) {
        ConvRnnSession *session = p < 0 ? report->exact : sessions[p];
        cr_noise_fill(session, (guint32)step + 1);
        if (convrnn_session_step(session) & CONVRNN_STEP_STATE_RESET) {
            g_set_error(
                error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                "step %d: a state held a NaN or an infinity in %s and was reset", step,
                cr_binding_precision_name(p < 0 ? CONVRNN_PRECISION_DOUBLE : report->precision[p]));
            return false;
        }
    }
    for (guint i = 0; i < report->results->len; i++) {
        Result *result = &g_array_index(report->results, Result, i);
        const ConvRnnTensorInfo *info = convrnn_session_get_output(report->exact, i);
        for (int p = 0; info->dtype == CONVRNN_DTYPE_FLOAT32 && p < report->n_precisions; p++)
            error_add(&result->error[p], convrnn_session_get_output_data(sessions[p], i),
                      convrnn_session_get_output_data(report->exact, i), count_elements(info));
    }
    return true;
}

static void
list_results(Report *report)
{
    for (guint i = 0; i < convrnn_model_get_n_outputs(report->model); i++) {
        Result result = {.name = convrnn_session_get_output(report->exact, i)->name,
                         .error = {no_error, no_error, no_error}};
        for (guint k = 0; k < convrnn_session_get_n_states(report->exact); k++) {
            const gchar *output;
            convrnn_session_get_state(report->exact, k, &output, NULL);
            result.is_state = result.is_state || g_strcmp0(output, result.name) == 0;
        }
        g_array_append_val(report->results, result);
    }
}

static bool
measure_steps(Report *report, GError **error)
{
    ConvRnnSession *sessions[MAX_PRECISIONS] = {NULL};
    GPtrArray *names = g_ptr_array_new();
    bool good = true;
    list_results(report);
    for (guint i = 0; i < report->results->len; i++)
        g_ptr_array_add(names, (gpointer)g_array_index(report->results, Result, i).name);
    g_ptr_array_add(names, NULL);
    for (int p = 0; good && p < report->n_precisions; p++) {
        sessions[p] = make_session(report, report->precision[p], names, error);
        good = sessions[p] != NULL;
    }
    for (int step = 0; good && step < report->steps; step++)
        good = step_all(report, sessions, step, error);
    for (int p = 0; p < report->n_precisions; p++)
        convrnn_session_free(sessions[p]);
    g_ptr_array_unref(names);
    return good;
}

/* The reference, with the model's outputs first and then what enters and leaves the layers. */
static bool
open_reference(Report *report, const Ports *ports, GError **error)
{
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < convrnn_model_get_n_outputs(report->model); i++)
        g_ptr_array_add(names, (gpointer)convrnn_model_get_output(report->model, i)->name);
    for (guint i = 0; i < report->layers->len; i++) {
        g_ptr_array_extend(names, ports[i].inputs, NULL, NULL);
        g_ptr_array_extend(names, ports[i].outputs, NULL, NULL);
    }
    g_ptr_array_add(names, NULL);
    report->exact = make_session(report, CONVRNN_PRECISION_DOUBLE, names, error);
    g_ptr_array_unref(names);
    for (guint i = 0; report->exact && i < convrnn_session_get_n_outputs(report->exact); i++)
        g_hash_table_insert(report->outputs,
                            (gpointer)convrnn_session_get_output(report->exact, i)->name,
                            GUINT_TO_POINTER(i + 1));
    return report->exact != NULL;
}

static bool
measure(Report *report, GError **error)
{
    GHashTable *moving = g_hash_table_new(g_str_hash, g_str_equal);
    find_layers(report, moving);
    guint n = report->layers->len;
    Ports *ports = g_new0(Ports, n + 1);
    for (guint i = 0; i < n; i++)
        ports[i] = layer_ports(report, &g_array_index(report->layers, Layer, i), moving);
    bool good = open_reference(report, ports, error) && measure_steps(report, error);
    for (guint i = 0; good && i < n; i++)
        good = measure_layer(report, &g_array_index(report->layers, Layer, i), &ports[i], error);
    for (guint i = 0; i < n; i++)
        ports_clear(&ports[i]);
    g_free(ports);
    g_hash_table_unref(moving);
    g_array_sort(report->layers, compare_layers);
    return good;
}

/* --- printing --- */

static void
print_errors(const Report *report, const Error *errors, char *const *kernels)
{
    for (int p = 0; p < report->n_precisions; p++)
        printf("%s %s %.1e, rms %.1e%s%s%s", p ? ";" : ":",
               cr_binding_precision_name(report->precision[p]), largest(&errors[p]),
               errors[p].rms / range(&errors[p]), kernels ? " [" : "", kernels ? kernels[p] : "",
               kernels ? "]" : "");
    printf("\n");
}

static void
print_text(const Report *report)
{
    printf("errors relative to the range of the tensor in double precision; kernels: %s\n",
           convrnn_cpu_get_level());
    printf("%d steps of noise, each precision with its own state; largest, and rms of the worst "
           "step:\n",
           report->steps);
    for (guint i = 0; i < report->results->len; i++) {
        const Result *result = &g_array_index(report->results, Result, i);
        printf("  %s %s", result->is_state ? "state" : "output", result->name);
        print_errors(report, result->error, NULL);
    }
    printf("%u layers, each by itself with what enters it in the last step, the worst first:\n",
           report->layers->len);
    for (guint i = 0; i < report->layers->len; i++) {
        const Layer *layer = &g_array_index(report->layers, Layer, i);
        printf("  %s %s", layer->op, layer->name);
        print_errors(report, layer->error, layer->kernel);
    }
}

static void
write_errors(CrJsonWriter *writer, const Report *report, const Error *errors, char *const *kernels)
{
    cr_json_write_key(writer, "errors");
    cr_json_begin(writer, '{');
    for (int p = 0; p < report->n_precisions; p++) {
        cr_json_write_key(writer, cr_binding_precision_name(report->precision[p]));
        cr_json_begin(writer, '{');
        cr_json_write_key(writer, "largest");
        cr_json_write_double(writer, largest(&errors[p]));
        cr_json_write_key(writer, "rms");
        cr_json_write_double(writer, errors[p].rms / range(&errors[p]));
        if (kernels) {
            cr_json_write_key(writer, "kernel");
            cr_json_write_string(writer, kernels[p]);
        }
        cr_json_end(writer, '}');
    }
    cr_json_end(writer, '}');
    cr_json_end(writer, '}');
}

/* Begins an object, which write_errors() ends. */
static void
write_names(CrJsonWriter *writer, const char *name, const char *key, const char *kind)
{
    cr_json_begin(writer, '{');
    cr_json_write_key(writer, "name");
    cr_json_write_string(writer, name);
    cr_json_write_key(writer, key);
    cr_json_write_string(writer, kind);
}

static void
print_json(const Report *report)
{
    CrJsonWriter writer;
    cr_json_writer_init(&writer);
    cr_json_begin(&writer, '{');
    cr_json_write_key(&writer, "model");
    cr_json_write_string(&writer, convrnn_model_get_name(report->model));
    cr_json_write_key(&writer, "kernels");
    cr_json_write_string(&writer, convrnn_cpu_get_level());
    cr_json_write_key(&writer, "steps");
    cr_json_write_uint(&writer, (uint64_t)report->steps);
    cr_json_write_key(&writer, "results");
    cr_json_begin(&writer, '[');
    for (guint i = 0; i < report->results->len; i++) {
        const Result *result = &g_array_index(report->results, Result, i);
        write_names(&writer, result->name, "kind", result->is_state ? "state" : "output");
        write_errors(&writer, report, result->error, NULL);
    }
    cr_json_end(&writer, ']');
    cr_json_write_key(&writer, "layers");
    cr_json_begin(&writer, '[');
    for (guint i = 0; i < report->layers->len; i++) {
        const Layer *layer = &g_array_index(report->layers, Layer, i);
        write_names(&writer, layer->name, "op", layer->op);
        write_errors(&writer, report, layer->error, layer->kernel);
    }
    cr_json_end(&writer, ']');
    cr_json_end(&writer, '}');
    char *text = cr_json_writer_finish(&writer);
    fputs(text, stdout);
    g_free(text);
}

static void
layer_clear(gpointer data)
{
    Layer *layer = data;
    for (int p = 0; p < MAX_PRECISIONS; p++)
        g_free(layer->kernel[p]);
}

bool
cr_accuracy_report(const char *path, const CrBindingOptions *options, int threads, int steps,
                   bool json, GError **error)
{
    Report report = {.options = options, .threads = (guint)threads, .steps = steps};
    report.model = convrnn_model_load(path, error);
    if (!report.model)
        return false;
    report.outputs = g_hash_table_new(g_str_hash, g_str_equal);
    report.layers = g_array_new(FALSE, FALSE, sizeof(Layer));
    report.results = g_array_new(FALSE, FALSE, sizeof(Result));
    g_array_set_clear_func(report.layers, layer_clear);
    bool good = choose_precisions(&report, error) && measure(&report, error);
    if (good)
        (json ? print_json : print_text)(&report);
    convrnn_session_free(report.exact);
    g_array_unref(report.layers);
    g_array_unref(report.results);
    g_hash_table_unref(report.outputs);
    convrnn_model_unref(report.model);
    return good;
}
