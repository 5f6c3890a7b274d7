// Reads one operand of a layer out of its partition: walks the passes, and in each the rows of words that the array
// takes together, as many words a cycle as the port's width and lines allow. A streamed operand has one row of words
// per step; one that is kept has a load per pass that needs it, row by row of the array.
module read_engine #(
    parameter int unsigned LANES = 4
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      start,   // the layer's first cycle
    input  heddle_pkg::count_t [2:0]  extent,
    input  heddle_pkg::loop_t [heddle_pkg::LOOPS-1:0] loops,
    input  heddle_pkg::count_t        tiles,
    input  heddle_pkg::tensor_t       tensor,
    input  heddle_pkg::axis_e         lane_axis,
    input  heddle_pkg::axis_e         outer_axis,
    input  logic                      kept,
    // The partition.
    input  heddle_pkg::port_t         port,
    input  heddle_pkg::count_t        line_bits,
    output heddle_pkg::count_t        fetch,           // of the tiles that the operand fetches, the one in use
    output heddle_pkg::count_t        fetched,         // its words
    output logic                      reads[LANES],
    output heddle_pkg::count_t        address[LANES],
    input  logic                      present[LANES],
    output logic                      uses_port,
    output logic                      leaves,          // it: nothing needs its words any more
    // The channel.
    input  logic                      ready,
    output logic                      push,
    output heddle_pkg::place_t        count,
    output logic                      last             // of a row, or of a load
);
    import heddle_pkg::*;

    function automatic logic same(range_t a, range_t b, axis_e axis);
        return a.lo[axis] == b.lo[axis] && a.hi[axis] == b.hi[axis];
    endfunction

    // ---- Where it stands

    logic   busy_q, active, last_pass, next_pass;
    count_t lane_q, outer_q, fetch_q;  // of the row, of the rows, of the tiles fetched
    range_t range, tile, tile_next;
    tile_nest u_nest (
        .clk, .rst, .next(next_pass), .loads_only(kept), .extent, .loops, .tiles, .range,
        .last(last_pass), .tile, .tile_next);
    count_t lanes_left, outers_left;
    assign active      = start || busy_q;
    assign lanes_left  = range.hi[lane_axis] - range.lo[lane_axis] - lane_q;
    assign outers_left = range.hi[outer_axis] - range.lo[outer_axis] - outer_q;

    // ---- Its tile

    logic other_tile;
    assign other_tile = last_pass || !same(tile, tile_next, lane_axis) || !same(tile, tile_next, outer_axis);
    assign fetch      = fetch_q;
    assign fetched    = (tile.hi[lane_axis] - tile.lo[lane_axis]) / tensor.lane_unit *
                        ((tile.hi[outer_axis] - tile.lo[outer_axis]) / tensor.outer_unit) * tensor.unit_words;
    assign leaves     = next_pass && other_tile;

    // ---- Its words: digits of the first lane, then lane by lane with a carry

    function automatic spot_t spot_of(radix_t radix, count_t index);
        automatic count_t rest = index;
        spot_of = '0;
        for (int d = 0; d < int'(DIGITS); ++d) begin
            spot_of = add(spot_of, times(radix[d].step, rest % radix[d].size));
            rest    = rest / radix[d].size;
        end
    endfunction
    function automatic count_t [DIGITS-1:0] digits_of(radix_t radix, count_t index);
        automatic count_t rest = index;
        for (int d = 0; d < int'(DIGITS); ++d) begin
            digits_of[d] = rest % radix[d].size;
            rest         = rest / radix[d].size;
        end
    endfunction

    spot_t row_spot;
    count_t [DIGITS-1:0] first_digits;
    assign row_spot     = add(tensor.origin, spot_of(tensor.outer, range.lo[outer_axis] + outer_q));
    assign first_digits = digits_of(tensor.lane, range.lo[lane_axis] + lane_q);
    always_comb begin
        automatic count_t [DIGITS-1:0] digit = first_digits;
        for (int i = 0; i < int'(LANES); ++i) begin
            automatic spot_t spot = row_spot;
            automatic logic  carry = 1;
            for (int d = 0; d < int'(DIGITS); ++d) spot = add(spot, times(tensor.lane[d].step, digit[d]));
            address[i] = spot.word;
            reads[i]   = count_t'(i) < lanes_left && spot.row < tensor.rows && spot.col < tensor.cols;
            for (int d = 0; d < int'(DIGITS); ++d) begin
                if (carry) digit[d] = digit[d] + 1;
                carry = carry && digit[d] == tensor.lane[d].size;
                if (carry) digit[d] = 0;
            end
        end
    end

    // ---- One beat: up to the port's width, the end of the line or of the row. Padding is free.

    logic starved, some;
    always_comb begin
        automatic logic   full = 0;
        automatic count_t distinct = 0, line = 0;
        starved = 0;
        count   = 0;
        for (int i = 0; i < int'(LANES); ++i) begin
            if (count_t'(i) >= lanes_left) full = 1;
            if (!full && reads[i]) begin
                if (distinct == port.words ||
                    (!port.gather && distinct != 0 && address[i] >> line_bits != line)) begin
                    full = 1;
                end else begin
                    starved  = starved || !present[i];
                    distinct = distinct + 1;
                    line     = address[i] >> line_bits;
                end
            end
            if (!full) count = place_t'(i + 1);
        end
        some = distinct != 0;
    end
    assign uses_port = push && some;
    assign push      = active && ready && !starved;
    assign last      = count_t'(count) == lanes_left && (!kept || outers_left == 1);
    assign next_pass = push && count_t'(count) == lanes_left && outers_left == 1;

    always_ff @(posedge clk) begin
        if (start) busy_q <= 1;
        if (push) begin
            lane_q <= lane_q + count_t'(count);
            if (count_t'(count) == lanes_left) begin
                lane_q  <= 0;
                outer_q <= outers_left == 1 ? 0 : outer_q + 1;
            end
        end
        if (leaves) fetch_q <= fetch_q + 1;
        if (rst || (next_pass && last_pass)) begin
            busy_q  <= 0;
            lane_q  <= 0;
            outer_q <= 0;
            fetch_q <= 0;
        end
    end
endmodule
