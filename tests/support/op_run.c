/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "support/op_run.h"
#include "core/cpu.h"
#include "kernels/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_IO  16
#define GUARD   64
#define PATTERN 0xa5

struct OpRun {
    const CrOp *op;
    CrNode node;
    CrDesc in[MAX_IO], out[MAX_IO];
    ConvRnnTensor *tensors[MAX_IO], *value[MAX_IO], *results[MAX_IO];
    CrOpSetup setup;
    CrStep step;
};

/* --- tensors from text --- */

static const struct {
    const char *name;
    ConvRnnDType dtype;
} type_names[] = {
    {"f32", CONVRNN_DTYPE_FLOAT32}, {"f64", CONVRNN_DTYPE_FLOAT64}, {"i8", CONVRNN_DTYPE_INT8},
    {"i16", CONVRNN_DTYPE_INT16},   {"i32", CONVRNN_DTYPE_INT32},   {"i64", CONVRNN_DTYPE_INT64},
    {"u8", CONVRNN_DTYPE_UINT8},    {"u16", CONVRNN_DTYPE_UINT16},  {"u32", CONVRNN_DTYPE_UINT32},
    {"u64", CONVRNN_DTYPE_UINT64},  {"bool", CONVRNN_DTYPE_BOOL},   {"f16", CONVRNN_DTYPE_FLOAT16},
};

static ConvRnnDType
parse_type(const char **text)
{
    for (guint i = 0; i < G_N_ELEMENTS(type_names); i++) {
        size_t n = strlen(type_names[i].name);
        if (strncmp(*text, type_names[i].name, n) == 0 && (*text)[n] == '[') {
            *text += n + 1;
            return type_names[i].dtype;
        }
    }
    g_error("no element type at \"%s\"", *text);
}

static void
store(void *data, size_t i, ConvRnnDType dtype, const char *number)
{
    switch (dtype) {
    case CONVRNN_DTYPE_FLOAT32:
        ((float *)data)[i] = strtof(number, NULL);
        break;
    case CONVRNN_DTYPE_FLOAT64:
        ((double *)data)[i] = strtod(number, NULL);
        break;
    case CONVRNN_DTYPE_INT64:
    case CONVRNN_DTYPE_UINT64: {
        bool negative = number[0] == '-';
        ((uint64_t *)data)[i] =
            negative ? (uint64_t)strtoll(number, NULL, 0) : strtoull(number, NULL, 0);
        break;
    }
    case CONVRNN_DTYPE_INT32:
    case CONVRNN_DTYPE_UINT32:
        ((uint32_t *)data)[i] = (uint32_t)strtoll(number, NULL, 0);
        break;
    case CONVRNN_DTYPE_INT16:
    case CONVRNN_DTYPE_UINT16:
    case CONVRNN_DTYPE_FLOAT16:
        ((uint16_t *)data)[i] = (uint16_t)strtoll(number, NULL, 0);
        break;
    default:
        ((uint8_t *)data)[i] = (uint8_t)strtoll(number, NULL, 0);
    }
}

ConvRnnTensor *
op_tensor(const char *text)
{
    gint64 dims[CONVRNN_MAX_RANK];
    guint n_dims = 0, n;
    size_t elements = 1;
    char *end;
    ConvRnnDType dtype = parse_type(&text);

    for (; *text != ']'; text = *end == ',' ? end + 1 : end, n_dims++)
        elements *= (size_t)(dims[n_dims] = strtoll(text, &end, 10));

    g_autofree char *rest = g_strstrip(g_strdup(text + 1));
    g_auto(GStrv) numbers = g_strsplit(rest, " ", -1);
    n = g_strv_length(numbers);
    void *data = g_malloc(elements * convrnn_dtype_get_size(dtype) + !elements);
    for (size_t i = 0; i < elements; i++)
        store(data, i, dtype, n > 0 ? numbers[i % n] : "0");
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, elements * convrnn_dtype_get_size(dtype));
    g_autoptr(GError) error = NULL;
    ConvRnnTensor *tensor = convrnn_tensor_new(dtype, dims, n_dims, bytes, &error);
    g_assert_no_error(error);
    return tensor;
}

/* --- the operator --- */

static void
set_ints(CrNode *node, const char *name, const char *text)
{
    g_auto(GStrv) items = g_strsplit_set(text, "[],", -1);
    int64_t values[MAX_IO];
    int n = 0;

    for (char **item = items; *item; item++)
        if (**item)
            values[n++] = strtoll(*item, NULL, 10);
    cr_node_set_ints(node, name, values, n);
}

static void
set_attr(CrNode *node, const char *name, const char *text)
{
    if (*text == '[') {
        set_ints(node, name, text);
    } else if (*text == '{') {
        cr_node_set_int(node, name, 0);
        node->attrs[node->n_attrs - 1].type = CR_ATTR_TENSOR;
        node->attrs[node->n_attrs - 1].tensor = op_tensor(text + 1);
    } else if (!strchr("+-0123456789", *text)) {
        cr_node_set_string(node, name, text);
    } else if (strchr(text, '.')) {
        cr_node_set_float(node, name, strtof(text, NULL));
    } else {
        cr_node_set_int(node, name, strtoll(text, NULL, 10));
    }
}

static void
check_attr(const CrOp *op, const CrAttr *attr)
{
    for (const CrAttrSpec *spec = op->attrs; spec->name; spec++)
        if (strcmp(spec->name, attr->name) == 0 && spec->type == attr->type)
            return;
    g_error("%s has no attribute %s of that type", op->name, attr->name);
}

OpRun *
op_run_new(const char *op, const char *attrs, int n_out)
{
    OpRun *run = g_new0(OpRun, 1);
    char *text = g_strdup(attrs);

    run->op = cr_op_find("", op);
    if (!run->op)
        g_error("there is no operator %s", op);
    cr_node_init(&run->node, op, "", "tested", 0, n_out);
    for (int i = 0; i < n_out; i++)
        run->node.outputs[i] = i;
    for (char *at = text + strspn(text, " "); *at; at += strspn(at, " ")) {
        char *value = strchr(at, '='), *end;
        *value++ = '\0';
        end = *value == '{' ? strchr(value, '}') : value + strcspn(value, " ");
        if (*end)
            *end++ = '\0';
        set_attr(&run->node, at, value);
        check_attr(run->op, &run->node.attrs[run->node.n_attrs - 1]);
        at = end;
    }
    g_free(text);
    run->setup = (CrOpSetup){.node = &run->node,
                             .n_out = n_out,
                             .in = run->in,
                             .out = run->out,
                             .value = run->value,
                             .kernels = cr_kernels_get(cr_cpu_level(), CR_FLOAT32),
                             .region = cr_region_new()};
    return run;
}

void
op_run_free(OpRun *run)
{
    for (int i = 0; i < MAX_IO; i++) {
        convrnn_tensor_unref(run->tensors[i]);
        convrnn_tensor_unref(run->results[i]);
    }
    cr_region_free(run->setup.region);
    cr_node_clear(&run->node);
    g_free(run);
}

void
op_run_input(OpRun *run, ConvRnnTensor *tensor, bool known)
{
    int i = run->setup.n_in++;

    g_assert_cmpint(i, <, MAX_IO);
    run->node.n_inputs = i + 1;
    run->node.inputs = g_renew(int, run->node.inputs, i + 1);
    run->node.inputs[i] = tensor ? i : CR_NO_VALUE;
    run->tensors[i] = tensor;
    if (!tensor)
        return;
    run->in[i] = (CrDesc){.dtype = tensor->dtype, .n_dims = tensor->n_dims};
    memcpy(run->in[i].dims, tensor->dims, sizeof(tensor->dims));
    if (known)
        run->value[i] = tensor;
}

void
op_run_inputs(OpRun *run, const char *text)
{
    g_auto(GStrv) items = g_strsplit(text, ";", -1);

    for (char **item = items; *item; item++) {
        const char *one = g_strstrip(*item);
        if (strcmp(one, "-") == 0)
            op_run_input(run, NULL, false);
        else if (*one)
            op_run_input(run, op_tensor(one + (*one == '~')), *one != '~');
    }
}

CrOpSetup *
op_run_setup(OpRun *run)
{
    return &run->setup;
}

static void
check_guard(const unsigned char *guard)
{
    for (int i = 0; i < GUARD; i++)
        if (guard[i] != PATTERN)
            g_error("something was written %d bytes beside an output", i);
}

/* Runs all tiles, the last one first when `backward`, into outputs of their own. */
static void
run_tiles(OpRun *run, bool backward, GBytes **bytes)
{
    void *io[2 * MAX_IO] = {0};
    unsigned char *memory[MAX_IO];
    void *scratch = cr_mem_alloc(run->step.scratch, 1, "scratch", NULL);
    int n_in = run->setup.n_in, n_out = run->setup.n_out;

    for (int i = 0; i < n_in; i++)
        io[i] = run->tensors[i] ? (void *)run->tensors[i]->data : NULL;
    for (int i = 0; i < n_out; i++) {
        size_t size = cr_desc_bytes(&run->out[i]);
        memory[i] = cr_mem_alloc(size + 2 * GUARD, 1, "output", NULL);
        memset(memory[i], PATTERN, size + 2 * GUARD);
        io[n_in + i] = memory[i] + GUARD;
    }
    for (int i = 0; i < run->step.n_tiles; i++)
        run->step.run(&run->step, io, backward ? run->step.n_tiles - 1 - i : i, scratch);
    for (int i = 0; i < n_out; i++) {
        size_t size = cr_desc_bytes(&run->out[i]);
        check_guard(memory[i]);
        check_guard(memory[i] + GUARD + size);
        bytes[i] = g_bytes_new(memory[i] + GUARD, size);
        cr_mem_free(memory[i]);
    }
    cr_mem_free(scratch);
}

bool
op_run(OpRun *run, GError **error)
{
    GBytes *forward[MAX_IO] = {0}, *backward[MAX_IO] = {0};

    g_assert_cmpint(run->setup.n_in, >=, run->op->min_in);
    g_assert_true(run->op->max_in < 0 || run->setup.n_in <= run->op->max_in);
    if (!run->op->infer(&run->setup, error))
        return false;
    run->step = (CrStep){.n_in = run->setup.n_in, .n_out = run->setup.n_out};
    if (run->op->flags & CR_OP_ALIAS) {
        forward[0] = g_bytes_ref(run->tensors[0]->bytes);
        backward[0] = g_bytes_ref(run->tensors[0]->bytes);
        g_assert_cmpuint(g_bytes_get_size(forward[0]), ==, cr_desc_bytes(&run->out[0]));
    } else {
        if (!run->op->prepare(&run->setup, &run->step, error))
            return false;
        g_assert_nonnull(run->step.kernel);
        run_tiles(run, false, forward);
        run_tiles(run, true, backward);
    }
    for (int i = 0; i < run->setup.n_out; i++) {
        const CrDesc *d = &run->out[i];
        g_assert_true(g_bytes_equal(forward[i], backward[i]));
        run->results[i] = convrnn_tensor_new(d->dtype, (const gint64 *)d->dims, (guint)d->n_dims,
                                             forward[i], NULL);
        g_bytes_unref(forward[i]);
        g_bytes_unref(backward[i]);
    }
    return true;
}

const ConvRnnTensor *
op_run_output(const OpRun *run, int i)
{
    return run->results[i];
}

const CrStep *
op_run_step(const OpRun *run)
{
    return &run->step;
}

/* --- comparing --- */

static double
element(const ConvRnnTensor *tensor, size_t i)
{
    if (tensor->dtype == CONVRNN_DTYPE_FLOAT32)
        return (double)((const float *)tensor->data)[i];
    return ((const double *)tensor->data)[i];
}

static bool
close_to(double found, double wanted, double relative)
{
    if (isnan(wanted) || isinf(wanted))
        return isnan(wanted) ? isnan(found) : found == wanted;
    return fabs(found - wanted) <= 1e-6 + relative * fabs(wanted);
}

void
op_tensor_assert_equal(const ConvRnnTensor *found, const ConvRnnTensor *wanted, double relative)
{
    size_t size = convrnn_dtype_get_size(wanted->dtype);

    g_assert_cmpstr(convrnn_dtype_get_name(found->dtype), ==,
                    convrnn_dtype_get_name(wanted->dtype));
    g_assert_cmpint(found->n_dims, ==, wanted->n_dims);
    for (int i = 0; i < wanted->n_dims; i++)
        g_assert_cmpint(found->dims[i], ==, wanted->dims[i]);
    if (wanted->dtype != CONVRNN_DTYPE_FLOAT32 && wanted->dtype != CONVRNN_DTYPE_FLOAT64) {
        g_assert_cmpmem(found->data, found->n_elements * size, wanted->data,
                        wanted->n_elements * size);
        return;
    }
    for (size_t i = 0; i < wanted->n_elements; i++)
        if (!close_to(element(found, i), element(wanted, i), relative))
            g_error("element %zu is %.9g, wanted %.9g", i, element(found, i), element(wanted, i));
}

static void
check(const char *op, const char *attrs, const char *inputs, const char *wanted, bool exact)
{
    g_auto(GStrv) outputs = g_strsplit(wanted, ";", -1);
    OpRun *run = op_run_new(op, attrs, (int)g_strv_length(outputs));
    GError *error = NULL;

    op_run_inputs(run, inputs);
    run->setup.exact = exact;
    op_run(run, &error);
    g_assert_no_error(error);
    for (int i = 0; outputs[i]; i++) {
        ConvRnnTensor *tensor = op_tensor(g_strstrip(outputs[i]));
        op_tensor_assert_equal(op_run_output(run, i), tensor, 1e-6);
        convrnn_tensor_unref(tensor);
    }
    op_run_free(run);
}

void
op_check(const char *op, const char *attrs, const char *inputs, const char *wanted)
{
    g_test_message("%s %s: %s", op, attrs, inputs);
    check(op, attrs, inputs, wanted, false);
    check(op, attrs, inputs, wanted, true);
}

void
op_check_types(const char *op, const char *attrs, const char *inputs, const char *wanted,
               const char *types)
{
    char **names = g_strsplit(types, " ", -1);

    for (char **name = names; *name; name++) {
        GString *in = g_string_new(inputs), *out = g_string_new(wanted);
        g_string_replace(in, "T", *name, 0);
        g_string_replace(out, "T", *name, 0);
        op_check(op, attrs, in->str, out->str);
        g_string_free(in, TRUE);
        g_string_free(out, TRUE);
    }
    g_strfreev(names);
}

void
op_check_error(const char *op, const char *attrs, const char *inputs, ConvRnnError code,
               const char *part)
{
    OpRun *run = op_run_new(op, attrs, 1);
    GError *error = NULL;

    g_test_message("%s %s: %s", op, attrs, inputs);
    op_run_inputs(run, inputs);
    g_assert_false(op_run(run, &error));
    g_assert_error(error, CONVRNN_ERROR, (gint)code);
    if (!strstr(error->message, part) || !strstr(error->message, op) ||
        !strstr(error->message, "tested"))
        g_error("the message \"%s\" does not name operator, node and \"%s\"", error->message, part);
    g_clear_error(&error);
    op_run_free(run);
}
