// Debian's libonnx-testdata: every model whose operators we support, against the outputs that come with it.
#include "dnn/base/error.hpp"
#include "dnn/onnx/onnx_write.hpp"
#include "dnn/onnx_import.hpp"
#include "dnn/reference.hpp"
#include "tests/unit/dnn_network_difference.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

namespace {

using namespace heddle;
using namespace heddle::onnx_detail;
namespace fs = std::filesystem;

const std::string root = "/usr/share/libonnx-testdata/data/";

/// numpy has no bfloat16: the files hold its bits as uint16.
Constant decode_recorded(onnx::TensorProto proto, const std::string& what)
{
    if (proto.data_type() == onnx::TensorProto::UINT16) proto.set_data_type(onnx::TensorProto::BFLOAT16);
    Constant constant = decode(proto, what);
    if (constant.integral) constant.floats.assign(constant.integers.begin(), constant.integers.end());
    return constant;
}

template <typename Proto> Proto load(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    Proto proto;
    REQUIRE(proto.ParseFromIstream(&file));
    return proto;
}

bool is_supported(const onnx::ModelProto& model)
{
    const auto& nodes = model.graph().node();
    return std::all_of(nodes.begin(), nodes.end(),
                       [](const onnx::NodeProto& node) { return operators().count(node.op_type()) != 0; });
}

/// These files pass weights and shapes as inputs; bind all but the first (the picture) to their recorded values.
void bind_parameters(onnx::ModelProto& model, const fs::path& data)
{
    std::set<std::string> bound;
    for (const auto& initialiser : model.graph().initializer()) bound.insert(initialiser.name());
    int index = 0;
    for (const auto& input : model.graph().input()) {
        const fs::path file = data / ("input_" + std::to_string(index) + ".pb");
        if (index > 0 && bound.count(input.name()) == 0 && fs::exists(file)) {
            auto* initialiser = model.mutable_graph()->add_initializer();
            *initialiser = load<onnx::TensorProto>(file);
            initialiser->set_name(input.name());
        }
        ++index;
    }
}

/// "" when it ran and matches, else why it was refused. A mismatch fails the test.
std::string run_vector(const fs::path& folder)
{
    const fs::path data = folder / "test_data_set_0";
    auto model = load<onnx::ModelProto>(folder / "model.onnx");
    bind_parameters(model, data);
    Network net;
    try {
        net = import_model(model, "vector", 0);
    } catch (const UserError& error) {
        REQUIRE(std::string(error.what()).find('\n') == std::string::npos);
        return error.what();
    }
    INFO(folder);
    onnx::ModelProto written; // and what our writer makes of it is the same network
    REQUIRE(written.ParseFromString(onnx_bytes(net)));
    CHECK(heddle_test::difference(net, import_model(written, "vector", net.layers[0].out_shape[0])).empty());
    const Constant picture = decode_recorded(load<onnx::TensorProto>(data / "input_0.pb"), "input");
    const Constant expected = decode_recorded(load<onnx::TensorProto>(data / "output_0.pb"), "output");
    FloatTensor input(net.layers[0].out_shape);
    REQUIRE(picture.floats.size() == input.data.size());
    input.data = picture.floats;
    const FloatTensor got = run_float(net, input).back();
    REQUIRE(got.data.size() == expected.floats.size());
    float worst = 0;
    for (std::size_t i = 0; i < got.data.size(); ++i) {
        const float scale = std::max(1.0f, std::abs(expected.floats[i]));
        worst = std::max(worst, std::abs(got.data[i] - expected.floats[i]) / scale);
    }
    CHECK(worst <= 1e-4f);
    return "";
}

void run_folder(const std::string& name, int least)
{
    INFO("Debian's package libonnx-testdata must be installed");
    REQUIRE(fs::is_directory(root + name));
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(root + name)) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    int ran = 0;
    int refused = 0;
    for (const fs::path& folder : folders) {
        if (!is_supported(load<onnx::ModelProto>(folder / "model.onnx"))) continue;
        const std::string reason = run_vector(folder);
        ++(reason.empty() ? ran : refused);
        if (!reason.empty()) std::cout << "  refused " << folder.filename().string() << ": " << reason << '\n';
    }
    std::cout << name << ": " << ran << " models match, " << refused << " refused\n";
    CHECK(ran >= least);
}

} // namespace

TEST_CASE("ONNX node vectors that we support give the recorded outputs")
{
    run_folder("node", 99);
}

TEST_CASE("ONNX vectors converted from PyTorch give the recorded outputs")
{
    run_folder("pytorch-converted", 36);
}

TEST_CASE("ONNX vectors of PyTorch operators give the recorded outputs")
{
    run_folder("pytorch-operator", 11);
}

TEST_CASE("unsupported ONNX vectors are refused by a UserError that lists the supported operators")
{
    for (const char* name : {"test_abs", "test_elu", "test_lstm_defaults", "test_convtranspose", "test_qlinearconv"}) {
        auto model = load<onnx::ModelProto>(fs::path(root) / "node" / name / "model.onnx");
        bind_parameters(model, fs::path(root) / "node" / name / "test_data_set_0");
        CHECK_THROWS_AS(import_model(model, name, 0), UserError);
    }
}
