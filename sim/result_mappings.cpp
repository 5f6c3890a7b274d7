#include "sim/result_mappings.hpp"

#include "dnn/base/error.hpp"
#include "sim/results.hpp"

#include <filesystem>

namespace heddle {

namespace fs = std::filesystem;

std::vector<NamedMapping> load_mappings(const std::string& path)
{
    std::error_code ignored;
    if (!fs::is_directory(path, ignored) && fs::path(path).extension() != ".json") return read_mappings(path);
    std::vector<NamedMapping> mappings;
    for (const LayerResult& l : read_report(path).run.layers) {
        if (l.mapping.levels.empty() && !l.mapping.row_stationary) continue;
        NamedMapping named;
        named.layer = l.name;
        named.mapping = l.mapping;
        mappings.push_back(std::move(named));
    }
    if (mappings.empty()) throw UserError(path + ": the result holds no mappings");
    return mappings;
}

} // namespace heddle
