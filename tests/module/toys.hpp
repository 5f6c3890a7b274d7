// Small blocks to drive channels and clock domains with.
#pragma once

#include "dnn/base/random.hpp"
#include "hw/channel.hpp"
#include "hw/clock_domain.hpp"
#include "hw/ledger.hpp"

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace heddle::toys {

/// Name that SystemC accepts whatever else the test builds.
inline std::string unique(const char* base)
{
    return sc_core::sc_gen_unique_name(base);
}

/// Ends a run in a stated cycle.
class Stop : public Block {
public:
    explicit Stop(Cycle at) : Block(unique("stop").c_str()), at_(at) {}
    Cycle tick(Cycle now) override
    {
        done_ = now >= at_;
        return done_ ? never : at_;
    }
    std::string status() const override { return "until " + std::to_string(at_); }
    void reset(Cycle at)
    {
        at_ = at;
        done_ = false;
    }
    const bool& done() const { return done_; }

private:
    Cycle at_;
    bool done_ = false;
};

/// Pushes entries in order, each not before its cycle, as soon as the channel takes them; notes when it did.
template <typename T> class Feeder : public Block {
public:
    explicit Feeder(Channel<T>& out) : Block(unique("feeder").c_str()), out_(out) { out_.bind_writer(*this); }
    void add(Cycle not_before, T entry) { todo_.emplace_back(not_before, std::move(entry)); }
    Cycle tick(Cycle now) override
    {
        if (todo_.empty()) return never;
        if (now >= todo_.front().first && out_.can_push(now)) {
            out_.push(now) = todo_.front().second;
            pushed.push_back(now);
            todo_.pop_front();
            if (todo_.empty()) return never;
            return std::max(now + 1, todo_.front().first);
        }
        return now < todo_.front().first ? todo_.front().first : never; // a pop wakes the writer
    }
    std::string status() const override { return std::to_string(todo_.size()) + " to push"; }

    std::vector<Cycle> pushed;

private:
    Channel<T>& out_;
    std::deque<std::pair<Cycle, T>> todo_;
};

/// Pops whenever it may (from `first` on, then every `interval` cycles), and notes what came when.
template <typename T> class Taker : public Block {
public:
    explicit Taker(Channel<T>& in, Cycle first = 0, Cycle interval = 1)
        : Block(unique("taker").c_str()), in_(in), next_(first), interval_(interval)
    {
        in_.bind_reader(*this);
    }
    Cycle tick(Cycle now) override
    {
        if (!in_.can_pop(now)) return never; // an arrival wakes the reader
        if (now < next_) return next_;
        popped.emplace_back(now, in_.front());
        in_.pop(now);
        next_ = now + interval_;
        return never;
    }
    std::string status() const override { return std::to_string(popped.size()) + " taken"; }

    std::vector<Cycle> cycles() const
    {
        std::vector<Cycle> c;
        for (const auto& p : popped) c.push_back(p.first);
        return c;
    }
    std::vector<T> values() const
    {
        std::vector<T> v;
        for (const auto& p : popped) v.push_back(p.second);
        return v;
    }

    std::vector<std::pair<Cycle, T>> popped;

private:
    Channel<T>& in_;
    Cycle next_, interval_;
};

/// Looks at a channel's reason in every cycle; notes changes as (cycle for which the writer gave it, reason).
class ReasonLog : public Block {
public:
    explicit ReasonLog(const ChannelBase& channel) : Block(unique("reason_log").c_str()), channel_(channel) {}
    Cycle tick(Cycle now) override
    {
        const Reason reason = channel_.reason(now);
        if (changes.empty() || changes.back().second != reason) changes.emplace_back(now - 1, reason);
        return now + 1;
    }
    std::string status() const override { return std::to_string(changes.size()) + " changes"; }

    std::vector<std::pair<Cycle, Reason>> changes;

private:
    const ChannelBase& channel_;
};

/// Takes an entry, works for as many cycles as it says (entry % 7), passes on entry * 3 + 1; its ledger keeps count.
class Worker : public Block {
public:
    enum class Cause { work, blocked, idle, count };

    Worker(Channel<int>& in, Channel<int>& out) : Block(unique("worker").c_str()), in_(in), out_(out)
    {
        in_.bind_reader(*this);
        out_.bind_writer(*this);
        ledger_.restart(0, Cause::idle);
    }
    Cycle tick(Cycle now) override
    {
        if (!holds_ && in_.can_pop(now)) {
            value_ = in_.front();
            in_.pop(now);
            holds_ = true;
            ready_ = now + value_ % 7;
        }
        if (holds_ && now >= ready_ && out_.can_push(now)) {
            out_.push(now) = value_ * 3 + 1;
            holds_ = false;
            ledger_.mark(now, Cause::work, Cause::idle);
            return in_.empty() ? never : std::max(now + 1, in_.front_ready()); // it came while we worked
        }
        const Cause then = !holds_ ? Cause::idle : now < ready_ ? Cause::work : Cause::blocked;
        // At `ready_` the block runs again, so until then the cause stands.
        ledger_.mark(now, then, holds_ && now < ready_ ? Cause::work : then);
        return holds_ && now < ready_ ? ready_ : never;
    }
    std::string status() const override { return holds_ ? "holds " + std::to_string(value_) : "empty"; }
    LedgerOf<Cause>& ledger() { return ledger_; }

private:
    Channel<int>& in_;
    Channel<int>& out_;
    bool holds_ = false;
    int value_ = 0;
    Cycle ready_ = 0;
    LedgerOf<Cause> ledger_;
};

} // namespace heddle::toys
