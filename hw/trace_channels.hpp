// The waveform of one channel.
//
// Producer's end: `push` (an entry is written in this cycle) and `room` (there was room for one). Consumer's end:
// `valid` (an entry may be taken), `ready` (it is), and the entry's fields; a transfer is valid and ready. `fill`
// counts the entries held as the cycle begins. Fields are those of the entry at the head; while valid is 0 they keep
// their last value (0 before the first seen). `data` and other rows of words are packed, word 0 lowest.
#pragma once

#include "hw/channel_visitor.hpp"
#include "hw/memory_image.hpp"
#include "hw/trace_signals.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace heddle {

const SignalNames& region_names();

/// Adds the signals of every channel it visits, and shows them cycle by cycle.
class ChannelTracer : public ChannelVisitor {
public:
    ChannelTracer(SignalTable& table, const CompiledPlan& plan) : table_(table), plan_(plan) {}

    void visit(const char* writer, const Channel<Command>& c) override;
    void visit(const char* writer, const Channel<MemoryRequest>& c) override;
    void visit(const char* writer, const Channel<MemoryResponse>& c) override;
    void visit(const char* writer, const Channel<FillBeat>& c) override;
    void visit(const char* writer, const Channel<Credit>& c) override;
    void visit(const char* writer, const Channel<DrainRequest>& c) override;
    void visit(const char* writer, const Channel<OperandBeat>& c) override;
    void visit(const char* writer, const Channel<PsumBeat>& c) override;
    void visit(const char* writer, const Channel<Operand2Request>& c) override;
    void visit(const char* writer, const Channel<Operand2Beat>& c) override;
    void visit(const char* writer, const Channel<ResultBeat>& c) override;

    /// At the end of cycle `now`.
    void sample(Cycle now)
    {
        for (const auto& probe : probes_) probe(now);
    }

private:
    template <typename T> using Fields = std::function<void(const T&)>;
    template <typename T> void add(const char* writer, const Channel<T>& c);

    Fields<Command> fields(const std::string& path, const Command& prototype);
    Fields<MemoryRequest> fields(const std::string& path, const MemoryRequest& prototype);
    Fields<MemoryResponse> fields(const std::string& path, const MemoryResponse& prototype);
    Fields<FillBeat> fields(const std::string& path, const FillBeat& prototype);
    Fields<Credit> fields(const std::string& path, const Credit& prototype);
    Fields<DrainRequest> fields(const std::string& path, const DrainRequest& prototype);
    Fields<OperandBeat> fields(const std::string& path, const OperandBeat& prototype);
    Fields<PsumBeat> fields(const std::string& path, const PsumBeat& prototype);
    Fields<Operand2Request> fields(const std::string& path, const Operand2Request& prototype);
    Fields<Operand2Beat> fields(const std::string& path, const Operand2Beat& prototype);
    Fields<ResultBeat> fields(const std::string& path, const ResultBeat& prototype);

    /// The name of a signal in a scope.
    static std::string at(const std::string& scope, const char* name) { return scope + "." + name; }
    template <typename Word> static void show_words(Signal* signal, const std::vector<Word>& words, int count, int bits)
    {
        if (signal) signal->show_words(words, count, bits);
    }
    /// Bits of a map or weight word as packed, and of a word of the region (parameters: 32).
    int operand_bits() const;
    int bits_of(Region r) const { return r == Region::parameters ? 32 : operand_bits(); }
    int widest_beat() const;
    int word_bits() const; ///< of an index into a tensor
    Signal* number(const std::string& path, std::int64_t largest)
    {
        return table_.add(path, bits_for(largest), SignalForm::decimal);
    }
    Signal* memory_data(const std::string& path, std::size_t words);
    void show_data(Signal* signal, Region region, const std::vector<std::int32_t>& words, int count) const;

    SignalTable& table_;
    const CompiledPlan& plan_;
    std::vector<std::function<void(Cycle)>> probes_;
};

} // namespace heddle
