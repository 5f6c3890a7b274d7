// The buffer of one operand: its partition, and the engine that reads it in the order in which the array takes it.
module operand_buffer #(
    parameter int unsigned LANES = 4,
    parameter int unsigned OPERAND_BITS = 16,
    parameter int unsigned FILL_WORDS = 16,
    parameter int unsigned WORDS = 4096,
    parameter int unsigned TILES = 64
) (
    input  logic                               clk,
    input  logic                               rst,
    input  heddle_pkg::ports_t                 ports,
    input  logic                               whole_tiles,
    // A layer.
    input  logic                               start,
    input  heddle_pkg::count_t [2:0]           extent,
    input  heddle_pkg::loop_t [heddle_pkg::LOOPS-1:0] loops,
    input  heddle_pkg::count_t                 tiles,
    input  heddle_pkg::tensor_t                tensor,
    input  heddle_pkg::axis_e                  lane_axis,
    input  heddle_pkg::axis_e                  outer_axis,
    input  logic                               kept,
    // The memory side.
    input  logic                               fill_valid,
    input  heddle_pkg::fill_t                  fill,
    input  logic signed [OPERAND_BITS-1:0]     fill_word[FILL_WORDS],
    output logic                               fill_pop,
    output logic                               leaves,  // a tile
    output heddle_pkg::count_t                 freed,   // words
    // To the distributor.
    input  logic                               ready,
    output logic                               push,
    output heddle_pkg::place_t                 count,
    output logic                               last,
    output logic [LANES-1:0][OPERAND_BITS-1:0] words
);
    import heddle_pkg::*;

    logic                           uses_port;
    logic                           reads[LANES], present[LANES];
    count_t                         fetch, fetched;
    count_t                         address[LANES];
    logic signed [OPERAND_BITS-1:0] word[LANES];
    read_engine #(.LANES(LANES)) u_engine (
        .clk, .rst, .start, .extent, .loops, .tiles, .tensor, .lane_axis, .outer_axis, .kept, .port(ports.read),
        .line_bits(ports.line_bits), .fetch, .fetched, .reads, .address, .present, .uses_port, .leaves,
        .ready, .push, .count, .last);
    partition #(
        .LANES(LANES), .OPERAND_BITS(OPERAND_BITS), .FILL_WORDS(FILL_WORDS), .WORDS(WORDS), .TILES(TILES)
    ) u_partition (
        .clk, .rst, .start, .shared(ports.shared), .write_words(ports.write.words), .whole_tiles,
        .read(uses_port), .fetch, .fetched, .address, .present, .word, .fill_valid, .fill, .fill_word, .fill_pop);
    always_comb for (int i = 0; i < int'(LANES); ++i) words[i] = reads[i] ? word[i] : '0;

    assign freed = fetched;

    logic unused;
    assign unused = ports.write.gather;
endmodule
