/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding the tensor to show among the results on a buffer, and holding on to it over frames for
 * which no step was made. */
#pragma once

#include "tensor_picture.h"

typedef struct {
    GBytes *held; /* the payload of the tensor below; NULL when there is none */
    CrTensorPicture picture;
    GstConvRnnMetaInfo info; /* its strings are not kept */
} CrResultTensor;

typedef enum {
    CR_RESULT_FOUND,   /* of this frame, or the last one's on a skipped frame */
    CR_RESULT_SKIPPED, /* the frame was skipped and there is nothing to hold */
    CR_RESULT_MISSING, /* no result, or no such tensor: *why says so, to be freed */
} CrResultStatus;

/* element, tensor: NULL for any. channels: how many are wanted when the tensor is not named. */
CrResultStatus cr_result_tensor_find(CrResultTensor *result, GstBuffer *buffer, const char *element,
                                     const char *tensor, int channels, char **why);
void cr_result_tensor_clear(CrResultTensor *result);
