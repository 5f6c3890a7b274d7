// Labelled pictures in the IDX format of MNIST and Fashion-MNIST, gzipped or not.
#pragma once

#include "dnn/tensor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

struct Dataset {
    int rows = 0, cols = 0;
    std::vector<std::uint8_t> pixels; ///< picture after picture, row major
    std::vector<std::uint8_t> labels;

    std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
    /// `count` pictures from `first` on as (count,1,rows,cols), grey / 255.
    FloatTensor pictures(std::int64_t first, std::int64_t count) const;
};

/// UserError naming the file when it is missing, corrupt, truncated, or when the two files differ in length.
Dataset read_idx_dataset(const std::string& pictures_path, const std::string& labels_path);

/// Debian's package dataset-fashion-mnist: "train" (60,000) or "t10k" (10,000). UserError naming the package
/// when it is not installed. `folder` is for tests.
Dataset read_fashion_mnist(const std::string& split, const std::string& folder = "/usr/share/datasets/fashion-mnist");

} // namespace heddle
