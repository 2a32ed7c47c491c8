/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tool's JSON reader and writer. */
#include "tools/json.h"
#include "tools/json_writer.h"

#include <string.h>

static CrJson *
parse(const char *text, GError **error)
{
    return cr_json_parse(text, strlen(text), "t.json", error);
}

static void
test_values(void)
{
    GError *error = NULL;
    CrJson *root = parse(" {\"a\": [1, -2.5e3, 0, 0.125], \"b\": {\"c\": null, \"d\": true,"
                         "\"e\": false}, \"\": \"\", \"x\": []} \n",
                         &error);
    g_assert_no_error(error);
    g_assert_cmpuint(cr_json_length(root), ==, 4);
    const CrJson *a = cr_json_get(root, "a");
    g_assert_cmpuint(cr_json_length(a), ==, 4);
    g_assert_cmpfloat(cr_json_item(a, 1)->number, ==, -2500);
    g_assert_cmpfloat(cr_json_item(a, 3)->number, ==, 0.125);
    const CrJson *b = cr_json_get(root, "b");
    g_assert_cmpint(cr_json_get(b, "c")->type, ==, CR_JSON_NULL);
    g_assert_true(cr_json_get(b, "d")->boolean);
    g_assert_cmpint(cr_json_get(b, "e")->type, ==, CR_JSON_BOOL);
    g_assert_false(cr_json_get(b, "e")->boolean);
    g_assert_cmpstr(cr_json_get(root, "")->string, ==, "");
    g_assert_cmpstr(cr_json_key(root, 3), ==, "x");
    g_assert_cmpuint(cr_json_length(cr_json_get(root, "x")), ==, 0);
    g_assert_null(cr_json_get(root, "missing"));
    g_assert_null(cr_json_get(a, "a"));
    cr_json_free(root);
}

static void
test_strings(void)
{
    GError *error = NULL;
    CrJson *root = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 \xc3\xa9\"", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(root->string, ==, "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80 \xc3\xa9");
    cr_json_free(root);
}

static void
test_integers(void)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {{"12", true, 12},    {"-3", true, -3},
                 {"1e3", true, 1000}, {"9007199254740992", true, INT64_C(9007199254740992)},
                 {"1e17", false, 0},  {"1.5", false, 0},
                 {"\"1\"", false, 0}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t value = 0;
        CrJson *json = parse(cases[i].text, NULL);
        g_assert_cmpint(cr_json_get_integer(json, &value), ==, cases[i].good);
        g_assert_cmpint(value, ==, cases[i].value);
        cr_json_free(json);
    }
}

static void
test_errors(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "t.json:1:1: expected a value, found the end of the file"},
        {"{\"a\": 1,\n  \"b\" 2}", "t.json:2:7: expected ':' after a key, found '2'"},
        {"[1, 2", "t.json:1:6: expected ',' or ']', found the end of the file"},
        {"[1 2]", "t.json:1:4: expected ',' or ']', found '2'"},
        {"{\"a\": 1 \"b\": 2}", "t.json:1:9: expected ',' or '}', found '\"'"},
        {"[1,]", "t.json:1:4: expected a value, found ']'"},
        {"{\"a\": 1,}", "expected a string in double quotes, found '}'"},
        {"{a: 1}", "expected a string in double quotes, found 'a'"},
        {"\"a", "expected the string to end with a double quote, found the end of the file"},
        {"\"a\nb\"", "expected the string to end with a double quote, found control character"},
        {"\"\\x\"", "after a backslash, found 'x'"},
        {"\"\\u12g4\"", "expected four hexadecimal digits after \\u, found 'g'"},
        {"\"\\ud800\"", "a high surrogate must be followed by a low one"},
        {"\"\\ud800\\u0041\"", "a high surrogate must be followed by a low one"},
        {"\"\\udc00\"", "a low surrogate without a high one before it"},
        {"\"\\u0000\"", "a string may not contain \\u0000"},
        {"01", "t.json:1:2: expected nothing after the value, found '1'"},
        {"-", "expected a digit, found the end of the file"},
        {"1.", "expected a digit, found the end of the file"},
        {"1e+", "expected a digit, found the end of the file"},
        {"1e999", "the number is too large"},
        {"+1", "expected a value, found '+'"},
        {"NaN", "expected a value, found 'N'"},
        {"tru", "expected a value, found 't'"},
        {"{} {}", "expected nothing after the value, found '{'"},
        {"{\"a\": 1, \"a\": 2}", "t.json:1:13: the key \"a\" appears twice in one object"},
        {"\n\"\xff\"", "t.json:2:2: not UTF-8"},
        {"\"\xc3\xa9\" x", "t.json:1:5: expected nothing after the value, found 'x'"},
        {"// no comments", "expected a value, found '/'"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_test_message("case %u: %s", i, cases[i].message);
        g_assert_null(parse(cases[i].text, &error));
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, cases[i].message));
        g_error_free(error);
    }
    GError *error = NULL;
    g_assert_null(cr_json_parse("[\0]", 3, "t.json", &error));
    g_assert_nonnull(strstr(error->message, "t.json:1:2: a NUL byte"));
    g_error_free(error);
}

/* As deep as allowed is read; one level more, and far more, is refused. */
static void
test_depth(void)
{
    static const guint depths[] = {CR_JSON_MAX_DEPTH, CR_JSON_MAX_DEPTH + 1, 1000000};
    for (guint i = 0; i < G_N_ELEMENTS(depths); i++) {
        GError *error = NULL;
        GString *text = g_string_new(NULL);
        for (guint k = 0; k < depths[i]; k++)
            g_string_append_c(text, '[');
        for (guint k = 0; k < depths[i]; k++)
            g_string_append_c(text, ']');
        CrJson *json = parse(text->str, &error);
        if (i == 0) {
            g_assert_no_error(error);
        } else {
            g_assert_null(json);
            g_assert_nonnull(strstr(error->message, "nested too deeply"));
            g_error_free(error);
        }
        cr_json_free(json);
        g_string_free(text, TRUE);
    }
}

/* Every prefix of a text is refused or read, nothing else. */
static void
test_prefixes(void)
{
    static const char text[] =
        "{\"a\": [1, -2.5e3, \"\\u00e9\\ud83d\\ude00\"], \"b\": {\"c\": null}}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *prefix = g_memdup2(text, MAX(n, 1));
        GError *error = NULL;
        g_assert_null(cr_json_parse(prefix, n, "t.json", &error));
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
        g_error_free(error);
        g_free(prefix);
    }
}

static void
test_missing_file(void)
{
    GError *error = NULL;
    g_assert_null(cr_json_parse_file("no/such/spec.json", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "no/such/spec.json"));
    g_error_free(error);
}

static void
test_writer(void)
{
    const int64_t dims[] = {1, -1, 3};
    CrJsonWriter w;
    cr_json_writer_init(&w);
    cr_json_begin(&w, '{');
    cr_json_write_key(&w, "name");
    cr_json_write_string(&w, "a\"b\\\n\x01\xc3\xa9");
    cr_json_write_key(&w, "dims");
    cr_json_write_dims(&w, dims, 3);
    cr_json_write_key(&w, "none");
    cr_json_begin(&w, '[');
    cr_json_end(&w, ']');
    cr_json_write_key(&w, "list");
    cr_json_begin(&w, '[');
    cr_json_write_double(&w, 0.5);
    cr_json_write_double(&w, 1.0 / 0.0);
    cr_json_write_bool(&w, true);
    cr_json_write_string(&w, NULL);
    cr_json_end(&w, ']');
    cr_json_end(&w, '}');
    char *text = cr_json_writer_finish(&w);
    g_assert_cmpstr(text, ==,
                    "{\n  \"name\": \"a\\\"b\\\\\\n\\u0001\xc3\xa9\",\n  \"dims\": [1, null, 3],\n"
                    "  \"none\": [],\n  \"list\": [\n    0.5,\n    null,\n    true,\n    null\n"
                    "  ]\n}\n");
    CrJson *again = parse(text, NULL);
    g_assert_cmpstr(cr_json_get(again, "name")->string, ==, "a\"b\\\n\x01\xc3\xa9");
    cr_json_free(again);
    g_free(text);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/values", test_values);
    g_test_add_func("/json/strings", test_strings);
    g_test_add_func("/json/integers", test_integers);
    g_test_add_func("/json/errors", test_errors);
    g_test_add_func("/json/depth", test_depth);
    g_test_add_func("/json/prefixes", test_prefixes);
    g_test_add_func("/json/missing-file", test_missing_file);
    g_test_add_func("/json/writer", test_writer);
    return g_test_run();
}
