#include "dnn/onnx_graph.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"

#include <algorithm>
#include <filesystem>
#include <google/protobuf/stubs/logging.h>
#include <set>

namespace heddle::onnx_detail {

namespace {

constexpr int max_rank = 4;
constexpr std::uint64_t largest_file = (std::uint64_t{1} << 31) - 1; // protobuf's own limit

std::int64_t opset_version(const onnx::ModelProto& model)
{
    for (const auto& import : model.opset_import()) {
        if (import.domain().empty() || import.domain() == "ai.onnx") return import.version();
    }
    return 1; // IR version 1 and 2 files have no import: the first operator set
}

Dims read_input_dims(const onnx::ValueInfoProto& info, const Dims& given)
{
    const std::string what = "input " + printable(info.name());
    if (!info.type().has_tensor_type()) throw UserError(what + ": is not a tensor");
    const auto& type = info.type().tensor_type();
    constexpr int known[] = {onnx::TensorProto::FLOAT,    onnx::TensorProto::DOUBLE, onnx::TensorProto::FLOAT16,
                             onnx::TensorProto::BFLOAT16, onnx::TensorProto::UINT8,  onnx::TensorProto::INT8};
    if (std::find(std::begin(known), std::end(known), type.elem_type()) == std::end(known)) {
        throw UserError(what + ": element type " + std::to_string(type.elem_type()) +
                        " is not supported (float, double, float16, bfloat16, uint8 and int8 are)");
    }
    if (!type.has_shape()) throw UserError(what + ": has no shape");
    if (type.shape().dim_size() > max_rank) {
        throw UserError(what + ": has " + std::to_string(type.shape().dim_size()) + " dimensions, at most 4 work");
    }
    const auto rank = static_cast<std::size_t>(type.shape().dim_size());
    if (!given.empty() && given.size() != rank) {
        throw UserError(what + ": expected " + std::to_string(rank) + " dimensions, batch first, got " +
                        dims_text(given));
    }
    Dims dims;
    for (const auto& dim : type.shape().dim()) {
        if (!dims.empty() && !given.empty()) {
            const bool open = !dim.has_dim_value() || dim.dim_value() <= 0;
            if (!open && dim.dim_value() != given[dims.size()]) {
                throw UserError(what + ": expected " + std::to_string(dim.dim_value()) + " as dimension " +
                                std::to_string(dims.size()) + ", got " + dims_text(given));
            }
            dims.push_back(given[dims.size()]);
            continue;
        }
        if (!dim.has_dim_value() || dim.dim_value() <= 0) {
            const bool batch = dims.empty() && !(dim.has_dim_value() && dim.dim_value() < 0);
            if (!batch) {
                throw UserError(what + ": dimension " + std::to_string(dims.size()) +
                                (dim.has_dim_param() ? " (" + printable(dim.dim_param()) + ")" : "") +
                                " is left open; give the sizes by --input-shape, or export with fixed ones");
            }
        }
        dims.push_back(dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : 1);
    }
    element_count(dims, what);
    return dims;
}

void read_ends(const onnx::GraphProto& proto, const Dims& given, Graph& graph)
{
    const onnx::ValueInfoProto* input = nullptr;
    std::string names;
    int inputs = 0;
    for (const auto& info : proto.input()) {
        if (graph.initialisers.count(info.name()) != 0) continue; // files before IR version 4 list them as inputs
        names += (names.empty() ? "" : ", ") + printable(info.name());
        if (input == nullptr) input = &info;
        ++inputs;
    }
    if (inputs > 1) throw UserError("expected one input without a value, got " + names);
    if (input == nullptr) throw UserError("the graph has no input");
    graph.input = input->name();
    const auto element = input->type().tensor_type().elem_type();
    graph.input_integral = element == onnx::TensorProto::UINT8 || element == onnx::TensorProto::INT8;
    graph.input_dims = read_input_dims(*input, given);
    for (const auto& info : proto.output()) graph.outputs.push_back(info.name());
    if (graph.outputs.empty()) throw UserError("the graph has no output");
}

using Producers = std::map<std::string, int>; // value -> index of its node

Producers read_producers(const onnx::GraphProto& proto, const Graph& graph)
{
    Producers producers;
    for (int i = 0; i < proto.node_size(); ++i) {
        for (const std::string& value : proto.node(i).output()) {
            if (value.empty()) continue;
            const bool known = graph.initialisers.count(value) != 0 || value == graph.input;
            if (known || !producers.emplace(value, i).second) {
                throw UserError("value " + printable(value) + " is defined twice");
            }
        }
    }
    return producers;
}

/// Nodes that the outputs depend on. An explicit stack: a corrupt file may nest a million deep.
std::set<int> live_nodes(const onnx::GraphProto& proto, const Graph& graph, const Producers& producers)
{
    std::set<int> live;
    std::vector<std::string> wanted = graph.outputs;
    while (!wanted.empty()) {
        const std::string value = wanted.back();
        wanted.pop_back();
        if (value.empty() || value == graph.input || graph.initialisers.count(value) != 0) continue;
        const auto producer = producers.find(value);
        if (producer == producers.end()) {
            throw UserError("value " + printable(value) + " is read, but no node, input or initialiser defines it");
        }
        if (!live.insert(producer->second).second) continue;
        const auto& inputs = proto.node(producer->second).input();
        wanted.insert(wanted.end(), inputs.begin(), inputs.end());
    }
    return live;
}

/// Kahn's algorithm; among ready nodes the file's order decides.
std::vector<int> topological_order(const onnx::GraphProto& proto, const std::set<int>& live, const Producers& producers)
{
    std::map<int, int> waiting;
    std::multimap<int, int> readers;
    std::set<int> ready;
    for (const int node : live) {
        std::set<int> sources;
        for (const std::string& value : proto.node(node).input()) {
            const auto producer = producers.find(value);
            if (producer != producers.end()) sources.insert(producer->second);
        }
        for (const int source : sources) readers.emplace(source, node);
        waiting[node] = static_cast<int>(sources.size());
        if (sources.empty()) ready.insert(node);
    }
    std::vector<int> order;
    while (!ready.empty()) {
        const int node = *ready.begin();
        ready.erase(ready.begin());
        order.push_back(node);
        const auto range = readers.equal_range(node);
        for (auto it = range.first; it != range.second; ++it) {
            if (--waiting[it->second] == 0) ready.insert(it->second);
        }
    }
    for (const auto& [node, missing] : waiting) {
        if (missing > 0) throw UserError("the graph has a cycle through " + Node(proto.node(node), 0).label());
    }
    return order;
}

} // namespace

onnx::ModelProto parse_model(const std::string& path)
{
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path, unknown);
    if (!unknown && size > largest_file) throw UserError(path + ": larger than 2 GB, which no ONNX file can be");
    const std::string bytes = read_file(path, largest_file);
    if (bytes.empty()) throw UserError(path + ": the file is empty");
    const google::protobuf::LogSilencer silence; // it would print to stderr what we say in one line
    onnx::ModelProto model;
    if (!model.ParseFromString(bytes) || !model.has_graph()) {
        throw UserError(path + ": not an ONNX model, or corrupt or truncated");
    }
    return model;
}

Graph read_graph(const onnx::ModelProto& model, const Dims& given)
{
    const onnx::GraphProto& proto = model.graph();
    Graph graph;
    graph.name = proto.name();
    graph.own = model.producer_name() == own_producer;
    for (const auto& initialiser : proto.initializer()) {
        if (!graph.initialisers.emplace(initialiser.name(), &initialiser).second) {
            throw UserError("initialiser " + printable(initialiser.name()) + " is defined twice");
        }
    }
    read_ends(proto, given, graph);
    const Producers producers = read_producers(proto, graph);
    const std::set<int> live = live_nodes(proto, graph, producers);
    const std::int64_t opset = opset_version(model);
    for (const int node : topological_order(proto, live, producers)) graph.nodes.emplace_back(proto.node(node), opset);
    return graph;
}

} // namespace heddle::onnx_detail
