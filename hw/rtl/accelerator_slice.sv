// From the memory's fill beats to complete sums: global buffer, distributor (one network per operand), array, collector
// and psum memory, and every channel between them.
module accelerator_slice #(
    parameter int unsigned ROWS = 4,
    parameter int unsigned COLS = 4,
    parameter int unsigned OPERAND_BITS = 16,
    parameter int unsigned PSUM_BITS = 32,
    parameter int unsigned MAC_LATENCY = 1,
    parameter int unsigned PRODUCT_SHIFT = 0,
    parameter int unsigned HOP_X = 1,
    parameter int unsigned HOP_Y = 1,
    parameter bit          TAPS = 1,
    parameter int unsigned X_WORDS = 4,         // of a network's beat
    parameter int unsigned K_WORDS = 4,
    parameter int unsigned OUT_WORDS = 4,
    parameter int unsigned X_LATENCY = 1,       // of the networks
    parameter int unsigned K_LATENCY = 1,
    parameter int unsigned OUT_LATENCY = 1,
    parameter int unsigned FILL_WORDS = 16,     // of a fill beat, at most
    parameter int unsigned WORDS = 4096,        // of the largest tensor
    parameter int unsigned TILES = 64,          // that a layer fetches of one operand, at most
    parameter int unsigned READ_LATENCY = 1,    // of the buffer
    parameter int unsigned UPDATE_LATENCY = 1   // of its psums
) (
    input  logic                                    clk,
    input  logic                                    rst,
    // Constants of the machine.
    input  heddle_pkg::pass_options_t               options,
    input  heddle_pkg::ports_t                      x_ports,
    input  heddle_pkg::ports_t                      k_ports,
    input  heddle_pkg::ports_t                      psum_ports,
    input  heddle_pkg::count_t                      psum_capacity,
    input  logic                                    whole_tiles,
    // A layer.
    input  logic                                    command_valid,
    output logic                                    command_ready,
    input  heddle_pkg::layer_t                      command,
    // The memory side: words in, room out.
    input  logic                                    fill_valid,
    output logic                                    fill_ready,
    input  logic                                    fill_k,
    input  heddle_pkg::fill_t                       fill,
    input  logic [FILL_WORDS-1:0][OPERAND_BITS-1:0] fill_words,
    output logic                                    credit_valid,
    input  logic                                    credit_ready,
    output heddle_pkg::credit_t                     credit,
    // Sums, complete: those that needed no buffer, and those that came out of it.
    output logic                                    direct_valid,
    input  logic                                    direct_ready,
    output heddle_pkg::result_t                     direct_info,
    output logic [OUT_WORDS-1:0][PSUM_BITS-1:0]     direct_sum,
    output logic                                    sum_valid,
    input  logic                                    sum_ready,
    output heddle_pkg::result_t                     sum_info,
    output logic [OUT_WORDS-1:0][PSUM_BITS-1:0]     sum,
    // For observers: what enters each channel in this cycle, what leaves it.
    output logic [8:0]                              pushes,  // channel_e
    output logic [8:0]                              pops,
    output heddle_pkg::place_t                      read_x_count,
    output logic                                    read_x_last,
    output logic [ROWS-1:0][OPERAND_BITS-1:0]       read_x,
    output heddle_pkg::place_t                      read_k_count,
    output logic                                    read_k_last,
    output logic [COLS-1:0][OPERAND_BITS-1:0]       read_k,
    output heddle_pkg::place_t                      edge_x_count,
    output logic                                    edge_x_last,
    output logic signed [OPERAND_BITS-1:0]          edge_x[X_WORDS],
    output heddle_pkg::place_t                      edge_k_count,
    output logic                                    edge_k_last,
    output logic signed [OPERAND_BITS-1:0]          edge_k[K_WORDS],
    output heddle_pkg::count_t                      x_fill,  // in the array's own channels
    output heddle_pkg::count_t                      k_fill,
    output heddle_pkg::count_t                      out_fill,
    output heddle_pkg::count_t                      passes,
    output heddle_pkg::count_t                      loads
);
    import heddle_pkg::*;

    // ---- Commands: the buffer and the array learn of a layer in the same cycle

    layer_t buffer_command;
    logic   accumulates;
    count_t stride_x;
    logic   buffer_ready, buffer_command_valid, buffer_command_pop, array_ready;
    count_t buffer_commands;
    channel #(.WIDTH($bits(layer_t))) u_command (
        .clk, .rst, .push(command_valid && command_ready), .in(command), .ready(buffer_ready),
        .pop(buffer_command_pop), .out(buffer_command), .valid(buffer_command_valid), .fill(buffer_commands));
    assign command_ready = buffer_ready && array_ready;

    // ---- Fills and credits

    typedef struct packed {
        logic                                    to_k;
        fill_t                                   at;
        logic [FILL_WORDS-1:0][OPERAND_BITS-1:0] word;
    } fill_beat_t;
    fill_beat_t fill_front;
    logic       fill_front_valid, fill_pop, credit_room, credit_push;
    credit_t    credit_in;
    count_t     fills, credits;
    channel #(.WIDTH($bits(fill_beat_t))) u_fill (
        .clk, .rst, .push(fill_valid && fill_ready), .in({fill_k, fill, fill_words}), .ready(fill_ready),
        .pop(fill_pop), .out(fill_front), .valid(fill_front_valid), .fill(fills));
    channel #(.WIDTH($bits(credit_t)), .DEPTH(4)) u_credit (
        .clk, .rst, .push(credit_push), .in(credit_in), .ready(credit_room), .pop(credit_valid && credit_ready),
        .out(credit), .valid(credit_valid), .fill(credits));

    // ---- The buffer and its read latency

    typedef struct packed {
        place_t                            count;
        logic                              last;
        logic [ROWS-1:0][OPERAND_BITS-1:0] word;
    } x_read_t;
    typedef struct packed {
        place_t                            count;
        logic                              last;
        logic [COLS-1:0][OPERAND_BITS-1:0] word;
    } k_read_t;
    x_read_t x_front;
    k_read_t k_front;
    logic    x_room, x_push, x_valid, x_pop, k_room, k_push, k_valid, k_pop;
    count_t  x_reads, k_reads;
    global_buffer #(
        .X_LANES(ROWS), .K_LANES(COLS), .OPERAND_BITS(OPERAND_BITS), .FILL_WORDS(FILL_WORDS), .WORDS(WORDS),
        .TILES(TILES)
    ) u_buffer (
        .clk, .rst, .x_ports, .k_ports, .whole_tiles, .command_valid(buffer_command_valid), .command(buffer_command),
        .command_pop(buffer_command_pop), .accumulates, .stride_x, .fill_valid(fill_front_valid),
        .fill_k(fill_front.to_k), .fill(fill_front.at), .fill_words(fill_front.word), .fill_pop,
        .credit_ready(credit_room), .credit_push, .credit(credit_in),
        .x_ready(x_room), .x_push, .x_count(read_x_count), .x_last(read_x_last), .x_words(read_x), .k_ready(k_room),
        .k_push, .k_count(read_k_count), .k_last(read_k_last), .k_words(read_k));
    channel #(.WIDTH($bits(x_read_t)), .DEPTH(READ_LATENCY + 1), .LATENCY(READ_LATENCY)) u_x_read (
        .clk, .rst, .push(x_push), .in({read_x_count, read_x_last, read_x}), .ready(x_room), .pop(x_pop),
        .out(x_front), .valid(x_valid), .fill(x_reads));
    channel #(.WIDTH($bits(k_read_t)), .DEPTH(READ_LATENCY + 1), .LATENCY(READ_LATENCY)) u_k_read (
        .clk, .rst, .push(k_push), .in({read_k_count, read_k_last, read_k}), .ready(k_room), .pop(k_pop),
        .out(k_front), .valid(k_valid), .fill(k_reads));

    // ---- The distributor

    logic x_edge_ready, x_edge_push, k_edge_ready, k_edge_push;
    network #(.LANES(ROWS), .OUT_WORDS(X_WORDS), .OPERAND_BITS(OPERAND_BITS)) u_x_network (
        .clk, .rst, .valid(x_valid), .count(x_front.count), .last(x_front.last), .word(x_front.word), .pop(x_pop),
        .ready(x_edge_ready), .push(x_edge_push), .out_count(edge_x_count), .out_last(edge_x_last),
        .out_word(edge_x));
    network #(.LANES(COLS), .OUT_WORDS(K_WORDS), .OPERAND_BITS(OPERAND_BITS)) u_k_network (
        .clk, .rst, .valid(k_valid), .count(k_front.count), .last(k_front.last), .word(k_front.word), .pop(k_pop),
        .ready(k_edge_ready), .push(k_edge_push), .out_count(edge_k_count), .out_last(edge_k_last),
        .out_word(edge_k));

    // ---- The array

    typedef struct packed {
        result_t                             info;
        logic [OUT_WORDS-1:0][PSUM_BITS-1:0] value;
    } sum_t;
    sum_t                        array_sum;
    logic                        array_valid, array_pop, advance;
    logic signed [PSUM_BITS-1:0] array_value[OUT_WORDS];
    array_slice #(
        .ROWS(ROWS), .COLS(COLS), .OPERAND_BITS(OPERAND_BITS), .PSUM_BITS(PSUM_BITS), .MAC_LATENCY(MAC_LATENCY),
        .PRODUCT_SHIFT(PRODUCT_SHIFT), .HOP_X(HOP_X), .HOP_Y(HOP_Y), .TAPS(TAPS), .X_WORDS(X_WORDS),
        .K_WORDS(K_WORDS), .OUT_WORDS(OUT_WORDS), .X_LATENCY(X_LATENCY), .K_LATENCY(K_LATENCY),
        .OUT_LATENCY(OUT_LATENCY)
    ) u_array (
        .clk, .rst, .options, .command_valid(command_valid && command_ready), .command_ready(array_ready),
        .command(command.array), .x_valid(x_edge_push), .x_ready(x_edge_ready), .x_count(edge_x_count),
        .x_last(edge_x_last), .x_word(edge_x), .k_valid(k_edge_push), .k_ready(k_edge_ready),
        .k_count(edge_k_count), .k_last(edge_k_last), .k_word(edge_k), .out_valid(array_valid),
        .out_ready(array_pop), .out_info(array_sum.info), .out_value(array_value), .x_fill, .k_fill, .out_fill,
        .passes, .loads, .advance);
    always_comb for (int i = 0; i < int'(OUT_WORDS); ++i) array_sum.value[i] = array_value[i];

    // ---- The collector: unfinished sums to the psum memory, complete ones straight on

    sum_t   psum_front, direct_front, sum_front;
    logic   psum_room, psum_push, psum_valid, psum_pop, direct_room, direct_push, sum_room, sum_push;
    count_t psums, directs, sums;
    logic [OUT_WORDS-1:0][PSUM_BITS-1:0] added;
    assign array_pop   = array_valid && (accumulates ? psum_room : direct_room);
    assign psum_push   = array_pop && accumulates;
    assign direct_push = array_pop && !accumulates;
    channel #(.WIDTH($bits(sum_t))) u_psum (
        .clk, .rst, .push(psum_push), .in(array_sum), .ready(psum_room), .pop(psum_pop), .out(psum_front),
        .valid(psum_valid), .fill(psums));
    channel #(.WIDTH($bits(sum_t))) u_direct (
        .clk, .rst, .push(direct_push), .in(array_sum), .ready(direct_room), .pop(direct_valid && direct_ready),
        .out(direct_front), .valid(direct_valid), .fill(directs));
    psum_buffer #(
        .BEAT_WORDS(OUT_WORDS), .PSUM_BITS(PSUM_BITS), .WORDS(WORDS), .UPDATE_LATENCY(UPDATE_LATENCY)
    ) u_psums (
        .clk, .rst, .ports(psum_ports), .capacity(psum_capacity), .stride_x,
        .valid(psum_valid), .info(psum_front.info), .value(psum_front.value), .pop(psum_pop), .ready(sum_room),
        .push(sum_push), .sum(added));
    channel #(.WIDTH($bits(sum_t)), .DEPTH(UPDATE_LATENCY + 1), .LATENCY(UPDATE_LATENCY)) u_sum (
        .clk, .rst, .push(sum_push), .in({psum_front.info, added}), .ready(sum_room), .pop(sum_valid && sum_ready),
        .out(sum_front), .valid(sum_valid), .fill(sums));
    assign {direct_info, direct_sum} = direct_front;
    assign {sum_info, sum}           = sum_front;

    // ---- For observers, in the order of channels in tests/rtl/slices.hpp

    logic unused;
    assign unused = &{1'b0, advance, buffer_commands, fills, credits, x_reads, k_reads,
                      psums, directs, sums};
    assign pushes = {sum_push, direct_push, psum_push, k_edge_push, x_edge_push, k_push, x_push, credit_push,
                     fill_valid && fill_ready};
    assign pops   = {sum_valid && sum_ready, direct_valid && direct_ready, psum_pop, 1'b0, array_pop, k_pop, x_pop,
                     credit_valid && credit_ready, fill_pop};
endmodule
