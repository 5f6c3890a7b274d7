// Every shipped network, preset and trained model through the executable, values compared.
#include "tests/smoke/machines.hpp"
#include "tests/smoke/workplace.hpp"

using namespace heddle::test_smoke;

TEST_CASE("a dataflow of one's own comes from a file, alone or as one to choose from")
{
    const Workplace place;
    const std::string own =
        " --hw magnet_like --constraints '" HEDDLE_SOURCE_DIR "/tests/data/my_os_lws_constraints.yaml' ";
    const boost::json::value report = place.run("tiny" + own);
    check_verified(report);
    CHECK(report.at("layers").at(0).at("dataflow").as_string() == "my_os_lws");
    const boost::json::value best = place.run("tiny" + own + "--dataflow best");
    check_verified(best);
    CHECK(best.at("layers").at(0).at("dataflow_choice").at("candidates").as_object().contains("my_os_lws"));
    CHECK(best.at("totals").at("cycles").as_int64() <= report.at("totals").at("cycles").as_int64());
    const Answer both = place.heddle("run tiny" + own + "--dataflow ws");
    CHECK(both.code == 2);
    CHECK_THAT(both.text, Catch::Contains("--constraints: gives a dataflow of its own, my_os_lws"));
    const Answer none = place.heddle("map tiny --hw magnet_like --constraints nowhere.yaml");
    CHECK(none.code == 2);
    CHECK_THAT(none.text, Catch::Contains("nowhere.yaml"));
}

TEST_CASE("wires that a dataflow needs and a preset lacks are named")
{
    const Workplace place;
    for (const std::string dataflow : {"ws", "is"}) {
        const Answer answer = place.heddle("run tiny --hw shidiannao_like --dataflow " + dataflow);
        CHECK(answer.code == 2);
        CHECK_THAT(answer.text, Catch::Contains("missing wires"));
    }
}

TEST_CASE("a small MobileNet is verified whole on every preset and dataflow")
{
    const Workplace place;
    for (const Machine& m : machines()) {
        const boost::json::value report = place.run("mobilenet_v1_0.25_128" + on(m));
        check_verified(report);
        const std::size_t layers = report.at("layers").as_array().size(); // pooling is fused where a line buffer is
        CHECK((layers == 28 || layers == 29));
        CHECK(whole(report.at("totals").at("verified")) == static_cast<std::int64_t>(layers));
    }
}

TEST_CASE("the first layers of every shipped network run on scalar and vector PEs")
{
    const std::vector<Machine> few = {{"tpu_like", "ws", true},
                                      {"tpu_like", "os", true},
                                      {"tpu_like", "is", true},
                                      {"shidiannao_like", "os", true},
                                      {"magnet_like", "os_lws", true}};
    const Workplace place;
    CHECK_FALSE(place.run("vgg16 --timing-only --layers 1 --hw tpu_like").at("layers").as_array().empty());
    for (const std::string network : {"alexnet", "mobilenet_v1", "mobilenet_v2", "resnet18", "resnet50", "resnet50_v1",
                                      "squeezenet1_0", "squeezenet1_1"})
        for (const Machine& m : few) {
            const boost::json::value report = place.run(network + " --timing-only --layers 1..3" + on(m));
            CHECK_FALSE(report.at("layers").as_array().empty());
        }
}

TEST_CASE("layers in the middle of a network take their inputs from the reference and are verified")
{
    const Workplace place;
    check_verified(place.run("mobilenet_v2 --layers 1..6 --jobs 2 --hw tpu_like"));
    check_verified(place.run("squeezenet1_1 --layers 10..16 --hw shidiannao_like"));
    check_verified(place.run("resnet18 --layers 3..6 --hw tpu_like --dataflow os"));
}

TEST_CASE("trained networks classify their pictures on the simulated hardware")
{
    const Workplace place;
    const std::string folder = std::string(HEDDLE_SOURCE_DIR) + "/dnn/trained/";
    const std::pair<const char*, const char*> pictures[] = {
        {"coat_0", "coat"}, {"trouser_0", "trouser"}, {"ankle_boot_0", "ankle_boot"}};
    for (const std::string model : {"mobilenet_fashion_mnist", "resnet_fashion_mnist"})
        for (const auto& [picture, label] : pictures) {
            INFO(model << " " << picture);
            const Answer answer = place.heddle("run '" + folder + model + ".onnx' --hw tpu_like --input '" + folder +
                                               "pictures/" + picture + ".png' --out result");
            INFO(answer.text);
            REQUIRE(answer.code == 0);
            const std::size_t at = answer.text.find("classes of the first picture\n");
            REQUIRE(at != std::string::npos);
            const std::string rest = answer.text.substr(at);
            const std::size_t line = rest.find('\n') + 1;
            CHECK_THAT(rest.substr(line, rest.find('\n', line) - line), Catch::Contains(label));
            check_verified(place.report("result"));
        }
}
