#include "directory/windows_login.hpp"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <krb5/krb5.h>

#include <algorithm>
#include <cstdlib>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace fp::directory {
namespace {

constexpr std::string_view kBindingPrefix = "tls-server-end-point:";
constexpr std::string_view kNtlmSignature{"NTLMSSP\0\1", 9};  // and the first message's kind
constexpr std::size_t kNtlmFirstBytes = 40;

gss_OID_desc g_spnego{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};
gss_OID_desc g_kerberos{9, const_cast<char*>("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")};
gss_OID_desc g_ntlm{10, const_cast<char*>("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")};

bool same(gss_OID a, const gss_OID_desc& b) {
  return a != GSS_C_NO_OID && std::string_view(static_cast<const char*>(a->elements), a->length) ==
                                  std::string_view(static_cast<const char*>(b.elements), b.length);
}

struct Buffer : gss_buffer_desc {
  Buffer() : gss_buffer_desc{0, nullptr} {}
  ~Buffer() {
    OM_uint32 minor = 0;
    (void)gss_release_buffer(&minor, this);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  [[nodiscard]] std::string text() const { return {static_cast<const char*>(value), length}; }
};

struct Name {
  gss_name_t value = GSS_C_NO_NAME;
  Name() = default;
  ~Name() {
    OM_uint32 minor = 0;
    if (value != GSS_C_NO_NAME) (void)gss_release_name(&minor, &value);
  }
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;
};

struct Credential {
  gss_cred_id_t value = GSS_C_NO_CREDENTIAL;
  Credential() = default;
  ~Credential() {
    OM_uint32 minor = 0;
    if (value != GSS_C_NO_CREDENTIAL) (void)gss_release_cred(&minor, &value);
  }
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;
};

std::string status_text(OM_uint32 code, int kind, gss_OID mechanism) {
  std::string out;
  OM_uint32 more = 0;
  do {
    OM_uint32 minor = 0;
    Buffer line;
    if (GSS_ERROR(gss_display_status(&minor, code, kind, mechanism, &more, &line)) != 0) break;
    out += (out.empty() ? "" : "; ") + line.text();
  } while (more != 0);
  return out;
}

std::string explain(OM_uint32 major, OM_uint32 minor, gss_OID mechanism) {
  std::string text = status_text(major, GSS_C_GSS_CODE, mechanism);
  if (minor != 0) text += " (" + status_text(minor, GSS_C_MECH_CODE, mechanism) + ")";
  return text;
}

bool is_installed(const gss_OID_desc& mechanism) {
  OM_uint32 minor = 0;
  gss_OID_set all = GSS_C_NO_OID_SET;
  if (gss_indicate_mechs(&minor, &all) != GSS_S_COMPLETE) return false;
  bool found = false;
  for (std::size_t i = 0; i < all->count; ++i) found = found || same(&all->elements[i], mechanism);
  (void)gss_release_oid_set(&minor, &all);
  return found;
}

Status acquire(gss_OID_desc& mechanism, Credential& out) {
  gss_OID_set_desc wanted{1, &mechanism};
  OM_uint32 minor = 0;
  const OM_uint32 major = gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, GSS_C_ACCEPT, &out.value, nullptr, nullptr);
  if (GSS_ERROR(major) == 0) return {};
  return fail(Code::unauthenticated, "the server's own credentials: {}", explain(major, minor, &mechanism));
}

// What the server shows: the keytab's keys, the NTLM server, or both behind SPNEGO. Made for each login, so that a new keytab counts.
Status acquire_for(const LoginOptions& options, bool ntlm, bool raw_ntlm, Credential& out) {
  if (raw_ntlm && !ntlm) return fail(Code::unauthenticated, "NTLM is not offered here");
  if (raw_ntlm) return acquire(g_ntlm, out);
  std::vector<gss_OID_desc> inside;
  if (!options.keytab.empty()) {
    Credential kerberos;
    const Status keys = acquire(g_kerberos, kerberos);
    if (!keys && !ntlm) return keys;
    if (!keys) log::warning("mp.windows", "Kerberos: {}", keys.error().message);
    if (keys) inside.push_back(g_kerberos);
  }
  if (ntlm) inside.push_back(g_ntlm);
  FP_CHECK(acquire(g_spnego, out));
  gss_OID_set_desc mechanisms{inside.size(), inside.data()};
  OM_uint32 minor = 0;
  const OM_uint32 major = gss_set_neg_mechs(&minor, out.value, &mechanisms);
  if (GSS_ERROR(major) != 0) return fail(Code::unauthenticated, "the mechanisms of this server: {}", explain(major, minor, &g_spnego));
  return {};
}

// An empty value takes the variable away.
Status set_variable(const char* name, const std::string& value) {
  const int done = value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
  return done == 0 ? Status() : fail_errno("setting", name);
}

}  // namespace

struct WindowsLogin::Parts {
  Credential credential;
  gss_ctx_id_t context = GSS_C_NO_CONTEXT;
  Name client;
  gss_OID mechanism = GSS_C_NO_OID;  // static, of the library
  OM_uint32 flags = 0, lifetime_s = 0;
  Parts() = default;
  ~Parts() {
    OM_uint32 minor = 0;
    if (context != GSS_C_NO_CONTEXT) (void)gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
};

Result<Domain> parse_domain(std::string_view text) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  const auto equals = text.find('=');
  Domain domain{upper(trim(text.substr(0, equals))), equals == std::string_view::npos ? "" : upper(trim(text.substr(equals + 1)))};
  if (domain.name.empty() || domain.name.size() > 255 || domain.name.find_first_not_of(kAllowed) != std::string::npos ||
      domain.short_name.size() > 15 || domain.short_name.find_first_not_of(kAllowed) != std::string::npos ||
      (equals != std::string_view::npos && domain.short_name.empty()))
    return fail(Code::invalid, "\"{:.100}\" must be a domain, such as CORP.EXAMPLE, or CORP.EXAMPLE=CORP with its short name", text);
  return domain;
}

WindowsLogin::WindowsLogin(const WindowsLogins& owner, wire::LoginScheme scheme, std::string_view server_end_point, bool tls)
    : owner_(owner),
      scheme_(scheme),
      binding_(tls ? std::string(kBindingPrefix).append(server_end_point) : std::string()),
      begun_(owner.clock_.now()),
      parts_(std::make_unique<Parts>()) {
  owner_.running_.fetch_add(1, std::memory_order_relaxed);
}

WindowsLogin::~WindowsLogin() { owner_.running_.fetch_sub(1, std::memory_order_relaxed); }

Result<LoginStep> WindowsLogin::step(std::string_view token) {
  if (++steps_ > limits::kLoginStepsMax) return fail(Code::unauthenticated, "a login of more than {} steps", limits::kLoginStepsMax);
  if (owner_.clock_.now().since_ms(begun_) > limits::kLoginStepMs) return fail(Code::unauthenticated, "the login took too long");
  const bool raw_ntlm = token.starts_with(kNtlmSignature);
  if (steps_ == 1) FP_CHECK(acquire_for(owner_.options_, owner_.ntlm(), raw_ntlm || scheme_ == wire::LoginScheme::ntlm, parts_->credential));
  // Clients may leave the version at the end of their first message out ([MS-NLMP] §2.2.1.1); the mechanism wants it there.
  std::string whole(token);
  if (raw_ntlm && whole.size() < kNtlmFirstBytes) whole.resize(kNtlmFirstBytes, '\0');
  // Who binds to another channel is refused by the mechanism; who binds to none is let pass by it, and seen in finish().
  gss_channel_bindings_struct channel{};
  channel.application_data = {binding_.size(), const_cast<char*>(binding_.data())};
  gss_buffer_desc in{whole.size(), whole.data()};
  Parts& p = *parts_;
  Buffer out;
  OM_uint32 minor = 0;
  const OM_uint32 major =
      gss_accept_sec_context(&minor, &p.context, p.credential.value, &in, binding_.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &channel, &p.client.value,
                             &p.mechanism, &out, &p.flags, &p.lifetime_s, nullptr);
  if (GSS_ERROR(major) != 0) return fail(Code::unauthenticated, "{}", explain(major, minor, p.mechanism));
  LoginStep step{.reply = out.text(), .account = {}};
  if ((major & GSS_S_CONTINUE_NEEDED) != 0) return step;
  FP_TRY(account, finish());
  step.account = std::move(account);
  return step;
}

Result<LoggedIn> WindowsLogin::finish() {
  const Parts& p = *parts_;
  const bool ntlm = same(p.mechanism, g_ntlm);
  if (!ntlm && !same(p.mechanism, g_kerberos)) return fail(Code::unauthenticated, "a login by a mechanism that is not offered");
  if (p.client.value == GSS_C_NO_NAME || (p.flags & GSS_C_ANON_FLAG) != 0) return fail(Code::unauthenticated, "an anonymous login");
  OM_uint32 minor = 0;
  Buffer shown;
  if (const OM_uint32 major = gss_display_name(&minor, p.client.value, &shown, nullptr); GSS_ERROR(major) != 0)
    return fail(Code::unauthenticated, "the account's name: {}", explain(major, minor, p.mechanism));
  std::string name = shown.text();
  if (ntlm && name.ends_with('\0')) name.pop_back();  // that mechanism counts the end of its text
  auto account = ntlm ? wire::parse_ntlm_name(name) : wire::parse_kerberos_name(name);
  if (!account) return fail(Code::unauthenticated, "{}", account.error().message);
  FP_CHECK(owner_.canonical(*account));
  LoggedIn in{.account = std::move(*account), .mechanism = ntlm ? "NTLM" : "Kerberos"};
  in.bound = (p.flags & GSS_C_CHANNEL_BOUND_FLAG) != 0;
  if (!binding_.empty() && owner_.options_.require_binding && !in.bound)
    return fail(Code::unauthenticated, "the login of {} is not bound to this TLS channel, which is required here", in.account.full_name());
  const std::int64_t ticket_ms = p.lifetime_s == GSS_C_INDEFINITE ? limits::kLoginLifeMs : std::int64_t{p.lifetime_s} * 1000;
  in.until = owner_.clock_.now().plus_ms(std::min(ticket_ms, limits::kLoginLifeMs));
  return in;
}

Result<std::unique_ptr<WindowsLogins>> WindowsLogins::open(LoginOptions options, const Clock& clock) {
  std::unique_ptr<WindowsLogins> logins(new WindowsLogins(std::move(options), clock));
  const LoginOptions& o = logins->options_;
  if (o.keytab.empty() && !logins->ntlm()) return fail(Code::invalid, "Windows logins need a keytab, NTLM accounts or winbind");
  // The mechanisms take their settings from the environment; credential stores are no way: the NTLM one takes them for a client's.
  FP_CHECK(set_variable("KRB5_KTNAME", o.keytab.empty() ? std::string() : "FILE:" + o.keytab.native()));
  FP_CHECK(set_variable("KRB5RCACHENAME", o.replay_cache.empty() ? std::string() : "file2:" + o.replay_cache.native()));
  if (!logins->ntlm()) return logins;
  if (!is_installed(g_ntlm)) log::error("mp.windows", "NTLM logins are refused: this machine has no NTLM mechanism (package gss-ntlmssp)");
  FP_CHECK(set_variable("LM_COMPAT_LEVEL", "5"));  // NTLMv2 or nothing
  FP_CHECK(set_variable("NTLM_USER_FILE", o.ntlm_accounts.native()));
  return logins;
}

bool WindowsLogins::offers(wire::LoginScheme scheme) const { return scheme == wire::LoginScheme::negotiate || ntlm(); }

Result<std::unique_ptr<WindowsLogin>> WindowsLogins::begin(wire::LoginScheme scheme, std::string_view server_end_point, bool tls) const {
  if (!offers(scheme)) return fail(Code::unauthenticated, "{} is not offered here", wire::to_string(scheme));
  if (running_.load(std::memory_order_relaxed) >= limits::kLoginsMax)
    return fail(Code::unavailable, "{} logins are under way already", limits::kLoginsMax);
  return std::unique_ptr<WindowsLogin>(new WindowsLogin(*this, scheme, server_end_point, tls));
}

// By the name that the configuration gives the account's domain.
Status WindowsLogins::canonical(Account& account) const {
  for (const Domain& domain : options_.domains) {
    if (account.domain != domain.name && (domain.short_name.empty() || account.domain != domain.short_name)) continue;
    account.domain = domain.name;
    return {};
  }
  return fail(Code::unauthenticated, "{} is of no domain that this site trusts", account.full_name());
}

namespace {

// What an account may be called here: nothing that Kerberos reads as a separator, and no computer.
Result<Account> account_of(std::string_view user, const std::vector<Domain>& domains) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  constexpr std::size_t kNameMax = 64;
  if (domains.empty()) return fail(Code::unauthenticated, "no domain is trusted here");
  Account account{domains.front().name, std::string(user), false};
  if (const auto slash = user.find('\\'); slash != std::string_view::npos) {
    account = {upper(user.substr(0, slash)), std::string(user.substr(slash + 1)), false};
  } else if (const auto at = user.rfind('@'); at != std::string_view::npos) {
    account = {upper(user.substr(at + 1)), std::string(user.substr(0, at)), false};
  }
  if (account.name.empty() || account.name.size() > kNameMax || account.name.find_first_not_of(kAllowed) != std::string::npos)
    return fail(Code::unauthenticated, "not the name of a user");
  return account;
}

Error login_error(OM_uint32 major, OM_uint32 minor) {
  const auto code = static_cast<krb5_error_code>(minor);
  const bool nobody = code == KRB5_KDC_UNREACH || code == KRB5_REALM_CANT_RESOLVE || code == KRB5_REALM_UNKNOWN;
  return {nobody ? Code::unavailable : Code::unauthenticated, explain(major, minor, &g_kerberos)};
}

struct SecurityContext {
  gss_ctx_id_t value = GSS_C_NO_CONTEXT;
  SecurityContext() = default;
  ~SecurityContext() {
    OM_uint32 minor = 0;
    if (value != GSS_C_NO_CONTEXT) (void)gss_delete_sec_context(&minor, &value, GSS_C_NO_BUFFER);
  }
  SecurityContext(const SecurityContext&) = delete;
  SecurityContext& operator=(const SecurityContext&) = delete;
};

}  // namespace

Result<Account> WindowsLogins::verify_password(std::string_view user, const std::string& password) const {
  if (options_.keytab.empty()) return fail(Code::unauthenticated, "without a keytab no password is verified");
  FP_TRY(wanted, account_of(user, options_.domains));
  FP_CHECK(canonical(wanted));
  std::string principal = wanted.full_name(), secret = password;
  gss_buffer_desc text{principal.size(), principal.data()}, secret_buffer{secret.size(), secret.data()};
  OM_uint32 minor = 0;
  Name name, self, seen;
  OM_uint32 major = gss_import_name(&minor, &text, GSS_C_NT_USER_NAME, &name.value);
  if (GSS_ERROR(major) != 0) return std::unexpected(login_error(major, minor));
  Credential server, client;
  FP_CHECK(acquire(g_kerberos, server));
  // The server is called as the keytab calls it.
  major = gss_inquire_cred(&minor, server.value, &self.value, nullptr, nullptr, nullptr);
  if (GSS_ERROR(major) != 0 || self.value == GSS_C_NO_NAME) return fail(Code::unauthenticated, "the keytab {} names no service", options_.keytab.native());
  gss_OID_set_desc mechanisms{1, &g_kerberos};
  major = gss_acquire_cred_with_password(&minor, name.value, &secret_buffer, GSS_C_INDEFINITE, &mechanisms, GSS_C_INITIATE, &client.value, nullptr, nullptr);
  if (GSS_ERROR(major) != 0) return std::unexpected(login_error(major, minor));
  SecurityContext asking, opening;
  Buffer token, reply;
  major = gss_init_sec_context(&minor, client.value, &asking.value, self.value, &g_kerberos, 0, 0, GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER,
                               nullptr, &token, nullptr, nullptr);
  if (GSS_ERROR(major) != 0) return std::unexpected(login_error(major, minor));
  major = gss_accept_sec_context(&minor, &opening.value, server.value, &token, GSS_C_NO_CHANNEL_BINDINGS, &seen.value, nullptr, &reply, nullptr,
                                 nullptr, nullptr);
  if (GSS_ERROR(major) != 0) return std::unexpected(login_error(major, minor));
  Buffer shown;
  if (GSS_ERROR(gss_display_name(&minor, seen.value, &shown, nullptr)) != 0) return fail(Code::unauthenticated, "the account has no name");
  auto account = wire::parse_kerberos_name(shown.text());
  if (!account) return fail(Code::unauthenticated, "{}", account.error().message);
  FP_CHECK(canonical(*account));
  if (account->computer) return fail(Code::unauthenticated, "{} is a computer, not a user", account->full_name());
  return account;
}

}  // namespace fp::directory
