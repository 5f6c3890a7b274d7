#include "hw/array_ledger.hpp"

namespace heddle {

const char* array_cause_name(ArrayCause c)
{
    static constexpr const char* names[] = {"compute",
                                            "idle_by_mapping",
                                            "output_blocked",
                                            "weights_missing_network",
                                            "weights_missing_buffer_port",
                                            "weights_missing_dram_refresh",
                                            "weights_missing_dram_bandwidth",
                                            "weights_missing_dram_window",
                                            "weights_missing_dram_latency",
                                            "inputs_missing_network",
                                            "inputs_missing_buffer_port",
                                            "inputs_missing_dram_refresh",
                                            "inputs_missing_dram_bandwidth",
                                            "inputs_missing_dram_window",
                                            "inputs_missing_dram_latency",
                                            "psums_missing",
                                            "register_port",
                                            "wavefront_or_drain",
                                            "imbalance",
                                            "load",
                                            "nothing_to_do"};
    return names[static_cast<std::size_t>(c)];
}

} // namespace heddle
