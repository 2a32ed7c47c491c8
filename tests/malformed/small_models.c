/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "malformed/small_models.h"
#include "support/onnx_writer.h"

/* Convolution, activation, pooling, dense layer, with raw weights. */
static GBytes *
convolution(void)
{
    static const float weights[2 * 2 * 3 * 3], dense[3 * 2];
    const int64_t w_dims[4] = {2, 2, 3, 3}, d_dims[2] = {3, 2}, one[4] = {1, 1, 1, 1};
    Ow *conv = ow_node("Conv", "x,w", "a"), *gemm = ow_node("Gemm", "d,v", "y"), *graph;

    ow_attr_ints(conv, "pads", one, 4);
    ow_attr_int(gemm, "transB", 1);
    graph = ow_graph(conv, ow_node("Relu", "a", "b"), ow_node("GlobalAveragePool", "b", "c"),
                     ow_node("Flatten", "c", "d"), gemm, NULL);
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("w", OW_FLOAT, w_dims, 4, weights, sizeof weights));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("v", OW_FLOAT, d_dims, 2, dense, sizeof dense));
    return ow_model(graph, 21);
}

/* A state, metadata, typed lists, optional inputs. */
static GBytes *
recurrent(void)
{
    const int64_t dims[4] = {1, 2, 4, 4};
    Ow *model = ow_model_head(8, 13), *graph, *list = ow_tensor_head("k", OW_FLOAT, NULL, 0);

    ow_metadata(model, "convrnn.state.h_in", "h_out");
    ow_float(list, 4, 0.5f);
    graph = ow_graph(ow_node("Mul", "h_in,k", "m"), ow_node("Add", "m,x", "h_out"),
                     ow_node("Clip", "h_out,,k", "y"), NULL);
    ow_put(graph, OW_G_INITIALIZER, list);
    ow_put(graph, OW_G_INPUT, ow_value("h_in", OW_FLOAT, dims, 4));
    ow_put(graph, OW_G_OUTPUT, ow_value("h_out", OW_FLOAT, dims, 4));
    return ow_finish(model, graph);
}

/* Operators of an old opset, each of which is rewritten. */
static GBytes *
old_opset(void)
{
    const int64_t one = 1, four = 4, pads[8] = {0, 0, 1, 1, 0, 0, 1, 1};
    const float scales[4] = {1, 1, 2, 2};
    Ow *constant = ow_node("Constant", "", "c"), *clip = ow_node("Clip", "a", "b");
    Ow *pad = ow_node("Pad", "b", "p"), *up = ow_node("Upsample", "p", "u");
    Ow *slice = ow_node("Slice", "u", "s"), *drop = ow_node("Dropout", "s", "t");
    Ow *softmax = ow_node("Softmax", "t", "y");

    ow_attr_tensor(constant, "value", ow_tensor_f32(NULL, scales, 4));
    ow_attr_float(clip, "max", 6);
    ow_attr_ints(pad, "pads", pads, 8);
    ow_attr_text(pad, "mode", "constant");
    ow_attr_floats(up, "scales", scales, 4);
    ow_attr_ints(slice, "starts", &one, 1);
    ow_attr_ints(slice, "ends", &four, 1);
    ow_attr_float(drop, "ratio", 0.5f);
    return ow_model(
        ow_graph(constant, ow_node("Add", "x,c", "a"), clip, pad, up, slice, drop, softmax, NULL),
        8);
}

/* Packed integers of several types, an LSTM with inputs left out. */
static GBytes *
lists(void)
{
    static const float w[4 * 2 * 3], r[4 * 2 * 2];
    const int64_t w_dims[3] = {1, 8, 3}, r_dims[3] = {1, 8, 2}, shape[3] = {1, -1, 3};
    Ow *lstm = ow_node("LSTM", "s,w,r,,,h_0", ",h_n"), *graph, *packed = ow_new();
    Ow *k = ow_tensor_head("shape", OW_INT64, (const int64_t[]){3}, 1);

    for (int i = 0; i < 3; i++)
        ow_varint(packed, (uint64_t)shape[i]);
    ow_put(k, 7, packed);
    ow_attr_int(lstm, "hidden_size", 2);
    ow_attr_text(lstm, "direction", "forward");
    graph = ow_graph(ow_node("Reshape", "z,shape", "s"), lstm, ow_node("Relu", "x", "y"), NULL);
    ow_put(graph, OW_G_INITIALIZER, k);
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("w", OW_FLOAT, w_dims, 3, w, sizeof w));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("r", OW_FLOAT, r_dims, 3, r, sizeof r));
    ow_put(graph, OW_G_INPUT, ow_value("z", OW_FLOAT, (const int64_t[]){1, 3}, 2));
    ow_put(graph, OW_G_INPUT, ow_value("h_0", OW_FLOAT, (const int64_t[]){1, -1, 2}, 3));
    ow_put(graph, OW_G_OUTPUT, ow_value("h_n", OW_FLOAT, (const int64_t[]){1, 1, 2}, 3));
    return ow_model(graph, 17);
}

/* A loop in a branch, a scan, names from around them. */
static GBytes *
control(void)
{
    const int64_t one = 1, three = 3, four = 4;
    Ow *body = ow_body("i,go,h", "go,r,k", ow_node("Add", "h,x", "r"),
                       ow_node("Identity", "i", "k"), NULL);
    Ow *loop = ow_node("Loop", "three,,x", "p,n"), *branch = ow_node("If", "c", "b"), *graph;
    Ow *scan = ow_node("Scan", "b,b", "last,y");

    ow_attr_graph(loop, "body", body);
    ow_attr_graph(branch, "then_branch", ow_body("", "p", loop, NULL));
    ow_attr_graph(branch, "else_branch", ow_body("", "q", ow_node("Neg", "x", "q"), NULL));
    ow_attr_graph(
        scan, "body",
        ow_body("s,v", "s,w", ow_node("Mul", "v,s", "u"), ow_node("Mul", "u,x", "w"), NULL));
    ow_attr_int(scan, "num_scan_inputs", 1);
    ow_attr_ints(scan, "scan_input_axes", &one, 1);
    ow_attr_ints(scan, "scan_output_directions", &one, 1);
    graph = ow_graph(ow_node("Size", "x", "z"), ow_node("Less", "four,z", "c"), branch, scan, NULL);
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("three", OW_INT64, NULL, 0, &three, sizeof three));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("four", OW_INT64, NULL, 0, &four, sizeof four));
    return ow_model(graph, 17);
}

/* A function that calls two others of one name; attributes given, left to a default, left out. */
static GBytes *
functions(void)
{
    Ow *model = ow_model_head(10, 17), *outer, *inner, *other, *leak, *limit, *slope = ow_new();
    Ow *first = ow_node("f", "a,", "b"), *second = ow_node("f", "b", "c");
    Ow *call = ow_node("g", "x", "y");

    leak = ow_node("LeakyRelu", "v", "w");
    ow_attr_ref(leak, "alpha", 1, "slope");
    inner = ow_function("local", "f", "v,most", "w", leak, NULL);
    ow_text(slope, 1, "slope");
    ow_float(slope, 2, 0.5f);
    ow_int(slope, 20, 1);
    ow_put(inner, OW_F_DEFAULT, slope);
    limit = ow_node("Clip", "v,,most", "w");
    ow_attr_ref(limit, "min", 1, "least");
    other = ow_function("local", "f", "v,most", "w", limit, NULL);
    ow_text(other, 13, "other");
    ow_text(other, OW_F_ATTRIBUTE, "least");
    ow_opset(other, 9, "", 13);
    ow_text(first, 7, "local");
    ow_attr_float(first, "slope", 0.25f);
    ow_text(second, 7, "local");
    ow_text(second, 8, "other");
    outer = ow_function("local", "g", "a", "c", first, second, NULL);
    ow_text(call, 7, "local");
    ow_put(model, OW_M_FUNCTION, outer);
    ow_put(model, OW_M_FUNCTION, inner);
    ow_put(model, OW_M_FUNCTION, other);
    return ow_finish(model, ow_graph(call, NULL));
}

const SmallModel small_models[] = {
    {"convolution", convolution},
    {"recurrent", recurrent},
    {"old-opset", old_opset},
    {"lists", lists},
    {"control", control},
    {"functions", functions},
    {NULL, NULL},
};
