// Reads value change dumps (IEEE 1364), one time stamp after the other, whatever their size.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace heddle {

class VcdReader {
public:
    struct Signal {
        std::string path; ///< "array.pe_0_1.psum", without the outermost scope
        int width = 1;
        int slot = 0; ///< signals that share an identifier share a slot
    };

    /// Reads the declarations. UserError `file:line: …` for what is no VCD.
    explicit VcdReader(const std::string& path);

    const std::string& file() const { return file_; }
    const std::vector<Signal>& signals() const { return signals_; }
    /// Index by path, with or without the outermost scope; -1 when there is none.
    int find(const std::string& path) const;
    /// The same; UserError naming file and signal when there is none.
    int require(const std::string& path) const;

    /// Goes to the next time stamp; false at the end, when before() has the final values.
    bool next();
    std::int64_t time() const { return time_; } ///< in units of the file's time scale
    /// Value before the changes at time(), and with them: bits, highest first, without leading zeros; "x" at first.
    const std::string& before(int signal) const { return values_[slot(signal)]; }
    const std::string& after(int signal) const;

private:
    std::size_t slot(int signal) const
    {
        return static_cast<std::size_t>(signals_[static_cast<std::size_t>(signal)].slot);
    }
    [[noreturn]] void fail(const std::string& what) const;
    bool word(std::string& w);
    void skip_to_end(const std::string& keyword);
    void read_declarations();
    void declare(const std::vector<std::string>& scopes);
    void read_change(const std::string& first);

    std::string file_;
    std::ifstream in_;
    std::int64_t line_ = 1, word_line_ = 1; ///< being read; of the last word
    std::vector<Signal> signals_;
    std::map<std::string, int> slot_of_id_, by_path_;
    std::vector<std::string> values_;
    std::vector<std::string> pending_value_; ///< by slot; valid where pending_[slot]
    std::vector<bool> pending_;
    std::vector<std::size_t> changed_;
    std::int64_t time_ = 0, next_time_ = -1;
    bool ended_ = false;
};

/// The cycles of a clock: what a signal shows in a cycle is its value just before the next rising edge.
class VcdCycles {
public:
    VcdCycles(const std::string& path, const std::string& clock);

    /// Goes to the next cycle; false when there is none.
    bool next();
    std::int64_t cycle() const { return cycle_; } ///< 0 for the first rising edge in the file
    const VcdReader& file() const { return vcd_; }
    const std::string& value(int signal) const { return vcd_.before(signal); }
    bool is_one(int signal) const { return value(signal) == "1"; }
    std::uint64_t number(int signal) const; ///< its lowest 64 bits, x and z as 0

private:
    VcdReader vcd_;
    int clock_;
    std::int64_t cycle_ = -1;
    bool begun_ = false, ended_ = false;
};

} // namespace heddle
