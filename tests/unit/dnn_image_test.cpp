#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/dataset.hpp"
#include "dnn/image.hpp"
#include "dnn/npy.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <jpeglib.h>
#include <png.h>
#include <unistd.h>

namespace {

using namespace heddle;
namespace fs = std::filesystem;

class Folder {
public:
    Folder() : path_(fs::temp_directory_path() / ("heddle_image_" + std::to_string(getpid())))
    {
        fs::create_directories(path_);
    }
    ~Folder() { fs::remove_all(path_); }
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    std::string write(const std::string& name, const std::string& content) const
    {
        std::ofstream(file(name), std::ios::binary) << content;
        return file(name);
    }

private:
    fs::path path_;
};

void write_png(const std::string& path, int cols, int rows, int format, const std::vector<std::uint8_t>& pixels)
{
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<unsigned>(cols);
    image.height = static_cast<unsigned>(rows);
    image.format = static_cast<unsigned>(format);
    REQUIRE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) != 0);
}

std::string jpeg_of(int cols, int rows, const std::vector<std::uint8_t>& rgb)
{
    jpeg_compress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* memory = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &memory, &size);
    info.image_width = static_cast<unsigned>(cols);
    info.image_height = static_cast<unsigned>(rows);
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 95, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        auto* row = const_cast<std::uint8_t*>(rgb.data()) + static_cast<std::size_t>(info.next_scanline) * cols * 3;
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    std::string out(reinterpret_cast<char*>(memory), size);
    std::free(memory);
    return out;
}

} // namespace

TEST_CASE("a grey PNG of the right size is exactly its pixels / 255")
{
    const Folder folder;
    write_png(folder.file("g.png"), 3, 2, PNG_FORMAT_GRAY, {0, 1, 2, 127, 254, 255});
    const FloatTensor got = read_network_input(folder.file("g.png"), {1, 1, 2, 3});
    const std::vector<float> expected = {0, 1, 2, 127, 254, 255};
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(got.data[i] == Approx(expected[i] / 255).margin(1e-7));
}

TEST_CASE("colour pictures are channels first, normalised per channel and repeated over the batch")
{
    const Folder folder;
    write_png(folder.file("c.png"), 2, 1, PNG_FORMAT_RGB, {10, 20, 30, 40, 50, 60});
    PictureOptions options;
    options.scale = 1;
    options.mean = {0, 10, 20};
    options.deviation = {1, 2, 1};
    const FloatTensor got = read_network_input(folder.file("c.png"), {2, 3, 1, 2}, options);
    CHECK(got.data == std::vector<float>{10, 40, 5, 20, 10, 40, 10, 40, 5, 20, 10, 40});
    SECTION("grey is luma")
    {
        options = {};
        options.scale = 1;
        const FloatTensor grey = read_network_input(folder.file("c.png"), {1, 1, 1, 2}, options);
        CHECK(grey.data[0] == Approx(0.299 * 10 + 0.587 * 20 + 0.114 * 30));
    }
}

TEST_CASE("transparent pixels are laid over black")
{
    const Folder folder;
    write_png(folder.file("a.png"), 2, 1, PNG_FORMAT_RGBA, {200, 200, 200, 0, 200, 200, 200, 255});
    const Picture picture = read_picture(folder.file("a.png"));
    CHECK(picture.rgb == std::vector<std::uint8_t>{0, 0, 0, 200, 200, 200});
}

TEST_CASE("resizing keeps constants, averages when it shrinks and interpolates when it grows")
{
    for (const float value : resize_bilinear({7, 7, 7, 7}, 1, 2, 2, 5, 3)) CHECK(value == Approx(7));
    const std::vector<float> same = {1, 2, 3, 4};
    CHECK(resize_bilinear(same, 1, 2, 2, 2, 2) == same);
    // Centres of the 4 outputs lie at -0.25, 0.25, 0.75, 1.25 of the two pixels.
    const std::vector<float> grown = resize_bilinear({0, 8}, 1, 1, 2, 1, 4);
    CHECK(grown[0] == Approx(0));
    CHECK(grown[1] == Approx(2));
    CHECK(grown[2] == Approx(6));
    CHECK(grown[3] == Approx(8));
    // A checkerboard shrunk by 8 is grey: no pixel is skipped.
    std::vector<float> board(64);
    for (std::size_t i = 0; i < 64; ++i) board[i] = (i + i / 8) % 2 == 0 ? 0.0f : 100.0f;
    CHECK(resize_bilinear(board, 1, 8, 8, 1, 1)[0] == Approx(50));
}

TEST_CASE("crop takes the largest centred part")
{
    const Folder folder;
    write_png(folder.file("w.png"), 4, 2, PNG_FORMAT_GRAY, {1, 2, 3, 4, 5, 6, 7, 8});
    PictureOptions options;
    options.scale = 1;
    options.fit = PictureOptions::Fit::crop;
    CHECK(read_network_input(folder.file("w.png"), {1, 1, 2, 2}, options).data == std::vector<float>{2, 3, 6, 7});
}

TEST_CASE("a JPEG decodes to its colours; a broken one is a UserError")
{
    const Folder folder;
    std::vector<std::uint8_t> rgb;
    for (int i = 0; i < 16 * 16; ++i) rgb.insert(rgb.end(), {200, 100, 50});
    const std::string good = jpeg_of(16, 16, rgb);
    const Picture picture = read_picture(folder.write("j.jpg", good));
    REQUIRE(picture.rows == 16);
    for (std::size_t i = 0; i < 3; ++i) CHECK(std::abs(picture.rgb[i] - rgb[i]) <= 3);
    for (const std::size_t length : {std::size_t{3}, std::size_t{50}, good.size() / 2, good.size() - 3}) {
        CHECK_THROWS_AS(read_picture(folder.write("bad.jpg", good.substr(0, length))), UserError);
    }
}

TEST_CASE("broken PNGs and other files are UserErrors that name the file")
{
    const Folder folder;
    write_png(folder.file("g.png"), 8, 8, PNG_FORMAT_GRAY, std::vector<std::uint8_t>(64, 9));
    const std::string good = read_file(folder.file("g.png"));
    for (std::size_t length = 4; length < good.size() - 12; ++length) { // the last chunk (IEND) holds nothing
        CHECK_THROWS_AS(read_picture(folder.write("bad.png", good.substr(0, length))), UserError);
    }
    CHECK_THROWS_WITH(read_picture(folder.write("t.txt", "hello")), Catch::Contains("t.txt: neither a PNG nor a JPEG"));
    CHECK_THROWS_AS(read_picture(folder.file("missing.png")), UserError);
    CHECK_THROWS_WITH(read_network_input(folder.file("g.png"), {1, 16, 4, 4}), Catch::Contains("16"));
}

TEST_CASE("a .npy is an input of its own shape; bytes are pixels")
{
    const Folder folder;
    const std::string floats = folder.write("f.npy", npy_content({1, 1, 2}, std::vector<float>{-3, 4}));
    CHECK(read_network_input(floats, {2, 1, 1, 2}).data == std::vector<float>{-3, 4, -3, 4});
    CHECK_THROWS_WITH(read_network_input(floats, {1, 1, 2, 2}), Catch::Contains("(1,2,2), got (1,1,2)"));
    const std::string bytes = folder.write("b.npy", npy_content({1, 2}, std::vector<std::uint8_t>{0, 255}));
    CHECK(read_network_input(bytes, {1, 1, 1, 2}).data == std::vector<float>{0, 1});
    const std::string broken = folder.write("n.npy", npy_content({1, 1}, std::vector<float>{NAN}));
    CHECK_THROWS_WITH(read_network_input(broken, {1, 1, 1, 1}), Catch::Contains("not finite"));
}

TEST_CASE("the committed pictures are the first test pictures of their classes")
{
    const Dataset test = read_fashion_mnist("t10k");
    std::ifstream names(data_root() + "/dnn/trained/fashion_mnist_labels.txt");
    std::string name;
    for (int label = 0; label < 10; ++label) {
        REQUIRE(std::getline(names, name));
        std::int64_t first = 0;
        while (test.labels[static_cast<std::size_t>(first)] != label) ++first;
        const std::string path = data_root() + "/dnn/trained/pictures/" + name + "_0.png";
        const FloatTensor picture = read_network_input(path, {1, 1, 28, 28});
        const FloatTensor expected = test.pictures(first, 1);
        for (std::size_t i = 0; i < picture.data.size(); ++i) REQUIRE(picture.data[i] == Approx(expected.data[i]));
    }
}
