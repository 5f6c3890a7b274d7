#include "dnn/base/error.hpp"
#include "dnn/npy.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace heddle;

std::string with_header(const std::string& header, const std::string& data, int version = 1)
{
    std::string out = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
    for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>(header.size() >> (8 * i) & 255);
    return out + header + data;
}

} // namespace

TEST_CASE("an array written as .npy reads back the same, for every type and rank")
{
    const std::vector<float> floats = {1.5f, -2.0f, 3.25f, 0.0f, 1e-30f, 6.0f};
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{6}, std::vector<std::int64_t>{2, 3}, std::vector<std::int64_t>{1, 2, 1, 3}}) {
        const NpyArray back = parse_npy(npy_content(shape, floats), "test");
        CHECK(back.shape == shape);
        CHECK(back.type == NpyType::float32);
        CHECK(back.floats() == floats);
    }
    CHECK(parse_npy(npy_content({2}, std::vector<std::uint8_t>{0, 255}), "t").floats() == std::vector<float>{0, 255});
    CHECK(parse_npy(npy_content({2}, std::vector<std::int8_t>{-128, 127}), "t").floats() ==
          std::vector<float>{-128, 127});
    CHECK(parse_npy(npy_content({2}, std::vector<std::int16_t>{-32768, 5}), "t").floats() ==
          std::vector<float>{-32768, 5});
}

TEST_CASE("a .npy header is padded to 64 bytes as numpy writes it")
{
    const std::string content = npy_content({3}, std::vector<std::uint8_t>{1, 2, 3});
    CHECK(content.size() % 64 == 3);
    CHECK(content.find("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }") == 10);
}

TEST_CASE("version 2 headers and scalars are read")
{
    const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
    CHECK(parse_npy(with_header(header, "ab", 2), "test").size() == 2);
    const std::string scalar = "{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n";
    CHECK(parse_npy(with_header(scalar, "a"), "test").shape.empty());
}

TEST_CASE("bad .npy files are refused by name")
{
    const std::string good = npy_content({2, 2}, std::vector<float>{1, 2, 3, 4});
    for (std::size_t length = 0; length < good.size(); ++length) {
        CHECK_THROWS_AS(parse_npy(good.substr(0, length), "test"), UserError);
    }
    const auto refused = [](const std::string& header, const std::string& why) {
        CHECK_THROWS_WITH(parse_npy(with_header(header, "abcd"), "a.npy"),
                          Catch::StartsWith("a.npy: ") && Catch::Contains(why));
    };
    refused("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "<c8 is not supported");
    refused("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", "Fortran");
    refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "holds 4 bytes");
    refused("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 999999999999), }", "too large");
    refused("{'descr': '<f4', 'fortran_order': False, 'shape': (x,), }", "no numbers");
    refused("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "structured");
    refused("{'fortran_order': False, 'shape': (1,), }", "no descr");
    refused("", "no descr");
}
