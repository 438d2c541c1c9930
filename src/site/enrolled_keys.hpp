// Keys that belong to one client because each was issued a certificate by proof of the one before (renewal). Any thread; a few look-ups
// inside a transaction. Never: takes one name for one client; only a chain of proofs counts.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "store/store.hpp"

namespace fp::site {

inline constexpr std::size_t kLineageMax = 64;  // keys of one client that are followed, either way

// What was issued for this key, newest; nothing: it was not enrolled here.
[[nodiscard]] Result<std::optional<Enrollment>> enrollment_of(store::Repositories& r, std::string_view key_fingerprint);
// The registered device of this key, or else of the keys that it was renewed from.
[[nodiscard]] Result<std::optional<Device>> device_of_key(store::Repositories& r, std::string_view key_fingerprint);
// This key, those it was renewed from and those that came of any of them.
[[nodiscard]] Result<std::set<std::string>> lineage_of(store::Repositories& r, const std::string& key_fingerprint);

}  // namespace fp::site
