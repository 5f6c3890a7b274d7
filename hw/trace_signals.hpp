// The signals of a waveform: plain values that observers set at the end of a cycle and SystemC's tracing writes.
#pragma once

#include "hw/block.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace heddle {

/// How a viewer should show a signal.
enum class SignalForm { bit, hexadecimal, decimal, signed_decimal, name };

using SignalNames = std::vector<std::string>;

class Signal {
public:
    Signal(std::string path, int width, SignalForm form, const SignalNames* names);

    const std::string& path() const { return path_; }
    int width() const { return width_; }
    SignalForm form() const { return form_; }
    /// Of the values, for SignalForm::name; else null.
    const SignalNames* names() const { return names_; }

    void show(std::int64_t value)
    {
        bit_ = value != 0;
        number_ = value;
        unsigned_ = static_cast<sc_dt::uint64>(value);
    }
    /// Word `i` of `bits` each of a packed signal (word 0 lowest); words from `count` on are 0.
    template <typename Word> void show_words(const std::vector<Word>& words, int count, int bits)
    {
        clear_packed();
        for (int i = 0; i < count && (i + 1) * bits <= width_; ++i)
            pack(i * bits, bits, static_cast<std::uint32_t>(words[static_cast<std::size_t>(i)]));
    }
    void trace(sc_core::sc_trace_file& file) const;
    /// Bytes of the line that a dump has for its value, when that is another than at the last call; else 0.
    std::int64_t changed_bytes();

private:
    int shown_bits() const;
    void clear_packed();
    void pack(int from, int bits, std::uint32_t value);

    std::string path_;
    int width_;
    SignalForm form_;
    const SignalNames* names_;
    bool bit_ = false;
    sc_dt::int64 number_ = 0;
    sc_dt::uint64 unsigned_ = 0;
    std::unique_ptr<sc_dt::sc_bv_base> packed_; ///< wider than 64 bits, or a row of words
    bool asked_ = false;                        ///< for its bytes, before
    sc_dt::int64 last_number_ = 0;
    std::unique_ptr<sc_dt::sc_bv_base> last_packed_;
};

/// Null signals are out of scope.
inline void show(Signal* signal, std::int64_t value)
{
    if (signal) signal->show(value);
}

/// A register: during a cycle it holds what it was given at the end of the one before.
class Register {
public:
    Register() = default;
    explicit Register(Signal* signal) : signal_(signal) {}
    void clock(std::int64_t next)
    {
        show(signal_, next_);
        next_ = next;
    }
    std::int64_t next() const { return next_; }

private:
    Signal* signal_ = nullptr;
    std::int64_t next_ = 0;
};

/// All signals of a trace, by path ("array.pe_2_3.psum").
class SignalTable {
public:
    /// `scopes`: patterns with * and ? for scopes or signals ("array.pe_2_*", "dram"); empty: everything.
    explicit SignalTable(std::vector<std::string> scopes) : scopes_(std::move(scopes)) {}

    bool in_scope(const std::string& path) const;
    /// The first pattern that no signal matches; empty when there is none.
    std::string unmatched() const;
    /// Null when out of scope.
    Signal* add(const std::string& path, int width, SignalForm form, const SignalNames* names = nullptr);
    Signal* bit(const std::string& path) { return add(path, 1, SignalForm::bit); }
    Signal* name(const std::string& path, SignalNames names);
    Signal* packed(const std::string& path, int words, int bits);

    const std::deque<Signal>& all() const { return signals_; }
    void trace(sc_core::sc_trace_file& file) const;
    std::int64_t largest_bytes_per_cycle() const { return largest_; }
    /// Of the declarations.
    std::int64_t header_bytes() const { return header_; }
    /// Bytes of the lines for the values that changed since the last call; all of them in the first.
    std::int64_t changed_bytes();

private:
    static bool matches(const std::string& scope, const std::string& path);

    std::vector<std::string> scopes_;
    std::deque<Signal> signals_;
    std::deque<SignalNames> names_;
    std::int64_t largest_ = 0, header_ = 1024; ///< date, version, time scale
};

/// Bits that hold 0..largest.
int bits_for(std::int64_t largest);

} // namespace heddle
