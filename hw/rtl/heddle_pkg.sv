// Types shared by the modules of the array slice.
package heddle_pkg;

    // Loops from pass to pass, outermost at index 0: tiles and folds alike.
    localparam int unsigned LOOPS = 6;

    typedef logic [31:0] count_t;
    typedef logic [7:0]  place_t;  // a row or column of the array, at most 255

    // The layer seen as C[m][n] = sum over k of A[m][k] B[k][n]: each of the three indices lies on one axis. Y and X
    // are spread over the rows and columns of the array, S is streamed, one index a step.
    typedef enum logic [1:0] {AXIS_Y, AXIS_X, AXIS_S} axis_e;

    typedef struct packed {
        axis_e  axis;
        count_t step;  // indices of the axis that one iteration covers; a loop that runs once steps over everything
    } loop_t;

    // What a layer is to the array.
    typedef struct packed {
        logic               stationary;  // 1: operand k is held and psums leave each step (WS, IS); 0: psums stay (OS)
        count_t [2:0]       extent;      // by axis
        count_t [2:0]       stride;      // of the result's address, by axis; 0 for the axis that is summed over
        loop_t  [LOOPS-1:0] loops;       // [0] outermost
    } descriptor_t;

    // What one pass covers of each axis: [lo, hi).
    typedef struct packed {
        count_t [2:0] lo;
        count_t [2:0] hi;
    } range_t;

    // How neighbouring passes overlap (README.md).
    typedef struct packed {
        logic   load_hidden;
        logic   drain_hidden;
        logic   wavefront_chained;
        logic   edges_full;
        count_t min_cycles;
        count_t gap_cycles;
    } pass_options_t;

    // Control that sweeps over the array with the wavefront: PE (r, c) sees it r x HOP_Y + c x HOP_X cycles after the
    // sequencer sent it, together with the operands that entered in the same cycle.
    typedef struct packed {
        logic   step;        // multiply and accumulate
        logic   first;       // ... starting a psum
        logic   swap;        // ... with the stationary operand loaded last
        logic   take_sum;    // the sum that this step completes goes to the drain register
        logic   take_psum;   // ... or a psum completed before, which waited in its register
        logic   drain;       // drain register of row drain_row into the chain
        place_t drain_row;
        logic   load;        // columns [load_col, load_end) of row load_row take what comes down their column
        place_t load_row;
        place_t load_col;
        place_t load_end;
        logic   result;      // a row of sums leaves the chain below row exit_row, columns 0 .. exit_col
        place_t exit_row;
        place_t exit_col;
    } wave_t;

    // What is known about a row of sums when it is sent on its way.
    typedef struct packed {
        count_t count;       // words
        count_t address;     // of the first
        logic   first;       // nothing accumulated before
        logic   last;        // complete after this
    } result_t;

endpackage
