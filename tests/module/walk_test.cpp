// The sequencers against nested loops (tests/unit/sim_plan_walk.hpp, written from hw/plan.hpp alone): every MAC of
// random layers under random mappings in its pass, its step and its PE, with the words that it touches.
#include "hw/reuse_meter.hpp"
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
    }
    REQUIRE(want == expected.end());
}

/// A pass over single dimensions whose P and Q loops run over the input, in any order of loops.
LayerPlan by_input_plan(Random& random)
{
    const auto draw = [&random](int lo, int hi) { return static_cast<int>(random.range(lo, hi)); };
    LayerPlan plan;
    plan.name = "by input";
    plan.extent = {1, 1, draw(1, 3), draw(1, 3), draw(1, 7), draw(1, 7), draw(1, 4), draw(1, 4)};
    const Extents& e = plan.extent;
    Window& w = plan.window;
    w.stride_rows = draw(1, 3);
    w.stride_cols = draw(1, 3);
    w.dilation_rows = draw(1, 2);
    w.dilation_cols = draw(1, 2);
    plan.in_rows = (e[dim_p] - 1) * w.stride_rows + (e[dim_r] - 1) * w.dilation_rows + 1;
    plan.in_cols = (e[dim_q] - 1) * w.stride_cols + (e[dim_s] - 1) * w.dilation_cols + 1;
    for (int d = 0; d < dim_count; ++d) plan.axes.push_back({{static_cast<Dim>(d)}});
    plan.keep_weights = plan.keep_inputs = plan.keep_psums = true;
    std::vector<AxisLoop> loops;
    for (const Dim d : {dim_k, dim_c, dim_p, dim_q, dim_r, dim_s}) {
        const int inside = draw(1, e[d]); // the pass may leave a partial one
        if (inside < e[d]) plan.glb_loops.push_back({d, inside, e[d]});
        loops.push_back({d, 1, inside, d == dim_p || d == dim_q});
    }
    while (!loops.empty()) {
        const auto at = loops.begin() + draw(0, static_cast<int>(loops.size()) - 1);
        plan.pass_loops.push_back(*at);
        loops.erase(at);
    }
    return plan;
}

/// The steps of a pass by plain recursion: rows and columns in place of P and Q, each valid (p, q) derived innermost.
void steps_by_input(const LayerPlan& plan, const Pass& pass, std::size_t l, Extents at, std::vector<Extents>& out)
{
    const Window& w = plan.window;
    const auto size = [&](int d) {
        return pass.limit[static_cast<std::size_t>(d)] - pass.base[static_cast<std::size_t>(d)];
    };
    if (l == plan.pass_loops.size()) { // at[P], at[Q] are a row and a column
        const int row = at[dim_p] - at[dim_r] * w.dilation_rows, col = at[dim_q] - at[dim_s] * w.dilation_cols;
        for (int p = 0; p < size(dim_p); ++p)
            for (int q = 0; q < size(dim_q); ++q)
                if (p * w.stride_rows == row && q * w.stride_cols == col) {
                    at[dim_p] = p;
                    at[dim_q] = q;
                    out.push_back(at);
                    return;
                }
        return;
    }
    const int d = plan.pass_loops[l].axis;
    const int end = d == dim_p ? plan.in_rows : d == dim_q ? plan.in_cols : size(d);
    for (at[static_cast<std::size_t>(d)] = 0; at[static_cast<std::size_t>(d)] < end; ++at[static_cast<std::size_t>(d)])
        steps_by_input(plan, pass, l + 1, at, out);
}

/// Coordinates of a tensor at a step: those of inputs are row, column and channel.
std::vector<int> coordinate(const LayerPlan& plan, Tensors t, const Extents& at)
{
    const Window& w = plan.window;
    if (t == Tensors::weights) return {at[dim_k], at[dim_c], at[dim_r], at[dim_s]};
    if (t == Tensors::outputs) return {at[dim_k], at[dim_p], at[dim_q]};
    return {at[dim_c], at[dim_p] * w.stride_rows + at[dim_r] * w.dilation_rows,
            at[dim_q] * w.stride_cols + at[dim_s] * w.dilation_cols};
}

} // namespace

TEST_CASE("loops over the input step through its rows and columns, and only where there is an output")
{
    for (std::uint64_t seed = 601; seed <= 900; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const HardwareConfig hw = array_of(1, 1);
        const LayerPlan plan = by_input_plan(random);
        const CompiledPlan compiled(plan, hw);
        StepWalk step(compiled);
        ReuseMeter meter(compiled);
        std::int64_t macs = 0, input_uses = 0, input_fills = 0, most = 0;
        std::vector<int> held; // the input of the step before
        for (PassWalk pass(compiled); !pass.done(); pass.next()) {
            std::vector<Extents> expected;
            steps_by_input(plan, pass.pass(), 0, Extents{}, expected);
            std::size_t i = 0;
            std::int64_t uses = 0;
            for (step.start(pass.pass()); !step.done(); step.next(), ++i) {
                if (i == 0) meter.begin_pass(pass.pass(), step);
                meter.count(step, 1);
                REQUIRE(i < expected.size());
                for (const Dim d : {dim_k, dim_c, dim_p, dim_q, dim_r, dim_s})
                    REQUIRE(step.index()[d] - pass.pass().base[d] == expected[i][d]);
                for (const Tensors t : {Tensors::weights, Tensors::inputs, Tensors::outputs})
                    if (i > 0 && !step.changed(t))
                        REQUIRE(coordinate(plan, t, expected[i]) == coordinate(plan, t, expected[i - 1]));
                std::vector<int> input = coordinate(plan, Tensors::inputs, expected[i]);
                for (const Dim d : {dim_c, dim_p, dim_q, dim_r, dim_s}) input.push_back(pass.pass().base[d]);
                uses = input == held ? uses + 1 : 1;
                input_fills += input == held ? 0 : 1;
                ++input_uses;
                most = std::max(most, uses);
                held = input;
            }
            REQUIRE(i == expected.size());
            macs += static_cast<std::int64_t>(i);
        }
        CHECK(macs == plan.macs());
        CHECK(meter.counts(Tensors::inputs).uses == input_uses);
        CHECK(meter.counts(Tensors::inputs).fills == input_fills);
        CHECK(meter.counts(Tensors::inputs).most_uses == most);
    }
}

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
