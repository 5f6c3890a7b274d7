// The fields of a result under their stable names in report.json, listed once: writing, reading and comparing all walk
// this list with an archive whose field(name, value) does the work.
#pragma once

#include "sim/result.hpp"

namespace heddle {

template <class Archive> void visit(Archive& a, AccessCounts& c)
{
    a.field("fills", c.fills);
    a.field("reads", c.reads);
    a.field("updates", c.updates);
    a.field("drains", c.drains);
    a.field("read_beats", c.read_beats);
    a.field("write_beats", c.write_beats);
}

template <class Archive> void visit(Archive& a, DramActivity& d)
{
    a.field("read_bytes", d.read_bytes);
    a.field("write_bytes", d.write_bytes);
    a.field("activates", d.activates);
    a.field("precharges", d.precharges);
    a.field("reads", d.reads);
    a.field("writes", d.writes);
    a.field("refreshes", d.refreshes);
    a.field("row_hits", d.row_hits);
    a.field("active_standby_clocks", d.active_standby_clocks);
    a.field("precharge_standby_clocks", d.precharge_standby_clocks);
}

template <class Archive> void visit(Archive& a, DramEnergyParts& e)
{
    a.field("activate", e.activate);
    a.field("read", e.read);
    a.field("write", e.write);
    a.field("refresh", e.refresh);
    a.field("active_standby", e.active_standby);
    a.field("precharge_standby", e.precharge_standby);
    a.field("power_down", e.power_down);
    a.field("io", e.io);
}

template <class Archive> void visit(Archive& a, DataflowChoice& c)
{
    a.field("chosen", c.chosen);
    a.field("margin", c.margin);
    a.field("candidates", c.candidates);
}

template <class Archive> void visit(Archive& a, DataflowSwitch& s)
{
    a.field("from", s.from);
    a.field("mode_cycles", s.mode_cycles);
    a.field("flush_cycles", s.flush_cycles);
    a.field("reload_cycles", s.reload_cycles);
}

/// All but the energies, which depend on a table.
template <class Archive> void visit_counts(Archive& a, LayerResult& l)
{
    a.field("name", l.name);
    a.field("op", l.op);
    a.field("dataflow", l.dataflow);
    a.field("shape", l.shape);
    a.field("note", l.note);
    a.field("timed", l.timed);
    a.field("verified", l.verified);
    a.field("overflows", l.overflows);
    a.field("macs", l.macs);
    a.field("macs_effectual", l.macs_effectual);
    a.field("macs_gated", l.macs_gated);
    a.field("macs_skipped", l.macs_skipped);
    a.field("cycles", l.cycles);
    a.field("array_cycles", l.array_cycles);
    a.field("bound_cycles", l.bound_cycles);
    a.field("bound_actual_cycles", l.bound_actual_cycles);
    a.field("bound_by", l.bound_by);
    a.field("utilization", l.utilization);
    a.field("wire_utilization", l.wire_utilization);
    a.field("accesses", l.accesses);
    a.field("reuse", l.reuse);
    a.field("hops", l.hops);
    a.field("ledger", l.ledger);
    a.field("phases", l.phases);
    a.field("post_words", l.post_words);
    a.field("post_operations", l.post_operations);
    a.field("padding_words", l.padding_words);
    a.field("dram", l.dram);
}

template <class Archive> void visit(Archive& a, LayerResult& l)
{
    visit_counts(a, l);
    a.field("energy_pj", l.energy_pj);
    a.field("energy_by_tensor_pj", l.energy_by_tensor_pj);
    a.later_field("dram_energy_pj", l.dram_energy_pj);
    a.later_field("bound_terms_cycles", l.bound_terms_cycles);
    a.later_field("mapping", l.mapping);
    a.later_field("mapping_parameters", l.mapping_parameters);
}

/// All but the layers, which report.json lists in two groups.
template <class Archive> void visit(Archive& a, RunResult& r)
{
    a.field("network", r.network);
    a.field("hardware", r.hardware);
    a.field("energy_table", r.energy_table);
    a.later_field("dataflow", r.dataflow);
    a.field("synthetic", r.synthetic);
    a.field("timing_only", r.timing_only);
    a.field("seed", r.seed);
    a.field("stall_seed", r.stall_seed);
    a.field("batch", r.batch);
    a.field("clock_mhz", r.clock_mhz);
    a.field("pes", r.pes);
    a.field("coverage_macs", r.coverage_macs);
    a.field("coverage_bytes", r.coverage_bytes);
    a.field("simulate_seconds", r.simulate_seconds);
    a.field("reference_seconds", r.reference_seconds);
    a.field("output", r.output);
    a.field("missing", r.missing);
    a.field("area_mm2", r.area_mm2);
    a.field("area_by_block_mm2", r.area_by_block_mm2);
}

} // namespace heddle
