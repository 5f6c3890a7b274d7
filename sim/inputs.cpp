#include "sim/inputs.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/random.hpp"
#include "dnn/image.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace heddle {

namespace fs = std::filesystem;

namespace {

bool is_picture(const fs::path& path)
{
    const std::string type = path.extension().string();
    return type == ".png" || type == ".jpg" || type == ".jpeg" || type == ".npy";
}

/// Pictures beside the model, sorted by name: the same on every machine.
std::vector<std::string> pictures_beside(const std::string& model_path)
{
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator it(fs::path(model_path).parent_path() / "pictures", error), end; !error && it != end;
         it.increment(error))
        if (is_picture(it->path())) files.push_back(it->path().string());
    std::sort(files.begin(), files.end());
    return files;
}

FloatTensor noise(const Shape4& shape, std::uint64_t seed)
{
    FloatTensor picture(shape);
    Random random(seed);
    for (float& word : picture.data) word = static_cast<float>(random.unit());
    return picture;
}

Workload quantized_workload(const Network& net, const std::string& path, const Precision& precision,
                            const std::string& input_file, std::uint64_t seed)
{
    const Shape4 shape = net.layers.front().out_shape;
    Workload work;
    const Calibration calibration = calibrate_on(path, shape, input_file, seed);
    work.network = quantize(net, precision, calibration.inputs);
    work.labels = class_labels(path);
    const std::string file = input_file.empty() && !calibration.files.empty() ? calibration.files.front() : input_file;
    if (file.empty()) {
        work.input = quantize_input(work.network, calibration.inputs.front());
    } else {
        work.input = quantize_input(work.network, read_network_input(file, shape));
        work.config_hashes.emplace_back(file, content_hash(read_file(file)));
    }
    work.description =
        "weights of " + path + " (" + calibration.words + "), input " + (file.empty() ? "seeded noise" : file);
    return work;
}

} // namespace

Calibration calibration_beside(const std::string& model_path, const Shape4& shape)
{
    Calibration calibration;
    for (const std::string& file : pictures_beside(model_path)) {
        try {
            calibration.inputs.push_back(read_network_input(file, shape));
            calibration.files.push_back(file);
        } catch (const UserError&) {
            continue; // a picture for another model: not one of ours
        }
    }
    calibration.words = "calibrated on " + std::to_string(calibration.inputs.size()) + " pictures beside it";
    return calibration;
}

Calibration calibrate_on(const std::string& model_path, const Shape4& shape, const std::string& input_file,
                         std::uint64_t seed)
{
    Calibration calibration = calibration_beside(model_path, shape);
    if (!calibration.inputs.empty()) return calibration;
    if (!input_file.empty()) {
        calibration.inputs.push_back(read_network_input(input_file, shape));
        calibration.words = "calibrated on the input itself";
    } else {
        calibration.inputs.push_back(noise(shape, seed));
        calibration.words = "calibrated on seeded noise";
    }
    return calibration;
}

Workload make_workload(const Network& net, const std::string& network_name, const Precision& precision,
                       const std::string& input_file, std::uint64_t seed)
{
    Workload work;
    if (net.has_weights) {
        work = quantized_workload(net, network_name, precision, input_file, seed);
    } else {
        work.network = synthesize(net, precision, seed);
        work.description = "synthetic weights (seed " + std::to_string(seed) + "), input " +
                           (input_file.empty() ? "synthetic" : input_file);
        if (input_file.empty()) {
            work.input = synthetic_input(work.network, seed);
        } else {
            work.input = quantize_input(work.network, read_network_input(input_file, net.layers.front().out_shape));
            work.config_hashes.emplace_back(input_file, content_hash(read_file(input_file)));
        }
    }
    work.config_hashes.emplace_back(network_name, network_hash(network_name));
    return work;
}

std::string network_hash(const std::string& name_or_path)
{
    std::error_code ignored;
    if (name_or_path.rfind("gemm:", 0) != 0 && fs::is_regular_file(name_or_path, ignored))
        return content_hash(read_file(name_or_path));
    // A shipped name may carry multipliers: the longest shipped file name that begins it.
    std::string best;
    for (const std::string& shipped : shipped_names("dnn/networks"))
        if (name_or_path.rfind(shipped, 0) == 0 && shipped.size() > best.size()) best = shipped;
    if (best.empty()) return content_hash(name_or_path);
    return content_hash(name_or_path + "\n" + read_file(data_root() + "/dnn/networks/" + best + ".yaml"));
}

std::vector<std::string> class_labels(const std::string& model_path)
{
    const fs::path model(model_path);
    const std::string stem = model.stem().string();
    constexpr const char* ending = "_labels";
    std::error_code error;
    for (fs::directory_iterator it(model.has_parent_path() ? model.parent_path() : ".", error), end;
         !error && it != end; it.increment(error)) {
        const std::string name = it->path().stem().string();
        const std::size_t at = name.size() > 7 ? name.size() - 7 : 0;
        if (it->path().extension() != ".txt" || at == 0 || name.compare(at, 7, ending) != 0) continue;
        const std::string base = name.substr(0, at);
        if (stem.size() < base.size() || stem.compare(stem.size() - base.size(), base.size(), base) != 0) continue;
        std::istringstream lines(read_file(it->path().string(), 1 << 20));
        std::vector<std::string> labels;
        for (std::string line; std::getline(lines, line);)
            if (!line.empty()) labels.push_back(line);
        return labels;
    }
    return {};
}

} // namespace heddle
