// The sequencers against nested loops (tests/unit/sim_plan_walk.hpp, written from hw/plan.hpp alone): every MAC of
// random layers under random mappings in its pass, its step and its PE, with the words that it touches.
#include "hw/walk.hpp"
#include "tests/module/random_plan.hpp"
#include "tests/unit/sim_plan_walk.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace heddle;

namespace {

HardwareConfig array_of(int rows, int cols)
{
    HardwareConfig hw;
    hw.array.rows = rows;
    hw.array.cols = cols;
    return hw;
}

/// What one PE touches in one step.
struct Touch {
    int tile = 0;
    std::int64_t weight = 0, input = 0, output = 0;
    bool operator==(const Touch& o) const
    {
        return tile == o.tile && weight == o.weight && input == o.input && output == o.output;
    }
};

using Steps = std::map<std::pair<int, int>, std::map<int, Touch>>; ///< (pass, step of the layer) -> PE -> touch

Steps brute_force(const LayerPlan& plan, int cols)
{
    Steps steps;
    test_walk::PlanWalk walk(plan, [&](const test_walk::Mac& m) {
        const Touch touch = {m.tile, random_plan::word(plan, Tensors::weights, m.at),
                             random_plan::word(plan, Tensors::inputs, m.at),
                             random_plan::word(plan, Tensors::outputs, m.at)};
        REQUIRE(steps[{m.pass, m.step}].emplace(m.y * cols + m.x, touch).second);
    });
    walk.run();
    return steps;
}

/// By tensor: the lanes' words of one step, by PE.
void touch_lanes(const LaneCursor& cursor, Tensors t, std::map<int, Touch>& pes, int tile)
{
    const TensorLanes& lanes = cursor.set().tensor[static_cast<int>(t)];
    for (std::size_t pe = 0; pe < lanes.lane_of_mac.size(); ++pe) {
        if (lanes.lane_of_mac[pe] < 0) continue;
        Touch& touch = pes[static_cast<int>(pe)];
        touch.tile = tile;
        (t == Tensors::weights  ? touch.weight
         : t == Tensors::inputs ? touch.input
                                : touch.output) = cursor.word(lanes.lane_of_mac[pe]);
    }
}

/// Words of a step that one lane each delivers: no two lanes may stand for the same spatial coordinate.
void check_steps(const CompiledPlan& plan, const Steps& expected)
{
    PassWalk pass(plan);
    StepWalk step(plan);
    LaneCursor cursors[3] = {{plan, Tensors::weights}, {plan, Tensors::inputs}, {plan, Tensors::outputs}};
    int step_index = 0;
    auto want = expected.begin();
    std::map<int, Touch> before;
    for (; !pass.done(); pass.next()) {
        std::int64_t steps_of_pass = 0;
        for (step.start(pass.pass()); !step.done(); step.next(), ++step_index, ++steps_of_pass) {
            std::map<int, Touch> got;
            for (int t = 0; t < 3; ++t) {
                if (steps_of_pass == 0)
                    cursors[t].start(pass.pass(), step);
                else
                    cursors[t].follow(pass.pass(), step);
                touch_lanes(cursors[t], static_cast<Tensors>(t), got, pass.pass().tile->index);
            }
            REQUIRE(want != expected.end());
            REQUIRE(want->first == std::make_pair(static_cast<int>(pass.pass().index), step_index));
            REQUIRE(got == want->second);
            // What is said not to have changed has not.
            if (steps_of_pass > 0)
                for (const auto& [pe, touch] : got) {
                    if (before.count(pe) == 0) continue;
                    if (!step.changed(Tensors::weights)) REQUIRE(touch.weight == before[pe].weight);
                    if (!step.changed(Tensors::inputs)) REQUIRE(touch.input == before[pe].input);
                    if (!step.changed(Tensors::outputs)) REQUIRE(touch.output == before[pe].output);
                }
            before = std::move(got);
            ++want;
        }
        REQUIRE(step.steps() == steps_of_pass);
    }
    REQUIRE(want == expected.end());
}

} // namespace

TEST_CASE("passes, steps and lanes of random plans are those of the nested loops")
{
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const int rows = static_cast<int>(random.range(1, 6)), cols = static_cast<int>(random.range(1, 6));
        const HardwareConfig hw = array_of(rows, cols);
        const LayerPlan plan = random_plan::make(random, rows, cols);
        const CompiledPlan compiled(plan, hw);
        const Steps expected = brute_force(plan, cols);
        std::int64_t macs = 0;
        for (const auto& s : expected) macs += static_cast<std::int64_t>(s.second.size());
        REQUIRE(macs == plan.macs());
        check_steps(compiled, expected);
    }
}

TEST_CASE("a pass says whether its weights, its inputs and its share of the reduction are new")
{
    for (std::uint64_t seed = 301; seed <= 500; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const HardwareConfig hw = array_of(4, 4);
        const LayerPlan plan = random_plan::make(random, 4, 4);
        const CompiledPlan compiled(plan, hw);
        // By pass: the words that each PE holds during it, and the coordinates of the reduction, from the nested loops.
        struct Content {
            std::map<int, std::set<std::int64_t>> weights, inputs; ///< PE -> words
            int tile = 0;
            bool first_of_reduction = false, last_of_reduction = false;
        };
        std::vector<Content> passes;
        int pass_before = -1;
        test_walk::PlanWalk walk(plan, [&](const test_walk::Mac& m) {
            if (m.pass != pass_before) {
                passes.emplace_back();
                pass_before = m.pass;
            }
            Content& c = passes.back();
            c.tile = m.tile;
            c.weights[m.y * 4 + m.x].insert(random_plan::word(plan, Tensors::weights, m.at));
            c.inputs[m.y * 4 + m.x].insert(random_plan::word(plan, Tensors::inputs, m.at));
            bool first = true, last = true;
            for (Dim d : {dim_c, dim_r, dim_s}) {
                first = first && m.at[d] == 0;
                last = last && m.at[d] == plan.extent[d] - 1;
            }
            c.first_of_reduction = c.first_of_reduction || first;
            c.last_of_reduction = c.last_of_reduction || last;
        });
        walk.run();
        std::size_t i = 0;
        for (PassWalk pass(compiled); !pass.done(); pass.next(), ++i) {
            REQUIRE(i < passes.size());
            const Pass& p = pass.pass();
            const bool last = i + 1 == passes.size();
            REQUIRE(p.last_of_layer == last);
            REQUIRE(p.last_of_tile == (last || passes[i + 1].tile != passes[i].tile));
            REQUIRE(p.first_of_tile == (i == 0 || passes[i - 1].tile != passes[i].tile));
            REQUIRE(p.first_reduction == passes[i].first_of_reduction);
            REQUIRE(p.last_reduction == passes[i].last_of_reduction);
            if (i == 0) continue;
            // "Not new" must be true of every PE used in both; "new" may be said where only the coordinate differs.
            const auto held = [](const auto& now, const auto& before) {
                for (const auto& [pe, words] : now)
                    if (before.count(pe) != 0 && before.at(pe) != words) return false;
                return true;
            };
            if (!p.new_weights) REQUIRE(held(passes[i].weights, passes[i - 1].weights));
            if (!p.new_inputs && passes[i].tile == passes[i - 1].tile)
                REQUIRE(held(passes[i].inputs, passes[i - 1].inputs));
        }
        REQUIRE(i == passes.size());
    }
}
