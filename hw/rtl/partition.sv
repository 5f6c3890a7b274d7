// A partition of the global buffer that holds an operand: words with their fill state, and its ports. A fill wider than
// the write port takes several cycles, its channel's front staying until the last. A word filled in cycle t can be read
// from t + 1 on; on a shared port reads go first. A word lies under its index in the tensor: which place of the SRAM holds it is a
// renaming that costs nothing, and how much fits is what the credits say.
module partition #(
    parameter int unsigned LANES = 4,
    parameter int unsigned OPERAND_BITS = 16,
    parameter int unsigned FILL_WORDS = 16,  // of a fill beat
    parameter int unsigned WORDS = 4096,     // of the largest tensor
    parameter int unsigned TILES = 64        // that a layer may fetch
) (
    input  logic                           clk,
    input  logic                           rst,
    input  logic                           start,        // of a layer: nothing is here
    input  logic                           shared,       // one port for reads and fills
    input  heddle_pkg::count_t             write_words,  // of a fill that the port takes in a cycle
    input  logic                           whole_tiles,  // a tile can be read when all of it is there, else each word
    // Reads.
    input  logic                           read,         // in this cycle
    input  heddle_pkg::count_t             fetch,        // tile in use, of those fetched
    input  heddle_pkg::count_t             fetched,      // its words
    input  heddle_pkg::count_t             address[LANES],
    output logic                           present[LANES],
    output logic signed [OPERAND_BITS-1:0] word[LANES],
    // Fills.
    input  logic                           fill_valid,
    input  heddle_pkg::fill_t              fill,
    input  logic signed [OPERAND_BITS-1:0] fill_word[FILL_WORDS],
    output logic                           fill_pop
);
    import heddle_pkg::*;

    localparam int unsigned AT = $clog2(WORDS), TILE = $clog2(TILES);
    logic signed [OPERAND_BITS-1:0] store[WORDS];
    // The tile that a word was last filled for, counted over all layers from 1 on, TILES to each.
    count_t                         owner[WORDS] = '{default: 0};
    count_t                         tiles_before_q = 0, tiles_before;
    count_t [TILES-1:0]             filled;  // words
    count_t                         moved;   // words of the fill at the front that are here

    logic   complete, step;
    count_t after;
    assign tiles_before   = start ? tiles_before_q + TILES : tiles_before_q;
    assign complete = filled[fetch[TILE-1:0]] >= fetched && !start;
    assign step     = fill_valid && !(shared && read);
    assign after    = moved + write_words < fill.count ? moved + write_words : fill.count;
    assign fill_pop = step && after == fill.count;
    always_comb begin
        // Tiles are the same words or share none, and are filled in order: what belongs to the tile in use was filled
        // for it, or once more for a later one.
        for (int i = 0; i < int'(LANES); ++i) begin
            present[i] = complete || (!whole_tiles && owner[address[i][AT-1:0]] > tiles_before + fetch);
            word[i]    = store[address[i][AT-1:0]];
        end
    end

    always_ff @(posedge clk) begin
        if (step) begin
            moved <= fill_pop ? 0 : after;
            filled[fill.tile[TILE-1:0]] <= filled[fill.tile[TILE-1:0]] + after - moved;
            for (int i = 0; i < int'(FILL_WORDS); ++i) begin
                if (count_t'(i) >= moved && count_t'(i) < after) begin
                    store[AT'(fill.first_word + count_t'(i))] <= fill_word[i];
                    owner[AT'(fill.first_word + count_t'(i))] <= tiles_before + fill.tile + 1;
                end
            end
        end
        if (start || rst) begin
            tiles_before_q <= tiles_before;
            filled   <= '0;
        end
        if (rst) moved <= 0;
        assert (!step || (fill.tile < TILES && fill.first_word + fill.count <= WORDS))
        else $error("partition: a fill beyond WORDS or TILES");
        assert (!(step && start)) else $error("partition: filled before the layer began");
    end
endmodule
