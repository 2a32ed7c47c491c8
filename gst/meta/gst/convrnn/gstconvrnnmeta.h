/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#if defined(__GNUC__)
#define GST_CONVRNN_META_API __attribute__((visibility("default")))
#else
#define GST_CONVRNN_META_API
#endif

G_BEGIN_DECLS

/**
 * SECTION:gstconvrnnmeta
 *
 * What the element `convrnn` writes on every buffer: the network's output tensors, and how the
 * state stood. The metadata is a #GstCustomMeta without tags, so it goes through videoconvert,
 * scalers and encoders, and any language that can read a #GstStructure can read it without this
 * library; docs/metadata.md is the contract of its fields. This library is the typed way in from C.
 *
 * |[<!-- language="C" -->
 * GstCustomMeta *meta = gst_convrnn_meta_get(buffer, NULL);
 * GstConvRnnTensorView view;
 * if (meta && gst_convrnn_meta_find_tensor(meta, "pha", &view))
 *     use(view.data, view.dims[2], view.dims[3]);
 * ]|
 *
 * Thread-safety: as for the buffer: any number of readers, or one writer.
 */

/**
 * GST_CONVRNN_META_NAME:
 *
 * The name under which the metadata is registered, and the name of its structure.
 */
#define GST_CONVRNN_META_NAME "GstConvRnnMeta"

/**
 * GST_CONVRNN_META_VERSION:
 *
 * The version of the field layout. It grows when a field changes its meaning or goes away; new
 * fields alone do not change it.
 */
#define GST_CONVRNN_META_VERSION 1

/**
 * GST_CONVRNN_MAX_RANK:
 *
 * The largest number of dimensions a tensor may have.
 */
#define GST_CONVRNN_MAX_RANK 8

/**
 * GstConvRnnMetaFlags:
 * @GST_CONVRNN_META_RESET: the step began from the initial state: first frame of a generation
 * @GST_CONVRNN_META_SKIPPED: no step was made for this frame; the state was held, no tensors
 * @GST_CONVRNN_META_DISCONT: the buffer said that frames are missing before it; the state was kept
 * @GST_CONVRNN_META_STATE_INVALID: a NaN or an infinity came up in the state in this step; the
 * state has been reset and the next frame starts a new generation
 */
typedef enum {
    GST_CONVRNN_META_RESET = 1 << 0,
    GST_CONVRNN_META_SKIPPED = 1 << 1,
    GST_CONVRNN_META_DISCONT = 1 << 2,
    GST_CONVRNN_META_STATE_INVALID = 1 << 3,
} GstConvRnnMetaFlags;

/**
 * GstConvRnnMetaInfo:
 * @model: the model's file, as the element was given it
 * @element: the name of the element that made the result
 * @step: how many steps the state had seen before this frame: 0 for the first of a generation
 * @generation: how often the element's state has been reset since the element started
 * @flags: how the state stood
 * @frame_width: width in pixels of the frame that the network saw
 * @frame_height: its height
 * @model_width: width in pixels of the picture that the model was given
 * @model_height: its height
 * @scale_x: frame pixels per model pixel, in x
 * @scale_y: the same in y
 * @offset_x: x in the frame of the model picture's left edge: frame_x = model_x · scale_x +
 * offset_x, for edges (pixel i covers i…i+1)
 * @offset_y: the same in y, for the upper edge
 * @pts_delta: nanoseconds of stream between this frame and the one that the last step saw; -1 when
 *   unknown
 *
 * Everything but the tensors. The strings belong to the metadata.
 */
typedef struct {
    const gchar *model;
    const gchar *element;
    guint64 step;
    guint64 generation;
    GstConvRnnMetaFlags flags;
    gint frame_width;
    gint frame_height;
    gint model_width;
    gint model_height;
    gdouble scale_x;
    gdouble scale_y;
    gdouble offset_x;
    gdouble offset_y;
    gint64 pts_delta;
} GstConvRnnMetaInfo;

/**
 * GstConvRnnTensorView:
 * @name: the model's name of the output
 * @dtype: element type: "float32", "float16", "float64", "int8"…"int64", "uint8"…"uint64" or "bool"
 * @n_dims: rank; 0 for a single number
 * @dims: the dimensions, outermost first
 * @bytes: the payload; take a reference to keep it beyond the buffer
 * @data: its elements: row-major, native byte order, 64-byte aligned when it comes from `convrnn`
 * @size: bytes at @data
 *
 * One output tensor of one frame, seen in place: nothing is copied and nothing needs freeing. Valid
 * as long as the metadata.
 */
typedef struct {
    const gchar *name;
    const gchar *dtype;
    guint n_dims;
    gint64 dims[GST_CONVRNN_MAX_RANK];
    GBytes *bytes;
    gconstpointer data;
    gsize size;
} GstConvRnnTensorView;

/**
 * gst_convrnn_meta_get_meta_info: (skip)
 *
 * Registers the metadata when nobody has done so yet. Reading does not need it.
 *
 * Returns: (transfer none): the registered type. Thread-safety: always safe.
 */
GST_CONVRNN_META_API const GstMetaInfo *gst_convrnn_meta_get_meta_info(void);

/**
 * gst_convrnn_meta_add:
 * @buffer: a writable buffer
 * @info: everything but the tensors
 *
 * Adds the metadata of one frame, without tensors so far. A buffer may carry one for each
 * `convrnn` element that it went through.
 *
 * Returns: (transfer none): the metadata; it belongs to @buffer.
 */
GST_CONVRNN_META_API GstCustomMeta *gst_convrnn_meta_add(GstBuffer *buffer,
                                                         const GstConvRnnMetaInfo *info);

/**
 * gst_convrnn_meta_add_tensor:
 * @meta: metadata on a writable buffer
 * @name: the output's name in the model
 * @dtype: element type, as in #GstConvRnnTensorView
 * @dims: (array length=n_dims) (nullable): the dimensions; %NULL when @n_dims is 0
 * @n_dims: rank, at most %GST_CONVRNN_MAX_RANK
 * @bytes: (transfer none): the elements in row-major order; referenced, not copied
 *
 * Appends one tensor.
 */
GST_CONVRNN_META_API void gst_convrnn_meta_add_tensor(GstCustomMeta *meta, const gchar *name,
                                                      const gchar *dtype, const gint64 *dims,
                                                      guint n_dims, GBytes *bytes);

/**
 * gst_convrnn_meta_iterate: (skip)
 * @buffer: a buffer
 * @state: (inout): a pointer that is %NULL for the first call
 *
 * Goes through the results on @buffer, one for each `convrnn` element that it went through, in that
 * order.
 *
 * Returns: (transfer none) (nullable): the next one, %NULL after the last.
 */
GST_CONVRNN_META_API GstCustomMeta *gst_convrnn_meta_iterate(GstBuffer *buffer, gpointer *state);

/**
 * gst_convrnn_meta_get:
 * @buffer: a buffer
 * @element: (nullable): the name of the `convrnn` element; %NULL for the first result there is
 *
 * Returns: (transfer none) (nullable): that element's result; %NULL when the buffer has none.
 */
GST_CONVRNN_META_API GstCustomMeta *gst_convrnn_meta_get(GstBuffer *buffer, const gchar *element);

/**
 * gst_convrnn_meta_get_info:
 * @meta: a result
 * @info: (out caller-allocates): everything but the tensors
 *
 * Returns: %TRUE, or %FALSE with @info untouched when @meta is not a result of this version or
 *   lacks fields.
 */
GST_CONVRNN_META_API gboolean gst_convrnn_meta_get_info(GstCustomMeta *meta,
                                                        GstConvRnnMetaInfo *info);

/**
 * gst_convrnn_meta_get_n_tensors:
 * @meta: a result
 *
 * Returns: the number of tensors; 0 for a skipped frame.
 */
GST_CONVRNN_META_API guint gst_convrnn_meta_get_n_tensors(GstCustomMeta *meta);

/**
 * gst_convrnn_meta_get_tensor:
 * @meta: a result
 * @index: below gst_convrnn_meta_get_n_tensors()
 * @view: (out caller-allocates): the tensor
 *
 * Returns: %TRUE, or %FALSE when there is no such tensor, or its fields contradict each other (a
 *   payload of another size than type and dimensions say).
 */
GST_CONVRNN_META_API gboolean gst_convrnn_meta_get_tensor(GstCustomMeta *meta, guint index,
                                                          GstConvRnnTensorView *view);

/**
 * gst_convrnn_meta_find_tensor:
 * @meta: a result
 * @name: the output's name in the model
 * @view: (out caller-allocates): the tensor
 *
 * Returns: %TRUE, or %FALSE when there is no such tensor.
 */
GST_CONVRNN_META_API gboolean gst_convrnn_meta_find_tensor(GstCustomMeta *meta, const gchar *name,
                                                           GstConvRnnTensorView *view);

/**
 * gst_convrnn_tensor_view_get_element_size:
 * @view: a tensor
 *
 * Returns: bytes per element.
 */
GST_CONVRNN_META_API gsize
gst_convrnn_tensor_view_get_element_size(const GstConvRnnTensorView *view);

G_END_DECLS
