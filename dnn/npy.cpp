#include "dnn/npy.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"

#include <cstring>
#include <stdexcept>

namespace heddle {

namespace {

const std::string magic = "\x93NUMPY";

struct TypeCode {
    NpyType type;
    const char* code;
    std::size_t bytes;
};

// '<' or '|' (one byte: no order); '=' never appears in files.
constexpr TypeCode type_codes[] = {
    {NpyType::float32, "<f4", 4}, {NpyType::uint8, "|u1", 1}, {NpyType::int8, "|i1", 1}, {NpyType::int16, "<i2", 2},
    {NpyType::float64, "<f8", 8}, {NpyType::int32, "<i4", 4}, {NpyType::int64, "<i8", 8}};

const TypeCode& code_of(NpyType type)
{
    for (const TypeCode& entry : type_codes) {
        if (entry.type == type) return entry;
    }
    throw std::logic_error("npy: unknown type");
}

/// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class Header {
public:
    Header(std::string text, std::string name) : text_(std::move(text)), name_(std::move(name)) {}

    NpyType type() const
    {
        const std::string code = quoted(value_of("descr"));
        for (const TypeCode& entry : type_codes) {
            if (code == entry.code) return entry.type;
        }
        fail("type " + printable(code) +
             " is not supported (float32 <f4, float64 <f8, uint8 |u1, int8 |i1, int16 <i2, int32 <i4, int64 <i8 are)");
    }
    void check_order() const
    {
        if (text_.compare(value_of("fortran_order"), 5, "False") != 0) fail("Fortran order is not supported");
    }
    std::vector<std::int64_t> shape() const
    {
        std::size_t at = value_of("shape");
        const std::size_t end = text_.find(')', at);
        if (text_[at] != '(' || end == std::string::npos) fail("corrupt header: shape is no tuple");
        std::vector<std::int64_t> shape;
        for (++at; at < end;) {
            at = text_.find_first_not_of(" ,L", at);
            if (at >= end) break;
            const std::size_t stop = text_.find_first_not_of("0123456789", at);
            if (stop == at || stop - at > 12) fail("corrupt header: shape holds no numbers");
            shape.push_back(std::stoll(text_.substr(at, stop - at)));
            at = stop;
        }
        return shape;
    }
    [[noreturn]] void fail(const std::string& message) const { throw UserError(name_ + ": " + message); }

private:
    static std::string printable(const std::string& text)
    {
        std::string out;
        for (const char c : text.substr(0, 20)) out += c >= 0x20 && c < 0x7f ? c : '?';
        return out;
    }
    std::size_t value_of(const std::string& key) const
    {
        const std::size_t at = text_.find("'" + key + "'");
        const std::size_t colon = at == std::string::npos ? at : text_.find(':', at);
        const std::size_t value = colon == std::string::npos ? colon : text_.find_first_not_of(' ', colon + 1);
        if (value == std::string::npos) fail("corrupt header: no " + key);
        return value;
    }
    std::string quoted(std::size_t at) const
    {
        const std::size_t end = text_.find('\'', at + 1);
        if (text_[at] != '\'' || end == std::string::npos) fail("structured types are not supported");
        return text_.substr(at + 1, end - at - 1);
    }

    std::string text_;
    std::string name_;
};

std::size_t little_endian(const std::string& content, std::size_t at, std::size_t bytes)
{
    std::size_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(content[at + i]);
    return value;
}

template <typename T> std::vector<float> widen(const std::string& bytes)
{
    std::vector<float> out(bytes.size() / sizeof(T));
    for (std::size_t i = 0; i < out.size(); ++i) {
        T word;
        std::memcpy(&word, bytes.data() + i * sizeof(T), sizeof(T));
        out[i] = static_cast<float>(word);
    }
    return out;
}

template <typename T>
std::string content_of(NpyType type, const std::vector<std::int64_t>& shape, const std::vector<T>& words)
{
    std::string text = std::string("{'descr': '") + code_of(type).code + "', 'fortran_order': False, 'shape': (";
    for (const std::int64_t extent : shape) text += std::to_string(extent) + ", ";
    if (shape.size() > 1) text.resize(text.size() - 2);
    if (shape.size() == 1) text.pop_back();
    text += "), }";
    // Data starts at a multiple of 64 bytes; the header ends with a newline.
    constexpr std::size_t prefix = 10;
    text.append(63 - (prefix + text.size()) % 64, ' ');
    text += '\n';
    std::string out = magic + std::string("\x01\x00", 2);
    out += static_cast<char>(text.size() & 255);
    out += static_cast<char>(text.size() >> 8);
    out += text;
    out.append(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(T));
    return out;
}

} // namespace

std::int64_t NpyArray::size() const
{
    return static_cast<std::int64_t>(bytes.size() / code_of(type).bytes);
}

std::vector<float> NpyArray::floats() const
{
    switch (type) {
    case NpyType::float32:
        return widen<float>(bytes);
    case NpyType::uint8:
        return widen<std::uint8_t>(bytes);
    case NpyType::int8:
        return widen<std::int8_t>(bytes);
    case NpyType::int16:
        return widen<std::int16_t>(bytes);
    case NpyType::float64:
        return widen<double>(bytes);
    case NpyType::int32:
        return widen<std::int32_t>(bytes);
    case NpyType::int64:
        return widen<std::int64_t>(bytes);
    }
    throw std::logic_error("npy: unknown type");
}

NpyArray parse_npy(const std::string& content, const std::string& name)
{
    const bool ours = content.size() >= 12 && content.compare(0, magic.size(), magic) == 0;
    if (!ours) throw UserError(name + ": not a .npy file");
    const int version = static_cast<unsigned char>(content[magic.size()]);
    if (version != 1 && version != 2)
        throw UserError(name + ": .npy version " + std::to_string(version) + " is unknown");
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    const std::size_t start = magic.size() + 2 + length_bytes;
    const std::size_t length = little_endian(content, magic.size() + 2, length_bytes);
    if (length > content.size() - start) throw UserError(name + ": truncated header");
    const Header header(content.substr(start, length), name);
    NpyArray out;
    out.type = header.type();
    header.check_order();
    out.shape = header.shape();
    std::uint64_t bytes = code_of(out.type).bytes;
    for (const std::int64_t extent : out.shape) {
        if (extent != 0 && bytes > (std::uint64_t{1} << 40) / static_cast<std::uint64_t>(extent)) {
            header.fail("the shape is too large");
        }
        bytes *= static_cast<std::uint64_t>(extent);
    }
    const std::uint64_t held = content.size() - start - length;
    if (held != bytes) {
        header.fail("holds " + std::to_string(held) + " bytes of data, its shape needs " + std::to_string(bytes));
    }
    out.bytes = content.substr(start + length);
    return out;
}

NpyArray read_npy(const std::string& path)
{
    return parse_npy(read_file(path), path);
}

std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<float>& words)
{
    return content_of(NpyType::float32, shape, words);
}
std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<std::uint8_t>& words)
{
    return content_of(NpyType::uint8, shape, words);
}
std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<std::int8_t>& words)
{
    return content_of(NpyType::int8, shape, words);
}
std::string npy_content(const std::vector<std::int64_t>& shape, const std::vector<std::int16_t>& words)
{
    return content_of(NpyType::int16, shape, words);
}

} // namespace heddle
