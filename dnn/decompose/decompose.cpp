#include "dnn/decompose/decompose.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/random.hpp"
#include "dnn/decompose/rewrite.hpp"
#include "dnn/reference.hpp"

#include <algorithm>
#include <cmath>

namespace heddle {

namespace {

/// Relative Euclidean distance, summed over pictures.
class Distance {
public:
    void add(const FloatTensor& expected, const FloatTensor& got)
    {
        for (std::size_t i = 0; i < expected.data.size(); ++i) {
            const double want = expected.data[i], difference = got.data[i] - want;
            squared_error_ += difference * difference;
            squared_norm_ += want * want;
        }
    }
    double relative() const { return squared_norm_ > 0.0 ? std::sqrt(squared_error_ / squared_norm_) : 0.0; }

private:
    double squared_error_ = 0.0, squared_norm_ = 0.0;
};

class Decomposer {
public:
    Decomposer(const Network& net, const DecomposeRequest& request, const std::vector<FloatTensor>& pictures)
        : net_(net), request_(request), pictures_(pictures)
    {
    }

    Decomposed run()
    {
        choose_layers();
        for (const FloatTensor& picture : pictures_) maps_.push_back(run_float(net_, picture));
        int done = 0;
        for (const auto& [layer, method] : chosen_) {
            if (request_.progress) request_.progress(done++, static_cast<int>(chosen_.size()), at(layer).name);
            decompose_one(layer, method);
        }
        result_.net = replace_layers(net_, replacements_);
        if (request_.equalise) equalise(result_.net, pictures_);
        measure_answer();
        return std::move(result_);
    }

private:
    const Layer& at(int i) const { return net_.layers[static_cast<std::size_t>(i)]; }

    /// The index of the first method that fits, or -1 and why none does.
    int first_fit(const Layer& layer, std::string& why) const
    {
        why.clear();
        if (layer.group >= 0) {
            why = "is part of the decomposed layer " + net_.groups[static_cast<std::size_t>(layer.group)].name;
            return -1;
        }
        for (std::size_t i = 0; i < request_.methods.size(); ++i) {
            const std::string misfits = misfit(layer, request_.methods[i]);
            if (misfits.empty()) return static_cast<int>(i);
            if (why.find(misfits) == std::string::npos) why += (why.empty() ? "" : "; ") + misfits;
        }
        return -1;
    }

    void choose_layers()
    {
        const bool all = request_.layers.empty();
        for (int i = 1; i < static_cast<int>(net_.layers.size()); ++i) {
            const Layer& layer = at(i);
            const auto& asked = request_.layers;
            const bool wanted = all || std::find(asked.begin(), asked.end(), i) != asked.end();
            if (!wanted) continue;
            std::string why;
            const int method = first_fit(layer, why);
            if (method >= 0)
                chosen_.emplace_back(i, request_.methods[static_cast<std::size_t>(method)]);
            else if (!all && layer.op == Op::conv)
                throw UserError("layer " + layer.name + ": " + why);
            else if (!all || layer.op == Op::conv)
                result_.kept.emplace_back(layer.name, why);
        }
        if (!chosen_.empty()) return;
        std::string names;
        for (const Method method : request_.methods)
            names += (names.empty() ? "" : ", ") + std::string(method_name(method));
        const std::string where = all ? "network " + net_.name : "layer " + at(request_.layers.front()).name;
        throw UserError(where + ": has no convolution that " + names + " fits");
    }

    void decompose_one(int index, Method method)
    {
        const Layer& layer = at(index);
        DecomposeOptions options = request_.options;
        options.seed = derive_seed(options.seed, static_cast<std::uint64_t>(index));
        const ChosenRanks ranks = choose_ranks(layer, method, request_.rule, options);
        Replacement replacement{decompose_layer(layer, method, ranks.ranks, options), 0.0};
        replacement.output_error = output_error(index, replacement.decomposition);
        const std::vector<Layer> parts = part_layers(layer, method, ranks.ranks);
        const auto biases = static_cast<std::int64_t>(layer.bias.size());
        DecomposedLayer row;
        row.name = layer.name;
        row.method = method;
        row.ranks = ranks.ranks;
        row.note = ranks.note;
        row.dense_macs = layer.macs();
        row.macs = total_macs(parts);
        row.dense_parameters = layer.weight_words() + biases;
        row.parameters = total_weight_words(parts) + biases;
        row.weight_error = replacement.decomposition.weight_error;
        row.output_error = replacement.output_error;
        row.sweeps = replacement.decomposition.sweeps;
        row.converged = replacement.decomposition.converged;
        result_.layers.push_back(std::move(row));
        replacements_.emplace(index, std::move(replacement));
    }

    double output_error(int index, const Decomposition& decomposition) const
    {
        const Network parts = parts_network(at(index), decomposition);
        const auto from = static_cast<std::size_t>(at(index).inputs[0]);
        Distance distance;
        for (const std::vector<FloatTensor>& maps : maps_)
            distance.add(maps[static_cast<std::size_t>(index)], run_float(parts, maps[from]).back());
        const double error = distance.relative();
        if (!std::isfinite(error))
            throw UserError("layer " + at(index).name + ": its output is not finite on the calibration inputs");
        return error;
    }

    /// The last layer that is no softmax: that one would hide how far apart the values are.
    static std::size_t answer(const Network& net)
    {
        std::size_t last = net.layers.size() - 1;
        while (last > 0 && net.layers[last].op == Op::softmax)
            last = static_cast<std::size_t>(net.layers[last].inputs[0]);
        return last;
    }

    void measure_answer()
    {
        Distance distance;
        for (std::size_t i = 0; i < pictures_.size(); ++i)
            distance.add(maps_[i][answer(net_)], run_float(result_.net, pictures_[i])[answer(result_.net)]);
        result_.output_error = distance.relative();
    }

    const Network& net_;
    const DecomposeRequest& request_;
    const std::vector<FloatTensor>& pictures_;
    std::vector<std::vector<FloatTensor>> maps_; ///< of each picture
    std::vector<std::pair<int, Method>> chosen_;
    std::map<int, Replacement> replacements_;
    Decomposed result_;
};

} // namespace

Decomposed decompose(const Network& net, const DecomposeRequest& request, const std::vector<FloatTensor>& pictures)
{
    return Decomposer(net, request, pictures).run();
}

} // namespace heddle
