// Values travel (design.md §6.1): a bit flipped in the DRAM, the buffer or a PE's register shows in the outputs that
// use the word, in no others, and a word that is not used again shows nowhere.
#include "dnn/base/error.hpp"
#include "dnn/reference.hpp"
#include "sim/layer_run.hpp"
#include "sim/results.hpp"
#include "tests/system/bench.hpp"
#include "tests/system/subjects.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace heddle;
using namespace heddle::test_system;

namespace {

constexpr int channels = 20, filters = 24, side = 6;

RunOptions victim(const std::string& dataflow)
{
    return workload(conv_network(channels, side, filters, square(3, 1, 1)), load_hardware("tpu_like"), dataflow, 5);
}

void flip(std::int16_t& word, int bits)
{
    word = static_cast<std::int16_t>(word ^ -(1 << (bits - 1))); // the sign bit and its copies
}

/// What the reference says of the layer with one weight or input word flipped.
Tensor expected_with_weight(RunOptions o, int k, int c, int r, int s)
{
    flip(o.network.layers[1].weights.at(k, c, r, s), o.hardware.precision.weight_bits);
    return expected_output(o, 1);
}
Tensor expected_with_input(RunOptions o, int c, int h, int w)
{
    flip(o.input.at(0, c, h, w), o.hardware.precision.input_bits);
    return expected_output(o, 1);
}

/// Indices in the machine's memory order: weights (K),R,S,C, maps N,H,W,C.
std::int64_t weight_word(int k, int c, int r, int s)
{
    return ((std::int64_t{k} * 3 + r) * 3 + s) * channels + c;
}
std::int64_t map_word(int h, int w, int c, int all)
{
    return (std::int64_t{h} * side + w) * all + c;
}

/// Runs `action` once, at the start of the first cycle in which `ready` holds.
void when(Accelerator& m, const std::function<bool()>& ready, const std::function<void()>& action)
{
    constexpr Cycle horizon = 20000;
    const auto fired = std::make_shared<bool>(false);
    for (Cycle c = 1; c < horizon; ++c)
        m.clock().at(c, [=] {
            if (*fired || !ready()) return;
            *fired = true;
            action();
        });
}

/// The layer with `bit` of a word of the buffer flipped as soon as it is there.
template <typename Find> Outcome with_buffer_flip(const RunOptions& o, int layer, Find find, std::int64_t word, int bit)
{
    return simulate(o, layer, {{}, [&](Accelerator& m, LayerSetup&) {
                                   auto& partition = find(m.global_buffer());
                                   when(
                                       m, [&partition, word] { return partition.present(word); },
                                       [&partition, word, bit] { partition.flip(word, bit); });
                               }});
}

auto partition_of(Region r)
{
    return [r](GlobalBuffer& g) -> Partition<std::int16_t>& { return g.partition(r); };
}
/// A position whose output is not at a clamp, so that a large change shows.
Shape4 unclamped(const Tensor& t, std::size_t from)
{
    for (std::size_t i = from; i < t.data.size(); ++i) {
        if (t.data[i] > 100 || t.data[i] < -100) continue;
        const int q = static_cast<int>(i) % t.shape[3], p = static_cast<int>(i) / t.shape[3] % t.shape[2];
        return {0, static_cast<int>(i) / (t.shape[2] * t.shape[3]), p, q};
    }
    throw CheckFailure("all outputs are clamped");
}

} // namespace

TEST_CASE("looking at the machine in every cycle changes nothing")
{
    const RunOptions o = victim("ws");
    const Outcome calm = simulate(o, 1);
    const Outcome watched = simulate(o, 1, {{}, [](Accelerator& m, LayerSetup&) {
                                                when(
                                                    m, [] { return false; }, [] {});
                                            }});
    CHECK(first_difference(calm.result, watched.result) == "");
    CHECK(watched.output.data == expected_output(o, 1).data);
}

TEST_CASE("a flip in the DRAM gives the outputs of the flipped tensor")
{
    for (const char* dataflow : {"ws", "os", "is"}) {
        INFO(dataflow);
        const RunOptions o = victim(dataflow);
        const Tensor right = expected_output(o, 1);
        const Outcome weight =
            simulate(o, 1, {{}, [](Accelerator&, LayerSetup& s) {
                                flip(s.weights[static_cast<std::size_t>(weight_word(7, 3, 1, 2))], 8);
                            }});
        CHECK(weight.output.data == expected_with_weight(o, 7, 3, 1, 2).data);
        const std::vector<Shape4> wrong = differences(weight.output, right);
        CHECK_FALSE(wrong.empty());
        for (const Shape4& at : wrong) CHECK(at[1] == 7);
        const Outcome input =
            simulate(o, 1, {{}, [](Accelerator&, LayerSetup& s) {
                                auto& words = *s.image.words[static_cast<int>(Region::inputs)];
                                flip(words[static_cast<std::size_t>(map_word(2, 3, 11, channels))], 8);
                            }});
        CHECK(input.output.data == expected_with_input(o, 11, 2, 3).data);
        CHECK_FALSE(differences(input.output, right).empty());
        for (const Shape4& at : differences(input.output, right))
            CHECK((std::abs(at[2] - 2) <= 1 && std::abs(at[3] - 3) <= 1));
    }
}

TEST_CASE("a flip in the buffer gives the outputs of the flipped tensor")
{
    for (const char* dataflow : {"ws", "os", "is"}) {
        INFO(dataflow);
        const RunOptions o = victim(dataflow);
        const Outcome weight = with_buffer_flip(o, 1, partition_of(Region::weights), weight_word(20, 4, 0, 1), 15);
        Tensor flipped = expected_output(o, 1);
        CHECK_FALSE(differences(weight.output, flipped).empty());
        for (const Shape4& at : differences(weight.output, flipped)) CHECK(at[1] == 20);
        const Outcome input = with_buffer_flip(o, 1, partition_of(Region::inputs), map_word(1, 4, 9, channels), 6);
        RunOptions other = o;
        other.input.at(0, 9, 1, 4) = static_cast<std::int16_t>(other.input.at(0, 9, 1, 4) ^ 64);
        CHECK(input.output.data == expected_output(other, 1).data);
        CHECK_FALSE(differences(input.output, flipped).empty());
        const Shape4 at = unclamped(flipped, 300);
        const Outcome output =
            with_buffer_flip(o, 1, partition_of(Region::outputs), map_word(at[2], at[3], at[1], filters), 15);
        CHECK(differences(output.output, flipped) == std::vector<Shape4>{at});
    }
}

TEST_CASE("a flip of a psum in the buffer shows in its output alone")
{
    for (const char* dataflow : {"ws", "is"}) {
        INFO(dataflow);
        const RunOptions o = victim(dataflow);
        const Tensor right = expected_output(o, 1);
        const Shape4 at = unclamped(right, 400);
        const std::int64_t word = map_word(at[2], at[3], at[1], filters);
        const Outcome out = simulate(o, 1, {{}, [&](Accelerator& m, LayerSetup&) {
                                                auto& psums = m.global_buffer().psums();
                                                const auto empty = std::make_shared<std::int32_t>(0);
                                                m.clock().at(0, [=, &psums] { *empty = psums.get(word); });
                                                when(
                                                    m, [=, &psums] { return psums.get(word) != *empty; },
                                                    [=, &psums] { psums.flip(word, 31); });
                                            }});
        CHECK(differences(out.output, right) == std::vector<Shape4>{at});
    }
}

TEST_CASE("a flip of the second operand in the buffer shows in its output alone")
{
    Network net = input_of(1, 8, 5, 5);
    const int a = add_conv(net, 0, 12, square(1), "a"), b = add_conv(net, a, 12, square(1), "b");
    add_op(net, Op::add, {a, b}, "sum");
    const RunOptions o = workload(net, load_hardware("tpu_like"), "ws");
    const Tensor right = expected_output(o, b);
    const Shape4 at = unclamped(right, 100);
    const std::int64_t word = (std::int64_t{at[2]} * 5 + at[3]) * 12 + at[1];
    const Outcome out = with_buffer_flip(o, b, partition_of(Region::operand2), word, 15);
    CHECK(differences(out.output, right) == std::vector<Shape4>{at});
}

TEST_CASE("a flip in a register of a PE shows in the outputs of that PE alone")
{
    const int row = 5, col = 9, pe = row * 16 + col;
    const auto with_register_flip = [&](const RunOptions& o, Tensors tensor, int bit) {
        return simulate(o, 1, {{}, [&](Accelerator& m, LayerSetup&) {
                                   when(
                                       m, [&m] { return m.array().stats().passes >= 1; },
                                       [&m, tensor, bit] { m.array().flip_register(tensor, pe, bit); });
                               }});
    };
    const RunOptions ws = victim("ws"), os = victim("os"), is = victim("is");
    const std::vector<Shape4> by_weight =
        differences(with_register_flip(ws, Tensors::weights, 7).output, expected_output(ws, 1));
    CHECK(by_weight.size() > 1);
    for (const Shape4& at : by_weight) CHECK(at[1] % 16 == col); // output channels lie on x
    const std::vector<Shape4> by_input =
        differences(with_register_flip(is, Tensors::inputs, 7).output, expected_output(is, 1));
    CHECK(by_input.size() > 1);
    for (const Shape4& at : by_input) CHECK((at[2] * side + at[3]) % 16 == col); // pixels lie on x
    const std::vector<Shape4> by_psum =
        differences(with_register_flip(os, Tensors::outputs, 31).output, expected_output(os, 1));
    REQUIRE(by_psum.size() == 1);
    CHECK(by_psum[0][1] % 16 == col);
    CHECK((by_psum[0][2] * side + by_psum[0][3]) % 16 == row);
}

TEST_CASE("a flip of a word that is not used again changes nothing")
{
    const RunOptions o = victim("ws");
    const Tensor right = expected_output(o, 1);
    const std::int64_t word = weight_word(0, 0, 0, 0);
    const auto last = std::make_shared<Cycle>(0);
    const auto partition = [](Accelerator & m) -> auto&
    {
        return m.global_buffer().partition(Region::weights);
    };
    const Outcome calm = simulate(o, 1,
                                  {{},
                                   [&](Accelerator& m, LayerSetup&) {
                                       for (Cycle c = 1; c < 5000; ++c)
                                           m.clock().at(c, [&m, c, last, partition, word] {
                                               if (partition(m).present(word)) *last = c;
                                           });
                                   }},
                                  [last](Accelerator&) { return std::to_string(*last); });
    const Cycle present = std::stoll(calm.note); // still there, but its one pass has long been loaded
    REQUIRE(present > calm.result.phases.at("first_operand") + 100);
    const Cycle end = calm.result.cycles - 1;
    const std::vector<std::pair<const char*, Disturbance>> late = {
        {"buffer",
         {{},
          [&](Accelerator& m, LayerSetup&) {
              m.clock().at(present, [&m, partition, word] { partition(m).flip(word, 15); });
          }}},
        {"DRAM", {{}, [&](Accelerator& m, LayerSetup& s) { m.clock().at(end, [&s] { flip(s.weights[0], 8); }); }}},
        {"register", {{}, [&](Accelerator& m, LayerSetup&) {
                          m.clock().at(end, [&m] { m.array().flip_register(Tensors::weights, 0, 7); });
                      }}}};
    for (const auto& [where, disturbance] : late) {
        INFO(where);
        const Outcome out = simulate(o, 1, disturbance);
        CHECK(out.output.data == right.data);
        CHECK(first_difference(out.result, calm.result) == "");
    }
    const Outcome early = with_buffer_flip(o, 1, partition_of(Region::weights), word, 15);
    CHECK_FALSE(differences(early.output, right).empty()); // the same flip in time
}

TEST_CASE("a wrong value fails the layer and names the coordinate, what was expected and what came")
{
    RunOptions o = victim("os");
    const Tensor right = expected_output(o, 1), wrong = expected_with_weight(o, 13, 6, 1, 1);
    const Shape4 at = differences(right, wrong).front();
    const auto text = [&](const Tensor& t) { return std::to_string(t.at(at[0], at[1], at[2], at[3])); };
    const std::string expected = "layer conv: output (n=0, k=" + std::to_string(at[1]) +
                                 ", p=" + std::to_string(at[2]) + ", q=" + std::to_string(at[3]) + "): expected " +
                                 text(right) + ", got " + text(wrong);
    const auto run = [&] {
        LayerRunner runner(o);
        runner.reference_seconds(); // the reference has seen the right weights
        flip(o.network.layers[1].weights.at(13, 6, 1, 1), 8);
        runner.run(1);
        return std::string("verified");
    };
    CHECK_THROWS_WITH(in_process(run), expected);
}
