// The ready/valid channel of hw/channel.hpp: an entry pushed in cycle t can be popped from t + LATENCY on, a slot freed
// in t can be refilled in t + 1. Both ends see registered state only.
module channel #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned DEPTH = 2,
    parameter int unsigned LATENCY = 1
) (
    input  logic             clk,
    input  logic             rst,
    input  logic             push,    // only while ready
    input  logic [WIDTH-1:0] in,
    output logic             ready,
    input  logic             pop,     // only while valid
    output logic [WIDTH-1:0] out,
    output logic             valid,
    output heddle_pkg::count_t fill
);
    import heddle_pkg::*;

    logic [WIDTH-1:0] entry[DEPTH];
    count_t           wait_cycles[DEPTH];  // until the entry may be popped
    count_t           head, tail, used;

    assign ready = used < DEPTH;
    assign valid = used > 0 && wait_cycles[head[$clog2(DEPTH)-1:0]] == 0;
    assign out   = entry[head[$clog2(DEPTH)-1:0]];
    assign fill  = used;

    always_ff @(posedge clk) begin
        for (int i = 0; i < int'(DEPTH); ++i)
            if (wait_cycles[i] != 0) wait_cycles[i] <= wait_cycles[i] - 1;
        if (push) begin
            entry[tail[$clog2(DEPTH)-1:0]]       <= in;
            wait_cycles[tail[$clog2(DEPTH)-1:0]] <= LATENCY - 1;
            tail                                 <= tail == DEPTH - 1 ? 0 : tail + 1;
        end
        if (pop) head <= head == DEPTH - 1 ? 0 : head + 1;
        used <= used + count_t'(push) - count_t'(pop);
        if (rst) begin
            head <= 0;
            tail <= 0;
            used <= 0;
            for (int i = 0; i < int'(DEPTH); ++i) wait_cycles[i] <= 0;
        end else begin
            assert (!push || ready) else $error("channel: push refused");
            assert (!pop || valid) else $error("channel: pop refused");
        end
    end
endmodule
