#include "sim/calibrate_stepwise.hpp"

#include "dnn/base/error.hpp"
#include "sim/calibrate_analysis.hpp"
#include "sim/text.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

namespace heddle {

namespace {

constexpr double least_gain = 0.2;       // of the error on rows left out, for a parameter to be kept
constexpr double good_enough = 1e-9;     // root mean square error: nothing left to explain
constexpr std::size_t tried = 3;         // candidates that are fitted in a step
constexpr std::size_t leave_one_out = 8; // rows up to which each is left out alone
constexpr std::size_t parts = 5;         // into which more rows are cut

struct Model {
    std::vector<FitParameter> parameters;
    Point point;
    double cost = 0.0;
};

class Stepwise {
public:
    Stepwise(RowSimulator& simulator, const std::vector<std::size_t>& rows, const SearchOptions& options)
        : simulator_(simulator), rows_(rows), options_(options),
          folds_(rows.size() <= leave_one_out ? rows.size() : parts)
    {
        options_.starts = 1;
    }

    Selection run()
    {
        Selection s;
        Model model;
        FitProblem none(simulator_, {}, rows_);
        if (const std::string error = none.error({}); !error.empty()) throw UserError(error);
        model.cost = none.cost({});
        s.steps.push_back({"", rms(model.cost, none), left_out(model), {}, true});
        s.candidates = static_cast<std::int64_t>(other_parameters({}, simulator_.set()).size());
        s.folds = static_cast<int>(folds_);
        while (s.steps.back().fitted > good_enough && model.parameters.size() + 1 < rows_.size() && in_time())
            if (!step(model, s)) break;
        finish(model, s);
        return s;
    }

private:
    bool in_time() const { return simulator_.simulations() < options_.simulations; }
    static double rms(double cost, FitProblem& p)
    {
        const Point any = start_of(p.parameters());
        return std::sqrt(cost / static_cast<double>(std::max<std::size_t>(1, p.residuals(any).size())));
    }

    /// Fits from the values that the parameters have in `from`, which is what their `start` is taken for.
    Model fit(const Model& from, const std::vector<std::size_t>& rows)
    {
        std::vector<FitParameter> warm = from.parameters;
        for (std::size_t i = 0; i < warm.size(); ++i) warm[i].start = warm[i].value(from.point[i]);
        FitProblem problem(simulator_, warm, rows);
        const SearchResult found = search(problem, options_);
        return {from.parameters, found.point, found.cost};
    }

    /// Root mean square error of rows that the model, fitted anew, has not seen.
    double left_out(const Model& model)
    {
        double sum = 0.0;
        std::size_t count = 0;
        for (std::size_t fold = 0; fold < folds_; ++fold) {
            std::vector<std::size_t> fitted, left;
            for (std::size_t i = 0; i < rows_.size(); ++i) (i % folds_ == fold ? left : fitted).push_back(rows_[i]);
            const Point point = model.parameters.empty() ? Point{} : fit(model, fitted).point;
            FitProblem judge(simulator_, model.parameters, left);
            const std::vector<double> errors = judge.residuals(point);
            for (double e : errors) sum += e * e;
            count += errors.size();
        }
        return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, count)));
    }

    /// False: the best candidate is not worth it.
    bool step(Model& model, Selection& s)
    {
        FitProblem now(simulator_, model.parameters, rows_);
        const std::vector<Candidate> all = candidates(now, model.point, false);
        std::vector<Model> fitted;
        for (std::size_t i = 0; i < std::min(tried, all.size()) && in_time(); ++i) {
            if (all[i].explained <= 0.0) break;
            Model more = model;
            more.parameters.push_back(all[i].parameter);
            more.point.push_back(all[i].parameter.index(all[i].parameter.start));
            fitted.push_back(fit(more, rows_));
        }
        std::stable_sort(fitted.begin(), fitted.end(), [](const Model& a, const Model& b) { return a.cost < b.cost; });
        if (fitted.empty()) return false;
        const Model& best = fitted.front();
        FitProblem problem(simulator_, best.parameters, rows_);
        SelectionStep step{best.parameters.back().key, rms(best.cost, problem), left_out(best), {}, true};
        for (std::size_t i = 1; i < fitted.size(); ++i)
            if (fitted[i].cost <= best.cost * (1 + 1e-6) + 1e-15)
                step.equals.push_back(fitted[i].parameters.back().key);
        step.kept = step.left <= (1 - least_gain) * s.steps.back().left;
        s.steps.push_back(step);
        if (step.kept) model = best;
        return step.kept;
    }

    void finish(const Model& model, Selection& s)
    {
        s.parameters = model.parameters;
        FitProblem problem(simulator_, model.parameters, rows_);
        s.found.point = without_needless_changes(problem, model.point);
        s.found.cost = problem.cost(s.found.point);
        s.found.starts = 1;
        s.found.complete = in_time();
        for (const Candidate& c : candidates(problem, s.found.point, false))
            if (!c.has_effect && c.explained <= 0.0) s.without_effect.push_back(c.parameter.key);
    }

    RowSimulator& simulator_;
    const std::vector<std::size_t>& rows_;
    SearchOptions options_;
    std::size_t folds_;
};

} // namespace

Selection select_parameters(RowSimulator& simulator, const std::vector<std::size_t>& training,
                            const SearchOptions& options)
{
    return Stepwise(simulator, training, options).run();
}

void print_selection(std::ostream& out, const Selection& s)
{
    out << "selection   no --fit: of " << s.candidates
        << " known parameters, one after the other; kept while the error "
        << "of rows left out\n            (in " << s.folds << " parts) falls by a fifth\n";
    TextTable table({"<step", "<parameter", "fitted rows", "left-out rows", "<", "<as good in its place"});
    for (std::size_t i = 0; i < s.steps.size(); ++i) {
        const SelectionStep& step = s.steps[i];
        table.add_row({std::to_string(i), step.key.empty() ? "(as described)" : step.key,
                       decimal(100 * step.fitted, 3) + " %", decimal(100 * step.left, 3) + " %",
                       step.kept ? "" : "not kept", step.equals.empty() ? "" : joined(step.equals)});
    }
    table.print(out);
    if (!s.without_effect.empty()) out << "no row depends on one step of " << joined(s.without_effect) << '\n';
    out << '\n';
}

} // namespace heddle
