// Every preset and dataflow through the executable, values compared; with sanitisers in the build that has them.
#include "tests/smoke/machines.hpp"
#include "tests/smoke/workplace.hpp"

using namespace heddle::test_smoke;

TEST_CASE("a small network runs on every preset with each of its dataflows")
{
    const Workplace place;
    for (const Machine& m : machines())
        check_verified(place.run((m.adds ? "tiny --batch 2" : "gemm:20x40x24 --batch 2") + on(m)));
}
