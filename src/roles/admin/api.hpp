// The administrator's REST API under /admin/v1/ (api/admin.openapi.yaml): who asks, may they, then the store. JSON in and out.
// Any thread, any number at once. Every change is one transaction with its policy and its audit line. Never: an answer with
// a secret in it, except a new administrator's token, once; a change without an audit line; work longer than a request
// (distribution and validation are orders that others carry out).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "model/content.hpp"
#include "net/http.hpp"
#include "site/client_bundle.hpp"
#include "site/collections.hpp"
#include "site/policy_maker.hpp"
#include "site/wake_up.hpp"
#include "store/store.hpp"
#include "wire/gateway.hpp"

namespace fp::admin {

struct Settings {
  std::string site_code;
  Path staging;  // uploads of content sources
  bool use_pki_client_certificate = true;
  std::string own_point;  // name of this server's own management point, as its configuration has it
  bool dual_clients = false;  // the site has a door for the internet: pushed clients are made for both places
  bool gateway_traffic = false;  // gateways may pass clients' requests on to this site
  internet::WakeSend wake = internet::WakeSend::subnet_broadcast;
};

// What a web proxy in front of this site has to know of its configuration.
struct Publishing {
  std::string host;                    // by which the proxy reaches this host
  int port = 0;                        // of the internet listener; 0: none
  int proxy_protocol_port = 0;         // of one that reads PROXY headers; 0: none
  std::vector<std::string> issuers;    // PEM: who may issue client certificates
  std::vector<std::string> lists;      // PEM: revocation lists that are current
  std::vector<std::string> issuers_without_list;  // by name
};

// The site in the directory of a domain, as it was when it was looked at last.
struct DirectoryState {
  bool enabled = false;
  std::string domain;                         // empty: not configured
  std::string container, controller, account; // where, by whom, as whom
  std::vector<std::string> objects;           // names of what is published there
  Instant published_at, tried_at;             // 0: never
  std::string problem;                        // of the last attempt; empty: it went well
  std::int64_t attempts = 0;                  // since the site server runs
};

// Bundles, client push and wake-up packets: what the site server itself does.
struct ClientHooks {
  std::function<Result<site::ClientBundle>(const site::BundleOrder& order)> bundle;
  std::function<Result<internet::Verdict>(const std::string& host)> may_push;
  std::function<Status(const ClientPush& push, bool has_key)> check_logon;
  std::function<Status(const std::string& id, std::string_view pem)> keep_key;  // of an order, in a file
  std::function<void(const std::string& id)> forget_secrets;
  std::function<void()> push_wanted;  // an order is due
  std::function<Status(const site::WakePlan& plan)> wake;
};

// The software update point of this site; unset where it has none.
struct UpdateHooks {
  std::function<void()> sync_wanted;
  // The update's file from its vendor, size and SHA-256 verified, alone in a new folder. The caller removes the folder.
  std::function<Result<Path>(const SoftwareUpdate& update)> fetch;
};

// What other roles do; handed in by the program.
struct Hooks {
  // Adds a folder to the site's library as this content id; the files of the folder are read once.
  std::function<Result<Manifest>(const std::string& content_id, const Path& source)> add_content;
  std::function<void()> distribution_wanted;  // there are new orders
  std::function<void()> fallback_wanted;      // there is a new fallback status point
  std::function<void()> peers_changed;        // somebody was blocked or unblocked
  std::function<Status(const std::string& dp)> validate;
  std::function<Publishing()> publishing;
  std::function<std::string()> metrics;       // Prometheus text format
  std::function<void()> links_changed;        // management points of other hosts; may be unset, as the next
  std::function<std::map<std::string, std::string>()> link_states;  // by name, for people
  std::function<Result<wire::GatewayStatus>(const std::string& name)> gateway_status;  // asks it over the site link
  ClientHooks clients;
  std::function<DirectoryState()> directory;
  std::function<void()> directory_wanted;     // publish now
  UpdateHooks updates;
};

struct RouteInfo {
  std::string_view method, pattern;  // "GET", "/devices/{id}"
};

class AdminApi {
 public:
  AdminApi(store::Store& store, const Clock& clock, Random& random, const site::PolicyMaker& policies,
           Settings settings, Hooks hooks);
  ~AdminApi();
  [[nodiscard]] net::Response handle(net::Request& request);
  [[nodiscard]] static std::size_t body_limit(const net::Request& head);
  [[nodiscard]] static std::vector<RouteInfo> routes();  // for the check against the OpenAPI document

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fp::admin
