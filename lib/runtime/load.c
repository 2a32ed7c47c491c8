/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a file to a model: map, read, check, describe, remember.
 *
 * Weights are used where they lie in the mapped file, so a model that is in use must be replaced by
 * renaming a new file over it and not be written to or truncated. */
#include "model/frame_window.h"
#include "model/model_cache.h"
#include "model/model_info.h"
#include "onnx/onnx.h"
#include "ops/validate.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A regular file, mapped. */
typedef struct {
    GBytes *bytes;
    char *identity; /* changes when the file does */
} File;

static void
file_clear(File *file)
{
    g_clear_pointer(&file->bytes, g_bytes_unref);
    g_clear_pointer(&file->identity, g_free);
}

static bool
io_error(const char *path, const char *problem, GError **error)
{
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO, "%s: %s", path, problem);
    return false;
}

static bool
map_descriptor(int fd, const char *path, File *file, GError **error)
{
    GError *reason = NULL;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return io_error(path, g_strerror(errno), error);
    if (S_ISDIR(st.st_mode))
        return io_error(path, "it is a directory, expected an ONNX file", error);
    if (!S_ISREG(st.st_mode))
        return io_error(path, "it is not a regular file", error);
    GMappedFile *map = g_mapped_file_new_from_fd(fd, FALSE, &reason);
    if (!map) {
        io_error(path, reason->message, error);
        g_error_free(reason);
        return false;
    }
    file->bytes = g_mapped_file_get_bytes(map);
    g_mapped_file_unref(map);
    file->identity = g_strdup_printf("%llu:%llu:%lld:%lld.%09ld", (unsigned long long)st.st_dev,
                                     (unsigned long long)st.st_ino, (long long)st.st_size,
                                     (long long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
    return true;
}

/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
static bool
map_file(const char *path, File *file, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return io_error(path, g_strerror(errno), error);
    bool ok = map_descriptor(fd, path, file, error);
    close(fd);
    return ok;
}

/* The .modelinfo's path: "model.onnx.modelinfo" or "model.modelinfo", in GStreamer's order. NULL
 * when there is none. */
static char *
find_modelinfo(const char *path)
{
    char *full = g_strconcat(path, ".modelinfo", NULL);

    if (g_file_test(full, G_FILE_TEST_EXISTS))
        return full;
    g_free(full);
    const char *base = strrchr(path, '/');
    const char *dot = strrchr(base ? base : path, '.');
    if (!dot)
        return NULL;
    full = g_strdup_printf("%.*s.modelinfo", (int)(dot - path), path);
    if (strcmp(full, path) != 0 && g_file_test(full, G_FILE_TEST_EXISTS))
        return full;
    g_free(full);
    return NULL;
}

static ConvRnnModel *
make_model(GBytes *data, const char *name, GKeyFile *info, GError **error)
{
    CrGraph *graph = NULL;

    if (!cr_onnx_load(data, name, &graph, error))
        return NULL;
    if (!cr_op_validate_graph(graph, error)) {
        g_prefix_error(error, "%s: ", name);
        cr_graph_free(graph);
        return NULL;
    }
    ConvRnnModel *model = cr_model_new(graph, name, data, info);
    model->windows = cr_frame_windows_read(model, error);
    if (!model->windows ||
        !cr_model_info_boolean(model, "carry-rnn-state", &model->carries_rnn_state, error))
        g_clear_pointer(&model, convrnn_model_unref);
    return model;
}

static ConvRnnModel *
make_described(GBytes *data, const char *name, const char *info_text, size_t info_length,
               const char *info_name, GError **error)
{
    GKeyFile *info = NULL;

    if (info_text) {
        info = cr_model_info_parse(info_text, info_length, info_name, error);
        if (!info)
            return NULL;
    }
    ConvRnnModel *model = make_model(data, name, info, error);
    g_clear_pointer(&info, g_key_file_unref);
    return model;
}

static ConvRnnModel *
load_files(const File *file, const char *path, const File *info, const char *info_path,
           GError **error)
{
    char *key = g_strconcat(file->identity, "|", info->identity, NULL);
    ConvRnnModel *model = cr_model_cache_get(key);
    size_t length = 0;
    const char *text = NULL;

    if (!model) {
        if (info->bytes) {
            text = g_bytes_get_data(info->bytes, &length);
            text = text ? text : ""; /* an empty file has no address */
        }
        model = make_described(file->bytes, path, text, length, info_path, error);
        if (model)
            model = cr_model_cache_put(key, model);
    }
    g_free(key);
    return model;
}

ConvRnnModel *
convrnn_model_load(const gchar *path, GError **error)
{
    File file = {NULL, NULL}, info = {NULL, NULL};
    ConvRnnModel *model = NULL;

    g_return_val_if_fail(path, NULL);
    char *info_path = find_modelinfo(path);
    if (map_file(path, &file, error) && (!info_path || map_file(info_path, &info, error)))
        model = load_files(&file, path, &info, info_path, error);
    file_clear(&file);
    file_clear(&info);
    g_free(info_path);
    return model;
}

ConvRnnModel *
convrnn_model_load_bytes(GBytes *data, const gchar *name, const gchar *modelinfo, GError **error)
{
    g_return_val_if_fail(data && name, NULL);
    char *info_name = g_strconcat(name, ".modelinfo", NULL);
    ConvRnnModel *model =
        make_described(data, name, modelinfo, modelinfo ? strlen(modelinfo) : 0, info_name, error);
    g_free(info_name);
    return model;
}
