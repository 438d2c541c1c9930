// What setting up a host without a site's database has in common: copies of the certificates it was given, and the parts of its
// configuration. One thread. Never overwrites anything, makes no key, and asks no server.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/ownership.hpp"
#include "apps/setup.hpp"
#include "base/file.hpp"
#include "pki/certificate.hpp"

namespace fp::apps {

// A certificate with its chain, and its key, to <stem>.pem and <stem>.key. Code::invalid: they do not belong together.
[[nodiscard]] Status copy_pair(const Path& certificate, const Path& key, const Path& stem);
// All issuers into one file. Code::invalid names the file that holds no certificate.
[[nodiscard]] Status copy_issuers(const std::vector<Path>& files, const Path& into);
// The first certificate of a file; an error names the file.
[[nodiscard]] Result<pki::Certificate> read_certificate(const Path& file);
[[nodiscard]] Result<std::string> fingerprint_of(const Path& certificate);

[[nodiscard]] std::string quoted_list(const std::vector<Path>& files);
// With server.pem and server.key of the data folder, but for plain HTTP.
[[nodiscard]] std::string listener_text(const Endpoint& at, std::string_view door, const Path& data);

// Checks the text as a configuration, then writes it. Code::invalid: the first mistake.
[[nodiscard]] Status write_configuration(const Path& file, const std::string& text);

struct HostToWrite {
  Path data, config;
  std::string text;                   // of the configuration
  Path folder;                        // what the role keeps, below data
  std::string_view folder_name;       // "content library"
  std::string permit;                 // a line that says who may what
  std::optional<ServiceUser> user;
};
// Checks the configuration, writes it, makes the folder and gives everything to the user of the service.
[[nodiscard]] Result<SetupResult> write_host(const HostToWrite& host);

}  // namespace fp::apps
