#include "hw/accelerator.hpp"

#include "hw/channel_visitor.hpp"

#include <algorithm>
#include <functional>

namespace heddle {

namespace {

/// Words of the widest operand beat: a port's or a network's, whichever is wider, and a whole row of the array.
int operand_beat_words(const HardwareConfig& hw)
{
    return std::max({hw.weight_network.words_per_beat, hw.input_network.words_per_beat, hw.grid_cols(), hw.grid_rows(),
                     hw.global_buffer.weights.read_port.words, hw.global_buffer.inputs.read_port.words,
                     hw.post.words_per_cycle});
}

int memory_words(const HardwareConfig& hw)
{
    const int bits = std::min({hw.precision.weight_bits, hw.precision.input_bits, 8});
    return std::max(hw.dma.max_burst_bytes * 8 / bits + 1,
                    3 * (hw.dma.max_burst_bytes / hw.post.parameter_bytes_per_channel + 1));
}

} // namespace

/// Depth latency + 1 sustains one entry a cycle (channel.hpp).
struct Accelerator::Wires {
    explicit Wires(const HardwareConfig& hw)
        : operand_words(operand_beat_words(hw)),
          psum_words(std::max(
              {hw.psum_network.words_per_beat, hw.post.words_per_cycle, hw.global_buffer.psums.read_port.words})),
          result_words(std::max(operand_words, psum_words)), burst_words(memory_words(hw)),
          command_dma("command_dma", 2, 1), command_buffer("command_buffer", 2, 1),
          command_array("command_array", 2, 1), command_post("command_post", 2, 1), done_dma("done_dma", 2, 1),
          done_buffer("done_buffer", 2, 1), done_post("done_post", 2, 1),
          memory_request("memory_request", 4, 1, MemoryRequest(burst_words)),
          memory_response("memory_response", 4, 1, MemoryResponse(burst_words)),
          fill("fill", 2, 1, FillBeat(burst_words)), parameters("parameters", 2, 1, FillBeat(burst_words)),
          credit("credit", 4, 1), drain_request("drain_request", 4, 1),
          drain_data("drain_data", depth(hw.global_buffer.latency_cycles), hw.global_buffer.latency_cycles,
                     FillBeat(burst_words)),
          weights("weights", depth(hw.global_buffer.latency_cycles), hw.global_buffer.latency_cycles,
                  OperandBeat(operand_words)),
          inputs("inputs", depth(hw.global_buffer.latency_cycles), hw.global_buffer.latency_cycles,
                 OperandBeat(operand_words)),
          windows("windows", depth(hw.global_buffer.latency_cycles), hw.global_buffer.latency_cycles,
                  OperandBeat::for_post(operand_words)),
          array_weights("array_weights", depth(hw.weight_network.latency_cycles), hw.weight_network.latency_cycles,
                        OperandBeat(operand_words)),
          array_inputs("array_inputs", depth(hw.input_network.latency_cycles), hw.input_network.latency_cycles,
                       OperandBeat(operand_words)),
          array_psums("array_psums", depth(hw.psum_network.latency_cycles), hw.psum_network.latency_cycles,
                      PsumBeat(psum_words)),
          returning_psums("returning_psums", depth(hw.global_buffer.latency_cycles), hw.global_buffer.latency_cycles,
                          PsumBeat(psum_words)),
          buffer_psums("buffer_psums", 2, 1, PsumBeat(psum_words)),
          post_psums("post_psums", 2, 1, PsumBeat(psum_words)),
          complete_psums("complete_psums", depth(hw.global_buffer.update_latency_cycles),
                         hw.global_buffer.update_latency_cycles, PsumBeat(psum_words)),
          operand2_request("operand2_request", 2, 1, Operand2Request(result_words)),
          operand2("operand2", depth(hw.global_buffer.latency_cycles), hw.global_buffer.latency_cycles,
                   Operand2Beat(result_words)),
          results("results", depth(hw.post.latency_cycles), hw.post.latency_cycles, ResultBeat(result_words))
    {
    }
    static int depth(int latency) { return latency + 1; }

    std::vector<ChannelBase*> all()
    {
        return {&command_dma,      &command_buffer, &command_array,   &command_post, &done_dma,   &done_buffer,
                &done_post,        &memory_request, &memory_response, &fill,         &parameters, &credit,
                &drain_request,    &drain_data,     &weights,         &inputs,       &windows,    &array_weights,
                &array_inputs,     &array_psums,    &returning_psums, &buffer_psums, &post_psums, &complete_psums,
                &operand2_request, &operand2,       &results};
    }

    int operand_words, psum_words, result_words, burst_words;
    Channel<Command> command_dma, command_buffer, command_array, command_post, done_dma, done_buffer, done_post;
    Channel<MemoryRequest> memory_request;
    Channel<MemoryResponse> memory_response;
    Channel<FillBeat> fill, parameters;
    Channel<Credit> credit;
    Channel<DrainRequest> drain_request;
    Channel<FillBeat> drain_data;
    Channel<OperandBeat> weights, inputs, windows, array_weights, array_inputs;
    Channel<PsumBeat> array_psums, returning_psums, buffer_psums, post_psums, complete_psums;
    Channel<Operand2Request> operand2_request;
    Channel<Operand2Beat> operand2;
    Channel<ResultBeat> results;
};

Accelerator::Accelerator(const sc_core::sc_module_name& name, const HardwareConfig& hardware,
                         const AcceleratorOptions& options)
    : sc_core::sc_module(name), hw_(hardware), wires_(std::make_unique<Wires>(hw_)),
      clock_(std::make_unique<ClockDomain>("clock_domain", hw_.clock_period_ps(), options.driver))
{
    build(options.reverse_construction);
    for (ChannelBase* c : wires_->all()) clock_->watch(*c);
    stall_seed_ = options.stall_seed;
    stall_memory_only_ = options.stall_memory_only;
    array_->set_timing_only(options.timing_only);
}

Accelerator::~Accelerator() = default;

void Accelerator::build(bool reversed)
{
    Wires& w = *wires_;
    std::vector<std::function<Block*()>> makers = {
        [&] {
            return (controller_ = std::make_unique<Controller>(
                        "controller",
                        std::vector<Channel<Command>*>{&w.command_dma, &w.command_buffer, &w.command_array,
                                                       &w.command_post},
                        std::vector<Channel<Command>*>{&w.done_dma, &w.done_buffer, &w.done_post}))
                .get();
        },
        [&] { return (dram_ = std::make_unique<Dram>("dram", hw_, w.memory_request, w.memory_response)).get(); },
        [&] {
            return (dma_ = std::make_unique<Dma>("dma", hw_,
                                                 Dma::Ports{w.command_dma, w.memory_request, w.memory_response, w.fill,
                                                            w.parameters, w.credit, w.drain_request, w.drain_data,
                                                            w.done_dma}))
                .get();
        },
        [&] {
            return (global_buffer_ = std::make_unique<GlobalBuffer>(
                        "global_buffer", hw_,
                        GlobalBuffer::Channels{w.command_buffer, w.fill, w.credit, w.weights, w.inputs, w.windows,
                                               w.buffer_psums, w.returning_psums, w.complete_psums, w.operand2_request,
                                               w.operand2, w.results, w.drain_request, w.drain_data, w.done_buffer},
                        w.operand_words))
                .get();
        },
        [&] {
            return (distributor_ = std::make_unique<Distributor>("distributor", hw_, w.weights, w.inputs,
                                                                 w.array_weights, w.array_inputs))
                .get();
        },
        [&] {
            return (array_ = std::make_unique<PeArray>("array", hw_, w.command_array, w.array_weights, w.array_inputs,
                                                       w.returning_psums, w.array_psums))
                .get();
        },
        [&] {
            return (collector_ = std::make_unique<Collector>("collector", w.array_psums, w.buffer_psums, w.post_psums))
                .get();
        },
        [&] {
            return (post_ = std::make_unique<PostProcessor>(
                        "post", hw_,
                        PostProcessor::Channels{w.command_post, w.parameters, w.post_psums, w.complete_psums, w.windows,
                                                w.operand2_request, w.operand2, w.results, w.done_post},
                        w.result_words))
                .get();
        },
    };
    if (reversed) std::reverse(makers.begin(), makers.end());
    for (const auto& make : makers) clock_->add(*make());
}

void Accelerator::visit_channels(ChannelVisitor& v) const
{
    const Wires& w = *wires_;
    for (const Channel<Command>* c : {&w.command_dma, &w.command_buffer, &w.command_array, &w.command_post})
        v.visit("controller", *c);
    v.visit("dram", w.memory_response);
    v.visit("dma", w.memory_request);
    v.visit("dma", w.fill);
    v.visit("dma", w.parameters);
    v.visit("dma", w.drain_request);
    v.visit("dma", w.done_dma);
    v.visit("global_buffer", w.credit);
    v.visit("global_buffer", w.weights);
    v.visit("global_buffer", w.inputs);
    v.visit("global_buffer", w.windows);
    v.visit("global_buffer", w.returning_psums);
    v.visit("global_buffer", w.complete_psums);
    v.visit("global_buffer", w.operand2);
    v.visit("global_buffer", w.drain_data);
    v.visit("global_buffer", w.done_buffer);
    v.visit("post", w.done_post);
    v.visit("distributor", w.array_weights);
    v.visit("distributor", w.array_inputs);
    v.visit("array", w.array_psums);
    v.visit("collector", w.buffer_psums);
    v.visit("collector", w.post_psums);
    v.visit("post", w.operand2_request);
    v.visit("post", w.results);
}

Cycle Accelerator::run_layer(const CompiledPlan& plan, const PostSetup& post, MemoryImage& image)
{
    const bool resident = hw_.dram.kind == DramKind::resident;
    const Cycle start = clock_->now();
    dram_->begin_layer(start, image);
    dma_->begin_layer(start, image);
    global_buffer_->begin_layer(start, plan, image);
    distributor_->begin_layer(start);
    array_->begin_layer(start);
    collector_->begin_layer(start, plan.has_operand2());
    post_->begin_layer(start, resident ? image.parameters : nullptr);
    controller_->begin_layer({&plan, &post}, start + static_cast<Cycle>(plan.plan().switch_cycles));
    for (ChannelBase* c : wires_->all()) c->begin_layer();
    if (stall_seed_ != 0) { // random seeds derive from (seed, layer): a layer's cycles do not depend on its neighbours
        std::uint64_t index = 0;
        const std::uint64_t layer_seed = derive_seed(stall_seed_, static_cast<std::uint64_t>(plan.plan().layer));
        for (ChannelBase* c : wires_->all()) {
            ++index;
            const bool memory = c == &wires_->memory_request || c == &wires_->memory_response;
            if (memory || !stall_memory_only_) c->set_stalls(derive_seed(layer_seed, index) | 1);
        }
    }
    const Cycle end = clock_->run(controller_->done());
    dram_->end_layer(end);
    dma_->end_layer(end);
    global_buffer_->end_layer(end);
    distributor_->end_layer(end);
    array_->end_layer(end);
    collector_->end_layer(end);
    post_->end_layer(end);
    if (resident) {
        const Partition<std::int16_t>& out = global_buffer_->partition(Region::outputs);
        for (std::int64_t i = 0; i < plan.results().words; ++i)
            if (out.present(i)) image.write(Region::outputs, i, out.get(i));
    }
    return end - start;
}

} // namespace heddle
