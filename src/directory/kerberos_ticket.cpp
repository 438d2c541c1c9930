#include "directory/kerberos_ticket.hpp"

#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include "base/text.hpp"

namespace fp::directory {
namespace {

constexpr int kKeysMax = 1000;  // looked at in a keytab

std::string text_of(krb5_context context, krb5_error_code code) {
  const char* said = krb5_get_error_message(context, code);
  std::string out = said != nullptr ? said : "unknown error";
  krb5_free_error_message(context, said);
  return out;
}

Code code_of(krb5_error_code code) {
  switch (code) {
    case KRB5_KDC_UNREACH:
    case KRB5_REALM_UNKNOWN:
    case KRB5_REALM_CANT_RESOLVE:
      return Code::unavailable;
    default:
      return Code::unauthenticated;
  }
}

// How well the name of a key suits: 0 not at all.
int rank_of(std::string_view principal, const std::string& realm) {
  const auto at = principal.rfind('@');
  if (at == std::string_view::npos || !iequals(principal.substr(at + 1), realm)) return 0;
  const auto name = principal.substr(0, at);
  if (name.find('/') != std::string_view::npos) return 1;
  return name.ends_with('$') ? 3 : 2;
}

}  // namespace

struct KerberosTicket::Parts {
  krb5_context context = nullptr;
  krb5_keytab keytab = nullptr;
  krb5_ccache cache = nullptr;
  krb5_principal principal = nullptr;
  krb5_get_init_creds_opt* options = nullptr;
  krb5_creds credentials{};

  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    if (!context) return;
    krb5_free_cred_contents(context, &credentials);
    if (options) krb5_get_init_creds_opt_free(context, options);
    if (principal) krb5_free_principal(context, principal);
    if (cache) (void)krb5_cc_destroy(context, cache);
    if (keytab) (void)krb5_kt_close(context, keytab);
    krb5_free_context(context);
  }

  // Keeps the best name of the realm. The text form of it, or empty.
  std::string choose(const std::string& realm) {
    krb5_kt_cursor cursor{};
    std::string chosen;
    if (krb5_kt_start_seq_get(context, keytab, &cursor) != 0) return chosen;
    krb5_keytab_entry entry{};
    int best = 0;
    for (int n = 0; n < kKeysMax && krb5_kt_next_entry(context, keytab, &entry, &cursor) == 0; ++n) {
      char* name = nullptr;
      if (krb5_unparse_name(context, entry.principal, &name) == 0) {
        const int rank = rank_of(name, realm);
        if (rank > best) {
          if (principal) krb5_free_principal(context, principal);
          principal = nullptr;
          if (krb5_copy_principal(context, entry.principal, &principal) == 0) {
            best = rank;
            chosen = name;
          }
        }
        krb5_free_unparsed_name(context, name);
      }
      (void)krb5_free_keytab_entry_contents(context, &entry);
    }
    (void)krb5_kt_end_seq_get(context, keytab, &cursor);
    return chosen;
  }
};

KerberosTicket::KerberosTicket() : parts_(std::make_unique<Parts>()) {}
KerberosTicket::~KerberosTicket() = default;

Result<std::unique_ptr<KerberosTicket>> KerberosTicket::from_keytab(const Path& keytab,
                                                                    const std::string& domain) {
  if (!file_exists(keytab)) return fail(Code::not_found, "there is no keytab {}", keytab.native());
  std::unique_ptr<KerberosTicket> out(new KerberosTicket());
  auto& p = *out->parts_;
  if (const auto code = krb5_init_context(&p.context); code != 0)
    return fail(Code::internal, "Kerberos cannot be set up on this computer: error {}", code);
  const std::string realm = upper(domain);
  if (const auto code = krb5_kt_resolve(p.context, ("FILE:" + keytab.native()).c_str(), &p.keytab); code != 0)
    return fail(Code::io, "{}: {}", keytab.native(), text_of(p.context, code));
  out->principal_ = p.choose(realm);
  if (out->principal_.empty())
    return fail(Code::not_found, "{} holds no key of the realm {}, or cannot be read", keytab.native(),
                realm);
  auto code = krb5_cc_new_unique(p.context, "MEMORY", nullptr, &p.cache);
  if (code == 0) code = krb5_get_init_creds_opt_alloc(p.context, &p.options);
  if (code == 0) code = krb5_get_init_creds_opt_set_out_ccache(p.context, p.options, p.cache);
  if (code == 0)
    code =
        krb5_get_init_creds_keytab(p.context, &p.credentials, p.principal, p.keytab, 0, nullptr, p.options);
  if (code != 0)
    return fail(code_of(code), "Kerberos: {} gets no ticket with {}: {}", out->principal_, keytab.native(),
                text_of(p.context, code));
  out->cache_ = fmt::format("MEMORY:{}", krb5_cc_get_name(p.context, p.cache));
  return out;
}

Result<TicketInUse> TicketInUse::begin(const KerberosTicket& ticket) {
  OM_uint32 minor = 0;
  if (gss_krb5_ccache_name(&minor, ticket.cache().c_str(), nullptr) != GSS_S_COMPLETE)
    return fail(Code::internal, "Kerberos: the ticket of {} cannot be used: error {}", ticket.principal(),
                minor);
  return TicketInUse(true);
}

TicketInUse::~TicketInUse() {
  OM_uint32 minor = 0;
  if (active_) (void)gss_krb5_ccache_name(&minor, nullptr, nullptr);
}

}  // namespace fp::directory
