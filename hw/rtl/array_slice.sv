// The array slice: command, operand and psum channels around the sequencer and the PE array.
module array_slice #(
    parameter int unsigned ROWS = 4,
    parameter int unsigned COLS = 4,
    parameter int unsigned OPERAND_BITS = 16,
    parameter int unsigned PSUM_BITS = 32,
    parameter int unsigned MAC_LATENCY = 1,
    parameter int unsigned PRODUCT_SHIFT = 0,
    parameter int unsigned HOP_X = 1,
    parameter int unsigned HOP_Y = 1,
    parameter bit          TAPS = 1,       // 0: edges full only
    parameter int unsigned X_WORDS = 4,    // of a beat
    parameter int unsigned K_WORDS = 4,
    parameter int unsigned OUT_WORDS = 4,
    parameter int unsigned X_LATENCY = 1,  // of the channels; their depth is latency + 1, which is full rate
    parameter int unsigned K_LATENCY = 1,
    parameter int unsigned OUT_LATENCY = 1
) (
    input  logic                           clk,
    input  logic                           rst,             // for at least as long as results take through the array
    input  heddle_pkg::pass_options_t      options,         // constant while a layer runs
    input  logic                           command_valid,
    output logic                           command_ready,
    input  heddle_pkg::descriptor_t        command,
    input  logic                           x_valid,         // streamed along the rows
    output logic                           x_ready,
    input  heddle_pkg::place_t             x_count,
    input  logic                           x_last,          // completes the words of a step
    input  logic signed [OPERAND_BITS-1:0] x_word[X_WORDS],
    input  logic                           k_valid,         // stationary, row by row, or streamed down the columns
    output logic                           k_ready,
    input  heddle_pkg::place_t             k_count,
    input  logic                           k_last,          // ... of a load, of a step
    input  logic signed [OPERAND_BITS-1:0] k_word[K_WORDS],
    output logic                           out_valid,
    input  logic                           out_ready,
    output heddle_pkg::result_t            out_info,
    output logic signed [PSUM_BITS-1:0]    out_value[OUT_WORDS],
    // For observers: entries in the channels as the cycle begins, passes and loads begun before it, array advancing in
    // it.
    output heddle_pkg::count_t             x_fill,
    output heddle_pkg::count_t             k_fill,
    output heddle_pkg::count_t             out_fill,
    output heddle_pkg::count_t             passes,
    output heddle_pkg::count_t             loads,
    output logic                           advance
);
    import heddle_pkg::*;

    // ---- Channels

    descriptor_t command_front;
    logic        stationary;
    count_t      stride_x;
    logic        command_front_valid, command_pop;
    count_t      command_fill;
    channel #(.WIDTH($bits(descriptor_t))) u_command (
        .clk, .rst, .push(command_valid && command_ready), .in(command), .ready(command_ready), .pop(command_pop),
        .out(command_front), .valid(command_front_valid), .fill(command_fill));

    typedef struct packed {
        place_t                               count;
        logic                                 last;
        logic [X_WORDS-1:0][OPERAND_BITS-1:0] word;
    } x_beat_t;
    typedef struct packed {
        place_t                               count;
        logic                                 last;
        logic [K_WORDS-1:0][OPERAND_BITS-1:0] word;
    } k_beat_t;
    typedef struct packed {
        result_t                             info;
        logic [OUT_WORDS-1:0][PSUM_BITS-1:0] value;
    } out_beat_t;

    x_beat_t   x_in, x_front;
    k_beat_t   k_in, k_front;
    out_beat_t out_in, out_front;
    logic      x_front_valid, x_pop, k_front_valid, k_pop, out_push, port_ready;
    channel #(.WIDTH($bits(x_beat_t)), .DEPTH(X_LATENCY + 1), .LATENCY(X_LATENCY)) u_x (
        .clk, .rst, .push(x_valid && x_ready), .in(x_in), .ready(x_ready), .pop(x_pop), .out(x_front),
        .valid(x_front_valid), .fill(x_fill));
    channel #(.WIDTH($bits(k_beat_t)), .DEPTH(K_LATENCY + 1), .LATENCY(K_LATENCY)) u_k (
        .clk, .rst, .push(k_valid && k_ready), .in(k_in), .ready(k_ready), .pop(k_pop), .out(k_front),
        .valid(k_front_valid), .fill(k_fill));
    channel #(.WIDTH($bits(out_beat_t)), .DEPTH(OUT_LATENCY + 1), .LATENCY(OUT_LATENCY)) u_out (
        .clk, .rst, .push(out_push), .in(out_in), .ready(port_ready), .pop(out_valid && out_ready), .out(out_front),
        .valid(out_valid), .fill(out_fill));

    logic signed [OPERAND_BITS-1:0] x_front_word[X_WORDS], k_front_word[K_WORDS];
    always_comb begin
        x_in.count = x_count;
        x_in.last  = x_last;
        k_in.count = k_count;
        k_in.last  = k_last;
        for (int i = 0; i < int'(X_WORDS); ++i) begin
            x_in.word[i]    = x_word[i];
            x_front_word[i] = x_front.word[i];
        end
        for (int i = 0; i < int'(K_WORDS); ++i) begin
            k_in.word[i]    = k_word[i];
            k_front_word[i] = k_front.word[i];
        end
    end

    // ---- Operands of a step

    logic                           take, step, x_complete, k_complete, k_step_pop, load_pop;
    logic signed [OPERAND_BITS-1:0] x_lane[ROWS], k_lane[COLS];
    operand_edge #(.LANES(ROWS), .BEAT_WORDS(X_WORDS), .OPERAND_BITS(OPERAND_BITS)) u_x_edge (
        .clk, .rst, .take, .step, .valid(x_front_valid), .count(x_front.count), .last(x_front.last),
        .word(x_front_word), .pop(x_pop), .complete(x_complete), .lane(x_lane));
    operand_edge #(.LANES(COLS), .BEAT_WORDS(K_WORDS), .OPERAND_BITS(OPERAND_BITS)) u_k_edge (
        .clk, .rst, .take(take && !stationary), .step(step && !stationary), .valid(k_front_valid),
        .count(k_front.count), .last(k_front.last), .word(k_front_word), .pop(k_step_pop), .complete(k_complete),
        .lane(k_lane));
    assign k_pop = k_step_pop || load_pop;

    // ---- Array

    wave_t                          wave;
    count_t                         rows, send_wave;
    logic                           send, send_now, row_valid, port_idle;
    result_t                        send_info;
    logic signed [OPERAND_BITS-1:0] x_edge[ROWS], k_edge[COLS];
    logic signed [PSUM_BITS-1:0]    sum[COLS], value[OUT_WORDS];
    always_comb begin
        // Unused rows add nothing. Words to be loaded go to columns from load_col on.
        for (int r = 0; r < int'(ROWS); ++r) x_edge[r] = count_t'(r) < rows ? x_lane[r] : '0;
        for (int c = 0; c < int'(COLS); ++c) begin
            k_edge[c] = stationary ? '0 : k_lane[c];
            for (int i = 0; i < int'(K_WORDS); ++i)
                if (stationary && wave.load_col + place_t'(i) == place_t'(c)) k_edge[c] = k_front_word[i];
        end
    end
    sequencer #(
        .ROWS(ROWS), .COLS(COLS), .BEAT_WORDS(OUT_WORDS), .MAC_LATENCY(MAC_LATENCY), .HOP_X(HOP_X), .HOP_Y(HOP_Y)
    ) u_sequencer (
        .clk, .rst, .options, .command_valid(command_front_valid), .command(command_front), .command_pop,
        .stationary, .stride_x, .take, .x_complete, .k_complete, .step, .rows, .load_valid(k_front_valid),
        .load_count(k_front.count), .load_last(k_front.last), .load_pop, .wave, .advance, .port_idle, .port_ready,
        .send, .send_wave, .send_info, .send_now, .passes, .loads);
    pe_array #(
        .ROWS(ROWS), .COLS(COLS), .OPERAND_BITS(OPERAND_BITS), .PSUM_BITS(PSUM_BITS), .MAC_LATENCY(MAC_LATENCY),
        .PRODUCT_SHIFT(PRODUCT_SHIFT), .HOP_X(HOP_X), .HOP_Y(HOP_Y), .TAPS(TAPS)
    ) u_array (
        .clk, .rst, .en(advance), .stationary, .wave, .x(x_edge), .k(k_edge), .valid(row_valid), .sum);
    result_port #(
        .COLS(COLS), .BEAT_WORDS(OUT_WORDS), .PSUM_BITS(PSUM_BITS),
        .WAVE_MAX((ROWS - 1) * HOP_Y + (COLS - 1) * HOP_X + MAC_LATENCY)
    ) u_port (
        .clk, .rst, .send, .wave(send_wave), .info(send_info), .send_now, .row_valid, .row(sum),
        .stride_x, .advance, .idle(port_idle), .ready(port_ready), .push(out_push),
        .beat(out_in.info), .value);
    always_comb begin
        for (int i = 0; i < int'(OUT_WORDS); ++i) begin
            out_in.value[i] = value[i];
            out_value[i]    = out_front.value[i];
        end
    end
    assign out_info = out_front.info;

    always_ff @(posedge clk)
        assert (rst || command_fill <= 2) else $error("array_slice: more commands than the channel holds");
endmodule
