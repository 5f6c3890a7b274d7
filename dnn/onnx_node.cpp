#include "dnn/base/error.hpp"
#include "dnn/onnx_graph.hpp"

namespace heddle::onnx_detail {

std::string printable(const std::string& text)
{
    constexpr std::size_t longest = 80;
    std::string out;
    for (const char c : text.substr(0, longest)) out += c >= 0x20 && c < 0x7f ? c : '?';
    return text.size() > longest ? out + "..." : out;
}

std::string Node::label() const
{
    const std::string shown = !name().empty() ? name() : output(0);
    const std::string type = domain().empty() ? op() : domain() + "." + op();
    return "node " + (shown.empty() ? "without a name" : printable(shown)) + " (" + printable(type) + ")";
}

void Node::fail(const std::string& message) const
{
    throw UserError(label() + ": " + message);
}

namespace {
const std::string absent;
}

const std::string& Node::input(int i) const
{
    return i < inputs() ? proto_->input(i) : absent;
}

const std::string& Node::output(int i) const
{
    return i < outputs() ? proto_->output(i) : absent;
}

void Node::expect_inputs(int least, int most) const
{
    if (inputs() < least || inputs() > most) {
        fail("expected " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") +
             " inputs, got " + std::to_string(inputs()));
    }
    for (int i = 0; i < least; ++i) {
        if (input(i).empty()) fail("input " + std::to_string(i) + " is missing");
    }
}

const onnx::AttributeProto* Node::find(const std::string& attribute, int type) const
{
    for (const onnx::AttributeProto& candidate : proto_->attribute()) {
        if (candidate.name() != attribute) continue;
        if (!candidate.ref_attr_name().empty()) fail("attribute " + attribute + " refers to a function's attribute");
        // Files of IR version 1 leave the type out.
        if (type != 0 && candidate.type() != onnx::AttributeProto::UNDEFINED && candidate.type() != type) {
            fail("attribute " + attribute + " has the wrong type");
        }
        return &candidate;
    }
    return nullptr;
}

std::int64_t Node::integer(const std::string& attribute, std::int64_t fallback) const
{
    const auto* found = find(attribute, onnx::AttributeProto::INT);
    return found != nullptr ? found->i() : fallback;
}

float Node::real(const std::string& attribute, float fallback) const
{
    const auto* found = find(attribute, onnx::AttributeProto::FLOAT);
    return found != nullptr ? found->f() : fallback;
}

std::string Node::text(const std::string& attribute, const std::string& fallback) const
{
    const auto* found = find(attribute, onnx::AttributeProto::STRING);
    return found != nullptr ? found->s() : fallback;
}

Dims Node::integers(const std::string& attribute) const
{
    const auto* found = find(attribute, onnx::AttributeProto::INTS);
    return found != nullptr ? Dims(found->ints().begin(), found->ints().end()) : Dims();
}

std::vector<float> Node::reals(const std::string& attribute) const
{
    const auto* found = find(attribute, onnx::AttributeProto::FLOATS);
    return found != nullptr ? std::vector<float>(found->floats().begin(), found->floats().end()) : std::vector<float>();
}

const onnx::TensorProto* Node::tensor(const std::string& attribute) const
{
    const auto* found = find(attribute, onnx::AttributeProto::TENSOR);
    return found != nullptr ? &found->t() : nullptr;
}

} // namespace heddle::onnx_detail
