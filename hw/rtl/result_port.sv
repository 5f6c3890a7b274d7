// The way from the array's exit to the psum channel. It knows when rows of sums arrive, from the sequencer's word that
// they were sent; cuts a row into beats; and lets the array stand still while a beat that is due finds the channel
// full.
module result_port #(
    parameter int unsigned COLS = 4,
    parameter int unsigned BEAT_WORDS = 4,
    parameter int unsigned PSUM_BITS = 32,
    parameter int unsigned WAVE_MAX = 8  // longest way through the array
) (
    input  logic                         clk,
    input  logic                         rst,
    // A row of sums is sent (only while advance) and arrives `wave` cycles later.
    input  logic                         send,
    input  heddle_pkg::count_t           wave,
    input  heddle_pkg::result_t          info,
    input  logic                         send_now,  // registered: one will be sent with wave 0 in this cycle
    input  logic                         row_valid,
    input  logic signed [PSUM_BITS-1:0]  row[COLS],
    input  heddle_pkg::count_t           stride_x,  // addresses of neighbouring words
    output logic                         advance,   // the array moves on
    output logic                         idle,      // nothing under way
    // The channel.
    input  logic                         ready,
    output logic                         push,
    output heddle_pkg::result_t          beat,
    output logic signed [PSUM_BITS-1:0]  value[BEAT_WORDS]
);
    import heddle_pkg::*;

    logic                        due[WAVE_MAX+2];       // a row arrives in so many cycles
    result_t                     due_info[WAVE_MAX+2];
    logic                        cutting;               // beats of a row that arrived before are left
    result_t                     cut_info;              // of what is left
    logic signed [PSUM_BITS-1:0] cut[COLS];             // likewise, moved to the front

    logic                        arrives;
    result_t                     now_info;
    logic signed [PSUM_BITS-1:0] now[COLS];
    logic                        more;

    assign advance  = ready || !(due[0] || cutting || send_now);
    assign arrives  = due[0] || (send && wave == 0);
    assign now_info = cutting ? cut_info : due[0] ? due_info[0] : info;
    always_comb begin
        now        = cutting ? cut : row;
        push       = advance && (cutting || arrives);
        more       = now_info.count > BEAT_WORDS;
        beat       = now_info;
        beat.count = more ? BEAT_WORDS : now_info.count;
        for (int i = 0; i < int'(BEAT_WORDS); ++i) value[i] = now[i];
        idle = !cutting;
        for (int d = 0; d < int'(WAVE_MAX) + 2; ++d) idle = idle && !due[d];
    end

    always_ff @(posedge clk) begin
        if (advance) begin
            for (int d = 0; d < int'(WAVE_MAX) + 2; ++d) begin
                due[d]      <= send && wave == count_t'(d + 1) ? 1'b1 : d <= int'(WAVE_MAX) ? due[d+1] : 1'b0;
                due_info[d] <= send && wave == count_t'(d + 1) ? info : due_info[d <= int'(WAVE_MAX) ? d + 1 : d];
            end
            cutting          <= push && more;
            cut_info         <= now_info;
            cut_info.count   <= now_info.count - BEAT_WORDS;
            cut_info.address <= now_info.address + BEAT_WORDS * stride_x;
            for (int i = 0; i < int'(COLS); ++i) cut[i] <= i + int'(BEAT_WORDS) < int'(COLS) ? now[i+BEAT_WORDS] : '0;
        end
        if (rst) begin
            cutting <= 0;
            for (int d = 0; d < int'(WAVE_MAX) + 2; ++d) due[d] <= 0;
        end else if (advance) begin
            assert (row_valid == arrives) else $error("result_port: a row came when none was due, or did not come");
            assert (!(cutting && arrives)) else $error("result_port: a row came while another was leaving");
        end
    end
endmodule
