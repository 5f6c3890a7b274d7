// Room that tiles gave back, on its way to the memory side: both operands may free words in one cycle, one credit
// leaves per cycle.
module credit_queue #(
    parameter int unsigned DEPTH = 8
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                k_leaves,  // first
    input  heddle_pkg::count_t  k_freed,
    input  logic                x_leaves,
    input  heddle_pkg::count_t  x_freed,
    input  logic                ready,     // the channel
    output logic                push,
    output heddle_pkg::credit_t credit
);
    import heddle_pkg::*;

    credit_t [DEPTH-1:0] waiting_q, waiting;
    count_t              used_q, used;
    always_comb begin
        waiting = waiting_q;
        used    = used_q;
        for (int i = 0; i < int'(DEPTH); ++i)
            if (k_leaves && used_q == count_t'(i)) waiting[i] = '{1'b1, k_freed};
        if (k_leaves) used = used + 1;
        for (int i = 0; i < int'(DEPTH); ++i)
            if (x_leaves && used == count_t'(i)) waiting[i] = '{1'b0, x_freed};
        if (x_leaves) used = used + 1;
        push   = used != 0 && ready;
        credit = waiting[0];
    end
    always_ff @(posedge clk) begin
        for (int i = 0; i < int'(DEPTH); ++i)
            waiting_q[i] <= !push ? waiting[i] : i + 1 < int'(DEPTH) ? waiting[i+1] : '0;
        used_q <= push ? used - 1 : used;
        if (rst) used_q <= 0;
        assert (rst || used <= DEPTH) else $error("credit_queue: more credits than it holds");
    end
endmodule
