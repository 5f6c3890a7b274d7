// The RTL array slices that tests/rtl/CMakeLists.txt has Verilator make, behind one interface: a cycle is inputs,
// settle(), outputs, clock().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace heddle::rtl {

/// As in hw/rtl/array_slice.sv.
struct Parameters {
    std::string name;
    int rows = 4, cols = 4;
    int psum_bits = 32, mac_latency = 1, product_shift = 0;
    int hop_x = 1, hop_y = 1;
    bool taps = true;
    int x_words = 4, k_words = 4, out_words = 4;
    int x_latency = 1, k_latency = 1, out_latency = 1;
};

enum RtlAxis { axis_y, axis_x, axis_s };

struct RtlLoop {
    int axis = axis_s;
    int step = 1 << 30;
};
inline constexpr int rtl_loops = 6;

struct Descriptor {
    bool stationary = false;
    int extent[3] = {}, stride[3] = {}; ///< by RtlAxis
    RtlLoop loops[rtl_loops];           ///< outermost first
};

struct PassOptions {
    bool load_hidden = false, drain_hidden = false, wavefront_chained = false, edges_full = true;
    int min_cycles = 0, gap_cycles = 0;
};

struct Beat {
    bool last = false;
    std::vector<std::int32_t> word;
};

struct ResultBeat {
    int count = 0, address = 0;
    bool first = false, last = false;
};

class Twin {
public:
    virtual ~Twin() = default;
    virtual void reset() = 0;
    virtual void set_options(const PassOptions& options) = 0;
    /// Inputs of the cycle; nullptr: nothing offered.
    virtual void command(const Descriptor* layer) = 0;
    virtual void offer_x(const Beat* beat) = 0;
    virtual void offer_k(const Beat* beat) = 0;
    virtual void accept_result(bool ready) = 0;
    virtual void settle() = 0;
    virtual void clock() = 0;

    /// Writes every cycle from here on to a value change dump; systolic_8x8 only.
    virtual void trace(const std::string& path) = 0;

    virtual bool command_ready() const = 0;
    virtual bool x_ready() const = 0;
    virtual bool k_ready() const = 0;
    virtual bool result_valid() const = 0;
    virtual ResultBeat result() const = 0;
    virtual std::int32_t result_value(int i) const = 0; ///< sign-extended
    virtual int x_fill() const = 0;
    virtual int k_fill() const = 0;
    virtual int out_fill() const = 0;
    virtual std::int64_t passes() const = 0;
    virtual std::int64_t loads() const = 0;
    virtual bool advances() const = 0;

    const Parameters& parameters() const { return parameters_; }

protected:
    explicit Twin(const Parameters& p) : parameters_(p) {}
    Parameters parameters_;
};

/// systolic_4x4, odd_3x5, bus_8x8, wires_4x4, systolic_16x16, systolic_8x8 (can be traced).
std::unique_ptr<Twin> make_twin(const std::string& name);

} // namespace heddle::rtl
