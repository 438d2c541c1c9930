#include "store/audit.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace fp::store {

std::string audit_hash(const AuditLine& line) {
  std::string bytes = "farpoint-audit-v1\n";
  const auto add = [&](std::string_view text) { bytes += fmt::format("{}:{}\n", text.size(), text); };
  add(line.previous_hash);
  add(std::to_string(line.id));
  add(std::to_string(line.at.ms));
  for (const auto* text : {&line.who, &line.action, &line.object_kind, &line.object_id, &line.detail}) add(*text);
  return hex_lower(crypto::sha256(bytes));
}

Status verify_audit(std::vector<AuditLine> lines) {
  std::sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].hash != audit_hash(lines[i])) return fail(Code::corrupt, "audit line {} was changed", lines[i].id);
    if (i && lines[i].previous_hash != lines[i - 1].hash)
      return fail(Code::corrupt, "audit line {} does not follow line {}", lines[i].id, lines[i - 1].id);
    if (i && lines[i].id != lines[i - 1].id + 1)
      return fail(Code::corrupt, "audit lines between {} and {} are missing", lines[i - 1].id, lines[i].id);
  }
  return {};
}

}  // namespace fp::store
