// report.json: the stable names, and sums that must agree.
#include "tests/smoke/workplace.hpp"

using namespace heddle::test_smoke;
namespace json = boost::json;

namespace {

const std::vector<std::string> energy_parts = {"mac",  "register_file", "network", "global_buffer",
                                               "dram", "post",          "static"};

/// "a.b.c" below the value must exist.
void check_name(const json::value& from, const std::string& path)
{
    INFO(path);
    const json::value* at = &from;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        REQUIRE(at->is_object());
        at = at->as_object().if_contains(path.substr(begin, end - begin));
        REQUIRE(at != nullptr);
        begin = end + 1;
    }
}

double sum_of_parts(const json::value& energies)
{
    double sum = 0.0;
    for (const std::string& part : energy_parts) sum += energies.at(part).to_number<double>();
    return sum;
}

void check_layer(const json::value& l, std::int64_t pes)
{
    INFO(l.at("name"));
    for (const char* name :
         {"op", "dataflow", "macs", "cycles", "bound_cycles", "utilization", "verified", "energy_pj.total", "accesses",
          "dram.read_bytes", "dram.write_bytes", "dram.activates", "dram.row_hits", "ledger", "phases.first_request",
          "phases.last_write", "array_cycles", "bound_actual_cycles"})
        check_name(l, name);
    for (const auto& level : l.at("accesses").as_object())
        for (const auto& tensor : level.value().as_object())
            for (const char* count : {"fills", "reads", "updates", "drains"}) check_name(tensor.value(), count);
    CHECK(sum_of_parts(l.at("energy_pj")) == Approx(l.at("energy_pj").at("total").to_number<double>()));
    const std::int64_t cycles = whole(l.at("cycles")), macs = whole(l.at("macs"));
    for (const auto& block : l.at("ledger").as_object()) {
        std::int64_t sum = 0;
        for (const auto& cause : block.value().as_object()) sum += whole(cause.value());
        INFO(std::string(block.key()));
        CHECK(sum == cycles * (block.key() == "array" ? pes : 1));
    }
    CHECK(whole(l.at("ledger").at("array").at("compute")) == macs);
    CHECK(l.at("utilization").to_number<double>() ==
          Approx(static_cast<double>(macs) / static_cast<double>(cycles * pes)));
    const json::value& phases = l.at("phases");
    CHECK(whole(phases.at("first_request")) > 0);
    CHECK(whole(phases.at("last_write")) < cycles);
    if (macs == 0) return;
    CHECK(whole(phases.at("first_request")) < whole(phases.at("first_operand")));
    CHECK(whole(phases.at("first_operand")) < whole(phases.at("last_result")));
    CHECK(whole(phases.at("last_result")) < whole(phases.at("last_write")));
    CHECK(whole(l.at("array_cycles")) == whole(phases.at("last_result")) - whole(phases.at("first_operand")) + 1);
    for (const char* tensor : {"weights", "inputs", "outputs"})
        check_name(l, std::string("accesses.global_buffer.") + tensor);
}

} // namespace

TEST_CASE("report.json has its stable names and its sums agree")
{
    const Workplace place;
    for (const std::string machine : {"tpu_like --dataflow ws", "tpu_like --dataflow is", "shidiannao_like"}) {
        INFO(machine);
        const json::value report = place.run("tiny --hw " + machine);
        const std::int64_t pes = whole(report.at("pes"));
        std::int64_t cycles = 0, macs = 0;
        double energy = 0.0;
        for (const json::value& l : report.at("layers").as_array()) {
            check_layer(l, pes);
            cycles += whole(l.at("cycles"));
            macs += whole(l.at("macs"));
            energy += l.at("energy_pj").at("total").to_number<double>();
        }
        const json::value& totals = report.at("totals");
        CHECK(whole(totals.at("cycles")) == cycles);
        CHECK(whole(totals.at("macs")) == macs);
        CHECK(totals.at("latency_ms").to_number<double>() ==
              Approx(static_cast<double>(cycles) / (1e3 * report.at("clock_mhz").to_number<double>())));
        CHECK(sum_of_parts(totals.at("energy_pj")) == Approx(totals.at("energy_pj").at("total").to_number<double>()));
        CHECK(totals.at("energy_pj").at("total").to_number<double>() == Approx(energy));
        for (const char* kind : {"fused into conv3", "moves no data", "left to the host"})
            CHECK_THAT(json::serialize(report.at("untimed")), Catch::Contains(kind));
    }
}

TEST_CASE("drivers jobs and slices give equal reports through the executable")
{
    const Workplace place;
    const std::string run = "run tiny --hw tpu_like --dataflow is ";
    REQUIRE(place.heddle(run + "--out a").code == 0);
    for (const std::string option : {"--driver reference", "--jobs 2", "--driver reference --jobs 3"}) {
        INFO(option);
        REQUIRE(place.heddle(run + option + " --out b").code == 0);
        const Answer diff = place.heddle("diff a b");
        INFO(diff.text);
        CHECK(diff.code == 0);
    }
    REQUIRE(place.heddle(run + "--layers conv2,left --out c").code == 0);
    const json::value all = place.report("a"), some = place.report("c");
    REQUIRE(some.at("layers").as_array().size() == 2);
    for (json::value l : some.at("layers").as_array())
        for (json::value other : all.at("layers").as_array()) {
            if (other.at("name") != l.at("name")) continue;
            for (json::value* v : {&l, &other}) v->as_object().erase("position"); // counts what was asked for
            CHECK(other == l);
        }
    REQUIRE(place.heddle(run + "--stall-seed 3 --out d").code == 0);
    REQUIRE(place.heddle(run + "--stall-seed 3 --out e").code == 0);
    CHECK(place.heddle("diff d e").code == 0);
    CHECK(place.heddle("diff a d").code == 1);
    check_verified(place.report("d"));
}
