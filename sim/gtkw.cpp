#include "sim/gtkw.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
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

constexpr std::int64_t most_lines = 20000, lines_of_head = 200;

/// Two lines for a signal, a third for names; four for a group.
std::int64_t lines_of(const TraceOutcome::SignalFact& s)
{
    return s.form == SignalForm::name ? 3 : 2;
}

/// Row and column of the PE that a signal belongs to.
std::optional<std::pair<int, int>> pe_of(const std::string& path)
{
    int row = 0, col = 0;
    if (std::sscanf(path.c_str(), "array.pe_%d_%d.", &row, &col) != 2) return std::nullopt;
    return std::make_pair(row, col);
}

/// Which signals the file lists: all, but of large arrays every so many rows and columns only.
struct Listed {
    std::vector<std::size_t> signals;
    std::string note; ///< on PEs that are left out
};

Listed listed(const std::vector<TraceOutcome::SignalFact>& signals)
{
    std::int64_t other = lines_of_head;
    std::map<std::pair<int, int>, std::int64_t> pes; ///< lines
    for (const TraceOutcome::SignalFact& s : signals) {
        if (const auto pe = pe_of(s.path))
            pes.try_emplace(*pe, 4).first->second += lines_of(s);
        else
            other += lines_of(s) + 4; // at worst a group of its own
    }
    int every = 1;
    const auto kept = [&](const std::pair<int, int>& pe) { return pe.first % every == 0 && pe.second % every == 0; };
    std::int64_t kept_pes = 0;
    for (;; ++every) {
        std::int64_t lines = other;
        kept_pes = 0;
        for (const auto& [pe, count] : pes) {
            lines += kept(pe) ? count : 0;
            kept_pes += kept(pe) ? 1 : 0;
        }
        if (lines <= most_lines || kept_pes <= 1) break;
    }
    Listed l;
    for (std::size_t i = 0; i < signals.size(); ++i) {
        const auto pe = pe_of(signals[i].path);
        if (!pe || kept(*pe)) l.signals.push_back(i);
    }
    if (every > 1)
        l.note = std::to_string(kept_pes) + " of " + std::to_string(pes.size()) + " PEs: every " +
                 std::to_string(every) + "th row and column; the tree of signals has all";
    return l;
}

/// Blocks as the data flow; in a block its own signals first, then what lies in scopes of it.
std::vector<std::size_t> display_order(const std::vector<TraceOutcome::SignalFact>& signals,
                                       const std::vector<std::size_t>& shown)
{
    static const std::vector<std::string> blocks{"controller",  "dram",  "dma",       "global_buffer",
                                                 "distributor", "array", "collector", "post"};
    std::map<std::vector<std::string>, std::size_t> first_seen;
    for (std::size_t i : shown) first_seen.emplace(groups_of(signals[i].path), i);
    const auto key = [&](std::size_t i) {
        const std::vector<std::string> groups = groups_of(signals[i].path);
        const auto block = std::find(blocks.begin(), blocks.end(), groups.empty() ? "" : groups.front());
        return std::make_tuple(block - blocks.begin(), groups.size() > 1, first_seen[groups]);
    };
    std::vector<std::size_t> order = shown;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    return order;
}

/// Colour (X11's name) behind a state: green works, grey has nothing to do, blue is the array's way in and out, orange
/// waits for something, red is held up by what comes after it.
std::string colour_of(const std::string& state)
{
    const auto any = [&](std::initializer_list<const char*> words) {
        return std::any_of(words.begin(), words.end(),
                           [&](const char* word) { return state.find(word) != std::string::npos; });
    };
    if (any({"blocked", "no_credit", "frozen"})) return "red";
    if (any({"missing", "waiting", "REF", "port", "imbalance"})) return "orange";
    if (any({"load", "wavefront", "drain", "ACT", "PRE"})) return "steelblue";
    if (any({"idle", "nothing", "none"})) return "grey40";
    if (any({"compute", "busy", "moving", "streaming", "RD", "WR"})) return "forestgreen";
    return "";
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
            for (std::size_t i = 0; i < names.size(); ++i) lines += std::to_string(i) + " " + coloured(names[i]) + "\n";
            fs::create_directories(folder_);
            write_file_atomically(file.string(), lines);
        }
        return "^" + std::to_string(found->second) + " " + file.string();
    }

private:
    /// GTKWave's form: ?colour?text.
    static std::string coloured(const std::string& state)
    {
        const std::string colour = colour_of(state);
        return colour.empty() ? state : "?" + colour + "?" + state;
    }

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
        count_ += s.form == SignalForm::name ? 1 : 0;
        text_ << "SystemC." << s.path;
        if (s.width > 1) text_ << '[' << s.width - 1 << ":0]";
        text_ << '\n';
    }
    std::int64_t count() const { return count_; }
    void comment(const std::string& text)
    {
        flags(blank);
        text_ << '-' << text << '\n';
    }
    std::string finish()
    {
        enter({});
        return text_.str();
    }

private:
    /// Every line of flags is followed by the one that they belong to.
    void flags(unsigned f)
    {
        text_ << '@' << std::hex << f << std::dec << '\n';
        count_ += 2;
    }
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
    std::int64_t count_ = 0;
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
    const Listed shown = listed(signals);
    if (!shown.note.empty()) lines.comment(shown.note);
    for (std::size_t i : display_order(signals, shown.signals))
        if (lines.count() < most_lines - lines_of_head) lines.add(signals[i]);
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
