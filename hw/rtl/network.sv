// Carries an operand from the buffer to the array's edge: a beat of the buffer's port leaves as beats of the network's
// width.
module network #(
    parameter int unsigned LANES = 4,      // of a beat from the buffer
    parameter int unsigned OUT_WORDS = 4,  // of the network
    parameter int unsigned OPERAND_BITS = 16
) (
    input  logic                               clk,
    input  logic                               rst,
    input  logic                               valid,
    input  heddle_pkg::place_t                 count,
    input  logic                               last,
    input  logic [LANES-1:0][OPERAND_BITS-1:0] word,
    output logic                               pop,
    input  logic                               ready,
    output logic                               push,
    output heddle_pkg::place_t                 out_count,
    output logic                               out_last,
    output logic signed [OPERAND_BITS-1:0]     out_word[OUT_WORDS]
);
    import heddle_pkg::*;

    place_t sent, left;
    assign left      = count - sent;
    assign push      = valid && ready;
    assign out_count = left > place_t'(OUT_WORDS) ? place_t'(OUT_WORDS) : left;
    assign pop       = push && out_count == left;
    assign out_last  = last && out_count == left;
    always_comb begin
        for (int i = 0; i < int'(OUT_WORDS); ++i) begin
            out_word[i] = '0;
            for (int l = 0; l < int'(LANES); ++l)
                if (place_t'(l) == sent + place_t'(i)) out_word[i] = word[l];
        end
    end
    always_ff @(posedge clk)
        if (rst || pop) sent <= 0;
        else if (push) sent <= sent + out_count;
endmodule
