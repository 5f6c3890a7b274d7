#include "hw/trace_signals.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace heddle {

namespace {
constexpr int identifier_bytes = 5; // of SystemC's VCD
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

Signal* SignalTable::add(const std::string& path, int width, SignalForm form, double activity, const SignalNames* names)
{
    if (!in_scope(path)) return nullptr;
    const int bytes = width == 1 ? 2 + identifier_bytes : width + 3 + identifier_bytes;
    expected_ += activity * bytes;
    largest_ += bytes;
    return &signals_.emplace_back(path, width, form, names);
}

Signal* SignalTable::name(const std::string& path, SignalNames names, double activity)
{
    const int width = bits_for(static_cast<std::int64_t>(names.size()) - 1);
    return add(path, width, SignalForm::name, activity, &names_.emplace_back(std::move(names)));
}

Signal* SignalTable::packed(const std::string& path, int words, int bits, double activity)
{
    return add(path, words * bits, SignalForm::hexadecimal, activity);
}

void SignalTable::trace(sc_core::sc_trace_file& file) const
{
    for (const Signal& s : signals_) s.trace(file);
}

std::int64_t SignalTable::header_bytes() const
{
    std::int64_t bytes = 1024;
    for (const Signal& s : signals_) bytes += static_cast<std::int64_t>(s.path().size()) + 40;
    return bytes + largest_; // the values at the start
}

} // namespace heddle
