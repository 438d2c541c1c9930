#include "apps/setup_parts.hpp"

namespace fp::apps {
namespace {

constexpr std::size_t kPemBytesMax = 4U << 20;

}  // namespace

Status copy_pair(const Path& certificate, const Path& key, const Path& stem) {
  FP_CHECK(check_pair(certificate, key));
  FP_TRY(pem, read_file(certificate, kPemBytesMax));
  FP_TRY(key_pem, read_file(key, kPemBytesMax));
  FP_CHECK(write_file(stem.native() + ".pem", pem));
  return write_file(stem.native() + ".key", key_pem, 0600);
}

Status copy_issuers(const std::vector<Path>& files, const Path& into) {
  std::string issuers;
  for (const auto& file : files) {
    FP_TRY(pem, read_file(file, kPemBytesMax));
    auto chain = pki::Certificate::chain_from_pem(pem);
    if (!chain) return std::unexpected(chain.error().with_context(file.native()));
    issuers += pem.ends_with('\n') ? pem : pem + "\n";
  }
  return write_file(into, issuers);
}

Result<pki::Certificate> read_certificate(const Path& file) {
  FP_TRY(pem, read_file(file, kPemBytesMax));
  auto parsed = pki::Certificate::from_pem(pem);
  if (!parsed) return std::unexpected(parsed.error().with_context(file.native()));
  return parsed;
}

Result<std::string> fingerprint_of(const Path& certificate) {
  FP_TRY(parsed, read_certificate(certificate));
  return parsed.fingerprint();
}

std::string quoted_list(const std::vector<Path>& files) {
  std::string text;
  for (const auto& file : files) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", file.native());
  return "[" + text + "]";
}

std::string listener_text(const Endpoint& at, std::string_view door, const Path& data) {
  std::string text = fmt::format("\n[[listener]]\naddress = \"{}\"\nport = {}\ndoor = \"{}\"\n", at.address, at.port, door);
  if (door == "intranet-http" || door == "clients") return text;  // the plain ones
  return text + fmt::format("certificate = \"{}\"\nkey = \"{}\"\n", (data / "server.pem").native(), (data / "server.key").native());
}

Status write_configuration(const Path& file, const std::string& text) {
  SiteConfig config;
  if (const auto mistakes = parse_config(text, file.native(), config, true); !mistakes.empty())
    return fail(Code::invalid, "{}", mistakes.front());
  FP_CHECK(make_dirs(file.parent_path()));
  return write_file(file, text, 0640);
}

Result<SetupResult> write_host(const HostToWrite& host) {
  FP_CHECK(write_configuration(host.config, host.text));
  FP_CHECK(make_dirs(host.folder));
  SetupResult result;
  result.config = host.config;
  result.made.push_back(fmt::format("configuration {}", host.config.native()));
  result.made.push_back(fmt::format("{} {}", host.folder_name, host.folder.native()));
  result.made.push_back(host.permit);
  if (!host.user) return result;
  FP_CHECK(give_to(*host.user, host.data, host.config));
  result.made.push_back(fmt::format("everything in {} belongs to the user {}, which runs the service", host.data.native(), host.user->name));
  return result;
}

}  // namespace fp::apps
