#include "dnn/decompose/ranks.hpp"

#include "dnn/base/error.hpp"
#include "dnn/decompose/vbmf.hpp"

#include <algorithm>
#include <cstdio>

namespace heddle {

namespace {

/// What one rank's matrix is, of one group's filters.
Matrix unfolding(const Filters& filters, Method method, std::size_t rank)
{
    if (method == Method::jaderberg2) return rows_against_cols(filters);
    return method == Method::tucker2 && rank == 0 ? by_input(filters) : filters.by_output;
}

bool has_spectrum(Method method)
{
    return method != Method::cp && method != Method::jaderberg1;
}

int rounded_up(int rank, int align, int largest)
{
    const std::int64_t up = (std::int64_t{rank} + align - 1) / align * align;
    return static_cast<int>(std::min<std::int64_t>(up, largest));
}

/// Multiples of `align` up to the largest, and the largest.
std::vector<int> candidates(int largest, int align)
{
    std::vector<int> ranks;
    for (std::int64_t rank = align; rank < largest; rank += align) ranks.push_back(static_cast<int>(rank));
    ranks.push_back(largest);
    return ranks;
}

class Chooser {
public:
    Chooser(const Layer& layer, Method method, const RankRule& rule, const DecomposeOptions& options)
        : layer_(layer), method_(method), rule_(rule), options_(options), largest_(largest_ranks(layer, method))
    {
    }

    ChosenRanks run()
    {
        switch (rule_.kind) {
        case RankRule::Kind::given:
            choose_given();
            break;
        case RankRule::Kind::vbmf:
            choose_vbmf();
            break;
        case RankRule::Kind::energy:
            choose_energy();
            break;
        case RankRule::Kind::macs:
            choose_macs();
            break;
        }
        for (std::size_t i = 0; i < largest_.size(); ++i)
            chosen_.ranks[i] = rounded_up(chosen_.ranks[i], rule_.align, largest_[i]);
        return std::move(chosen_);
    }

private:
    [[noreturn]] void refuse(const std::string& what) const { throw UserError("layer " + layer_.name + ": " + what); }

    void note(const std::string& text) { chosen_.note += (chosen_.note.empty() ? "" : "; ") + text; }

    std::int64_t macs(const Ranks& ranks) const { return total_macs(part_layers(layer_, method_, ranks)); }

    void choose_given()
    {
        chosen_.ranks = rule_.given;
        if (largest_.size() == 2 && chosen_.ranks.size() == 1) chosen_.ranks.push_back(chosen_.ranks[0]);
        check_ranks(layer_, method_, chosen_.ranks);
    }

    /// Groups have one rank: the largest that any of them needs.
    void choose_vbmf()
    {
        if (!has_spectrum(method_)) refuse(std::string("VBMF needs one matrix, ") + method_name(method_) + " has none");
        chosen_.ranks.assign(largest_.size(), 0);
        for (int group = 0; group < layer_.window.groups; ++group) {
            const Filters filters = group_filters(layer_, group);
            for (std::size_t i = 0; i < largest_.size(); ++i)
                chosen_.ranks[i] = std::max(chosen_.ranks[i], vbmf_rank(unfolding(filters, method_, i)));
        }
        for (std::size_t i = 0; i < largest_.size(); ++i) {
            if (chosen_.ranks[i] > 0) continue;
            chosen_.ranks[i] = 1;
            note(std::string("VBMF found rank 0") +
                 (largest_.size() == 1 ? ""
                  : i == 0             ? " on the input side"
                                       : " on the output side") +
                 ", 1 taken");
        }
    }

    /// [rank][r]: squared weights lost when only r components of that rank's matrix are kept, all groups.
    std::vector<std::vector<double>> tails() const
    {
        std::vector<std::vector<double>> tails(largest_.size());
        for (std::size_t i = 0; i < largest_.size(); ++i)
            tails[i].assign(static_cast<std::size_t>(largest_[i]) + 1, 0.0);
        for (int group = 0; group < layer_.window.groups; ++group) {
            const Filters filters = group_filters(layer_, group);
            for (std::size_t i = 0; i < largest_.size(); ++i) {
                const Vector squares = squared_singular_values(unfolding(filters, method_, i));
                double tail = 0.0;
                for (Eigen::Index r = squares.size() - 1; r >= 0; --r)
                    tails[i][static_cast<std::size_t>(r)] += tail += squares[r];
            }
        }
        return tails;
    }

    /// Errors of the two sides add to a bound of the error of both (higher-order SVD), so at least the share is kept.
    void choose_energy()
    {
        if (method_ == Method::cp) refuse("cp has no spectrum to keep a share of: give ranks or a share of the MACs");
        if (method_ == Method::jaderberg1) return grow_until_kept();
        const std::vector<std::vector<double>> lost = tails();
        const double allowed = (1.0 - rule_.share) * lost[0][0];
        std::int64_t least = -1;
        for (const int first : candidates(largest_[0], rule_.align)) {
            const double left = allowed - lost[0][static_cast<std::size_t>(first)];
            if (left < 0.0) continue;
            Ranks ranks{first};
            if (largest_.size() == 2) {
                const std::vector<int> all = candidates(largest_[1], rule_.align);
                // The last candidate loses nothing, so there always is one.
                ranks.push_back(*std::find_if(
                    all.begin(), all.end(), [&](int rank) { return lost[1][static_cast<std::size_t>(rank)] <= left; }));
            }
            const std::int64_t cost = macs(ranks);
            if (least >= 0 && cost >= least) continue;
            least = cost;
            chosen_.ranks = ranks;
        }
    }

    void grow_until_kept()
    {
        for (const int rank : candidates(largest_[0], rule_.align)) {
            chosen_.ranks = {rank};
            const double error = decompose_layer(layer_, method_, chosen_.ranks, options_).weight_error;
            if (1.0 - error * error >= rule_.share) return;
        }
    }

    void choose_macs()
    {
        const auto most = static_cast<std::int64_t>(rule_.share * static_cast<double>(layer_.macs()));
        const std::vector<std::vector<double>> lost = has_spectrum(method_) ? tails() : more_is_better();
        const double rounding = 1e-12 * lost[0][0]; // components below it are none: then fewer MACs are better
        double least = 0.0;
        for (const int first : candidates(largest_[0], rule_.align)) {
            Ranks ranks{first};
            if (largest_.size() == 2) {
                const std::vector<int> all = candidates(largest_[1], rule_.align);
                const auto fits = [&](int rank) { return macs({first, rank}) <= most; };
                const auto above = std::partition_point(all.begin(), all.end(), fits);
                if (above == all.begin()) continue;
                ranks.push_back(*std::prev(above));
            } else if (macs(ranks) > most) {
                continue;
            }
            double loss = 0.0;
            for (std::size_t i = 0; i < ranks.size(); ++i) loss += lost[i][static_cast<std::size_t>(ranks[i])];
            if (!chosen_.ranks.empty() && loss > least - rounding &&
                (loss > least + rounding || macs(ranks) >= macs(chosen_.ranks)))
                continue;
            least = loss;
            chosen_.ranks = ranks;
        }
        if (!chosen_.ranks.empty()) return;
        for (const int largest : largest_) chosen_.ranks.push_back(candidates(largest, rule_.align).front());
        char share[16];
        std::snprintf(share, sizeof share, "%.3g",
                      static_cast<double>(macs(chosen_.ranks)) / static_cast<double>(layer_.macs()));
        note(std::string("the smallest rank already takes ") + share + " of the MACs");
    }

    /// Without a spectrum more terms are better.
    std::vector<std::vector<double>> more_is_better() const
    {
        std::vector<double> tails;
        for (int r = 0; r <= largest_[0]; ++r) tails.push_back(largest_[0] - r);
        return {tails};
    }

    const Layer& layer_;
    const Method method_;
    const RankRule& rule_;
    const DecomposeOptions& options_;
    const Ranks largest_;
    ChosenRanks chosen_;
};

} // namespace

ChosenRanks choose_ranks(const Layer& layer, Method method, const RankRule& rule, const DecomposeOptions& options)
{
    return Chooser(layer, method, rule, options).run();
}

} // namespace heddle
