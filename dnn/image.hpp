// Pictures as network inputs: PNG (libpng), JPEG (libjpeg) or .npy to a float tensor.
#pragma once

#include "dnn/tensor.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

/// 8 bits per channel, interleaved RGB, row major.
struct Picture {
    int rows = 0, cols = 0;
    std::vector<std::uint8_t> rgb;
};

/// How pixels become inputs: (pixel * scale - mean[c]) / deviation[c]. Grey is Rec. 601 luma.
struct PictureOptions {
    enum class Fit { stretch, crop }; ///< crop: the largest centred part with the network's aspect ratio
    Fit fit = Fit::stretch;
    float scale = 1.0f / 255.0f;
    std::array<float, 3> mean{0, 0, 0};
    std::array<float, 3> deviation{1, 1, 1};
};

/// PNG or JPEG, told apart by content. Transparent pixels are laid over black.
/// UserError naming the file when it is neither, corrupt, or has more than 2^28 pixels.
Picture read_picture(const std::string& path);

/// Bilinear, pixel centres aligned; when shrinking the filter widens by the factor, so that every pixel counts.
/// Interleaved `channels` values of 0..255. Equal sizes return the values unchanged.
std::vector<float> resize_bilinear(const std::vector<float>& pixels, int channels, int rows, int cols, int new_rows,
                                   int new_cols);

/// The input tensor of `shape` (N,C,H,W), C of 1 (grey) or 3 (RGB), from an image file or a .npy of shape (C,H,W),
/// (N,C,H,W) or, where C is 1, (H,W). Float words of a .npy are taken as they are; uint8 words are pixels.
/// A single picture is repeated over the batch. UserError naming the file when the shapes cannot meet.
FloatTensor read_network_input(const std::string& path, const Shape4& shape, const PictureOptions& options = {});

} // namespace heddle
