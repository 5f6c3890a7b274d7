// How many terms a decomposition gets: by hand, by the energy kept, by variational Bayes, or within a share of the
// MACs.
#pragma once

#include "dnn/decompose/decomposition.hpp"

#include <string>

namespace heddle {

struct RankRule {
    enum class Kind {
        given,  ///< `given`
        energy, ///< fewest MACs that keep at least `share` of the squared weights
        vbmf,   ///< empirical variational Bayes on the method's unfoldings
        macs,   ///< keeps the most within `share` of the layer's MACs
    };
    Kind kind = Kind::vbmf;
    Ranks given; ///< of a method with two ranks one number stands for both
    double share = 1.0;
    int align = 1; ///< ranks are rounded up to multiples of this, at most to the largest rank
};

struct ChosenRanks {
    Ranks ranks;
    std::string note; ///< "VBMF found rank 0 on the input side, 1 taken"; empty when there is nothing to say
};

/// UserError naming the layer: ranks given out of range, or a rule that the method cannot follow (energy and vbmf need
/// a spectrum, which cp has not; vbmf also not for jaderberg1).
ChosenRanks choose_ranks(const Layer& layer, Method method, const RankRule& rule, const DecomposeOptions& options);

} // namespace heddle
