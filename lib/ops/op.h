/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an operator is: how many inputs it takes, the shapes it makes, and the step that runs it.
 *
 * Set-up and run are apart. infer() and prepare() look at shapes, attributes and known inputs, may
 * allocate from the plan's region and may fail; the run function that prepare() chooses works on
 * pointers, tile by tile, allocates nothing and cannot fail.
 *
 * Tiles never depend on the number of threads, and no element is computed by two tiles. */
#pragma once

#include "core/memory.h"
#include "model/graph.h"

struct CrKernels;

#define CR_MAX_PARTS 8
#define CR_NARROW    4 /* channels */

/* Type, shape and place in memory of a tensor.
 *
 * Plain: row-major, dense; block == 0.
 * Blocked: float32 of rank 4 (N,C,H,W) or 3 (N,C,W; H = 1), stored as
 *     [n][y][channel block][pad_left + x + pad_right][block lanes]
 * with the columns left and right of the picture always zero and the lanes above C finite.
 * The channels may be cut into parts, each of which begins a new block: so Concat and Split on the
 * channel axis move no lanes, whatever the numbers of channels. block == 1 is planar. */
typedef struct {
    ConvRnnDType dtype; /* UNDEFINED for an input that is left out */
    int n_dims;
    int64_t dims[CONVRNN_MAX_RANK];
    int block;
    int pad_left, pad_right;
    int n_parts;            /* 0 or 1: a single part, all channels */
    int part[CR_MAX_PARTS]; /* channels of each part */
    int row_blocks; /* blocks per row of the storage, when this is a view of some of them; 0:
                       just its own */
} CrDesc;

size_t cr_desc_elements(const CrDesc *desc); /* product of dims; they have been checked */
size_t cr_desc_bytes(const CrDesc *desc);    /* of storage, in its layout */

/* N, C, H, W of a tensor of rank 4 or 3. */
typedef struct {
    int n, c, h, w;
} CrNchw;
CrNchw cr_desc_nchw(const CrDesc *desc);

/* Strides of a blocked tensor, in floats, and the offset of pixel x = 0 in a row. */
typedef struct {
    int blocks; /* its own */
    size_t block_stride, row_stride, image_stride, origin;
} CrBlocked;

/* The parts' number, and the channels of part i. */
int cr_desc_parts(const CrDesc *desc);
int cr_desc_part(const CrDesc *desc, int i);
/* Channels in block `index`, and the number of its first channel. */
int cr_desc_block_channels(const CrDesc *desc, int index, int *first);
/* Whether a tensor has so few channels that blocks would be mostly empty: it is better off planar.
 */
static inline bool
cr_desc_is_narrow(const CrDesc *desc)
{
    return desc->n_dims == 4 && desc->dims[1] <= CR_NARROW;
}
/* For an operator that works on rows of either layout: whether the tensor has one; one that is
 * plain and narrow becomes planar. */
bool cr_desc_take_rows(CrDesc *desc);
bool cr_desc_same_layout(const CrDesc *a, const CrDesc *b); /* block, parts; not padding or view */
bool cr_desc_same_shape(const CrDesc *a, const CrDesc *b);
/* Gives desc the block and the parts of like, and neither padding nor view. */
void cr_desc_set_layout(CrDesc *desc, const CrDesc *like);
CrBlocked cr_desc_blocked(const CrDesc *desc);

typedef struct CrStep CrStep;

/* Computes tile `tile` of a step. io: pointers to the inputs, then to the outputs; NULL where an
 * input or output is left out. scratch: step->scratch bytes that belong to this thread, 64-byte
 * aligned, contents undefined. */
typedef void (*CrRunFn)(const CrStep *step, void *const *io, int tile, void *scratch);

/* A step that works row by row. Such steps, one after the other, can run band by band while the
 * rows are in the cache (runtime/chain.h): then an input or output of one image may be a buffer
 * that holds some rows only, at the address where the tensor's layout would have them. */
typedef struct {
    int height;        /* of every output; 0: does not work so */
    int rows_per_tile; /* tile t writes all columns of rows [t / panels · rows_per_tile, …) */
    int panels;        /* tiles that share these rows, each with channels of its own */
    /* From rows [*begin, *end) of the outputs to those that they need of an input; both ends may
     * lie outside the picture, and neither goes back from one tile to the next. False: the input
     * is not read in rows, and has to be there as a whole. NULL: the same rows of all inputs. */
    bool (*needs)(const CrStep *step, int input, int *begin, int *end);
} CrStepRows;

struct CrStep {
    CrRunFn run;
    const void *params; /* owned by the plan's region */
    int n_tiles;
    CrStepRows rows;
    size_t weights; /* about how many bytes of them each tile goes through */
    size_t scratch;
    int n_in, n_out;
    const char *kernel; /* what inspect calls it: "plain", "direct avx512" */
    const char *why;    /* why not a faster one, or NULL */
    uint64_t macs;
};

/* A node while it is being set up. */
typedef struct {
    const CrNode *node;
    int n_in, n_out;
    CrDesc *in, *out;
    ConvRnnTensor *const *value; /* [n_in] the inputs known at set-up; NULL where not known */
    const struct CrKernels *kernels;
    CrRegion *region;
    GHashTable *packed; /* what the plan has packed so far (ops/packed.h); NULL: nothing is kept */
    const void *fused;  /* what the optimizer hands to an operator of its own making, else NULL */
    bool for_plain;     /* blocked() only: whoever reads the outputs wants them plain */
    bool exact; /* convolutions, products and recurrent layers in double precision (ops/exact.h) */
} CrOpSetup;

/* One attribute an operator accepts. */
typedef struct {
    const char *name;
    CrAttrType type;
} CrAttrSpec;

typedef enum {
    /* The output has the bytes of input 0: Reshape, Identity… No step is needed. */
    CR_OP_ALIAS = 1 << 0,
    /* The result depends on the inputs' shapes only: Shape. */
    CR_OP_SHAPE_ONLY = 1 << 1,
    /* If, Loop, Scan: binding puts its graphs in its place. It has neither infer() nor prepare().
     */
    CR_OP_CONTROL = 1 << 2,
} CrOpFlags;

typedef struct CrOp {
    const char *name;
    int min_in, max_in, min_out, max_out; /* max_in -1: any number */
    unsigned flags;
    const CrAttrSpec *attrs; /* ends with name == NULL */

    /* Fills out[] (dtype, n_dims, dims) for plain inputs. Checks everything that prepare and run
     * rely on: dtypes, ranks, attribute ranges. An input that must be known at set-up (a shape,
     * axes) and is not: cr_op_needs_constant(). */
    bool (*infer)(CrOpSetup *setup, GError **error);

    /* Fills step->run, params, n_tiles, scratch, kernel and macs for inputs and outputs in plain
     * layout. NULL for CR_OP_ALIAS. */
    bool (*prepare)(CrOpSetup *setup, CrStep *step, GError **error);

    /* NULL when the operator works on plain tensors only. Else: given shapes and the layouts that
     * the inputs have now, chooses those it wants to work in: sets block, parts and padding of in[]
     * and out[] and returns true (prepare() is then called with just these, or with more padding);
     * or returns false for plain. Known inputs may stay plain. */
    bool (*blocked)(CrOpSetup *setup);
} CrOp;

/* The operator of that name in that domain ("" or "ai.onnx"), or NULL. */
const CrOp *cr_op_find(const char *domain, const char *name);
/* All operators, by name; NULL-terminated. */
const CrOp *const *cr_op_list(void);

/* --- messages: each begins with the node's operator and name --- */

bool cr_op_error(const CrOpSetup *setup, ConvRnnError code, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* UNSUPPORTED: input `index` depends on the frame's values. */
bool cr_op_needs_constant(const CrOpSetup *setup, int index, GError **error);
/* SHAPE, unless input `index` is there and has the dtype. */
bool cr_op_want_dtype(const CrOpSetup *setup, int index, ConvRnnDType dtype, GError **error);
/* "1×3×224×224", "?" for an open dimension; for messages; free with g_free(). */
char *cr_desc_to_string(const CrDesc *desc);

/* --- helpers for infer() --- */

/* axis in [-rank, rank) → [0, rank). */
bool cr_op_axis(const CrOpSetup *setup, int64_t axis, int rank, int *out, GError **error);
/* A known 1-D (or 0-D) int64 or int32 input as int64; *n elements, g_free() *values. */
bool cr_op_ints(const CrOpSetup *setup, int index, int64_t **values, int *n, GError **error);
/* Sets out[index]; checks each dimension and the product against the limits. */
bool cr_op_set_out(CrOpSetup *setup, int index, ConvRnnDType dtype, const int64_t *dims, int n_dims,
                   GError **error);
/* numpy broadcasting of two shapes; false when they do not fit. */
bool cr_broadcast(const CrDesc *a, const CrDesc *b, int64_t *dims, int *n_dims);
