#include "models/dram_timing.hpp"

#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/base/nearest.hpp"
#include "models/dram_address.hpp"

namespace heddle {

namespace {

constexpr int max_clocks = 1 << 20;

bool power_of_two(std::int64_t value)
{
    return value > 0 && (value & (value - 1)) == 0;
}

int clocks(const YamlReader& yaml, const std::string& key)
{
    return static_cast<int>(yaml.integer(key, 1, max_clocks));
}

int clocks(const YamlReader& yaml, const std::string& key, int min, int fallback)
{
    return static_cast<int>(yaml.integer(key, min, max_clocks, fallback));
}

void read_geometry(const YamlReader& yaml, DramTiming& timing)
{
    timing.name = yaml.text("name");
    yaml.text("source");
    timing.clock_khz = yaml.integer("clock_khz", 1, 100'000'000);
    timing.channels = static_cast<int>(yaml.integer("channels", 1, 64));
    timing.ranks = static_cast<int>(yaml.integer("ranks", 1, 8));
    timing.bank_groups = static_cast<int>(yaml.integer("bank_groups", 1, 16));
    timing.banks_per_group = static_cast<int>(yaml.integer("banks_per_group", 1, 64));
    timing.rows = yaml.integer("rows", 1, 1 << 24);
    timing.row_bytes = static_cast<int>(yaml.integer("row_bytes", 1, 1 << 20));
    timing.bus_bits = static_cast<int>(yaml.integer("bus_bits", 8, 4096));
    timing.burst_length = static_cast<int>(yaml.integer("burst_length_beats", 2, 64));
    timing.address_order = yaml.text("address_order");
    timing.queue_depth = static_cast<int>(yaml.integer("queue_depth", 1, 64));
    const int scheduler = yaml.choice("scheduler", {"fr_fcfs", "fcfs"});
    timing.max_bypass = static_cast<int>(yaml.integer("max_bypass", 0, 1 << 20, timing.max_bypass));
    if (scheduler == 1) timing.max_bypass = 0;
}

void read_clocks(const YamlReader& yaml, DramTiming& timing)
{
    timing.act_command_clocks = clocks(yaml, "act_command_clocks", 1, 1);
    timing.column_command_clocks = clocks(yaml, "column_command_clocks", 1, 1);
    timing.pre_command_clocks = clocks(yaml, "pre_command_clocks", 1, 1);
    timing.ref_command_clocks = clocks(yaml, "ref_command_clocks", 1, 1);
    timing.tcl = clocks(yaml, "tcl_clocks");
    timing.tcwl = clocks(yaml, "tcwl_clocks");
    timing.tdqsck = clocks(yaml, "tdqsck_clocks", 0, 0);
    timing.tdqss = clocks(yaml, "tdqss_clocks", 0, 0);
    timing.trcd = clocks(yaml, "trcd_clocks");
    timing.trp = clocks(yaml, "trp_clocks");
    timing.trp_all = clocks(yaml, "trp_all_clocks", 1, timing.trp);
    timing.tras = clocks(yaml, "tras_clocks");
    timing.trc = clocks(yaml, "trc_clocks", 1, timing.tras + timing.trp);
    timing.trrd_s = clocks(yaml, "trrd_s_clocks");
    timing.trrd_l = clocks(yaml, "trrd_l_clocks", 1, timing.trrd_s);
    timing.tfaw = clocks(yaml, "tfaw_clocks");
    timing.tccd_s = clocks(yaml, "tccd_s_clocks");
    timing.tccd_l = clocks(yaml, "tccd_l_clocks", 1, timing.tccd_s);
    timing.twr = clocks(yaml, "twr_clocks");
    timing.twtr_s = clocks(yaml, "twtr_s_clocks");
    timing.twtr_l = clocks(yaml, "twtr_l_clocks", 1, timing.twtr_s);
    timing.trtp = clocks(yaml, "trtp_clocks");
    timing.turnaround = clocks(yaml, "turnaround_clocks", 0, 0);
    timing.trtrs = clocks(yaml, "trtrs_clocks", 0, 0);
    timing.trefi = static_cast<int>(yaml.integer("trefi_clocks", 0, max_clocks));
    timing.trfc = clocks(yaml, "trfc_clocks");
}

} // namespace

std::pair<std::string, std::string> DramTiming::broken_rule() const
{
    const std::pair<const char*, std::int64_t> sizes[] = {{"channels", channels},
                                                          {"ranks", ranks},
                                                          {"bank_groups", bank_groups},
                                                          {"banks_per_group", banks_per_group},
                                                          {"rows", rows},
                                                          {"row_bytes", row_bytes},
                                                          {"bus_bits", bus_bits},
                                                          {"burst_length_beats", burst_length}};
    for (const auto& [key, value] : sizes) {
        if (!power_of_two(value)) return {key, "expected a power of two, got " + std::to_string(value)};
    }
    const auto at_least = [](int value, int bound, const std::string& what) {
        return value >= bound
                   ? std::string()
                   : "expected at least " + what + " (" + std::to_string(bound) + "), got " + std::to_string(value);
    };
    const std::pair<const char*, std::string> rules[] = {
        {"row_bytes", at_least(row_bytes, burst_bytes(), "one burst of bytes")},
        {"tras_clocks", at_least(tras, trcd, "trcd_clocks")},
        {"trc_clocks", at_least(trc, tras, "tras_clocks")},
        {"trp_all_clocks", at_least(trp_all, trp, "trp_clocks")},
        {"trrd_l_clocks", at_least(trrd_l, trrd_s, "trrd_s_clocks")},
        {"tfaw_clocks", at_least(tfaw, trrd_s, "trrd_s_clocks")},
        {"tccd_s_clocks", at_least(tccd_s, burst_clocks(), "half of burst_length_beats")},
        {"tccd_l_clocks", at_least(tccd_l, tccd_s, "tccd_s_clocks")},
        {"twtr_l_clocks", at_least(twtr_l, twtr_s, "twtr_s_clocks")},
        // Precharging all banks and refreshing must fit between two refreshes with time left for work.
        {"trefi_clocks", trefi == 0 ? "" : at_least(trefi, 2 * (trc + trp_all + trfc), "2 x (tRC + tRP + tRFC)")},
        {"banks_per_group",
         ranks * banks_per_rank() <= 64 ? "" : "expected at most 64 banks in all ranks of a channel"},
        {"queue_depth", queue_depth <= 128 ? "" : "expected at most 128 bursts"},
        {"address_order", DramAddressMap::order_error(address_order)},
    };
    for (const auto& [key, message] : rules) {
        if (!message.empty()) return {key, message};
    }
    return {};
}

DramTiming load_dram_timing(const YamlReader& yaml)
{
    DramTiming timing;
    read_geometry(yaml, timing);
    read_clocks(yaml, timing);
    const auto [key, message] = timing.broken_rule();
    if (!message.empty()) yaml.fail_at(key, message);
    yaml.finish();
    return timing;
}

DramTiming load_dram_timing(const std::string& name_or_path)
{
    if (name_or_path.find('/') != std::string::npos || name_or_path.find(".yaml") != std::string::npos) {
        return load_dram_timing(YamlReader::load_file(name_or_path));
    }
    std::string known;
    std::vector<std::string> names;
    for (const std::string& name : shipped_names("models/tables")) {
        if (name.rfind("dram_", 0) != 0) continue;
        names.insert(names.end(), {name, name.substr(5)});
        if (name == name_or_path || name == "dram_" + name_or_path) {
            return load_dram_timing(YamlReader::load_file(data_root() + "/models/tables/" + name + ".yaml"));
        }
        known += (known.empty() ? "" : ", ") + name;
    }
    throw UserError("unknown DRAM \"" + name_or_path + "\"" + did_you_mean(names, name_or_path) + "; known: " + known);
}

} // namespace heddle
