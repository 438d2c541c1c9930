// Fragments of update metadata as a scan gets them (MS-WUSP 3.1.1.1, protocols.md §3.3, docs/protocol/updates.md): several root
// elements, names with prefixes and without declarations. The rules of applicability are of dpkg packages, under a prefix of our own.
// Any thread; pure. Costs a parse of at most 64 KiB. Never: a rule deeper or wider than wsus_limits.hpp says.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/update.hpp"

namespace fp::wire {

[[nodiscard]] std::string encode_core_fragment(const UpdateMetadata& update);
// Code::invalid: not such a fragment, or a rule that is not known. Unknown elements beside the rules are ignored.
[[nodiscard]] Result<UpdateMetadata> decode_core_fragment(std::string_view fragment);

// What the metadata says of the one file of an update.
struct UpdateFile {
  std::string file_name, sha256;  // lower-case hex
  std::int64_t bytes = 0;
};
[[nodiscard]] std::string encode_extended_fragment(const UpdateFile& file);
[[nodiscard]] Result<UpdateFile> decode_extended_fragment(std::string_view fragment);

[[nodiscard]] std::string encode_localized_fragment(std::string_view title, std::string_view description);
[[nodiscard]] Result<std::string> decode_localized_fragment(std::string_view fragment);  // the title

}  // namespace fp::wire
