// The way out of one column: sums leave the chain below row exit_row and wait until those of column exit_col have come
// too, so that a row of results leaves at once.
//
// With edges full that is the last row and the last column, and the wait is the usual triangle of registers. With edges
// used it differs from pass to pass, so every row has a tap and the waiting line is entered at any place (TAPS).
module exit_column #(
    parameter int unsigned WIDTH = 32,
    parameter int unsigned ROWS = 4,
    parameter int unsigned COLS = 4,
    parameter int unsigned COLUMN = 0,
    parameter int unsigned HOP_X = 1,
    parameter bit          TAPS = 1
) (
    input  logic                          clk,
    input  logic                          rst,
    input  logic                          en,
    input  logic      [WIDTH-1:0]         chain[ROWS],
    input  logic      [ROWS-1:0]          result,          // a sum leaves this row's tap
    input  heddle_pkg::place_t            exit_col[ROWS],
    output logic                          valid,
    output logic      [WIDTH-1:0]         out
);
    import heddle_pkg::*;
    localparam int unsigned PLACES = COLS - COLUMN;  // in hops along x

    logic [WIDTH:0] enter[PLACES];
    always_comb begin
        for (int p = 0; p < int'(PLACES); ++p) begin
            enter[p] = '0;
            for (int r = 0; r < int'(ROWS); ++r)
                if ((TAPS || (r == int'(ROWS) - 1 && p == int'(PLACES) - 1)) && result[r] &&
                    exit_col[r] == place_t'(COLUMN + p))
                    enter[p] = enter[p] | {1'b1, chain[r]};
        end
    end

    for (genvar p = 0; p < PLACES; ++p) begin : g_place
        logic [WIDTH:0] here;
        if (p == PLACES - 1) begin : g_end
            logic unused;
            assign unused = &{1'b0, clk, rst, en};
            assign here = enter[p];
        end else begin : g_line
            logic [WIDTH:0] waited, ahead;
            assign ahead = rst ? '0 : g_place[p+1].here;
            delay #(.WIDTH(WIDTH + 1), .DEPTH(HOP_X)) u_wait (.clk, .en(en || rst), .in(ahead), .out(waited));
            assign here = enter[p] | waited;
            always_ff @(posedge clk)
                assert (rst || !en || HOP_X == 0 || !(enter[p][WIDTH] && waited[WIDTH]))
                else $error("exit: two sums of a column at one place");
        end
    end
    assign {valid, out} = g_place[0].here;
endmodule
