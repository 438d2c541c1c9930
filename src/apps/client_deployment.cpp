#include "apps/client_deployment.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>

#include "apps/setup.hpp"
#include "base/log.hpp"
#include "pki/authority.hpp"
#include "roles/intranet/wake_sender.hpp"
#include "site/keys.hpp"

namespace fp::apps {
namespace {

constexpr std::size_t kPemBytesMax = 4U << 20;
constexpr std::int64_t kCertificateDays = 365;

Result<std::vector<std::string>> resolve(const std::string& host) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  if (const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found); failed != 0)
    return fail(Code::not_found, "{}", ::gai_strerror(failed));
  std::vector<std::string> out;
  for (const auto* a = found; a; a = a->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) out.emplace_back(text);
  }
  ::freeaddrinfo(found);
  return out;
}

// The door of that kind which clients will use; the encrypted one where there are two.
std::optional<site::BundleDoor> door_of(const SiteConfig& config, bool internet) {
  const std::string& host = internet ? config.internet_fqdn : config.intranet_fqdn;
  const bool offered = config.mp_enabled && config.mp_connections != (internet ? Connections::intranet : Connections::internet);
  if (host.empty() || !offered) return {};
  const ListenerConfig* best = nullptr;
  for (const auto& l : config.listeners)
    if ((l.door == Door::internet_https) == internet && (!best || best->door == Door::intranet_http)) best = &l;
  if (!best) return {};
  site::BundleDoor door{host, best->port, best->door != Door::intranet_http, {}};
  if (door.https)
    if (const auto pem = read_file(best->certificate, kPemBytesMax))
      if (auto chain = pki::Certificate::chain_from_pem(*pem)) door.chain = std::move(*chain);
  return door;
}

Status add_roots(const Path& file, std::vector<pki::Certificate>& roots) {
  FP_TRY(pem, read_file(file, kPemBytesMax));
  FP_TRY(all, pki::Certificate::chain_from_pem(pem));
  for (auto& c : all)
    if (c.self_signed() && std::ranges::find(roots, c) == roots.end()) roots.push_back(std::move(c));
  return {};
}

Result<std::vector<site::ArchiveFile>> issue(const Path& folder, const std::string& name, const Clock& clock, Random& random) {
  FP_TRY(authority, pki::CertificateAuthority::open(folder, clock, random));
  pki::Order order;
  order.profile = pki::Profile::client;
  order.common_name = name;
  order.dns_names = {name};
  order.not_before = clock.now().plus_s(-300);
  order.not_after = clock.now().plus_s(kCertificateDays * 86400);
  FP_TRY(identity, authority.issue_with_new_key(order));
  FP_TRY(key, identity.key.to_pem());
  const auto stem = name.substr(0, name.find('.'));
  return std::vector<site::ArchiveFile>{{stem + ".pem", 0600, authority.chain_pem(identity.certificate)}, {stem + ".key", 0600, key}};
}

}  // namespace

ClientDeployment::ClientDeployment(const SiteConfig& config, store::Store& store, const Clock& clock, Random& random)
    : config_(config), clock_(clock), random_(random), runner_(clock),
      wake_ups_(store, config.wake_unicast ? internet::WakeSend::unicast : internet::WakeSend::subnet_broadcast,
                [port = config.wake_port](const internet::WakeTarget& target, std::string_view packet) {
                  return intranet::send_wake_up(target, port, packet);
                }),
      pushes_(clock), wakes_(clock) {}

Result<std::unique_ptr<ClientDeployment>> ClientDeployment::open(const SiteConfig& config, store::Store& store, const Clock& clock,
                                                                 Random& random) {
  std::unique_ptr<ClientDeployment> made(new ClientDeployment(config, store, clock, random));
  intranet::PushSettings settings;
  settings.folder = config.data / "push";
  settings.key = config.push_key;
  settings.keytab = config.push_keytab;
  settings.site_code = config.site_code;
  made->pusher_ = std::make_unique<intranet::ClientPusher>(
      store, clock, made->runner_, std::move(settings), [self = made.get()](const site::BundleOrder& order) { return self->bundle(order); }, resolve);
  FP_CHECK(made->pusher_->resume());
  return made;
}

void ClientDeployment::start() {
  pushes_.add("client push", 5000, [this] {
    const auto done = pusher_->run_once(stopping_);
    if (!done) log::error("client-push", "{}", done.error().message);
  });
  wakes_.add("wake-up", 10'000, [this] {
    const auto done = wake_ups_.run_once(clock_.now(), [this] { return stopping_.load(); });
    if (!done) log::error("wake-on-lan", "{}", done.error().message);
    else if (*done > 0) log::info("wake-on-lan", "{} devices were sent wake-up packets", *done);
  });
  pushes_.start();
  wakes_.start();
}

void ClientDeployment::stop() {
  stopping_ = true;
  pushes_.stop();
  wakes_.stop();
}

Result<site::BundleSource> ClientDeployment::source() const {
  site::BundleSource out;
  out.site_code = config_.site_code;
  out.internet = door_of(config_, true);
  out.intranet = door_of(config_, false);
  const Path authority = authority_of(config_.data);
  if (file_exists(authority / "root.pem")) FP_CHECK(add_roots(authority / "root.pem", out.roots));
  for (const auto& file : config_.issuers) FP_CHECK(add_roots(file, out.roots));
  FP_TRY(keys, site::open_site_keys(keys_of(config_.data)));
  out.signing_fits = keys.signing_certificate.public_key() == keys.signing.public_key();
  out.signing = std::move(keys.signing_certificate);
  out.package_folders = {config_.client_files.empty() ? client_files_of(config_.data) : config_.client_files};
  out.resolve = resolve;
  if (file_exists(authority / "issuing.key"))
    out.issue = [this, authority](const std::string& name) { return issue(authority, name, clock_, random_); };
  return out;
}

Result<site::ClientBundle> ClientDeployment::bundle(const site::BundleOrder& order) const {
  FP_TRY(from, source());
  return site::make_client_bundle(from, order, clock_.now());
}

internet::WakeSend ClientDeployment::wake_send() const { return wake_ups_.how(); }

admin::ClientHooks ClientDeployment::hooks() {
  admin::ClientHooks out;
  out.bundle = [this](const site::BundleOrder& order) { return bundle(order); };
  out.may_push = [this](const std::string& host) { return pusher_->verdict(host); };
  out.check_logon = [this](const ClientPush& push, bool has_key) { return pusher_->check_logon(push, has_key); };
  out.keep_key = [this](const std::string& id, std::string_view pem) { return pusher_->keep_key(id, pem); };
  out.forget_secrets = [this](const std::string& id) { pusher_->forget_secrets(id); };
  out.push_wanted = [this] { pushes_.wake(); };
  out.wake = [this](const site::WakePlan& plan) { return wake_ups_.send(plan); };
  return out;
}

}  // namespace fp::apps
