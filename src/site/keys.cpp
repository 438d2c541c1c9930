#include "site/keys.hpp"

#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "pki/issue.hpp"
#include "wire/authority.hpp"

namespace fp::site {
namespace {

constexpr std::int64_t kLifeS = 10LL * 365 * 86400;
constexpr std::size_t kSecretBytes = 32;

Status save_key(const Path& path, const crypto::PrivateKey& key) {
  FP_TRY(pem, key.to_pem());
  return write_file(path, pem, 0600);
}

pki::Order order_of(pki::Profile profile, std::string_view site_code, const Clock& clock) {
  pki::Order order;
  order.profile = profile;
  order.organisation = fmt::format("Farpoint site {}", site_code);
  order.not_before = clock.now().plus_s(-300);
  order.not_after = clock.now().plus_s(kLifeS);
  return order;
}

}  // namespace

Result<SealingKey> open_sealing_key(const Path& folder, std::string_view site_code, const Clock& clock, Random& random) {
  const Path key_file = folder / "sealing.key", certificate_file = folder / "sealing.pem";
  if (!file_exists(key_file)) {
    FP_TRY(made, pki::self_signed_with_new_key(order_of(pki::Profile::site_sealing, site_code, clock), random, 2048));
    FP_CHECK(write_file(certificate_file, made.certificate.pem()));
    FP_CHECK(save_key(key_file, made.key));  // last: its presence says that the pair is whole
    return SealingKey{made.key, made.certificate};
  }
  FP_TRY(key_pem, read_file(key_file));
  FP_TRY(certificate_pem, read_file(certificate_file));
  FP_TRY(key, crypto::PrivateKey::from_pem(key_pem));
  FP_TRY(certificate, pki::Certificate::from_pem(certificate_pem));
  if (!(certificate.public_key() == key.public_key()))
    return fail(Code::corrupt, "{}: sealing.pem and sealing.key do not belong together", folder.native());
  return SealingKey{key, certificate};
}

Result<std::string> SiteKeys::sign(std::string_view text) const { return crypto::sign_sha256(signing, text); }

Result<std::string> SiteKeys::signing_proof() const {
  return crypto::sign_sha256(trusted_root, wire::site_sign_text(crypto::sha256(signing_certificate.der())));
}

std::string SiteKeys::trusted_root_text() const {
  return crypto::to_public_key_blob(trusted_root.public_key()).value_or("");
}

Result<SiteKeys> make_site_keys(const Path& folder, std::string_view site_code, std::string_view host, const Clock& clock,
                                Random& random) {
  if (file_exists(folder / "signing.key")) return fail(Code::conflict, "{} holds the keys of a site already", folder.native());
  FP_CHECK(make_dirs(folder, 0700));
  pki::Order order = order_of(pki::Profile::site_signing, site_code, clock);
  const bool literal = host.find_first_not_of("0123456789.") == std::string_view::npos || host.find(':') != std::string_view::npos;
  if (!host.empty()) (literal ? order.ip_addresses : order.dns_names) = {std::string(host)};
  FP_TRY(identity, pki::self_signed_with_new_key(order, random, 2048));
  FP_TRY(root, crypto::PrivateKey::generate_rsa(2048));
  SiteKeys keys{identity.key, identity.certificate, root, random.bytes(kSecretBytes)};
  FP_CHECK(write_file(folder / "signing.pem", keys.signing_certificate.pem()));
  FP_CHECK(save_key(folder / "trusted-root.key", keys.trusted_root));
  FP_CHECK(write_file(folder / "trusted-root.txt", keys.trusted_root_text() + "\n"));
  FP_CHECK(write_file(folder / "capability.secret", keys.capability_secret, 0600));
  FP_CHECK(open_sealing_key(folder, site_code, clock, random));
  FP_CHECK(save_key(folder / "signing.key", keys.signing));  // last: its presence says that the folder is whole
  return keys;
}

Result<SiteKeys> open_site_keys(const Path& folder) {
  FP_TRY(signing_pem, read_file(folder / "signing.key"));
  FP_TRY(certificate_pem, read_file(folder / "signing.pem"));
  FP_TRY(root_pem, read_file(folder / "trusted-root.key"));
  FP_TRY(secret, read_file(folder / "capability.secret", 4096));
  FP_TRY(signing, crypto::PrivateKey::from_pem(signing_pem));
  FP_TRY(certificate, pki::Certificate::from_pem(certificate_pem));
  FP_TRY(root, crypto::PrivateKey::from_pem(root_pem));
  if (!(certificate.public_key() == signing.public_key()))
    return fail(Code::corrupt, "{}: signing.pem and signing.key do not belong together", folder.native());
  if (secret.size() != kSecretBytes) return fail(Code::corrupt, "{}: capability.secret is damaged", folder.native());
  return SiteKeys{signing, certificate, root, secret};
}

}  // namespace fp::site
