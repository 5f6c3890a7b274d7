// NumPy's .npy files, format versions 1 and 2 (numpy.lib.format): little-endian, C order.
#pragma once

#include "dnn/tensor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

enum class NpyType { float32, uint8, int8, int16, float64, int32, int64 };

struct NpyArray {
    NpyType type = NpyType::float32;
    std::vector<std::int64_t> shape;
    std::string bytes; ///< the words, row major, little-endian

    std::int64_t size() const; ///< number of words
    /// Word by word as floats, the nearest where a type is wider.
    std::vector<float> floats() const;
};

/// UserError naming the file for anything but a complete array of these types.
NpyArray read_npy(const std::string& path);
NpyArray parse_npy(const std::string& content, const std::string& name);

/// The file's content; write it with write_file_atomically.
std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<float>& words);
std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<std::uint8_t>& words);
std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<std::int8_t>& words);
std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<std::int16_t>& words);

} // namespace heddle
