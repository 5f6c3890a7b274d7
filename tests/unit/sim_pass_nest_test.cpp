// Loops of a pass in closed form, against indices counted by hand.
#include "sim/pass_nest.hpp"

#include <catch2/catch.hpp>

using namespace heddle;

namespace {

/// One axis; loops as (step, span), spatial ones as (step, count).
LayerPlan plan_of(const std::vector<std::pair<int, int>>& pass, const std::vector<std::pair<int, int>>& spatial)
{
    LayerPlan p;
    p.axes = {{{dim_c}}};
    for (const auto& [step, span] : pass) p.pass_loops.push_back({0, step, span});
    for (const auto& [step, count] : spatial) p.spatial.push_back({0, Place::y, step, count});
    return p;
}

} // namespace

TEST_CASE("steps of nested loops end where the loop outside them does")
{
    // Ten indices by fives, each five by twos: 0 2 4, 5 7 9.
    const LayerPlan p = plan_of({{5, 10}, {2, 5}}, {{1, 2}});
    CHECK(pass_offsets(p, 0, 10) == std::vector<int>{0, 2, 4, 5, 7, 9});
    CHECK(pass_steps(p, 0, 10) == 6);
    CHECK(last_pass_offset(p, 0, 10) == 9);
    // Of seven, the second five has two: 0 2 4, 5.
    CHECK(pass_offsets(p, 0, 7) == std::vector<int>{0, 2, 4, 5});
    CHECK(pass_steps(p, 0, 7) == 4);
    CHECK(last_pass_offset(p, 0, 7) == 5);
    // The outer loop alone: 0, 5.
    CHECK(pass_steps(p, 0, 7, 1) == 2);
    CHECK(has_nested_pass_loops(p));
}

TEST_CASE("loops inside the positions of a spatial loop step through the first one's indices")
{
    // Positions at 0 and 4, each of four indices by ones; with three indices left, the first position has three.
    const LayerPlan p = plan_of({{1, 4}}, {{4, 2}});
    CHECK(pass_offsets(p, 0, 8) == std::vector<int>{0, 1, 2, 3});
    CHECK(pass_offsets(p, 0, 3) == std::vector<int>{0, 1, 2});
    CHECK(spatial_offsets(p, 0, 8) == std::vector<int>{0, 4});
    CHECK(spatial_offsets(p, 0, 4) == std::vector<int>{0});
    CHECK_FALSE(has_nested_pass_loops(p));
}

TEST_CASE("the order in which loops over one axis stand changes no count of all of them")
{
    const LayerPlan p = plan_of({{1, 2}, {2, 5}}, {});
    CHECK(pass_offsets(p, 0, 5) == std::vector<int>{0, 1, 2, 3, 4});
    CHECK(pass_steps(p, 0, 5) == 5);
    CHECK(pass_steps(p, 0, 5, 1) == 2); // the loop that stands outermost, by ones through two
}

TEST_CASE("passes of nested loops from tile to tile")
{
    LayerPlan p = plan_of({}, {});
    p.glb_loops = {{0, 5, 8}, {0, 2, 5}};
    CHECK(glb_steps(p, 0, 8, 2) == 3 + 2); // 0 2 4, 5 7
    CHECK(glb_steps(p, 0, 8, 1) == 2);
    CHECK(glb_steps(p, 0, 8, 0) == 1);
}
