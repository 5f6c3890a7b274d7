// A delay of DEPTH enabled cycles; 0 is a wire.
module delay #(
    parameter int unsigned WIDTH = 1,
    parameter int unsigned DEPTH = 1
) (
    input  logic             clk,
    input  logic             en,
    input  logic [WIDTH-1:0] in,
    output logic [WIDTH-1:0] out
);
    if (DEPTH == 0) begin : g_wire
        logic unused;
        assign unused = &{1'b0, clk, en};
        assign out = in;
    end else begin : g_registers
        logic [WIDTH-1:0] line[DEPTH];
        always_ff @(posedge clk) begin
            if (en) begin
                line[0] <= in;
                for (int i = 1; i < int'(DEPTH); ++i) line[i] <= line[i-1];
            end
        end
        assign out = line[DEPTH-1];
    end
endmodule
