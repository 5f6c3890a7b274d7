#include "dnn/dataset.hpp"

#include "dnn/base/error.hpp"

#include <fstream>
#include <memory>
#include <zlib.h>

namespace heddle {

namespace {

constexpr std::int64_t most_words = std::int64_t{1} << 30;

struct GzClose {
    void operator()(gzFile file) const { gzclose(file); }
};

/// An array of bytes with up to three dimensions.
struct Idx {
    std::vector<std::int64_t> dims;
    std::vector<std::uint8_t> bytes;
};

/// zlib's gzread also passes plain files through.
void read_exactly(gzFile file, void* target, std::int64_t bytes, const std::string& path)
{
    if (gzread(file, target, static_cast<unsigned>(bytes)) != bytes) throw UserError(path + ": truncated or corrupt");
}

// IDX: two zero bytes, the type (8: unsigned byte), the rank, then big-endian extents and the bytes.
Idx read_idx(const std::string& path, int rank)
{
    const std::unique_ptr<gzFile_s, GzClose> file(gzopen(path.c_str(), "rb"));
    if (!file) throw UserError(path + ": cannot be opened");
    std::uint8_t head[4];
    read_exactly(file.get(), head, 4, path);
    if (head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] != rank) {
        throw UserError(path + ": not an IDX file of bytes in " + std::to_string(rank) + " dimensions");
    }
    Idx out;
    std::int64_t words = 1;
    for (int i = 0; i < rank; ++i) {
        std::uint8_t extent[4];
        read_exactly(file.get(), extent, 4, path);
        out.dims.push_back(std::int64_t{extent[0]} << 24 | extent[1] << 16 | extent[2] << 8 | extent[3]);
        if (out.dims.back() < 1 || words > most_words / out.dims.back()) throw UserError(path + ": impossible size");
        words *= out.dims.back();
    }
    out.bytes.resize(static_cast<std::size_t>(words));
    read_exactly(file.get(), out.bytes.data(), words, path);
    return out;
}

} // namespace

FloatTensor Dataset::pictures(std::int64_t first, std::int64_t count) const
{
    FloatTensor out({static_cast<int>(count), 1, rows, cols});
    const std::int64_t start = first * rows * cols;
    for (std::size_t i = 0; i < out.data.size(); ++i) {
        out.data[i] = static_cast<float>(pixels[static_cast<std::size_t>(start) + i]) / 255.0f;
    }
    return out;
}

Dataset read_idx_dataset(const std::string& pictures_path, const std::string& labels_path)
{
    Idx pictures = read_idx(pictures_path, 3);
    Idx labels = read_idx(labels_path, 1);
    if (pictures.dims[0] != labels.dims[0]) {
        throw UserError(pictures_path + ": " + std::to_string(pictures.dims[0]) + " pictures, but " +
                        std::to_string(labels.dims[0]) + " labels");
    }
    Dataset out;
    out.rows = static_cast<int>(pictures.dims[1]);
    out.cols = static_cast<int>(pictures.dims[2]);
    out.pixels = std::move(pictures.bytes);
    out.labels = std::move(labels.bytes);
    return out;
}

Dataset read_fashion_mnist(const std::string& split, const std::string& folder)
{
    const std::string start = folder + "/" + split;
    const std::string pictures = start + "-images-idx3-ubyte.gz";
    if (!std::ifstream(pictures)) {
        throw UserError(pictures + ": not found; install Debian's package dataset-fashion-mnist");
    }
    return read_idx_dataset(pictures, start + "-labels-idx1-ubyte.gz");
}

} // namespace heddle
