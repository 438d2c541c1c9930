// Carries client pushes out: makes the bundle for the host, brings it over SSH and runs its script there (domain.md §24). One
// background thread calls run_once(); ordering and cancelling come from any thread and touch the store and the key files only. One
// attempt at a time, bounded by kAttemptMs. OpenSSH's client does the talking, without any configuration of this machine.
// Never: a key or a bundle in a command line, a log or the store; a connection to a host that may_push() refuses.
#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "domain/internet/client_push.hpp"
#include "packages/runner.hpp"
#include "site/client_bundle.hpp"
#include "store/store.hpp"

namespace fp::intranet {

struct PushSettings {
  Path folder;                              // keys, hosts that are known, bundles on their way; 0700
  std::string site_code;                    // whose boundaries say where the intranet is
  Path key;                                 // of the site, for orders without one of their own; empty: none
  Path keytab;                              // for Kerberos; empty: none
};

class ClientPusher {
 public:
  using MakeBundle = std::function<Result<site::ClientBundle>(const site::BundleOrder& order)>;
  using Resolve = std::function<Result<std::vector<std::string>>(const std::string& host)>;
  static constexpr std::int64_t kAttemptMs = 10 * 60'000;

  ClientPusher(store::Store& store, const Clock& clock, packages::Runner& runner, PushSettings settings, MakeBundle make, Resolve resolve)
      : store_(store), clock_(clock), runner_(runner), settings_(std::move(settings)), make_(std::move(make)), resolve_(std::move(resolve)) {}

  // May this host be pushed to now? The site's device of that name is looked for.
  [[nodiscard]] Result<internet::Verdict> verdict(const std::string& host);
  // The order can be carried out as far as this host knows: there is a key, or a keytab. Code::invalid.
  [[nodiscard]] Status check_logon(const ClientPush& push, bool has_key) const;
  // Keeps the key (PEM) of an order until it is at its end; Code::invalid: no private key, or one with a password.
  [[nodiscard]] Status keep_key(const std::string& id, std::string_view pem);
  // What was kept for an order: its key, the certificate that was issued for its host.
  void forget_secrets(const std::string& id);

  // At start: orders that were being worked on when the server stopped wait again.
  [[nodiscard]] Status resume();
  // Every order that is due. Returns how many attempts were made.
  [[nodiscard]] Result<int> run_once(const std::atomic<bool>& stop);

 private:
  [[nodiscard]] Result<bool> attempt(ClientPush push, const std::atomic<bool>& stop);
  [[nodiscard]] Result<std::string> try_it(const ClientPush& push, const std::atomic<bool>& stop);
  [[nodiscard]] Result<site::ClientBundle> bundle_of(const ClientPush& push);
  [[nodiscard]] Status run(const ClientPush& push, const Path& input, const std::string& what, const std::atomic<bool>& stop);
  [[nodiscard]] std::vector<std::string> ssh(const ClientPush& push) const;
  [[nodiscard]] Path key_of(const std::string& id) const { return settings_.folder / (id + ".key"); }
  [[nodiscard]] Path issued_of(const std::string& id) const { return settings_.folder / (id + ".issued"); }

  store::Store& store_;
  const Clock& clock_;
  packages::Runner& runner_;
  PushSettings settings_;
  MakeBundle make_;
  Resolve resolve_;
};

}  // namespace fp::intranet
