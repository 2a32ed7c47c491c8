/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model_error.h"
#include <glib/gstdio.h>

typedef struct {
    GQuark domain;
    int code;
    const char *advice;
} Posting;

static Posting
missing_file(void)
{
    return (Posting){GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                     "Set the property \"model\" to an ONNX file; a relative path starts at the "
                     "working directory of the process"};
}

static Posting
posting_for(const GError *error, const char *path)
{
    if (error->domain != CONVRNN_ERROR)
        return (Posting){error->domain, error->code, NULL};
    switch ((ConvRnnError)error->code) {
    case CONVRNN_ERROR_IO:
        if (path != NULL && !g_file_test(path, G_FILE_TEST_EXISTS))
            return missing_file();
        return (Posting){GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
                         "Check that it is a regular file which this user may read"};
    case CONVRNN_ERROR_FORMAT:
        return (Posting){GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
                         "Check that it is a complete ONNX file: compare its size with the "
                         "original, or export it again"};
    case CONVRNN_ERROR_UNSUPPORTED:
        return (Posting){GST_STREAM_ERROR, GST_STREAM_ERROR_NOT_IMPLEMENTED,
                         "The command \"convrnn inspect\" lists what a model needs"};
    case CONVRNN_ERROR_SHAPE:
        return (Posting){GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                         "Check the size of the frames against what the model takes, and the "
                         "property \"constants\""};
    case CONVRNN_ERROR_STATE:
        return (Posting){GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                         "Name the pairs with the property \"state-map\", as "
                         "INPUT=OUTPUT,INPUT=OUTPUT, or set it to \"none\""};
    case CONVRNN_ERROR_NOMEM:
        return (Posting){GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
                         "Give the network smaller frames, or the process more memory"};
    case CONVRNN_ERROR_CPU:
        return (Posting){GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                         "Unset the environment variable CONVRNN_CPU"};
    case CONVRNN_ERROR_LIMIT:
    default:
        return (Posting){GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                         "The limits are there against broken files: use a smaller model or "
                         "smaller frames"};
    }
}

void
cr_model_error_post(GstElement *element, GstMessageType type, const char *path, const char *what,
                    const GError *error)
{
    Posting posting = posting_for(error, path);
    char *text = posting.advice
                     ? g_strdup_printf("%s: %s. %s.", what, error->message, posting.advice)
                     : g_strdup_printf("%s: %s.", what, error->message);
    char *debug = g_strdup_printf("%s, code %d", g_quark_to_string(error->domain), error->code);

    gst_element_message_full(element, type, posting.domain, posting.code, text, debug, __FILE__,
                             GST_FUNCTION, __LINE__);
}
