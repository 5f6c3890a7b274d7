// Layers traced in processes of their own, and words out of the packed signals of a waveform.
#pragma once

#include "sim/json.hpp"
#include "sim/result_fields.hpp"
#include "sim/trace_layer.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/subjects.hpp"

#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

namespace heddle::test_system {

/// Removed at the end.
struct Folder {
    Folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "heddle-trace-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string file(const std::string& name) const { return (path / name).string(); }
    std::filesystem::path path;
};

struct Facts {
    LayerResult result;
    bool limited = false;
    TracePlan plan; ///< forecast, when it was asked for
    Cycle written = 0, first_work = never;
};

/// Traces in a process of its own.
inline Facts traced(const Subject& s, const TraceRequest& request, std::uint64_t stall_seed = 0, bool forecast = false)
{
    RunOptions options = s.options;
    options.stall_seed = stall_seed;
    const std::string text = in_process([&] {
        TracePlan plan;
        std::function<void(const TracePlan&)> announce;
        if (forecast) announce = [&](const TracePlan& p) { plan = p; };
        TraceOutcome out = trace_layer(options, s.layer, request, announce);
        JsonWriter writer;
        visit(writer, out.result);
        return json::serialize(json::object{{"result", writer.object},
                                            {"limited", out.limited},
                                            {"signals", plan.signals},
                                            {"bytes", plan.expected_bytes},
                                            {"cycles", plan.expected_cycles},
                                            {"written", out.last_cycle - out.first_cycle + 1},
                                            {"work", out.first_work}});
    });
    const json::value v = json::parse(text);
    Facts facts;
    JsonReader reader(v.at("result"), "child");
    visit(reader, facts.result);
    facts.limited = v.at("limited").as_bool();
    facts.plan = {v.at("signals").to_number<std::int64_t>(), v.at("bytes").to_number<std::int64_t>(),
                  v.at("cycles").to_number<Cycle>()};
    facts.written = v.at("written").to_number<Cycle>();
    facts.first_work = v.at("work").to_number<Cycle>();
    return facts;
}

inline TraceRequest waveform(const std::string& vcd, const std::vector<std::string>& scopes)
{
    TraceRequest r;
    r.trace.vcd = vcd;
    r.trace.scopes = scopes;
    return r;
}

/// Word `index` of a packed signal, signed.
inline std::int64_t word_of(const std::string& bits, int index, int width)
{
    const int size = static_cast<int>(bits.size()), low = size - index * width;
    if (low <= 0) return 0;
    const int from = std::max(0, low - width);
    std::int64_t v = 0;
    for (int i = from; i < low; ++i) v = v << 1 | (bits[static_cast<std::size_t>(i)] == '1' ? 1 : 0);
    const bool negative = low - from == width && bits[static_cast<std::size_t>(from)] == '1';
    return negative ? v - (std::int64_t{1} << width) : v;
}

} // namespace heddle::test_system
