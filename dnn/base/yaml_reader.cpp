#include "dnn/base/yaml_reader.hpp"

#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"
#include "dnn/base/yaml_message.hpp"
#include "dnn/base/yaml_scalar.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <yaml-cpp/yaml.h>

namespace heddle {

namespace {

constexpr std::uint64_t max_file_bytes = 64ull << 20;

std::string list(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

} // namespace

struct YamlReader::State {
    std::string file, path;
    YAML::Node node;
    YAML::Mark mark; // of an empty value: its key's, since yaml-cpp gives the next token's
    std::set<std::string> asked;
    std::map<std::string, std::shared_ptr<State>> children;
    std::vector<std::shared_ptr<State>> item_states;

    State(std::string file_name, std::string key_path, const YAML::Node& yaml, const YAML::Mark& place)
        : file(std::move(file_name)), path(std::move(key_path)), node(yaml), mark(place)
    {
    }

    [[noreturn]] void expected(const std::string& what) const
    {
        report(file, mark, path, "expected " + what + ", " + got(node));
    }
    void require_map() const
    {
        if (!node.IsMap()) expected("a mapping");
    }
    /// Entry of a mapping, with its mark; first.IsDefined() is false when absent.
    std::pair<YAML::Node, YAML::Node> entry(const std::string& key) const
    {
        require_map();
        for (const auto& e : node)
            if (e.first.Scalar() == key) return {e.first, e.second};
        return {YAML::Node(YAML::NodeType::Undefined), YAML::Node(YAML::NodeType::Undefined)};
    }
    /// Child state, or null when absent; remembers that the key was asked for.
    std::shared_ptr<State> find(const std::string& key)
    {
        require_map();
        asked.insert(key);
        if (const auto known = children.find(key); known != children.end()) return known->second;
        const auto [name, value] = entry(key);
        if (!name.IsDefined()) return nullptr;
        return children[key] =
                   std::make_shared<State>(file, join(path, key), value, value.IsNull() ? name.Mark() : value.Mark());
    }
    std::shared_ptr<State> need(const std::string& key, const std::string& what)
    {
        auto found = find(key);
        if (found) return found;
        report_misspelt(key);
        report(file, mark, join(path, key), "missing key, expected " + what);
    }
    /// A key of this mapping that nobody has asked for and that reads like the missing one: two letters at most, since
    /// it may be one that is asked for later.
    void report_misspelt(const std::string& missing) const
    {
        constexpr int most = 2;
        std::vector<std::string> others;
        for (const auto& e : node)
            if (asked.count(e.first.Scalar()) == 0) others.push_back(e.first.Scalar());
        const std::optional<std::string> found = nearest_name(others, missing, most);
        if (found)
            report(file, entry(*found).first.Mark(), join(path, *found),
                   "unknown key (did you mean " + quoted(missing) + "?)");
    }
    std::int64_t integer(std::int64_t min, std::int64_t max) const
    {
        std::int64_t value = 0;
        if (!node.IsScalar() || !parse_integer(node.Scalar(), value) || value < min || value > max)
            expected(integer_range(min, max));
        return value;
    }
    double real(double min, double max) const
    {
        double value = 0;
        if (!node.IsScalar() || !parse_real(node.Scalar(), value) || value < min || value > max)
            expected(real_range(min, max));
        return value;
    }
    bool boolean() const
    {
        const bool yes = node.IsScalar() && node.Scalar() == "true";
        if (!yes && !(node.IsScalar() && node.Scalar() == "false")) expected("true or false");
        return yes;
    }
    std::string text() const
    {
        if (!node.IsScalar()) expected("text");
        return node.Scalar();
    }
    int choice(const std::vector<std::string>& allowed) const
    {
        const auto found = node.IsScalar() ? std::find(allowed.begin(), allowed.end(), node.Scalar()) : allowed.end();
        if (found == allowed.end()) expected("one of " + list(allowed));
        return static_cast<int>(found - allowed.begin());
    }
    void finish() const;
};

void YamlReader::State::finish() const
{
    if (node.IsMap()) {
        for (const auto& e : node) {
            const std::string key = e.first.Scalar();
            if (asked.count(key) == 0) {
                const std::vector<std::string> known(asked.begin(), asked.end());
                report(file, e.first.Mark(), join(path, key),
                       "unknown key" + did_you_mean(known, key) +
                           (known.empty() ? "" : ", expected one of " + list(known)));
            }
            if (const auto child = children.find(key); child != children.end()) child->second->finish();
        }
    }
    for (const auto& item : item_states) item->finish();
}

YamlReader::YamlReader(std::shared_ptr<State> state) : state_(std::move(state)) {}

YamlReader YamlReader::load_file(const std::string& path)
{
    return load_string(read_file(path, max_file_bytes), path);
}

YamlReader YamlReader::load_string(const std::string& text, const std::string& name)
{
    std::vector<YAML::Node> documents;
    try {
        documents = YAML::LoadAll(text);
    } catch (const YAML::Exception& e) {
        report(name, e.mark, "", e.msg);
    }
    if (documents.empty()) documents.emplace_back();
    if (documents.size() > 1) report(name, documents[1].Mark(), "", "expected one document, got another");
    check_tree(documents[0], name);
    return YamlReader(std::make_shared<State>(name, "", documents[0], documents[0].Mark()));
}

bool YamlReader::has(const std::string& key) const
{
    return state_->find(key) != nullptr;
}

YamlReader YamlReader::child(const std::string& key) const
{
    return YamlReader(state_->need(key, "a value"));
}

std::vector<YamlReader> YamlReader::items() const
{
    if (!state_->node.IsSequence()) state_->expected("a list");
    if (state_->item_states.empty()) {
        int index = 0;
        for (const auto& item : state_->node) {
            const std::string path = state_->path + "[" + std::to_string(index++) + "]";
            state_->item_states.push_back(std::make_shared<State>(state_->file, path, item, item.Mark()));
        }
    }
    std::vector<YamlReader> readers;
    for (const auto& item : state_->item_states) readers.push_back(YamlReader(item));
    return readers;
}

std::vector<std::string> YamlReader::keys() const
{
    state_->require_map();
    std::vector<std::string> names;
    for (const auto& e : state_->node) names.push_back(e.first.Scalar());
    return names;
}

bool YamlReader::is_map() const
{
    return state_->node.IsMap();
}
bool YamlReader::is_sequence() const
{
    return state_->node.IsSequence();
}
bool YamlReader::is_scalar() const
{
    return state_->node.IsScalar();
}

std::int64_t YamlReader::integer(const std::string& key, std::int64_t min, std::int64_t max) const
{
    return state_->need(key, integer_range(min, max))->integer(min, max);
}

std::int64_t YamlReader::integer(const std::string& key, std::int64_t min, std::int64_t max,
                                 std::int64_t fallback) const
{
    const auto found = state_->find(key);
    return found ? found->integer(min, max) : fallback;
}

double YamlReader::real(const std::string& key, double min, double max) const
{
    return state_->need(key, real_range(min, max))->real(min, max);
}

double YamlReader::real(const std::string& key, double min, double max, double fallback) const
{
    const auto found = state_->find(key);
    return found ? found->real(min, max) : fallback;
}

Rational YamlReader::rational(const std::string& key, const Rational& min, const Rational& max) const
{
    const std::string range =
        "a number from " + min.text() + " to " + max.text() + ", as a decimal or a fraction such as 933.3 or 2800/3";
    const auto found = state_->need(key, range);
    Rational value;
    if (!found->node.IsScalar() || !parse_rational(found->node.Scalar(), value) || value < min || max < value)
        found->expected(range);
    return value;
}

bool YamlReader::boolean(const std::string& key, bool fallback) const
{
    const auto found = state_->find(key);
    return found ? found->boolean() : fallback;
}

std::string YamlReader::text(const std::string& key) const
{
    return state_->need(key, "text")->text();
}

std::string YamlReader::text(const std::string& key, const std::string& fallback) const
{
    const auto found = state_->find(key);
    return found ? found->text() : fallback;
}

int YamlReader::choice(const std::string& key, const std::vector<std::string>& allowed) const
{
    return state_->need(key, "one of " + list(allowed))->choice(allowed);
}

int YamlReader::choice(const std::string& key, const std::vector<std::string>& allowed,
                       const std::string& fallback) const
{
    if (const auto found = state_->find(key)) return found->choice(allowed);
    const auto position = std::find(allowed.begin(), allowed.end(), fallback);
    if (position == allowed.end()) throw std::logic_error("YamlReader::choice: fallback is not among the allowed");
    return static_cast<int>(position - allowed.begin());
}

std::int64_t YamlReader::as_integer(std::int64_t min, std::int64_t max) const
{
    return state_->integer(min, max);
}
double YamlReader::as_real(double min, double max) const
{
    return state_->real(min, max);
}
std::string YamlReader::as_text() const
{
    return state_->text();
}

void YamlReader::fail(const std::string& message) const
{
    report(state_->file, state_->mark, state_->path, message);
}

void YamlReader::fail_at(const std::string& key, const std::string& message) const
{
    const auto name = state_->entry(key).first;
    report(state_->file, name.IsDefined() ? name.Mark() : state_->mark, join(state_->path, key), message);
}

void YamlReader::finish() const
{
    state_->finish();
}

int YamlReader::line() const
{
    return state_->mark.line + 1;
}

const std::string& YamlReader::file() const
{
    return state_->file;
}

} // namespace heddle
