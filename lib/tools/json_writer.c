/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/json_writer.h"

#include <math.h>

void
cr_json_writer_init(CrJsonWriter *writer)
{
    *writer = (CrJsonWriter){.out = g_string_new(NULL), .empty = true};
}

char *
cr_json_writer_finish(CrJsonWriter *writer)
{
    g_string_append_c(writer->out, '\n');
    return g_string_free(writer->out, FALSE);
}

static void
new_line(CrJsonWriter *writer)
{
    g_string_append_c(writer->out, '\n');
    for (int i = 0; i < writer->depth; i++)
        g_string_append(writer->out, "  ");
}

/* What stands between the last value or bracket and the next value or key. */
static void
separate(CrJsonWriter *writer)
{
    if (writer->has_key) {
        writer->has_key = false;
        return;
    }
    if (!writer->empty)
        g_string_append(writer->out, writer->compact ? ", " : ",");
    if (writer->depth > 0 && !writer->compact)
        new_line(writer);
    writer->empty = false;
}

void
cr_json_begin(CrJsonWriter *writer, char bracket)
{
    separate(writer);
    g_string_append_c(writer->out, bracket);
    writer->depth++;
    writer->empty = true;
}

void
cr_json_end(CrJsonWriter *writer, char bracket)
{
    writer->depth--;
    if (!writer->empty && !writer->compact)
        new_line(writer);
    g_string_append_c(writer->out, bracket);
    writer->empty = false;
}

static void
append_quoted(GString *out, const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    g_string_append_c(out, '"');
    for (const char *p = valid; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_printf(out, "\\%c", *p);
        else if (*p == '\n')
            g_string_append(out, "\\n");
        else if ((unsigned char)*p < 0x20 || *p == 0x7f)
            g_string_append_printf(out, "\\u%04x", (unsigned char)*p);
        else
            g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
    g_free(valid);
}

void
cr_json_write_key(CrJsonWriter *writer, const char *key)
{
    separate(writer);
    append_quoted(writer->out, key);
    g_string_append(writer->out, ": ");
    writer->has_key = true;
}

void
cr_json_write_string(CrJsonWriter *writer, const char *text)
{
    separate(writer);
    if (text)
        append_quoted(writer->out, text);
    else
        g_string_append(writer->out, "null");
}

void
cr_json_write_uint(CrJsonWriter *writer, uint64_t number)
{
    separate(writer);
    g_string_append_printf(writer->out, "%" G_GUINT64_FORMAT, (guint64)number);
}

void
cr_json_write_double(CrJsonWriter *writer, double number)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    separate(writer);
    g_string_append(writer->out, isfinite(number)
                                     ? g_ascii_formatd(digits, sizeof digits, "%.9g", number)
                                     : "null");
}

void
cr_json_write_bool(CrJsonWriter *writer, bool boolean)
{
    separate(writer);
    g_string_append(writer->out, boolean ? "true" : "false");
}

void
cr_json_write_dims(CrJsonWriter *writer, const int64_t *dims, guint n)
{
    cr_json_begin(writer, '[');
    writer->compact = true;
    for (guint i = 0; i < n; i++) {
        if (dims[i] < 0)
            cr_json_write_string(writer, NULL);
        else
            cr_json_write_uint(writer, (uint64_t)dims[i]);
    }
    cr_json_end(writer, ']');
    writer->compact = false;
}
