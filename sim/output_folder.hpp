// The folder that results go to: checked before a run, written after it, all files or none.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace heddle {

class OutputFolder {
public:
    /// UserError when the folder cannot be made or written to. Leaves nothing behind: an interrupted run has no traces.
    explicit OutputFolder(std::string path);

    const std::string& path() const { return path_; }
    /// {name, content} each. UserError (disk full) leaves no file of this call under its final name. SIGINT and SIGTERM
    /// wait until all files are there.
    void write(const std::vector<std::pair<std::string, std::string>>& files) const;

private:
    std::string path_;
};

} // namespace heddle
