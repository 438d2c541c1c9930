// How findings of an examination are shown, the same by farpoint and farpoint-agent. One thread.
#pragma once
#include <vector>

#include "doctor/examination.hpp"

namespace fp::cli {

// A table, with what to change below each finding that asks for it; or one JSON object {"good", "findings"}. Returns the exit
// code: 0 where nothing failed, else 1.
[[nodiscard]] int show_findings(const std::vector<doctor::Finding>& findings, bool as_json);

[[nodiscard]] doctor::Surroundings surroundings_of_doctor();

// Limits for one examination: a server that hangs must not hang the doctor.
[[nodiscard]] net::ClientOptions doctor_client();

// "https://host:port" of what a person typed; "http://host:port", where that was typed, means a fallback status point.
[[nodiscard]] Result<std::string> doctor_url(std::string_view text);

}  // namespace fp::cli
