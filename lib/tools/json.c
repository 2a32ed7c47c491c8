/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/json.h"

#include <math.h>
#include <string.h>

typedef struct {
    const char *name;
    const char *at, *end;
    const char *line_start;
    int line;
    int depth;
    GError **error;
} Reader;

static CrJson *read_value(Reader *r);

static int
column(const Reader *r)
{
    return (int)g_utf8_strlen(r->line_start, r->at - r->line_start) + 1;
}

static bool
fail(const Reader *r, const char *what)
{
    g_set_error(r->error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "%s:%d:%d: %s", r->name, r->line,
                column(r), what);
    return false;
}

static bool
fail_unexpected(const Reader *r, const char *expected)
{
    char *what;
    if (r->at == r->end)
        what = g_strdup_printf("expected %s, found the end of the file", expected);
    else if ((unsigned char)*r->at < 0x20 || *r->at == 0x7f)
        what = g_strdup_printf("expected %s, found control character 0x%02x", expected,
                               (unsigned char)*r->at);
    else
        what = g_strdup_printf("expected %s, found '%.*s'", expected,
                               (int)(g_utf8_next_char(r->at) - r->at), r->at);
    fail(r, what);
    g_free(what);
    return false;
}

static void
skip_space(Reader *r)
{
    for (; r->at < r->end; r->at++) {
        if (*r->at == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        } else if (*r->at != ' ' && *r->at != '\t' && *r->at != '\r') {
            return;
        }
    }
}

static bool
peek(const Reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

static bool
accept(Reader *r, char c)
{
    if (!peek(r, c))
        return false;
    r->at++;
    return true;
}

static CrJson *
new_value(const Reader *r, CrJsonType type)
{
    CrJson *json = g_new0(CrJson, 1);
    json->type = type;
    json->line = r->line;
    json->column = column(r);
    return json;
}

static bool
read_hex4(Reader *r, gunichar *out)
{
    gunichar c = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        if (r->at == r->end || !g_ascii_isxdigit(*r->at))
            return fail_unexpected(r, "four hexadecimal digits after \\u");
        c = c * 16 + (gunichar)g_ascii_xdigit_value(*r->at);
    }
    *out = c;
    return true;
}

/* After "\u". A character beyond U+FFFF is written as a surrogate pair. */
static bool
read_unicode_escape(Reader *r, GString *out)
{
    gunichar c, low;
    if (!read_hex4(r, &c))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!accept(r, '\\') || !accept(r, 'u'))
            return fail(r, "a high surrogate must be followed by a low one");
        if (!read_hex4(r, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(r, "a high surrogate must be followed by a low one");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xdc00 && c <= 0xdfff) {
        return fail(r, "a low surrogate without a high one before it");
    }
    if (c == 0)
        return fail(r, "a string may not contain \\u0000");
    g_string_append_unichar(out, c);
    return true;
}

static bool
read_escape(Reader *r, GString *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (accept(r, 'u'))
        return read_unicode_escape(r, out);
    const char *found = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;
    if (!found)
        return fail_unexpected(r, "one of \" \\ / b f n r t u after a backslash");
    g_string_append_c(out, to[found - from]);
    r->at++;
    return true;
}

/* NULL after an error. */
static char *
read_string(Reader *r)
{
    if (!accept(r, '"')) {
        fail_unexpected(r, "a string in double quotes");
        return NULL;
    }
    GString *out = g_string_new(NULL);
    while (!accept(r, '"')) {
        bool good = true;
        if (r->at == r->end || (unsigned char)*r->at < 0x20)
            good = fail_unexpected(r, "the string to end with a double quote");
        else if (accept(r, '\\'))
            good = read_escape(r, out);
        else
            g_string_append_c(out, *r->at++);
        if (!good) {
            g_string_free(out, TRUE);
            return NULL;
        }
    }
    return g_string_free(out, FALSE);
}

static bool
skip_digits(Reader *r)
{
    if (r->at == r->end || !g_ascii_isdigit(*r->at))
        return fail_unexpected(r, "a digit");
    while (r->at < r->end && g_ascii_isdigit(*r->at))
        r->at++;
    return true;
}

static CrJson *
read_number(Reader *r)
{
    const char *start = r->at;
    CrJson *json = new_value(r, CR_JSON_NUMBER);
    accept(r, '-');
    bool good = accept(r, '0') || skip_digits(r);
    if (good && accept(r, '.'))
        good = skip_digits(r);
    if (good && (accept(r, 'e') || accept(r, 'E'))) {
        if (!accept(r, '+'))
            accept(r, '-');
        good = skip_digits(r);
    }
    if (good) {
        char *digits = g_strndup(start, (gsize)(r->at - start));
        json->number = g_ascii_strtod(digits, NULL);
        g_free(digits);
        if (!isfinite(json->number)) {
            r->at = start;
            good = fail(r, "the number is too large");
        }
    }
    if (!good)
        g_clear_pointer(&json, cr_json_free);
    return json;
}

static CrJson *
read_word(Reader *r)
{
    static const struct {
        const char *word;
        CrJsonType type;
        bool boolean;
    } words[] = {{"true", CR_JSON_BOOL, true},
                 {"false", CR_JSON_BOOL, false},
                 {"null", CR_JSON_NULL, false}};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        size_t n = strlen(words[i].word);
        if ((size_t)(r->end - r->at) < n || memcmp(r->at, words[i].word, n) != 0)
            continue;
        CrJson *json = new_value(r, words[i].type);
        json->boolean = words[i].boolean;
        r->at += n;
        return json;
    }
    fail_unexpected(r, "a value");
    return NULL;
}

static bool
read_member(Reader *r, CrJson *object)
{
    char *key = read_string(r);
    if (!key)
        return false;
    if (cr_json_get(object, key)) {
        char *what = g_strdup_printf("the key \"%s\" appears twice in one object", key);
        fail(r, what);
        g_free(what);
        g_free(key);
        return false;
    }
    skip_space(r);
    CrJson *value = NULL;
    if (accept(r, ':')) {
        skip_space(r);
        value = read_value(r);
    } else {
        fail_unexpected(r, "':' after a key");
    }
    if (!value) {
        g_free(key);
        return false;
    }
    g_ptr_array_add(object->keys, key);
    g_ptr_array_add(object->items, value);
    return true;
}

static bool
read_item(Reader *r, CrJson *array)
{
    CrJson *value = read_value(r);
    if (value)
        g_ptr_array_add(array->items, value);
    return value != NULL;
}

/* An array or an object: items, separated by commas, up to the closing bracket. */
static CrJson *
read_container(Reader *r, CrJsonType type)
{
    bool is_object = type == CR_JSON_OBJECT;
    char close = is_object ? '}' : ']';
    CrJson *json = new_value(r, type);
    json->items = g_ptr_array_new_with_free_func((GDestroyNotify)cr_json_free);
    json->keys = g_ptr_array_new_with_free_func(g_free);
    bool good = ++r->depth <= CR_JSON_MAX_DEPTH;
    if (!good)
        fail(r, "nested too deeply: at most " G_STRINGIFY(CR_JSON_MAX_DEPTH) " levels");
    r->at++;
    if (good)
        skip_space(r);
    bool closed = good && accept(r, close);
    while (good && !closed) {
        skip_space(r);
        good = is_object ? read_member(r, json) : read_item(r, json);
        if (!good)
            break;
        skip_space(r);
        closed = accept(r, close);
        if (!closed && !accept(r, ','))
            good = fail_unexpected(r, is_object ? "',' or '}'" : "',' or ']'");
    }
    r->depth--;
    if (!good)
        g_clear_pointer(&json, cr_json_free);
    return json;
}

static CrJson *
read_value(Reader *r)
{
    if (peek(r, '{'))
        return read_container(r, CR_JSON_OBJECT);
    if (peek(r, '['))
        return read_container(r, CR_JSON_ARRAY);
    if (peek(r, '-') || (r->at < r->end && g_ascii_isdigit(*r->at)))
        return read_number(r);
    if (!peek(r, '"'))
        return read_word(r);
    CrJson *json = new_value(r, CR_JSON_STRING);
    json->string = read_string(r);
    if (!json->string)
        g_clear_pointer(&json, cr_json_free);
    return json;
}

CrJson *
cr_json_parse(const char *text, size_t length, const char *name, GError **error)
{
    Reader r = {.name = name, .at = text, .end = text + length, .line_start = text, .line = 1};
    r.error = error;
    const char *bad;
    if (!g_utf8_validate_len(text, length, &bad)) {
        /* The position is found by walking up to the bad byte. */
        for (; r.at < bad; r.at++) {
            if (*r.at == '\n') {
                r.line++;
                r.line_start = r.at + 1;
            }
        }
        fail(&r, *bad ? "not UTF-8" : "a NUL byte");
        return NULL;
    }
    skip_space(&r);
    CrJson *json = read_value(&r);
    skip_space(&r);
    if (json && r.at != r.end) {
        fail_unexpected(&r, "nothing after the value");
        g_clear_pointer(&json, cr_json_free);
    }
    return json;
}

CrJson *
cr_json_parse_file(const char *path, GError **error)
{
    char *text;
    gsize length;
    GError *cause = NULL;
    if (!g_file_get_contents(path, &text, &length, &cause)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO, "%s", cause->message);
        g_error_free(cause);
        return NULL;
    }
    CrJson *json = cr_json_parse(text, length, path, error);
    g_free(text);
    return json;
}

void
cr_json_free(CrJson *json)
{
    if (!json)
        return;
    g_free(json->string);
    if (json->items)
        g_ptr_array_unref(json->items);
    if (json->keys)
        g_ptr_array_unref(json->keys);
    g_free(json);
}

const char *
cr_json_type_name(CrJsonType type)
{
    static const char *const names[] = {"null",     "true or false", "a number",
                                        "a string", "an array",      "an object"};
    return names[type];
}

const CrJson *
cr_json_get(const CrJson *object, const char *key)
{
    if (!object || object->type != CR_JSON_OBJECT)
        return NULL;
    for (guint i = 0; i < object->items->len; i++)
        if (strcmp(object->keys->pdata[i], key) == 0)
            return object->items->pdata[i];
    return NULL;
}

guint
cr_json_length(const CrJson *json)
{
    return json && json->items ? json->items->len : 0;
}

const CrJson *
cr_json_item(const CrJson *json, guint index)
{
    return json->items->pdata[index];
}

const char *
cr_json_key(const CrJson *object, guint index)
{
    return object->keys->pdata[index];
}

bool
cr_json_get_integer(const CrJson *json, int64_t *out)
{
    if (!json || json->type != CR_JSON_NUMBER || json->number != floor(json->number) ||
        fabs(json->number) > 9007199254740992.0)
        return false;
    *out = (int64_t)json->number;
    return true;
}
