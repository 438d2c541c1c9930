// What clients said through fallback status points, in the words of the admin API: always marked as untrusted. Internal to this room.
#pragma once
#include <optional>
#include <string>

#include "roles/admin/context.hpp"

namespace fp::admin {

[[nodiscard]] json::object to_answer(const FallbackMessage& message);
// "cannot reach a management point: https://mp.example.test:443, TLS expired, ..."
[[nodiscard]] std::string sentence_of(const FallbackMessage& message);
// The newest that claims to be of this device: by its id, or by its name.
[[nodiscard]] Result<std::optional<FallbackMessage>> newest_said(Repositories& r, const Device& device);

}  // namespace fp::admin
