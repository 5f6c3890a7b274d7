// From a network's name and a picture to integers: what a run simulates.
#pragma once

#include "dnn/network.hpp"
#include "dnn/quantize.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace heddle {

struct Workload {
    QuantizedNetwork network;
    Tensor input;
    std::vector<std::string> labels;                                ///< class names beside the model; may be empty
    std::vector<std::pair<std::string, std::string>> config_hashes; ///< of the files read
    std::string description; ///< "trained weights, input coat_0.png, calibrated on 10 pictures"
};

/// A network with weights (ONNX) is quantised: calibrated on the pictures in the folder `pictures` beside the file that
/// fit its input, on `input_file` where there are none, else on seeded noise (which the description says). One without
/// gets seeded weights. `input_file` (PNG, JPEG, .npy) may be empty: then the first calibration picture, or a seeded
/// one.
Workload make_workload(const Network& net, const std::string& network_name, const Precision& precision,
                       const std::string& input_file, std::uint64_t seed);

/// What a network with weights is calibrated on, and the words for it.
struct Calibration {
    std::vector<FloatTensor> inputs;
    std::vector<std::string> files; ///< of the inputs; empty where they are noise
    std::string words;              ///< "calibrated on 10 pictures beside it"
};
/// The pictures in the folder `pictures` beside the model that fit its input; there may be none.
Calibration calibration_beside(const std::string& model_path, const Shape4& shape);
/// Those; where there are none `input_file`, if any, else seeded noise.
Calibration calibrate_on(const std::string& model_path, const Shape4& shape, const std::string& input_file,
                         std::uint64_t seed);

/// Hash of what `name_or_path` stands for: the file's or the shipped file's content, the text itself for gemm.
std::string network_hash(const std::string& name_or_path);

/// Lines of `NAME_labels.txt` beside the model, where NAME ends the model's own name; empty when there is none.
std::vector<std::string> class_labels(const std::string& model_path);

} // namespace heddle
