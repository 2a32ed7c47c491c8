/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* X(1) X(2) … X(n): one instance of a tile for each number of pixels. After a vec.h. */
#pragma once

#define V_UP_TO_5(X)  X(1) X(2) X(3) X(4) X(5)
#define V_UP_TO_6(X)  V_UP_TO_5(X) X(6)
#define V_UP_TO_8(X)  V_UP_TO_6(X) X(7) X(8)
#define V_UP_TO_10(X) V_UP_TO_8(X) X(9) X(10)
#define V_UP_TO_12(X) V_UP_TO_10(X) X(11) X(12)
#define V_UP_TO_14(X) V_UP_TO_12(X) X(13) X(14)
#define V_UP_TO_20(X) V_UP_TO_14(X) X(15) X(16) X(17) X(18) X(19) X(20)
#define V_UP_TO_28(X) V_UP_TO_20(X) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28)

/* Sanitizers take minutes to compile the large tiles; the small ones touch the same memory and give
 * the same bits. */
#if defined(CR_FEW_TILES)
#undef V_PIXELS_1
#undef V_PIXELS_2
#undef V_SIZES_1
#undef V_SIZES_2
#define V_PIXELS_1   3
#define V_PIXELS_2   3
#define V_SIZES_1(X) X(1) X(2) X(3)
#define V_SIZES_2(X) X(1) X(2) X(3)
#endif
