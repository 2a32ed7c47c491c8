/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/spec.h"
#include "tools/json.h"

#include <string.h>

static bool fail(const CrSpec *spec, const CrJson *at, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static bool
fail(const CrSpec *spec, const CrJson *at, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "%s:%d:%d: %s", spec->path, at->line,
                at->column, what);
    g_free(what);
    return false;
}

/* The member key of object, of that type. *out is NULL when it is absent, which is an error only
 * when it is required. */
static bool
get_member(const CrSpec *spec, const CrJson *object, const char *key, CrJsonType type,
           bool required, const CrJson **out, GError **error)
{
    *out = cr_json_get(object, key);
    if (!*out)
        return !required || fail(spec, object, error, "\"%s\" is missing", key);
    if ((*out)->type == type)
        return true;
    return fail(spec, *out, error, "\"%s\": expected %s, found %s", key, cr_json_type_name(type),
                cr_json_type_name((*out)->type));
}

static char *
resolve(const CrSpec *spec, const char *path)
{
    char *folder = g_path_get_dirname(spec->path);
    char *full = g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(folder, path, NULL);
    g_free(folder);
    return full;
}

static bool
get_path(const CrSpec *spec, const CrJson *root, const char *key, bool required, char **out,
         GError **error)
{
    const CrJson *json;
    if (!get_member(spec, root, key, CR_JSON_STRING, required, &json, error))
        return false;
    *out = json ? resolve(spec, json->string) : NULL;
    return true;
}

static void
binding_free(void *data)
{
    CrSpecBinding *binding = data;
    g_free(binding->name);
    g_free(binding->path);
    if (binding->array.values)
        g_array_unref(binding->array.values);
    g_free(binding);
}

static bool
read_shape(const CrSpec *spec, const CrJson *json, CrSpecArray *array, GError **error)
{
    if (cr_json_length(json) > CONVRNN_MAX_RANK)
        return fail(spec, json, error, "more than %d dimensions", CONVRNN_MAX_RANK);
    for (guint i = 0; i < cr_json_length(json); i++) {
        const CrJson *item = cr_json_item(json, i);
        int64_t dim;
        if (!cr_json_get_integer(item, &dim) || dim < 0)
            return fail(spec, item, error, "a dimension is a whole number, at least 0");
        array->dims[array->n_dims++] = dim;
    }
    return true;
}

static bool
read_values(const CrSpec *spec, const CrJson *json, CrSpecArray *array, GError **error)
{
    array->values = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = 0; i < cr_json_length(json); i++) {
        const CrJson *item = cr_json_item(json, i);
        if (item->type != CR_JSON_NUMBER)
            return fail(spec, item, error, "expected a number, found %s",
                        cr_json_type_name(item->type));
        g_array_append_val(array->values, item->number);
    }
    return true;
}

/* {"shape": […], "data": […]}; data may be missing. */
static bool
read_array(const CrSpec *spec, const CrJson *json, CrSpecArray *array, GError **error)
{
    const CrJson *shape, *data;
    if (!get_member(spec, json, "shape", CR_JSON_ARRAY, true, &shape, error) ||
        !get_member(spec, json, "data", CR_JSON_ARRAY, false, &data, error) ||
        !read_shape(spec, shape, array, error))
        return false;
    return !data || read_values(spec, data, array, error);
}

/* Appends to bindings the members of an object: files or, where arrays is true, arrays. */
static bool
read_bindings(const CrSpec *spec, const CrJson *object, bool arrays, GPtrArray *bindings,
              GError **error)
{
    for (guint i = 0; i < cr_json_length(object); i++) {
        const CrJson *json = cr_json_item(object, i);
        CrSpecBinding *binding = g_new0(CrSpecBinding, 1);
        binding->name = g_strdup(cr_json_key(object, i));
        g_ptr_array_add(bindings, binding);
        bool good;
        if (json->type == CR_JSON_STRING) {
            binding->path = resolve(spec, json->string);
            good = true;
        } else if (arrays && json->type == CR_JSON_OBJECT) {
            good = read_array(spec, json, &binding->array, error);
        } else {
            good = fail(spec, json, error, "\"%s\": expected the name of a .npy file%s, found %s",
                        binding->name, arrays ? " or an object with \"shape\"" : "",
                        cr_json_type_name(json->type));
        }
        if (!good)
            return false;
    }
    return true;
}

static bool
read_steps(CrSpec *spec, const CrJson *root, GError **error)
{
    const CrJson *steps;
    if (!get_member(spec, root, "steps", CR_JSON_ARRAY, true, &steps, error))
        return false;
    if (cr_json_length(steps) == 0)
        return fail(spec, steps, error, "\"steps\" is empty");
    for (guint i = 0; i < cr_json_length(steps); i++) {
        const CrJson *step = cr_json_item(steps, i);
        if (step->type != CR_JSON_OBJECT)
            return fail(spec, step, error, "step %u: expected an object, found %s", i,
                        cr_json_type_name(step->type));
        GPtrArray *bindings = g_ptr_array_new_with_free_func(binding_free);
        g_ptr_array_add(spec->steps, bindings);
        if (!read_bindings(spec, step, false, bindings, error))
            return false;
    }
    return true;
}

static bool
read_state(CrSpec *spec, const CrJson *root, GError **error)
{
    const CrJson *state;
    if (!get_member(spec, root, "state", CR_JSON_OBJECT, false, &state, error))
        return false;
    for (guint i = 0; i < cr_json_length(state); i++) {
        const CrJson *output = cr_json_item(state, i);
        if (output->type != CR_JSON_STRING)
            return fail(spec, output, error, "expected the name of an output, found %s",
                        cr_json_type_name(output->type));
        g_ptr_array_add(spec->state, g_strdup(cr_json_key(state, i)));
        g_ptr_array_add(spec->state, g_strdup(output->string));
    }
    return true;
}

static bool
read_tolerances(CrSpec *spec, const CrJson *root, GError **error)
{
    const CrJson *json;
    if (!get_member(spec, root, "tolerance", CR_JSON_OBJECT, false, &json, error))
        return false;
    for (guint i = 0; i < cr_json_length(json); i++) {
        const CrJson *limit = cr_json_item(json, i);
        if (limit->type != CR_JSON_NUMBER || limit->number < 0)
            return fail(spec, limit, error, "a tolerance is a number, at least 0");
        CrSpecTolerance tolerance = {g_strdup(cr_json_key(json, i)), limit->number};
        g_array_append_val(spec->tolerances, tolerance);
    }
    return true;
}

static bool
read_carry(CrSpec *spec, const CrJson *root, GError **error)
{
    const CrJson *json;
    if (!get_member(spec, root, "carry-rnn-state", CR_JSON_BOOL, false, &json, error))
        return false;
    spec->carry = json && json->boolean;
    return true;
}

static bool
read_member_bindings(CrSpec *spec, const CrJson *root, const char *key, GPtrArray *bindings,
                     GError **error)
{
    const CrJson *json;
    return get_member(spec, root, key, CR_JSON_OBJECT, false, &json, error) &&
           read_bindings(spec, json, true, bindings, error);
}

static bool
read_spec(CrSpec *spec, const CrJson *root, GError **error)
{
    if (root->type != CR_JSON_OBJECT)
        return fail(spec, root, error, "expected an object, found %s",
                    cr_json_type_name(root->type));
    return get_path(spec, root, "model", true, &spec->model, error) &&
           get_path(spec, root, "out", false, &spec->out, error) &&
           read_member_bindings(spec, root, "const", spec->constants, error) &&
           read_member_bindings(spec, root, "init", spec->initial, error) &&
           read_state(spec, root, error) && read_carry(spec, root, error) &&
           read_tolerances(spec, root, error) && read_steps(spec, root, error);
}

static void
tolerance_clear(void *data)
{
    g_free(((CrSpecTolerance *)data)->name);
}

CrSpec *
cr_spec_new(void)
{
    CrSpec *spec = g_new0(CrSpec, 1);
    spec->steps = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    spec->state = g_ptr_array_new_with_free_func(g_free);
    spec->tolerances = g_array_new(FALSE, FALSE, sizeof(CrSpecTolerance));
    g_array_set_clear_func(spec->tolerances, tolerance_clear);
    spec->constants = g_ptr_array_new_with_free_func(binding_free);
    spec->initial = g_ptr_array_new_with_free_func(binding_free);
    return spec;
}

void
cr_spec_add_input(CrSpec *spec, guint step, const char *input, const char *path)
{
    while (spec->steps->len <= step)
        g_ptr_array_add(spec->steps, g_ptr_array_new_with_free_func(binding_free));
    CrSpecBinding *binding = g_new0(CrSpecBinding, 1);
    binding->name = g_strdup(input);
    binding->path = g_strdup(path);
    g_ptr_array_add(spec->steps->pdata[step], binding);
}

CrSpec *
cr_spec_load(const char *path, GError **error)
{
    CrJson *root = cr_json_parse_file(path, error);
    if (!root)
        return NULL;
    CrSpec *spec = cr_spec_new();
    spec->path = g_strdup(path);
    if (!read_spec(spec, root, error))
        g_clear_pointer(&spec, cr_spec_free);
    cr_json_free(root);
    return spec;
}

void
cr_spec_free(CrSpec *spec)
{
    if (!spec)
        return;
    g_free(spec->path);
    g_free(spec->model);
    g_free(spec->out);
    g_ptr_array_unref(spec->steps);
    g_ptr_array_unref(spec->constants);
    g_ptr_array_unref(spec->initial);
    g_ptr_array_unref(spec->state);
    g_array_unref(spec->tolerances);
    g_free(spec);
}

static ConvRnnTensor *
make_zeros(const CrSpecArray *array, const ConvRnnTensorInfo *input, GError **error)
{
    ConvRnnTensor *zeros =
        convrnn_tensor_new(input->dtype, array->dims, array->n_dims, NULL, error);
    if (!zeros)
        g_prefix_error(error, "input \"%s\": ", input->name);
    return zeros;
}

ConvRnnTensor *
cr_spec_tensor(const CrSpecBinding *binding, const ConvRnnTensorInfo *input, GError **error)
{
    const CrSpecArray *array = &binding->array;
    if (binding->path)
        return cr_binding_file(input, binding->path, error);
    if (!array->values)
        return make_zeros(array, input, error);
    return cr_binding_tensor(input, (const double *)(void *)array->values->data, array->values->len,
                             array->dims, (int)array->n_dims, error);
}

double
cr_spec_limit(const CrSpec *spec, const char *output, double fallback)
{
    double limit = fallback;
    for (guint i = 0; i < spec->tolerances->len; i++) {
        const CrSpecTolerance *t = &g_array_index(spec->tolerances, CrSpecTolerance, i);
        if (strcmp(t->name, output) == 0)
            return t->limit;
        if (strcmp(t->name, "*") == 0)
            limit = t->limit;
    }
    return limit;
}
