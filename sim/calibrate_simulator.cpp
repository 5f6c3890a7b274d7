#include "sim/calibrate_simulator.hpp"

#include "dnn/base/error.hpp"
#include "sim/json.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

namespace heddle {

namespace {

template <class T> void read_map(const json::value& v, std::map<std::string, T>& map)
{
    for (const auto& member : v.as_object()) map[std::string(member.key())] = member.value().to_number<T>();
}

std::string to_text(const RowOutcome& o)
{
    return json::serialize(json::object{{"simulated", JsonWriter::to_json(o.simulated)},
                                        {"compared", JsonWriter::to_json(o.compared)},
                                        {"energy_pj", JsonWriter::to_json(o.energy_pj)},
                                        {"stall_share", o.stall_share},
                                        {"bound_cycles", o.bound_cycles},
                                        {"shape", JsonWriter::to_json(o.shape)},
                                        {"error", o.error}});
}

RowOutcome from_text(const std::string& text)
{
    const json::value v = json::parse(text);
    if (const auto* failure = v.as_object().if_contains("failure"))
        throw CheckFailure(json::value_to<std::string>(*failure));
    RowOutcome o;
    read_map(v.at("simulated"), o.simulated);
    read_map(v.at("compared"), o.compared);
    read_map(v.at("energy_pj"), o.energy_pj);
    read_map(v.at("shape"), o.shape);
    o.stall_share = v.at("stall_share").to_number<double>();
    o.bound_cycles = v.at("bound_cycles").to_number<std::int64_t>();
    o.error = json::value_to<std::string>(v.at("error"));
    return o;
}

[[noreturn]] void be_child(const MeasuredSet& set, std::size_t row, const KeyValues& values, int fd)
{
    std::string text;
    try {
        text = to_text(simulate_row(set, row, values));
    } catch (const std::exception& e) {
        text = json::serialize(json::object{{"failure", e.what()}});
    }
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t n = ::write(fd, text.data() + sent, text.size() - sent);
        if (n <= 0) ::_exit(1);
        sent += static_cast<std::size_t>(n);
    }
    ::_exit(0); // no destructors of the parent's objects
}

/// Children at work; those left are ended when an error leaves through here.
class Children {
public:
    struct Child {
        pid_t pid = -1;
        int fd = -1;
        std::size_t task = 0;
        std::string received;
    };

    ~Children()
    {
        for (Child& c : list_) {
            ::close(c.fd);
            ::kill(c.pid, SIGTERM);
            ::waitpid(c.pid, nullptr, 0);
        }
    }
    std::size_t count() const { return list_.size(); }

    template <class Work> void start(std::size_t task, const Work& work)
    {
        int ends[2];
        if (::pipe(ends) != 0) throw CheckFailure(std::string("cannot make a pipe: ") + std::strerror(errno));
        const pid_t pid = ::fork();
        if (pid < 0) throw CheckFailure(std::string("cannot start a process: ") + std::strerror(errno));
        if (pid == 0) {
            ::close(ends[0]);
            work(ends[1]);
        }
        ::close(ends[1]);
        list_.push_back({pid, ends[0], task, {}});
    }

    /// Waits for something to read; calls `done(task, text)` for children that have ended.
    template <class Done> void wait(const Done& done)
    {
        std::vector<pollfd> polls;
        for (const Child& c : list_) polls.push_back({c.fd, POLLIN, 0});
        ::poll(polls.data(), polls.size(), -1);
        for (std::size_t i = polls.size(); i-- > 0;) {
            if (polls[i].revents == 0) continue;
            char buffer[16384];
            const ssize_t n = ::read(list_[i].fd, buffer, sizeof buffer);
            if (n > 0) {
                list_[i].received.append(buffer, static_cast<std::size_t>(n));
                continue;
            }
            const Child ended = list_[i];
            list_.erase(list_.begin() + static_cast<std::ptrdiff_t>(i));
            ::close(ended.fd);
            int status = 0;
            ::waitpid(ended.pid, &status, 0);
            if (status != 0) throw CheckFailure("a simulation's process died (status " + std::to_string(status) + ")");
            done(ended.task, ended.received);
        }
    }

private:
    std::vector<Child> list_;
};

} // namespace

std::string RowSimulator::key_of(const KeyValues& values, std::size_t row) const
{
    std::string key = std::to_string(row);
    for (const auto& [name, value] : values)
        if (set_.rows[row].keys.count(name) == 0) key += "|" + name + "=" + value;
    return key;
}

void RowSimulator::run(const std::vector<KeyValues>& values, const std::vector<std::size_t>& rows)
{
    std::vector<Task> tasks;
    std::set<std::string> queued;
    for (const KeyValues& v : values)
        for (const std::size_t row : rows) {
            const std::string key = key_of(v, row);
            if (known_.count(key) == 0 && queued.insert(key).second) tasks.push_back({key, v, row});
        }
    Children children;
    std::size_t next = 0;
    while (next < tasks.size() || children.count() > 0) {
        while (next < tasks.size() && children.count() < static_cast<std::size_t>(jobs_)) {
            const Task& t = tasks[next];
            children.start(next++, [&](int fd) { be_child(set_, t.row, t.values, fd); });
        }
        children.wait([&](std::size_t task, const std::string& text) { known_[tasks[task].key] = from_text(text); });
    }
}

const RowOutcome& RowSimulator::outcome(const KeyValues& values, std::size_t row) const
{
    return known_.at(key_of(values, row));
}

} // namespace heddle
