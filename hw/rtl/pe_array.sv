// ROWS x COLS PEs with their wires. Operand x enters at column 0 of every row and moves along it, HOP_X cycles a PE;
// operand k (or a word to be loaded) enters at row 0 of every column and moves down it, HOP_Y cycles a PE, as psums do.
// A hop of 0 is a bus: all PEs of the row or column see the word at once.
//
// A step enters unskewed; the edge holds word r of x back by r x HOP_Y and word c of k by c x HOP_X cycles. So what PE
// (r, c) does lags what PE (0, 0) does by r x HOP_Y + c x HOP_X cycles, for operands, loads, drains and control alike.
// Everything stands still while en is 0.
module pe_array #(
    parameter int unsigned ROWS = 4,
    parameter int unsigned COLS = 4,
    parameter int unsigned OPERAND_BITS = 16,
    parameter int unsigned PSUM_BITS = 32,
    parameter int unsigned MAC_LATENCY = 1,
    parameter int unsigned PRODUCT_SHIFT = 0,
    parameter int unsigned HOP_X = 1,
    parameter int unsigned HOP_Y = 1,
    parameter bit          TAPS = 1
) (
    input  logic                           clk,
    input  logic                           rst,
    input  logic                           en,
    input  logic                           stationary,
    input  heddle_pkg::wave_t              wave,
    input  logic signed [OPERAND_BITS-1:0] x[ROWS],
    input  logic signed [OPERAND_BITS-1:0] k[COLS],
    output logic                           valid,       // a row of sums has arrived at the exit
    output logic signed [PSUM_BITS-1:0]    sum[COLS]
);
    import heddle_pkg::*;

    // Control lags like everything else: w[d] is what the sequencer sent d cycles ago.
    localparam int unsigned LAG = (ROWS - 1) * HOP_Y + (COLS - 1) * HOP_X + MAC_LATENCY - 1;
    wave_t w[LAG+1];
    assign w[0] = wave;
    if (LAG > 0) begin : g_lag
        always_ff @(posedge clk)
            for (int d = 1; d <= int'(LAG); ++d)
                if (rst) w[d] <= '0;
                else if (en) w[d] <= w[d-1];
    end

    for (genvar r = 0; r < ROWS; ++r) begin : g_row
        logic [OPERAND_BITS-1:0] x_in;
        delay #(.WIDTH(OPERAND_BITS), .DEPTH(r * HOP_Y)) u_skew (.clk, .en, .in(x[r]), .out(x_in));
        for (genvar c = 0; c < COLS; ++c) begin : g_col
            logic [OPERAND_BITS-1:0] x_here, k_here;
            logic [PSUM_BITS-1:0]    chain_in, chain_out;
            if (c == 0) begin : g_x_edge
                assign x_here = x_in;
            end else begin : g_x_hop
                delay #(.WIDTH(OPERAND_BITS), .DEPTH(HOP_X)) u_hop (
                    .clk, .en, .in(g_row[r].g_col[c-1].x_here), .out(x_here));
            end
            if (r == 0) begin : g_y_edge
                delay #(.WIDTH(OPERAND_BITS), .DEPTH(c * HOP_X)) u_skew (.clk, .en, .in(k[c]), .out(k_here));
                assign chain_in = '0;
            end else begin : g_y_hop
                delay #(.WIDTH(OPERAND_BITS), .DEPTH(HOP_Y)) u_hop (
                    .clk, .en, .in(g_row[r-1].g_col[c].k_here), .out(k_here));
                delay #(.WIDTH(PSUM_BITS), .DEPTH(HOP_Y)) u_chain (
                    .clk, .en, .in(g_row[r-1].g_col[c].chain_out), .out(chain_in));
            end
            localparam int unsigned ENTER = r * HOP_Y + c * HOP_X;
            localparam int unsigned ADD = ENTER + MAC_LATENCY - 1;
            pe #(
                .OPERAND_BITS(OPERAND_BITS), .PSUM_BITS(PSUM_BITS), .MAC_LATENCY(MAC_LATENCY),
                .PRODUCT_SHIFT(PRODUCT_SHIFT)
            ) u_pe (
                .clk, .en, .stationary,
                .load(w[ENTER].load && w[ENTER].load_row == place_t'(r) && place_t'(c + 1) > w[ENTER].load_col &&
                      place_t'(c) < w[ENTER].load_end),
                .step(w[ENTER].step), .swap(w[ENTER].swap), .x(x_here), .k(k_here),
                .add(w[ADD].step), .first(w[ADD].first), .take_sum(w[ADD].take_sum),
                .take_psum(w[ADD].take_psum), .drain(w[ADD].drain && w[ADD].drain_row == place_t'(r)),
                .chain_in, .chain_out
            );
        end
    end

    for (genvar c = 0; c < COLS; ++c) begin : g_exit
        logic [PSUM_BITS-1:0] chain[ROWS];
        logic [ROWS-1:0]      result;
        place_t               exit_col[ROWS];
        logic                 column_valid;
        for (genvar r = 0; r < ROWS; ++r) begin : g_tap
            localparam int unsigned ADD = r * HOP_Y + c * HOP_X + MAC_LATENCY - 1;
            assign chain[r]    = g_row[r].g_col[c].chain_out;
            assign result[r]   = w[ADD].result && w[ADD].exit_row == place_t'(r) &&
                                 w[ADD].exit_col + 1 > place_t'(c);
            assign exit_col[r] = w[ADD].exit_col;
        end
        exit_column #(
            .WIDTH(PSUM_BITS), .ROWS(ROWS), .COLS(COLS), .COLUMN(c), .HOP_X(HOP_X), .TAPS(TAPS)
        ) u_exit (.clk, .rst, .en, .chain, .result, .exit_col, .valid(column_valid), .out(sum[c]));
        if (c == 0) begin : g_valid
            assign valid = column_valid;
        end else begin : g_follows
            logic unused;
            assign unused = column_valid;
        end
    end
endmodule
