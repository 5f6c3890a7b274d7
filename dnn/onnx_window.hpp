// The window of a conv or pool node. Internal to the ONNX importer.
#pragma once

#include "dnn/onnx_import.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace heddle::onnx_detail {

/// Window extents and padding beyond that are corrupt files.
constexpr std::int64_t largest_window_extent = 1 << 15;

/// The attribute's values for (rows, columns); a 1-D window has one row. `fallback` when absent.
/// UserError naming the node unless there are `spatial` values of at least `least`.
std::array<int, 2> pair_of(const Node& node, const std::string& attribute, std::size_t spatial, int least,
                           std::int64_t fallback);

/// 1 or 2 spatial dimensions; UserError for an input without any.
std::size_t spatial_rank(const Node& node, const Value& in);

/// (N,C,H,W) of a value with the zeros of the Pad it is read through.
Shape4 padded_shape(Shape4 shape, const Value& value);
/// Those zeros as padding of the window.
void absorb_pad(const Value& value, Window& window);

/// Strides, dilations and padding (explicit or auto_pad) of a window of `kernel` over `in`.
Window read_window(const Node& node, const Shape4& in, std::size_t spatial, const std::array<int, 2>& kernel);

/// Adds the layer and gives its output the rank of `in`.
void add_window_layer(Importer& importer, const Node& node, Layer layer, const Value& in);

} // namespace heddle::onnx_detail
