#include "hw/dma.hpp"

#include <algorithm>

namespace heddle {

Dma::Dma(const sc_core::sc_module_name& name, const HardwareConfig& hardware, const Ports& ports)
    : Block(name), hw_(hardware), io_(ports)
{
    io_.command_in.bind_reader(*this);
    io_.response_in.bind_reader(*this);
    io_.credit_in.bind_reader(*this);
    io_.drain_in.bind_reader(*this);
    io_.request_out.bind_writer(*this);
    io_.fill_out.bind_writer(*this);
    io_.parameters_out.bind_writer(*this);
    io_.drain_out.bind_writer(*this);
    io_.done_out.bind_writer(*this);
}

void Dma::begin_layer(Cycle now, const MemoryImage& image)
{
    image_ = &image;
    plan_ = nullptr;
    layer_start_ = now;
    stats_ = {};
    reader_.begin_layer(image, hw_.dma.max_burst_bytes);
    writer_.begin_layer(image, hw_.dma.max_burst_bytes);
    decoded_.clear();
    decoding_since_ = crossing_since_ = never;
    ledger_.restart(now, Cause::idle);
}

void Dma::start(const CompiledPlan& plan)
{
    plan_ = &plan;
    const GlobalBufferConfig& g = hw_.global_buffer;
    const auto words = [](const PartitionConfig& p, int bits) { return p.bytes * 8 / bits; };
    credit_[static_cast<int>(Region::weights)] = words(g.weights, hw_.precision.weight_bits);
    const std::int64_t share = plan.plan().input_words;
    credit_[static_cast<int>(Region::inputs)] = share > 0 ? share : words(g.inputs, hw_.precision.input_bits);
    credit_[static_cast<int>(Region::operand2)] = words(g.operand2, hw_.precision.input_bits);
    const int channels = plan.plan().extent[dim_g] * plan.plan().extent[dim_k];
    parameter_layout_.extent = {1, 1, 1, 1, channels};
    parameter_layout_.stride = {channels, channels, channels, channels, 1};
    Box all;
    all.hi = parameter_layout_.extent;
    parameter_boxes_ = {all};

    const bool resident = hw_.dram.kind == DramKind::resident;
    done_sent_ = false;
    load_tile_ = 0;
    load_stage_ = -1;
    loads_done_ = resident;
    asks_done_ = resident;
    store_ = 0;
    issue_free_ = drain_free_ = load_ready_ = store_ready_ = layer_start_;
    if (resident) return;
    next_load_move();
    next_store_move();
}

/// Enters the next tile tensor that has something to fetch: stage 0 parameters, then 1..3 of each tile.
void Dma::next_load_move()
{
    for (;;) {
        if (++load_stage_ > 3) {
            load_stage_ = 1;
            if (++load_tile_ >= plan_->tiles().size()) {
                loads_done_ = true;
                return;
            }
        }
        static constexpr Region regions[] = {Region::parameters, Region::weights, Region::inputs, Region::operand2};
        if (load_move(regions[load_stage_])) return;
    }
}

bool Dma::load_move(Region region)
{
    const Tile& tile = plan_->tiles()[load_tile_];
    const TensorLayout* layout = &parameter_layout_;
    const std::vector<Box>* boxes = &parameter_boxes_;
    if (region == Region::parameters && plan_->plan().kind != PlanKind::array) return false;
    if (region == Region::weights) layout = &plan_->weights(), boxes = &tile.weight_fill;
    if (region == Region::inputs) layout = &plan_->inputs(), boxes = &tile.input_fill;
    if (region == Region::operand2) layout = &plan_->operand2(), boxes = &tile.operand2_fill;
    if (boxes->empty()) return false;
    load_region_ = region;
    const int r = static_cast<int>(region);
    loads_encoded_ = reader_.reads(region);
    if (loads_encoded_)
        reader_.start(region, *layout, *boxes);
    else
        load_ = RequestWalk(*layout, *boxes, image_->address[r], image_->bits[r], hw_.dma.max_burst_bytes);
    ++stats_.moves;
    return true;
}

void Dma::next_store_move()
{
    if (store_ >= plan_->stores().size()) {
        asks_done_ = true;
        return;
    }
    const int r = static_cast<int>(Region::outputs);
    store_boxes_ = {plan_->stores()[store_]};
    ask_ = RequestWalk(plan_->results(), store_boxes_, image_->address[r], image_->bits[r], hw_.dma.max_burst_bytes);
    ++store_;
    ++stats_.moves;
}

/// Acknowledges a write or moves read data on, read_bytes_per_cycle at a time.
bool Dma::take_response(Cycle now)
{
    if (!io_.response_in.can_pop(now)) return false;
    const MemoryResponse& r = io_.response_in.front();
    if (r.write) {
        --stores_open_;
        stats_.last_write = now - layer_start_;
    } else if (r.encoded()) {
        bool moved = false;
        if (!stream_decoded(now, r, moved)) return moved;
    } else if (const int before = streamed_words_; !stream(now, r)) {
        return streamed_words_ > before || crossing_since_ != never;
    }
    io_.response_in.pop(now);
    --in_flight_;
    streamed_words_ = 0;
    return true;
}

/// True when the response's last words were pushed.
bool Dma::stream(Cycle now, const MemoryResponse& r)
{
    Channel<FillBeat>& out = r.region == Region::parameters ? io_.parameters_out : io_.fill_out;
    if (!out.can_push(now)) return false;
    const int bits = bits_of(r.region), rate_bits = hw_.dma.read_bytes_per_cycle * 8;
    if (!crossed(now, (bits + rate_bits - 1) / rate_bits)) return false;
    const int per_cycle = std::max(1, rate_bits / bits);
    const int values = MemoryImage::values_per_word(r.region);
    FillBeat& beat = out.push(now);
    beat.region = r.region;
    beat.tile = r.tile;
    beat.first_word = r.first_word + streamed_words_;
    beat.count = std::min(per_cycle, r.words - streamed_words_);
    std::copy_n(r.data.begin() + std::ptrdiff_t{streamed_words_} * values, beat.count * values, beat.word.begin());
    streamed_words_ += beat.count;
    return streamed_words_ == r.words;
}

/// A word wider than a cycle's bytes is there when the last of them is, `cycles` after it has begun.
bool Dma::crossed(Cycle now, int cycles)
{
    if (crossing_since_ == never) crossing_since_ = now;
    if (now + 1 < crossing_since_ + cycles) return false;
    crossing_since_ = never;
    return true;
}

bool Dma::can_issue_load(Cycle now) const
{
    if (loads_done_ || now < load_ready_) return false;
    return has_credit();
}

bool Dma::has_credit() const
{
    return load_region_ == Region::parameters || credit_[static_cast<int>(load_region_)] >= load_words();
}

bool Dma::can_issue_store(Cycle now) const
{
    if (writer_.active()) return !writer_.ready().empty();
    return now >= drain_free_ && io_.drain_in.can_pop(now);
}

bool Dma::issue(Cycle now)
{
    if (now < issue_free_ || in_flight_ >= hw_.dma.requests_in_flight || !io_.request_out.can_push(now)) return false;
    const bool load = can_issue_load(now), store = can_issue_store(now);
    if (!load && !store) return false;
    bool pick_load = load;
    if (load && store) {
        if (hw_.dma.arbitration == DmaArbitration::stores_first) pick_load = false;
        if (hw_.dma.arbitration == DmaArbitration::round_robin) pick_load = !last_was_load_;
    }
    if (pick_load)
        issue_load(now);
    else
        issue_store(now);
    last_was_load_ = pick_load;
    if (stats_.requests++ == 0) stats_.first_request = now - layer_start_;
    ++in_flight_;
    issue_free_ = now + hw_.dma.issue_interval_cycles;
    return true;
}

void Dma::issue_load(Cycle now)
{
    MemoryRequest& r = io_.request_out.push(now);
    r.region = load_region_;
    r.write = false;
    r.tile = static_cast<int>(load_tile_);
    if (loads_encoded_) {
        issue_encoded_load(r);
    } else {
        static_cast<MovedCodes&>(r) = {};
        r.address = load_.byte_address();
        r.bytes = load_.bytes();
        r.first_word = load_.first_word();
        r.words = load_.words();
        load_.next();
    }
    if (load_region_ != Region::parameters) credit_[static_cast<int>(load_region_)] -= r.words;
    if (!load_done()) return;
    next_load_move();
    load_ready_ = now + 1 + hw_.dma.startup_cycles;
}

void Dma::issue_store(Cycle now)
{
    if (writer_.active()) {
        issue_encoded_store(now);
        return;
    }
    const FillBeat& beat = io_.drain_in.front();
    MemoryRequest& r = io_.request_out.push(now);
    static_cast<MovedCodes&>(r) = {};
    const int bits = bits_of(Region::outputs);
    r.region = Region::outputs;
    r.write = true;
    r.address =
        image_->address[static_cast<int>(Region::outputs)] + static_cast<std::uint64_t>(beat.first_word * bits / 8);
    r.first_word = beat.first_word;
    r.words = beat.count;
    r.bytes = static_cast<int>((beat.first_word + beat.count) * bits - 1) / 8 -
              static_cast<int>(beat.first_word * bits / 8) + 1;
    std::copy_n(beat.word.begin(), beat.count, r.data.begin());
    io_.drain_in.pop(now);
    drain_free_ = now + (r.bytes + hw_.dma.write_bytes_per_cycle - 1) / hw_.dma.write_bytes_per_cycle;
}

void Dma::ask_for_results(Cycle now)
{
    if (asks_done_ || now < store_ready_ || !io_.drain_out.can_push(now)) return;
    DrainRequest& d = io_.drain_out.push(now);
    d.first_word = ask_.first_word();
    d.count = ask_.words();
    ++stores_open_;
    ask_.next();
    if (!ask_.done()) return;
    next_store_move();
    store_ready_ = now + 1 + hw_.dma.startup_cycles;
}

Cycle Dma::tick(Cycle now)
{
    // (1) A new layer. (2) Credits. (3) A response moves on. (4) Results of a compressed map are encoded. (5) A request
    // is issued. (6) Results are asked for. (7) End.
    if (io_.command_in.can_pop(now)) {
        start(*io_.command_in.front().plan);
        io_.command_in.pop(now);
        load_ready_ = store_ready_ = now + hw_.dma.startup_cycles;
    }
    if (io_.credit_in.can_pop(now)) {
        const Credit& c = io_.credit_in.front();
        credit_[static_cast<int>(c.region)] += c.words;
        io_.credit_in.pop(now);
    }
    if (!plan_) {
        ledger_.mark(now, Cause::idle);
        return never;
    }
    bool moved = take_response(now);
    moved = encode_results(now) || moved;
    moved = issue(now) || moved;
    ask_for_results(now);
    book(now, moved);
    if (!done_sent_ && loads_done_ && asks_done_ && in_flight_ == 0 && stores_open_ == 0 &&
        io_.done_out.can_push(now)) {
        io_.done_out.push(now);
        done_sent_ = true;
    }
    return next_wake(now);
}

void Dma::book(Cycle now, bool moved)
{
    const Reason why = reason(now);
    Cause then = Cause::idle;
    if (in_flight_ > 0)
        then = static_cast<Cause>(static_cast<int>(Cause::memory_refresh) + static_cast<int>(why) -
                                  static_cast<int>(Reason::dram_refresh));
    else if (!loads_done_ && now >= load_ready_ && !can_issue_load(now))
        then = Cause::no_credit;
    else if (stores_open_ > 0)
        then = Cause::waiting_for_results;
    ledger_.mark(now, moved ? Cause::moving : then, then);
    io_.fill_out.set_reason(now, why);
}

/// The memory's reason, but for what only the DMA knows: a response that takes several cycles is on its way out, or the
/// memory is not busy and requests_in_flight holds the next one back.
Reason Dma::reason(Cycle now) const
{
    if (in_flight_ == 0) return Reason::dram_latency;
    const Reason memory = io_.response_in.reason(now);
    if (memory == Reason::dram_refresh || memory == Reason::dram_bandwidth) return memory;
    if (streams()) return Reason::dram_bandwidth;
    return memory == Reason::dram_window || window_stops(now) ? Reason::dram_window : Reason::dram_latency;
}

/// The response at the front has begun to leave and has not ended.
bool Dma::streams() const
{
    return streamed_words_ > 0 || crossing_since_ != never || decoding_since_ != never;
}

/// Loads are what others wait for; when all are issued, stores.
bool Dma::window_stops(Cycle now) const
{
    if (in_flight_ < hw_.dma.requests_in_flight && io_.request_out.can_push(now)) return false;
    return loads_done_ ? can_issue_store(now) : can_issue_load(now);
}

Cycle Dma::next_wake(Cycle now) const
{
    Cycle next = never;
    const auto at = [&](Cycle c) { next = std::min(next, std::max(c, now + 1)); };
    const bool room = in_flight_ < hw_.dma.requests_in_flight;
    if (!loads_done_ && load_ready_ > now) at(load_ready_); // from then on the load waits for something else
    if (!writer_.active() && drain_free_ > now) at(drain_free_);
    if (room && io_.request_out.can_push(now + 1)) {
        if (!loads_done_ && has_credit()) at(std::max(load_ready_, issue_free_));
        if (!writer_.active() && io_.drain_in.front_ready() != never)
            at(std::max({io_.drain_in.front_ready(), drain_free_, issue_free_}));
        if (!writer_.ready().empty()) at(issue_free_);
    }
    if (writer_.active() && writer_.ready().empty() && io_.drain_in.front_ready() != never)
        at(std::max(io_.drain_in.front_ready(), drain_free_));
    if (!asks_done_ && io_.drain_out.can_push(now + 1)) at(store_ready_);
    if (io_.response_in.front_ready() != never && io_.fill_out.can_push(now + 1)) at(io_.response_in.front_ready());
    if (!decoded_.empty() && decoded_.front().dropped > 0) at(now + 1);
    if (decoding_since_ != never && decoded_.empty()) at(decoded_by(io_.response_in.front()));
    if (!done_sent_ && loads_done_ && asks_done_ && in_flight_ == 0 && stores_open_ == 0) at(now + 1);
    return next;
}

std::string Dma::status() const
{
    return "load tile " + std::to_string(load_tile_) + (loads_done_ ? " (all loads issued)" : "") + ", store " +
           std::to_string(store_) + ", " + std::to_string(in_flight_) + " in flight, " + std::to_string(stores_open_) +
           " stores open";
}

} // namespace heddle
