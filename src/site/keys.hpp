// The keys that make a site the site: the signing key (policy), the trusted root key (what clients may be given before
// first contact, domain.md §5.5) and the secret behind content capabilities. A folder, files 0600, made once by init.
// Any thread; reading costs two RSA key parses. Never leaves the site server: no perimeter role gets this folder.
#pragma once
#include <string>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "crypto/key.hpp"
#include "pki/certificate.hpp"

namespace fp::site {

struct SiteKeys {
  crypto::PrivateKey signing;
  pki::Certificate signing_certificate;  // self-signed, CN "Site Server", SAN: the site server's name
  crypto::PrivateKey trusted_root;
  std::string capability_secret;         // 32 bytes
  // Signs one policy assignment (docs/protocol/policy.md): raw RSA-SHA256 over the text.
  [[nodiscard]] Result<std::string> sign(std::string_view text) const;
  // The trusted root key's signature over the signing certificate: what makes it believable to a client that was given the key.
  [[nodiscard]] Result<std::string> signing_proof() const;
  [[nodiscard]] std::string trusted_root_text() const;  // PUBLICKEYBLOB hex: what SMSPublicRootKey takes
};

// What clients seal to the site (docs/protocol/fallback.md): a key for nothing else, beside those above.
struct SealingKey {
  crypto::PrivateKey key;
  pki::Certificate certificate;  // self-signed, CN "Site Sealing"
};
// sealing.pem and sealing.key of the folder; made where there are none, as in a site of an earlier version.
[[nodiscard]] Result<SealingKey> open_sealing_key(const Path& folder, std::string_view site_code, const Clock& clock, Random& random);

// Code::conflict where the folder has keys already: a site's keys are never replaced by accident.
[[nodiscard]] Result<SiteKeys> make_site_keys(const Path& folder, std::string_view site_code, std::string_view host,
                                              const Clock& clock, Random& random);
[[nodiscard]] Result<SiteKeys> open_site_keys(const Path& folder);

}  // namespace fp::site
