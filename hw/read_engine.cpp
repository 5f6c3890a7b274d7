#include "hw/read_engine.hpp"

#include <algorithm>

namespace heddle {

namespace {

std::int64_t fill_words(const Tile& t, Tensors tensor)
{
    return tensor == Tensors::weights ? t.weight_fill_words : t.input_fill_words;
}

} // namespace

void ReadEngine::start(const CompiledPlan& plan, FillGranularity granularity, bool resident)
{
    plan_ = &plan;
    granularity_ = granularity;
    resident_ = resident;
    words_read = padding_words = 0;
    freed_ = 0;
    needed_ = 0;
    done_ = starved_ = false;
    pass_ = PassWalk(plan);
    step_ = StepWalk(plan);
    cursor_ = LaneCursor(plan, tensor_);
    result_ = LaneCursor(plan, Tensors::outputs);
    const LayerPlan& p = plan.plan();
    shifts_ = tensor_ == Tensors::inputs && p.kind == PlanKind::array && !p.keep_inputs &&
              p.input_delivery == Delivery::shift;
    if (shifts_) shift_ = ShiftRule(plan);
    const Delivery delivery = tensor_ == Tensors::weights ? p.weight_delivery : p.input_delivery;
    row_per_beat_ = kept() && delivery == Delivery::load_chain_y;
    one_set_ = kept() && p.kind == PlanKind::array && plan.hardware().operand_network(tensor_).one_set;
    event_word_.resize(
        static_cast<std::size_t>(std::max(plan.hardware().macs(), plan.hardware().post.words_per_cycle)));
    any_loaded_ = listed_ = false;
    tile_ = RegisterTile(plan, tensor_);
    if (tensor_ == Tensors::weights && plan.plan().kind == PlanKind::post) {
        done_ = true;
        return;
    }
    enter_pass();
}

bool ReadEngine::kept() const
{
    return tensor_ == Tensors::weights ? plan_->plan().keep_weights : plan_->plan().keep_inputs;
}

std::int64_t ReadEngine::take_freed()
{
    const std::int64_t f = freed_;
    freed_ = 0;
    return f;
}

void ReadEngine::leave_tile(const Tile& tile)
{
    const bool weights = tensor_ == Tensors::weights;
    freed_ += weights ? tile.weight_free : tile.input_free;
    if (resident_) return;
    for (const Box& box : weights ? tile.weight_drop : tile.input_drop)
        for (RunWalk run(weights ? plan_->weights() : plan_->inputs(), box); !run.done(); run.next())
            partition_->shrink(run.run().first_word, run.run().words);
}

void ReadEngine::enter_pass()
{
    for (;;) {
        const Pass& p = pass_.pass();
        if (p.first_of_tile) {
            needed_ = fill_words(*p.tile, tensor_);
            tile_complete_ = resident_;
        }
        const bool same = tensor_ == Tensors::weights ? !p.new_weights : !p.new_inputs;
        if (!kept() || (!same && load_pass())) break;
        next_pass();
        if (done_) return;
    }
    step_.start(pass_.pass());
    if (listed_) {
        list_load();
        return;
    }
    cursor_.start(pass_.pass(), step_);
    if (plan_->plan().kind == PlanKind::post) result_.start(pass_.pass(), step_);
    open_event();
}

/// What the pass loads of a kept tensor; false when all of it is there.
bool ReadEngine::load_pass()
{
    tile_.loads(any_loaded_ ? &loaded_ : nullptr, pass_.pass(), loads_);
    loaded_ = pass_.pass();
    any_loaded_ = true;
    listed_ = one_set_ || tile_.numbers() > 1;
    return !loads_.empty();
}

/// Entry by entry, each row by row where a chain takes one row per beat; or the words of one set of PEs together.
void ReadEngine::list_load()
{
    next_ = 0;
    adjacent_ = false;
    load_.clear();
    std::vector<std::size_t> entry_begin;
    int order = 0;
    for (const RegisterTile::Touched& t : loads_) {
        step_.jump(t.offset);
        if (order == 0) cursor_.start(pass_.pass(), step_);
        cursor_.follow(pass_.pass(), step_, *t.lanes);
        ++order;
        const TensorLanes& lanes = cursor_.lanes();
        entry_begin.push_back(load_.size());
        for (int l = 0; l < lanes.count; ++l) {
            const std::size_t lane = static_cast<std::size_t>(l);
            const bool breaks = l == 0 || (row_per_beat_ && lanes.row_of_lane[lane] != lanes.row_of_lane[lane - 1]);
            load_.push_back({cursor_.word(l), l, t.entry, order, lanes.set_of_lane[lane], breaks});
        }
    }
    event_lanes_ = static_cast<int>(load_.size());
    if (one_set_) order_load(entry_begin);
}

/// As many entries at a time as fill a beat of the network, then set by set.
void ReadEngine::order_load(const std::vector<std::size_t>& entry_begin)
{
    const int width = plan_->hardware().operand_network(tensor_).words_per_beat;
    const std::size_t group = static_cast<std::size_t>(std::max(1, width / cursor_.lanes().lanes_per_set));
    for (std::size_t e = 0; e < entry_begin.size(); e += group) {
        const std::size_t from = entry_begin[e];
        const std::size_t to = e + group < entry_begin.size() ? entry_begin[e + group] : load_.size();
        std::stable_sort(load_.begin() + static_cast<std::ptrdiff_t>(from),
                         load_.begin() + static_cast<std::ptrdiff_t>(to),
                         [](const Item& a, const Item& b) { return a.set < b.set; });
        int in_beat = 0;
        for (std::size_t i = from; i < to; ++i, ++in_beat) {
            load_[i].breaks = i == from || load_[i].set != load_[i - 1].set || in_beat == width;
            if (load_[i].breaks) in_beat = 0;
        }
    }
}

void ReadEngine::next_pass()
{
    if (pass_.pass().last_of_tile) leave_tile(*pass_.pass().tile);
    pass_.next();
    done_ = pass_.done();
}

void ReadEngine::open_event()
{
    next_ = 0;
    event_lanes_ = cursor_.count();
    adjacent_ = cursor_.adjacent() && !shifts_ && plan_->plan().kind == PlanKind::array;
    if (adjacent_) { // one address stands for all
        first_word_ = cursor_.word(0);
        return;
    }
    cursor_.words(event_word_.data());
    if (!shifts_) return;
    read_lane_ = &shift_.pattern(step_, cursor_.set()).read_lanes; // only what no neighbour can pass on
    event_lanes_ = static_cast<int>(read_lane_->size());
}

/// A streamed tensor has an event whenever its coordinate changes, a kept one a single event per pass.
void ReadEngine::next_event()
{
    if (!kept()) {
        do {
            step_.next();
        } while (!step_.done() && !step_.changed(tensor_));
        if (!step_.done()) {
            cursor_.follow(pass_.pass(), step_);
            open_event();
            return;
        }
    }
    next_pass();
    if (!done_) enter_pass();
}

bool ReadEngine::available(std::int32_t word) const
{
    return tile_complete_ || (granularity_ != FillGranularity::tile && partition_->present(word));
}

int ReadEngine::row_of(int lane) const
{
    return cursor_.lanes().row_of_lane[static_cast<std::size_t>(lane)];
}

/// How many lanes the next beat takes: until the port's width, a line's end or the event's end; -1 when one of their
/// words is not there yet.
int ReadEngine::look() const
{
    const PortConfig& port = partition_->ports.read_port();
    const int left = event_lanes_ - next_;
    const int room = std::min(left, beat_words_);
    if (tile_complete_ && port.gather && !row_per_beat_ && !listed_ && left <= std::min(port.words, beat_words_))
        return left;
    const int line = partition_->ports.line_words();
    std::int64_t open_line = 0, last_word = -1; // the open line's first word
    int distinct = 0, lanes = 0;
    for (; lanes < room; ++lanes) {
        const int lane = lane_at(next_ + lanes);
        if (listed_ && lanes > 0 && load_[static_cast<std::size_t>(lane)].breaks) break;
        if (!listed_ && row_per_beat_ && lanes > 0 && row_of(lane) != row_of(lane - 1)) break;
        const std::int32_t word = word_at(lane);
        if (word < 0 || word == last_word) continue;
        if (distinct == port.words) break;
        if (!port.gather && distinct > 0 && (word < open_line || word >= open_line + line)) break;
        if (!available(word)) return -1;
        if (!port.gather && distinct == 0) open_line = word - word % line;
        last_word = word;
        ++distinct;
    }
    return lanes;
}

void ReadEngine::fill(OperandBeat& beat, int lanes)
{
    const std::int16_t* store = partition_->data();
    beat.entry = 0;
    beat.mixed = false;
    beat.through = 1;
    if (listed_) {
        fill_listed(beat, lanes);
        return;
    }
    if (adjacent_) {
        fill_adjacent(beat, lanes);
        return;
    }
    int distinct = 0;
    std::int32_t last_word = -1;
    beat.first = next_;
    beat.dense = !shifts_;
    for (int i = 0; i < lanes; ++i) {
        const int lane = lane_at(next_ + i);
        const std::int32_t word = word_at(lane);
        if (shifts_) beat.lane[static_cast<std::size_t>(i)] = lane;
        beat.word[static_cast<std::size_t>(i)] = word < 0 ? std::int16_t{0} : store[word];
        padding_words += word < 0 ? 1 : 0;
        distinct += word >= 0 && word != last_word ? 1 : 0;
        last_word = word < 0 ? last_word : word;
    }
    beat.count = lanes;
    beat.words_read = distinct;
    words_read += distinct;
    if (plan_->plan().kind == PlanKind::post) describe_window(beat);
    next_ += lanes;
    beat.last = next_ == event_lanes_;
}

void ReadEngine::fill_listed(OperandBeat& beat, int lanes)
{
    const std::int16_t* store = partition_->data();
    int distinct = 0;
    std::int32_t last_word = -1;
    beat.first = 0;
    beat.count = lanes;
    beat.dense = false;
    beat.mixed = true;
    for (int i = 0; i < lanes; ++i) {
        const Item& item = load_[static_cast<std::size_t>(next_ + i)];
        const std::size_t at = static_cast<std::size_t>(i);
        beat.lane[at] = item.lane;
        beat.entries[at] = item.entry;
        beat.word[at] = item.word < 0 ? std::int16_t{0} : store[item.word];
        beat.through = std::max(beat.through, item.order);
        padding_words += item.word < 0 ? 1 : 0;
        distinct += item.word >= 0 && item.word != last_word ? 1 : 0;
        last_word = item.word < 0 ? last_word : item.word;
    }
    beat.words_read = distinct;
    words_read += distinct;
    next_ += lanes;
    beat.last = next_ == event_lanes_;
}

/// Neighbouring words, or all padding.
void ReadEngine::fill_adjacent(OperandBeat& beat, int lanes)
{
    beat.first = next_;
    beat.dense = true;
    beat.count = lanes;
    if (first_word_ < 0) {
        std::fill_n(beat.word.begin(), lanes, std::int16_t{0});
        padding_words += lanes;
    } else {
        std::copy_n(partition_->data() + first_word_ + next_, lanes, beat.word.begin());
        words_read += lanes;
    }
    beat.words_read = first_word_ < 0 ? 0 : lanes;
    next_ += lanes;
    beat.last = next_ == event_lanes_;
}

void ReadEngine::describe_window(OperandBeat& beat) const
{
    const std::vector<int>& out = result_.lanes().lane_of_mac;
    for (int i = 0; i < beat.count; ++i) {
        const std::size_t slot = static_cast<std::size_t>(i);
        const int lane = out[static_cast<std::size_t>(beat.first + i)];
        beat.valid[slot] = event_word_[static_cast<std::size_t>(beat.first + i)] >= 0;
        beat.out_word[slot] = result_.word(lane);
        beat.operand2_word[slot] = result_.operand2_word(lane);
    }
    beat.first_of_window = beat.last_of_window = true;
    for (std::size_t l = 0; l < step_.loops(); ++l) {
        beat.first_of_window = beat.first_of_window && step_.iteration(l) == 0;
        beat.last_of_window = beat.last_of_window && step_.last_iteration(l);
    }
}

bool ReadEngine::tick(Cycle now, Channel<OperandBeat>& out)
{
    starved_ = false;
    if (done_) return false;
    if (!tile_complete_ && partition_->filled(pass_.pass().tile->index) >= needed_) tile_complete_ = true;
    if (!out.can_push(now) || !partition_->ports.can_read(now)) return false;
    const int lanes = look();
    if (lanes < 0) {
        starved_ = true;
        return false;
    }
    OperandBeat& beat = out.push(now);
    fill(beat, lanes);
    if (beat.words_read > 0) partition_->ports.read(now);
    if (next_ == event_lanes_) next_event();
    return true;
}

} // namespace heddle
