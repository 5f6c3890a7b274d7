#include "hw/trace_signals.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace heddle {

namespace {
constexpr int identifier_bytes = 5; // of SystemC's VCD

/// "1aaaab" or "b101 aaaab", with its end.
std::int64_t line_bytes(int width, int shown_bits)
{
    return (width == 1 ? 1 : 2 + shown_bits) + identifier_bytes + 1;
}

/// "$var wire  32  aaaab  psum [31:0]       $end", indented; of its scope's two lines a part.
std::int64_t declaration_bytes(const std::string& path)
{
    const auto depth = std::count(path.begin(), path.end(), '.');
    const std::size_t dot = path.rfind('.');
    const std::size_t leaf = dot == std::string::npos ? path.size() : path.size() - dot - 1;
    return static_cast<std::int64_t>(leaf) + 45 + 3 * depth;
}

} // namespace

int bits_for(std::int64_t largest)
{
    int bits = 1;
    while (bits < 63 && (largest >> bits) != 0) ++bits;
    return bits;
}

Signal::Signal(std::string path, int width, SignalForm form, const SignalNames* names)
    : path_(std::move(path)), width_(width), form_(form), names_(names)
{
    if (form_ == SignalForm::hexadecimal) packed_ = std::make_unique<sc_dt::sc_bv_base>(false, width_);
}

/// Without leading zeros, which a dump leaves out.
int Signal::shown_bits() const
{
    if (!packed_) return number_ < 0 ? width_ : bits_for(number_);
    for (int word = packed_->size() - 1; word >= 0; --word) {
        const sc_dt::sc_digit digit = packed_->get_word(word);
        if (digit != 0) return word * 32 + bits_for(static_cast<std::int64_t>(digit));
    }
    return 1;
}

std::int64_t Signal::changed_bytes()
{
    const bool same = packed_ ? last_packed_ && *packed_ == *last_packed_ : number_ == last_number_;
    if (asked_ && same) return 0;
    asked_ = true;
    last_number_ = number_;
    if (packed_) last_packed_ = std::make_unique<sc_dt::sc_bv_base>(*packed_);
    return line_bytes(width_, shown_bits());
}

void Signal::clear_packed()
{
    for (int i = 0; i < packed_->size(); ++i) packed_->set_word(i, 0);
}

void Signal::pack(int from, int bits, std::uint32_t value)
{
    if (bits < 32) value &= (1u << bits) - 1;
    const int word = from / 32, shift = from % 32;
    packed_->set_word(word, packed_->get_word(word) | value << shift);
    if (shift + bits > 32) packed_->set_word(word + 1, packed_->get_word(word + 1) | value >> (32 - shift));
}

void Signal::trace(sc_core::sc_trace_file& file) const
{
    sc_core::sc_trace_file* f = &file;
    if (packed_)
        sc_core::sc_trace(f, *packed_, path_);
    else if (form_ == SignalForm::bit)
        sc_core::sc_trace(f, bit_, path_);
    else if (form_ == SignalForm::signed_decimal)
        sc_core::sc_trace(f, number_, path_, width_);
    else
        sc_core::sc_trace(f, unsigned_, path_, width_);
}

/// A pattern matches a signal, or a scope with all that is in it; * does not cross a dot.
bool SignalTable::matches(const std::string& scope, const std::string& path)
{
    const auto slashes = [](std::string s) {
        std::replace(s.begin(), s.end(), '.', '/');
        return s;
    };
    return ::fnmatch(slashes(scope).c_str(), slashes(path).c_str(), FNM_PATHNAME | FNM_LEADING_DIR) == 0;
}

bool SignalTable::in_scope(const std::string& path) const
{
    return scopes_.empty() ||
           std::any_of(scopes_.begin(), scopes_.end(), [&](const std::string& s) { return matches(s, path); });
}

std::string SignalTable::unmatched() const
{
    for (const std::string& scope : scopes_)
        if (std::none_of(signals_.begin(), signals_.end(), [&](const Signal& s) { return matches(scope, s.path()); }))
            return scope;
    return {};
}

Signal* SignalTable::add(const std::string& path, int width, SignalForm form, const SignalNames* names)
{
    if (!in_scope(path)) return nullptr;
    largest_ += line_bytes(width, width);
    header_ += declaration_bytes(path);
    if (names)
        for (const std::string& name : *names) header_ += static_cast<std::int64_t>(name.size()) + 4;
    return &signals_.emplace_back(path, width, form, names);
}

Signal* SignalTable::name(const std::string& path, SignalNames names)
{
    const int width = bits_for(static_cast<std::int64_t>(names.size()) - 1);
    return add(path, width, SignalForm::name, &names_.emplace_back(std::move(names)));
}

Signal* SignalTable::packed(const std::string& path, int words, int bits)
{
    return add(path, words * bits, SignalForm::hexadecimal);
}

void SignalTable::trace(sc_core::sc_trace_file& file) const
{
    for (const Signal& s : signals_) s.trace(file);
}

std::int64_t SignalTable::changed_bytes()
{
    std::int64_t bytes = 0;
    for (Signal& s : signals_) bytes += s.changed_bytes();
    return bytes;
}

} // namespace heddle
