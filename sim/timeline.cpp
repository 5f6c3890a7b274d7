#include "sim/timeline.hpp"

#include "sim/json.hpp"

#include <cstdio>

namespace heddle {

namespace {

// Tracks from top to bottom: tiles, passes, one per block, DRAM commands.
constexpr int tile_track = 0, pass_track = 1, first_block_track = 2;
int command_track()
{
    return first_block_track + static_cast<int>(CauseWatch::blocks().size());
}

std::string quoted_json(const std::string& text)
{
    return json::serialize(json::string(text));
}

/// Exact to the picosecond.
std::string in_microseconds(double value)
{
    char text[40];
    std::snprintf(text, sizeof text, "%.6f", value);
    return text;
}

} // namespace

Timeline::Timeline(Accelerator& machine, const CompiledPlan& plan, const TraceWindow& window, std::int64_t max_bytes)
    : array_(machine.array()), plan_(plan), window_(window, machine.array(), 0),
      period_us_(1.0 / plan.hardware().clock_mhz.value()),
      memory_period_us_(plan.hardware().dram.kind == DramKind::dram ? 1000.0 / plan.hardware().dram.timing.clock_khz
                                                                    : 0.0),
      max_bytes_(max_bytes), tracks_(static_cast<std::size_t>(command_track()) + 1)
{
    name_tracks(plan.plan().name);
    inside_ = window_.holds(0);
    if (inside_) look_at_passes(0);
}

void Timeline::name_tracks(const std::string& layer)
{
    const std::string process = "layer " + layer + " on " + plan_.hardware().name;
    text_ = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n"
            "{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": 1, \"tid\": 0, \"args\": {\"name\": " +
            quoted_json(process) + "}}";
    const auto name = [&](int track, const std::string& label) {
        const std::string head = ",\n{\"ph\": \"M\", \"pid\": 1, \"tid\": " + std::to_string(track) + ", \"name\": ";
        text_ += head + "\"thread_name\", \"args\": {\"name\": " + quoted_json(label) + "}}";
        text_ += head + "\"thread_sort_index\", \"args\": {\"sort_index\": " + std::to_string(track) + "}}";
    };
    name(tile_track, "array tiles");
    name(pass_track, "array passes");
    for (std::size_t b = 0; b < CauseWatch::blocks().size(); ++b)
        name(first_block_track + static_cast<int>(b), CauseWatch::blocks()[b].block);
    if (memory_period_us_ > 0.0) name(command_track(), "dram commands");
}

void Timeline::slice(int track, const std::string& name, double start_us, double length_us,
                     const std::string& arguments)
{
    if (static_cast<std::int64_t>(text_.size()) + 512 > max_bytes_) full_ = true;
    if (full_) return;
    text_ += ",\n{\"ph\": \"X\", \"pid\": 1, \"tid\": " + std::to_string(track) + ", \"name\": " + quoted_json(name) +
             ", \"ts\": " + in_microseconds(start_us) + ", \"dur\": " + in_microseconds(length_us) + ", \"args\": {" +
             arguments + "}}";
    ++slices_;
}

void Timeline::leave(int track, Cycle now)
{
    Track& t = tracks_[static_cast<std::size_t>(track)];
    if (t.since < 0) return;
    const std::string cycles =
        "\"cycle\": " + std::to_string(t.since) + ", \"cycles\": " + std::to_string(now - t.since) + t.arguments;
    slice(track, t.label, microseconds(t.since), microseconds(now - t.since), cycles);
    t.since = -1;
}

void Timeline::enter(int track, const std::string& label, Cycle now, const std::string& arguments)
{
    Track& t = tracks_[static_cast<std::size_t>(track)];
    if (t.since >= 0 && t.label == label) return;
    leave(track, now);
    t = {label, now, arguments};
}

void Timeline::command(const DramCommand& c)
{
    if (!inside_) return;
    const DramPlace& p = c.place;
    const auto field = [](const char* name, std::int64_t v) {
        return ", \"" + std::string(name) + "\": " + std::to_string(v);
    };
    const std::string arguments = "\"clock\": " + std::to_string(c.clock) + field("channel", p.channel) +
                                  field("rank", p.rank) + field("bank_group", p.group) + field("bank", p.bank) +
                                  field("row", p.row) + field("column", p.column);
    slice(command_track(), dram_command_names()[1 + static_cast<std::size_t>(c.kind)],
          static_cast<double>(c.clock) * memory_period_us_, memory_period_us_, arguments);
}

/// A slice of a tile or pass runs from the cycle in which the array may begin it until it may begin the next.
void Timeline::look_at_passes(Cycle next)
{
    const PassWalk& walk = array_.passes();
    if (walk.done()) {
        leave(tile_track, next);
        leave(pass_track, next);
        return;
    }
    const Pass& pass = walk.pass();
    const std::string tile = std::to_string(pass.tile->index);
    enter(tile_track, "tile " + tile, next);
    enter(pass_track, "pass " + std::to_string(pass.index), next, ", \"tile\": " + tile);
}

void Timeline::look(Cycle now, const std::vector<int>& causes)
{
    if (inside_)
        for (std::size_t b = 0; b < causes.size(); ++b) {
            const SignalNames& names = CauseWatch::blocks()[b].names;
            enter(first_block_track + static_cast<int>(b), names[static_cast<std::size_t>(causes[b])], now);
        }
    const bool inside = window_.holds(now + 1);
    if (inside) look_at_passes(now + 1);
    if (inside_ && !inside)
        for (int t = 0; t < command_track(); ++t) leave(t, now + 1);
    inside_ = inside;
}

std::string Timeline::finish(Cycle end)
{
    for (int t = 0; t < command_track(); ++t) leave(t, end);
    return text_ + "\n]}\n";
}

} // namespace heddle
