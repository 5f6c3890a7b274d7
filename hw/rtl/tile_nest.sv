// Walks the loops of a descriptor, tiles and folds. A loop runs over what the loop outside it on the same axis covers
// in one iteration, so the last iteration may be partial and nothing is padded.
module tile_nest (
    input  logic                     clk,
    input  logic                     rst,
    input  logic                     next,        // to the next pass; after the last one, to the first
    input  logic                     loads_only,  // step over passes that keep the stationary operand of the one before
    input  heddle_pkg::count_t [2:0] extent,
    input  heddle_pkg::loop_t [heddle_pkg::LOOPS-1:0] loops,
    input  heddle_pkg::count_t       tiles,       // so many of the outermost loops step from tile to tile
    output heddle_pkg::range_t       range,       // of the pass
    output logic                     last,
    output heddle_pkg::range_t       tile,        // that the pass is part of
    output heddle_pkg::range_t       tile_next    // and the next pass
);
    import heddle_pkg::*;

    count_t [LOOPS-1:0] at, at_next;  // position, relative to where the loop outside stands
    logic               more[LOOPS];  // another iteration is left
    logic               more_inside;  // a loop over y or x further inside has more than one iteration
    logic               advanced;

    assign tile      = range_of(extent, loops, at, tiles);
    assign tile_next = range_of(extent, loops, at_next, tiles);

    always_comb begin
        range.lo = '0;
        range.hi = extent;
        for (int l = 0; l < int'(LOOPS); ++l) begin
            automatic axis_e  a = loops[l].axis;
            automatic count_t left = range.hi[a] - range.lo[a];
            more[l] = at[l] + loops[l].step < left;
            if (more[l]) range.hi[a] = range.lo[a] + at[l] + loops[l].step;
            range.lo[a] = range.lo[a] + at[l];
        end
        // The stationary operand does not change when s moves on and y and x stand where they stood.
        more_inside = 0;
        for (int l = int'(LOOPS) - 1; l >= 0; --l) begin
            if (loops[l].axis != AXIS_S) more_inside = more_inside || more[l] || at[l] != 0;
            else if (loads_only && !more_inside) more[l] = 0;
        end
        last = 1;
        advanced = 0;
        for (int l = int'(LOOPS) - 1; l >= 0; --l) begin
            at_next[l] = at[l];
            if (!advanced) at_next[l] = more[l] ? at[l] + loops[l].step : 0;
            advanced = advanced || more[l];
            if (more[l]) last = 0;
        end
    end

    always_ff @(posedge clk) begin
        for (int l = 0; l < int'(LOOPS); ++l)
            if (rst) at[l] <= 0;
            else if (next) at[l] <= at_next[l];
    end
endmodule
