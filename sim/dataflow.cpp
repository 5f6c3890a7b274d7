#include "sim/dataflow.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/nearest.hpp"
#include "sim/dataflow_vector.hpp"

#include <algorithm>

namespace heddle {

namespace {

using Index = std::vector<Dim>;

struct Known {
    const char* name;
    const char* text;
};
constexpr Known known[] = {
    {"ws", "weight-stationary: a pass keeps one weight per PE and streams output positions; reductions spread over y, "
           "output channels over x, psums leave every step"},
    {"os",
     "output-stationary: a pass keeps one psum per PE and streams the whole reduction; outputs spread over y and x"},
    {"is",
     "input-stationary: a pass keeps one input per PE and streams output channels; reductions spread over y, output "
     "positions over x, psums leave every step; PEs with collectors hold an input over all its taps and channels"},
    {"ws_los",
     "weight-stationary, local-output-stationary (MAGNet): a collector holds the weights of the innermost input "
     "channels while output positions stream, and one psum for these channels"},
    {"os_lws", "output-stationary, local-weight-stationary (MAGNet): collectors hold the psums of a stripe of output "
               "columns over the whole reduction, and one weight along the stripe"},
    {"rs", "row-stationary (Eyeriss): a PE runs one row of a filter over one row of inputs; filter rows share a row of "
           "PEs, input rows a diagonal, psums are summed up a column"},
};

/// The dimensions of the list that the layer has, as one flattened index.
Index flat(const LayerShape& shape, std::initializer_list<Dim> dims)
{
    Index index;
    for (Dim d : dims)
        if (shape.extent[d] > 1) index.push_back(d);
    return index;
}

MapLoop spatial(const Index& index, Place place, int count, int step = 1)
{
    MapLoop loop;
    loop.dims = index;
    loop.step = step;
    loop.count = count;
    loop.place = place;
    return loop;
}

int positions(const LayerShape& shape, const Index& index, int room)
{
    return static_cast<int>(std::min<std::int64_t>(room, index_extent(index, shape.extent)));
}

void add_spatial(Spread& s, const LayerShape& shape, const Index& index, Place place, int room)
{
    const int count = positions(shape, index, room);
    if (count > 1) s.spatial.push_back(spatial(index, place, count));
}

void add_index(std::vector<Index>& list, const Index& index)
{
    if (!index.empty()) list.push_back(index);
}

/// The whole index in every pass.
void add_pass(Spread& s, const Index& index)
{
    if (!index.empty()) s.pass.push_back({index, 1, 0, false});
}

/// `diagonal` groups side by side, each on its share of the rows and columns.
Spread grouped(const LayerShape& shape, int diagonal)
{
    Spread s;
    const Index groups = flat(shape, {dim_g});
    if (diagonal > 1) s.spatial.push_back(spatial(groups, Place::diagonal, diagonal));
    add_index(s.glb, groups);
    return s;
}

struct Indices {
    Index reduction, channels, pixels;
    std::vector<Index> taps; ///< of the filter, where these are not part of `reduction`
};

/// Stationary GEMM forms whose psums are summed along y: weights or inputs stay.
Spread reduce_on_y(const LayerShape& shape, const Indices& i, Tensors kept, int rows, int cols, int diagonal)
{
    Spread s = grouped(shape, diagonal);
    s.keep = {kept};
    const Index& on_x = kept == Tensors::weights ? i.channels : i.pixels;
    const Index& streamed = kept == Tensors::weights ? i.pixels : i.channels;
    add_spatial(s, shape, i.reduction, Place::y, rows / diagonal);
    add_spatial(s, shape, on_x, Place::x, cols / diagonal);
    add_index(s.glb, on_x);
    if (!streamed.empty()) {
        s.cut = static_cast<int>(s.glb.size());
        s.glb.push_back(streamed);
        add_pass(s, streamed);
    }
    add_index(s.glb, i.reduction);
    for (const Index& tap : i.taps) s.glb.push_back(tap);
    return s;
}

/// Outputs stay: `on_y` and `on_x` are spread; the larger operand's index steps outermost, so that work starts before
/// all of that operand has arrived.
Spread keep_outputs(const LayerShape& shape, const Index& on_y, const Index& on_x, const Indices& i, int rows, int cols,
                    int diagonal)
{
    Spread s = grouped(shape, diagonal);
    s.keep = {Tensors::outputs};
    add_spatial(s, shape, on_y, Place::y, rows / diagonal);
    add_spatial(s, shape, on_x, Place::x, cols / diagonal);
    const bool weights_larger =
        tile_words(shape, shape.extent, Tensors::weights) > tile_words(shape, shape.extent, Tensors::inputs);
    const bool x_first = weights_larger != (!on_y.empty() && on_y.front() == dim_k);
    add_index(s.glb, x_first ? on_x : on_y);
    add_index(s.glb, x_first ? on_y : on_x);
    for (const Index& tap : i.taps) add_pass(s, tap);
    add_pass(s, i.reduction);
    return s;
}

/// Output rows and columns side by side: neighbours can pass inputs on.
Spread planar(const LayerShape& shape, int rows, int cols)
{
    Spread s;
    s.keep = {Tensors::outputs};
    add_spatial(s, shape, flat(shape, {dim_p}), Place::y, rows);
    add_spatial(s, shape, flat(shape, {dim_q}), Place::x, cols);
    const bool weights_larger =
        tile_words(shape, shape.extent, Tensors::weights) > tile_words(shape, shape.extent, Tensors::inputs);
    add_index(s.glb, flat(shape, {dim_g}));
    if (weights_larger) add_index(s.glb, flat(shape, {dim_k}));
    for (Dim d : {dim_n, dim_p, dim_q}) add_index(s.glb, flat(shape, {d}));
    if (!weights_larger) add_index(s.glb, flat(shape, {dim_k}));
    for (Dim d : {dim_c, dim_r, dim_s}) add_pass(s, flat(shape, {d}));
    return s;
}

/// Every PE an output channel of its own, for layers with one output position.
Spread channels_everywhere(const LayerShape& shape, const Indices& i, int rows, int cols)
{
    Spread s = grouped(shape, 1);
    s.keep = {Tensors::outputs};
    const int x = positions(shape, i.channels, cols);
    const int y = std::min(rows, (shape.extent[dim_k] + x - 1) / x);
    s.spatial.push_back(spatial(i.channels, Place::y, y, x));
    s.spatial.push_back(spatial(i.channels, Place::x, x));
    add_index(s.glb, i.pixels);
    add_index(s.glb, i.channels);
    for (const Index& tap : i.taps) add_pass(s, tap);
    add_pass(s, i.reduction);
    return s;
}

std::int64_t folds(const LayerShape& shape, const Spread& s)
{
    std::int64_t n = 1;
    for (std::size_t g = 0; g < s.glb.size(); ++g) {
        if (static_cast<int>(g) == s.cut) continue;
        const int q = s.quantum(s.glb[g]);
        n *= (index_extent(s.glb[g], shape.extent) + q - 1) / q;
    }
    return n;
}

/// Groups side by side: the few shares of the array that need the fewest passes.
template <typename Make>
void add_diagonals(std::vector<Spread>& list, const LayerShape& shape, int rows, int cols, const Make& make)
{
    constexpr std::size_t most = 3;
    std::vector<Spread> all;
    const int limit = std::min({shape.extent[dim_g], rows, cols});
    for (int d = 2; d <= limit; ++d) all.push_back(make(d));
    std::stable_sort(all.begin(), all.end(),
                     [&](const Spread& a, const Spread& b) { return folds(shape, a) < folds(shape, b); });
    for (std::size_t i = 0; i < std::min(most, all.size()); ++i) list.push_back(all[i]);
}

void add_output_stationary(std::vector<Spread>& list, const LayerShape& shape, const Indices& i, int rows, int cols)
{
    const auto make = [&](int d) { return keep_outputs(shape, i.pixels, i.channels, i, rows, cols, d); };
    list.push_back(make(1));
    list.push_back(planar(shape, rows, cols));
    list.push_back(keep_outputs(shape, i.channels, i.pixels, i, rows, cols, 1));
    if (!i.channels.empty()) list.push_back(channels_everywhere(shape, i, rows, cols));
    add_diagonals(list, shape, rows, cols, make);
}

/// Both orders of a flattened reduction: C innermost as the words lie in memory (first, so that it wins ties:
/// neighbouring lanes then read neighbouring words), and outermost as in the GEMM form.
/// A machine that sums channels only takes its taps one after the other.
std::vector<Indices> index_sets(const LayerShape& shape, const HardwareConfig& hw)
{
    if (hw.array.sums_channels) {
        Indices i{flat(shape, {dim_c}), flat(shape, {dim_k}), flat(shape, {dim_n, dim_p, dim_q}), {}};
        for (Dim d : {dim_r, dim_s}) add_index(i.taps, flat(shape, {d}));
        return {i};
    }
    Indices i{flat(shape, {dim_c, dim_r, dim_s}), flat(shape, {dim_k}), flat(shape, {dim_n, dim_p, dim_q}), {}};
    std::vector<Indices> sets = {i};
    const Index inner = flat(shape, {dim_r, dim_s, dim_c});
    if (inner != i.reduction) {
        i.reduction = inner;
        sets.insert(sets.begin(), i);
    }
    return sets;
}

} // namespace

int Spread::positions(const std::vector<Dim>& index) const
{
    int n = 1;
    for (const MapLoop& loop : spatial)
        if (loop.dims == index) n *= loop.count;
    return n;
}

int Spread::quantum(const std::vector<Dim>& index) const
{
    int n = positions(index);
    for (const PassLoop& loop : pass)
        if (loop.dims == index && loop.count > 0) n *= loop.count;
    return n;
}

int Spread::outputs_at_once() const
{
    const auto of_outputs = [](const Index& dims) { return std::none_of(dims.begin(), dims.end(), reduces); };
    int n = 1;
    for (const MapLoop& loop : spatial)
        if (of_outputs(loop.dims)) n *= loop.count;
    for (const PassLoop& loop : pass)
        if (loop.count > 0 && of_outputs(loop.dims)) n *= loop.count;
    return n;
}

std::int64_t index_extent(const std::vector<Dim>& index, const Extents& tile)
{
    std::int64_t extent = 1;
    for (Dim d : index) extent *= tile[d];
    return extent;
}

std::vector<std::string> dataflow_names()
{
    std::vector<std::string> names;
    for (const Known& k : known) names.emplace_back(k.name);
    return names;
}

std::string describe_dataflow(const std::string& dataflow)
{
    std::string names;
    for (const Known& k : known) {
        if (dataflow == k.name) return k.text;
        names += (names.empty() ? "" : ", ") + std::string(k.name);
    }
    throw UserError("unknown dataflow \"" + dataflow + "\"" + did_you_mean(dataflow_names(), dataflow) +
                    ": expected one of " + names);
}

std::vector<Spread> spreads(const std::string& dataflow, const LayerShape& shape, const HardwareConfig& hw)
{
    describe_dataflow(dataflow); // throws when unknown
    const int rows = hw.array.rows, cols = hw.array.cols;
    if (dataflow == "rs") throw UserError("row-stationary mappings are made whole (sim/row_stationary.hpp)");
    if (vector_machine(hw)) return vector_spreads(dataflow, shape, hw);
    if (dataflow == "ws_los" || dataflow == "os_lws")
        throw UserError("dataflow " + dataflow + ": needs PEs with collectors (array.collectors), which " + hw.name +
                        " has not");
    std::vector<Spread> list;
    for (const Indices& i : index_sets(shape, hw)) {
        if (dataflow == "os") {
            add_output_stationary(list, shape, i, rows, cols);
            continue;
        }
        const Tensors kept = dataflow == "ws" ? Tensors::weights : Tensors::inputs;
        const auto make = [&](int d) { return reduce_on_y(shape, i, kept, rows, cols, d); };
        list.push_back(make(1));
        add_diagonals(list, shape, rows, cols, make);
    }
    return list;
}

Mapping make_mapping(const std::string& dataflow, const Spread& spread, const LayerShape& shape, const Extents& tile,
                     const std::vector<Dim>& order, int chunk)
{
    const auto temporal = [](const Index& index, int step) {
        MapLoop loop;
        loop.dims = index;
        loop.step = step;
        return loop;
    };
    MapLevel dram{"dram", {}, {}, {}};
    MapLevel glb{"glb", {}, {}, {Tensors::weights, Tensors::inputs, Tensors::outputs}};
    MapLevel array{"array", {}, {}, {}}, lanes{"lanes", {}, {}, {}}, vector{"vector", {}, {}, {}};
    MapLevel rf{"rf", {}, {}, spread.keep}, collector{"collector", {}, {}, {}};
    for (const MapLoop& loop : spread.spatial)
        (loop.place == Place::lane ? lanes : loop.place == Place::vector ? vector : array).spatial.push_back(loop);
    for (Dim d : order)
        if (tile[d] < shape.extent[d]) dram.temporal.push_back(temporal({d}, tile[d]));
    for (std::size_t g = 0; g < spread.glb.size(); ++g) {
        const Index& index = spread.glb[g];
        const int step = static_cast<int>(g) == spread.cut ? chunk : spread.quantum(index);
        if (step < index_extent(index, tile)) glb.temporal.push_back(temporal(index, step));
    }
    for (const PassLoop& loop : spread.pass) {
        if (loop.count == 0 && index_extent(loop.dims, tile) <= loop.step)
            continue; // a counted one covers steps outside
        MapLoop steps = temporal(loop.dims, loop.step);
        steps.by_input = loop.by_input;
        (loop.collector ? collector : rf).temporal.push_back(steps);
    }
    Mapping mapping{dataflow, {dram, glb, array, rf}};
    for (const MapLevel& level : {collector, lanes, vector})
        if (!level.temporal.empty() || !level.spatial.empty()) mapping.levels.push_back(level);
    return mapping;
}

} // namespace heddle
