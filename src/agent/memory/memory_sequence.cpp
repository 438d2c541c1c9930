// Runs of task sequences.
#include "agent/memory/database.hpp"
#include "agent/memory/memory.hpp"

namespace fp::memory {

Result<std::optional<SequenceRun>> Memory::sequence_run(std::string_view deployment_id) {
  std::optional<SequenceRun> out;
  FP_CHECK(db_->each("SELECT deployment_id, run_id, revision, state, position, boot_id, last_exit_code, last_succeeded, last_name,"
                     " restart_wanted, user_started, started_at, finished_at, summary, document FROM sequence_runs"
                     " WHERE deployment_id=?1",
                     [&](Row& row) {
                       auto& r = out.emplace();
                       row >> r.deployment_id >> r.run_id >> r.revision >> r.state >> r.position >> r.boot_id >> r.last_exit_code >>
                           r.last_succeeded >> r.last_name >> r.restart_wanted >> r.user_started >> r.started_at >> r.finished_at >>
                           r.summary >> r.document;
                     },
                     deployment_id));
  if (!out) return out;
  FP_CHECK(db_->each("SELECT line, place, name, kind, state, exit_code, reason, output, started_at, finished_at FROM sequence_steps"
                     " WHERE deployment_id=?1 ORDER BY line",
                     [&](Row& row) {
                       auto& s = out->steps.emplace_back();
                       row >> s.line >> s.place >> s.name >> s.kind >> s.state >> s.exit_code >> s.reason >> s.output >>
                           s.started_at >> s.finished_at;
                     },
                     deployment_id));
  FP_CHECK(db_->each("SELECT name, value, secret FROM sequence_variables WHERE deployment_id=?1 ORDER BY name",
                     [&](Row& row) {
                       auto& v = out->variables.emplace_back();
                       row >> v.name >> v.value >> v.secret;
                     },
                     deployment_id));
  return out;
}

Status Memory::save(const SequenceRun& r) {
  return together([&]() -> Status {
    FP_CHECK(forget_sequence_run(r.deployment_id));
    FP_CHECK(db_->run("INSERT INTO sequence_runs VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)", r.deployment_id,
                      r.run_id, r.revision, r.state, r.position, r.boot_id, r.last_exit_code, r.last_succeeded, r.last_name,
                      r.restart_wanted, r.user_started, r.started_at, r.finished_at, r.summary, r.document));
    for (const auto& s : r.steps)
      FP_CHECK(db_->run("INSERT INTO sequence_steps VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)", r.deployment_id, s.line, s.place,
                        s.name, s.kind, s.state, s.exit_code, s.reason, s.output, s.started_at, s.finished_at));
    for (const auto& v : r.variables)
      FP_CHECK(db_->run("INSERT INTO sequence_variables VALUES (?1,?2,?3,?4)", r.deployment_id, v.name, v.value, v.secret));
    return {};
  });
}

Status Memory::forget_sequence_run(std::string_view id) {
  FP_CHECK(db_->run("DELETE FROM sequence_steps WHERE deployment_id=?1", id));
  FP_CHECK(db_->run("DELETE FROM sequence_variables WHERE deployment_id=?1", id));
  return db_->run("DELETE FROM sequence_runs WHERE deployment_id=?1", id);
}

}  // namespace fp::memory
