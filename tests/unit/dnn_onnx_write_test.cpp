// What is written as ONNX is read back as the same network, and is valid for others.
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "dnn/onnx/onnx_write.hpp"
#include "dnn/onnx_import.hpp"
#include "dnn/quantize/he_normal.hpp"
#include "dnn/reference.hpp"
#include "tests/unit/dnn_network_difference.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <sys/wait.h>
#include <unistd.h>

using namespace heddle;
using heddle_test::difference;
using heddle_test::same_bits;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder()
    {
        std::string name = (fs::temp_directory_path() / "heddle-onnx-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    std::string path() const { return path_.string(); }

private:
    fs::path path_;
};

/// Runs Debian's Python (scripts/setup installs python3-onnx); its output, "" when it ended well without a word.
std::string python(const std::string& code, const std::string& argument)
{
    const std::string command = "/usr/bin/python3 -c '" + code + "' '" + argument + "' 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    char chunk[4096];
    while (const std::size_t n = std::fread(chunk, 1, sizeof chunk, pipe)) text.append(chunk, n);
    const int status = ::pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) text += "(ended badly)";
    return text;
}

/// All .onnx files of a folder by python3-onnx's checker, shapes included.
std::string checker_says(const Folder& folder)
{
    return python(R"(
import glob, onnx, sys
files = sorted(glob.glob(sys.argv[1] + "/*.onnx"))
if not files: print("no files")
for file in files:
    try: onnx.checker.check_model(file, full_check=True)
    except Exception as error: print(file, error)
)",
                  folder.path());
}

FloatTensor noise(const Shape4& shape, std::uint64_t seed)
{
    FloatTensor tensor(shape);
    Random random(seed);
    for (float& word : tensor.data) word = static_cast<float>(random.normal());
    return tensor;
}

void check_same_outputs(const Network& a, const Network& b, std::uint64_t seed)
{
    const FloatTensor picture = noise(a.layers[0].out_shape, seed);
    const std::vector<FloatTensor> x = run_float(a, picture), y = run_float(b, picture);
    REQUIRE(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        INFO(a.layers[i].name);
        REQUIRE(same_bits(x[i].data, y[i].data));
    }
}

void check_round_trip(const Folder& folder, const std::string& network, bool run)
{
    INFO(network);
    Network net = load_network(network);
    if (!net.has_weights) fill_he_normal(net, 7);
    const std::string file = folder.file(fs::path(network).stem().string() + "_back.onnx");
    write_network_onnx(net, file);
    const Network back = load_network(file);
    REQUIRE(difference(net, back).empty());
    if (run) check_same_outputs(net, back, 3);
}

/// Draws layers from all that YAML and ONNX can state.
class NetworkDraw {
public:
    explicit NetworkDraw(std::uint64_t seed) : random_(seed) {}

    Network draw()
    {
        net_.name = "drawn";
        net_.has_weights = true;
        Layer input;
        input.name = "input";
        const bool one_position = pick(0, 3) == 0;
        input.out_shape = {1, pick(1, 8), one_position ? 1 : pick(1, 9), one_position ? 1 : pick(1, 9)};
        add(input);
        const int count = pick(1, 12);
        for (int tries = 0; static_cast<int>(net_.layers.size()) <= count && tries < 500; ++tries) try_layer();
        if (net_.layers.size() < 2) { // nothing fitted a narrow input
            Layer clamp;
            clamp.name = "only";
            clamp.op = Op::clamp;
            clamp.activation = Activation::relu;
            clamp.inputs = {0};
            add(clamp);
        }
        return std::move(net_);
    }

private:
    int pick(int lo, int hi) { return static_cast<int>(random_.range(lo, hi)); }
    bool coin() { return pick(0, 1) == 1; }
    int any_layer() { return pick(0, static_cast<int>(net_.layers.size()) - 1); }
    const Shape4& shape(int i) const { return net_.layers[static_cast<std::size_t>(i)].out_shape; }

    /// Among them what the writer itself appends to names, bare numbers, and what other tools put in names.
    std::string new_name()
    {
        static const std::vector<std::string> parts = {"conv",   "a",     ".weight",  ".sum",  ".flat", ".map",
                                                       ".shape", "/in",   " ",        "zero",  "six",   "_",
                                                       "7",      ".bias", "\xc3\xa9", "batch", "input"};
        std::string name;
        do {
            if (name.size() > 20) name.clear();
            name += parts[static_cast<std::size_t>(pick(0, static_cast<int>(parts.size()) - 1))];
        } while (net_.find(name) >= 0 || coin());
        return net_.find(name) >= 0 ? new_name() : name;
    }

    void add(const Layer& layer)
    {
        net_.layers.push_back(layer);
        infer_layer_shape(net_, static_cast<int>(net_.layers.size()) - 1);
    }

    void try_layer()
    {
        static const std::vector<Op> ops = {Op::conv, Op::conv,   Op::conv,  Op::max_pool, Op::avg_pool,
                                            Op::add,  Op::concat, Op::clamp, Op::reshape,  Op::softmax};
        Layer layer;
        layer.op = ops[static_cast<std::size_t>(pick(0, static_cast<int>(ops.size()) - 1))];
        layer.name = new_name();
        layer.inputs = {coin() ? static_cast<int>(net_.layers.size()) - 1 : any_layer()};
        const Shape4 in = shape(layer.inputs[0]);
        if (layer.op == Op::conv) draw_conv(layer, in);
        if (layer.op == Op::max_pool || layer.op == Op::avg_pool) draw_pool(layer, in);
        if (layer.op == Op::add) layer.inputs.push_back(coin() ? layer.inputs[0] : any_layer());
        if (layer.op == Op::concat)
            for (int more = pick(0, 2); more > 0; --more) layer.inputs.push_back(any_layer());
        if (layer.op == Op::clamp) layer.activation = coin() ? Activation::relu : Activation::relu6;
        if (layer.op == Op::reshape && coin()) draw_shape(layer, in);
        const bool active =
            layer.op == Op::conv || layer.op == Op::add || layer.op == Op::max_pool || layer.op == Op::avg_pool;
        if (active) layer.activation = static_cast<Activation>(pick(0, 2));
        try {
            add(layer);
            if (word_count(net_.layers.back().out_shape) > 4096)
                net_.layers.pop_back();
            else
                fill();
        } catch (const UserError&) {
            net_.layers.pop_back(); // does not fit
        }
    }

    void draw_conv(Layer& layer, const Shape4& in)
    {
        Window& w = layer.window;
        if (pick(0, 2) == 0) {
            layer.fully_connected = true; // over the whole map, or over pixels as in gemm:MxNxK
            if (coin()) w.filter_rows = in[2], w.filter_cols = in[3];
            layer.out_shape[1] = pick(1, 9);
            return;
        }
        draw_window(w);
        do w.groups = pick(1, in[1]);
        while (in[1] % w.groups != 0);
        layer.out_shape[1] = w.groups * pick(1, 4);
    }

    void draw_window(Window& w)
    {
        w.filter_rows = pick(1, 4);
        w.filter_cols = pick(1, 4);
        w.stride_rows = pick(1, 3);
        w.stride_cols = pick(1, 3);
        w.dilation_rows = pick(0, 2) == 0 ? pick(1, 3) : 1;
        w.dilation_cols = pick(0, 2) == 0 ? pick(1, 3) : 1;
        if (coin()) return;
        w.pad_top = pick(0, 3);
        w.pad_bottom = pick(0, 3);
        w.pad_left = pick(0, 3);
        w.pad_right = pick(0, 3);
    }

    void draw_pool(Layer& layer, const Shape4& in)
    {
        Window& w = layer.window;
        if (pick(0, 2) == 0) { // global
            w.filter_rows = in[2];
            w.filter_cols = in[3];
            return;
        }
        draw_window(w);
        const bool average = layer.op == Op::avg_pool;
        if (average) w.dilation_rows = w.dilation_cols = 1;
        w.count_padding = average && coin();
        if (!w.count_padding && coin()) apply_ceil_mode(w, in[2], in[3]);
    }

    /// A flatten, or any factors.
    void draw_shape(Layer& layer, const Shape4& in)
    {
        const int words = in[1] * in[2] * in[3];
        const auto divisor = [&](int of) {
            int d = pick(1, of);
            while (of % d != 0) --d;
            return d;
        };
        const int channels = coin() ? words : divisor(words);
        const int rows = divisor(words / channels);
        layer.out_shape = {1, channels, rows, words / channels / rows};
    }

    void fill()
    {
        Layer& layer = net_.layers.back();
        if (layer.op != Op::conv) return;
        layer.weights.resize(static_cast<std::size_t>(layer.weight_words()));
        for (float& word : layer.weights) word = number();
        if (coin()) return;
        layer.bias.resize(static_cast<std::size_t>(layer.out_shape[1]));
        for (float& word : layer.bias) word = number();
    }
    float number()
    {
        switch (pick(0, 9)) {
        case 0:
            return 0.0f;
        case 1:
            return -0.0f;
        case 2:
            return 1e-42f; // subnormal
        default:
            return static_cast<float>(random_.normal());
        }
    }

    Random random_;
    Network net_;
};

Network small_network()
{
    Network net = load_network("tiny");
    fill_he_normal(net, 1);
    return net;
}

} // namespace

TEST_CASE("shipped networks written as ONNX are read back equal, bit by bit, and valid for others")
{
    const Folder folder;
    for (const std::string& name : shipped_names("dnn/networks"))
        if (name != "vgg16") check_round_trip(folder, name, true);
    CHECK(checker_says(folder).empty());
}

TEST_CASE("VGG16's half gigabyte written as ONNX is read back equal and valid for others")
{
    const Folder folder;
    check_round_trip(folder, "vgg16", false); // its 15 G MACs are run at the size below
    check_round_trip(folder, "vgg16_32", true);
    CHECK(checker_says(folder).empty());
}

TEST_CASE("trained networks, multipliers and GEMMs written as ONNX are read back equal")
{
    const Folder folder;
    const std::string trained = data_root() + "/dnn/trained/";
    for (const std::string& network :
         {trained + "mobilenet_fashion_mnist.onnx", trained + "resnet_fashion_mnist.onnx", std::string("gemm:5x7x11"),
          std::string("gemm:1x7x11"), std::string("mobilenet_v2_0.35_96")})
        check_round_trip(folder, network, true);
    CHECK(checker_says(folder).empty());
}

TEST_CASE("random networks written as ONNX are read back equal and valid for others")
{
    const Folder folder;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        Network net = NetworkDraw(seed).draw();
        const std::string file = folder.file("drawn" + std::to_string(seed) + ".onnx");
        write_network_onnx(net, file);
        REQUIRE(difference(net, load_network(file)).empty());
        net.layers[0].out_shape[0] = 3; // the file leaves the batch open
        infer_shapes(net);
        const Network three = load_network(file, 3);
        REQUIRE(difference(net, three).empty());
        check_same_outputs(net, three, seed);
    }
    CHECK(checker_says(folder).empty());
}

TEST_CASE("the same network gives the same bytes, and metadata goes along")
{
    const Network net = small_network();
    const std::string bytes = onnx_bytes(net);
    CHECK(bytes == onnx_bytes(small_network()));
    onnx::ModelProto model;
    REQUIRE(model.ParseFromString(onnx_bytes(net, {{"heddle.b", "2\n"}, {"heddle.a", "1"}})));
    REQUIRE(model.metadata_props_size() == 2);
    CHECK(model.metadata_props(0).key() == "heddle.a");
    CHECK(model.metadata_props(1).value() == "2\n");
    CHECK(difference(net, onnx_detail::import_model(model, "again", 1)).empty());
}

TEST_CASE("the file is a plain ONNX model: fully connected layers are Gemms and every layer has its name")
{
    onnx::ModelProto model;
    REQUIRE(model.ParseFromString(onnx_bytes(small_network())));
    std::vector<std::string> nodes;
    for (const auto& node : model.graph().node()) nodes.push_back(node.name() + ":" + node.op_type());
    CHECK(nodes ==
          std::vector<std::string>{
              "conv1:Conv",    ":Relu",      "dw1:Conv",    ":Clip",      "pw1:Conv",    ":Clip",
              "pool1:MaxPool", "conv2:Conv", ":Relu",       "conv3:Conv", "add1:Add",    ":Relu",
              "left:Conv",     ":Relu",      "right:Conv",  ":Relu",      "join:Concat", "pool2:GlobalAveragePool",
              ":Flatten",      "fc:Gemm",    "prob:Softmax"});
    REQUIRE(model.graph().output_size() == 1);
    CHECK(model.graph().output(0).name() == "prob");
    const auto& dims = model.graph().output(0).type().tensor_type().shape();
    REQUIRE(dims.dim_size() == 2);
    CHECK(dims.dim(0).dim_param() == "batch");
    CHECK(dims.dim(1).dim_value() == 10);
    CHECK(model.opset_import(0).version() == 14);
}

TEST_CASE("a flatten that a trained network has is written as one")
{
    onnx::ModelProto model;
    REQUIRE(model.ParseFromString(onnx_bytes(load_network(data_root() + "/dnn/trained/resnet_fashion_mnist.onnx"))));
    const auto& nodes = model.graph().node();
    REQUIRE(nodes.size() >= 2);
    CHECK(nodes[nodes.size() - 2].name() == "flatten");
    CHECK(nodes[nodes.size() - 2].op_type() == "Flatten");
    CHECK(nodes[nodes.size() - 1].op_type() == "Gemm");
}

TEST_CASE("a file of another tool keeps its ways of being read: its nodes' names state nothing")
{
    onnx::ModelProto model;
    REQUIRE(model.ParseFromString(onnx_bytes(small_network())));
    model.set_producer_name("someone else");
    const Network read = onnx_detail::import_model(model, "other", 1);
    CHECK(read.layers.size() == small_network().layers.size() + 1); // the flatten is a layer
    CHECK(read.find("pool2_flat") > 0);
}

TEST_CASE("what cannot be an ONNX file is refused and leaves none")
{
    const Folder folder;
    Network net = small_network();
    const int pool = net.find("pool2");
    Window& window = net.layers[static_cast<std::size_t>(pool)].window;
    SECTION("a dilated average pool")
    {
        window.filter_rows = window.filter_cols = 2;
        window.dilation_rows = 2;
        CHECK_THROWS_WITH(write_network_onnx(net, folder.file("x.onnx")),
                          "layer pool2: an average pool with a dilation cannot be written as ONNX");
    }
    SECTION("an extent that no file may have")
    {
        window.filter_rows = 1;
        window.pad_top = 40000;
        CHECK_THROWS_WITH(write_network_onnx(net, folder.file("x.onnx")), Catch::Contains("layer pool2") &&
                                                                              Catch::Contains("40000") &&
                                                                              Catch::Contains("at most 32768"));
    }
    SECTION("no layers")
    {
        net.layers.resize(1);
        CHECK_THROWS_WITH(write_network_onnx(net, folder.file("x.onnx")), "network tiny: has no layers to write");
    }
    SECTION("too many weights, known before they are made")
    {
        // 23170 * 23170 weights and 23170 biases of 4 bytes are 2147487,... just below and above 2^31 - 1 bytes.
        CHECK_NOTHROW(check_onnx_size(load_network("gemm:1x23169x23169")));    // 2,147,303,580 bytes
        CHECK_THROWS_WITH(check_onnx_size(load_network("gemm:1x23170x23170")), // 2,147,488,280 bytes
                          Catch::Contains("2147488280 bytes") && Catch::Contains("less than 2 GB"));
    }
    SECTION("a folder that is not there")
    {
        CHECK_THROWS_AS(write_network_onnx(net, folder.file("no/x.onnx")), UserError);
    }
    CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("He-normal weights have their deviation, differ between seeds and layers, and repeat")
{
    const auto filled = [](const std::string& name, std::uint64_t seed) {
        Network net = load_network(name);
        fill_he_normal(net, seed);
        return net;
    };
    const Network net = filled("alexnet", 1);
    for (const Layer& layer : net.layers) {
        if (layer.op != Op::conv) continue;
        INFO(layer.name);
        double sum = 0, squares = 0;
        for (const float weight : layer.weights) {
            sum += weight;
            squares += static_cast<double>(weight) * weight;
        }
        const Shape4 shape = layer.weight_shape();
        const double words = static_cast<double>(layer.weights.size());
        const double deviation = std::sqrt(2.0 / (shape[1] * shape[2] * shape[3]));
        // Deviations of the estimates: of the mean sigma / sqrt(n), of the standard deviation sigma / sqrt(2 n).
        CHECK(std::fabs(sum / words) < 5 * deviation / std::sqrt(words));
        CHECK(std::sqrt(squares / words) == Approx(deviation).epsilon(5 / std::sqrt(2 * words)));
        CHECK(std::all_of(layer.bias.begin(), layer.bias.end(), [](float bias) { return bias == 0.0f; }));
        CHECK(layer.bias.size() == static_cast<std::size_t>(shape[0]));
    }
    CHECK(difference(filled("tiny", 5), filled("tiny", 5)).empty());
    CHECK(difference(filled("tiny", 5), filled("tiny", 6)) == "layer 1 (conv1): weights");
    const Network tiny = filled("tiny", 5);
    const auto weights = [&](const char* name) {
        return tiny.layers[static_cast<std::size_t>(tiny.find(name))].weights;
    };
    // Same shapes apart from the deviation: streams of their own.
    CHECK(weights("conv2")[0] / weights("conv2")[1] != Approx(weights("conv3")[0] / weights("conv3")[1]));
}
