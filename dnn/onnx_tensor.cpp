#include "dnn/onnx_tensor.hpp"

#include "dnn/base/error.hpp"

#include <cmath>
#include <cstring>

namespace heddle::onnx_detail {

namespace {

constexpr std::int64_t largest_left_out = 1 << 28;                 // words: 1 GiB
constexpr std::int64_t max_elements = (std::int64_t{1} << 31) - 1; // an extent fits an int

// IEEE half: 1 sign, 5 exponent, 10 fraction bits.
float half_to_float(std::uint16_t h)
{
    const int exponent = (h >> 10) & 31;
    const int fraction = h & 1023;
    float magnitude = 0;
    if (exponent == 31) {
        magnitude = fraction != 0 ? std::nanf("") : INFINITY;
    } else if (exponent == 0) {
        magnitude = std::ldexp(static_cast<float>(fraction), -24);
    } else {
        magnitude = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
    }
    return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

// ONNX stores raw data little-endian, as the machines that Heddle supports do.
template <typename Stored, typename Out, typename Convert>
std::vector<Out> from_raw(const std::string& raw, std::int64_t count, const std::string& what, Convert convert)
{
    if (raw.size() != static_cast<std::uint64_t>(count) * sizeof(Stored)) {
        throw UserError(what + ": holds " + std::to_string(raw.size()) + " bytes, its shape needs " +
                        std::to_string(static_cast<std::uint64_t>(count) * sizeof(Stored)));
    }
    std::vector<Out> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) {
        Stored word;
        std::memcpy(&word, raw.data() + i * sizeof(Stored), sizeof(Stored));
        out[i] = convert(word);
    }
    return out;
}

template <typename Out, typename Field, typename Convert>
std::vector<Out> from_field(const Field& field, std::int64_t count, const std::string& what, Convert convert)
{
    if (field.size() != count) {
        throw UserError(what + ": holds " + std::to_string(field.size()) + " values, its shape needs " +
                        std::to_string(count));
    }
    std::vector<Out> out;
    out.reserve(static_cast<std::size_t>(count));
    for (const auto& word : field) out.push_back(convert(word));
    return out;
}

template <typename Stored, typename Field>
void set_floats(Constant& out, const onnx::TensorProto& proto, const Field& field, const std::string& what)
{
    const auto convert = [](auto word) { return static_cast<float>(word); };
    const std::int64_t count = element_count(out.dims, what);
    out.floats = proto.has_raw_data() ? from_raw<Stored, float>(proto.raw_data(), count, what, convert)
                                      : from_field<float>(field, count, what, convert);
}

template <typename Stored, typename Field>
void set_integers(Constant& out, const onnx::TensorProto& proto, const Field& field, const std::string& what)
{
    const auto convert = [](auto word) { return static_cast<std::int64_t>(word); };
    const std::int64_t count = element_count(out.dims, what);
    out.integral = true;
    out.integers = proto.has_raw_data() ? from_raw<Stored, std::int64_t>(proto.raw_data(), count, what, convert)
                                        : from_field<std::int64_t>(field, count, what, convert);
}

/// The upper half of a float.
float bfloat_to_float(std::uint16_t b)
{
    const std::uint32_t bits = static_cast<std::uint32_t>(b) << 16;
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

void set_halves(Constant& out, const onnx::TensorProto& proto, const std::string& what)
{
    const auto convert = [&](auto word) {
        const auto bits = static_cast<std::uint16_t>(word);
        return proto.data_type() == onnx::TensorProto::BFLOAT16 ? bfloat_to_float(bits) : half_to_float(bits);
    };
    const std::int64_t count = element_count(out.dims, what);
    out.floats = proto.has_raw_data() ? from_raw<std::uint16_t, float>(proto.raw_data(), count, what, convert)
                                      : from_field<float>(proto.int32_data(), count, what, convert);
}

} // namespace

std::string dims_text(const Dims& dims)
{
    std::string text = "(";
    for (std::size_t i = 0; i < dims.size(); ++i) text += (i != 0 ? "," : "") + std::to_string(dims[i]);
    return text + ")";
}

std::int64_t element_count(const Dims& dims, const std::string& what)
{
    std::int64_t count = 1;
    for (const std::int64_t extent : dims) {
        if (extent < 0) throw UserError(what + ": negative extent in shape " + dims_text(dims));
        if (extent > max_elements || count * extent > max_elements) {
            throw UserError(what + ": shape " + dims_text(dims) + " has 2^31 elements or more");
        }
        count *= extent;
    }
    return count;
}

Constant decode(const onnx::TensorProto& proto, const std::string& what)
{
    Constant out;
    out.dims.assign(proto.dims().begin(), proto.dims().end());
    if (is_left_out(proto)) { // floats are weights, whose values do not matter then
        if (proto.data_type() != onnx::TensorProto::FLOAT && proto.data_type() != onnx::TensorProto::DOUBLE &&
            proto.data_type() != onnx::TensorProto::FLOAT16 && proto.data_type() != onnx::TensorProto::BFLOAT16)
            throw UserError(what + ": its external data are not there, and integers cannot be made up");
        const std::int64_t words = element_count(out.dims, what);
        if (words > largest_left_out) throw UserError(what + ": its external data are not there, and are too many");
        out.floats.assign(static_cast<std::size_t>(words), 1.0f);
        return out;
    }
    switch (proto.data_type()) {
    case onnx::TensorProto::FLOAT:
        set_floats<float>(out, proto, proto.float_data(), what);
        break;
    case onnx::TensorProto::DOUBLE:
        set_floats<double>(out, proto, proto.double_data(), what);
        break;
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16:
        set_halves(out, proto, what);
        break;
    case onnx::TensorProto::INT64:
        set_integers<std::int64_t>(out, proto, proto.int64_data(), what);
        break;
    case onnx::TensorProto::INT32:
        set_integers<std::int32_t>(out, proto, proto.int32_data(), what);
        break;
    case onnx::TensorProto::INT16:
        set_integers<std::int16_t>(out, proto, proto.int32_data(), what);
        break;
    case onnx::TensorProto::INT8:
        set_integers<std::int8_t>(out, proto, proto.int32_data(), what);
        break;
    case onnx::TensorProto::UINT8:
    case onnx::TensorProto::BOOL:
        set_integers<std::uint8_t>(out, proto, proto.int32_data(), what);
        break;
    default:
        throw UserError(what + ": element type " + std::to_string(proto.data_type()) +
                        " is not supported (float, double, float16, bfloat16, int8..int64, uint8, bool are)");
    }
    return out;
}

Constant transpose(const Constant& in, const std::vector<int>& perm)
{
    const std::size_t rank = perm.size();
    Dims strides(rank, 1);
    for (std::size_t i = rank; i-- > 1;) strides[i - 1] = strides[i] * in.dims[i];
    Constant out;
    out.integral = in.integral;
    for (const int axis : perm) out.dims.push_back(in.dims[static_cast<std::size_t>(axis)]);
    Dims at(rank, 0);
    for (std::int64_t n = 0; n < in.size(); ++n) {
        std::int64_t from = 0;
        for (std::size_t i = 0; i < rank; ++i) from += at[i] * strides[static_cast<std::size_t>(perm[i])];
        if (in.integral) {
            out.integers.push_back(in.integers[static_cast<std::size_t>(from)]);
        } else {
            out.floats.push_back(in.floats[static_cast<std::size_t>(from)]);
        }
        for (std::size_t i = rank; i-- > 0;) {
            if (++at[i] < out.dims[i]) break;
            at[i] = 0;
        }
    }
    return out;
}

} // namespace heddle::onnx_detail
