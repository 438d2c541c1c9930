// State messages in words: topics and states of client deployment, assignment and communication (domain.md §21.4, §21.5). Pure.
#pragma once
#include <string>

namespace fp::wire {

[[nodiscard]] std::string topic_name(int topic_type);                // "client deployment"; unknown: "topic 4711"
[[nodiscard]] std::string state_name(int topic_type, int state_id);  // "succeeded"; unknown: "state 7"
// Whether the state says that something does not work.
[[nodiscard]] bool is_failure(int topic_type, int state_id);

}  // namespace fp::wire
