#include "sim/gtkw.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <sstream>
#include <tuple>

namespace heddle {

namespace fs = std::filesystem;

namespace {

// Flags of GTKWave's save files (its analyzer.h).
constexpr unsigned right = 0x20, hexadecimal = 0x2, decimal_radix = 0x4, binary = 0x8, is_signed = 0x400,
                   by_filter = 0x2000, blank = 0x200, collapsed = 0x1000, closed = 0x400000, group_begin = 0x800000,
                   group_end = 0x1000000;

unsigned flags_of(SignalForm form)
{
    switch (form) {
    case SignalForm::bit:
        return right | binary;
    case SignalForm::hexadecimal:
        return right | hexadecimal;
    case SignalForm::decimal:
        return right | decimal_radix;
    case SignalForm::signed_decimal:
        return right | decimal_radix | is_signed;
    case SignalForm::name:
        return right | decimal_radix | by_filter;
    }
    return right;
}

/// The groups that a signal lies in, outermost first; all PEs share one more.
std::vector<std::string> groups_of(const std::string& path)
{
    std::vector<std::string> groups;
    std::istringstream in(path);
    for (std::string part; std::getline(in, part, '.');) {
        if (groups.size() == 1 && part.rfind("pe_", 0) == 0) groups.emplace_back("PEs");
        groups.push_back(part);
    }
    groups.pop_back();
    return groups;
}

/// Blocks as the data flow; in a block its own signals first, then what lies in scopes of it.
std::vector<std::size_t> display_order(const std::vector<TraceOutcome::SignalFact>& signals)
{
    static const std::vector<std::string> blocks{"controller",  "dram",  "dma",       "global_buffer",
                                                 "distributor", "array", "collector", "post"};
    std::map<std::vector<std::string>, std::size_t> first_seen;
    for (std::size_t i = 0; i < signals.size(); ++i) first_seen.emplace(groups_of(signals[i].path), i);
    const auto key = [&](std::size_t i) {
        const std::vector<std::string> groups = groups_of(signals[i].path);
        const auto block = std::find(blocks.begin(), blocks.end(), groups.empty() ? "" : groups.front());
        return std::make_tuple(block - blocks.begin(), groups.size() > 1, first_seen[groups]);
    };
    std::vector<std::size_t> order(signals.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    return order;
}

/// Numbers the lists of names; equal lists share a filter file.
class Filters {
public:
    explicit Filters(fs::path folder) : folder_(std::move(folder)) {}
    std::string use(const SignalNames& names)
    {
        const auto [found, fresh] = numbers_.emplace(names, numbers_.size() + 1);
        const fs::path file = folder_ / (std::to_string(found->second) + ".txt");
        if (fresh) {
            std::string lines;
            for (std::size_t i = 0; i < names.size(); ++i) lines += std::to_string(i) + " " + names[i] + "\n";
            fs::create_directories(folder_);
            write_file_atomically(file.string(), lines);
        }
        return "^" + std::to_string(found->second) + " " + file.string();
    }

private:
    fs::path folder_;
    std::map<SignalNames, std::size_t> numbers_;
};

/// The lines of signals, between the lines that begin and end groups.
class SignalLines {
public:
    explicit SignalLines(Filters& filters) : filters_(filters) {}

    void add(const TraceOutcome::SignalFact& s)
    {
        enter(groups_of(s.path));
        flags(flags_of(s.form));
        if (s.form == SignalForm::name) text_ << filters_.use(s.names) << '\n';
        text_ << "SystemC." << s.path;
        if (s.width > 1) text_ << '[' << s.width - 1 << ":0]";
        text_ << '\n';
    }
    std::string finish()
    {
        enter({});
        return text_.str();
    }

private:
    void flags(unsigned f) { text_ << '@' << std::hex << f << std::dec << '\n'; }
    /// Blocks start unfolded, what is inside them folded.
    void enter(const std::vector<std::string>& groups)
    {
        std::size_t same = 0;
        while (same < std::min(open_.size(), groups.size()) && open_[same] == groups[same]) ++same;
        for (; open_.size() > same; open_.pop_back()) {
            flags(group_end | blank | (open_.size() > 1 ? closed | collapsed : 0));
            text_ << '-' << open_.back() << '\n';
        }
        while (open_.size() < groups.size()) {
            open_.push_back(groups[open_.size()]);
            flags(group_begin | blank | (open_.size() > 1 ? closed : 0));
            text_ << '-' << open_.back() << '\n';
        }
    }

    Filters& filters_;
    std::ostringstream text_;
    std::vector<std::string> open_;
};

} // namespace

std::string write_gtkw(const std::string& dump, const std::vector<TraceOutcome::SignalFact>& signals,
                       const std::string& title, std::int64_t start_ps, std::int64_t period_ps)
{
    const fs::path path = fs::absolute(dump);
    std::string save = fs::path(path).replace_extension(".gtkw").string();
    Filters filters(fs::path(path).replace_extension(".names"));
    SignalLines lines(filters);
    lines.add({"clk", 1, SignalForm::bit, {}});
    lines.add({"cycle", 48, SignalForm::decimal, {}});
    for (std::size_t i : display_order(signals)) lines.add(signals[i]);
    // The zoom is minus the log2 of the ticks in 200 pixels: 20 pixels a cycle.
    const double zoom = -std::log2(static_cast<double>(period_ps) * 10.0);
    std::ostringstream text;
    text << "[*] " << title << "\n[dumpfile] \"" << path.string() << "\"\n[timestart] " << start_ps
         << "\n[size] 1600 1000\n[pos] -1 -1\n*" << zoom << ' ' << start_ps << " -1\n[sst_width] 240\n"
         << "[signals_width] 330\n"
         << lines.finish();
    write_file_atomically(save, text.str());
    return save;
}

} // namespace heddle
