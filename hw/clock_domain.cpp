#define SC_INCLUDE_DYNAMIC_PROCESSES
#include "hw/clock_domain.hpp"

#include "dnn/base/error.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>

namespace heddle {

namespace {
constexpr std::int64_t progress_interval = 1 << 16; // executed cycles between two looks for progress
constexpr int quiet_limit = 16;                     // looks without a single transfer that mean livelock
} // namespace

ClockDomain::ClockDomain(const sc_core::sc_module_name& name, int period_ps, const DriverOptions& options)
    : sc_core::sc_module(name), period_ps_(period_ps), options_(options), shuffle_(options.shuffle_seed)
{
    SC_HAS_PROCESS(ClockDomain);
    if (options_.kind == DriverKind::fast) {
        SC_METHOD(fast_process);
        sensitive << go_;
        dont_initialize();
    } else {
        clock_ = std::make_unique<sc_core::sc_clock>("clk", sc_core::sc_time(period_ps_, sc_core::SC_PS));
    }
}

void ClockDomain::add(Block& block)
{
    blocks_.push_back(&block);
    due_.push_back(0);
    slots_.push_back(&block.wake_slot());
    if (options_.kind == DriverKind::fast) return;
    sc_core::sc_spawn_options on_clock;
    on_clock.spawn_method();
    on_clock.dont_initialize();
    on_clock.set_sensitivity(&clock_->posedge_event());
    Block* b = &block;
    sc_core::sc_spawn(
        [this, b] {
            if (!done_ || failure_) return; // a block that runs after `done` was set still has its turn in this cycle
            try {
                reference_begin();
                b->tick(now_);
                reference_end();
            } catch (...) { // a process must not throw through the kernel
                failure_ = std::current_exception();
                sc_core::sc_pause();
            }
        },
        sc_core::sc_gen_unique_name("tick"), &on_clock);
}

/// All processes of one edge share a cycle; the first to run opens it, the last closes it, whichever they are.
void ClockDomain::reference_begin()
{
    if (ticked_ == 0) run_actions();
}

void ClockDomain::reference_end()
{
    if (++ticked_ < blocks_.size()) return;
    ticked_ = 0;
    for (const auto& look : observers_) look(now_);
    ++executed_;
    ++now_;
    if (executed_ % progress_interval == 0) check_progress();
    if (*done_) sc_core::sc_pause();
}

void ClockDomain::at(Cycle cycle, std::function<void()> action)
{
    actions_.push_back({cycle, std::move(action)});
    next_action_ = std::min(next_action_, cycle);
}

void ClockDomain::observe(std::function<void(Cycle)> look)
{
    if (!clock_) throw std::logic_error("only the reference driver shows every cycle");
    observers_.push_back(std::move(look));
}

void ClockDomain::run_actions()
{
    if (now_ < next_action_) return;
    next_action_ = never;
    for (Action& a : actions_) {
        if (!a.run) continue;
        if (a.cycle <= now_) {
            a.run();
            a.run = nullptr;
        } else {
            next_action_ = std::min(next_action_, a.cycle);
        }
    }
}

Cycle ClockDomain::run(const bool& done)
{
    done_ = &done;
    quiet_checks_ = 0;
    std::fill(due_.begin(), due_.end(), now_);
    late_inputs_.assign(blocks_.size(), {});
    for (std::size_t i = 0; i < blocks_.size(); ++i)
        for (const ChannelBase* c : blocks_[i]->inputs())
            if (c->arrives_late()) late_inputs_[i].push_back(c);
    if (options_.kind == DriverKind::fast) go_.notify(sc_core::SC_ZERO_TIME);
    sc_core::sc_start();
    done_ = nullptr;
    if (failure_) std::rethrow_exception(failure_);
    // A pause comes before the kernel's tracing of the time step; half a period on, the last cycle is traced as well.
    if (!observers_.empty()) sc_core::sc_start(clock_->period() / 2.0);
    return now_;
}

void ClockDomain::fast_process()
{
    try {
        // Foreign activity bounds how far the inner loop may run ahead of the kernel.
        Cycle horizon = never;
        if (sc_core::sc_pending_activity_at_future_time())
            horizon =
                now_ + std::max<Cycle>(1, static_cast<Cycle>(sc_core::sc_time_to_pending_activity().value() /
                                                             sc_core::sc_time(period_ps_, sc_core::SC_PS).value()));
        const Cycle start = now_;
        while (!*done_ && now_ < horizon) {
            run_actions();
            if (options_.shuffle_seed != 0)
                tick_shuffled();
            else
                tick_awake();
            end_cycle();
            if (!*done_) now_ = std::min(now_, horizon); // foreign processes may wake blocks that sleep longer
        }
        const sc_core::sc_time step(static_cast<double>(period_ps_), sc_core::SC_PS);
        if (!*done_) {
            next_trigger(static_cast<double>(now_ - start) * step);
            return;
        }
    } catch (...) {
        failure_ = std::current_exception();
    }
    sc_core::sc_pause(); // foreign processes may go on for ever
}

void ClockDomain::tick_one(std::size_t i)
{
    Cycle due = blocks_[i]->tick(now_);
    for (const ChannelBase* c : late_inputs_[i]) {
        const Cycle arrival = c->front_ready();
        if (arrival > now_ && arrival < due) due = arrival;
    }
    due_[i] = due;
}

void ClockDomain::tick_awake()
{
    for (std::size_t i = 0; i < blocks_.size(); ++i)
        if (due_[i] <= now_ || options_.never_sleep) tick_one(i);
}

void ClockDomain::tick_shuffled()
{
    std::vector<std::size_t> order(blocks_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[shuffle_.below(i)]);
    for (std::size_t i : order) {
        if (due_[i] > now_) {
            if (shuffle_.below(4) != 0) continue; // a sleeper, left alone or ticked for nothing
            const Cycle due = due_[i];
            tick_one(i);
            due_[i] = std::min(due, due_[i]);
        } else {
            tick_one(i);
        }
    }
}

/// Requests of this cycle are merged after all ticks, so that a block woken in the cycle in which it goes to sleep
/// wakes.
void ClockDomain::end_cycle()
{
    Cycle next = never;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        const Cycle due = std::min(due_[i], slots_[i]->request);
        slots_[i]->request = never;
        due_[i] = due;
        if (due <= now_) throw std::logic_error(std::string(blocks_[i]->name()) + ": woken in the past");
        next = std::min(next, due);
    }
    ++executed_;
    if (executed_ % progress_interval == 0) check_progress();
    if (*done_) {
        ++now_;
        return;
    }
    next = std::min(next, std::max(next_action_, now_ + 1));
    if (next == never) deadlock();
    now_ = options_.never_sleep || options_.shuffle_seed != 0 ? now_ + 1 : next;
}

void ClockDomain::check_progress()
{
    std::int64_t transfers = 0;
    for (const ChannelBase* c : channels_) transfers += c->transfers();
    quiet_checks_ = transfers == last_transfers_ ? quiet_checks_ + 1 : 0;
    last_transfers_ = transfers;
    if (quiet_checks_ >= quiet_limit) deadlock();
}

void ClockDomain::deadlock() const
{
    std::ostringstream text;
    text << "deadlock in cycle " << now_ << ":";
    for (const Block* b : blocks_) text << " [" << b->basename() << ": " << b->status() << "]";
    for (const ChannelBase* c : channels_)
        if (!c->empty()) text << " " << c->name() << "=" << c->fill() << "/" << c->depth();
    throw CheckFailure(text.str());
}

} // namespace heddle
