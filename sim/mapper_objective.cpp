#include "sim/mapper_objective.hpp"

#include <numeric>

namespace heddle {

const std::vector<std::string>& objective_names()
{
    static const std::vector<std::string> names = {"latency", "energy", "edp"};
    return names;
}

const char* reject_name(Reject reason)
{
    constexpr const char* names[] = {"weights", "inputs", "outputs", "psums", "operand2", "wires", "none"};
    return names[static_cast<std::size_t>(reason)];
}

std::int64_t SearchCounts::all_rejected() const
{
    return std::accumulate(rejected.begin(), rejected.end(), std::int64_t{0});
}

SearchCounts& SearchCounts::operator+=(const SearchCounts& o)
{
    visited += o.visited;
    for (std::size_t i = 0; i < rejected.size(); ++i) rejected[i] += o.rejected[i];
    return *this;
}

std::string SearchCounts::describe() const
{
    std::string reasons;
    for (std::size_t i = 0; i < rejected.size(); ++i)
        if (rejected[i] > 0)
            reasons += (reasons.empty() ? "" : ", ") + std::string(reject_name(static_cast<Reject>(i))) + " " +
                       std::to_string(rejected[i]);
    return reasons.empty() ? "all fit" : std::to_string(all_rejected()) + " do not fit (" + reasons + ")";
}

} // namespace heddle
