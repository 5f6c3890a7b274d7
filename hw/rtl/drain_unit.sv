// Sends kept psums down the chain, row by row from row 0 on, one each time the way out is free: the rows of one pass
// from the drain registers, while those of the next may wait in the psum registers.
module drain_unit (
    input  logic                clk,
    input  logic                rst,
    input  logic                advance,
    // A pass completes its psums in this cycle; its first row is to be sent `start` cycles from now.
    input  logic                finish,
    input  heddle_pkg::count_t  start,
    input  heddle_pkg::count_t  rows,
    input  heddle_pkg::count_t  interval,   // cycles per row
    input  heddle_pkg::count_t  wave,       // of the pass, with where its results leave
    input  heddle_pkg::place_t  exit_row,
    input  heddle_pkg::place_t  exit_col,
    input  heddle_pkg::result_t info,       // of row 0
    input  heddle_pkg::count_t  stride_y,   // addresses of neighbouring rows
    input  logic                overwrite,  // the next pass starts its psums in this cycle
    // To the array.
    output logic                take_sum,
    output logic                take_psum,
    output logic                send,
    output heddle_pkg::place_t  send_row,
    output heddle_pkg::count_t  send_wave,
    output heddle_pkg::place_t  send_exit_row,
    output heddle_pkg::place_t  send_exit_col,
    output heddle_pkg::result_t send_info,
    output logic                idle
);
    import heddle_pkg::*;

    typedef struct packed {
        logic    busy;
        count_t  start, rows, interval, wave;
        place_t  exit_row, exit_col;
        result_t info;
    } job_t;
    job_t   now, after;  // being sent, and waiting for the drain registers
    count_t row, part;

    function automatic job_t tick(job_t j);
        tick       = j;
        tick.start = j.start == 0 ? 0 : j.start - 1;
    endfunction

    logic sending, done, vacant;
    job_t fresh;
    assign sending = now.busy && now.start == 0;
    assign done    = sending && row == now.rows - 1 && part == now.interval - 1;
    assign vacant  = (!now.busy || done) && !after.busy;
    assign fresh   = '{1'b1, start - 1, rows, interval, wave, exit_row, exit_col, info};

    assign take_sum      = finish && vacant;
    assign take_psum     = done && after.busy;
    assign send          = sending && part == 0;
    assign send_row      = place_t'(row);
    assign send_wave     = now.wave;
    assign send_exit_row = now.exit_row;
    assign send_exit_col = now.exit_col;
    assign send_info     = now.info;
    assign idle          = !now.busy && !after.busy;

    always_ff @(posedge clk) begin
        if (advance) begin
            now   <= take_sum ? fresh : done ? tick(after) : tick(now);
            after <= finish && !vacant ? fresh : done ? '0 : tick(after);
            if (sending && !done) begin
                part <= part == now.interval - 1 ? 0 : part + 1;
                if (part == now.interval - 1) begin
                    row              <= row + 1;
                    now.info.address <= now.info.address + stride_y;
                end
            end
            if (done) begin
                row  <= 0;
                part <= 0;
            end
            assert (rst || !(finish && after.busy && !done)) else $error("drain: three passes wait to be drained");
            assert (rst || !(overwrite && after.busy && !done)) else $error("drain: a psum is overwritten");
        end
        if (rst) begin
            now   <= '0;
            after <= '0;
            row   <= 0;
            part  <= 0;
        end
    end
endmodule
