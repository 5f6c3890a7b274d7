// Moves tiles between DRAM and the global buffer: walks every tile in its memory layout and cuts it into requests at
// each address discontinuity and each multiple of the largest burst.
//
// Loads run in program order (parameters of the layer, then per tile weights, inputs, second operand), as far ahead as
// the partitions' credits allow; stores follow the tiles whose outputs are complete, in order. One request may be
// issued every issue_interval_cycles; loads and stores share the request channel by the stated arbitration.
#pragma once

#include "hw/channel.hpp"
#include "hw/ledger.hpp"
#include "hw/map_codec.hpp"
#include "hw/memory_image.hpp"
#include "hw/request_walk.hpp"

#include <array>

namespace heddle {

class Dma : public Block {
public:
    enum class Cause {
        moving,
        no_credit,
        memory_refresh, ///< requests are in flight; the four follow Reason's order from `dram_refresh` on
        memory_bandwidth,
        memory_window,
        memory_latency,
        waiting_for_results,
        idle,
        count
    };

    struct Ports {
        Channel<Command>& command_in;
        Channel<MemoryRequest>& request_out;
        Channel<MemoryResponse>& response_in;
        Channel<FillBeat>& fill_out;       ///< to the global buffer
        Channel<FillBeat>& parameters_out; ///< to the PostProcessor
        Channel<Credit>& credit_in;
        Channel<DrainRequest>& drain_out;
        Channel<FillBeat>& drain_in;
        Channel<Command>& done_out; ///< one token when the layer's last word is written
    };

    Dma(const sc_core::sc_module_name& name, const HardwareConfig& hardware, const Ports& ports);

    Cycle tick(Cycle now) override;
    std::string status() const override;
    void begin_layer(Cycle now, const MemoryImage& image);
    void end_layer(Cycle now) { ledger_.settle(now); }

    struct Stats {
        std::int64_t moves = 0, requests = 0;            ///< tiles of a tensor, and what they were cut into
        Cycle first_request = never, last_write = never; ///< cycles of the layer
    };
    const Stats& stats() const { return stats_; }
    const LedgerOf<Cause>& ledger() const { return ledger_; }
    int in_flight() const { return in_flight_; }
    std::int64_t stores_open() const { return stores_open_; }
    std::int64_t load_tile() const { return static_cast<std::int64_t>(load_tile_); }
    std::int64_t store_tile() const { return static_cast<std::int64_t>(store_); }
    std::int64_t credit(Region r) const { return credit_[static_cast<int>(r)]; }

private:
    void start(const CompiledPlan& plan);
    void next_load_move();
    bool load_move(Region region);
    void next_store_move();
    bool take_response(Cycle now);
    bool stream(Cycle now, const MemoryResponse& r);
    bool crossed(Cycle now, int cycles);
    bool stream_decoded(Cycle now, const MemoryResponse& r, bool& moved);
    bool decode_words(Cycle now, const MemoryResponse& r);
    Cycle decoded_by(const MemoryResponse& r) const;
    bool encode_results(Cycle now);
    void issue_encoded_load(MemoryRequest& r);
    void issue_encoded_store(Cycle now);
    bool load_done() const { return loads_encoded_ ? reader_.done() : load_.done(); }
    std::int64_t load_words() const { return loads_encoded_ ? reader_.words() : load_.words(); }
    bool has_credit() const;
    bool can_issue_load(Cycle now) const;
    bool can_issue_store(Cycle now) const;
    bool issue(Cycle now);
    void issue_load(Cycle now);
    void issue_store(Cycle now);
    void ask_for_results(Cycle now);
    void book(Cycle now, bool moved);
    Reason reason(Cycle now) const;
    bool streams() const;
    bool window_stops(Cycle now) const;
    Cycle next_wake(Cycle now) const;
    int bits_of(Region r) const { return image_->bits[static_cast<int>(r)]; }

    const HardwareConfig& hw_;
    Ports io_;
    const MemoryImage* image_ = nullptr;
    const CompiledPlan* plan_ = nullptr;
    Cycle layer_start_ = 0;

    // Loads.
    std::size_t load_tile_ = 0;
    int load_stage_ = 0; ///< parameters, weights, inputs, operand2 of the tile
    Region load_region_ = Region::weights;
    RequestWalk load_;
    MapReader reader_; ///< of compressed maps, instead of load_
    bool loads_encoded_ = false;
    bool loads_done_ = true;
    Cycle load_ready_ = 0; ///< start-up of the current move
    std::array<std::int64_t, region_count> credit_{};
    TensorLayout parameter_layout_;
    std::vector<Box> parameter_boxes_, store_boxes_;

    // Stores: what is asked of the buffer comes back in order as the data of one request each.
    std::size_t store_ = 0; ///< of the plan's stores
    RequestWalk ask_;
    bool asks_done_ = true;
    Cycle store_ready_ = 0;
    Cycle drain_free_ = 0;
    std::int64_t stores_open_ = 0; ///< asked for, not yet acknowledged by the memory

    MapWriter writer_; ///< of a compressed map: what the buffer drains becomes requests there

    int streamed_words_ = 0;               ///< of the response at the front
    std::deque<MapReader::Piece> decoded_; ///< what is left of an encoded one
    Cycle decoding_since_ = never;
    Cycle crossing_since_ = never; ///< a word's first bytes, when it takes several cycles
    int in_flight_ = 0;
    Cycle issue_free_ = 0;
    bool last_was_load_ = false;
    bool done_sent_ = true;
    Stats stats_;
    LedgerOf<Cause> ledger_;
};

} // namespace heddle
