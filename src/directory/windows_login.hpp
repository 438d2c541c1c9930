// The acceptor of Windows logins: Negotiate (SPNEGO with Kerberos or NTLM inside) and raw NTLM, over MIT's GSSAPI (wire.md §15,
// protocols.md §5). open() once, before other threads start: it sets the environment that the NTLM mechanism reads. begin() on any
// thread; a WindowsLogin is one conversation on one connection, one step at a time. A step costs a few symmetric operations and
// reads of small files (keytab, replay cache, accounts); with winbind it asks a domain controller and may take seconds, so it
// runs on the worker pool. Never: keeps a password, logs a token, or believes an account of a domain that is not listed.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "model/account.hpp"
#include "wire/windows_login.hpp"

namespace fp::directory {

// "CORP.EXAMPLE=CORP": the realm, which Kerberos says, and the short name, which NTLM says. The first is what accounts are called by.
struct Domain {
  std::string name, short_name;  // upper case; short_name may be empty
};
[[nodiscard]] Result<Domain> parse_domain(std::string_view text);

struct LoginOptions {
  Path keytab;          // keys of HTTP/<each name of this server>; empty: no Kerberos
  Path replay_cache;    // file; made where it is not there
  Path ntlm_accounts;   // lines DOMAIN:user:password; empty: none
  bool ntlm_winbind = false;
  bool require_binding = true;  // over TLS: who does not bind a login to the channel is refused
  std::vector<Domain> domains;  // whose accounts are accepted
};

struct LoggedIn {
  Account account;
  std::string mechanism;  // "Kerberos", "NTLM"
  bool bound = false;     // to the TLS channel
  Instant until;          // end of the ticket, or of what a login lasts
};

struct LoginStep {
  std::string reply;                // for the client; may be empty
  std::optional<LoggedIn> account;  // the login is complete
};

class WindowsLogins;

class WindowsLogin {
 public:
  ~WindowsLogin();
  WindowsLogin(const WindowsLogin&) = delete;
  WindowsLogin& operator=(const WindowsLogin&) = delete;
  // Code::unauthenticated: refused, with the reason; the conversation is over.
  [[nodiscard]] Result<LoginStep> step(std::string_view token);
  [[nodiscard]] wire::LoginScheme scheme() const { return scheme_; }

 private:
  friend class WindowsLogins;
  struct Parts;
  WindowsLogin(const WindowsLogins& owner, wire::LoginScheme scheme, std::string_view server_end_point, bool tls);
  [[nodiscard]] Result<LoggedIn> finish();

  const WindowsLogins& owner_;
  const wire::LoginScheme scheme_;
  const std::string binding_;  // what a client of this channel binds to; empty without TLS
  const Instant begun_;
  int steps_ = 0;
  std::unique_ptr<Parts> parts_;
};

class WindowsLogins {
 public:
  // Code::invalid: nothing to log in with. Where a mechanism cannot be used (no NTLM plug-in on this machine, say) it says so in
  // the log, and logins that want it are refused.
  [[nodiscard]] static Result<std::unique_ptr<WindowsLogins>> open(LoginOptions options, const Clock& clock);

  // Whether the password is that of the account, by Kerberos: a ticket for this server itself is asked for with it and opened with the
  // keytab, so that no false domain controller is believed. `user`: "alice@CORP.EXAMPLE", "CORP\alice", or "alice" of the first domain.
  // Asks a domain controller and may take many seconds. Code::unauthenticated with the reason; Code::unavailable: none answers.
  [[nodiscard]] Result<Account> verify_password(std::string_view user, const std::string& password) const;

  [[nodiscard]] bool offers(wire::LoginScheme scheme) const;
  // `server_end_point`: the hash of our certificate by RFC 5929. Code::unavailable: too many at once; Code::unauthenticated: not
  // offered.
  [[nodiscard]] Result<std::unique_ptr<WindowsLogin>> begin(wire::LoginScheme scheme, std::string_view server_end_point, bool tls) const;

 private:
  friend class WindowsLogin;
  WindowsLogins(LoginOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}
  [[nodiscard]] bool ntlm() const { return !options_.ntlm_accounts.empty() || options_.ntlm_winbind; }
  [[nodiscard]] Status canonical(Account& account) const;

  const LoginOptions options_;
  const Clock& clock_;
  mutable std::atomic<int> running_{0};
};

}  // namespace fp::directory
