// Mappings that were found, on disk by the hash of everything they depend on. One file per layer, dataflow and options;
// written under a temporary name and renamed, so that runs at the same time share it safely.
#pragma once

#include "sim/mapper.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heddle {

class MappingCache {
public:
    /// Folders are made when the first entry is stored.
    explicit MappingCache(std::string folder) : folder_(std::move(folder)) {}

    /// `${XDG_CACHE_HOME:-~/.cache}/heddle/mappings`; empty when neither variable is set.
    static std::string default_folder();

    /// Hash of the layer's shape, windows and fusions, of the hardware's content, dataflow, objective, the mapper's
    /// kind and version, and the number of candidates.
    static std::string key(const Network& net, int layer, const HardwareConfig& hw, const std::string& dataflow,
                           const MapperOptions& options, std::size_t most);

    /// What map_candidates() found before, for this layer; nothing when there is none. An entry that cannot be read or
    /// does not fit the layer is ignored, with one warning on stderr per process.
    std::optional<std::vector<MapChoice>> find(const std::string& key, const Network& net, int layer,
                                               const HardwareConfig& hw) const;
    /// Without an effect when the folder cannot be written: a cache is no reason to fail.
    void store(const std::string& key, const std::vector<MapChoice>& choices) const;
    std::string file(const std::string& key) const { return folder_ + "/" + key + ".json"; }

private:
    std::string folder_;
};

} // namespace heddle
