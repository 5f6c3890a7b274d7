// The accelerator slices that tests/rtl/CMakeLists.txt has Verilator make of hw/rtl/accelerator_slice.sv, behind one
// interface: a cycle is inputs, settle(), outputs, clock().
#pragma once

#include "tests/rtl/twins.hpp"

namespace heddle::rtl {

struct SliceParameters : Parameters {
    int fill_words = 16, words = 4096, tiles = 64;
    int read_latency = 1, update_latency = 1;
};

struct RtlPort {
    int words = 1;
    bool gather = false;
};
struct RtlPorts {
    RtlPort read, write;
    bool shared = false;
    int line_bits = 0;
};

/// What the slice takes as constant inputs.
struct SliceMachine {
    PassOptions passes;
    RtlPorts x, k, psum;
    int psum_capacity = 0;
    bool whole_tiles = false;
};

struct Spot {
    int word = 0, row = 0, col = 0;
};
struct Digit {
    int size = 1;
    Spot step;
};
inline constexpr int rtl_digits = 3;
struct TensorDescriptor {
    Spot origin;
    int rows = 1, cols = 1;
    Digit lane[rtl_digits], outer[rtl_digits]; ///< innermost first
    int lane_unit = 1, outer_unit = 1, unit_words = 1;
};
struct LayerDescriptor {
    Descriptor array;
    int tiles = 0;
    bool accumulates = false;
    TensorDescriptor x, k;
};

struct RtlFill {
    bool to_k = false;
    int tile = 0, first_word = 0;
    std::vector<std::int32_t> word;
};
struct RtlCredit {
    bool to_k = false;
    int words = 0;
};

/// In the order of the bits of `pushes` and `pops`.
enum SliceChannel { fill_ch, credit_ch, read_x_ch, read_k_ch, edge_x_ch, edge_k_ch, psum_ch, direct_ch, sum_ch };

class Slice {
public:
    virtual ~Slice() = default;
    virtual void reset() = 0;
    virtual void set_machine(const SliceMachine& machine) = 0;
    /// Inputs of the cycle; nullptr: nothing offered.
    virtual void command(const LayerDescriptor* layer) = 0;
    virtual void offer_fill(const RtlFill* fill) = 0;
    virtual void accept(bool credit, bool direct, bool sum) = 0;
    virtual void settle() = 0;
    virtual void clock() = 0;

    virtual bool command_ready() const = 0;
    virtual bool fill_ready() const = 0;
    virtual bool credit_valid() const = 0;
    virtual RtlCredit credit() const = 0;
    virtual bool sum_valid(SliceChannel c) const = 0; ///< direct_ch or sum_ch
    virtual ResultBeat sum_info(SliceChannel c) const = 0;
    virtual std::int32_t sum_value(SliceChannel c, int i) const = 0;
    /// What happens in this cycle; pops[edge_x_ch] stands for the array's psum channel.
    virtual bool pushes(SliceChannel c) const = 0;
    virtual bool pops(SliceChannel c) const = 0;
    /// What enters read_x_ch .. edge_k_ch.
    virtual Beat operand(SliceChannel c) const = 0;
    /// After clock().
    virtual int x_fill() const = 0;
    virtual int k_fill() const = 0;
    virtual int out_fill() const = 0;
    virtual std::int64_t passes() const = 0;
    virtual std::int64_t loads() const = 0;

    const SliceParameters& parameters() const { return parameters_; }

protected:
    explicit Slice(const SliceParameters& p) : parameters_(p) {}
    SliceParameters parameters_;
};

SliceParameters slice_parameters(const std::string& name);
/// slice_4x4, slice_3x5, slice_8x8, slice_16x16.
std::unique_ptr<Slice> make_slice(const std::string& name);

} // namespace heddle::rtl
