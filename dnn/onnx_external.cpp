// Weights in files beside the model: read into it, so that nothing behind this knows of them.
#include "dnn/base/error.hpp"
#include "dnn/onnx_graph.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace heddle::onnx_detail {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t largest_tensor = std::uint64_t{1} << 32; // bytes

std::uint64_t number(const std::string& text, const std::string& what)
{
    if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos)
        throw UserError(what + ": expected a number of bytes, got " + printable(text));
    return std::stoull(text);
}

/// The file that a location names: inside the model's folder, whatever links lie on the way.
fs::path inside(const fs::path& folder, const std::string& location, const std::string& what)
{
    const fs::path relative(location);
    const bool up = std::find(relative.begin(), relative.end(), fs::path("..")) != relative.end();
    if (location.empty() || relative.is_absolute() || up)
        throw UserError(what + ": external data " + printable(location) +
                        " lies outside the model's folder, where nothing is read");
    std::error_code missing;
    const fs::path root = fs::canonical(folder, missing), file = fs::canonical(folder / relative, missing);
    if (missing) return {};
    if (std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first != root.end())
        throw UserError(what + ": external data " + printable(location) +
                        " leads outside the model's folder, where nothing is read");
    return file;
}

void read_tensor(onnx::TensorProto& tensor, const fs::path& folder)
{
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL && tensor.external_data_size() == 0) return;
    const std::string what = "initialiser " + printable(tensor.name());
    std::string location;
    std::uint64_t offset = 0, length = 0;
    bool whole = true;
    for (const auto& entry : tensor.external_data()) {
        if (entry.key() == "location") location = entry.value();
        if (entry.key() == "offset") offset = number(entry.value(), what);
        if (entry.key() == "length") {
            length = number(entry.value(), what);
            whole = false;
        }
    }
    const fs::path file = inside(folder, location, what);
    std::error_code error;
    if (file.empty() || !fs::exists(file, error)) return; // left out: the shapes are all there
    if (!fs::is_regular_file(file, error))
        throw UserError(what + ": external data " + printable(location) + " is no file");
    const std::uint64_t size = fs::file_size(file, error);
    if (offset > size || (!whole && length > size - offset))
        throw UserError(what + ": external data " + printable(location) + " has " + std::to_string(size) +
                        " bytes, expected " + std::to_string(length) + " from byte " + std::to_string(offset) + " on");
    if (whole) length = size - offset;
    if (length > largest_tensor) throw UserError(what + ": more than 4 GiB of external data");
    std::string bytes(length, '\0');
    std::ifstream in(file, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(offset));
    in.read(bytes.data(), static_cast<std::streamsize>(length));
    if (!in) throw UserError(what + ": external data " + printable(location) + " cannot be read");
    tensor.set_raw_data(std::move(bytes));
    tensor.clear_external_data();
    tensor.set_data_location(onnx::TensorProto::DEFAULT);
}

} // namespace

void read_external_data(onnx::ModelProto& model, const std::string& path)
{
    const fs::path parent = fs::path(path).parent_path();
    const fs::path folder = parent.empty() ? fs::path(".") : parent;
    for (onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) read_tensor(tensor, folder);
    for (onnx::NodeProto& node : *model.mutable_graph()->mutable_node())
        for (onnx::AttributeProto& attribute : *node.mutable_attribute())
            if (attribute.has_t()) read_tensor(*attribute.mutable_t(), folder);
}

} // namespace heddle::onnx_detail
