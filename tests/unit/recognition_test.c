/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells written out as ONNX nodes, and the same with one node changed: each runs with the numbers
 * that its nodes give one by one, and what is not exactly a cell any more is not called one. */
#include "runtime/config.h"
#include "support/onnx_writer.h"
#include <convrnn/convrnn.h>
#include <math.h>
#include <string.h>

#define STEPS     4
#define MAX_LINES 40
#define HIDDEN    3

/* A node is a line "Op in,in > out,out attribute=number …"; lists of numbers have ';', fractions
 * '.'. */
typedef struct {
    const char *name, *description; /* the description begins so */
    const char *const *lines;
    guint steps;              /* that run it, when it is fused */
    guint rank, rows, images; /* a dense cell: (rows, C) or (images, rows, C); else images */
} Pattern;

static const char *const gru_lines[] = {"Concat x,h_in > xh axis=1",
                                        "Conv xh,wz,bz > az pads=1;1;1;1",
                                        "Sigmoid az > z",
                                        "Conv xh,wr,br > ar pads=1;1;1;1",
                                        "Sigmoid ar > r",
                                        "Mul r,h_in > rh",
                                        "Concat x,rh > xrh axis=1",
                                        "Conv xrh,wn,bn > an pads=1;1;1;1",
                                        "Tanh an > n",
                                        "Sub one,z > k",
                                        "Mul k,h_in > kept",
                                        "Mul z,n > new",
                                        "Add kept,new > h_out",
                                        NULL};

static const char *const after_lines[] = {"Conv x,vz,bz > xz pads=1;1;1;1",
                                          "Conv h_in,uz > hz pads=1;1;1;1",
                                          "Add xz,hz > az",
                                          "Sigmoid az > z",
                                          "Conv x,vr,br > xr pads=1;1;1;1",
                                          "Conv h_in,ur > hr pads=1;1;1;1",
                                          "Add xr,hr > ar",
                                          "Sigmoid ar > r",
                                          "Conv x,vn > xn pads=1;1;1;1",
                                          "Conv h_in,un,bn > hn pads=1;1;1;1",
                                          "Mul r,hn > rhn",
                                          "Add xn,rhn > an",
                                          "Tanh an > n",
                                          "Sub h_in,n > d",
                                          "Mul z,d > zd",
                                          "Add n,zd > h_out",
                                          NULL};

static const char *const lstm_lines[] = {"Concat x,h_in > xh axis=1",
                                         "Conv xh,wg,bg > a pads=1;1;1;1",
                                         "Split a,thirds > ai,af,ao,ag axis=1",
                                         "Sigmoid ai > i",
                                         "Sigmoid af > f",
                                         "Sigmoid ao > o",
                                         "Tanh ag > g",
                                         "Mul f,c_in > fc",
                                         "Mul i,g > ig",
                                         "Add fc,ig > c_out",
                                         "Tanh c_out > t",
                                         "Mul o,t > h_out",
                                         NULL};

static const char *const peephole_lines[] = {"Concat x,h_in > xh axis=1",
                                             "Conv xh,wz,bz > ci pads=1;1;1;1",
                                             "Mul c_in,pi > pci",
                                             "Add ci,pci > ai",
                                             "Sigmoid ai > i",
                                             "Conv xh,wr,br > cf pads=1;1;1;1",
                                             "Mul c_in,pf > pcf",
                                             "Add cf,pcf > af",
                                             "Sigmoid af > f",
                                             "Conv xh,wn,bn > ag pads=1;1;1;1",
                                             "Tanh ag > g",
                                             "Mul f,c_in > fc",
                                             "Mul i,g > ig",
                                             "Add fc,ig > c_out",
                                             "Conv xh,wo,bo > co pads=1;1;1;1",
                                             "Mul c_out,po > pco",
                                             "Add co,pco > ao",
                                             "Sigmoid ao > o",
                                             "Tanh c_out > t",
                                             "Mul o,t > h_out",
                                             NULL};

static const char *const rnn_lines[] = {"Conv x,vn,bn > xn pads=1;1;1;1",
                                        "Conv h_in,un > hn pads=1;1;1;1", "Add xn,hn > a",
                                        "Tanh a > h_out", NULL};

static const char *const dense_gru_lines[] = {
    "MatMul x,dx > mx",    "Add mx,dbx > gx",      "Split gx,three > xr,xz,xn axis=-1",
    "MatMul h_in,dh > mh", "Add dbh,mh > gh",      "Split gh,three > hr,hz,hn axis=-1",
    "Add xr,hr > ar",      "Sigmoid ar > r",       "Add xz,hz > az",
    "Sigmoid az > z",      "Mul r,hn > rhn",       "Add xn,rhn > an",
    "Tanh an > n",         "Sub one,z > k",        "Mul k,n > new",
    "Mul z,h_in > kept",   "Add kept,new > h_out", NULL};

static const char *const dense_lstm_lines[] = {"MatMul x,ex > mx",
                                               "MatMul h_in,eh > mh",
                                               "Add mx,mh > s",
                                               "Add s,eb > a",
                                               "Split a,thirds > ai,af,ao,ag axis=-1",
                                               "Sigmoid ai > i",
                                               "Sigmoid af > f",
                                               "Sigmoid ao > o",
                                               "Tanh ag > g",
                                               "Mul f,c_in > fc",
                                               "Mul i,g > ig",
                                               "Add fc,ig > c_out",
                                               "Tanh c_out > t",
                                               "Mul o,t > h_out",
                                               NULL};

#define DENSE_GRU  "GRU, 3 channels, reset after, z keeps, sigmoid, tanh"
#define DENSE_LSTM "LSTM, 3 channels, no peepholes, sigmoid, tanh"

static const Pattern patterns[] = {
    {"gru", "ConvGRU, 3 channels, 3×3, reset before, z replaces, sigmoid, tanh", gru_lines, 2},
    {"gru-after", "ConvGRU, 3 channels, 3×3, reset after, z keeps, sigmoid, tanh", after_lines, 0},
    {"lstm", "ConvLSTM, 3 channels, 3×3, no peepholes, sigmoid, tanh", lstm_lines, 1},
    {"peephole", "ConvLSTM, 3 channels, 3×3, peepholes, sigmoid, tanh", peephole_lines, 1},
    {"rnn", "ConvRNN, 3 channels, 3×3, tanh", rnn_lines, 1},
    {"dense-gru", DENSE_GRU, dense_gru_lines, 0, 2, 2, 1},
    {"dense-gru-9", DENSE_GRU, dense_gru_lines, 0, 2, 9, 1},
    {"dense-gru-images", DENSE_GRU, dense_gru_lines, 0, 3, 9, 2},
    {"dense-lstm", DENSE_LSTM, dense_lstm_lines, 0, 2, 1, 1},
    {"dense-lstm-images", DENSE_LSTM, dense_lstm_lines, 0, 3, 12, 2},
};

#define OTHER "a state of an unrecognised form"

/* Replaces the line that gives `output` by `line` (and `more` before it). */
typedef struct {
    const char *pattern, *output, *more, *line;
    const char *description;
} Mutation;

static const Mutation mutations[] = {
    /* GRU: the blend */
    {"gru", "k", NULL, "Sub z,one > k", OTHER},
    {"gru", "k", NULL, "Sub nearly,z > k", OTHER},
    {"gru", "k", NULL, "Sub one,r > k", OTHER},
    {"gru", "k", NULL, "Add one,z > k", OTHER},
    {"gru", "k", NULL, "Sub ones,z > k", "ConvGRU, 3 channels, 3×3, reset before, z replaces"},
    {"gru", "k", NULL, "Sub some,z > k", OTHER},
    {"gru", "kept", NULL, "Add k,h_in > kept", OTHER},
    {"gru", "kept", NULL, "Mul z,h_in > kept", OTHER},
    {"gru", "kept", NULL, "Mul k,rh > kept", OTHER},
    {"gru", "kept", NULL, "Mul h_in,k > kept",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces"},
    {"gru", "kept", NULL, "Max h_in,k > kept", OTHER},
    {"gru", "new", NULL, "Mul k,n > new", OTHER},
    {"gru", "new", NULL, "Mul z,z > new", OTHER},
    {"gru", "new", NULL, "Mul r,n > new", OTHER},
    {"gru", "new", NULL, "Max z,n > new", OTHER},
    {"gru", "h_out", NULL, "Sub kept,new > h_out", OTHER},
    {"gru", "h_out", "Add kept,new > sum", "Mul sum,nearly > h_out", OTHER},
    {"gru", "h_out", "Add kept,new > sum", "Relu sum > h_out", OTHER},
    {"gru", "h_out", "Add kept,new > sum", "Identity sum > h_out",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces"},
    {"gru", "h_out", "Mul z,h_in > zh", "Sub h_in,zh > rest\nAdd rest,new > h_out",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces"},
    {"gru", "k", "Sub one,z > y", "Sub one,y > k", OTHER},
    /* its gates */
    {"gru", "z", NULL, "HardSigmoid az > z", OTHER},
    {"gru", "z", NULL, "Tanh az > z", OTHER},
    {"gru", "r", NULL, "HardSigmoid ar > r", OTHER},
    {"gru", "r", NULL, "Sigmoid az > r", OTHER},
    {"gru", "az", "Conv x,vz,bz > az pads=1;1;1;1", NULL, OTHER},
    {"gru", "az", "Conv xh,wz,bz > raw pads=1;1;1;1", "Add raw,h_in > az", OTHER},
    {"gru", "az", "Conv xh,wz,bz > raw pads=1;1;1;1", "Mul raw,h_in > az", OTHER},
    {"gru", "az", "Conv xh,wz,bz > raw pads=1;1;1;1", "Add raw,pc > az",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces"},
    {"gru", "az", "Conv xh,wz,bz > raw pads=1;1;1;1", "Mul raw,pc > az",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces"},
    {"gru", "az", NULL, "Conv xh,wz,bz > az pads=2;2;2;2 dilations=2;2",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces"},
    {"gru", "az", "Relu h_in > hr", "Concat x,hr > xhr axis=1\nConv xhr,wz,bz > az pads=1;1;1;1",
     OTHER},
    {"gru", "az", NULL, "Conv xh,wz1,bz > az", "ConvGRU, 3 channels, 3×3, reset before"},
    /* its candidate */
    {"gru", "n", NULL, "Relu an > n",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces, sigmoid, relu"},
    {"gru", "n", NULL, "Sigmoid an > n",
     "ConvGRU, 3 channels, 3×3, reset before, z replaces, sigmoid, sigmoid"},
    {"gru", "n", NULL, "Identity an > n", OTHER},
    {"gru", "rh", NULL, "Add r,h_in > rh", OTHER},
    {"gru", "rh", NULL, "Mul z,h_in > rh", OTHER},
    {"gru", "rh", NULL, "Mul nearly,h_in > rh", OTHER},
    {"gru", "rh", "Mul r,h_in > once", "Mul once,nearly > rh", OTHER},
    {"gru", "rh", "Mul r,h_in > once", "Mul once,r > rh", OTHER},
    {"gru", "xrh", NULL, "Concat x,h_in > xrh axis=1", "ConvGRU, 3 channels, 3×3, no reset"},
    {"gru", "an", "Concat xrh,h_in > more axis=1", "Conv more,w8,bn > an pads=1;1;1;1", OTHER},
    {"gru", "an", "Conv xrh,wn,bn > raw pads=1;1;1;1", "Add raw,h_in > an", OTHER},
    {"gru", "an", "Conv xrh,wn,bn > raw pads=1;1;1;1", "Add raw,hot > an",
     "ConvGRU, 3 channels, 3×3, reset before"},
    {"gru", "an", "GlobalAveragePool h_in > mean",
     "Conv xrh,wn,bn > raw pads=1;1;1;1\nAdd raw,mean > an", OTHER},
    /* weights that are no constants */
    {"gru", "an", "Mul wn,gain > w", "Conv xrh,w,bn > an pads=1;1;1;1", OTHER},
    /* a broadcast */
    {"gru", "kept", "GlobalAveragePool h_in > mean", "Mul k,mean > kept", OTHER},
    {"gru", "kept", "ReduceMean h_in,axis1 > mean", "Mul k,mean > kept", OTHER},
    /* GRU, reset after */
    {"gru-after", "rhn", NULL, "Add r,hn > rhn", OTHER},
    {"gru-after", "rhn", NULL, "Mul z,hn > rhn", OTHER},
    {"gru-after", "rhn", NULL, "Mul r,xn > rhn", OTHER},
    {"gru-after", "rhn", "Add hn,pc > hnb", "Mul r,hnb > rhn",
     "ConvGRU, 3 channels, 3×3, reset after"},
    {"gru-after", "rhn", "Add hn,xz > hnb", "Mul r,hnb > rhn", OTHER},
    {"gru-after", "hn", NULL, "Conv xn,un,bn > hn pads=1;1;1;1", OTHER},
    {"gru-after", "an", NULL, "Add hz,rhn > an", OTHER},
    {"gru-after", "an", NULL, "Sub xn,rhn > an", "ConvGRU, 3 channels, 3×3, reset after, z keeps"},
    {"gru-after", "d", NULL, "Sub n,h_in > d", OTHER},
    {"gru-after", "d", NULL, "Add h_in,n > d", OTHER},
    {"gru-after", "zd", NULL, "Mul r,d > zd", OTHER},
    {"gru-after", "h_out", NULL, "Add h_in,zd > h_out", OTHER},
    {"gru-after", "h_out", NULL, "Sub h_in,zd > h_out",
     "ConvGRU, 3 channels, 3×3, reset after, z replaces"},
    /* LSTM */
    {"lstm", "i", NULL, "HardSigmoid ai > i", OTHER},
    {"lstm", "i", NULL, "Sigmoid af > i", OTHER},
    {"lstm", "f", NULL, "Tanh af > f", OTHER},
    {"lstm", "o", NULL, "Sigmoid af > o", OTHER},
    {"lstm", "g", NULL, "Relu ag > g",
     "ConvLSTM, 3 channels, 3×3, no peepholes, sigmoid, relu and tanh"},
    {"lstm", "g", NULL, "Tanh c_in > g", OTHER},
    {"lstm", "fc", NULL, "Add f,c_in > fc", OTHER},
    {"lstm", "fc", NULL, "Mul f,h_in > fc", OTHER},
    {"lstm", "ig", NULL, "Add i,g > ig", OTHER},
    {"lstm", "ig", NULL, "Mul f,g > ig", OTHER},
    {"lstm", "ig", "Sub one,f > j", "Mul j,g > ig", "ConvLSTM, 3 channels, 3×3, coupled gates"},
    {"lstm", "ig", "Sub nearly,f > j", "Mul j,g > ig", OTHER},
    {"lstm", "c_out", NULL, "Sub fc,ig > c_out", OTHER},
    {"lstm", "c_out", "Add fc,ig > sum", "Clip sum,low,one > c_out",
     "ConvLSTM, 3 channels, 3×3, no peepholes, clipped at 1"},
    {"lstm", "c_out", "Add fc,ig > sum", "Clip sum,zero,one > c_out", OTHER},
    {"lstm", "c_out", "Add fc,ig > sum", "Mul sum,nearly > c_out", OTHER},
    {"lstm", "t", NULL, "Tanh c_in > t", OTHER},
    {"lstm", "t", NULL, "Identity c_out > t",
     "ConvLSTM, 3 channels, 3×3, no peepholes, sigmoid, tanh and identity"},
    {"lstm", "t", "Mul c_out,nearly > less", "Tanh less > t", OTHER},
    {"lstm", "h_out", NULL, "Add o,t > h_out", OTHER},
    {"lstm", "h_out", NULL, "Mul i,t > h_out", OTHER},
    {"lstm", "h_out", "Mul o,t > y", "Conv y,un > h_out pads=1;1;1;1",
     "ConvLSTM, 3 channels, 3×3, no peepholes, projected"},
    {"lstm", "ai", "Split a,uneven > a1,a2,af,ao,ag axis=1", "Concat a1,a2 > ai axis=1", OTHER},
    /* peepholes */
    {"peephole", "pci", NULL, "Mul c_in,pc > pci", "ConvLSTM, 3 channels, 3×3, peepholes"},
    {"peephole", "pci", NULL, "Mul c_in,pp > pci", "ConvLSTM, 3 channels, 3×3, peepholes"},
    {"peephole", "pci", NULL, "Mul c_in,nearly > pci", "ConvLSTM, 3 channels, 3×3, peepholes"},
    {"peephole", "pci", NULL, "Mul h_in,pi > pci", OTHER},
    {"peephole", "pci", "Conv x,vz > xz pads=1;1;1;1", "Mul c_in,xz > pci", OTHER},
    {"peephole", "pco", NULL, "Mul c_in,po > pco", OTHER},
    {"peephole", "ag", "Conv xh,wn,bn > cg pads=1;1;1;1", "Add cg,pci > ag", OTHER},
    {"peephole", "i", NULL, "Sigmoid ci > i", "ConvLSTM, 3 channels, 3×3, peepholes"},
    /* RNN */
    {"rnn", "h_out", NULL, "Relu a > h_out", "ConvRNN, 3 channels, 3×3, relu"},
    {"rnn", "h_out", "Tanh a > b", "Add b,h_in > h_out", OTHER},
    {"rnn", "a", NULL, "Mul xn,hn > a", OTHER},
    {"rnn", "a", NULL, "Sub xn,hn > a", "ConvRNN, 3 channels, 3×3, tanh"},
    {"rnn", "a", NULL, "Add xn,h_in > a", OTHER},
    /* dense: where the bias is, and where it is not one */
    {"dense-gru-9", "gh", NULL, "Add mh,column > gh", OTHER},
    {"dense-gru-images", "gh", NULL, "Add mh,column > gh", OTHER},
    {"dense-gru-images", "gh", NULL, "Add mh,plane > gh", OTHER},
    {"dense-gru-9", "gx", NULL, "Add mx,column > gx", DENSE_GRU},
    {"dense-gru-9", "gh", NULL, "Add mh,drift > gh", OTHER},
    {"dense-gru-images", "gh", NULL, "Add mh,drift > gh", OTHER},
    {"dense-gru", "gx", NULL, "Add mx,drift > gx", DENSE_GRU},
    {"dense-gru-images", "gh", NULL, "Add mh,row > gh", DENSE_GRU},
    {"dense-gru-images", "gh", NULL, "Add mh,nearly > gh", DENSE_GRU},
    {"dense-gru", "gh", NULL, "Sub mh,dbh > gh", DENSE_GRU},
    {"dense-gru-images", "gh", NULL, "Mul mh,dbh > gh", DENSE_GRU},
    {"dense-gru-images", "gh", "Add mh,dbh > once", "Add once,dbx > gh", DENSE_GRU},
    {"dense-gru-images", "rhn", "Identity mh > bare",
     "Split bare,three > b1,b2,b3 axis=-1\nMul r,b3 > rhn", DENSE_GRU},
    {"dense-gru-9", "gh", NULL, "Gemm h_in,dh,dbh > gh", DENSE_GRU},
    {"dense-gru-9", "gh", "Gemm h_in,dh > once", "Add once,dbh > gh", DENSE_GRU},
    {"dense-gru", "gh", "Gemm h_in,dh > once", "Add once,dbh > gh", DENSE_GRU},
    {"dense-gru", "gh", "Gemm h_in,dh > once beta=2.0", "Add once,dbh > gh", DENSE_GRU},
    {"dense-gru", "gh", "Gemm h_in,dh,dbx > once", "Add once,dbh > gh", DENSE_GRU},
    {"dense-gru", "mh", "Mul dh,drift > w", "MatMul h_in,w > mh", OTHER},
    {"dense-gru-images", "rhn", NULL, "Add r,hn > rhn", OTHER},
    {"dense-gru-images", "rhn", NULL, "Mul z,hn > rhn", OTHER},
    {"dense-gru-images", "k", NULL, "Sub nearly,z > k", OTHER},
    {"dense-lstm-images", "a", NULL, "Add s,column > a", OTHER},
    {"dense-lstm-images", "a", NULL, "Add s,wide > a", DENSE_LSTM},
    {"dense-lstm", "a", "Concat x,h_in > xh axis=1", "MatMul xh,both > p\nAdd p,eb > a",
     DENSE_LSTM},
    {"dense-lstm-images", "a", "Concat x,h_in > xh axis=-1", "MatMul xh,both > p\nAdd p,eb > a",
     DENSE_LSTM},
    {"dense-lstm-images", "s", NULL, "Sub mx,mh > s", DENSE_LSTM},
    {"dense-lstm-images", "s", "Relu mh > positive", "Add mx,positive > s", OTHER},
    {"dense-lstm-images", "o", NULL, "Sigmoid af > o", OTHER},
    {"rnn", "hn", "MaxPool h_in > hm kernel_shape=3;3 pads=1;1;1;1", "Conv hm,un > hn pads=1;1;1;1",
     OTHER},
};

/* --- writing a network --- */

static const struct {
    const char *name;
    int n_dims;
    int64_t dims[4];
    float value; /* NAN: waves */
} constants[] = {
    {"wz", 4, {3, 5, 3, 3}, NAN},  {"wr", 4, {3, 5, 3, 3}, NAN},  {"wn", 4, {3, 5, 3, 3}, NAN},
    {"wo", 4, {3, 5, 3, 3}, NAN},  {"wg", 4, {12, 5, 3, 3}, NAN}, {"w8", 4, {3, 8, 3, 3}, NAN},
    {"vz", 4, {3, 2, 3, 3}, NAN},  {"vr", 4, {3, 2, 3, 3}, NAN},  {"vn", 4, {3, 2, 3, 3}, NAN},
    {"uz", 4, {3, 3, 3, 3}, NAN},  {"ur", 4, {3, 3, 3, 3}, NAN},  {"un", 4, {3, 3, 3, 3}, NAN},
    {"wz1", 4, {3, 5, 1, 1}, NAN}, {"bz", 1, {3}, NAN},           {"br", 1, {3}, NAN},
    {"bn", 1, {3}, NAN},           {"bo", 1, {3}, NAN},           {"bg", 1, {12}, NAN},
    {"pi", 4, {1, 3, 4, 5}, NAN},  {"pf", 4, {1, 3, 4, 5}, NAN},  {"po", 3, {3, 4, 5}, NAN},
    {"pc", 4, {1, 3, 1, 1}, NAN},  {"pp", 4, {1, 1, 4, 5}, NAN},  {"hot", 4, {1, 3, 4, 5}, NAN},
    {"ones", 4, {1, 3, 4, 5}, 1},  {"some", 3, {3, 1, 1}, NAN},   {"one", 0, {0}, 1},
    {"nearly", 0, {0}, 0.999f},    {"zero", 0, {0}, 0},           {"low", 0, {0}, -1},
    {"dx", 2, {2, 9}, NAN},        {"dh", 2, {3, 9}, NAN},        {"dbx", 1, {9}, NAN},
    {"dbh", 1, {9}, NAN},          {"row", 2, {1, 9}, NAN},       {"ex", 2, {2, 12}, NAN},
    {"eh", 2, {3, 12}, NAN},       {"eb", 1, {12}, NAN},          {"wide", 2, {1, 12}, NAN},
    {"plane", 2, {9, 9}, NAN},     {"both", 2, {5, 12}, NAN},
};

static float
wave(size_t i, unsigned seed)
{
    return 0.5f * (float)sin(1 + 0.7 * (double)i + 1.3 * seed);
}

static Ow *
constant(guint index)
{
    size_t n = 1;
    for (int d = 0; d < constants[index].n_dims; d++)
        n *= (size_t)constants[index].dims[d];
    g_autofree float *v = g_new(float, n);
    for (size_t i = 0; i < n; i++)
        v[i] = isnan(constants[index].value) ? wave(i, index) : constants[index].value;
    return ow_tensor(constants[index].name, OW_FLOAT, constants[index].dims,
                     constants[index].n_dims, v, n * sizeof *v);
}

static void
add_attribute(Ow *node, const char *text)
{
    g_auto(GStrv) pair = g_strsplit(text, "=", 2);
    g_auto(GStrv) list = g_strsplit(pair[1], ";", -1);
    int64_t numbers[8];
    int n = 0;
    if (strchr(pair[1], '.')) {
        ow_attr_float(node, pair[0], (float)g_ascii_strtod(pair[1], NULL));
        return;
    }
    for (; list[n]; n++)
        numbers[n] = g_ascii_strtoll(list[n], NULL, 10);
    if (n == 1)
        ow_attr_int(node, pair[0], numbers[0]);
    else
        ow_attr_ints(node, pair[0], numbers, n);
}

/* "Op in,in > out attribute=…" */
static Ow *
parse_line(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    Ow *node = ow_node(words[0], words[1], words[3]);
    for (int i = 4; words[i]; i++)
        add_attribute(node, words[i]);
    return node;
}

static bool
has_c(const Pattern *pattern)
{
    return pattern->lines == lstm_lines || pattern->lines == peephole_lines ||
           pattern->lines == dense_lstm_lines;
}

/* The dimensions of a tensor of so many channels; returns their number. */
static int
shape_of(const Pattern *p, int64_t channels, int64_t dims[4])
{
    const int64_t image[4] = {1, channels, 4, 5}, dense[3] = {p->images, p->rows, channels};

    if (!p->rank)
        memcpy(dims, image, sizeof image);
    else
        memcpy(dims, dense + 3 - p->rank, p->rank * sizeof *dense);
    return p->rank ? (int)p->rank : 4;
}

/* What only dense cells read: a bias that comes from outside, and one along the wrong axis. */
static void
add_biases(Ow *graph, const Pattern *pattern)
{
    float v[16];
    for (size_t i = 0; i < G_N_ELEMENTS(v); i++)
        v[i] = wave(i, 40);
    ow_put(graph, OW_G_INPUT, ow_value("drift", OW_FLOAT, (int64_t[]){9}, 1));
    ow_put(graph, OW_G_INITIALIZER,
           ow_tensor("column", OW_FLOAT, (int64_t[]){pattern->rows, 1}, 2, v,
                     pattern->rows * sizeof *v));
}

static GBytes *
write_network(const Pattern *pattern, const GPtrArray *lines, const char *inner)
{
    const int64_t one[4] = {1, 1, 1, 1};
    int64_t x[4], state[4];
    int rank = shape_of(pattern, 2, x);
    shape_of(pattern, HIDDEN, state);
    Ow *graph = ow_new();
    for (guint i = 0; i < lines->len; i++)
        ow_put(graph, OW_G_NODE, parse_line(lines->pdata[i]));
    for (guint i = 0; i < G_N_ELEMENTS(constants); i++)
        ow_put(graph, OW_G_INITIALIZER, constant(i));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("thirds", (int64_t[]){3, 3, 3, 3}, 4));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("uneven", (int64_t[]){1, 2, 3, 3, 3}, 5));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("axis1", (int64_t[]){1}, 1));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("three", (int64_t[]){3, 3, 3}, 3));
    if (pattern->rank)
        add_biases(graph, pattern);
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, x, rank));
    ow_put(graph, OW_G_INPUT, ow_value("gain", OW_FLOAT, one, 4));
    ow_put(graph, OW_G_INPUT, ow_value("h_in", OW_FLOAT, state, rank));
    ow_put(graph, OW_G_OUTPUT, ow_value("h_out", OW_FLOAT, state, rank));
    if (has_c(pattern)) {
        ow_put(graph, OW_G_INPUT, ow_value("c_in", OW_FLOAT, state, rank));
        ow_put(graph, OW_G_OUTPUT, ow_value("c_out", OW_FLOAT, state, rank));
    }
    if (inner)
        ow_put(graph, OW_G_OUTPUT, ow_value(inner, OW_FLOAT, NULL, -1));
    return ow_model(graph, 18);
}

/* The lines of a pattern, with the one that gives `output` replaced; "\n" between several. */
static GPtrArray *
lines_of(const Pattern *pattern, const Mutation *m)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    bool used = false;
    for (int i = 0; pattern->lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(pattern->lines[i], " ", 5);
        if (!m || !g_str_equal(words[3], m->output)) {
            bool gone = m && g_str_has_prefix(words[0], "Split") && m->more &&
                        g_str_has_prefix(m->more, "Split");
            if (!gone)
                g_ptr_array_add(lines, g_strdup(pattern->lines[i]));
            continue;
        }
        used = true;
        g_autofree char *text = g_strconcat(m->more ? m->more : "", m->more && m->line ? "\n" : "",
                                            m->line ? m->line : "", NULL);
        g_auto(GStrv) new_lines = g_strsplit(text, "\n", -1);
        for (int k = 0; new_lines[k]; k++)
            g_ptr_array_add(lines, g_strdup(new_lines[k]));
    }
    if (m && !used) { /* one output of several: in front of the others */
        g_ptr_array_insert(lines, 2, g_strdup(m->more));
        g_ptr_array_insert(lines, 3, g_strdup(m->line));
    }
    return lines;
}

/* --- checking --- */

static ConvRnnSession *
open_session(ConvRnnModel *model, bool plain, bool unfused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    guint n = convrnn_model_get_n_outputs(model);
    g_autofree const gchar **names = g_new0(const gchar *, n + 1);
    for (guint i = 0; i < n; i++)
        names[i] = convrnn_model_get_output(model, i)->name;
    convrnn_session_config_set_outputs(config, names);
    convrnn_session_config_set_fusion(config, !unfused);
    config->binding.plain = plain;
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

static void
fill(ConvRnnSession *session, unsigned step)
{
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_input(session, i);
        float *x = convrnn_session_get_input_data(session, i);
        gint64 n = 1;
        for (guint d = 0; d < info->n_dims; d++)
            n *= info->dims[d];
        for (gint64 k = 0; k < n; k++)
            x[k] = 1 + wave((size_t)k, step + 50);
    }
}

static void
assert_same_numbers(ConvRnnSession *a, ConvRnnSession *b)
{
    for (unsigned step = 0; step < STEPS; step++) {
        fill(a, step);
        fill(b, step);
        convrnn_session_step(a);
        convrnn_session_step(b);
        for (guint i = 0; i < convrnn_session_get_n_outputs(a); i++) {
            const ConvRnnTensorInfo *info = convrnn_session_get_output(a, i);
            const float *p = convrnn_session_get_output_data(a, i);
            const float *q = convrnn_session_get_output_data(b, i);
            gint64 n = 1;
            double scale = 0, worst = 0;
            for (guint d = 0; d < info->n_dims; d++)
                n *= info->dims[d];
            for (gint64 k = 0; k < n; k++) {
                scale = MAX(scale, fabs((double)q[k]));
                worst = MAX(worst, fabs((double)p[k] - (double)q[k]));
            }
            g_assert_cmpfloat(worst, <=, 3e-6 * MAX(scale, 1e-3));
        }
    }
}

static ConvRnnModel *
load(const Pattern *pattern, const GPtrArray *lines, const char *inner)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = write_network(pattern, lines, inner);
    ConvRnnModel *model = convrnn_model_load_bytes(bytes, "cell", NULL, &error);
    if (!model)
        g_test_message("%s", error->message);
    return model;
}

/* The description of the first state's cell; the numbers of every way to run it agree. */
static char *
run_and_recognise(const Pattern *pattern, const GPtrArray *lines, const char *inner, guint *steps)
{
    g_autoptr(ConvRnnModel) model = load(pattern, lines, inner);
    if (!model)
        return NULL;
    g_autoptr(ConvRnnSession) fused = open_session(model, false, false);
    g_autoptr(ConvRnnSession) unfused = open_session(model, false, true);
    g_autoptr(ConvRnnSession) plain = open_session(model, true, false);
    assert_same_numbers(fused, plain);
    convrnn_session_reset(fused);
    assert_same_numbers(fused, unfused);
    const ConvRnnRecurrence *cell = convrnn_session_get_recurrence(fused, 0);
    char *description = g_strdup(cell->description);
    g_assert_cmpstr(convrnn_session_get_recurrence(unfused, 0)->description, ==, description);
    if (steps)
        *steps = cell->fused ? cell->n_steps : 0;
    return description;
}

static const Pattern *
find_pattern(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
        if (g_str_equal(patterns[i].name, name))
            return &patterns[i];
    g_assert_not_reached();
}

static void
test_pattern(gconstpointer data)
{
    const Pattern *pattern = data;
    g_autoptr(GPtrArray) lines = lines_of(pattern, NULL);
    guint steps;
    g_autofree char *description = run_and_recognise(pattern, lines, NULL, &steps);
    g_assert_cmpstr(description, ==, pattern->description);
    if (pattern->rank) /* products and arithmetic are different steps */
        g_assert_cmpuint(steps, ==, 0);
    else
        g_assert_cmpuint(steps, >, 0);
    if (pattern->steps)
        g_assert_cmpuint(steps, ==, pattern->steps);
}

static void
test_mutation(gconstpointer data)
{
    const Mutation *m = data;
    const Pattern *pattern = find_pattern(m->pattern);
    g_autoptr(GPtrArray) lines = lines_of(pattern, m);
    g_autofree char *description = run_and_recognise(pattern, lines, NULL, NULL);
    g_assert_nonnull(description);
    if (!g_str_has_prefix(description, m->description))
        g_test_message("%s", description);
    g_assert_true(g_str_has_prefix(description, m->description));
}

/* Any value inside may be an output as well, or have one reader more: the cell stays what it is. */
static void
test_inner_values(gconstpointer data)
{
    const Pattern *pattern = data;
    for (int i = 0; pattern->lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(pattern->lines[i], " ", 5);
        g_auto(GStrv) outs = g_strsplit(words[3], ",", -1);
        for (int k = 0; outs[k]; k++) {
            if (g_str_has_suffix(outs[k], "_out"))
                continue;
            for (int read = 0; read < 2; read++) {
                g_autoptr(GPtrArray) lines = lines_of(pattern, NULL);
                if (read)
                    g_ptr_array_add(lines, g_strdup_printf("Abs %s > inner", outs[k]));
                g_autofree char *description =
                    run_and_recognise(pattern, lines, read ? "inner" : outs[k], NULL);
                g_assert_cmpstr(description, ==, pattern->description);
            }
        }
    }
}

/* Every operand of every node, replaced by a state or by numbers: whatever the network is now, it
 * runs with the right numbers, and is no such cell any more. */
static void
test_other_operands(gconstpointer data)
{
    const Pattern *pattern = data;
    static const char *const values[] = {"h_in", "c_in", "hot", "pi", NULL};
    for (int i = 0; pattern->lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(pattern->lines[i], " ", 5);
        g_auto(GStrv) ins = g_strsplit(words[1], ",", -1);
        if (g_str_equal(words[0], "Split"))
            continue;
        for (int in = 0; ins[in] && in < (g_str_equal(words[0], "Conv") ? 1 : 2); in++) {
            if (g_str_equal(ins[in], "x") || g_str_equal(ins[in], "xh") ||
                g_str_equal(ins[in], "xrh"))
                continue;
            for (int v = 0; values[v]; v++) {
                if (g_str_equal(values[v], ins[in]) ||
                    (g_str_equal(values[v], "c_in") && !has_c(pattern)))
                    continue;
                g_autofree char *kept = g_steal_pointer(&ins[in]);
                ins[in] = g_strdup(values[v]);
                g_autofree char *joined = g_strjoinv(",", ins);
                g_autofree char *line =
                    g_strdup_printf("%s %s > %s%s%s", words[0], joined, words[3],
                                    words[4] ? " " : "", words[4] ? words[4] : "");
                const Mutation m = {.output = words[3], .line = line};
                g_autoptr(GPtrArray) lines = lines_of(pattern, &m);
                g_autofree char *description = run_and_recognise(pattern, lines, NULL, NULL);
                g_assert_nonnull(description);
                if (g_str_equal(description, pattern->description)) {
                    /* only a term of a gate's argument, a known number or a peephole of 1, or
                     * another peephole */
                    bool known = g_str_equal(values[v], "hot") || g_str_equal(values[v], "pi");
                    bool term = g_str_equal(words[0], "Add") && !g_str_equal(values[v], "h_in");
                    g_test_message("%s", line);
                    g_assert_true(term || (known && words[3][0] == 'p'));
                }
                g_free(ins[in]);
                ins[in] = g_steal_pointer(&kept);
            }
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autofree char *path = g_strdup_printf("/recognition/%s", patterns[i].name);
        g_autofree char *inner = g_strconcat(path, "/inner-values", NULL);
        g_autofree char *other = g_strconcat(path, "/other-operands", NULL);
        g_autofree char *whole = g_strconcat(path, "/pattern", NULL);
        g_test_add_data_func(whole, &patterns[i], test_pattern);
        g_test_add_data_func(inner, &patterns[i], test_inner_values);
        if (!patterns[i].rank)
            g_test_add_data_func(other, &patterns[i], test_other_operands);
    }
    for (guint i = 0; i < G_N_ELEMENTS(mutations); i++) {
        g_autofree char *path =
            g_strdup_printf("/recognition/%s/mutation-%u-%s", mutations[i].pattern, i,
                            mutations[i].line ? mutations[i].line : mutations[i].more);
        g_strdelimit(path + strlen("/recognition/") + strlen(mutations[i].pattern) + 1, "/ \n>",
                     '_');
        g_test_add_data_func(path, &mutations[i], test_mutation);
    }
    return g_test_run();
}
