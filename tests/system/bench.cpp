#include "tests/system/bench.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/reference.hpp"
#include "sim/json.hpp"
#include "sim/layer_counts.hpp"
#include "sim/layer_run.hpp"
#include "sim/result_fields.hpp"

#include <sys/wait.h>
#include <unistd.h>

namespace heddle::test_system {

namespace {

constexpr unsigned child_seconds = 60; // a child that hangs is ended by its alarm

void write_all(int fd, const std::string& text)
{
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t n = ::write(fd, text.data() + sent, text.size() - sent);
        if (n <= 0) ::_exit(1);
        sent += static_cast<std::size_t>(n);
    }
}

[[noreturn]] void be_child(const std::function<std::string()>& work, int fd)
{
    ::alarm(child_seconds);
    std::string answer;
    try {
        answer = "=" + work();
    } catch (const UserError& e) {
        answer = std::string("?") + e.what();
    } catch (const std::exception& e) {
        answer = std::string("!") + e.what();
    }
    write_all(fd, answer);
    ::_exit(0); // no destructors of the parent's objects
}

json::object written(LayerResult result)
{
    JsonWriter writer;
    visit(writer, result);
    return writer.object;
}

LayerResult read_back(const json::value& value)
{
    LayerResult result;
    JsonReader reader(value, "child");
    visit(reader, result);
    return result;
}

std::int32_t anything(Random& random, int bits)
{
    return static_cast<std::int32_t>(random.range(-(1 << (bits - 1)), (1 << (bits - 1)) - 1));
}

} // namespace

std::string in_process(const std::function<std::string()>& work)
{
    int ends[2];
    if (::pipe(ends) != 0) throw CheckFailure("no pipe");
    const pid_t pid = ::fork();
    if (pid < 0) throw CheckFailure("no process");
    if (pid == 0) {
        ::close(ends[0]);
        be_child(work, ends[1]);
    }
    ::close(ends[1]);
    std::string answer;
    char chunk[65536];
    for (ssize_t n; (n = ::read(ends[0], chunk, sizeof chunk)) > 0;) answer.append(chunk, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (answer.empty()) throw CheckFailure("the child died with status " + std::to_string(status));
    if (answer[0] == '?') throw UserError(answer.substr(1));
    if (answer[0] != '=') throw CheckFailure(answer.substr(1));
    return answer.substr(1);
}

RunOptions workload(const Network& net, const HardwareConfig& hw, const std::string& dataflow, std::uint64_t seed)
{
    RunOptions o;
    o.network = synthesize(net, hw.precision, seed);
    o.input = synthetic_input(o.network, seed);
    o.hardware = hw;
    o.dataflow = dataflow;
    o.seed = seed;
    return o;
}

void use_extreme_values(RunOptions& o, std::uint64_t seed)
{
    Random random(seed);
    const Precision& bits = o.hardware.precision;
    for (QuantizedLayer& q : o.network.layers) {
        for (std::int16_t& w : q.weights.data) w = static_cast<std::int16_t>(anything(random, bits.weight_bits));
        for (std::int32_t& b : q.bias) b = anything(random, 20);
    }
    for (std::int16_t& x : o.input.data) x = static_cast<std::int16_t>(anything(random, bits.input_bits));
}

RunResult run_apart(const RunOptions& options)
{
    const std::string text = in_process([&] {
        const RunResult r = run_network(options, {});
        json::array layers, scores;
        for (const LayerResult& l : r.layers) layers.push_back(written(l));
        for (float f : r.output) scores.push_back(f);
        return json::serialize(json::object{{"layers", layers}, {"scores", scores}});
    });
    const json::value v = json::parse(text);
    RunResult r;
    for (const json::value& l : v.at("layers").as_array()) r.layers.push_back(read_back(l));
    for (const json::value& f : v.at("scores").as_array()) r.output.push_back(f.to_number<float>());
    return r;
}

namespace {

/// Every map that the layer may read, from the reference.
void write_maps(const Network& net, int layer, const std::vector<Tensor>& reference, MapStore& maps)
{
    for (int i = 0; i < layer; ++i) {
        const Op op = net.layers[static_cast<std::size_t>(i)].op;
        if (op != Op::concat && op != Op::reshape && op != Op::softmax)
            maps.write(i, reference[static_cast<std::size_t>(i)]);
    }
}

std::string simulate_here(const RunOptions& o, int layer, const Disturbance& d,
                          const std::function<std::string(Accelerator&)>& remark)
{
    const Network& net = o.network.net;
    MapStore maps(net, o.hardware);
    write_maps(net, layer, run_reference(o.network, o.input), maps);
    const MapChoice choice = LayerRunner::choose(o, layer);
    const auto setup = make_layer_setup(o.network, o.hardware, choice.plan, maps);
    const CompiledPlan plan(setup->plan, o.hardware);
    Accelerator machine("machine", o.hardware, d.machine);
    if (d.before) d.before(machine, *setup);
    LayerResult r;
    r.name = choice.plan.name;
    const Cycle cycles = machine.run_layer(plan, setup->post, setup->image);
    collect_counts(machine, plan, cycles, d.machine.timing_only, r);
    json::array words;
    for (std::int16_t w : maps.read(choice.plan.fused_layer).data) words.push_back(w);
    return json::serialize(
        json::object{{"result", written(r)}, {"output", words}, {"note", remark ? remark(machine) : ""}});
}

} // namespace

Outcome simulate(const RunOptions& options, int layer, const Disturbance& disturbance,
                 const std::function<std::string(Accelerator&)>& remark)
{
    const std::string text = in_process([&] { return simulate_here(options, layer, disturbance, remark); });
    const json::value v = json::parse(text);
    Outcome out;
    out.result = read_back(v.at("result"));
    const int fused = LayerRunner::choose(options, layer).plan.fused_layer;
    out.output = Tensor(options.network.net.layers[static_cast<std::size_t>(fused)].out_shape);
    std::size_t i = 0;
    for (const json::value& w : v.at("output").as_array()) out.output.data[i++] = w.to_number<std::int16_t>();
    out.note = json::value_to<std::string>(v.at("note"));
    return out;
}

Tensor expected_output(const RunOptions& o, int layer)
{
    const int fused = LayerRunner::choose(o, layer).plan.fused_layer;
    return run_reference(o.network, o.input)[static_cast<std::size_t>(fused)];
}

std::vector<Shape4> differences(const Tensor& a, const Tensor& b)
{
    std::vector<Shape4> found;
    for (int n = 0; n < a.shape[0]; ++n)
        for (int k = 0; k < a.shape[1]; ++k)
            for (int p = 0; p < a.shape[2]; ++p)
                for (int q = 0; q < a.shape[3]; ++q)
                    if (a.at(n, k, p, q) != b.at(n, k, p, q)) found.push_back({n, k, p, q});
    return found;
}

LayerResult timing_of(LayerResult r)
{
    r.verified = false;
    r.overflows = r.macs_effectual = r.macs_gated = 0;
    return r;
}

} // namespace heddle::test_system
