// Constant tensors of an ONNX file: initialisers, Constant nodes and what folds from them.
#pragma once

#include "dnn/onnx_proto.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heddle::onnx_detail {

using Dims = std::vector<std::int64_t>;

std::string dims_text(const Dims& dims);

/// Number of elements; UserError starting with `what` on a negative extent or 2^31 elements or more.
std::int64_t element_count(const Dims& dims, const std::string& what);

/// Row major. Integer types (and bool) are held in `integers`, floating ones in `floats`; the other is empty.
struct Constant {
    Dims dims;
    bool integral = false;
    std::vector<float> floats;
    std::vector<std::int64_t> integers;

    std::int64_t size() const { return static_cast<std::int64_t>(integral ? integers.size() : floats.size()); }
};

/// Its values lie in a file that was not read.
inline bool is_left_out(const onnx::TensorProto& proto)
{
    return proto.data_location() == onnx::TensorProto::EXTERNAL || proto.external_data_size() > 0;
}

/// float, double, float16, bfloat16, the integer types and bool. UserError starting with `what` for another type, or
/// data whose length differs from the shape. Floats that are left out are ones.
Constant decode(const onnx::TensorProto& proto, const std::string& what);

/// Row-major transposition: output axis i is input axis perm[i].
Constant transpose(const Constant& in, const std::vector<int>& perm);

} // namespace heddle::onnx_detail
