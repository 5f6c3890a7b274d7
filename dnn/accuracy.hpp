// Top-1 of a network on labelled pictures, in floats and in the hardware's integers, by the plain reference.
#pragma once

#include "dnn/dataset.hpp"
#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <cstdint>
#include <functional>

namespace heddle {

struct AccuracyOptions {
    Precision precision;
    std::int64_t limit = 0;         ///< pictures of the test set, from its start; 0: all
    std::int64_t calibration = 256; ///< pictures of the training set that set the scales, from its start
    std::function<void(std::int64_t done)> progress; ///< after every batch, with the pictures done; may be empty
};

struct Accuracy {
    std::int64_t pictures = 0;
    std::int64_t float_correct = 0;
    std::int64_t quantised_correct = 0;
    std::int64_t agreed = 0;    ///< float and integers name the same class, right or wrong
    std::int64_t overflows = 0; ///< outputs whose exact psum did not fit psum_bits

    double float_top1() const { return pictures == 0 ? 0.0 : static_cast<double>(float_correct) / pictures; }
    double quantised_top1() const { return pictures == 0 ? 0.0 : static_cast<double>(quantised_correct) / pictures; }
};

/// Index of the largest word of picture `n` in the last layer's output; the first one of equals.
int top1(const FloatTensor& output, int n);
int top1(const Tensor& output, int n);

/// The network at another batch. UserError when a tensor would exceed 2^31 words.
Network with_batch(Network net, int batch);

/// Quantises with scales calibrated on `train` and runs `test`. UserError when the network has no weights, when its
/// input is not one grey picture of the data set's size, or when it has fewer outputs than there are classes.
Accuracy measure_accuracy(const Network& net, const Dataset& train, const Dataset& test,
                          const AccuracyOptions& options = {});

} // namespace heddle
