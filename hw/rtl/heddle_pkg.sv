// Types shared by the modules.
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

    // What the outermost `n` loops cover where they stand, each at `at` inside the loop outside it on the same axis.
    function automatic range_t range_of(count_t [2:0] extent, loop_t [LOOPS-1:0] loops, count_t [LOOPS-1:0] at,
                                        count_t n);
        range_of.lo = '0;
        range_of.hi = extent;
        for (int l = 0; l < int'(LOOPS); ++l) begin
            automatic axis_e  a = loops[l].axis;
            automatic count_t left = range_of.hi[a] - range_of.lo[a];
            if (count_t'(l) < n) begin
                if (at[l] + loops[l].step < left) range_of.hi[a] = range_of.lo[a] + at[l] + loops[l].step;
                range_of.lo[a] = range_of.lo[a] + at[l];
            end
        end
    endfunction

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

    // ---- Operands in the global buffer

    // An index along an axis is a number of up to three digits (channel, filter row, filter column), [0] innermost.
    // What one step of a digit does to the word of a tensor, and to its row and column in the feature map:
    localparam int unsigned DIGITS = 3;
    typedef struct packed {
        count_t word;  // two's complement: windows begin on padding
        count_t row;
        count_t col;
    } spot_t;
    typedef struct packed {
        count_t size;
        spot_t  step;
    } digit_t;
    typedef digit_t [DIGITS-1:0] radix_t;

    // Where an operand's words lie in its partition. Each cycle's words lie along the `lane` axis; the `outer` axis
    // leads from one such row of words to the next.
    typedef struct packed {
        spot_t  origin;  // of index 0 along both axes
        count_t rows;    // of the map: what lies outside is padding, and reads as 0
        count_t cols;
        radix_t lane;
        radix_t outer;
        count_t lane_unit;   // so many indices of each axis at a time are fetched, and take
        count_t outer_unit;
        count_t unit_words;  // words together
    } tensor_t;

    // What a layer is to the buffer.
    typedef struct packed {
        descriptor_t array;
        count_t      tiles;        // so many of the outermost loops step from tile to tile
        logic        accumulates;  // psums leave the array unfinished
        tensor_t     x;
        tensor_t     k;
    } layer_t;

    // A partition's ports: constants of the machine.
    typedef struct packed {
        count_t words;   // of a beat
        logic   gather;  // any words, else words of one line
    } port_t;
    typedef struct packed {
        port_t  read;
        port_t  write;      // operands are filled with adjacent words, whatever lines they lie in
        logic   shared;     // one port for both: a read and a write never share a cycle
        count_t line_bits;  // a line has 2^line_bits words
    } ports_t;

    // Adjacent words from the memory; `tile` counts the tiles that the operand fetches.
    typedef struct packed {
        count_t tile;
        count_t first_word;
        count_t count;
    } fill_t;

    // Room that a partition gained.
    typedef struct packed {
        logic   to_k;
        count_t words;
    } credit_t;

    function automatic spot_t add(spot_t a, spot_t b);
        return '{a.word + b.word, a.row + b.row, a.col + b.col};
    endfunction
    function automatic spot_t times(spot_t a, count_t n);
        return '{a.word * n, a.row * n, a.col * n};
    endfunction

endpackage
