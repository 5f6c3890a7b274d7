// Names of the causes of each block's ledger, in the order of its enum.
#pragma once

namespace heddle {

inline constexpr const char* dram_causes[] = {"busy", "refresh", "response_blocked", "idle"};
inline constexpr const char* dma_causes[] = {
    "moving",        "no_credit",      "memory_refresh",      "memory_bandwidth",
    "memory_window", "memory_latency", "waiting_for_results", "idle"};
inline constexpr const char* global_buffer_causes[] = {
    "busy", "port", "output_blocked", "waiting_for_fill", "waiting_for_psums", "idle"};
inline constexpr const char* distributor_causes[] = {"busy", "output_blocked", "idle"};
inline constexpr const char* collector_causes[] = {"busy", "output_blocked", "idle"};
inline constexpr const char* post_causes[] = {"busy", "parameters_missing", "operand2_missing", "output_blocked",
                                              "idle"};

} // namespace heddle
