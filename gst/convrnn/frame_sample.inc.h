/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sampling rows with vectors. The file that includes this has
 *   LANES                 outputs at a time
 *   Bytes, Floats         vectors of 4 · LANES bytes and of LANES floats
 *   fetch_4(), fetch_8()  the windows of LANES or of half as many outputs, sample lo lowest
 *   split()               for windows of 8 bytes: four bytes of each from sample lo on, and from hi
 *   picker(), pick()      one component of LANES · 4 bytes, as floats
 *   load_floats(), store_floats()
 * `near` is whether the windows are chosen from registers. */

/* Four bytes of each output, in turn: those from sample lo on, and those from sample hi on or, with
 * windows of 4 bytes, the same. */
typedef struct {
    Bytes lo, hi;
} Samples;

ROW_INLINE Samples
fetch(const CrSampler *sampler, const guint8 *row, int i, int window, gboolean near)
{
    Samples samples;

    if (window == 4)
        samples.lo = samples.hi = fetch_4(sampler, row, i, near);
    else
        split(fetch_8(sampler, row, i, near), fetch_8(sampler, row, i + LANES / 2, near),
              sampler->pixel, &samples.lo, &samples.hi);
    return samples;
}

/* The last three are constants where this is called. */
ROW_INLINE void
sample_components(const CrSampler *sampler, const guint8 *row, float *const *rows, int n_components,
                  int window, gboolean near)
{
    const CrSampler tables = *sampler; /* that no store changes */
    const CrAxis axis = *sampler->axis;
    int beside = window == 4 ? sampler->pixel : 0;
    Bytes lo[CR_MAX_SAMPLED], hi[CR_MAX_SAMPLED];
    float *out[CR_MAX_SAMPLED];

    for (int k = 0; k < n_components; k++) {
        int high = tables.high[k];

        lo[k] = picker(tables.low[k], high, 4);
        hi[k] = picker(tables.low[k] + beside, high < 0 ? high : high + beside, 4);
        out[k] = rows[k];
    }
    for (int i = 0; i < axis.n; i += LANES) {
        Floats weight = load_floats(axis.weight + i);
        Samples samples = fetch(&tables, row, i, window, near);

        for (int k = 0; k < n_components; k++) {
            Floats a = pick(samples.lo, lo[k]), b = pick(samples.hi, hi[k]);

            store_floats(out[k] + i, a + (b - a) * weight);
        }
    }
}

/* The kinds that there are. */
ROW_INLINE void
sample_windows(const CrSampler *sampler, const guint8 *row, float *const *out, gboolean near)
{
    int n = sampler->n_components;

    if (sampler->window == 4 && n == 1)
        sample_components(sampler, row, out, 1, 4, near);
    else if (sampler->window == 4 && n == 2)
        sample_components(sampler, row, out, 2, 4, near);
    else if (sampler->window == 8 && n == 2)
        sample_components(sampler, row, out, 2, 8, near);
    else if (sampler->window == 8 && n == 3)
        sample_components(sampler, row, out, 3, 8, near);
    else
        cr_frame_rows_c.sample(sampler, row, out);
}
