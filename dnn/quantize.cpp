#include "dnn/quantize.hpp"

#include "dnn/base/error.hpp"
#include "dnn/quantize_histogram.hpp"
#include "dnn/quantize_scales.hpp"
#include "dnn/quantize_weights.hpp"
#include "dnn/reference.hpp"
#include "dnn/reference_conv.hpp"

#include <cmath>

namespace heddle {

namespace {

std::vector<MagnitudeHistogram> calibrate(const Network& net, const std::vector<FloatTensor>& inputs)
{
    std::vector<MagnitudeHistogram> tensors(net.layers.size());
    for (const FloatTensor& input : inputs) {
        const std::vector<FloatTensor> values = run_float(net, input);
        for (std::size_t i = 0; i < values.size(); ++i)
            if (sets_scale(net.layers[i].op) && !tensors[i].add(values[i]))
                throw UserError("layer " + net.layers[i].name + ": the float network gives values that are not finite");
    }
    return tensors;
}

class Quantizer {
public:
    Quantizer(const Network& net, const Precision& precision, const std::vector<FloatTensor>& calibration)
        : net_(net), precision_(precision), calibration_(calibration), weight_scales_(net.layers.size())
    {
        result_.net = without_weights(net);
        result_.precision = precision;
        result_.layers.resize(net.layers.size());
    }

    QuantizedNetwork run()
    {
        choose_scales();
        for (std::size_t i = 0; i < net_.layers.size(); ++i) {
            const Layer& layer = net_.layers[i];
            QuantizedLayer& q = result_.layers[i];
            set_clamp(q, layer.activation, precision_.input_bits);
            std::vector<double> in_scales;
            for (const int input : layer.inputs)
                in_scales.push_back(result_.layers[static_cast<std::size_t>(input)].out_scale);
            set_simple_requant(layer, in_scales, q);
            if (layer.op != Op::conv) continue;
            weight_scales_[i] = weight_scales(layer, precision_, in_scales[0]);
            quantize_conv(layer, precision_, in_scales[0], weight_scales_[i], q);
        }
        fit_psums();
        return std::move(result_);
    }

private:
    /// The network's answer: the order of its largest values matters more than the mean error.
    bool is_answer(int layer) const
    {
        for (const int reader : net_.readers(layer))
            if (net_.layers[static_cast<std::size_t>(reader)].op != Op::softmax) return false;
        return true;
    }

    double reach_of(const std::vector<const MagnitudeHistogram*>& members, bool answer, bool bounded) const
    {
        constexpr double margin = 1.15; // other pictures may reach further than the calibration's
        double largest = 0.0;
        for (const MagnitudeHistogram* member : members) largest = std::max(largest, member->largest());
        const double best = best_threshold(members, largest_integer(precision_.input_bits));
        if (largest == 0.0 || (best < largest && !answer)) return best;
        return bounded ? largest : margin * largest;
    }

    void choose_scales()
    {
        const std::vector<MagnitudeHistogram> tensors = calibrate(net_, calibration_);
        const std::vector<int> groups = scale_groups(net_);
        const int levels = largest_integer(precision_.input_bits);
        for (std::size_t group = 0; group < groups.size(); ++group) {
            std::vector<const MagnitudeHistogram*> members;
            bool answer = false, bounded = true;
            for (std::size_t i = 0; i < groups.size(); ++i) {
                if (groups[i] != static_cast<int>(group)) continue;
                answer = answer || is_answer(static_cast<int>(i));
                if (!sets_scale(net_.layers[i].op)) continue;
                members.push_back(&tensors[i]);
                bounded = bounded && net_.layers[i].activation == Activation::relu6;
            }
            if (members.empty()) continue; // not the smallest index of its group
            const double reach = reach_of(members, answer, bounded);
            for (std::size_t i = 0; i < groups.size(); ++i)
                if (groups[i] == static_cast<int>(group)) result_.layers[i].out_scale = reach / levels;
        }
    }

    double in_scale(std::size_t layer) const
    {
        return result_.layers[static_cast<std::size_t>(net_.layers[layer].inputs[0])].out_scale;
    }

    /// Coarsens the weights of channels whose sums could leave psum_bits: by the worst case where that costs little,
    /// else by what the calibration inputs show.
    void fit_psums()
    {
        limit_ = std::ldexp(1.0, precision_.psum_bits - 1) - 1.0;
        std::vector<int> at_risk;
        for (std::size_t i = 0; i < net_.layers.size(); ++i) {
            if (net_.layers[i].op != Op::conv) continue;
            constexpr double cheap = 1.25; // a third of a bit
            coarsen(i, worst_sums(result_.layers[i], precision_), limit_, cheap);
            for (const double sum : worst_sums(result_.layers[i], precision_))
                if (sum > limit_) {
                    at_risk.push_back(static_cast<int>(i));
                    break;
                }
        }
        constexpr int rounds = 12; // coarser weights of one layer shift the sums of those behind it a little
        for (int round = 0; round < rounds && !at_risk.empty(); ++round)
            if (!coarsen_measured(at_risk)) break;
    }

    /// Channels whose sum is above `limit`, but not more than `most` times: true if there were any.
    bool coarsen(std::size_t layer, const std::vector<double>& sums, double limit, double most)
    {
        constexpr double rounding = 1.05; // of the coarser weights
        bool changed = false;
        for (std::size_t k = 0; k < sums.size(); ++k) {
            if (sums[k] <= limit || sums[k] > most * limit) continue;
            weight_scales_[layer][k] *= rounding * sums[k] / limit;
            changed = true;
        }
        if (changed)
            quantize_conv(net_.layers[layer], precision_, in_scale(layer), weight_scales_[layer],
                          result_.layers[layer]);
        return changed;
    }

    bool coarsen_measured(const std::vector<int>& at_risk)
    {
        std::vector<std::vector<double>> sums(net_.layers.size());
        for (const FloatTensor& picture : calibration_) {
            const std::vector<Tensor> values = run_reference(result_, quantize_input(result_, picture));
            for (const int layer : at_risk) {
                const auto i = static_cast<std::size_t>(layer);
                const auto from = static_cast<std::size_t>(net_.layers[i].inputs[0]);
                const auto peaks = psum_peaks(result_.net.layers[i], result_.layers[i], precision_, values[from]);
                sums[i].resize(peaks.size(), 0.0);
                for (std::size_t k = 0; k < peaks.size(); ++k)
                    sums[i][k] = std::max(sums[i][k], static_cast<double>(peaks[k]));
            }
        }
        constexpr double headroom =
            1.5; // other pictures reach further, and one wrapped sum does more harm than a lost bit
        bool changed = false;
        for (const int layer : at_risk) {
            const auto i = static_cast<std::size_t>(layer);
            changed |= coarsen(i, sums[i], limit_ / headroom, INFINITY);
        }
        return changed;
    }

    const Network& net_;
    const Precision& precision_;
    const std::vector<FloatTensor>& calibration_;
    std::vector<std::vector<double>> weight_scales_; // of convs, per channel
    double limit_ = 0.0;
    QuantizedNetwork result_;
};

} // namespace

QuantizedNetwork quantize(const Network& net, const Precision& precision, const std::vector<FloatTensor>& calibration)
{
    check_precision(precision);
    if (calibration.empty()) throw UserError("network " + net.name + ": expected at least one calibration input");
    return Quantizer(net, precision, calibration).run();
}

} // namespace heddle
