// One layer through the machine: mapped, set up, simulated, compared, counted.
#pragma once

#include "hw/accelerator.hpp"
#include "sim/driver.hpp"
#include "sim/layer_setup.hpp"
#include "sim/mapper.hpp"

#include <functional>
#include <future>
#include <map>
#include <memory>

namespace heddle {

/// Runs layers of one network on one machine. One per process (SystemC elaborates once).
class LayerRunner {
public:
    explicit LayerRunner(const RunOptions& options);
    ~LayerRunner();

    /// The mapper's choice, or the mapping given for the layer.
    static MapChoice choose(const RunOptions& options, int layer);
    /// Called before a layer is simulated; what it returns is kept until the layer has ended.
    using Watch = std::function<std::shared_ptr<void>(Accelerator&, const CompiledPlan&)>;
    void watch(Watch watch) { watch_ = std::move(watch); }
    /// CheckFailure naming layer, coordinate, expected and got when a value differs.
    LayerResult run(int layer);
    double reference_seconds();
    /// Values of a layer's output as the hardware left them.
    Tensor output(int layer) const { return maps_.read(layer); }

private:
    void provide(int layer);
    void verify(const LayerPlan& plan, LayerResult& result);
    const std::vector<Tensor>& reference();

    const RunOptions& options_;
    std::unique_ptr<Accelerator> machine_;
    Watch watch_;
    MapStore maps_;
    std::vector<bool> valid_; ///< maps that hold what the hardware or the reference put there
    struct Reference {
        std::vector<Tensor> outputs;
        std::vector<std::int64_t> overflows;
        double seconds = 0.0;
    };
    std::future<Reference> pending_;
    Reference reference_;
    std::map<std::string, LayerResult> seen_; ///< timing-only: by plan
};

/// "64x56x56 -> 128x28x28 3x3/2".
std::string describe_shape(const Layer& layer);
/// conv, dwconv, fc, max_pool, …
std::string describe_op(const Layer& layer);

} // namespace heddle
