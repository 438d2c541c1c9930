#include "pki/authority.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "pki/crl_store.hpp"

namespace fp::pki {
namespace {

constexpr std::int64_t kBackdateS = 300;  // clocks of clients that are a little behind
constexpr std::int64_t kYearS = 365LL * 24 * 3600;
constexpr std::int64_t kRootCrlLifeS = kYearS / 2;
constexpr std::size_t kIndexBytesMax = 1U << 30;

// Keeps other processes away from the folder while it lives.
Result<Fd> lock_folder(const Path& folder) {
  const Path path = folder / "lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.ok()) return fail_errno("opening", path.native());
  if (::flock(fd.get(), LOCK_EX) != 0) return fail_errno("locking", path.native());
  return fd;
}

std::string issued_line(const IssuedRecord& r) {
  return fmt::format("issued\t{}\t{}\t{}\t{}\t{}\t{}\n", r.serial, r.profile, r.common_name, r.fingerprint, to_iso(r.issued_at),
                     to_iso(r.not_after));
}

std::string revoked_line(const std::string& serial, Instant at, int reason) {
  return fmt::format("revoked\t{}\t{}\t{}\n", serial, to_iso(at), reason);
}

struct Index {
  std::vector<IssuedRecord> records;  // oldest first
  std::map<std::string, std::size_t> by_serial;

  Status read_line(std::string_view line);
};

Status Index::read_line(std::string_view line) {
  const auto fields = split(line, '\t');
  if (fields.size() == 7 && fields[0] == "issued") {
    FP_TRY(issued_at, parse_time(fields[5]));
    FP_TRY(not_after, parse_time(fields[6]));
    IssuedRecord record{std::string(fields[1]),
                        std::string(fields[2]),
                        std::string(fields[3]),
                        std::string(fields[4]),
                        issued_at,
                        not_after,
                        {},
                        0};
    by_serial.emplace(record.serial, records.size());
    records.push_back(std::move(record));
    return {};
  }
  if (fields.size() == 4 && fields[0] == "revoked") {
    FP_TRY(at, parse_time(fields[2]));
    FP_TRY(reason, parse_int(fields[3]));
    const auto found = by_serial.find(std::string(fields[1]));
    if (found == by_serial.end()) return fail(Code::corrupt, "index.tsv revokes {}, which was never issued", fields[1]);
    records[found->second].revoked_at = at;
    records[found->second].reason = static_cast<int>(reason);
    return {};
  }
  return fail(Code::corrupt, "index.tsv: unreadable line \"{}\"", line);
}

// An unfinished last line is a write that a crash cut off and nobody was told about.
Result<Index> read_index(const Path& path) {
  Index index;
  if (!file_exists(path)) return index;
  FP_TRY(text, read_file(path, kIndexBytesMax));
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    if (end > start) FP_CHECK(index.read_line(std::string_view(text).substr(start, end - start)));
    start = end + 1;
  }
  if (start != text.size()) FP_CHECK(write_file(path, std::string_view(text).substr(0, start), 0600));
  return index;
}

// Takes away what a crash left half written, so that the next line does not join it. Reads one byte when all is well.
Status finish_tail(const Path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char last = '\n';
  const off_t end = fd.ok() ? ::lseek(fd.get(), 0, SEEK_END) : 0;
  if (end > 0 && ::pread(fd.get(), &last, 1, end - 1) != 1) return fail_errno("reading", path.native());
  if (last != '\n') FP_CHECK(read_index(path));
  return {};
}

Status append_durable(const Path& path, std::string_view line) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.ok()) return fail_errno("opening", path.native());
  FP_CHECK(write_all(fd.get(), line));
  if (::fsync(fd.get()) != 0) return fail_errno("syncing", path.native());
  return {};
}

Result<Identity> read_identity(const Path& certificate, const Path& key) {
  FP_TRY(certificate_pem, read_file(certificate, 1U << 20));
  FP_TRY(key_pem, read_file(key, 1U << 20));
  FP_TRY(c, Certificate::from_pem(certificate_pem));
  FP_TRY(k, crypto::PrivateKey::from_pem(key_pem));
  if (!(c.public_key() == k.public_key()))
    return fail(Code::corrupt, "{} and {} do not belong together", certificate.native(), key.native());
  return Identity{c, k};
}

Status write_identity(const Path& stem, const Identity& identity) {
  FP_TRY(key_pem, identity.key.to_pem());
  FP_CHECK(write_file(Path(stem) += ".key", key_pem, 0600));
  return write_file(Path(stem) += ".pem", identity.certificate.pem());
}

std::string conf_text(const AuthoritySettings& s) {
  return fmt::format("crl_base_url={}\ncrl_life_s={}\n", s.crl_base_url, s.crl_life_s);
}

Status read_conf(const Path& path, AuthoritySettings& s) {
  FP_TRY(text, read_file(path, 64U << 10));
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.starts_with('#')) continue;
    const std::string_view name = trim(line.substr(0, equals)), value = trim(line.substr(equals + 1));
    if (name == "crl_base_url") {
      s.crl_base_url = value;
    } else if (name == "crl_life_s") {
      FP_TRY(life, parse_int(value));
      if (life < 600) return fail(Code::invalid, "{}: crl_life_s is at least 600", path.native());
      s.crl_life_s = life;
    }
  }
  return {};
}

// A list's number is its time in seconds, or one more than the last: it grows even when a list was lost with its folder.
std::uint64_t next_number(const std::optional<Crl>& last, Instant now) {
  std::uint64_t number = static_cast<std::uint64_t>(std::max<std::int64_t>(now.ms / 1000, 1));
  if (last && last->number().size() <= 15)
    number = std::max(number, static_cast<std::uint64_t>(std::strtoull(last->number().c_str(), nullptr, 16)) + 1);
  return number;
}

std::optional<Crl> read_crl(const Path& path) {
  const auto bytes = read_file(path, limits::kCrlBytesMax);
  if (!bytes) return std::nullopt;
  auto crl = Crl::parse(*bytes);
  return crl ? std::optional(std::move(*crl)) : std::nullopt;
}

bool half_gone(const Path& path, Instant now) {
  const auto crl = read_crl(path);
  return !crl || now.since_ms(crl->this_update()) * 2 >= crl->next_update().since_ms(crl->this_update());
}

Status write_crl(const Path& path, const Identity& issuer, std::span<const Revoked> revoked, Instant now, std::int64_t life_s) {
  const Instant from = now.plus_s(-kBackdateS);
  FP_TRY(der, make_crl(issuer, revoked, next_number(read_crl(path), now), from, now.plus_s(life_s)));
  return write_file(path, der);
}

}  // namespace

struct CertificateAuthority::State {
  Path folder;
  AuthoritySettings settings;
  const Clock& clock;
  Random& random;
  Certificate root;
  Identity issuing;
  mutable std::mutex mutex;

  std::string crl_url(std::string_view file) const {
    return settings.crl_base_url.empty() ? "" : settings.crl_base_url + std::string(file);
  }
  Status write_issuing_crl() const;
  Status write_root_crl() const;
  Order completed(Order order) const;
};

// With the folder locked.
Status CertificateAuthority::State::write_issuing_crl() const {
  FP_TRY(index, read_index(folder / "index.tsv"));
  const Instant now = clock.now();
  std::vector<Revoked> revoked;
  for (const IssuedRecord& r : index.records)
    if (r.revoked_at.ms != 0 && r.not_after > now) revoked.push_back({r.serial, r.revoked_at, r.reason});
  return write_crl(folder / "issuing.crl", issuing, revoked, now, settings.crl_life_s);
}

Status CertificateAuthority::State::write_root_crl() const {
  if (!file_exists(folder / "root.key")) return {};
  FP_TRY(identity, read_identity(folder / "root.pem", folder / "root.key"));
  return write_crl(folder / "root.crl", identity, {}, clock.now(), std::max(kRootCrlLifeS, settings.crl_life_s));
}

Order CertificateAuthority::State::completed(Order order) const {
  const Instant now = clock.now();
  if (order.not_before.ms == 0) order.not_before = now.plus_s(-kBackdateS);
  if (order.not_after.ms == 0) order.not_after = now.plus_s(kYearS);
  if (order.crl_url.empty()) order.crl_url = crl_url("issuing.crl");
  return order;
}

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state) : state_(std::move(state)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

Result<CertificateAuthority> CertificateAuthority::init(const Path& folder, const AuthoritySettings& settings, const Clock& clock,
                                                        Random& random) {
  AuthoritySettings s = settings;
  if (!s.crl_base_url.empty() && !s.crl_base_url.ends_with('/')) s.crl_base_url += '/';
  FP_CHECK(make_dirs(folder, 0755));
  FP_TRY(lock, lock_folder(folder));
  for (const char* name : {"root.key", "root.pem", "issuing.key", "issuing.pem"})
    if (file_exists(folder / name))
      return fail(Code::conflict, "{} holds an authority already ({} is there)", folder.native(), name);
  const Instant from = clock.now().plus_s(-kBackdateS);
  AuthorityOrder order{s.name + " Root CA", s.organisation, from, from.plus_s(s.root_life_s), {}, s.key_bits};
  FP_TRY(root, make_root(order, random));
  order.common_name = s.name + " Issuing CA";
  order.not_after = from.plus_s(s.issuing_life_s);
  order.crl_url = s.crl_base_url.empty() ? "" : s.crl_base_url + "root.crl";
  FP_TRY(issuing, make_issuing(root, order, random));
  FP_CHECK(write_file(folder / "authority.conf", conf_text(s)));
  FP_CHECK(write_identity(folder / "root", root));
  FP_CHECK(write_file(folder / "chain.pem", issuing.certificate.pem() + root.certificate.pem()));
  FP_CHECK(write_identity(folder / "issuing", issuing));
  std::unique_ptr<State> state(new State{folder, s, clock, random, root.certificate, issuing, {}});
  FP_CHECK(state->write_root_crl());
  FP_CHECK(state->write_issuing_crl());
  return CertificateAuthority(std::move(state));
}

Result<CertificateAuthority> CertificateAuthority::open(const Path& folder, const Clock& clock, Random& random) {
  AuthoritySettings settings;
  FP_CHECK(read_conf(folder / "authority.conf", settings));
  FP_TRY(issuing, read_identity(folder / "issuing.pem", folder / "issuing.key"));
  FP_TRY(root_pem, read_file(folder / "root.pem", 1U << 20));
  FP_TRY(root, Certificate::from_pem(root_pem));
  return CertificateAuthority(std::unique_ptr<State>(new State{folder, settings, clock, random, root, issuing, {}}));
}

const Certificate& CertificateAuthority::root() const { return state_->root; }
const Certificate& CertificateAuthority::issuing() const { return state_->issuing.certificate; }
std::string CertificateAuthority::chain_pem(const Certificate& leaf) const { return leaf.pem() + issuing().pem(); }

Result<Certificate> CertificateAuthority::issue(Order order, const crypto::PublicKey& key) {
  State& s = *state_;
  const std::lock_guard guard(s.mutex);
  const std::string_view profile = to_string(order.profile);
  FP_TRY(certificate, pki::issue(s.issuing, s.completed(std::move(order)), key, s.random));
  FP_TRY(lock, lock_folder(s.folder));
  FP_CHECK(finish_tail(s.folder / "index.tsv"));
  std::string name = certificate.common_name();
  if (name.empty() && !certificate.alternative_names().empty()) name = certificate.alternative_names().front();
  const IssuedRecord record{certificate.serial(), std::string(profile),    name, certificate.fingerprint(),
                            s.clock.now(),        certificate.not_after(), {},   0};
  FP_CHECK(append_durable(s.folder / "index.tsv", issued_line(record)));
  log::info("pki.authority", "issued {} certificate {}", profile, certificate.label());
  return certificate;
}

Result<Identity> CertificateAuthority::issue_with_new_key(Order order, int key_bits) {
  FP_TRY(key, crypto::PrivateKey::generate_rsa(key_bits));
  FP_TRY(certificate, issue(std::move(order), key.public_key()));
  return Identity{certificate, key};
}

Result<Certificate> CertificateAuthority::issue_request(std::string_view signing_request, Order order) {
  FP_TRY(request, parse_signing_request(signing_request));
  if (order.common_name.empty()) order.common_name = request.common_name;
  if (order.dns_names.empty() && order.ip_addresses.empty()) {
    order.dns_names = request.dns_names;
    order.ip_addresses = request.ip_addresses;
  }
  return issue(std::move(order), request.key);
}

bool CertificateAuthority::has_issued(const Certificate& certificate) const { return is_signed_by(certificate, issuing()); }

Status CertificateAuthority::revoke(std::string_view serial_hex, int reason) {
  State& s = *state_;
  if (reason < 0 || reason > 10 || reason == 7 || reason == 8) return fail(Code::invalid, "{} is not a reason to revoke", reason);
  const std::lock_guard guard(s.mutex);
  FP_TRY(lock, lock_folder(s.folder));
  FP_TRY(index, read_index(s.folder / "index.tsv"));
  const auto found = index.by_serial.find(upper(trim(serial_hex)));
  if (found == index.by_serial.end())
    return fail(Code::not_found, "no certificate with serial number {} was issued here", serial_hex);
  if (index.records[found->second].revoked_at.ms == 0) {
    FP_CHECK(append_durable(s.folder / "index.tsv", revoked_line(found->first, s.clock.now(), reason)));
    log::info("pki.authority", "revoked {} ({})", index.records[found->second].common_name, found->first);
  }
  // Also when it was revoked before: the list may not have been written then.
  return s.write_issuing_crl();
}

Status CertificateAuthority::refresh_crl() {
  const std::lock_guard guard(state_->mutex);
  FP_TRY(lock, lock_folder(state_->folder));
  FP_CHECK(state_->write_root_crl());
  return state_->write_issuing_crl();
}

Result<bool> CertificateAuthority::refresh_crl_if_due() {
  const std::lock_guard guard(state_->mutex);
  FP_TRY(lock, lock_folder(state_->folder));
  const Instant now = state_->clock.now();
  const bool root_due = file_exists(state_->folder / "root.key") && half_gone(state_->folder / "root.crl", now);
  const bool issuing_due = half_gone(state_->folder / "issuing.crl", now);
  if (root_due) FP_CHECK(state_->write_root_crl());
  if (issuing_due) FP_CHECK(state_->write_issuing_crl());
  return root_due || issuing_due;
}

Result<std::vector<IssuedRecord>> CertificateAuthority::issued() const {
  const std::lock_guard guard(state_->mutex);
  FP_TRY(lock, lock_folder(state_->folder));
  FP_TRY(index, read_index(state_->folder / "index.tsv"));
  return index.records;
}

}  // namespace fp::pki
