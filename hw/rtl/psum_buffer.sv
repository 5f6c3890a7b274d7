// The psum partition: each beat is added to what is there (read-modify-write); a word whose last update is still in
// flight waits. What takes several beats of a port, one a cycle, is through with the last of them. Complete sums leave for the post-processor as they are added, and are not written.
module psum_buffer #(
    parameter int unsigned BEAT_WORDS = 4,
    parameter int unsigned PSUM_BITS = 32,
    parameter int unsigned WORDS = 4096,
    parameter int unsigned UPDATE_LATENCY = 1  // read to written; also of the channel that complete sums leave by
) (
    input  logic                               clk,
    input  logic                               rst,
    input  heddle_pkg::ports_t                 ports,
    input  heddle_pkg::count_t                 capacity,  // words
    input  heddle_pkg::count_t                 stride_x,  // addresses of neighbouring words
    input  logic                               valid,
    input  heddle_pkg::result_t                info,
    input  logic [BEAT_WORDS-1:0][PSUM_BITS-1:0] value,
    output logic                               pop,
    input  logic                               ready,     // for complete sums
    output logic                               push,
    output logic [BEAT_WORDS-1:0][PSUM_BITS-1:0] sum
);
    import heddle_pkg::*;

    localparam int unsigned AT = $clog2(WORDS);
    logic [PSUM_BITS-1:0] store[WORDS];
    count_t               used, left;  // beats of the entry at the front that the ports still have to move
    logic                 busy;        // a shared port writes what it read in the cycle before
    count_t               address[BEAT_WORDS];
    logic                 uses[BEAT_WORDS];

    // Beats that the words take on a port: any `words` at a time, or words of one line.
    function automatic count_t beats(port_t port);
        automatic count_t in_beat = 0, line = 0;
        beats = 0;
        for (int i = 0; i < int'(BEAT_WORDS); ++i) begin
            automatic count_t at = info.address + count_t'(i) * stride_x;
            if (count_t'(i) < info.count) begin
                if (beats == 0 || in_beat == port.words || (!port.gather && at >> ports.line_bits != line)) begin
                    beats   = beats + 1;
                    in_beat = 0;
                end
                line    = at >> ports.line_bits;
                in_beat = in_beat + 1;
            end
        end
    endfunction

    always_comb begin
        for (int i = 0; i < int'(BEAT_WORDS); ++i) begin
            address[i] = info.address + count_t'(i) * stride_x;
            uses[i]    = count_t'(i) < info.count;
            sum[i]     = value[i] + (info.first ? '0 : store[address[i][AT-1:0]]);
        end
    end

    // ---- Words in flight: those of the beats of the last UPDATE_LATENCY - 1 cycles

    logic hazard;
    if (UPDATE_LATENCY > 1) begin : g_in_flight
        count_t flying[UPDATE_LATENCY-1][BEAT_WORDS];
        logic   flies[UPDATE_LATENCY-1][BEAT_WORDS];
        always_comb begin
            hazard = 0;
            for (int n = 0; n < int'(UPDATE_LATENCY) - 1; ++n)
                for (int f = 0; f < int'(BEAT_WORDS); ++f)
                    for (int i = 0; i < int'(BEAT_WORDS); ++i)
                        if (flies[n][f] && uses[i] && flying[n][f] == address[i]) hazard = 1;
        end
        always_ff @(posedge clk) begin
            for (int f = 0; f < int'(BEAT_WORDS); ++f) begin
                flying[0][f] <= address[f];
                flies[0][f]  <= pop && uses[f] && !rst;
                for (int n = 1; n < int'(UPDATE_LATENCY) - 1; ++n) begin
                    flying[n][f] <= flying[n-1][f];
                    flies[n][f]  <= flies[n-1][f] && !rst;
                end
            end
        end
    end else begin : g_at_once
        assign hazard = 0;
    end

    // ---- Room, ports, hazards

    logic   step;
    count_t read_beats, write_beats, both_beats, beats_left;
    assign read_beats  = beats(ports.read);
    assign write_beats = beats(ports.write);
    assign both_beats  = read_beats > write_beats ? read_beats : write_beats;
    assign beats_left  = left != 0 ? left : info.first ? write_beats : info.last ? read_beats : both_beats;
    assign step = valid && !busy && !(info.last && !ready) && !(info.first && capacity - used < info.count) &&
                  !(left == 0 && !info.first && hazard);
    assign pop  = step && beats_left == 1;
    assign push = pop && info.last;

    always_ff @(posedge clk) begin
        busy <= step && ports.shared && !info.first && !info.last;
        if (step) left <= beats_left - 1;
        if (pop) begin
            for (int i = 0; i < int'(BEAT_WORDS); ++i)
                if (uses[i]) store[address[i][AT-1:0]] <= sum[i];
            used <= used + (info.first ? info.count : 0) - (info.last ? info.count : 0);
        end
        if (rst) begin
            used <= 0;
            left <= 0;
            busy <= 0;
        end
        assert (rst || !pop || info.address + (info.count - 1) * stride_x < WORDS)
        else $error("psum_buffer: an address beyond WORDS");
    end
endmodule
