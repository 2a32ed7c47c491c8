/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every function of a table, under the names of the instruction set that V_ISA() stands for. */

void V_ISA(conv_row)(const CrConvRow *row);
void V_ISA(conv_plane_row)(const CrConvRow *row, ptrdiff_t y_stride, int n_out);
void V_ISA(depthwise_row)(const CrDepthwiseRow *row);
void V_ISA(depthwise_plane_row)(const CrDepthwiseRow *row);
void V_ISA(max_pool_row)(const CrPoolRow *row);
void V_ISA(average_pool_row)(const CrPoolRow *row);
void V_ISA(max_pool_plane_row)(const CrPoolRow *row);
void V_ISA(average_pool_plane_row)(const CrPoolRow *row);
void V_ISA(winograd_input)(float *v, const float *const rows[6], int n_tiles);
void V_ISA(winograd_products)(const CrWinogradProducts *products);
void V_ISA(winograd_output)(float *const y[4], const float *m, const float *bias, float low,
                            float high, int width);

void V_ISA(add)(float *dst, const float *a, const float *b, size_t n);
void V_ISA(sub)(float *dst, const float *a, const float *b, size_t n);
void V_ISA(mul)(float *dst, const float *a, const float *b, size_t n);
void V_ISA(div)(float *dst, const float *a, const float *b, size_t n);
void V_ISA(max)(float *dst, const float *a, const float *b, size_t n);
void V_ISA(min)(float *dst, const float *a, const float *b, size_t n);

void V_ISA(clip)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(leaky_relu)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(sigmoid)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(tanh)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(hard_sigmoid)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(hard_swish)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(affine)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(exp)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(sqrt)(float *dst, const float *x, size_t n, float a, float b);
void V_ISA(abs)(float *dst, const float *x, size_t n, float a, float b);

void V_ISA(clip_mul)(float *dst, const float *x, const float *y, const float *z, size_t n, float a,
                     float b);
void V_ISA(leaky_relu_mul)(float *dst, const float *x, const float *y, const float *z, size_t n,
                           float a, float b);
void V_ISA(sigmoid_mul)(float *dst, const float *x, const float *y, const float *z, size_t n,
                        float a, float b);
void V_ISA(tanh_mul)(float *dst, const float *x, const float *y, const float *z, size_t n, float a,
                     float b);
void V_ISA(hard_sigmoid_mul)(float *dst, const float *x, const float *y, const float *z, size_t n,
                             float a, float b);
void V_ISA(hard_swish_mul)(float *dst, const float *x, const float *y, const float *z, size_t n,
                           float a, float b);
void V_ISA(affine_mul)(float *dst, const float *x, const float *y, const float *z, size_t n,
                       float a, float b);
void V_ISA(exp_mul)(float *dst, const float *x, const float *y, const float *z, size_t n, float a,
                    float b);
void V_ISA(sqrt_mul)(float *dst, const float *x, const float *y, const float *z, size_t n, float a,
                     float b);
void V_ISA(abs_mul)(float *dst, const float *x, const float *y, const float *z, size_t n, float a,
                    float b);

void V_ISA(mul_add)(float *dst, const float *x, const float *y, const float *z, size_t n);

void V_ISA(fill_lanes)(float *dst, const float *src, int lanes, size_t n);
void V_ISA(fill_pixels)(float *dst, const float *src, ptrdiff_t step, int width);
void V_ISA(pack_row)(float *dst, ptrdiff_t block_stride, const float *src, ptrdiff_t plane_stride,
                     int channels, int width);
void V_ISA(unpack_row)(float *dst, ptrdiff_t plane_stride, const float *src, ptrdiff_t block_stride,
                       int channels, int width);
void V_ISA(resize_row)(float *dst, const float *r0, const float *r1, float fy, const int32_t *x0,
                       const int32_t *x1, const float *fx, int width);
void V_ISA(sample_plane_row)(float *dst, const float *src, const int32_t *x0, const int32_t *x1,
                             const float *fx, int width);
void V_ISA(blend_row)(float *dst, const float *a, const float *b, float f, int n);
void V_ISA(sum_row)(float *acc, const float *row, int width);
void V_ISA(gemv_panel)(float *y, const float *w, const float *bias, const float *x, int k);
void V_ISA(gemv_int8_panel)(float *y, const int8_t *w, const float *scale, const float *bias,
                            const float *x, int k);
int V_ISA(has_non_finite)(const float *x, size_t n);
