// Files that are either complete or absent, content hashes, and where the shipped data lives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

/// Whole file; UserError naming path and reason when it cannot be read or exceeds `max_bytes`.
std::string read_file(const std::string& path, std::uint64_t max_bytes = 4ull << 30);

/// Writes to a temporary name in the same folder, syncs and renames. UserError (folder missing,
/// not writable, disk full) leaves neither the temporary nor a changed target behind.
void write_file_atomically(const std::string& path, const std::string& content);

/// FNV-1a 64 as 16 hex digits: for config hashes in manifests and cache keys, not security.
std::string content_hash(const std::string& content);

/// Root that holds dnn/networks, hw/presets, models/tables: $HEDDLE_DATA, else the source tree this
/// was built from, else ../share/heddle beside the executable.
std::string data_root();

/// Names (without .yaml) of the files in data_root()/folder, sorted.
std::vector<std::string> shipped_names(const std::string& folder);

} // namespace heddle
