#include "sim/commands/commands.hpp"

namespace heddle {

const std::vector<Subcommand>& commands()
{
    static const std::vector<Subcommand> all{
        {"run", "simulate a network on an accelerator, check every value, report time and energy", run_command},
        {"explain", "where a finished run's cycles and energy went, and what would help", explain_command},
        {"list", "networks, hardware, energy tables or dataflows that are shipped", list_command},
        {"show", "print the YAML of a shipped machine, network or energy table", show_command},
        {"map", "show or write the mapping of each layer, why it was chosen, and its bound", map_command},
        {"calibrate", "fit a hardware description to cycles measured on its RTL", calibrate_command},
        {"energy", "price the counts of a finished run by another energy table", energy_command},
        {"diff", "compare two results layer by layer (exit code 1 when they differ)", diff_command},
        {"decompose", "replace layers by sequences of low rank and write the network as ONNX", decompose_command},
        {"prune", "zeros in the weights of a network, written as ONNX", prune_command},
        {"export", "a network with its weights, or seeded ones, written as ONNX", export_command},
        {"accuracy", "top-1 of a trained model on Fashion-MNIST, in floats and in integers", accuracy_command},
        {"infer", "a network's output for an array, by the plain reference alone", infer_command},
        {"trace", "waveform or timeline of one layer, cycle by cycle", trace_command},
        {"wave-diff", "compare two waveforms cycle by cycle (exit code 1 when they differ)", wave_diff_command},
    };
    return all;
}

} // namespace heddle
