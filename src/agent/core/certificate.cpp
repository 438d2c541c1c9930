#include "agent/core/certificate.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pki/issue.hpp"
#include "pki/selection.hpp"

namespace fp::agent {

namespace {

struct Found {
  Path certificate_file, key_file;
  std::vector<pki::Certificate> chain;
  std::optional<crypto::PrivateKey> key;
  std::string key_problem;
};

bool take_key(Found& found, const Path& file) {
  auto text = read_file(file, 1U << 20);
  if (!text || text->find("PRIVATE KEY-----") == std::string::npos) {
    if (!text) found.key_problem = fmt::format("its private key is not accessible: {}", text.error().message);
    return false;
  }
  auto key = crypto::PrivateKey::from_pem(*text);
  if (!key) {
    found.key_problem = fmt::format("the private key in {} cannot be read: {}", file.string(), key.error().message);
  } else if (!(key->public_key() == found.chain.front().public_key())) {
    found.key_problem = fmt::format("the key in {} belongs to another certificate", file.string());
  } else {
    found.key = *key;
    found.key_file = file;
    found.key_problem.clear();
  }
  return found.key.has_value();
}

// In the certificate's own file, in NAME.key beside it, else whichever file of the folder holds the key that fits.
void read_key(Found& found, const std::vector<Path>& files) {
  Path beside = found.certificate_file;
  beside.replace_extension(".key");
  if (take_key(found, found.certificate_file) || take_key(found, beside)) return;
  const std::string why = found.key_problem.empty() ? "its private key is not accessible" : found.key_problem;
  for (const auto& file : files) {
    if (take_key(found, file)) return;
  }
  found.key_problem = why;
}

std::vector<Found> scan(const Path& folder, std::vector<std::string>& unreadable) {
  std::vector<Path> files, keys;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
    const auto ext = lower(entry.path().extension().string());
    if (ext == ".pem" || ext == ".crt" || ext == ".cer") files.push_back(entry.path());
    if (ext == ".pem" || ext == ".key") keys.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::ranges::sort(keys);
  std::vector<Found> out;
  for (const auto& file : files) {
    auto text = read_file(file, 1U << 20);
    if (!text || text->find("BEGIN CERTIFICATE") == std::string::npos) continue;
    auto chain = pki::Certificate::chain_from_pem(*text);
    if (!chain) {
      unreadable.push_back(fmt::format("{}: {}", file.filename().string(), chain.error().message));
      continue;
    }
    if (chain->front().is_ca()) continue;
    Found found{file, {}, std::move(*chain), {}, {}};
    read_key(found, keys);
    out.push_back(std::move(found));
  }
  return out;
}

Result<pki::SelectionCriteria> criteria_of(const InstallSettings& settings, const CertificateSearch& search) {
  pki::SelectionCriteria criteria;
  if (settings.check_name) criteria.computer_name = search.computer_name;
  criteria.store = settings.certificate_store;
  criteria.several = settings.first_certificate ? pki::Several::longest_validity : pki::Several::none;
  criteria.now = search.now;
  if (!settings.certificate_selection.empty()) {
    FP_TRY(rule, pki::parse_certsel(settings.certificate_selection));
    criteria.subject = rule;
  }
  if (!settings.certificate_issuers.empty()) {
    FP_TRY(issuers, pki::parse_issuers(settings.certificate_issuers));
    criteria.issuers = issuers;
  }
  return criteria;
}

// Roots that are known help the issuers list; they are not sent to anybody.
std::vector<pki::Certificate> known_roots(const InstallSettings& settings) {
  if (settings.ca_file.empty()) return {};
  auto text = read_file(Path(settings.ca_file), 4U << 20);
  if (!text) return {};
  auto chain = pki::Certificate::chain_from_pem(*text);
  return chain ? *chain : std::vector<pki::Certificate>{};
}

void complete_chain(std::vector<pki::Certificate>& chain, const pki::Certificate& leaf,
                    const std::vector<pki::Certificate>& roots) {
  for (int depth = 0; depth < 8; ++depth) {
    const auto& last = chain.empty() ? leaf : chain.back();
    if (last.issuer() == last.subject()) return;
    const auto next = std::ranges::find_if(roots, [&](const pki::Certificate& c) { return c.subject() == last.issuer(); });
    if (next == roots.end()) return;
    chain.push_back(*next);
  }
}

}  // namespace

Result<ClientCertificate> choose_certificate(const InstallSettings& settings, const CertificateSearch& search) {
  FP_TRY(criteria, criteria_of(settings, search));
  std::vector<std::string> against;
  auto found = scan(search.folder, against);
  const auto roots = known_roots(settings);
  std::vector<pki::Candidate> candidates;
  for (const auto& f : found) {
    pki::Candidate c{f.chain.front(), {f.chain.begin() + 1, f.chain.end()}};
    complete_chain(c.chain, c.certificate, roots);
    c.key_accessible = f.key.has_value();
    c.store = settings.certificate_store;
    candidates.push_back(std::move(c));
  }
  const auto selection = pki::select_certificate(candidates, criteria);
  if (!selection.chosen) {
    for (const auto& r : selection.rejected) {
      const auto& f = found[r.candidate];
      against.push_back(fmt::format("{} ({}): {}", f.certificate_file.filename().string(), f.chain.front().subject(),
                                    f.key_problem.empty() ? r.reason : f.key_problem));
    }
    std::string all;
    for (const auto& a : against) all += "\n  " + a;
    // A date speaks against the certificate, or against the clock.
    if (icontains(all, "not valid before") || icontains(all, "expired"))
      all += fmt::format("\n  the clock of this computer says {}", to_iso(search.now));
    return fail(Code::not_found, "no suitable client certificate in {}: {}{}", search.folder.string(),
                found.empty() && against.empty() ? "there is no certificate" : selection.reason, all);
  }
  auto& f = found[*selection.chosen];
  return ClientCertificate{f.chain.front(), candidates[*selection.chosen].chain, *f.key, f.certificate_file, f.key_file,
                           selection.reason};
}

Result<ClientCertificate> own_certificate(const Path& folder, Instant now, Random& random) {
  constexpr std::int64_t kLifeS = 10LL * 365 * 86400;
  const Path file = folder / "self-signed.pem";
  if (!file_exists(file)) {
    pki::Order order;
    order.profile = pki::Profile::client_self_signed;
    order.not_before = now.plus_s(-300);
    order.not_after = now.plus_s(kLifeS);
    FP_TRY(made, pki::self_signed_with_new_key(order, random));
    FP_TRY(key, made.key.to_pem());
    FP_CHECK(make_dirs(folder, 0700));
    FP_CHECK(write_file(file, made.certificate.pem() + key, 0600));
  }
  FP_TRY(text, read_file(file, 64U << 10));
  FP_TRY(certificate, pki::Certificate::from_pem(text));
  FP_TRY(key, crypto::PrivateKey::from_pem(text));
  return ClientCertificate{certificate, {}, key, file, file, "self-signed, because /UsePKICert was not given"};
}

}  // namespace fp::agent
