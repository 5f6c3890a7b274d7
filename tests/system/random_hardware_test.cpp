// Machines that a user can write: what is accepted runs, with the reference's values, in no less than its bound and
// than its ports need, counts what a walk of the loops says, and tells the same without values and under the other
// driver; what is refused is refused in one line.
#include "tests/system/random_hardware.hpp"

#include "dnn/base/error.hpp"
#include "sim/results.hpp"
#include "tests/smoke/workplace.hpp"
#include "tests/system/check_counts.hpp"
#include "tests/system/random_networks.hpp"
#include "tests/system/share.hpp"

#include <iostream>

using namespace heddle;
using namespace heddle::test_system;

namespace {

void check_refusal(const std::string& text)
{
    INFO(text);
    CHECK_FALSE(text.empty());
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.find("internal") == std::string::npos);
}

/// Layers that only the PostProcessor works on, one behind the other.
Network post_layers(Random& random)
{
    Window w = any_window(random, 3);
    w.pad_top = std::min(w.pad_top, w.filter_rows - 1); // every window holds a word of the map
    w.pad_bottom = std::min(w.pad_bottom, w.filter_rows - 1);
    w.pad_left = std::min(w.pad_left, w.filter_cols - 1);
    w.pad_right = std::min(w.pad_right, w.filter_cols - 1);
    Network net = input_of(pick(random, 1, 2), pick(random, 1, 24), size_for(random, w.filter_rows, w.dilation_rows, 9),
                           size_for(random, w.filter_cols, w.dilation_cols, 9));
    const int sum = add_op(net, Op::add, {0, 0}, "sum");
    const int clamp = add_op(net, Op::clamp, {sum}, "clamp");
    net.layers[static_cast<std::size_t>(clamp)].activation = Activation::relu;
    const int pool = add_op(net, pick(random, 0, 1) ? Op::max_pool : Op::avg_pool, {clamp}, "pool", w);
    add_op(net, Op::add, {pool, pool}, "twice");
    return net;
}

/// Small enough for machines of a few MACs.
Network small_network(Random& random, std::uint64_t seed)
{
    const int kind = static_cast<int>(seed % (kind_count + 1));
    for (;;) {
        try {
            const Network net = kind == kind_count ? post_layers(random) : random_network(random, kind);
            if (net.macs() <= 150000) return net;
        } catch (const UserError&) { // padding that leaves a pooling window without a word is no network
        }
    }
}

/// The ports of the buffer move one beat a cycle.
void check_ports(const LayerResult& r, const GlobalBufferConfig& g)
{
    const std::pair<const char*, const PartitionConfig*> partitions[] = {{"weights", &g.weights},
                                                                         {"inputs", &g.inputs},
                                                                         {"outputs", &g.outputs},
                                                                         {"psums", &g.psums},
                                                                         {"operand2", &g.operand2}};
    const auto tensors = r.accesses.find("global_buffer");
    if (tensors == r.accesses.end()) return;
    for (const auto& [tensor, partition] : partitions) {
        const auto found = tensors->second.find(tensor);
        if (found == tensors->second.end()) continue;
        const AccessCounts& c = found->second;
        INFO(r.name << " " << tensor);
        if (partition->shared_port)
            CHECK(r.cycles >= c.read_beats + c.write_beats);
        else
            CHECK(r.cycles >= std::max(c.read_beats, c.write_beats));
        CHECK(c.read_beats * partition->read_port.words >= c.drains);
        CHECK(c.write_beats * partition->write_port.words >=
              (tensor == std::string("psums") ? 0 : c.fills + c.updates));
    }
}

RunResult timings(RunResult run)
{
    for (LayerResult& l : run.layers) l = timing_of(l);
    return run;
}

void check_same(const RunResult& a, const RunResult& b)
{
    REQUIRE(a.layers.size() == b.layers.size());
    for (std::size_t i = 0; i < a.layers.size(); ++i) {
        INFO(a.layers[i].name);
        CHECK(first_difference(a.layers[i], b.layers[i]) == "");
    }
}

/// The run, its counts and ports, and the runs that must tell the same.
void check_accepted(const RunOptions& o, const RunResult& run, bool reference_driver)
{
    check_counts(o, run, Compared::words);
    for (const LayerResult& r : run.layers)
        if (r.cycles > 0) check_ports(r, o.hardware.global_buffer);
    if (!o.hardware.dram.compression.maps) {
        INFO("--timing-only");
        RunOptions blind = o;
        blind.timing_only = true;
        check_same(timings(run), timings(run_apart(blind)));
    }
    if (reference_driver) {
        INFO("reference driver");
        RunOptions slow = o;
        slow.driver = TimeDriver::reference;
        check_same(run, run_apart(slow));
    }
}

/// Under the first of its dataflows that fits; false when none does.
bool run_machine(const HardwareDraw::Machine& machine, std::uint64_t seed)
{
    HardwareConfig hw;
    try {
        hw = parse_hardware(machine.yaml, "drawn.yaml");
    } catch (const UserError& e) {
        check_refusal(e.what());
        return false;
    }
    Random random(derive_seed(seed, 1));
    const Network net = small_network(random, seed);
    for (const std::string& dataflow : machine.dataflows) {
        INFO(dataflow);
        RunOptions o = workload(net, hw, dataflow, seed);
        if (seed % 3 == 0) use_extreme_values(o, seed);
        try {
            const RunResult run = run_apart(o);
            check_accepted(o, run, seed % 4 == 0);
            return true;
        } catch (const UserError& e) {
            check_refusal(e.what());
        } catch (const CheckFailure& e) {
            FAIL_CHECK(e.what());
            return true;
        }
    }
    return false;
}

/// How many of the machines ran. At least half must, or the draw says little.
void run_machines(std::uint64_t from, int count)
{
    const std::uint64_t first = first_seed(from);
    int accepted = 0;
    for (int n = 0; n < draws(count); ++n) {
        const std::uint64_t seed = first + static_cast<std::uint64_t>(n);
        const HardwareDraw::Machine machine = HardwareDraw(seed).draw();
        INFO("seed " << seed << "\n" << machine.yaml);
        accepted += run_machine(machine, seed) ? 1 : 0;
    }
    std::cout << "seeds from " << first << ": " << accepted << " of " << draws(count) << " machines ran\n";
    CHECK(2 * accepted >= draws(count));
}

} // namespace

TEST_CASE("random machines run what they accept and refuse the rest in one line, seeds 1 on")
{
    run_machines(1, 80);
}

TEST_CASE("random machines run what they accept and refuse the rest in one line, seeds 1001 on")
{
    run_machines(1001, 80);
}

TEST_CASE("random machines from files through the executable")
{
    const test_smoke::Workplace place;
    for (int n = 0; n < draws(40); ++n) {
        const std::uint64_t seed = first_seed(5001) + static_cast<std::uint64_t>(n);
        const HardwareDraw::Machine machine = HardwareDraw(seed).draw();
        INFO("seed " << seed << "\n" << machine.yaml);
        std::ofstream(place.path() / "drawn.yaml") << machine.yaml;
        const test_smoke::Answer answer = place.heddle("run tiny --hw drawn.yaml --out result --dataflow " +
                                                       machine.dataflows.front() + " 2>errors; exit $?");
        std::ostringstream errors;
        errors << std::ifstream(place.path() / "errors").rdbuf();
        const std::string text = errors.str();
        INFO(text);
        REQUIRE((answer.code == 0 || answer.code == 2));
        if (answer.code == 0)
            test_smoke::check_verified(place.report("result"));
        else
            CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    }
}
