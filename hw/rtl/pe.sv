// One PE: operand registers, a multiplier of MAC_LATENCY cycles with its accumulator, and the link of the psum chain
// that runs down its column. Psums either go down the chain each step (operand k stationary) or stay and are drained.
module pe #(
    parameter int unsigned OPERAND_BITS = 16,
    parameter int unsigned PSUM_BITS = 32,
    parameter int unsigned MAC_LATENCY = 1,   // operand consumed to psum registered
    parameter int unsigned PRODUCT_SHIFT = 0  // products are rounded by it
) (
    input  logic                           clk,
    input  logic                           en,
    input  logic                           stationary,
    // As operands enter.
    input  logic                           load,
    input  logic                           step,
    input  logic                           swap,
    input  logic signed [OPERAND_BITS-1:0] x,
    input  logic signed [OPERAND_BITS-1:0] k,
    // MAC_LATENCY - 1 cycles later, when they are accumulated.
    input  logic                           add,
    input  logic                           first,
    input  logic                           take_sum,
    input  logic                           take_psum,
    input  logic                           drain,
    input  logic signed [PSUM_BITS-1:0]    chain_in,
    output logic signed [PSUM_BITS-1:0]    chain_out
);
    // The stationary operand: one set in use, one being loaded.
    logic signed [OPERAND_BITS-1:0] held, loading, k_now;
    assign k_now = !stationary ? k : swap ? loading : held;
    always_ff @(posedge clk) begin
        if (en && load) loading <= k;
        if (en && step && swap) held <= loading;
    end

    localparam int unsigned PRODUCT_BITS = 2 * OPERAND_BITS;
    localparam logic signed [PRODUCT_BITS:0] HALF =
        PRODUCT_SHIFT == 0 ? '0 : (PRODUCT_BITS + 1)'(1) << (PRODUCT_SHIFT == 0 ? 0 : PRODUCT_SHIFT - 1);
    logic signed [PRODUCT_BITS:0] product;
    logic signed [PSUM_BITS-1:0]  rounded, term;
    assign product = (PRODUCT_BITS + 1)'(x) * (PRODUCT_BITS + 1)'(k_now) + HALF;
    assign rounded = PSUM_BITS'(product >>> PRODUCT_SHIFT);
    delay #(.WIDTH(PSUM_BITS), .DEPTH(MAC_LATENCY - 1)) u_pipeline (.clk, .en, .in(rounded), .out(term));

    // The psum: one register accumulates, one is drained.
    logic signed [PSUM_BITS-1:0] psum, draining, sum;
    assign sum       = (stationary ? chain_in : first ? '0 : psum) + term;
    assign chain_out = stationary ? sum : drain ? draining : chain_in;
    always_ff @(posedge clk) begin
        if (en && add) psum <= sum;
        if (en && (take_sum || take_psum)) draining <= take_sum ? sum : psum;
    end
endmodule
