// Gathers the words of a step, which may come in several beats, and holds them until the other operand is there too.
module operand_edge #(
    parameter int unsigned LANES = 4,
    parameter int unsigned BEAT_WORDS = 4,
    parameter int unsigned OPERAND_BITS = 16
) (
    input  logic                           clk,
    input  logic                           rst,
    input  logic                           take,      // the array wants the words of a step
    input  logic                           step,      // and uses them now
    input  logic                           valid,     // a beat
    input  heddle_pkg::place_t             count,     // its words
    input  logic                           last,      // completes the step's words
    input  logic signed [OPERAND_BITS-1:0] word[BEAT_WORDS],
    output logic                           pop,
    output logic                           complete,
    output logic signed [OPERAND_BITS-1:0] lane[LANES]
);
    import heddle_pkg::*;

    logic                           have;
    place_t                         filled;
    logic signed [OPERAND_BITS-1:0] held[LANES];

    assign pop      = take && !have && valid;
    assign complete = have || (pop && last);
    always_comb begin
        lane = held;
        for (int i = 0; i < int'(BEAT_WORDS); ++i)
            for (int l = 0; l < int'(LANES); ++l)
                if (pop && place_t'(i) < count && filled + place_t'(i) == place_t'(l)) lane[l] = word[i];
    end
    always_ff @(posedge clk) begin
        if (pop) begin
            held   <= lane;
            filled <= last ? 0 : filled + count;
            have   <= last;
        end
        if (step) have <= 0;
        if (rst) begin
            have   <= 0;
            filled <= 0;
        end
    end
endmodule
