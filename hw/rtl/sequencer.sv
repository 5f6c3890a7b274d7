// Walks the passes of a layer: load (operand k, when it is stationary and changed), stream (one step a cycle, when its
// operands are there) and drain (psums that stayed). README.md has the rules that keep passes apart.
//
// All waits count cycles in which the array advances.
module sequencer #(
    parameter int unsigned ROWS = 4,
    parameter int unsigned COLS = 4,
    parameter int unsigned BEAT_WORDS = 4,  // of the psum channel
    parameter int unsigned MAC_LATENCY = 1,
    parameter int unsigned HOP_X = 1,
    parameter int unsigned HOP_Y = 1
) (
    input  logic                      clk,
    input  logic                      rst,
    input  heddle_pkg::pass_options_t options,
    // Commands.
    input  logic                      command_valid,
    input  heddle_pkg::descriptor_t   command,
    output logic                      command_pop,
    output logic                      stationary,     // of the layer at work
    output heddle_pkg::count_t        stride_x,
    // Operands of a step.
    output logic                      take,           // wanted
    input  logic                      x_complete,
    input  logic                      k_complete,
    output logic                      step,           // used
    output heddle_pkg::count_t        rows,           // of the array in use
    // Words of the stationary operand.
    input  logic                      load_valid,
    input  heddle_pkg::place_t        load_count,
    input  logic                      load_last,
    output logic                      load_pop,
    // To the array.
    output heddle_pkg::wave_t         wave,
    // Results.
    input  logic                      advance,
    input  logic                      port_idle,
    input  logic                      port_ready,
    output logic                      send,
    output heddle_pkg::count_t        send_wave,
    output heddle_pkg::result_t       send_info,
    output logic                      send_now,
    // For observers.
    output heddle_pkg::count_t        passes,
    output heddle_pkg::count_t        loads
);
    import heddle_pkg::*;

    typedef enum logic [1:0] {IDLE, WAITING, LOADING, STREAMING} phase_e;

    function automatic count_t max(count_t a, count_t b);
        return a > b ? a : b;
    endfunction
    function automatic count_t minus(count_t a, count_t b);  // not below 0
        return a > b ? a - b : 0;
    endfunction
    function automatic count_t beats_of(count_t words);
        return (words + BEAT_WORDS - 1) / BEAT_WORDS;
    endfunction
    function automatic count_t side(count_t all, count_t used);
        return options.edges_full ? all : used;
    endfunction

    // ---- State

    descriptor_t layer, layer_q;
    phase_e      phase_q;
    logic        first_pass_q;        // of the layer
    logic        stepped_q;           // the pass has had its first step
    count_t      done_q;              // its steps so far
    range_t      range_before_q;
    count_t      wave_before_q;
    count_t      may_start_q;         // cycles until the next pass may begin
    count_t      since_q;             // cycles since the first step of the pass, or of the one before
    count_t      last_drain_q;        // length of the last drain
    count_t      port_busy_q;         // cycles for which the port's beats are given away
    logic        load_expected_q, load_begun_q, load_complete_q, load_allowed_q;
    count_t      load_wait_q;         // cycles until the load's words have come down
    place_t      load_row_q, load_col_q;

    // ---- A new layer: from this very cycle on

    logic   start;
    phase_e phase;
    logic   load_expected, drain_idle;
    assign start         = phase_q == IDLE && port_idle && drain_idle && command_valid;
    assign command_pop   = start;
    assign layer         = start ? command : layer_q;
    assign stationary    = layer.stationary;
    assign stride_x      = layer.stride[AXIS_X];
    assign phase         = start ? WAITING : phase_q;
    assign load_expected = start ? command.stationary : load_expected_q;

    // ---- The pass

    range_t range, load_range;
    logic   last_pass, last_load, finish, load_done;
    loop_nest u_passes (
        .clk, .rst, .next(finish), .extent(layer.extent), .loops(layer.loops), .range, .last(last_pass));
    loop_nest #(.LOADS_ONLY(1)) u_loads (
        .clk, .rst, .next(load_done), .extent(layer.extent), .loops(layer.loops), .range(load_range), .last(last_load));

    count_t cols, steps, way, row_beats;
    place_t exit_row, exit_col;
    logic   new_k;
    assign rows      = range.hi[AXIS_Y] - range.lo[AXIS_Y];
    assign cols      = range.hi[AXIS_X] - range.lo[AXIS_X];
    assign steps     = range.hi[AXIS_S] - range.lo[AXIS_S];
    assign exit_row  = place_t'(side(ROWS, rows) - 1);
    assign exit_col  = place_t'(side(COLS, cols) - 1);
    assign way       = count_t'(exit_row) * HOP_Y + count_t'(exit_col) * HOP_X + MAC_LATENCY - 1;
    assign row_beats = beats_of(cols);
    assign new_k     = layer.stationary &&
                       (start || first_pass_q || range.lo[AXIS_Y] != range_before_q.lo[AXIS_Y] ||
                        range.hi[AXIS_Y] != range_before_q.hi[AXIS_Y] ||
                        range.lo[AXIS_X] != range_before_q.lo[AXIS_X] ||
                        range.hi[AXIS_X] != range_before_q.hi[AXIS_X]);

    logic may_start, enter_loading, loading, begins, swap, streaming, backlog, first, last;
    // A load hidden behind the pass before keeps the two apart even when its words came early.
    logic load_apart;
    assign load_apart = start || first_pass_q || !new_k || !options.load_hidden ||
                        since_q >= side(ROWS, rows) + options.gap_cycles +
                                   (options.wavefront_chained ? 0 : wave_before_q);
    assign may_start     = (phase == WAITING || phase == LOADING) && advance && (start || may_start_q == 0) &&
                           load_apart;
    assign enter_loading = may_start && new_k && !options.load_hidden && phase == WAITING;
    assign begins        = may_start && (!new_k || (!start && load_complete_q && load_wait_q == 0));
    assign swap          = begins && new_k;
    assign streaming     = phase == STREAMING || begins;
    assign loading       = (phase == LOADING || enter_loading) && !begins;

    // A step's sums must find the port free when they have crossed the array; with no way to go, at once.
    assign backlog = layer.stationary && (port_busy_q > way || (way == 0 && !port_ready));
    assign take    = streaming && advance && !backlog;
    assign step    = take && x_complete && (layer.stationary || k_complete);
    assign first   = step && !stepped_q;
    assign last    = step && done_q == steps - 1;
    assign finish  = last;

    // ---- The load, into the second set of registers

    logic   load_allowed, load_complete;
    place_t load_cols;
    count_t load_left;
    assign load_allowed  = options.load_hidden ? start || (load_allowed_q && !swap) || first : loading;
    assign load_complete = !start && load_complete_q && !swap;
    assign load_pop  = load_expected && !load_complete && load_allowed && advance && load_valid;
    assign load_done = load_pop && load_last;
    assign load_cols = place_t'(load_range.hi[AXIS_X] - load_range.lo[AXIS_X]);
    assign load_left = load_begun_q ? load_wait_q
                                    : side(ROWS, load_range.hi[AXIS_Y] - load_range.lo[AXIS_Y]);

    // ---- The drain, or the results of each step

    count_t  drain_beats, drain_length, drain_start, drain_wave;
    place_t  drain_row, drain_exit_row, drain_exit_col;
    logic    drain_send, take_sum, take_psum;
    result_t info, drain_info;
    axis_e   reduction;
    assign reduction    = layer.stationary ? AXIS_Y : AXIS_S;
    assign drain_beats  = rows * row_beats;
    assign drain_length = options.edges_full ? ROWS * beats_of(COLS) : drain_beats;
    // In a whole-array drain unused rows go ahead. Behind an earlier drain while that has the drain registers or the
    // port.
    assign drain_start  = max(1 + minus(drain_length, drain_beats),
                              minus(port_busy_q, way < wave_before_q ? way : wave_before_q));
    always_comb begin
        info.count   = cols;
        info.address = range.lo[AXIS_Y] * layer.stride[AXIS_Y] + range.lo[AXIS_X] * layer.stride[AXIS_X] +
                       (range.lo[AXIS_S] + done_q) * layer.stride[AXIS_S];
        info.first   = range.lo[reduction] == 0;
        info.last    = range.hi[reduction] == layer.extent[reduction];
    end
    drain_unit u_drain (
        .clk, .rst, .advance, .finish(finish && !layer.stationary), .start(drain_start), .rows, .interval(row_beats),
        .wave(way), .exit_row, .exit_col, .info, .stride_y(layer.stride[AXIS_Y]),
        .overwrite(first && !layer.stationary), .take_sum, .take_psum, .send(drain_send), .send_row(drain_row),
        .send_wave(drain_wave), .send_exit_row(drain_exit_row), .send_exit_col(drain_exit_col),
        .send_info(drain_info), .idle(drain_idle)
    );
    assign send      = layer.stationary ? step : drain_send && advance;
    assign send_wave = layer.stationary ? way : drain_wave;
    assign send_info = layer.stationary ? info : drain_info;
    assign send_now  = drain_send && drain_wave == 0;

    always_comb begin
        wave           = '0;
        wave.step      = step;
        wave.first     = first;
        wave.swap      = step && first && new_k;
        wave.take_sum  = take_sum;
        wave.take_psum = take_psum;
        wave.drain     = drain_send;
        wave.drain_row = drain_row;
        wave.load      = load_pop;
        wave.load_row  = load_row_q;
        wave.load_col  = load_col_q;
        wave.load_end  = load_col_q + load_count;
        wave.result    = send;
        wave.exit_row  = layer.stationary ? exit_row : drain_exit_row;
        wave.exit_col  = layer.stationary ? exit_col : drain_exit_col;
    end

    // ---- How far apart passes are

    count_t since, rest, exposed;
    logic   wait_for_drain;
    assign since          = first ? 0 : since_q;
    assign wait_for_drain = !layer.stationary && !options.drain_hidden;
    // A hidden drain keeps passes its length apart; and where the next psum registers are needed before the last drain
    // has sent its rows (a smaller pass after a bigger one, edges used, has to wait for the port), until it has.
    assign rest           = max(minus(options.min_cycles, since + 1), start || !options.drain_hidden ? 0 :
                                max(minus(last_drain_q, since + 1),
                                    layer.stationary ? 0 : minus(port_busy_q, wave_before_q + 1)));
    assign exposed        = (wait_for_drain ? drain_length : 0) +
                            (!options.wavefront_chained || wait_for_drain ? way : 0);

    count_t port_busy;
    assign port_busy = finish && !layer.stationary ? drain_start + way + drain_beats
                     : step && layer.stationary    ? way + row_beats
                                                   : port_busy_q;

    always_ff @(posedge clk) begin
        if (advance) begin
            since_q     <= since + 1;
            port_busy_q <= minus(port_busy, 1);
            may_start_q <= finish ? rest + options.gap_cycles + exposed : start ? 0 : minus(may_start_q, 1);
            load_wait_q <= minus(load_pop ? load_left : load_wait_q, 1);
        end
        if (start) begin
            layer_q      <= command;
            phase_q      <= WAITING;
            first_pass_q <= 1;
            last_drain_q <= 0;
        end
        if (enter_loading) phase_q <= LOADING;
        if (begins) begin
            phase_q   <= STREAMING;
            stepped_q <= 0;
            done_q    <= 0;
            passes    <= passes + 1;
            loads     <= loads + count_t'(swap);
        end
        if (step) begin
            stepped_q <= 1;
            done_q    <= done_q + 1;
        end
        if (finish) begin
            phase_q        <= last_pass ? IDLE : WAITING;
            first_pass_q   <= 0;
            range_before_q <= range;
            wave_before_q  <= way;
            last_drain_q   <= layer.stationary ? 0 : drain_length;
            stepped_q      <= 0;
            done_q         <= 0;
        end

        load_allowed_q  <= load_allowed;
        load_complete_q <= load_complete || load_done;
        load_expected_q <= load_expected && !(load_done && last_load);
        if (load_pop) begin
            load_begun_q <= !load_last;
            load_col_q   <= wave.load_end;
            if (wave.load_end == load_cols) begin
                load_col_q <= 0;
                load_row_q <= load_last ? 0 : load_row_q + 1;
            end
        end

        if (rst) begin
            phase_q         <= IDLE;
            stepped_q       <= 0;
            done_q          <= 0;
            may_start_q     <= 0;
            since_q         <= 0;
            port_busy_q     <= 0;
            load_expected_q <= 0;
            load_begun_q    <= 0;
            load_complete_q <= 0;
            load_allowed_q  <= 0;
            load_wait_q     <= 0;
            load_row_q      <= 0;
            load_col_q      <= 0;
            passes          <= 0;
            loads           <= 0;
        end
    end
endmodule
