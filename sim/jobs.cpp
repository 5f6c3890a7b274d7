#include "sim/jobs.hpp"

#include "dnn/base/error.hpp"
#include "sim/json.hpp"
#include "sim/layer_run.hpp"
#include "sim/result_fields.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <numeric>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace heddle {

namespace {

/// One line of JSON per message: {"layer": i, "result": {…}}, {"seconds": s}, {"user_error": "…"}, {"failure": "…"}.
void send(int fd, const json::object& message)
{
    const std::string line = json::serialize(message) + "\n";
    std::size_t sent = 0;
    while (sent < line.size()) {
        const ssize_t n = ::write(fd, line.data() + sent, line.size() - sent);
        if (n <= 0) ::_exit(1);
        sent += static_cast<std::size_t>(n);
    }
}

[[noreturn]] void work(const RunOptions& options, const std::vector<int>& layers, int fd)
{
    ::prctl(PR_SET_PDEATHSIG, SIGTERM); // an interrupted parent takes its workers with it
    try {
        LayerRunner runner(options);
        for (int l : layers) {
            const LayerResult r = runner.run(l);
            JsonWriter writer;
            LayerResult copy = r;
            visit(writer, copy);
            send(fd, {{"layer", l}, {"result", writer.object}});
        }
        send(fd, {{"seconds", runner.reference_seconds()}});
    } catch (const UserError& e) {
        send(fd, {{"user_error", e.what()}});
    } catch (const std::exception& e) {
        send(fd, {{"failure", e.what()}});
    }
    ::_exit(0); // no destructors of the parent's objects
}

struct Worker {
    pid_t pid = -1;
    int fd = -1;
    std::string received;
};

/// Heaviest layer first to the least loaded process.
std::vector<std::vector<int>> share_out(const RunOptions& o, std::vector<int> layers)
{
    const auto macs = [&](int l) { return o.network.net.layers[static_cast<std::size_t>(l)].macs(); };
    std::stable_sort(layers.begin(), layers.end(), [&](int a, int b) { return macs(a) > macs(b); });
    const std::size_t n = std::min(layers.size(), static_cast<std::size_t>(o.jobs));
    std::vector<std::vector<int>> shares(n);
    std::vector<std::int64_t> load(n, 0);
    for (int l : layers) {
        const std::size_t least = static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
        shares[least].push_back(l);
        load[least] += macs(l) + 1;
    }
    for (std::vector<int>& s : shares) std::sort(s.begin(), s.end());
    return shares;
}

void stop_all(std::vector<Worker>& workers)
{
    for (Worker& w : workers) {
        if (w.fd >= 0) ::close(w.fd);
        if (w.pid > 0) {
            ::kill(w.pid, SIGTERM);
            ::waitpid(w.pid, nullptr, 0);
        }
    }
}

double handle(const std::string& line, const std::function<void(int, const LayerResult&)>& report)
{
    const json::value message = json::parse(line);
    const json::object& o = message.as_object();
    if (const auto* e = o.if_contains("user_error")) throw UserError(json::value_to<std::string>(*e));
    if (const auto* e = o.if_contains("failure")) throw CheckFailure(json::value_to<std::string>(*e));
    if (const auto* s = o.if_contains("seconds")) return s->to_number<double>();
    LayerResult r;
    JsonReader reader(o.at("result"), "worker");
    visit(reader, r);
    report(o.at("layer").to_number<int>(), r);
    return 0.0;
}

} // namespace

std::string in_process_apart(const std::function<void(const std::function<void(const std::string&)>&)>& work)
{
    int ends[2];
    if (::pipe(ends) != 0) return {};
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        ::close(ends[0]);
        try {
            work([&](const std::string& text) {
                for (std::size_t sent = 0; sent < text.size();) {
                    const ssize_t n = ::write(ends[1], text.data() + sent, text.size() - sent);
                    if (n <= 0) ::_exit(1);
                    sent += static_cast<std::size_t>(n);
                }
                ::_exit(0); // at once, without destructors of the parent's objects
            });
        } catch (...) {
            ::_exit(1);
        }
        ::_exit(1);
    }
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n; pid > 0 && (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 1;
    if (pid > 0) ::waitpid(pid, &status, 0);
    return status == 0 ? text : "";
}

double run_in_processes(const RunOptions& options, const std::vector<int>& layers,
                        const std::function<void(int, const LayerResult&)>& report)
{
    std::vector<Worker> workers;
    for (const std::vector<int>& share : share_out(options, layers)) {
        int ends[2];
        if (::pipe(ends) != 0) throw CheckFailure(std::string("cannot make a pipe: ") + std::strerror(errno));
        const pid_t pid = ::fork();
        if (pid < 0) throw CheckFailure(std::string("cannot start a process: ") + std::strerror(errno));
        if (pid == 0) {
            ::close(ends[0]);
            work(options, share, ends[1]);
        }
        ::close(ends[1]);
        workers.push_back({pid, ends[0], {}});
    }
    double seconds = 0.0;
    std::size_t finished = 0;
    try {
        while (finished < workers.size()) {
            std::vector<pollfd> polls;
            polls.reserve(workers.size());
            for (const Worker& w : workers) polls.push_back({w.fd, POLLIN, 0});
            ::poll(polls.data(), polls.size(), -1);
            for (std::size_t i = 0; i < workers.size(); ++i) {
                Worker& w = workers[i];
                if (w.fd < 0 || polls[i].revents == 0) continue;
                char buffer[65536];
                const ssize_t n = ::read(w.fd, buffer, sizeof buffer);
                if (n <= 0) { // finished, or died: then its layers are missing
                    ::close(w.fd);
                    w.fd = -1;
                    int status = 0;
                    ::waitpid(w.pid, &status, 0);
                    w.pid = -1;
                    if (status != 0)
                        throw CheckFailure("a worker process died (status " + std::to_string(status) + ")");
                    ++finished;
                    continue;
                }
                w.received.append(buffer, static_cast<std::size_t>(n));
                for (std::size_t end; (end = w.received.find('\n')) != std::string::npos;) {
                    seconds = std::max(seconds, handle(w.received.substr(0, end), report));
                    w.received.erase(0, end + 1);
                }
            }
        }
    } catch (...) {
        stop_all(workers);
        throw;
    }
    return seconds;
}

} // namespace heddle
