// Networks with float weights, for the commands that write ONNX.
#pragma once

#include "dnn/network.hpp"
#include "dnn/onnx/onnx_write.hpp"
#include "sim/command_line.hpp"

#include <string>

namespace heddle {

/// --seed and --out.
void describe_model_options(CommandLine& line);

struct FloatModel {
    Network net;
    std::string weights; ///< "He-normal weights, seed 1", or whose they are
};

/// What NETWORK names, with its own weights or seeded ones. UserError also for an --out that is no .onnx, before any
/// work is done.
FloatModel load_float_model(const CommandLine& line);

/// Writes the model to --out; what to say of it: "x.onnx: 17 MB, He-normal weights, seed 1".
std::string write_float_model(const FloatModel& model, const CommandLine& line, OnnxMetadata metadata = {});

} // namespace heddle
