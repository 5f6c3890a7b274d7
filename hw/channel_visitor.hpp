// A look at every channel of the machine, by type.
#pragma once

#include "hw/beats.hpp"
#include "hw/channel.hpp"

namespace heddle {

/// Visits every channel of the machine with the name of the block that writes it.
class ChannelVisitor {
public:
    virtual ~ChannelVisitor() = default;
    virtual void visit(const char* writer, const Channel<Command>& c) = 0;
    virtual void visit(const char* writer, const Channel<MemoryRequest>& c) = 0;
    virtual void visit(const char* writer, const Channel<MemoryResponse>& c) = 0;
    virtual void visit(const char* writer, const Channel<FillBeat>& c) = 0;
    virtual void visit(const char* writer, const Channel<Credit>& c) = 0;
    virtual void visit(const char* writer, const Channel<DrainRequest>& c) = 0;
    virtual void visit(const char* writer, const Channel<OperandBeat>& c) = 0;
    virtual void visit(const char* writer, const Channel<PsumBeat>& c) = 0;
    virtual void visit(const char* writer, const Channel<Operand2Request>& c) = 0;
    virtual void visit(const char* writer, const Channel<Operand2Beat>& c) = 0;
    virtual void visit(const char* writer, const Channel<ResultBeat>& c) = 0;
};

} // namespace heddle
