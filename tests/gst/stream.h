/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An element with a stream of small frames through it, and a bus to read its messages from. */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/convrnn/gstconvrnnmeta.h>
#include <gst/video/video.h>

/* Frames come at 25 per second. */
#define STREAM_FRAME (40 * GST_MSECOND)

typedef struct {
    GstElement *element;
    GstHarness *harness;
    GstBus *bus;
    GstVideoInfo info;
} Stream;

/* An element from a gst-launch description of one element, with a bus of its own. */
GstElement *stream_make_element(const char *description, GstBus **bus);

/* The same, playing, in a harness. */
void stream_init(Stream *stream, const char *description);
void stream_clear(Stream *stream);

/* "RGB", 8×6. Returns FALSE when the element refuses. */
void stream_set_caps(Stream *stream, const char *format, int width, int height, int fps);

/* A frame of random bytes, or of one value; its time is index frames after 0. */
GstBuffer *stream_random_frame(Stream *stream, guint seed, int index);
GstBuffer *stream_flat_frame(Stream *stream, guint8 value, int index);

/* Pushes a frame (taken over) and pulls what comes out, to be unreferenced. */
GstBuffer *stream_push(Stream *stream, GstBuffer *frame);

/* The same with a flat frame; y[0] of the result, and everything else about it. NAN: no tensor. */
float stream_push_flat(Stream *stream, guint8 value, int index, GstConvRnnMetaInfo *info);

/* The result and its tensor; the test ends when there is none. */
GstCustomMeta *stream_result(GstBuffer *buffer, GstConvRnnMetaInfo *info);
const float *stream_tensor(GstBuffer *buffer, const char *name, GstConvRnnTensorView *view);

/* The next message of this type; the test ends when there is none. Its text is to be freed. */
char *stream_take_error(GstBus *bus, GstMessageType type, GQuark *domain, int *code);
/* The next message of this type, NULL when there is none. */
GstMessage *stream_take_message(GstBus *bus, GstMessageType type);
