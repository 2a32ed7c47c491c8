/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that loading writes out as others, run as whole models. Expected numbers from ONNX
 * Runtime, unless a comment says otherwise. */
#include "support/onnx_writer.h"
#include "support/op_run.h"
#include <convrnn/convrnn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MICROSOFT "com.microsoft"

/* "axis=1 alpha=0.5 mode=reflect pads=[0,1]" */
static void
add_attrs(Ow *node, const char *text)
{
    char **words = g_strsplit(text, " ", -1);

    for (char **word = words; *word && **word; word++) {
        char *value = strchr(*word, '=');
        *value++ = '\0';
        if (*value == '[') {
            char **numbers = g_strsplit(value + 1, ",", -1);
            bool floats = strchr(value, '.') != NULL;
            int64_t ints[8];
            float reals[8];
            int n = 0;
            for (; numbers[n]; n++) {
                ints[n] = atoll(numbers[n]);
                reals[n] = (float)g_ascii_strtod(numbers[n], NULL);
            }
            if (floats)
                ow_attr_floats(node, *word, reals, n);
            else
                ow_attr_ints(node, *word, ints, n);
            g_strfreev(numbers);
        } else if (g_ascii_isalpha(*value)) {
            ow_attr_text(node, *word, value);
        } else if (strchr(value, '.')) {
            ow_attr_float(node, *word, (float)g_ascii_strtod(value, NULL));
        } else {
            ow_attr_int(node, *word, atoll(value));
        }
    }
    g_strfreev(words);
}

static Ow *
tensor_message(const char *name, const ConvRnnTensor *t)
{
    return ow_tensor(name, (int)t->dtype, t->dims, t->n_dims, t->data,
                     t->n_elements * convrnn_dtype_get_size(t->dtype));
}

/* A list of tensors as for op_run_inputs(): "~" makes one an input, the others are initializers;
 * "-" leaves one out. Their names are i0, i1…, with commas between them. */
static char *
add_inputs(Ow *graph, const char *text, GPtrArray *inputs)
{
    GString *names = g_string_new(NULL);
    char **words = g_strsplit(text, ";", -1);

    for (int i = 0; words[i]; i++) {
        const char *word = g_strstrip(words[i]);
        g_string_append(names, i ? "," : "");
        if (*word == '-')
            continue;
        ConvRnnTensor *tensor = op_tensor(*word == '~' ? word + 1 : word);
        char *name = g_strdup_printf("i%d", i);
        g_string_append(names, name);
        if (*word == '~') {
            ow_put(graph, OW_G_INPUT,
                   ow_value(name, (int)tensor->dtype, tensor->dims, tensor->n_dims));
            g_ptr_array_add(inputs, tensor);
        } else {
            ow_put(graph, OW_G_INITIALIZER, tensor_message(name, tensor));
            convrnn_tensor_unref(tensor);
        }
        g_free(name);
    }
    g_strfreev(words);
    return g_string_free(names, FALSE);
}

static GPtrArray *
parse_list(const char *text)
{
    GPtrArray *tensors = g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref);
    char **words = g_strsplit(text, ";", -1);
    for (char **word = words; *word; word++)
        g_ptr_array_add(tensors, op_tensor(g_strstrip(*word)));
    g_strfreev(words);
    return tensors;
}

/* A model of one node. */
static GBytes *
model_of(const char *domain, const char *op, const char *attrs, const char *inputs_text,
         const GPtrArray *wanted, int opset, GPtrArray *inputs)
{
    Ow *graph = ow_new();
    char *in = add_inputs(graph, inputs_text, inputs);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < wanted->len; i++) {
        const ConvRnnTensor *t = wanted->pdata[i];
        char *name = g_strdup_printf("o%u", i);
        g_string_append_printf(out, "%s%s", i ? "," : "", name);
        ow_put(graph, OW_G_OUTPUT, ow_value(name, (int)t->dtype, t->dims, t->n_dims));
        g_free(name);
    }
    Ow *node = ow_node(op, in, out->str);
    ow_text(node, 7, domain);
    add_attrs(node, attrs);
    ow_put(graph, OW_G_NODE, node);
    g_string_free(out, TRUE);
    g_free(in);
    return ow_model(graph, opset);
}

static void
check_at(int opset, const char *domain, const char *op, const char *attrs, const char *inputs_text,
         const char *wanted_text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) wanted = parse_list(wanted_text);
    g_autoptr(GPtrArray) inputs =
        g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref);
    g_autoptr(GBytes) file = model_of(domain, op, attrs, inputs_text, wanted, opset, inputs);
    g_autoptr(ConvRnnModel) model = convrnn_model_load_bytes(file, op, NULL, &error);
    g_assert_no_error(error);
    ConvRnnSession *session = convrnn_session_new(model, NULL, &error);
    g_assert_no_error(error);

    for (guint i = 0; i < inputs->len; i++) {
        const ConvRnnTensor *t = inputs->pdata[i];
        g_assert_cmpint(convrnn_session_get_input(session, i)->dtype, ==, t->dtype);
        memcpy(convrnn_session_get_input_data(session, i), t->data,
               t->n_elements * convrnn_dtype_get_size(t->dtype));
    }
    convrnn_session_step(session);
    for (guint i = 0; i < wanted->len; i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(session, i);
        const ConvRnnTensor *t = wanted->pdata[i];
        g_autoptr(GBytes) bytes = g_bytes_new(convrnn_session_get_output_data(session, i),
                                              t->n_elements * convrnn_dtype_get_size(t->dtype));
        ConvRnnTensor *found =
            convrnn_tensor_new(info->dtype, info->dims, info->n_dims, bytes, &error);
        g_assert_no_error(error);
        op_tensor_assert_equal(found, t, 1e-5);
        convrnn_tensor_unref(found);
    }
    convrnn_session_free(session);
}

static void
check(const char *domain, const char *op, const char *attrs, const char *inputs, const char *wanted)
{
    check_at(23, domain, op, attrs, inputs, wanted);
}

static void
check_error(const char *domain, const char *op, const char *attrs, const char *inputs_text,
            ConvRnnError code, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) wanted = parse_list("f32[1]");
    g_autoptr(GPtrArray) inputs =
        g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref);
    g_autoptr(GBytes) file = model_of(domain, op, attrs, inputs_text, wanted, 27, inputs);

    g_assert_null(convrnn_model_load_bytes(file, op, NULL, &error));
    g_assert_error(error, CONVRNN_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, part));
    g_assert_nonnull(strstr(error->message, op));
}

static void
test_fused(void)
{
    check(MICROSOFT, "FusedConv", "activation=Relu pads=[1,1,1,1]",
          "~f32[1,2,4,4] 1.25 -1.75 -1.25 -1 -1.25 1.25 1.5 0.25 -2 -1.75 -0.75 -0.25 0.5 0 -1 "
          "-1.5 0.75 1 -2 -1.75 -0.25 -0.5 1.75 0 -0.25 -0.25 0.75 0.25 -1.5 1 1 2; f32[3,2,3,3] "
          "1.25 -1 -0.75 0.75 0.75 0.75 1.5 -1 1.75 -2 -1.75 2 2 -0.75 -1.5 -0.75 -2 1.75 0.75 "
          "0.25 -1 0 -1.25 1.25 0 -2 -1 1 0 -0.5 -1 -1.75 0.5 0.75 0 1.75 1.75 -1.25 0.5 0.5 -1 "
          "-0.75 0 1 -1 1 0.75 -1.25 -0.5 1.5 1.5 0.75 -2 0.75; f32[3] -1.25 1.25 1.75",
          "f32[1,3,4,4] 0 4.9375 0 0 0 0 0 8.125 0.5 0 0 0 2 0 0 0 0 0 0 8.375 11.4375 12.4375 "
          "0.375 0 1.3125 1.9375 9.25 7.0625 5.125 0 0 0 2.0625 5.0625 0 2.0625 0 8.375 1.25 0 "
          "11.1875 0 5.4375 0.9375 2.25 3.4375 5.625 5.1875");
    check(MICROSOFT, "FusedConv", "activation=LeakyRelu activation_params=[0.25] strides=[2,2]",
          "~f32[1,2,4,4] 1.25 -1.75 -1.25 -1 -1.25 1.25 1.5 0.25 -2 -1.75 -0.75 -0.25 0.5 0 -1 "
          "-1.5 0.75 1 -2 -1.75 -0.25 -0.5 1.75 0 -0.25 -0.25 0.75 0.25 -1.5 1 1 2; f32[3,2,3,3] "
          "1.25 -1 -0.75 0.75 0.75 0.75 1.5 -1 1.75 -2 -1.75 2 2 -0.75 -1.5 -0.75 -2 1.75 0.75 "
          "0.25 -1 0 -1.25 1.25 0 -2 -1 1 0 -0.5 -1 -1.75 0.5 0.75 0 1.75 1.75 -1.25 0.5 0.5 -1 "
          "-0.75 0 1 -1 1 0.75 -1.25 -0.5 1.5 1.5 0.75 -2 0.75",
          "f32[1,3,1,1] -1.296875 11.1875 6.625");
    check(MICROSOFT, "FusedConv", "activation=Clip activation_params=[-1.5,2.5]",
          "~f32[1,2,4,4] 1.25 -1.75 -1.25 -1 -1.25 1.25 1.5 0.25 -2 -1.75 -0.75 -0.25 0.5 0 -1 "
          "-1.5 0.75 1 -2 -1.75 -0.25 -0.5 1.75 0 -0.25 -0.25 0.75 0.25 -1.5 1 1 2; f32[3,2,3,3] "
          "1.25 -1 -0.75 0.75 0.75 0.75 1.5 -1 1.75 -2 -1.75 2 2 -0.75 -1.5 -0.75 -2 1.75 0.75 "
          "0.25 -1 0 -1.25 1.25 0 -2 -1 1 0 -0.5 -1 -1.75 0.5 0.75 0 1.75 1.75 -1.25 0.5 0.5 -1 "
          "-0.75 0 1 -1 1 0.75 -1.25 -0.5 1.5 1.5 0.75 -2 0.75; f32[3] -1.25 1.25 1.75",
          "f32[1,3,2,2] -1.5 -1.5 -1.5 -1.5 2.5 0.375 1.9375 2.5 2.5 1.25 -1.5 2.5");
    check(MICROSOFT, "FusedConv", "activation=HardSigmoid activation_params=[0.25,0.5]",
          "~f32[1,2,4,4] 1.25 -1.75 -1.25 -1 -1.25 1.25 1.5 0.25 -2 -1.75 -0.75 -0.25 0.5 0 -1 "
          "-1.5 0.75 1 -2 -1.75 -0.25 -0.5 1.75 0 -0.25 -0.25 0.75 0.25 -1.5 1 1 2; f32[3,2,3,3] "
          "1.25 -1 -0.75 0.75 0.75 0.75 1.5 -1 1.75 -2 -1.75 2 2 -0.75 -1.5 -0.75 -2 1.75 0.75 "
          "0.25 -1 0 -1.25 1.25 0 -2 -1 1 0 -0.5 -1 -1.75 0.5 0.75 0 1.75 1.75 -1.25 0.5 0.5 -1 "
          "-0.75 0 1 -1 1 0.75 -1.25 -0.5 1.5 1.5 0.75 -2 0.75; f32[3] -1.25 1.25 1.75",
          "f32[1,3,2,2] 0 0 0 0 1 0.59375 0.984375 1 1 0.8125 0 1");
    check(MICROSOFT, "FusedConv", "activation=Tanh pads=[0,0,1,1]",
          "~f32[1,2,4,4] 1.25 -1.75 -1.25 -1 -1.25 1.25 1.5 0.25 -2 -1.75 -0.75 -0.25 0.5 0 -1 "
          "-1.5 0.75 1 -2 -1.75 -0.25 -0.5 1.75 0 -0.25 -0.25 0.75 0.25 -1.5 1 1 2; f32[3,2,3,3] "
          "1.25 -1 -0.75 0.75 0.75 0.75 1.5 -1 1.75 -2 -1.75 2 2 -0.75 -1.5 -0.75 -2 1.75 0.75 "
          "0.25 -1 0 -1.25 1.25 0 -2 -1 1 0 -0.5 -1 -1.75 0.5 0.75 0 1.75 1.75 -1.25 0.5 0.5 -1 "
          "-0.75 0 1 -1 1 0.75 -1.25 -0.5 1.5 1.5 0.75 -2 0.75; f32[3] -1.25 1.25 1.75; "
          "~f32[1,3,3,3] -0.25 2 1 -0.75 1.5 -0.5 -1.75 0.5 1.5 0.75 -0.5 1.75 0 -0.5 -1.5 -1.25 "
          "0.75 1.25 -1 0.5 1.5 -1.5 -1 0 0.25 -0.5 -0.5",
          "f32[1,3,3,3] -0.999996841 -0.999830425 1 -0.999987602 -0.999993384 -0.999999702 "
          "-0.999994159 -0.999986053 -0.998894453 1 -0.124352999 -0.829801977 0.959335268 "
          "0.99999994 0.999970615 -0.992812872 -0.964027584 0 0.999999225 0.941375554 -0.915824592 "
          "-0.999850392 0.999720335 0.734071612 0.998747289 0.999929368 0.999830425");
    check(MICROSOFT, "FusedConv", "activation=Sigmoid group=2",
          "~f32[1,2,4,4] 1.25 -1.75 -1.25 -1 -1.25 1.25 1.5 0.25 -2 -1.75 -0.75 -0.25 0.5 0 -1 "
          "-1.5 0.75 1 -2 -1.75 -0.25 -0.5 1.75 0 -0.25 -0.25 0.75 0.25 -1.5 1 1 2; f32[2,1,3,3] "
          "-1.5 0.5 1.75 -1.25 1.25 -1.25 -2 1 -1.25 1 -0.75 0.25 1.75 1.75 0 -1.25 -1 1.5",
          "f32[1,2,2,2] 0.377540708 0.964855194 0.998674989 0.851952791 0.468790621 0.98504293 "
          "0.887204647 0.453261852");
    check(MICROSOFT, "FusedGemm", "activation=Relu transB=1 alpha=0.5",
          "~f32[2,3] 0.5 -1.5 1.75 2 2 0.5; f32[2,3] 2 0.5 0 2 0.5 1.25; f32[2] -0.75 1.25",
          "f32[2,2] 0 2.46875 1.75 4.0625");
    check(MICROSOFT, "FusedGemm", "activation=LeakyRelu activation_alpha=0.5 beta=2.0",
          "~f32[2,3] 2 -2 0.25 -0.5 -2 -1.75; f32[3,2] -1 -1.25 1 -1.25 0.5 1.5; f32[2] 0 -1.5",
          "f32[2,2] -1.9375 -1.3125 -1.1875 -1.25");
    check(MICROSOFT, "FusedGemm",
          "activation=HardSigmoid activation_alpha=0.25 activation_beta=0.25",
          "~f32[2,3] -1.75 -0.75 -0.25 0 -0.75 1.5; f32[3,2] 0.25 2 1.75 1 -2 -1.25",
          "f32[2,2] 0 0 0 0");
    check_error(MICROSOFT, "FusedConv", "activation=Swish", "~f32[1,1,3,3]; f32[1,1,3,3]",
                CONVRNN_ERROR_UNSUPPORTED, "'Swish' with 0 parameters");
    check_error(MICROSOFT, "FusedConv", "activation_params=1", "~f32[1,1,3,3]; f32[1,1,3,3]",
                CONVRNN_ERROR_FORMAT, "no list of floats");
    check_error(MICROSOFT, "FusedConv", "", "~f32[1]; f32[1]; f32[1]; f32[1]; f32[1]",
                CONVRNN_ERROR_FORMAT, "5 inputs");
    check(MICROSOFT, "FusedConv", "", "~f32[1,1,1,2] 3 4; f32[1,1,1,1] 2", "f32[1,1,1,2] 6 8");
}

static void
test_fused_matmul(void)
{
    check(MICROSOFT, "FusedMatMul", "alpha=0.5 transB=1",
          "~f32[2,3] 1 2 3 4 5 6; f32[2,3] 1 0 2 -1 3 4", "f32[2,2] 3.5 8.5 8 17.5");
    check(MICROSOFT, "FusedMatMul", "transA=1", "~f32[2,2,1] 1 2 3 4; f32[2,3] 1 2 3 4 5 6",
          "f32[2,1,3] 9 12 15 19 26 33");
    check(MICROSOFT, "FusedMatMul", "transA=0", "~f32[1,2] 1 2; f32[2,1] 1 10", "f32[1,1] 21");
    check_error(MICROSOFT, "FusedMatMul", "transBatchA=1", "~f32[2,2,1] 1; f32[2,3] 1",
                CONVRNN_ERROR_UNSUPPORTED, "transBatchA");
}

static void
test_gelu(void)
{
    check(MICROSOFT, "Gelu", "", "~f32[2,3] 1 0.25 2 1 1.25 -2",
          "f32[2,3] 0.841344714 0.149676576 1.95449972 0.841344714 1.1179378 -0.0455002785");
    check(MICROSOFT, "FastGelu", "", "~f32[2,3] 1 0.25 2 1 1.25 -2",
          "f32[2,3] 0.841192007 0.149675354 1.95459771 0.841192007 1.11771417 -0.045402348");
    check(MICROSOFT, "FastGelu", "", "~f32[2,3] 1 0.25 2 1 1.25 -2; f32[3] -0.75 0.75 0.5",
          "f32[2,3] 0.149675354 0.841192007 2.48491573 0.149675354 1.95459771 -0.100428432");
    check(MICROSOFT, "BiasGelu", "", "~f32[2,3] 1 0.25 2 1 1.25 -2; f32[3] -0.5 -1.5 0.5",
          "f32[2,3] 0.345731229 -0.132062212 2.48447609 0.345731229 -0.100323416 -0.100210816");
    check(MICROSOFT, "QuickGelu", "", "~f32[2,3] 1 0.25 2 1 1.25 -2",
          "f32[2,3] 0.845795751 0.151199654 1.93565869 0.845795751 1.1169343 -0.0643413663");
    check(MICROSOFT, "QuickGelu", "alpha=1.0", "~f32[2,3] 1 0.25 2 1 1.25 -2",
          "f32[2,3] 0.731058598 0.140544116 1.76159418 0.731058598 0.971624851 -0.238405824");
}

static void
test_integer(void)
{
    check_at(10, "", "MatMulInteger", "",
             "~u8[2,3] 22 171 205 171 16 133; i8[3,2] -51 14 46 -78 -119 -2; u8[] 10; i8[] -3",
             "i32[2,2] -15307 -11676 -21702 2410");
    check_at(10, "", "MatMulInteger", "",
             "~u8[2,3] 158 32 236 123 247 137; u8[3,2] 186 198 127 100 170 5",
             "i32[2,2] 73572 35664 77537 49739");
    check_at(10, "", "MatMulInteger", "",
             "~u8[2,3] 158 135 38 52 8 189; i8[3,2] 47 -29 116 -31 -50 104; u8[] 10; i8[2] -3 4",
             "i32[2,2] 20959 -6459 -6551 16584");
    check_at(10, "", "ConvInteger", "pads=[1,1,0,0]",
             "~u8[1,1,3,3] 21 100 6 89 185 89 126 123 15; u8[2,1,2,2] 23 76 139 18 235 218 144 "
             "187; u8[] 7; u8[] 9",
             "i32[1,2,3,3] 126 2657 12081 1676 18689 25113 6565 29588 23138 2492 18444 12377 17522 "
             "65355 59435 38320 92447 74450");
    check_at(10, "", "ConvInteger", "strides=[2,2]",
             "~u8[1,2,3,3] 190 2 242 12 215 213 190 34 208 245 209 177 64 141 123 222 87 104; "
             "u8[1,2,2,2] 67 125 146 117 81 140 158 42",
             "i32[1,1,1,1] 105026");
    check_at(10, "", "QLinearMatMul", "",
             "~u8[2,3] 149 180 26 158 113 238; f32[] 0.0199999996; u8[] 113; u8[3,2] 99 80 180 222 "
             "22 27; f32[] 0.00999999978; u8[] 100; f32[] 0.0500000007; u8[] 118",
             "u8[2,2] 166 173 79 78");
    check_at(
        10, "", "QLinearConv", "pads=[1,1,1,1]",
        "~u8[1,2,3,3] 43 87 131 145 103 225 170 42 85 50 50 216 238 110 62 213 37 35; f32[] "
        "0.0199999996; u8[] 113; u8[2,2,3,3] 71 93 86 71 57 160 137 168 239 239 32 202 106 209 171 "
        "14 226 237 255 15 36 161 137 24 225 60 13 220 150 6 44 225 196 221 240 76; f32[2] "
        "0.00999999978 0.0299999993; u8[2] 100 90; f32[] 0.310000002; u8[] 118; i32[2] 100 -2000",
        "u8[1,2,3,3] 122 120 126 122 102 97 112 116 116 118 135 120 205 49 36 150 114 62");
    check_at(10, "", "QLinearConv", "",
             "~u8[1,1,3,3] 137 94 2 60 16 30 106 234 216; f32[] 0.5; u8[] 3; i8[1,1,2,2] 36 -68 "
             "-96 43; f32[] 0.25; i8[] 0; f32[] 40; u8[] 11",
             "u8[1,1,2,2] 0 21 15 0");
    check_error("", "QLinearConv", "", "~u8[1]; f32[]", CONVRNN_ERROR_FORMAT, "2 inputs");
    check_error("", "QLinearMatMul", "", "~u8[1]; f32[]", CONVRNN_ERROR_FORMAT, "2 inputs");
    check_error("", "MatMulInteger", "", "~u8[1]", CONVRNN_ERROR_FORMAT, "1 inputs");
}

static void
test_normalizations(void)
{
    check("", "MeanVarianceNormalization", "",
          "~f32[2,2,2,2] 1 -0.5 -1.5 -1 2 0.75 0.25 -0.75 1.5 -0.5 -0.25 1.25 -0.25 0 -2 1.25",
          "f32[2,2,2,2] 0.963086843 -0.481543422 -1.44463027 -0.963086843 1.60045063 0.515399396 "
          "0.0813788474 -0.786662221 1.44463027 -0.481543422 -0.240771711 1.20385861 -0.352641672 "
          "-0.135631412 -1.87171352 0.949419916");
    check("", "MeanVarianceNormalization", "axes=[1]", "~f32[2,3] -1 0 0.25 -1.5 -1 -0.25",
          "f32[2,3] -1.38873017 0.462910056 0.925820112 -1.13554978 -0.162221372 1.29777133");
    /* statistics of what is there, from NumPy */
    check("", "BatchNormalization", "training_mode=1 epsilon=0.01 momentum=0.75",
          "~f32[2,2,2,2] -0.25 1.5 2 -1 -1.75 0.5 0.75 1.25 0.5 1 1.75 1.75 1.75 1.5 1 1.75; "
          "f32[2] 1.5 -2; f32[2] 0.5 1; f32[2] 1 2; f32[2] 3 0.5",
          "f32[2,2,2,2] -1.2133874 1.3798476 2.1207718 -2.3247738 5.8381083 1.6411951 1.1748714 "
          "0.24222401 -0.10200097 0.6389233 1.7503097 1.7503097 -0.69042337 -0.22409968 0.70854769 "
          "-0.69042337; f32[2] 0.9765625 1.7109375; f32[2] 2.5036621 0.65991211");
    check("", "BatchNormalization", "training_mode=1 epsilon=0.01",
          "~f32[2,2] -0.25 -1.75 1.5 0.5; f32[2] 1.5 -2; f32[2] 0.5 1; f32[2] 1 2; f32[2] 3 0.5",
          "f32[2,2] -0.99029901 2.9921453 1.990299 -0.99214528");
    check_error("", "MeanVarianceNormalization", "axes=1", "~f32[2]", CONVRNN_ERROR_FORMAT, "axes");
    check_error("", "BatchNormalization", "training_mode=1", "~f32[1]; f32[1]; f32[1]",
                CONVRNN_ERROR_FORMAT, "3 inputs");
}

static void
test_others(void)
{
    check_at(9, "", "Scatter", "axis=1",
             "~f32[1,5] -1.75 1.5 -0.75 0.25 -1.5; i64[1,2] 1 3; f32[1,2] 2 0",
             "f32[1,5] -1.75 2 -0.75 0 -1.5");
    /* x / (1 + exp(−alpha · x)), from NumPy */
    check_at(24, "", "Swish", "", "~f32[1,3] 1 -2 0.5",
             "f32[1,3] 0.73105858 -0.23840584 0.31122967");
    check_at(24, "", "Swish", "alpha=0.5", "~f32[1,3] 1 -2 0.5",
             "f32[1,3] 0.62245933 -0.53788284 0.28108825");
    /* x / √(mean of x²) · scale, by hand */
    check("", "SimplifiedLayerNormalization", "epsilon=0.0", "~f32[1,2] 1 7; f32[2] 5 10",
          "f32[1,2] 1 14");
    check("", "EyeLike", "dtype=10", "~i32[2,2]", "f32[2,2] 1 0 0 1");
    check("", "QuantizeLinear", "output_dtype=3 saturate=1 precision=1", "~f32[2] 1 -1; f32[] 0.5",
          "i8[2] 2 -2");
    check("", "DequantizeLinear", "output_dtype=10", "~i8[2] 2 -2; f32[] 0.5", "f32[2] 1 -1");
    check("", "CastLike", "saturate=1", "~f32[2] 1.5 -1; ~i8[1] 0", "i8[2] 1 -1");
    check_at(27, "", "Range", "stash_type=1", "f32[] 1; f32[] 3; f32[] 1", "f32[2] 1 2");
}

/* all = past, input; output[t] = b + Σ w[k] · all[t + k]: by hand, in whole numbers. */
static void
test_causal_conv(void)
{
    const char *op = "CausalConvWithState";
    const char *x = "~f32[1,2,4] 1 2 3 4 5 6 7 8; f32[2,1,3] 1 2 3 -1 0 1";

    for (int i = 0; i < 2; i++) {
        const char *domain = i ? MICROSOFT : "";
        check_at(27, domain, op, "", x, "f32[1,2,4] 3 8 14 20 5 6 2 2");
        check_at(27, domain, op, "activation=none",
                 "~f32[1,2,4] 1 2 3 4 5 6 7 8; f32[2,1,3] 1 2 3 -1 0 1; f32[2] 10 20; "
                 "~f32[1,2,2] 1 -1 7 9",
                 "f32[1,2,4] 12 17 24 30 18 17 22 22; f32[1,2,2] 3 4 7 8");
    }
    /* fewer positions than the kernel's reach: the past moves up */
    check_at(27, "", op, "", "~f32[1,1,1] 5; f32[1,1,4] 1 1 1 1; -; ~f32[1,1,3] 1 2 3",
             "f32[1,1,1] 11; f32[1,1,3] 2 3 5");
    /* x / (1 + exp(−x)) of 3, 8, 14, 20, 5, 6, 2, 2 */
    check_at(27, "", op, "activation=silu", x,
             "f32[1,2,4] 2.8577224 7.9973172 13.999988 20 4.9665355 5.985164 1.7615942 1.7615942");
    check_error("", op, "", "~f32[1,2,4]; ~f32[2,1,3]", CONVRNN_ERROR_UNSUPPORTED, "initializer");
    check_error("", op, "activation=gelu", x, CONVRNN_ERROR_FORMAT, "gelu");
    check_error("", op, "colour=1", x, CONVRNN_ERROR_FORMAT, "'colour'");
    check_error(MICROSOFT, op, "ndim=2", x, CONVRNN_ERROR_UNSUPPORTED, "ndim=1");
    check_error("", op, "", "~f32[1,2,4]; f32[2,1,3]; -; -; ~f32[1]", CONVRNN_ERROR_FORMAT,
                "5 inputs");
}

/* Frame by frame with the state carried is the same as all at once. */
static void
test_causal_conv_streams(void)
{
    static const float whole[] = {3, 8, 14, 20, 26, 32};
    g_autoptr(GError) error = NULL;
    Ow *model_message = ow_model_head(8, 27), *graph = ow_new();
    ow_metadata(model_message, "convrnn.state.past", "present");
    ow_put(graph, OW_G_NODE, ow_node("CausalConvWithState", "x,w,,past", "y,present"));
    ow_put(graph, OW_G_INITIALIZER,
           ow_tensor("w", OW_FLOAT, (int64_t[]){1, 1, 3}, 3, (float[]){1, 2, 3}, 12));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, (int64_t[]){1, 1, 2}, 3));
    ow_put(graph, OW_G_INPUT, ow_value("past", OW_FLOAT, (int64_t[]){1, 1, 2}, 3));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, (int64_t[]){1, 1, 2}, 3));
    ow_put(graph, OW_G_OUTPUT, ow_value("present", OW_FLOAT, (int64_t[]){1, 1, 2}, 3));
    g_autoptr(GBytes) file = ow_finish(model_message, graph);
    g_autoptr(ConvRnnModel) model = convrnn_model_load_bytes(file, "causal", NULL, &error);
    g_assert_no_error(error);
    ConvRnnSession *session = convrnn_session_new(model, NULL, &error);
    g_assert_no_error(error);
    for (int step = 0; step < 3; step++) {
        float *x = convrnn_session_get_input_data(session, 0);
        x[0] = (float)(2 * step + 1);
        x[1] = (float)(2 * step + 2);
        convrnn_session_step(session);
        const float *y = convrnn_session_get_output_data(session, 0);
        g_assert_cmpfloat(y[0], ==, whole[2 * step]);
        g_assert_cmpfloat(y[1], ==, whole[2 * step + 1]);
    }
    convrnn_session_free(session);
}

/* float16 in the file: what the caller sees and what is computed is float32. */
static void
test_half(void)
{
    static const uint16_t weight[] = {0x3c00, 0x3e00, 0xc000}; /* 1, 1.5, −2 */
    g_autoptr(GError) error = NULL;
    Ow *graph = ow_new(), *cast = ow_node("Cast", "s", "z");
    ow_put(graph, OW_G_NODE, ow_node("Mul", "x,w", "s"));
    ow_attr_int(cast, "to", OW_FLOAT16);
    ow_put(graph, OW_G_NODE, cast);
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("w", OW_FLOAT16, (int64_t[]){3}, 1, weight, 6));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT16, (int64_t[]){3}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("s", OW_FLOAT16, (int64_t[]){3}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("z", OW_FLOAT16, (int64_t[]){3}, 1));
    g_autoptr(GBytes) file = ow_model(graph, 13);
    g_autoptr(ConvRnnModel) model = convrnn_model_load_bytes(file, "half", NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(convrnn_model_get_input(model, 0)->dtype, ==, CONVRNN_DTYPE_FLOAT32);
    ConvRnnSession *session = convrnn_session_new(model, NULL, &error);
    g_assert_no_error(error);
    float *x = convrnn_session_get_input_data(session, 0);
    x[0] = 0.1f;
    x[1] = 2;
    x[2] = 40000;
    convrnn_session_step(session);
    g_assert_cmpint(convrnn_session_get_output(session, 0)->dtype, ==, CONVRNN_DTYPE_FLOAT32);
    const float *s = convrnn_session_get_output_data(session, 0);
    g_assert_cmpfloat(s[0], ==, 0.1f);
    g_assert_cmpfloat(s[1], ==, 3);
    g_assert_cmpfloat(s[2], ==, -80000);
    /* Cast rounds to what float16 has, and that ends at 65504 */
    const float *z = convrnn_session_get_output_data(session, 1);
    g_assert_cmpfloat(z[0], ==, 0.0999755859375f);
    g_assert_cmpfloat(z[1], ==, 3);
    g_assert_true(isinf(z[2]) && z[2] < 0);
    convrnn_session_free(session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/written-out/fused", test_fused);
    g_test_add_func("/written-out/fused-matmul", test_fused_matmul);
    g_test_add_func("/written-out/gelu", test_gelu);
    g_test_add_func("/written-out/integer", test_integer);
    g_test_add_func("/written-out/normalizations", test_normalizations);
    g_test_add_func("/written-out/others", test_others);
    g_test_add_func("/written-out/causal-conv", test_causal_conv);
    g_test_add_func("/written-out/causal-conv-streams", test_causal_conv_streams);
    g_test_add_func("/written-out/half", test_half);
    return g_test_run();
}
