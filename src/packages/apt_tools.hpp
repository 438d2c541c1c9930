// What Debian's own tools say of a repository's files: gpgv of signatures, xz and gzip of compressed indexes. Blocks for as long as
// they run (two minutes at most). Never: a key beyond the keyring that is named, a text outside of what was signed.
#pragma once
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"
#include "packages/runner.hpp"

namespace fp::packages {

// The signed text of a clear-signed file. Code::forbidden: no good signature by a key of the keyring, with gpgv's reason.
[[nodiscard]] Result<std::string> verified_text(Runner& runner, const Path& keyring, const Path& file, std::size_t bytes_max);
// The content of a file ending in .xz or .gz; any other is read as it is. Code::too_large, corrupt.
[[nodiscard]] Result<std::string> unpacked_text(Runner& runner, const Path& file, std::size_t bytes_max);

}  // namespace fp::packages
