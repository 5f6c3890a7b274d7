// Folding of arithmetic on constants: shapes that exporters compute, weights that are made from others.
#include "dnn/onnx_import.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heddle::onnx_detail {

namespace {

constexpr std::int64_t largest_fold = 1 << 28; // words: 1 GiB of floats; more is a forged size

/// Extents of two broadcast arrays (numpy's rule).
Dims broadcast(const Node& node, const Dims& a, const Dims& b)
{
    Dims out(std::max(a.size(), b.size()));
    std::int64_t words = 1;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::int64_t x = i + a.size() < out.size() ? 1 : a[i + a.size() - out.size()];
        const std::int64_t y = i + b.size() < out.size() ? 1 : b[i + b.size() - out.size()];
        if (x != y && x != 1 && y != 1)
            node.fail("constants of shapes " + dims_text(a) + " and " + dims_text(b) + " do not broadcast");
        out[i] = x == 1 ? y : x;
        if (out[i] > 0 && words > largest_fold / out[i]) node.fail("the constant needs more than 1 GiB");
        words *= out[i];
    }
    return out;
}

/// Walks `out` row by row and says where a broadcast operand has the word.
class Walk {
public:
    Walk(const Dims& out, const Dims& in) : out_(out), at_(out.size(), 0), step_(out.size(), 0)
    {
        std::int64_t stride = 1;
        for (std::size_t i = in.size(); i-- > 0;) {
            const std::size_t axis = i + out.size() - in.size();
            step_[axis] = in[i] == 1 ? 0 : stride;
            stride *= in[i];
        }
    }
    std::size_t word() const { return static_cast<std::size_t>(word_); }
    void next()
    {
        for (std::size_t i = out_.size(); i-- > 0;) {
            word_ += step_[i];
            if (++at_[i] < out_[i]) return;
            word_ -= step_[i] * out_[i];
            at_[i] = 0;
        }
    }

private:
    const Dims& out_;
    Dims at_, step_;
    std::int64_t word_ = 0;
};

using FloatRule = float (*)(float, float);
using IntegerRule = bool (*)(std::int64_t, std::int64_t, std::int64_t&); ///< false: overflow, or division by zero

void fold_binary(Importer& importer, const Node& node, FloatRule on_floats, IntegerRule on_integers)
{
    node.expect_inputs(2, 2);
    const Constant &a = importer.constant(node, 0), &b = importer.constant(node, 1);
    if (a.integral != b.integral) node.fail("one constant holds integers, the other floats");
    Constant out;
    out.integral = a.integral;
    out.dims = broadcast(node, a.dims, b.dims);
    std::int64_t words = 1;
    for (const std::int64_t extent : out.dims) words *= extent;
    Walk x(out.dims, a.dims), y(out.dims, b.dims);
    for (std::int64_t i = 0; i < words; ++i, x.next(), y.next()) {
        if (!out.integral) {
            out.floats.push_back(on_floats(a.floats[x.word()], b.floats[y.word()]));
            continue;
        }
        std::int64_t word = 0;
        if (!on_integers(a.integers[x.word()], b.integers[y.word()], word))
            node.fail("the integers overflow, or are divided by zero");
        out.integers.push_back(word);
    }
    importer.set_constant(node, std::move(out));
}

bool divide(std::int64_t a, std::int64_t b, std::int64_t& out)
{
    if (b == 0 || (b == -1 && a == std::numeric_limits<std::int64_t>::min())) return false;
    out = a / b; // towards zero, as the standard says of integers
    return true;
}

struct SliceAxis {
    std::int64_t start = 0, step = 1, count = 0;
};

/// numpy's rule for start:end:step on `extent` positions.
SliceAxis clamped(const Node& node, std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent)
{
    if (step == 0 || step == std::numeric_limits<std::int64_t>::min()) node.fail("a step of 0");
    const auto place = [&](std::int64_t at, std::int64_t least, std::int64_t most) {
        return std::clamp(at < 0 && at >= -extent ? at + extent : at, least, most);
    };
    SliceAxis s;
    s.step = step;
    s.start = step > 0 ? place(start, 0, extent) : place(start, -1, extent - 1);
    const std::int64_t stop = step > 0 ? place(end, 0, extent) : place(end, -1, extent - 1);
    const std::int64_t way = step > 0 ? stop - s.start : s.start - stop, size = step > 0 ? step : -step;
    s.count = way <= 0 ? 0 : (way - 1) / size + 1;
    return s;
}

void fold_slice(Importer& importer, const Node& node)
{
    const bool inputs = node.opset() >= 10; // attributes before
    const Constant& in = importer.constant(node, 0);
    const auto list = [&](int input, const char* attribute) {
        if (!inputs) return node.integers(attribute);
        return node.input(input).empty() ? Dims() : importer.constant(node, input).integers;
    };
    const Dims starts = list(1, "starts"), ends = list(2, "ends"), steps = inputs ? list(4, "steps") : Dims();
    Dims axes = list(3, "axes");
    for (std::size_t i = 0; axes.empty() && i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    if (ends.size() != starts.size() || axes.size() != starts.size() ||
        (!steps.empty() && steps.size() != starts.size()))
        node.fail("has " + std::to_string(starts.size()) + " starts and " + std::to_string(ends.size()) + " ends");
    std::vector<SliceAxis> slices;
    for (const std::int64_t extent : in.dims) slices.push_back({0, 1, extent});
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const auto axis = static_cast<std::size_t>(resolve_axis(node, axes[i], in.dims.size()));
        slices[axis] = clamped(node, starts[i], ends[i], steps.empty() ? 1 : steps[i], in.dims[axis]);
    }
    Constant out;
    out.integral = in.integral;
    std::int64_t words = 1;
    for (const SliceAxis& s : slices) {
        out.dims.push_back(s.count);
        words *= s.count;
    }
    for (std::int64_t n = 0; n < words; ++n) {
        std::int64_t rest = n, from = 0, stride = 1;
        for (std::size_t i = slices.size(); i-- > 0;) {
            from += (slices[i].start + rest % slices[i].count * slices[i].step) * stride;
            rest /= slices[i].count;
            stride *= in.dims[i];
        }
        const auto at = static_cast<std::size_t>(from);
        if (in.integral)
            out.integers.push_back(in.integers[at]);
        else
            out.floats.push_back(in.floats[at]);
    }
    importer.set_constant(node, std::move(out));
}

void fold_sqrt(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    Constant out = importer.constant(node, 0);
    if (out.integral) node.fail("a square root of integers");
    for (float& word : out.floats) word = std::sqrt(word);
    importer.set_constant(node, std::move(out));
}

void fold_constant_of_shape(Importer& importer, const Node& node)
{
    node.expect_inputs(1, 1);
    const Constant& shape = importer.constant(node, 0);
    if (!shape.integral) node.fail("its shape holds no integers");
    Constant out, value;
    if (const auto* given = node.tensor("value"))
        value = decode(*given, node.label());
    else
        value.floats = {0.0f};
    if (value.size() != 1) node.fail("its value must be one number");
    out.integral = value.integral;
    out.dims = shape.integers;
    const std::int64_t words = element_count(out.dims, node.label());
    if (words > largest_fold) node.fail("the constant needs more than 1 GiB");
    if (out.integral)
        out.integers.assign(static_cast<std::size_t>(words), value.integers[0]);
    else
        out.floats.assign(static_cast<std::size_t>(words), value.floats[0]);
    importer.set_constant(node, std::move(out));
}

/// (x - zero point) * scale, both per tensor or along an axis.
void fold_dequantize(Importer& importer, const Node& node)
{
    node.expect_inputs(2, 3);
    const Constant& in = importer.constant(node, 0);
    const std::vector<float>& scale = importer.finite_floats(node, 1);
    std::vector<std::int64_t> zero(scale.size(), 0);
    if (!node.input(2).empty()) zero = importer.constant(node, 2).integers;
    if (!in.integral || zero.size() != scale.size()) node.fail("expected integers, and a zero point for each scale");
    std::int64_t extent = 1, inner = 1;
    if (scale.size() > 1) {
        const int axis = resolve_axis(node, node.integer("axis", 1), in.dims.size());
        extent = in.dims[static_cast<std::size_t>(axis)];
        for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < in.dims.size(); ++i) inner *= in.dims[i];
        if (extent != static_cast<std::int64_t>(scale.size()))
            node.fail(std::to_string(scale.size()) + " scales for " + std::to_string(extent) + " positions");
    } else if (scale.empty()) {
        node.fail("has no scale");
    }
    Constant out;
    out.dims = in.dims;
    for (std::int64_t i = 0; i < in.size(); ++i) {
        const auto c = static_cast<std::size_t>(i / inner % extent);
        out.floats.push_back(static_cast<float>(in.integers[static_cast<std::size_t>(i)] - zero[c]) * scale[c]);
    }
    importer.set_constant(node, std::move(out));
}

} // namespace

const std::map<std::string, Operator>& arithmetic_folds()
{
    static const auto on = [](FloatRule floats, IntegerRule integers) -> Operator {
        return [=](Importer& i, const Node& n) { fold_binary(i, n, floats, integers); };
    };
    using I = std::int64_t;
    static const std::map<std::string, Operator> folds = {
        {"Add", on([](float a, float b) { return a + b; },
                   [](I a, I b, I& out) { return !__builtin_add_overflow(a, b, &out); })},
        {"Sub", on([](float a, float b) { return a - b; },
                   [](I a, I b, I& out) { return !__builtin_sub_overflow(a, b, &out); })},
        {"Mul", on([](float a, float b) { return a * b; },
                   [](I a, I b, I& out) { return !__builtin_mul_overflow(a, b, &out); })},
        {"Div", on([](float a, float b) { return a / b; }, divide)},
        {"Slice", fold_slice},
        {"Sqrt", fold_sqrt},
        {"ConstantOfShape", fold_constant_of_shape},
        {"DequantizeLinear", fold_dequantize},
    };
    return folds;
}

} // namespace heddle::onnx_detail
