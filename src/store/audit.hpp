// The hash chain of the audit log: each line's hash covers the line and the hash before it, so that a line that was changed,
// removed or put in between is seen. The same for every storage. Any thread; pure; one SHA-256 for a line.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/administration.hpp"

namespace fp::store {

// SHA-256, lower-case hex, over previous_hash, id, time (ms) and the texts, each with its length before it.
[[nodiscard]] std::string audit_hash(const AuditLine& line);

// Lines in any order without a gap, as audit_lines gives them. Code::corrupt names the first line that does not fit.
[[nodiscard]] Status verify_audit(std::vector<AuditLine> lines);

}  // namespace fp::store
