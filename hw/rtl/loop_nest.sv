// tile_nest for those who need no tiles.
module loop_nest #(
    parameter bit LOADS_ONLY = 0  // steps over passes that keep the stationary operand of the pass before
) (
    input  logic                     clk,
    input  logic                     rst,
    input  logic                     next,
    input  heddle_pkg::count_t [2:0] extent,
    input  heddle_pkg::loop_t [heddle_pkg::LOOPS-1:0] loops,
    output heddle_pkg::range_t       range,
    output logic                     last
);
    heddle_pkg::range_t tile, tile_next;
    logic               unused;
    assign unused = &{1'b0, tile, tile_next};
    tile_nest u_nest (
        .clk, .rst, .next, .loads_only(LOADS_ONLY), .extent, .loops, .tiles(0), .range, .last, .tile, .tile_next);
endmodule
