/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tensor_picture.h"
#include "resample_axis.h"
#include <math.h>
#include <string.h>

static ConvRnnDType
readable_dtype(const char *name)
{
    static const ConvRnnDType types[] = {
        CONVRNN_DTYPE_FLOAT32, CONVRNN_DTYPE_FLOAT64, CONVRNN_DTYPE_UINT8, CONVRNN_DTYPE_INT8,
        CONVRNN_DTYPE_BOOL,    CONVRNN_DTYPE_INT32,   CONVRNN_DTYPE_INT64,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(name, convrnn_dtype_get_name(types[i])) == 0)
            return types[i];
    return CONVRNN_DTYPE_UNDEFINED;
}

static gboolean
is_color(gint64 channels)
{
    return channels == 1 || channels == 3 || channels == 4;
}

gboolean
cr_tensor_picture_init(CrTensorPicture *picture, const GstConvRnnTensorView *view)
{
    const gint64 *dims = view->dims;
    guint rank = view->n_dims;
    gint64 c, h, w;
    gboolean last;

    while (rank > 3 && *dims == 1) {
        dims++;
        rank--;
    }
    picture->dtype = readable_dtype(view->dtype);
    if (rank < 2 || rank > 3 || picture->dtype == CONVRNN_DTYPE_UNDEFINED)
        return FALSE;
    last = rank == 3 && dims[0] > 4 && dims[1] > 4 && is_color(dims[2]);
    c = rank == 2 ? 1 : dims[last ? 2 : 0];
    h = dims[rank == 2 || last ? 0 : 1];
    w = dims[rank == 2 || last ? 1 : 2];
    if (c < 1 || h < 1 || w < 1 || c > G_MAXINT16 || h > G_MAXINT16 || w > G_MAXINT16)
        return FALSE;
    picture->data = view->data;
    picture->channels = (int)c;
    picture->height = (int)h;
    picture->width = (int)w;
    picture->c_step = last ? 1 : (gsize)(h * w);
    picture->y_step = (gsize)(last ? c * w : w);
    picture->x_step = last ? (gsize)c : 1;
    return TRUE;
}

#define READ_AS(type)                                                                              \
    do {                                                                                           \
        const type *in = (const type *)picture->data + at;                                         \
        for (int x = 0; x < picture->width; x++)                                                   \
            out[x] = (float)in[x * picture->x_step];                                               \
    } while (0)

static void
read_row(const CrTensorPicture *picture, int channel, int y, float *out)
{
    gsize at = channel * picture->c_step + y * picture->y_step;

    switch (picture->dtype) {
    case CONVRNN_DTYPE_FLOAT64:
        READ_AS(double);
        break;
    case CONVRNN_DTYPE_INT8:
        READ_AS(gint8);
        break;
    case CONVRNN_DTYPE_INT32:
        READ_AS(gint32);
        break;
    case CONVRNN_DTYPE_INT64:
        READ_AS(gint64);
        break;
    case CONVRNN_DTYPE_UINT8:
    case CONVRNN_DTYPE_BOOL:
        READ_AS(guint8);
        break;
    default:
        READ_AS(float);
        break;
    }
}

void
cr_tensor_picture_get_range(const CrTensorPicture *picture, int channel, float *min, float *max)
{
    g_autofree float *row = g_new(float, picture->width);

    *min = INFINITY;
    *max = -INFINITY;
    for (int y = 0; y < picture->height; y++) {
        read_row(picture, channel, y, row);
        for (int x = 0; x < picture->width; x++) {
            *min = row[x] < *min ? row[x] : *min;
            *max = row[x] > *max ? row[x] : *max;
        }
    }
}

struct _CrTensorScaler {
    int width, height; /* of the tensor */
    GstConvRnnMetaInfo info;
    CrAxis x, y;
    float *upper, *lower; /* tensor rows */
    float *row;           /* frame row */
};

/* Frame pixel i has its centre at i + ½; the model's picture has it at (i + ½ − offset) / scale. */
static void
fill_axis(CrAxis *axis, double scale, double offset, int model_size, int tensor_size)
{
    for (int i = 0; i < axis->n; i++)
        cr_axis_set(axis, i, (i + 0.5 - offset) / scale * tensor_size / model_size - 0.5,
                    tensor_size);
}

CrTensorScaler *
cr_tensor_scaler_new(const CrTensorPicture *picture, const GstConvRnnMetaInfo *info,
                     int frame_width, int frame_height)
{
    CrTensorScaler *scaler = g_new0(CrTensorScaler, 1);

    scaler->width = picture->width;
    scaler->height = picture->height;
    scaler->info = *info;
    scaler->upper = g_try_new(float, picture->width);
    scaler->lower = g_try_new(float, picture->width);
    scaler->row = g_try_new(float, frame_width);
    if (!cr_axis_init(&scaler->x, frame_width) || !cr_axis_init(&scaler->y, frame_height) ||
        !scaler->upper || !scaler->lower || !scaler->row) {
        cr_tensor_scaler_free(scaler);
        return NULL;
    }
    fill_axis(&scaler->x, info->scale_x * frame_width / info->frame_width,
              info->offset_x * frame_width / info->frame_width, info->model_width, picture->width);
    fill_axis(&scaler->y, info->scale_y * frame_height / info->frame_height,
              info->offset_y * frame_height / info->frame_height, info->model_height,
              picture->height);
    return scaler;
}

void
cr_tensor_scaler_free(CrTensorScaler *scaler)
{
    if (scaler == NULL)
        return;
    cr_axis_clear(&scaler->x);
    cr_axis_clear(&scaler->y);
    g_free(scaler->upper);
    g_free(scaler->lower);
    g_free(scaler->row);
    g_free(scaler);
}

gboolean
cr_tensor_scaler_fits(const CrTensorScaler *scaler, const CrTensorPicture *picture,
                      const GstConvRnnMetaInfo *info, int frame_width, int frame_height)
{
    const GstConvRnnMetaInfo *made = &scaler->info;

    return scaler->width == picture->width && scaler->height == picture->height &&
           scaler->x.n == frame_width && scaler->y.n == frame_height &&
           made->frame_width == info->frame_width && made->frame_height == info->frame_height &&
           made->model_width == info->model_width && made->model_height == info->model_height &&
           made->scale_x == info->scale_x && made->scale_y == info->scale_y &&
           made->offset_x == info->offset_x && made->offset_y == info->offset_y;
}

const float *
cr_tensor_scaler_get_row(CrTensorScaler *scaler, const CrTensorPicture *picture, int channel, int y)
{
    float weight = scaler->y.weight[y];
    const CrAxis *axis = &scaler->x;

    read_row(picture, channel, scaler->y.lo[y], scaler->upper);
    if (weight > 0) {
        read_row(picture, channel, scaler->y.hi[y], scaler->lower);
        for (int x = 0; x < scaler->width; x++)
            scaler->upper[x] += (scaler->lower[x] - scaler->upper[x]) * weight;
    }
    for (int x = 0; x < axis->n; x++) {
        float a = scaler->upper[axis->lo[x]], b = scaler->upper[axis->hi[x]];

        scaler->row[x] = a + (b - a) * axis->weight[x];
    }
    return scaler->row;
}
