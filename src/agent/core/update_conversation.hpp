// The conversation of a scan with one software update point (MS-WUSP, docs/protocol/updates.md): configuration, cookies, registration,
// then metadata level by level until nothing new comes; what came is kept page by page, so that an interrupted one goes on. One thread.
// Never: a choice of the software update point, a retry, a verdict about this computer.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/core/mp_client.hpp"
#include "agent/memory/memory.hpp"
#include "domain/deployment/applicability.hpp"
#include "wire/wsus.hpp"

namespace fp::agent {

class UpdateConversation {
 public:
  // `base`: "https://sup.example:8531".
  UpdateConversation(Transport& transport, memory::Memory& memory, const Clock& clock, std::string base, std::string client_id, const Names& names);

  // Brings the metadata in memory up to date. Errors: unavailable (not reached, or a fault that passes), forbidden (its certificate
  // did not hold), invalid (it speaks another language, or finds ours wrong: trying again is of no use).
  [[nodiscard]] Status synchronise(const deployment::PackageIndex& device);
  // Titles of updates, by number; best effort within the same session.
  [[nodiscard]] Result<std::map<std::int64_t, std::string>> titles(const std::vector<std::int64_t>& numbers);
  void report(bool good);  // one event, for its statistics
  [[nodiscard]] int unreadable() const { return unreadable_; }  // updates whose metadata this agent cannot read

 private:
  [[nodiscard]] Result<std::string> ask(const wire::wsus::Request& request);
  [[nodiscard]] Status begin(const deployment::PackageIndex& device);
  [[nodiscard]] Status pull(const deployment::PackageIndex& device);
  [[nodiscard]] Status take(const wire::wsus::SyncInfo& info, const deployment::PackageIndex& device);
  void know(const memory::CachedUpdate& update, const deployment::PackageIndex& device);

  Transport& transport_;
  memory::Memory& memory_;
  const Clock& clock_;
  std::string base_, client_id_;
  const Names& names_;
  wire::wsus::Cookie cookie_;
  bool begun_again_ = false, again_wanted_ = false;
  std::map<std::int64_t, bool> known_;  // number -> it is a non-leaf revision that holds here
  int unreadable_ = 0;
};

}  // namespace fp::agent
