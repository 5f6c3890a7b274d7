#include "hw/box.hpp"

#include <algorithm>

namespace heddle {

bool Box::empty() const
{
    for (int d = 0; d < box_dims; ++d)
        if (lo[d] >= hi[d]) return true;
    return false;
}

std::int64_t Box::words() const
{
    if (empty()) return 0;
    std::int64_t n = 1;
    for (int d = 0; d < box_dims; ++d) n *= hi[d] - lo[d];
    return n;
}

Box Box::intersect(const Box& o) const
{
    Box r;
    for (int d = 0; d < box_dims; ++d) {
        r.lo[d] = std::max(lo[d], o.lo[d]);
        r.hi[d] = std::max(r.lo[d], std::min(hi[d], o.hi[d]));
    }
    return r;
}

namespace {

void subtract(Box a, const Box& common, const BoxOrder& order, std::size_t place, std::vector<Box>& out)
{
    if (place == order.size()) return;
    const std::size_t d = static_cast<std::size_t>(order[place]);
    Box before = a, inside = a, after = a;
    before.hi[d] = common.lo[d];
    inside.lo[d] = common.lo[d];
    inside.hi[d] = common.hi[d];
    after.lo[d] = common.hi[d];
    if (!before.empty()) out.push_back(before);
    subtract(inside, common, order, place + 1, out);
    if (!after.empty()) out.push_back(after);
}

} // namespace

std::vector<Box> difference(const Box& a, const Box& b, const BoxOrder& order)
{
    if (a.empty()) return {};
    const Box common = a.intersect(b);
    if (common.empty()) return {a};
    std::vector<Box> out;
    subtract(a, common, order, 0, out);
    return out;
}

std::int64_t TensorLayout::index(const std::array<int, box_dims>& at) const
{
    std::int64_t i = offset;
    for (int d = 0; d < box_dims; ++d) i += at[d] * stride[d];
    return i;
}

RunWalk::RunWalk(const TensorLayout& layout, const Box& box) : layout_(&layout), box_(box), at_(box.lo)
{
    done_ = box.empty();
    words_ = 1;
    std::int64_t reach = 1; // the stride a dimension must have to continue the run
    while (inner_ > 0) {
        const int d = layout.order[inner_ - 1];
        const int size = box.hi[d] - box.lo[d];
        if (size > 1 && layout.stride[d] != reach) break;
        words_ *= size;
        --inner_;
        if (size > 1) reach = layout.stride[d] * size;
    }
}

Run RunWalk::run() const
{
    return {layout_->index(at_), words_};
}

void RunWalk::next()
{
    for (int place = inner_ - 1; place >= 0; --place) {
        const int d = layout_->order[place];
        if (++at_[d] < box_.hi[d]) return;
        at_[d] = box_.lo[d];
    }
    done_ = true;
}

} // namespace heddle
