// The operand side of the global buffer: x (inputs) and k (weights) share the fill port and the way back of credits.
// Psums have their own memory (psum_buffer).
module global_buffer #(
    parameter int unsigned X_LANES = 4,
    parameter int unsigned K_LANES = 4,
    parameter int unsigned OPERAND_BITS = 16,
    parameter int unsigned FILL_WORDS = 16,
    parameter int unsigned WORDS = 4096,
    parameter int unsigned TILES = 64
) (
    input  logic                                  clk,
    input  logic                                  rst,
    input  heddle_pkg::ports_t                    x_ports,
    input  heddle_pkg::ports_t                    k_ports,
    input  logic                                  whole_tiles,
    // A layer. It is over here when all has been read; the next one comes when its results have been written.
    input  logic                                  command_valid,
    input  heddle_pkg::layer_t                    command,
    output logic                                  command_pop,
    output logic                                  accumulates,
    output heddle_pkg::count_t                    stride_x,
    // The memory side.
    input  logic                                  fill_valid,
    input  logic                                  fill_k,
    input  heddle_pkg::fill_t                     fill,
    input  logic [FILL_WORDS-1:0][OPERAND_BITS-1:0] fill_words,
    output logic                                  fill_pop,
    input  logic                                  credit_ready,
    output logic                                  credit_push,
    output heddle_pkg::credit_t                   credit,
    // To the distributor.
    input  logic                                  x_ready,
    output logic                                  x_push,
    output heddle_pkg::place_t                    x_count,
    output logic                                  x_last,
    output logic [X_LANES-1:0][OPERAND_BITS-1:0]  x_words,
    input  logic                                  k_ready,
    output logic                                  k_push,
    output heddle_pkg::place_t                    k_count,
    output logic                                  k_last,
    output logic [K_LANES-1:0][OPERAND_BITS-1:0]  k_words
);
    import heddle_pkg::*;

    layer_t layer_q, layer;
    logic   start;
    assign start       = command_valid;
    assign command_pop = start;
    assign layer       = start ? command : layer_q;
    assign accumulates = layer.accumulates;
    assign stride_x    = layer.array.stride[AXIS_X];
    always_ff @(posedge clk) layer_q <= layer;

    logic signed [OPERAND_BITS-1:0] fill_word[FILL_WORDS];
    logic                           x_fill_pop, k_fill_pop;
    always_comb for (int i = 0; i < int'(FILL_WORDS); ++i) fill_word[i] = fill_words[i];
    assign fill_pop = x_fill_pop || k_fill_pop;

    logic   x_leaves, k_leaves;
    count_t x_freed, k_freed;
    operand_buffer #(
        .LANES(X_LANES), .OPERAND_BITS(OPERAND_BITS), .FILL_WORDS(FILL_WORDS), .WORDS(WORDS), .TILES(TILES)
    ) u_x (
        .clk, .rst, .ports(x_ports), .whole_tiles, .start, .extent(layer.array.extent), .loops(layer.array.loops),
        .tiles(layer.tiles), .tensor(layer.x), .lane_axis(AXIS_Y), .outer_axis(AXIS_S), .kept(1'b0),
        .fill_valid(fill_valid && !fill_k), .fill, .fill_word, .fill_pop(x_fill_pop), .leaves(x_leaves),
        .freed(x_freed), .ready(x_ready), .push(x_push), .count(x_count), .last(x_last), .words(x_words));
    operand_buffer #(
        .LANES(K_LANES), .OPERAND_BITS(OPERAND_BITS), .FILL_WORDS(FILL_WORDS), .WORDS(WORDS), .TILES(TILES)
    ) u_k (
        .clk, .rst, .ports(k_ports), .whole_tiles, .start, .extent(layer.array.extent), .loops(layer.array.loops),
        .tiles(layer.tiles), .tensor(layer.k), .lane_axis(AXIS_X),
        .outer_axis(layer.array.stationary ? AXIS_Y : AXIS_S), .kept(layer.array.stationary),
        .fill_valid(fill_valid && fill_k), .fill, .fill_word, .fill_pop(k_fill_pop), .leaves(k_leaves),
        .freed(k_freed), .ready(k_ready), .push(k_push), .count(k_count), .last(k_last), .words(k_words));

    credit_queue u_credits (
        .clk, .rst, .k_leaves, .k_freed, .x_leaves, .x_freed, .ready(credit_ready), .push(credit_push), .credit);
endmodule
