// Random loop nests and constraint files on every preset and on changed ones: what is accepted runs, with the
// reference's values, the counts of a list of its MACs, in no less than its bound, and tells the same without values;
// what is refused is refused in one line that names the layer. Every machine takes a share.
#include "dnn/base/error.hpp"
#include "dnn/reference.hpp"
#include "sim/layer_run.hpp"
#include "sim/results.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/brute_counts.hpp"
#include "tests/system/random_nests.hpp"
#include "tests/system/share.hpp"

#include <catch2/catch.hpp>

#include <iostream>

using namespace heddle;
using namespace heddle::test_system;

namespace {

const std::vector<std::string> presets = {"eyeriss",       "tpu_like",        "magnet_like",     "squeezelerator_like",
                                          "nvdla_like",    "nvdla_full_like", "shidiannao_like", "tpu_v1",
                                          "systolic_ideal"};

struct Tally {
    int drawn = 0, accepted = 0;
};
using Tallies = std::map<std::string, Tally>;

void check_refusal(const std::string& text)
{
    INFO(text);
    CHECK(text.find('\n') == std::string::npos);
    CHECK((text.find("layer") != std::string::npos || text.find("dataflow") != std::string::npos));
}

/// Values by LayerRunner; counts, bound and the run without values here.
void check_run(const RunOptions& o, const MapChoice& choice, std::ostream& wrong)
{
    const RunResult run = run_apart(o);
    const LayerResult& r = run.layers[1];
    const std::vector<Tensor> reference = run_reference(o.network, o.input);
    const Counts expected = brute_nest_counts(choice.plan, o.hardware, o.network.layers[1].weights, reference[0]);
    const std::string count = first_wrong_count(r, expected, o.hardware, Compared::words_and_hops);
    if (!count.empty()) wrong << count << "\n";
    if (!r.verified) wrong << "not verified\n";
    if (r.cycles < r.bound_actual_cycles)
        wrong << r.cycles << " cycles, bound " << r.bound_actual_cycles << " by " << choice.bound.by << "\n";
    if (o.hardware.dram.compression.maps) return;
    RunOptions blind = o;
    blind.timing_only = true;
    LayerResult a = timing_of(r), b = timing_of(run_apart(blind).layers[1]);
    const std::string difference = first_difference(a, b);
    if (!difference.empty()) wrong << "without values: " << difference << "\n";
}

/// False when it is refused.
bool try_case(const RunOptions& o, const std::string& text)
{
    MapChoice choice;
    try {
        choice = LayerRunner::choose(o, 1);
    } catch (const UserError& e) {
        check_refusal(e.what());
        return false;
    } catch (const std::exception& e) {
        FAIL_CHECK("mapping: " << e.what() << "\n" << text);
        return false;
    }
    std::ostringstream wrong;
    try {
        check_run(o, choice, wrong);
    } catch (const std::exception& e) {
        wrong << e.what() << "\n";
    }
    const Network& net = o.network.net;
    const Window& w = net.layers[1].window;
    INFO(text << "input " << net.layers[0].out_shape[0] << "x" << net.layers[0].out_shape[1] << "x"
              << net.layers[0].out_shape[2] << "x" << net.layers[0].out_shape[3] << ", k " << net.layers[1].out_shape[1]
              << ", filter " << w.filter_rows << "x" << w.filter_cols << ", stride " << w.stride_rows << "x"
              << w.stride_cols << ", dilation " << w.dilation_rows << "x" << w.dilation_cols << ", pad " << w.pad_top
              << " " << w.pad_left << " " << w.pad_bottom << " " << w.pad_right << ", groups " << w.groups);
    CHECK(wrong.str() == "");
    return true;
}

using Draw = std::function<std::string(RunOptions&, Random&)>; ///< sets mapping or constraints, returns their text

void run_cases(std::uint64_t seed, int cases, bool changed, const Draw& draw,
               const std::map<std::string, double>& least)
{
    Tallies tallies;
    for (int n = 0; n < cases; ++n) {
        const std::uint64_t own = derive_seed(seed, static_cast<std::uint64_t>(n));
        Random random(own);
        const std::string& preset = presets[random.below(presets.size())];
        const Network net = nest_layer(random);
        HardwareConfig hw = load_hardware(preset);
        if (changed) change_machine(hw, random);
        RunOptions o = workload(net, hw, "", own);
        if (n % 3 == 0) use_extreme_values(o, own);
        std::string text;
        try {
            text = draw(o, random);
        } catch (const UserError&) {
            continue;
        }
        INFO("seed " << seed << ", case " << n << " (HEDDLE_SEED=" << seed << "), " << preset);
        Tally& t = tallies[preset];
        ++t.drawn;
        t.accepted += try_case(o, text) ? 1 : 0;
    }
    std::ostringstream shares;
    for (const auto& [preset, t] : tallies) shares << preset << " " << t.accepted << "/" << t.drawn << "  ";
    std::cout << "seed " << seed << ": accepted " << shares.str() << "\n";
    for (const auto& [preset, t] : tallies) { // at most a few short of the share, which is that of many draws
        INFO(preset << ": " << t.accepted << " of " << t.drawn << " accepted");
        const auto share = least.find(preset);
        CHECK(t.accepted >= (share == least.end() ? 0.0 : share->second) * t.drawn - 5);
    }
}

std::string draw_nest(RunOptions& o, Random& random)
{
    const Mapping m = NestDraw(random, o.hardware, layer_extents(o.network.net, 1)).draw();
    o.mappings = {{"conv", m}};
    return to_yaml(o.mappings);
}

std::string draw_constraints(RunOptions& o, Random& random)
{
    const std::string text = random_constraints(random, o.hardware);
    o.mapper.constraints = std::make_shared<const DataflowConstraints>(parse_constraints(text, "drawn.yaml"));
    o.dataflow = o.mapper.constraints->name;
    return text;
}

/// About two thirds of what many draws accept: a change that refuses what ran before is seen.
const std::map<std::string, double> least_nests = {
    {"eyeriss", 0.4},          {"magnet_like", 0.5},     {"tpu_like", 0.4},
    {"systolic_ideal", 0.4},   {"shidiannao_like", 0.3}, {"squeezelerator_like", 0.22},
    {"nvdla_full_like", 0.13}, {"nvdla_like", 0.12},     {"tpu_v1", 0.1}};
const std::map<std::string, double> least_constraints = {
    {"eyeriss", 0.5},         {"magnet_like", 0.35},        {"tpu_like", 0.3},
    {"systolic_ideal", 0.3},  {"squeezelerator_like", 0.3}, {"nvdla_like", 0.1},
    {"nvdla_full_like", 0.1}, {"shidiannao_like", 0.06}};

} // namespace

TEST_CASE("random nests on the presets run and count as a list of their MACs says, or are refused")
{
    run_cases(first_seed(1), draws(1500), false, draw_nest, least_nests);
}

TEST_CASE("random nests on changed presets run and count as a list of their MACs says, or are refused")
{
    run_cases(first_seed(2), draws(1500), true, draw_nest, least_nests);
}

TEST_CASE("random constraint files run and count as a list of their mapping's MACs says, or are refused")
{
    run_cases(first_seed(3), draws(400), false, draw_constraints, least_constraints);
    run_cases(first_seed(4), draws(400), true, draw_constraints, least_constraints);
}
