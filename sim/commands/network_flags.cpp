#include "sim/commands/network_flags.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <limits>
#include <sstream>

namespace heddle {

namespace {

constexpr int max_batch = 1024;

/// "3,224,224"
std::vector<std::int64_t> read_shape(const std::string& text)
{
    std::vector<std::int64_t> dims;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
        std::int64_t extent = 0;
        if (!parse_integer(part, extent) || extent < 1 || extent > std::numeric_limits<int>::max()) dims.clear();
        if (extent < 1) break;
        dims.push_back(extent);
    }
    if (dims.empty() || text.back() == ',')
        throw UserError("--input-shape: expected sizes such as 3,224,224 (C,H,W), got " + quoted(text));
    return dims;
}

} // namespace

void describe_network_options(CommandLine& line)
{
    line.option("batch", "N", "pictures at once; default: the model's own first dimension where it is fixed, else 1")
        .option("input-shape", "C,H,W", "sizes that an ONNX model leaves open");
}

Network read_network(const CommandLine& line)
{
    const std::string name = line.text("NETWORK");
    const int batch = static_cast<int>(line.integer("batch", 1, max_batch, 0));
    if (!line.has("input-shape")) return load_network(name, batch);
    std::vector<std::int64_t> dims = read_shape(line.text("input-shape"));
    dims.insert(dims.begin(), batch);
    try {
        return load_network_for(name, dims);
    } catch (const UserError& e) {
        throw UserError(std::string(e.what()) + " (--input-shape " + line.text("input-shape") + ")");
    }
}

} // namespace heddle
