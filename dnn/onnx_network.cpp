#include "dnn/base/error.hpp"
#include "dnn/decompose/groups.hpp"
#include "dnn/onnx_import.hpp"

namespace heddle {

namespace onnx_detail {

Network import_model(const onnx::ModelProto& model, const std::string& network_name, int batch, const Dims& input_dims)
{
    const Graph graph = read_graph(model, input_dims);
    Network net = Importer(graph).run(network_name);
    for (const auto& entry : model.metadata_props())
        if (entry.key() == groups_key) read_groups(net, entry.value());
    if (batch > 0) {
        Shape4& shape = net.layers[0].out_shape;
        if (graph.input_dims.size() == 1 && batch != 1) {
            throw UserError("input " + printable(graph.input) + " has no batch dimension");
        }
        shape[0] = batch;
        infer_shapes(net);
    }
    return net;
}

namespace {

std::string stem(const std::string& path)
{
    const std::size_t slash = path.find_last_of('/');
    const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
    const std::size_t dot = file.find_last_of('.');
    return dot == std::string::npos || dot == 0 ? file : file.substr(0, dot);
}

} // namespace

} // namespace onnx_detail

Network read_network_onnx(const std::string& path, int batch, const std::vector<std::int64_t>& input_dims)
{
    onnx::ModelProto model = onnx_detail::parse_model(path);
    try {
        onnx_detail::read_external_data(model, path);
        return onnx_detail::import_model(model, onnx_detail::stem(path), batch, input_dims);
    } catch (const UserError& error) {
        throw UserError(path + ": " + error.what());
    }
}

} // namespace heddle
