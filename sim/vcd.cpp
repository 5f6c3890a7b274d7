#include "sim/vcd.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <cctype>

namespace heddle {

namespace {

bool is_bit(char c)
{
    return c == '0' || c == '1' || c == 'x' || c == 'X' || c == 'z' || c == 'Z';
}

std::string normalised(const std::string& bits)
{
    const std::size_t first = std::min(bits.find_first_not_of('0'), bits.size() - 1);
    std::string out = bits.substr(first);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

} // namespace

VcdReader::VcdReader(const std::string& path) : file_(path), in_(path, std::ios::binary)
{
    if (!in_) throw UserError(path + ": cannot be read");
    read_declarations();
    values_.assign(slot_of_id_.size(), "x");
    pending_value_.assign(values_.size(), "");
    pending_.assign(values_.size(), false);
}

void VcdReader::fail(const std::string& what) const
{
    throw UserError(file_ + ":" + std::to_string(word_line_) + ": " + what);
}

bool VcdReader::word(std::string& w)
{
    w.clear();
    int c = in_.get();
    for (; c != EOF && std::isspace(c); c = in_.get()) line_ += c == '\n' ? 1 : 0;
    for (; c != EOF && !std::isspace(c); c = in_.get()) w += static_cast<char>(c);
    word_line_ = line_;
    line_ += c == '\n' ? 1 : 0;
    return !w.empty();
}

void VcdReader::skip_to_end(const std::string& keyword)
{
    std::string w;
    while (w != "$end")
        if (!word(w)) fail(keyword + " without $end");
}

void VcdReader::read_declarations()
{
    std::vector<std::string> scopes;
    std::string w;
    while (word(w)) {
        if (w == "$enddefinitions") {
            skip_to_end(w);
            return;
        }
        if (w == "$scope") {
            std::string kind, name;
            if (!word(kind) || !word(name)) fail("$scope without a name");
            scopes.push_back(name);
            skip_to_end(w);
        } else if (w == "$upscope") {
            if (scopes.empty()) fail("$upscope without $scope");
            scopes.pop_back();
            skip_to_end(w);
        } else if (w == "$var") {
            declare(scopes);
        } else if (w[0] == '$') {
            skip_to_end(w);
        } else {
            fail("expected a declaration of a value change dump, got " + quoted(w));
        }
    }
    fail("no $enddefinitions: not a value change dump");
}

/// $var TYPE WIDTH ID NAME [RANGE] $end
void VcdReader::declare(const std::vector<std::string>& scopes)
{
    std::string type, width, id, name, rest;
    std::int64_t bits = 0;
    if (!word(type) || !word(width) || !word(id) || !word(name) || !parse_integer(width, bits) || bits < 1)
        fail("$var: expected TYPE WIDTH ID NAME");
    while (rest != "$end")
        if (!word(rest)) fail("$var without $end");
    name = name.substr(0, name.find('['));
    std::string path;
    for (std::size_t i = 1; i < scopes.size(); ++i) path += scopes[i] + ".";
    path += name;
    const int slot = slot_of_id_.emplace(id, static_cast<int>(slot_of_id_.size())).first->second;
    by_path_.emplace(path, static_cast<int>(signals_.size()));
    if (!scopes.empty()) by_path_.emplace(scopes[0] + "." + path, static_cast<int>(signals_.size()));
    signals_.push_back({path, static_cast<int>(bits), slot});
}

int VcdReader::find(const std::string& path) const
{
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? -1 : found->second;
}

int VcdReader::require(const std::string& path) const
{
    const int signal = find(path);
    if (signal < 0) throw UserError(file_ + ": has no signal " + quoted(path));
    return signal;
}

/// `first`: "1id", "b0101" (then the identifier), "r1.5" (likewise).
void VcdReader::read_change(const std::string& first)
{
    std::string bits, id;
    const char kind = first[0];
    if (kind == 'b' || kind == 'B' || kind == 'r' || kind == 'R' || kind == 's') {
        bits = first.substr(1);
        if (!word(id)) fail("a value without its identifier");
        if (kind == 'r' || kind == 'R' || kind == 's') return; // reals and strings are not compared
    } else if (is_bit(kind)) {
        bits = first.substr(0, 1);
        id = first.substr(1);
    } else {
        fail("expected a value change, got " + quoted(first));
    }
    const auto slot = slot_of_id_.find(id);
    if (bits.empty() || slot == slot_of_id_.end()) fail("value of an undeclared identifier " + quoted(id));
    for (char c : bits)
        if (!is_bit(c)) fail("expected bits, got " + quoted(bits));
    const std::size_t s = static_cast<std::size_t>(slot->second);
    if (!pending_[s]) changed_.push_back(s);
    pending_[s] = true;
    pending_value_[s] = normalised(bits);
}

bool VcdReader::next()
{
    for (std::size_t s : changed_) {
        values_[s].swap(pending_value_[s]);
        pending_[s] = false;
    }
    changed_.clear();
    if (ended_) return false;
    std::string w;
    bool any = next_time_ >= 0;
    if (any) time_ = next_time_;
    next_time_ = -1;
    while (word(w)) {
        if (w[0] == '#') {
            std::int64_t t = 0;
            if (!parse_integer(w.substr(1), t) || t < 0) fail("expected a time, got " + quoted(w));
            if (!any && !changed_.empty()) any = true; // values before the first time stamp, as SystemC writes them
            if (any && t != time_) {
                next_time_ = t;
                return true;
            }
            any = true;
            time_ = t;
        } else if (w == "$comment") {
            skip_to_end(w);
        } else if (w[0] != '$') { // $dumpvars, $end and their like frame values
            read_change(w);
        }
    }
    ended_ = true;
    return any;
}

const std::string& VcdReader::after(int signal) const
{
    return pending_[slot(signal)] ? pending_value_[slot(signal)] : values_[slot(signal)];
}

VcdCycles::VcdCycles(const std::string& path, const std::string& clock) : vcd_(path), clock_(vcd_.require(clock)) {}

bool VcdCycles::next()
{
    if (ended_) return false;
    while (vcd_.next()) {
        if (vcd_.before(clock_) == "1" || vcd_.after(clock_) != "1") continue;
        if (begun_) { // this edge ends a cycle
            ++cycle_;
            return true;
        }
        begun_ = true;
    }
    ended_ = true;
    if (!begun_) return false;
    ++cycle_; // the last cycle ends with the file
    return true;
}

std::uint64_t VcdCycles::number(int signal) const
{
    std::uint64_t n = 0;
    for (char c : value(signal)) n = n << 1 | (c == '1' ? 1u : 0u);
    return n;
}

} // namespace heddle
