#include "dnn/image.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/npy.hpp"

#include <algorithm>
#include <cmath>

namespace heddle {

namespace {

/// Weights of the input positions that one output position takes along an axis.
struct Taps {
    int first = 0;
    std::vector<float> weights;
};

std::vector<Taps> taps_of(int from, int to)
{
    const double ratio = static_cast<double>(from) / to;
    const double reach = std::max(1.0, ratio); // half the width of the triangle
    std::vector<Taps> all(static_cast<std::size_t>(to));
    for (int out = 0; out < to; ++out) {
        const double centre = (out + 0.5) * ratio;
        Taps& taps = all[static_cast<std::size_t>(out)];
        taps.first = std::max(0, static_cast<int>(std::floor(centre - reach)));
        const int last = std::min(from - 1, static_cast<int>(std::ceil(centre + reach)));
        double sum = 0;
        std::vector<double> weights;
        for (int in = taps.first; in <= last; ++in) {
            weights.push_back(std::max(0.0, 1.0 - std::abs((in + 0.5 - centre) / reach)));
            sum += weights.back();
        }
        for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
    }
    return all;
}

/// Resamples the middle axis of (outer, from, inner).
std::vector<float> resample(const std::vector<float>& in, std::size_t outer, int from, int to, std::size_t inner)
{
    if (from == to) return in;
    const std::vector<Taps> taps = taps_of(from, to);
    std::vector<float> out(outer * static_cast<std::size_t>(to) * inner, 0.0f);
    for (std::size_t o = 0; o < outer; ++o) {
        for (std::size_t t = 0; t < taps.size(); ++t) {
            float* target = out.data() + (o * taps.size() + t) * inner;
            for (std::size_t w = 0; w < taps[t].weights.size(); ++w) {
                const std::size_t row =
                    o * static_cast<std::size_t>(from) + static_cast<std::size_t>(taps[t].first) + w;
                const float* source = in.data() + row * inner;
                for (std::size_t i = 0; i < inner; ++i) target[i] += taps[t].weights[w] * source[i];
            }
        }
    }
    return out;
}

/// The largest centred part of the aspect ratio cols:rows.
Picture crop_to_aspect(const Picture& in, int rows, int cols)
{
    Picture out;
    const auto wide = static_cast<std::int64_t>(in.cols) * rows;
    const auto high = static_cast<std::int64_t>(in.rows) * cols;
    out.cols = wide > high ? static_cast<int>(std::max<std::int64_t>(high / rows, 1)) : in.cols;
    out.rows = wide < high ? static_cast<int>(std::max<std::int64_t>(wide / cols, 1)) : in.rows;
    const int top = (in.rows - out.rows) / 2;
    const int left = (in.cols - out.cols) / 2;
    for (int r = 0; r < out.rows; ++r) {
        const auto start = in.rgb.begin() + (static_cast<std::ptrdiff_t>(top + r) * in.cols + left) * 3;
        out.rgb.insert(out.rgb.end(), start, start + static_cast<std::ptrdiff_t>(out.cols) * 3);
    }
    return out;
}

/// Interleaved values of `channels`; grey is exact for pixels that are grey already.
std::vector<float> channels_of(const Picture& picture, int channels)
{
    std::vector<float> out;
    if (channels == 3) {
        out.assign(picture.rgb.begin(), picture.rgb.end());
        return out;
    }
    for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
        const int luma = 299 * picture.rgb[i] + 587 * picture.rgb[i + 1] + 114 * picture.rgb[i + 2];
        out.push_back(static_cast<float>(luma / 1000.0));
    }
    return out;
}

float normalised(float pixel, int channel, const PictureOptions& options)
{
    const auto c = static_cast<std::size_t>(channel);
    return (pixel * options.scale - options.mean[c]) / options.deviation[c];
}

void repeat_first_picture(FloatTensor& tensor)
{
    const std::size_t words = tensor.data.size() / static_cast<std::size_t>(tensor.shape[0]);
    for (int n = 1; n < tensor.shape[0]; ++n) {
        std::copy_n(tensor.data.begin(), words, tensor.data.begin() + static_cast<std::ptrdiff_t>(words) * n);
    }
}

FloatTensor from_picture(Picture picture, const Shape4& shape, const PictureOptions& options)
{
    const auto [batch, channels, rows, cols] = shape;
    if (options.fit == PictureOptions::Fit::crop) picture = crop_to_aspect(picture, rows, cols);
    const std::vector<float> pixels =
        resize_bilinear(channels_of(picture, channels), channels, picture.rows, picture.cols, rows, cols);
    FloatTensor out(shape);
    std::size_t from = 0;
    for (int h = 0; h < rows; ++h) {
        for (int w = 0; w < cols; ++w) {
            for (int c = 0; c < channels; ++c) out.at(0, c, h, w) = normalised(pixels[from++], c, options);
        }
    }
    repeat_first_picture(out);
    return out;
}

FloatTensor from_npy(const NpyArray& array, const std::string& path, const Shape4& shape, const PictureOptions& options)
{
    const std::vector<std::int64_t> batch(shape.begin(), shape.end());
    const std::vector<std::int64_t> single(shape.begin() + 1, shape.end());
    const std::vector<std::int64_t> plane(shape.begin() + 2, shape.end());
    const bool one = array.shape == single || (shape[1] == 1 && array.shape == plane) ||
                     (array.shape.size() == 4 && array.shape[0] == 1 &&
                      std::equal(single.begin(), single.end(), array.shape.begin() + 1));
    if (!one && array.shape != batch) {
        std::string got;
        for (const std::int64_t extent : array.shape) got += (got.empty() ? "" : ",") + std::to_string(extent);
        throw UserError(path + ": expected an array of shape (" + std::to_string(shape[1]) + "," +
                        std::to_string(shape[2]) + "," + std::to_string(shape[3]) + "), got (" + got + ")");
    }
    FloatTensor out(shape);
    const std::vector<float> words = array.floats();
    std::copy(words.begin(), words.end(), out.data.begin());
    if (one) repeat_first_picture(out);
    if (array.type == NpyType::uint8) {
        const std::size_t plane_words = static_cast<std::size_t>(shape[2]) * static_cast<std::size_t>(shape[3]);
        for (std::size_t i = 0; i < out.data.size(); ++i) {
            const auto channel = static_cast<int>(i / plane_words % static_cast<std::size_t>(shape[1]));
            out.data[i] = normalised(out.data[i], std::min(channel, 2), options);
        }
    }
    for (const float word : out.data) {
        if (!std::isfinite(word)) throw UserError(path + ": holds a value that is not finite");
    }
    return out;
}

} // namespace

std::vector<float> resize_bilinear(const std::vector<float>& pixels, int channels, int rows, int cols, int new_rows,
                                   int new_cols)
{
    const auto depth = static_cast<std::size_t>(channels);
    const std::vector<float> wide = resample(pixels, static_cast<std::size_t>(rows), cols, new_cols, depth);
    return resample(wide, 1, rows, new_rows, static_cast<std::size_t>(new_cols) * depth);
}

FloatTensor read_network_input(const std::string& path, const Shape4& shape, const PictureOptions& options)
{
    const std::string content = read_file(path);
    if (content.compare(0, 6, "\x93NUMPY") == 0) return from_npy(parse_npy(content, path), path, shape, options);
    if (shape[1] != 1 && shape[1] != 3) {
        throw UserError(path + ": a picture has 1 or 3 channels, the network's input has " + std::to_string(shape[1]) +
                        "; use a .npy");
    }
    return from_picture(read_picture(path), shape, options);
}

} // namespace heddle
