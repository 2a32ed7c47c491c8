/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state as bytes, to be restored in another session, process or machine; and from one session
 * straight into another.
 *
 * All numbers little-endian:
 *     "CRNNSNAP", u32 version = 1, u32 number of tensors, u64 step,
 *     the model's hash: u32 length, bytes,
 *     and per tensor: u32 length and name, u32 dtype, u32 rank, i64 dims…, u64 bytes, elements.
 * Elements are row-major, whatever layout the state lives in. Restoring checks everything first and
 * changes the state only when all of it fits. */
#include "core/size.h"
#include "runtime/session.h"
#include <string.h>

#define MAGIC   "CRNNSNAP"
#define VERSION 1

/* The element at plain index `i` of a tensor that lives in `desc`'s layout: its offset in bytes. */
static size_t
place_of(const CrDesc *desc, const CrBlocked *b, size_t i)
{
    size_t size = convrnn_dtype_get_size(desc->dtype);
    if (!desc->block)
        return i * size;

    CrNchw s = cr_desc_nchw(desc);
    size_t x = i % (size_t)s.w, rest = i / (size_t)s.w;
    size_t y = rest % (size_t)s.h;
    rest /= (size_t)s.h;
    int c = (int)(rest % (size_t)s.c), block = 0;
    size_t n = rest / (size_t)s.c;
    for (int p = 0; c >= cr_desc_part(desc, p); p++) {
        c -= cr_desc_part(desc, p);
        block += cr_div_up(cr_desc_part(desc, p), desc->block);
    }
    block += c / desc->block;
    return size * (n * b->image_stride + y * b->row_stride + (size_t)block * b->block_stride +
                   b->origin + x * (size_t)desc->block + (size_t)(c % desc->block));
}

/* Copies a tensor from one layout into another. */
static void
copy_tensor(const CrDesc *from, const char *source, const CrDesc *to, char *target)
{
    size_t size = convrnn_dtype_get_size(from->dtype), n = cr_desc_elements(from);
    CrBlocked a = from->block ? cr_desc_blocked(from) : (CrBlocked){0};
    CrBlocked b = to->block ? cr_desc_blocked(to) : (CrBlocked){0};
    for (size_t i = 0; i < n; i++)
        memcpy(target + place_of(to, &b, i), source + place_of(from, &a, i), size);
}

/* Row-major, as in a snapshot. */
static CrDesc
plain_desc(const CrDesc *desc)
{
    CrDesc plain = *desc;
    plain.block = 0;
    return plain;
}

/* Puts a tensor into the half of the state that the next step reads. */
static void
set_state(ConvRnnSession *s, guint index, const CrDesc *from, const char *source)
{
    const CrPlanState *state = &g_array_index(s->plan->states, CrPlanState, index);
    char *half = s->state[s->parity] + state->offset;
    memset(half, 0, state->bytes); /* columns and lanes beside the tensor */
    copy_tensor(from, source, &state->desc, half);
}

static void
put_u32(GByteArray *out, guint32 v)
{
    v = GUINT32_TO_LE(v);
    g_byte_array_append(out, (const guint8 *)&v, sizeof v);
}

static void
put_u64(GByteArray *out, guint64 v)
{
    v = GUINT64_TO_LE(v);
    g_byte_array_append(out, (const guint8 *)&v, sizeof v);
}

static void
put_text(GByteArray *out, const char *text)
{
    put_u32(out, (guint32)strlen(text));
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

GBytes *
convrnn_session_save_state(const ConvRnnSession *s, GError **error)
{
    GByteArray *out = g_byte_array_new();
    const CrPlan *plan = s->plan;

    g_byte_array_append(out, (const guint8 *)MAGIC, strlen(MAGIC));
    put_u32(out, VERSION);
    put_u32(out, plan->states->len);
    put_u64(out, s->step);
    put_text(out, cr_model_hash(plan->model));
    for (guint i = 0; i < plan->states->len; i++) {
        const CrPlanState *state = &g_array_index(plan->states, CrPlanState, i);
        const CrDesc *desc = &state->desc;
        size_t bytes = cr_desc_elements(desc) * convrnn_dtype_get_size(desc->dtype);
        char *plain = cr_mem_alloc(1, bytes, "a state snapshot", error);
        if (!plain || bytes > G_MAXUINT / 2 - out->len) {
            if (plain)
                g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                            "%s: the state is too large for a snapshot", plan->model->name);
            cr_mem_free(plain);
            g_byte_array_unref(out);
            return NULL;
        }
        put_text(out, g_array_index(plan->ir->states, CrIrState, i).info.name);
        put_u32(out, desc->dtype);
        put_u32(out, (guint32)desc->n_dims);
        for (int d = 0; d < desc->n_dims; d++)
            put_u64(out, (guint64)desc->dims[d]);
        put_u64(out, bytes);
        CrDesc layout = plain_desc(desc);
        copy_tensor(desc, s->state[s->parity] + state->offset, &layout, plain);
        g_byte_array_append(out, (const guint8 *)plain, (guint)bytes);
        cr_mem_free(plain);
    }
    return g_byte_array_free_to_bytes(out);
}

typedef struct {
    const guint8 *data;
    size_t size, at;
} Reader;

static const guint8 *
take(Reader *r, size_t n)
{
    if (n > r->size - r->at)
        return NULL;
    r->at += n;
    return r->data + r->at - n;
}

static bool
take_u32(Reader *r, guint32 *v)
{
    const guint8 *p = take(r, sizeof *v);
    if (p)
        *v = (guint32)p[0] | (guint32)p[1] << 8 | (guint32)p[2] << 16 | (guint32)p[3] << 24;
    return p != NULL;
}

static bool
take_u64(Reader *r, guint64 *v)
{
    guint32 low, high;
    if (!take_u32(r, &low) || !take_u32(r, &high))
        return false;
    *v = (guint64)high << 32 | low;
    return true;
}

static bool
take_this_text(Reader *r, const char *expected)
{
    guint32 length;
    const guint8 *text;
    return take_u32(r, &length) && (text = take(r, length)) && length == strlen(expected) &&
           memcmp(text, expected, length) == 0;
}

static bool
mismatch(const ConvRnnSession *s, ConvRnnError code, const char *what, GError **error)
{
    g_set_error(error, CONVRNN_ERROR, code, "state snapshot for %s: %s", s->plan->model->name,
                what);
    return false;
}

/* Reads one tensor's header; *data gets its elements. */
static bool
read_tensor(Reader *r, const ConvRnnSession *s, guint index, const guint8 **data, GError **error)
{
    const CrDesc *desc = &g_array_index(s->plan->states, CrPlanState, index).desc;
    const char *name = g_array_index(s->plan->ir->states, CrIrState, index).info.name;
    guint32 dtype, rank;
    guint64 bytes;
    bool same;

    if (!take_this_text(r, name) || !take_u32(r, &dtype) || !take_u32(r, &rank))
        return mismatch(s, CONVRNN_ERROR_STATE, "its tensors have other names", error);
    same = dtype == desc->dtype && rank == (guint32)desc->n_dims;
    for (guint32 d = 0; same && d < rank; d++) {
        guint64 dim;
        same = take_u64(r, &dim) && dim == (guint64)desc->dims[d];
    }
    if (!same) {
        g_autofree char *shape = cr_desc_to_string(desc);
        g_autofree char *what = g_strdup_printf("tensor '%s' has another type or shape than this "
                                                "session's %s %s",
                                                name, convrnn_dtype_get_name(desc->dtype), shape);
        return mismatch(s, CONVRNN_ERROR_STATE, what, error);
    }
    if (!take_u64(r, &bytes) ||
        bytes != cr_desc_elements(desc) * convrnn_dtype_get_size(desc->dtype) ||
        !(*data = take(r, bytes)))
        return mismatch(s, CONVRNN_ERROR_FORMAT, "it is truncated", error);
    return true;
}

gboolean
convrnn_session_restore_state(ConvRnnSession *s, GBytes *snapshot, GError **error)
{
    Reader r = {0};
    guint32 version, count;
    guint64 step;
    const guint8 *magic;
    guint n = s->plan->states->len;

    r.data = g_bytes_get_data(snapshot, &r.size);
    magic = take(&r, strlen(MAGIC));
    if (!magic || memcmp(magic, MAGIC, strlen(MAGIC)) != 0 || !take_u32(&r, &version) ||
        !take_u32(&r, &count) || !take_u64(&r, &step))
        return mismatch(s, CONVRNN_ERROR_FORMAT, "these bytes are no snapshot", error);
    if (version != VERSION)
        return mismatch(s, CONVRNN_ERROR_FORMAT, "its format version is newer than this library",
                        error);
    if (!take_this_text(&r, cr_model_hash(s->plan->model)))
        return mismatch(s, CONVRNN_ERROR_STATE, "it was taken from another model", error);
    if (count != n)
        return mismatch(s, CONVRNN_ERROR_STATE, "it has another number of states", error);

    const guint8 **data = g_new0(const guint8 *, n + 1);
    bool ok = true;
    for (guint i = 0; ok && i < n; i++)
        ok = read_tensor(&r, s, i, &data[i], error);
    if (ok && r.at != r.size)
        ok = mismatch(s, CONVRNN_ERROR_FORMAT, "there are bytes after its end", error);
    for (guint i = 0; ok && i < n; i++) {
        CrDesc layout = plain_desc(&g_array_index(s->plan->states, CrPlanState, i).desc);
        set_state(s, i, &layout, (const char *)data[i]);
    }
    if (ok)
        s->step = step;
    g_free(data);
    return ok;
}

/* The state of that name; −1 when there is none. */
static int
find_state(const ConvRnnSession *s, const char *name)
{
    for (guint i = 0; i < s->plan->states->len; i++)
        if (strcmp(g_array_index(s->plan->ir->states, CrIrState, i).info.name, name) == 0)
            return (int)i;
    return -1;
}

/* Every state of `s` is one of `other`, too. */
static bool
has_states_of(const ConvRnnSession *other, const ConvRnnSession *s, GError **error)
{
    for (guint i = 0; i < s->plan->states->len; i++) {
        const char *name = g_array_index(s->plan->ir->states, CrIrState, i).info.name;
        if (find_state(other, name) < 0) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                        "state '%s' of %s: %s has no state of that name", name,
                        s->plan->model->name, other->plan->model->name);
            return false;
        }
    }
    return true;
}

/* Where `from` has state `index` of `to`. */
static const CrPlanState *
state_like(const ConvRnnSession *from, const ConvRnnSession *to, guint index)
{
    const char *name = g_array_index(to->plan->ir->states, CrIrState, index).info.name;
    return &g_array_index(from->plan->states, CrPlanState, find_state(from, name));
}

static bool
check_same_tensor(const ConvRnnSession *to, guint index, const ConvRnnSession *from, GError **error)
{
    const CrDesc *expected = &g_array_index(to->plan->states, CrPlanState, index).desc;
    const CrDesc *found = &state_like(from, to, index)->desc;

    if (expected->dtype == found->dtype && cr_desc_same_shape(expected, found))
        return true;
    g_autofree char *want = cr_desc_to_string(expected), *have = cr_desc_to_string(found);
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                "state '%s' of %s: expected %s %s, found %s %s in %s",
                g_array_index(to->plan->ir->states, CrIrState, index).info.name,
                to->plan->model->name, convrnn_dtype_get_name(expected->dtype), want,
                convrnn_dtype_get_name(found->dtype), have, from->plan->model->name);
    return false;
}

gboolean
convrnn_session_adopt_state(ConvRnnSession *to, const ConvRnnSession *from, GError **error)
{
    guint n = to->plan->states->len;

    if (to == from)
        return TRUE;
    if (!has_states_of(from, to, error) || !has_states_of(to, from, error))
        return FALSE;
    for (guint i = 0; i < n; i++)
        if (!check_same_tensor(to, i, from, error))
            return FALSE;
    for (guint i = 0; i < n; i++) {
        const CrPlanState *state = state_like(from, to, i);
        set_state(to, i, &state->desc, from->state[from->parity] + state->offset);
    }
    to->step = from->step;
    return TRUE;
}
