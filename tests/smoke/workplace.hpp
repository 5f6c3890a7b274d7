// A folder to run the executable in, and what it answers.
#pragma once

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace heddle::test_smoke {

struct Answer {
    int code = -1;
    std::string text; ///< standard output and errors
};

class Workplace {
public:
    Workplace()
    {
        std::string name = (std::filesystem::temp_directory_path() / "heddle-smoke-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Workplace() { std::filesystem::remove_all(path_); }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

    const std::filesystem::path& path() const { return path_; }
    /// `environment`: settings before the command, "PATH=/nowhere".
    Answer heddle(const std::string& arguments, const std::string& environment = "") const
    {
        const std::string command =
            "cd '" + path_.string() + "' && " + environment + " '" HEDDLE_EXECUTABLE "' " + arguments + " 2>&1";
        Answer answer;
        std::FILE* pipe = ::popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::array<char, 4096> chunk{};
        while (const std::size_t n = std::fread(chunk.data(), 1, chunk.size(), pipe))
            answer.text.append(chunk.data(), n);
        const int status = ::pclose(pipe);
        answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return answer;
    }

    boost::json::value report(const std::string& folder) const
    {
        std::ostringstream text;
        text << std::ifstream(path_ / folder / "report.json").rdbuf();
        return boost::json::parse(text.str());
    }

    /// `heddle run ARGUMENTS` must succeed; its report.
    boost::json::value run(const std::string& arguments) const
    {
        INFO("heddle run " << arguments);
        const Answer answer = heddle("run " + arguments + " --out result");
        INFO(answer.text);
        REQUIRE(answer.code == 0);
        return report("result");
    }

private:
    std::filesystem::path path_;
};

inline std::int64_t whole(const boost::json::value& v)
{
    return v.to_number<std::int64_t>();
}

/// Every layer of the report was compared with the reference, and none beats its bound.
inline void check_verified(const boost::json::value& report)
{
    CHECK_FALSE(report.at("layers").as_array().empty());
    for (const boost::json::value& l : report.at("layers").as_array()) {
        INFO(l.at("name"));
        CHECK(l.at("verified").as_bool());
        CHECK(whole(l.at("cycles")) >= whole(l.at("bound_actual_cycles")));
    }
}

} // namespace heddle::test_smoke
